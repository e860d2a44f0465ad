//! Network Load Balancers.

use std::net::SocketAddr;
use std::time::Duration;

use domain::listener::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::fixture::{DEADLINE, World, closed, forward_to, own_address, quick_check, raw_target, target};
use crate::health::machine::{Failure, Health};
use crate::plan::{CheckKind, GroupPlan, Registration, Stickiness};
use crate::report::Report;

pub(super) async fn network(
    protocol: Protocol,
    targets: &[SocketAddr],
    change: impl FnOnce(&mut GroupPlan),
) -> World {
    let mut world = World::new();
    let mut group = GroupPlan::new("g", protocol);
    group.targets = targets.iter().map(|it| target(*it)).collect();
    change(&mut group);
    world
        .plan
        .listeners
        .push(world.listener(protocol, forward_to(&group)));
    world.plan.groups.push(group);
    world.apply().await;
    world
}

/// A target that sends everything back and ends when the client does.
async fn echo() -> SocketAddr {
    raw_target(|mut stream| async move {
        let (mut reading, mut writing) = stream.split();
        let _ = tokio::io::copy(&mut reading, &mut writing).await;
        let _ = writing.shutdown().await;
    })
    .await
}

/// A target that says its name first, then keeps the connection.
pub(super) async fn named(name: &'static str) -> SocketAddr {
    raw_target(move |mut stream| async move {
        let _ = stream.write_all(name.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await
}

pub(super) async fn name_from(address: SocketAddr) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let mut name = [0; 3];
    let read = tokio::time::timeout(DEADLINE, stream.read_exact(&mut name))
        .await
        .expect("in time");
    read.expect("a name");
    (String::from_utf8_lossy(&name).into_owned(), stream)
}

#[tokio::test]
async fn bytes_pass_in_small_and_large_and_both_sides_may_end_alone() {
    let world = network(Protocol::Tcp, &[echo().await], |_| {}).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let mut answer = [0; 5];
    for _ in 0..100 {
        stream.write_all(b"small").await.expect("sent");
        stream.read_exact(&mut answer).await.expect("back");
        assert_eq!(&answer, b"small");
    }
    let large: Vec<u8> = (0..8_000_000u32)
        .map(|it| (it.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let (mut reading, mut writing) = stream.split();
    let mut back = Vec::new();
    let both = async {
        let send = async {
            writing.write_all(&large).await?;
            writing.shutdown().await
        };
        tokio::join!(send, reading.read_to_end(&mut back))
    };
    let (sent, read) = tokio::time::timeout(DEADLINE, both).await.expect("in time");
    sent.expect("sent");
    read.expect("read");
    assert!(back == large, "{} of {} bytes", back.len(), large.len());
}

#[tokio::test]
async fn no_target_resets_and_one_that_refuses_is_passed_over() {
    let world = network(Protocol::Tcp, &[], |_| {}).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let read = tokio::time::timeout(DEADLINE, stream.read(&mut [0; 1]))
        .await
        .expect("in time");
    assert_eq!(
        read.expect_err("a reset").kind(),
        std::io::ErrorKind::ConnectionReset
    );
    let closed = closed().await;
    let world = network(Protocol::Tcp, &[closed, named("one").await], |_| {}).await;
    for _ in 0..8 {
        assert_eq!(name_from(world.address).await.0, "one");
    }
}

#[tokio::test]
async fn targets_are_told_who_their_client_is() {
    let target = raw_target(|mut stream| async move {
        let mut header = [0; 28];
        let _ = stream.read_exact(&mut header).await;
        let _ = stream.write_all(&header).await;
    })
    .await;
    let world = network(Protocol::Tcp, &[target], |it| it.proxy_protocol = true).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let port = stream.local_addr().expect("an address").port();
    let mut header = [0; 28];
    stream.read_exact(&mut header).await.expect("the header");
    assert_eq!(&header[..12], b"\r\n\r\n\0\r\nQUIT\n");
    assert_eq!(header[24..26], port.to_be_bytes());
    assert_eq!(header[26..], world.address.port().to_be_bytes());
}

#[tokio::test]
async fn connections_of_unhealthy_targets_end() {
    let (one, two) = (named("one").await, named("two").await);
    let mut world = network(Protocol::Tcp, &[one, two], |it| it.stickiness = Stickiness::Off).await;
    world.plan.groups[0].health_check = Some(quick_check(CheckKind::Tcp));
    world.apply().await;
    world.health_of(one, Health::Healthy).await;
    let mut held = Vec::new();
    loop {
        let (name, stream) = name_from(world.address).await;
        held.push(stream);
        if name == "one" {
            break;
        }
    }
    let mut stream = held.pop().expect("a connection to one");
    // a check that can only fail
    let mut failing = super::fixture::http_check();
    failing.timeout = Duration::from_millis(50);
    world.plan.groups[0].health_check = Some(failing);
    world.apply().await;
    world.report(|it| {
        matches!(it, Report::TargetHealth { target, health: Health::Unhealthy(Failure::Timeout | Failure::Connection) }
            if target.address == one)
    })
    .await;
    let end = tokio::time::timeout(DEADLINE, stream.read(&mut [0; 1]))
        .await
        .expect("it ends");
    assert!(!matches!(end, Ok(1..)));
}

#[tokio::test]
async fn connections_of_unhealthy_targets_end_after_a_while_if_they_shall() {
    let (one, two) = (echo().await, echo().await);
    let mut world = network(Protocol::Tcp, &[one], |it| {
        it.ends_unhealthy_connections = false;
        it.unhealthy_draining = Duration::from_secs(1);
    })
    .await;
    world.plan.groups[0].health_check = Some(quick_check(CheckKind::Tcp));
    world.apply().await;
    world.health_of(one, Health::Healthy).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let mut answer = [0; 2];
    let mut talk = async || {
        stream.write_all(b"hi").await?;
        stream.read_exact(&mut answer).await
    };
    talk().await.expect("back");
    // a check that can only fail
    let mut failing = super::fixture::http_check();
    failing.timeout = Duration::from_millis(50);
    world.plan.groups[0].targets.push(target(two));
    world.plan.groups[0].health_check = Some(failing);
    world.apply().await;
    let is_draining = |it: &Report| matches!(it, Report::TargetHealth { target, health: Health::UnhealthyDraining(_) } if target.address == one);
    world.report(is_draining).await;
    talk().await.expect("it goes on");
    let is_unhealthy = |it: &Report| matches!(it, Report::TargetHealth { target, health: Health::Unhealthy(_) } if target.address == one);
    world.report(is_unhealthy).await;
    assert!(talk().await.is_err(), "it has ended");
}

#[tokio::test]
async fn a_target_that_recovers_keeps_its_connections() {
    let one = echo().await;
    let mut world = network(Protocol::Tcp, &[one], |it| {
        it.ends_unhealthy_connections = false;
        it.unhealthy_draining = Duration::from_secs(2);
        // as a process that was there before has left it
        it.targets[0].known = Health::UnhealthyDraining(Failure::Timeout);
        // so that what it was is told before what it becomes
        let mut check = quick_check(CheckKind::Tcp);
        check.healthy_threshold = 8;
        it.health_check = Some(check);
    })
    .await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    world
        .report(|it| {
            matches!(
                it,
                Report::TargetHealth {
                    health: Health::UnhealthyDraining(_),
                    ..
                }
            )
        })
        .await;
    world.health_of(one, Health::Healthy).await;
    let members = world.balancer.standing();
    assert!(members.iter().any(|it| matches!(
        it,
        Report::TargetHealth {
            health: Health::Healthy,
            ..
        }
    )));
    let mut answer = [0; 2];
    let end = tokio::time::Instant::now() + Duration::from_millis(2500);
    while tokio::time::Instant::now() < end {
        stream.write_all(b"hi").await.expect("sent");
        stream.read_exact(&mut answer).await.expect("it is not ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn draining_connections_live_on_and_end_with_the_delay_only_if_asked() {
    for ends in [false, true] {
        let change = |it: &mut GroupPlan| it.ends_connections_after_delay = ends;
        let mut world = network(Protocol::Tcp, &[echo().await], change).await;
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        let mut answer = [0; 2];
        for registration in [Registration::Registered, Registration::Draining] {
            world.plan.groups[0].targets[0].registration = registration;
            world.apply().await;
            stream.write_all(b"hi").await.expect("sent");
            stream.read_exact(&mut answer).await.expect("back");
        }
        world.plan.groups[0].targets.clear();
        world.apply().await;
        if !ends {
            stream.write_all(b"hi").await.expect("sent");
            stream.read_exact(&mut answer).await.expect("back");
            continue;
        }
        let end = tokio::time::timeout(DEADLINE, stream.read(&mut answer))
            .await
            .expect("it ends");
        assert!(!matches!(end, Ok(1..)));
    }
}

#[tokio::test]
async fn silent_connections_end() {
    let mut world = network(Protocol::Tcp, &[echo().await], |_| {}).await;
    world.plan.listeners[0].tcp_idle_timeout = Duration::from_millis(100);
    world.apply().await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let end = tokio::time::timeout(DEADLINE, stream.read(&mut [0; 1]))
        .await
        .expect("it ends");
    assert!(!matches!(end, Ok(1..)));
}

async fn datagram_echo() -> SocketAddr {
    let socket = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut room = [0; 2048];
        while let Ok((length, peer)) = socket.recv_from(&mut room).await {
            let reply = format!("{address} {peer} {}", String::from_utf8_lossy(&room[..length]));
            let _ = socket.send_to(reply.as_bytes(), peer).await;
        }
    });
    address
}

/// Sends a datagram until it is answered: they may be lost.
pub(super) async fn ask(socket: &UdpSocket, to: SocketAddr, text: &str) -> String {
    let mut room = [0; 2048];
    let asking = async {
        loop {
            socket.send_to(text.as_bytes(), to).await.expect("sent");
            let answer = tokio::time::timeout(Duration::from_secs(1), socket.recv_from(&mut room)).await;
            if let Ok(Ok((length, _))) = answer {
                return String::from_utf8_lossy(&room[..length]).into_owned();
            }
        }
    };
    tokio::time::timeout(DEADLINE, asking).await.expect("an answer")
}

#[tokio::test]
async fn datagrams_of_a_flow_stay_with_a_target_and_flows_are_bounded() {
    let targets = [datagram_echo().await, datagram_echo().await];
    let mut world = network(Protocol::Udp, &targets, |_| {}).await;
    world.change(|it| it.limits.flows = 3).await;
    let mut sockets = Vec::new();
    for number in 0..3 {
        let socket = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
        let first = ask(&socket, world.address, "same").await;
        let again = ask(&socket, world.address, "same").await;
        assert_eq!(first, again, "flow {number}: target and its peer stay");
        sockets.push(socket);
    }
    let one_more = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
    one_more.send_to(b"x", world.address).await.expect("sent");
    // flows that were there first still are served, the other is not
    ask(&sockets[0], world.address, "still").await;
    assert!(one_more.try_recv(&mut [0; 8]).is_err());
}

/// A target that answers each datagram with the address that it comes from.
async fn who() -> SocketAddr {
    let socket = UdpSocket::bind((own_address(), 0)).await.expect("a socket");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((_, peer)) = socket.recv_from(&mut [0; 16]).await {
            let _ = socket.send_to(peer.to_string().as_bytes(), peer).await;
        }
    });
    address
}

/// The socket of a client, whose port balancers may have too.
fn client_of_two() -> UdpSocket {
    let kind = socket2::Type::DGRAM;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, kind, None).expect("a socket");
    socket.set_reuse_address(true).expect("set");
    socket.set_nonblocking(true).expect("set");
    socket
        .bind(&SocketAddr::new(own_address(), 0).into())
        .expect("bound");
    UdpSocket::from_std(socket.into()).expect("a socket")
}

#[tokio::test]
async fn flows_of_one_client_through_two_listeners_never_share_its_port_towards_a_target() {
    let (one, two) = (who().await, who().await);
    let preserving = |it: &mut GroupPlan| {
        it.preserves_clients_in = Some(domain::vpc::Cidr {
            network: std::net::Ipv4Addr::new(127, 0, 0, 0),
            prefix: 8,
        });
    };
    let mut world = network(Protocol::Udp, &[one], preserving).await;
    let mut other = world.plan.listeners[0].clone();
    other.arn = "arn:other".into();
    other.port += 1;
    let second = SocketAddr::new(world.address.ip(), other.port);
    world.plan.listeners.push(other);
    world.apply().await;
    let client = client_of_two();
    let own = client.local_addr().expect("an address").to_string();
    assert_eq!(ask(&client, world.address, "who").await, own);
    client.send_to(b"who", second).await.expect("sent");
    // what is sent first is answered first
    let third = client_of_two();
    let its = third.local_addr().expect("an address").to_string();
    assert_eq!(ask(&third, second, "who").await, its, "the listener serves");
    assert!(client.try_recv(&mut [0; 64]).is_err(), "its port is taken");
    assert_eq!(ask(&client, world.address, "who").await, own, "and stays so");
    world.plan.groups[0].targets.push(target(two));
    world.apply().await;
    assert_eq!(ask(&client, second, "who").await, own, "there is another target");
}
