//! WebSocket through the balancer.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::fixture::{DEADLINE, World, group, raw_target, read_answer, read_head, status};
use crate::plan::Registration;
use crate::report::Report;

async fn socket_echo() -> std::net::SocketAddr {
    raw_target(|stream| async move {
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() || socket.send(message).await.is_err() {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn web_sockets_pass_both_ways_and_count_as_in_flight() {
    let target = socket_echo().await;
    let mut world = World::with_group(group("g", &[target])).await;
    let stream = TcpStream::connect(world.address).await.expect("a connection");
    let connecting = tokio_tungstenite::client_async("ws://a.example/socket", stream);
    let (mut socket, _) = connecting.await.expect("a web socket");
    for length in [1, 125, 70_000] {
        let message = Message::binary(vec![7; length]);
        socket.send(message.clone()).await.expect("sent");
        let answer = tokio::time::timeout(DEADLINE, socket.next())
            .await
            .expect("in time");
        assert_eq!(answer.expect("a message").expect("whole"), message);
    }
    world.plan.groups[0].targets[0].registration = Registration::Draining;
    world.apply().await;
    socket.send(Message::text("still there")).await.expect("sent");
    let answer = tokio::time::timeout(DEADLINE, socket.next())
        .await
        .expect("in time");
    assert_eq!(
        answer.expect("a message").expect("whole"),
        Message::text("still there")
    );
    assert!(
        !world
            .seen
            .iter()
            .any(|it| matches!(it, Report::TargetIdle { .. }))
    );
    drop(socket);
    world.report(|it| matches!(it, Report::TargetIdle { .. })).await;
}

#[tokio::test]
async fn a_silent_tunnel_ends() {
    let target = socket_echo().await;
    let mut world = World::with_group(group("g", &[target])).await;
    world.change(|it| it.idle_timeout = Duration::from_secs(1)).await;
    let stream = TcpStream::connect(world.address).await.expect("a connection");
    let (mut socket, _) = tokio_tungstenite::client_async("ws://a/", stream)
        .await
        .expect("a web socket");
    let end = tokio::time::timeout(DEADLINE, socket.next())
        .await
        .expect("it ends");
    assert!(end.is_none_or(|it| it.is_err()));
}

#[tokio::test]
async fn a_target_may_decline_and_the_connection_goes_on() {
    let target = raw_target(|mut stream| async move {
        while !read_head(&mut stream).await.is_empty() {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
                .await;
        }
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let ask = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    // what follows the question may not be taken for the other protocol, nor be seen before it is answered
    stream
        .write_all(format!("{ask}{ask}GET / HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
        .await
        .expect("sent");
    for _ in 0..3 {
        assert_eq!(status(&read_answer(&mut stream).await), 200);
    }
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
        .await
        .expect("sent");
    let mut rest = String::new();
    let _ = stream.read_to_string(&mut rest).await;
    assert_eq!(status(&rest), 400, "heads are looked at as before");
}

#[tokio::test]
async fn a_tunnel_ends_when_its_target_is_no_longer_registered() {
    let target = socket_echo().await;
    let mut world = World::with_group(group("g", &[target])).await;
    let stream = TcpStream::connect(world.address).await.expect("a connection");
    let (mut socket, _) = tokio_tungstenite::client_async("ws://a/", stream)
        .await
        .expect("a web socket");
    world.plan.groups[0].targets.clear();
    world.apply().await;
    let end = tokio::time::timeout(DEADLINE, socket.next())
        .await
        .expect("it ends");
    assert!(end.is_none_or(|it| it.is_err()));
}
