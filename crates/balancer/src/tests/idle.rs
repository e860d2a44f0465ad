//! Connections on which nothing happens, which wait together.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fixture::{DEADLINE, World, echo, group, header, read_answer, status, until};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

impl World {
    /// Waits until so many connections wait together.
    async fn idle(&self, count: usize) {
        until(|| (self.balancer.idle_connections() == count).then_some(())).await;
    }

    /// A connection that has had an answer.
    async fn served(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        assert_eq!(ask(&mut stream, REQUEST).await, 200);
        stream
    }
}

async fn ask(stream: &mut TcpStream, request: &[u8]) -> u16 {
    stream.write_all(request).await.expect("sent");
    status(&read_answer(stream).await)
}

/// Waits until the other side has ended the connection.
async fn ended(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let reading = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut rest));
    reading.await.expect("it ends in time").expect("it ends in order");
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn an_idle_connection_is_served_again_and_again() {
    let world = World::with_group(group("g", &[echo("one").await])).await;
    // one has said nothing yet
    let mut fresh = TcpStream::connect(world.address).await.expect("a connection");
    let mut streams = [world.served().await, world.served().await];
    world.idle(3).await;
    for _ in 0..2 {
        assert_eq!(ask(&mut streams[0], REQUEST).await, 200);
        world.idle(3).await;
    }
    // what is not plain goes the other way
    let body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(ask(&mut streams[1], body).await, 200);
    assert_eq!(ask(&mut fresh, REQUEST).await, 200);
    world.idle(2).await;
}

#[tokio::test]
async fn more_than_are_woken_at_one_time_are_woken() {
    const MANY: usize = 150;
    let world = World::with_group(group("g", &[echo("one").await])).await;
    let mut streams = Vec::new();
    for _ in 0..MANY {
        streams.push(world.served().await);
    }
    world.idle(MANY).await;
    for stream in &mut streams {
        stream.write_all(REQUEST).await.expect("sent");
    }
    for stream in &mut streams {
        assert_eq!(status(&read_answer(stream).await), 200);
    }
}

#[tokio::test]
async fn a_client_that_ends_an_idle_connection_is_forgotten() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world.change(|it| it.limits.connections = 1).await;
    let stream = world.served().await;
    world.idle(1).await;
    drop(stream);
    world.idle(0).await;
    // and counted out
    until(|| (world.balancer.connections() == 0).then_some(())).await;
    world.served().await;
}

#[tokio::test]
async fn an_idle_connection_ends_after_the_idle_time() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world.change(|it| it.idle_timeout = Duration::from_secs(60)).await;
    let mut patient = world.served().await;
    world.idle(1).await;
    // sooner than those that wait already
    world
        .change(|it| it.idle_timeout = Duration::from_millis(600))
        .await;
    let mut stream = world.served().await;
    world.idle(2).await;
    ended(&mut stream).await;
    world.idle(1).await;
    assert_eq!(ask(&mut patient, REQUEST).await, 200);
}

#[tokio::test]
async fn idle_connections_end_at_once_with_their_listener() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let mut stream = world.served().await;
    world.idle(1).await;
    world.plan.listeners.clear();
    world.apply().await;
    ended(&mut stream).await;
    assert_eq!(world.balancer.idle_connections(), 0);
}

#[tokio::test]
async fn an_idle_connection_that_has_lived_as_long_as_it_may_has_one_more_answer() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world
        .change(|it| it.client_keep_alive = Duration::from_millis(100))
        .await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    world.idle(1).await;
    stream.write_all(REQUEST).await.expect("sent");
    let answer = read_answer(&mut stream).await;
    assert_eq!(header(&answer, "connection").as_deref(), Some("close"));
    ended(&mut stream).await;
}

#[tokio::test]
async fn a_balancer_that_leaves_wakes_idle_connections_still() {
    let world = World::with_group(group("g", &[echo("one").await])).await;
    let mut stream = world.served().await;
    world.idle(1).await;
    let leaving = tokio::spawn(world.balancer.leave());
    // it accepts no more as soon as it leaves
    until(|| std::net::TcpStream::connect(world.address).is_err().then_some(())).await;
    stream.write_all(REQUEST).await.expect("sent");
    let answer = read_answer(&mut stream).await;
    assert_eq!(header(&answer, "connection").as_deref(), Some("close"));
    let left = tokio::time::timeout(DEADLINE, leaving).await;
    left.expect("nothing is in flight any more").expect("no panic");
}
