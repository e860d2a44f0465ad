//! Load balancers with a node in each of several zones: where their targets see them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use domain::listener::Protocol;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::fixture::{
    DEADLINE, PORT, World, body, forward_to, group, http_check, own_address, quick_check, raw, raw_target,
    target, until,
};
use crate::health::machine::Health;
use crate::plan::{CheckKind, NodeAddress, TargetPlan};

/// One with a second node, in `us-east-1b`.
pub(super) fn in_two_zones() -> (World, IpAddr) {
    let mut world = World::new();
    let ip = own_address();
    let zone = "us-east-1b".into();
    world.load_balancer.addresses.push(NodeAddress { ip, zone });
    (world, ip)
}

/// A target that keeps where its checks came from.
async fn checked() -> (SocketAddr, Arc<Mutex<Vec<IpAddr>>>) {
    let seen: Arc<Mutex<Vec<IpAddr>>> = Arc::default();
    let its = seen.clone();
    let address = raw_target(move |mut stream| {
        its.lock().push(stream.peer_addr().expect("a peer").ip());
        async move {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    })
    .await;
    (address, seen)
}

#[tokio::test]
async fn targets_are_checked_from_their_own_zone() {
    let (mut world, second) = in_two_zones();
    let first = world.address.ip();
    let cases = [
        (Some("us-east-1a"), first),
        (Some("us-east-1b"), second),
        (Some("us-east-1c"), first),
        (None, first),
    ];
    let mut targets = Vec::new();
    let mut plan = group("g", &[]);
    plan.health_check = Some(http_check());
    for (zone, _) in cases {
        let (address, seen) = checked().await;
        plan.targets.push(TargetPlan {
            zone: zone.map(Into::into),
            ..target(address)
        });
        targets.push((address, seen));
    }
    let listener = world.listener(Protocol::Http, forward_to(&plan));
    world.plan.listeners.push(listener);
    world.plan.groups.push(plan);
    world.apply().await;
    for ((address, seen), (zone, wanted)) in targets.into_iter().zip(cases) {
        world.health_of(address, Health::Healthy).await;
        let seen = seen.lock();
        assert!(seen.iter().all(|it| *it == wanted), "zone {zone:?}: {seen:?}");
    }
}

#[tokio::test]
async fn checks_go_on_from_the_node_that_is_left() {
    let (mut world, second) = in_two_zones();
    let (address, seen) = checked().await;
    let mut plan = group("g", &[address]);
    plan.health_check = Some(quick_check(CheckKind::Tcp));
    plan.targets[0].zone = Some("us-east-1b".into());
    let listener = world.listener(Protocol::Http, forward_to(&plan));
    world.plan.listeners.push(listener);
    world.plan.groups.push(plan);
    world.apply().await;
    world.health_of(address, Health::Healthy).await;
    assert!(seen.lock().contains(&second));
    world.change(|it| it.addresses.truncate(1)).await;
    until(|| (*seen.lock().last()? != second).then_some(())).await;
}

#[tokio::test]
async fn connections_come_from_the_node_that_took_them() {
    let (mut world, second) = in_two_zones();
    let nodes = [world.address.ip(), second];
    let target = raw_target(|mut stream| async move {
        let peer = stream.peer_addr().expect("a peer").ip().to_string();
        let _ = stream.read(&mut [0; 1024]).await;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{peer}",
            peer.len()
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    for protocol in [Protocol::Http, Protocol::Tcp] {
        let mut plan = group("g", &[target]);
        plan.protocol = protocol;
        world.plan.listeners = vec![world.listener(protocol, forward_to(&plan))];
        world.plan.groups = vec![plan];
        world.apply().await;
        for node in nodes {
            let answer = raw(
                SocketAddr::new(node, PORT),
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            )
            .await;
            assert_eq!(body(&answer), node.to_string(), "{protocol:?}");
        }
    }
}

#[tokio::test]
async fn many_connections_share_the_ports_of_a_node() {
    let (_, node) = in_two_zones();
    let listeners = [own_address(), own_address()].map(|it| TcpListener::bind((it, 0)));
    let mut kept = Vec::new();
    for listener in listeners {
        let listener = listener.await.expect("a socket");
        let address = listener.local_addr().expect("an address");
        for _ in 0..200 {
            let stream = crate::upstream::connect(crate::upstream::Source::Node(node), address, None).await;
            let crate::upstream::Stream::Plain(stream) = stream.expect("a connection") else {
                panic!("no TLS was asked for");
            };
            assert_eq!(stream.local_addr().expect("an address").ip(), node);
            kept.push((stream, listener.accept().await.expect("its other side")));
        }
    }
    // an address that is not this host's is no reason to fail
    let listener = TcpListener::bind((own_address(), 0)).await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    let elsewhere = "192.0.2.1".parse().expect("an address");
    assert!(
        crate::upstream::connect(crate::upstream::Source::Node(elsewhere), address, None)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn targets_of_datagrams_are_told_once_who_their_client_is() {
    let (mut world, second) = in_two_zones();
    let socket = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
    let mut plan = group("g", &[socket.local_addr().expect("an address")]);
    plan.protocol = Protocol::Udp;
    plan.proxy_protocol = true;
    let listener = world.listener(Protocol::Udp, forward_to(&plan));
    world.plan.listeners.push(listener);
    world.plan.groups.push(plan);
    world.apply().await;
    let client = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
    let from = client.local_addr().expect("an address");
    let IpAddr::V4(ip) = from.ip() else {
        panic!("loopback of IPv4");
    };
    for (text, is_first) in [("one", true), ("two", false)] {
        client
            .send_to(text.as_bytes(), (second, PORT))
            .await
            .expect("sent");
        let mut room = [0; 128];
        let got = tokio::time::timeout(DEADLINE, socket.recv_from(&mut room)).await;
        let (length, peer) = got.expect("in time").expect("a datagram");
        assert_eq!(peer.ip(), second);
        let (header, payload) = room[..length].split_at(length - text.len());
        assert_eq!(payload, text.as_bytes());
        assert_eq!(header.len(), if is_first { 28 } else { 0 });
        if is_first {
            assert_eq!((header[12], header[13]), (0x21, 0x12));
            assert_eq!(header[16..20], ip.octets());
            assert_eq!(header[24..26], from.port().to_be_bytes());
        }
    }
}
