//! Where connections and flows of network load balancers go: by their client, by zone, and when no target is healthy.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use domain::listener::Protocol;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

use super::fixture::{
    DEADLINE, PORT, World, body, closed, echo, forward_to, group, header, own_address, quick_check, raw,
    target,
};
use super::network::{ask, name_from, named, network};
use super::zones::in_two_zones;
use crate::health::machine::{Failure, Health};
use crate::plan::{CheckKind, GroupPlan, Stickiness, TargetPlan};

/// Which target a client of that address is led to.
async fn name_for(client: IpAddr, address: SocketAddr) -> String {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((client, 0).into()).expect("bound");
    let mut stream = socket.connect(address).await.expect("a connection");
    let mut name = [0; 3];
    let read = tokio::time::timeout(DEADLINE, stream.read_exact(&mut name));
    read.await.expect("in time").expect("a name");
    String::from_utf8_lossy(&name).into_owned()
}

#[tokio::test]
async fn a_client_stays_with_its_target_if_it_shall() {
    let targets = [named("one").await, named("two").await];
    let world = network(Protocol::Tcp, &targets, |it| {
        it.stickiness = Stickiness::SourceIp;
    })
    .await;
    let mut met = BTreeSet::new();
    // One of 2^32 runs may find all clients at one target.
    for _ in 0..32 {
        let client = own_address();
        let first = name_for(client, world.address).await;
        for _ in 0..4 {
            assert_eq!(name_for(client, world.address).await, first, "{client}");
        }
        met.insert(first);
    }
    assert_eq!(met.len(), 2, "clients share the targets");
}

#[tokio::test]
async fn when_no_target_is_healthy_all_get_connections() {
    let (one, two) = (named("one").await, named("two").await);
    let closed = closed().await.port();
    let mut world = network(Protocol::Tcp, &[one, two], |it| {
        it.stickiness = Stickiness::Off;
        it.ends_unhealthy_connections = false;
        let mut check = quick_check(CheckKind::Tcp);
        check.port = Some(closed);
        it.health_check = Some(check);
    })
    .await;
    for it in [one, two] {
        world.health_of(it, Health::Unhealthy(Failure::Connection)).await;
    }
    let mut met = BTreeSet::new();
    for _ in 0..40 {
        met.insert(name_from(world.address).await.0);
    }
    assert_eq!(met.len(), 2, "{met:?}");
}

/// A load balancer of two nodes with a target in the zone of each. Gives the address of each node.
async fn with_target_in_each(
    protocol: Protocol,
    targets: [SocketAddr; 2],
    plan: GroupPlan,
) -> (World, [SocketAddr; 2]) {
    let (mut world, second) = in_two_zones();
    let zones = ["us-east-1a", "us-east-1b"];
    let placed = targets.into_iter().zip(zones).map(|(address, zone)| TargetPlan {
        zone: Some(zone.into()),
        ..target(address)
    });
    let plan = GroupPlan {
        targets: placed.collect(),
        ..plan
    };
    world
        .plan
        .listeners
        .push(world.listener(protocol, forward_to(&plan)));
    world.plan.groups.push(plan);
    world.apply().await;
    let nodes = [world.address, SocketAddr::new(second, PORT)];
    (world, nodes)
}

/// Whether each node keeps to the target of its zone.
async fn expect_zones(nodes: [SocketAddr; 2], are_zonal: bool, protocol: Protocol) {
    for (node, own) in nodes.into_iter().zip(["one", "two"]) {
        let mut met = BTreeSet::new();
        // So often that another one would be met.
        for _ in 0..40 {
            met.insert(match protocol {
                Protocol::Http => {
                    let answer = raw(node, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
                    header(body(&answer), "name").expect("a name")
                }
                _ => name_from(node).await.0,
            });
        }
        let expected = match are_zonal {
            true => BTreeSet::from([own.to_owned()]),
            false => BTreeSet::from(["one".to_owned(), "two".to_owned()]),
        };
        assert_eq!(met, expected, "{node} by {protocol:?}");
    }
}

#[tokio::test]
async fn nodes_use_targets_of_their_zone_or_of_all_zones() {
    for protocol in [Protocol::Http, Protocol::Tcp] {
        let (targets, mut plan) = match protocol {
            Protocol::Http => ([echo("one").await, echo("two").await], group("g", &[])),
            _ => (
                [named("one").await, named("two").await],
                GroupPlan::new("g", protocol),
            ),
        };
        plan.stickiness = Stickiness::Off;
        let (mut world, nodes) = with_target_in_each(protocol, targets, plan).await;
        for (of_load_balancer, of_group, are_zonal) in [
            (true, None, false),
            (false, None, true),
            (false, Some(true), false),
            (true, Some(false), true),
        ] {
            world.plan.groups[0].cross_zone = of_group;
            world.change(|it| it.cross_zone = of_load_balancer).await;
            expect_zones(nodes, are_zonal, protocol).await;
        }
    }
}

#[tokio::test]
async fn one_listener_takes_connections_and_datagrams() {
    let connections = TcpListener::bind((own_address(), 0)).await.expect("a socket");
    let address = connections.local_addr().expect("an address");
    let datagrams = UdpSocket::bind(address).await.expect("a socket");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = connections.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"tcp").await;
        }
    });
    tokio::spawn(async move {
        while let Ok((_, peer)) = datagrams.recv_from(&mut [0; 16]).await {
            let _ = datagrams.send_to(b"udp", peer).await;
        }
    });
    let world = network(Protocol::TcpUdp, &[address], |_| {}).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let mut answer = [0; 3];
    let read = tokio::time::timeout(DEADLINE, stream.read_exact(&mut answer));
    read.await.expect("in time").expect("an answer");
    assert_eq!(&answer, b"tcp");
    let socket = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
    assert_eq!(ask(&socket, world.address, "who").await, "udp");
}
