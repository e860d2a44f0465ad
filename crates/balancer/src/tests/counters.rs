//! What proxies of Service Connect count.

use std::net::{IpAddr, SocketAddr};

use domain::served_load_balancer::ServedClientAlias;
use domain::service_connect::{AppProtocol, ServiceConnectMetrics};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fixture::{World, echo, raw, raw_target, read_head, status, until};
use super::service_connect::{alias, answering, get, proxy};

/// What was counted of the only alias, once it is as wanted.
async fn counted(world: &World, is_wanted: impl Fn(&ServiceConnectMetrics) -> bool) -> ServiceConnectMetrics {
    until(|| {
        let all = world.balancer.counted();
        let [(_, metrics)] = all[..] else {
            panic!("one alias: {all:?}")
        };
        is_wanted(&metrics).then_some(metrics)
    })
    .await
}

fn place(alias: &ServedClientAlias) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(alias.address), alias.port)
}

#[tokio::test]
async fn requests_answers_and_connections_are_counted() {
    let (refusing, _) = answering(503).await;
    let (sound, _) = answering(201).await;
    let web = alias(AppProtocol::Http, &[refusing, sound]);
    let world = proxy(std::slice::from_ref(&web)).await;
    let nothing = counted(&world, |_| true).await;
    assert_eq!(nothing, ServiceConnectMetrics::default());
    let mut seen = 0;
    for _ in 0..4 {
        let answer = get(&web).await;
        assert_eq!(status(&answer), 201);
        seen += answer.len();
    }
    let metrics = counted(&world, |it| it.active_connections == 0).await;
    assert_eq!((metrics.new_connections, metrics.requests), (4, 4));
    let [successes, redirects, mistakes, failures] = metrics.target_answers;
    assert_eq!((successes, redirects, mistakes), (4, 0, 0));
    assert!(
        failures > 0,
        "answers after which another target was tried count too"
    );
    assert_eq!(metrics.target_responses, successes + failures);
    assert!(metrics.target_response_microseconds >= metrics.target_response_microseconds_max);
    assert!(metrics.target_response_microseconds_max > 0);
    let asked = "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n".len();
    assert_eq!(metrics.processed_bytes, (4 * asked + seen) as u64);
}

#[tokio::test]
async fn what_the_proxy_answers_itself_is_no_answer_of_a_target() {
    let web = alias(AppProtocol::Http, &[]);
    let world = proxy(std::slice::from_ref(&web)).await;
    assert_eq!(status(&get(&web).await), 503);
    let metrics = counted(&world, |it| it.active_connections == 0).await;
    assert_eq!((metrics.requests, metrics.target_answers), (1, [0; 4]));
    assert_eq!(metrics.target_responses, 0);
}

#[tokio::test]
async fn connections_that_are_open_are_told_from_those_that_were() {
    let held = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            .await;
        let mut room = [0; 5];
        while stream.read_exact(&mut room).await.is_ok() && stream.write_all(&room).await.is_ok() {}
    });
    let web = alias(AppProtocol::Http, &[held.await]);
    let world = proxy(std::slice::from_ref(&web)).await;
    let mut client = TcpStream::connect(place(&web)).await.expect("a connection");
    let ask = b"GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    client.write_all(ask).await.expect("is sent");
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let before = counted(&world, |it| it.processed_bytes >= (ask.len() + head.len()) as u64).await;
    client.write_all(b"hello").await.expect("is sent");
    client.read_exact(&mut [0; 5]).await.expect("comes back");
    let open = counted(&world, |it| it.processed_bytes == before.processed_bytes + 10).await;
    assert_eq!((open.active_connections, open.new_connections), (1, 1));
    drop(client);
    let closed = counted(&world, |it| it.active_connections == 0).await;
    assert_eq!(closed.new_connections, 1);
}

#[tokio::test]
async fn bytes_of_plain_connections_are_counted_both_ways() {
    let greeting = raw_target(|mut stream| async move {
        let mut room = [0; 3];
        let _ = stream.read_exact(&mut room).await;
        let _ = stream.write_all(b"hello").await;
    });
    let bytes = alias(AppProtocol::Tcp, &[greeting.await]);
    let world = proxy(std::slice::from_ref(&bytes)).await;
    assert_eq!(raw(place(&bytes), "abc").await, "hello");
    let metrics = counted(&world, |it| it.active_connections == 0).await;
    assert_eq!((metrics.new_connections, metrics.processed_bytes), (1, 8));
    assert_eq!((metrics.requests, metrics.target_responses), (0, 0));
}

#[tokio::test]
async fn load_balancers_count_nothing() {
    use crate::plan::GroupPlan;
    let group = GroupPlan {
        targets: vec![super::fixture::target(echo("web").await)],
        ..GroupPlan::new("arn:group", domain::listener::Protocol::Http)
    };
    let world = World::with_group(group).await;
    assert_eq!(world.status("/").await, 200);
    assert!(world.balancer.counted().is_empty());
}
