//! Balancers that go on with the sockets of others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::listener::Protocol;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};

use super::fixture::{
    DEADLINE, World, echo, forward_to, group, header, raw, raw_target, read_answer, serve, start, status,
    target,
};
use super::hot_changes::{held, load};
use crate::sockets::InheritedSockets;

impl World {
    /// Another balancer takes over; the one before is left.
    async fn hand_over(&mut self) -> crate::Balancer {
        let sockets = self.balancer.listening().expect("its sockets");
        let (balancer, reports) = start(Arc::new(InheritedSockets::new(sockets)), self.lines.clone());
        self.reports = reports;
        std::mem::replace(&mut self.balancer, balancer)
    }
}

async fn in_time(leaving: impl Future<Output = ()>) {
    tokio::time::timeout(DEADLINE, leaving)
        .await
        .expect("nothing is in flight any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_is_refused_while_balancers_take_over() {
    let mut world = World::with_group(group("g", &[echo("a").await, echo("b").await])).await;
    let stop = Arc::new(AtomicBool::new(false));
    let kept = (0..4).map(|_| tokio::spawn(load(world.address, stop.clone())));
    let fresh = (0..4).map(|_| tokio::spawn(connections(world.address, stop.clone())));
    let loads: Vec<_> = kept.chain(fresh).collect();
    for _ in 0..20 {
        let before = world.hand_over().await;
        // nobody accepts now, or both do: it is the same queue
        world.apply().await;
        in_time(before.leave()).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut done = 0;
    for load in loads {
        let ended = tokio::time::timeout(DEADLINE, load).await;
        let result = ended.expect("it ends").expect("no panic");
        done += result.expect("nothing fails");
    }
    assert!(done > 100, "{done} requests");
}

/// Requests, each on a connection of its own.
async fn connections(address: SocketAddr, stop: Arc<AtomicBool>) -> Result<usize, String> {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let answer = raw(address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        if status(&answer) != 200 {
            return Err(format!("answered {answer:?}"));
        }
        done += 1;
    }
    Ok(done)
}

#[tokio::test]
async fn connections_that_nobody_has_accepted_wait_for_who_comes() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let before = world.hand_over().await;
    in_time(before.leave()).await;
    let mut waiting = TcpStream::connect(world.address)
        .await
        .expect("the socket listens");
    waiting
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("sent");
    world.apply().await;
    assert_eq!(status(&read_answer(&mut waiting).await), 200);
}

#[tokio::test]
async fn who_leaves_ends_what_is_in_flight_and_tells_kept_connections_to_go() {
    let (slow, go, count) = held().await;
    let mut world = World::with_group(group("g", &[slow])).await;
    let mut kept = TcpStream::connect(world.address).await.expect("a connection");
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    kept.write_all(request).await.expect("sent");
    super::fixture::until(|| (count.load(Ordering::SeqCst) == 1).then_some(())).await;
    let before = world.hand_over().await;
    let leaving = tokio::spawn(before.leave());
    world.plan.groups[0].targets = vec![target(echo("new").await)];
    world.apply().await;
    assert!(
        world.get("/").await.contains("name: new"),
        "others are served at once"
    );
    assert!(!leaving.is_finished());
    go.notify_one();
    let answer = read_answer(&mut kept).await;
    assert!(answer.ends_with("done"), "{answer}");
    in_time(async { leaving.await.expect("no panic") }).await;
}

#[tokio::test]
async fn an_idle_connection_has_one_more_answer_of_who_leaves() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let mut kept = TcpStream::connect(world.address).await.expect("a connection");
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    kept.write_all(request).await.expect("sent");
    assert_eq!(header(&read_answer(&mut kept).await, "connection"), None);
    let leaving = tokio::spawn(world.hand_over().await.leave());
    kept.write_all(request).await.expect("sent");
    let answer = read_answer(&mut kept).await;
    let told = header(&answer, "connection");
    // the request may have come before it began to leave, but not the next one
    if told.is_none() {
        kept.write_all(request).await.expect("sent");
        assert_eq!(
            header(&read_answer(&mut kept).await, "connection").as_deref(),
            Some("close")
        );
    }
    in_time(async { leaving.await.expect("no panic") }).await;
}

#[tokio::test]
async fn connections_of_bytes_go_on_until_they_end() {
    let target = raw_target(|mut stream| async move {
        let (mut reader, mut writer) = stream.split();
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
    })
    .await;
    let mut world = World::new();
    let mut plan = group("g", &[target]);
    plan.protocol = Protocol::Tcp;
    let listener = world.listener(Protocol::Tcp, forward_to(&plan));
    world.plan.groups.push(plan);
    world.plan.listeners.push(listener);
    world.apply().await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    says_back(&mut stream, b"before").await;
    let leaving = tokio::spawn(world.hand_over().await.leave());
    world.apply().await;
    says_back(&mut stream, b"while it leaves").await;
    assert!(!leaving.is_finished());
    drop(stream);
    in_time(async { leaving.await.expect("no panic") }).await;
}

async fn says_back(stream: &mut TcpStream, text: &[u8]) {
    use tokio::io::AsyncReadExt as _;
    stream.write_all(text).await.expect("sent");
    let mut answer = vec![0; text.len()];
    let reading = stream.read_exact(&mut answer);
    let read = tokio::time::timeout(DEADLINE, reading).await;
    read.expect("an answer in time").expect("bytes");
    assert_eq!(answer, text);
}

#[tokio::test]
async fn sockets_of_datagrams_are_taken_over() {
    let mut world = World::new();
    let plan = {
        let mut plan = group("g", &[serve(|_| async { http::Response::default() }).await]);
        plan.protocol = Protocol::Udp;
        plan
    };
    let listener = world.listener(Protocol::Udp, forward_to(&plan));
    world.plan.groups.push(plan);
    world.plan.listeners.push(listener);
    world.apply().await;
    let target = UdpSocket::bind(("127.0.0.1", 0)).await.expect("a socket");
    world.plan.groups[0].targets = vec![super::fixture::target(target.local_addr().expect("an address"))];
    let before = world.hand_over().await;
    world.apply().await;
    in_time(before.leave()).await;
    let client = UdpSocket::bind(("127.0.0.1", 0)).await.expect("a socket");
    client.send_to(b"hello", world.address).await.expect("sent");
    let mut room = [0; 16];
    let got = tokio::time::timeout(DEADLINE, target.recv_from(&mut room)).await;
    let (length, _) = got.expect("in time").expect("a datagram");
    assert_eq!(&room[..length], b"hello");
}
