//! Connections that are tracked end with what they led to.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use agent::host::{PortMapping, TransportProtocol};
use domain::network_traffic::{PortRange, Traffic};

use super::lab::{HOST, Lab, ask, eni, from, on_a_host, serve};
use super::networks::{all_out, allow_in, changed, from_group, group, interface, vpc, whole};
use crate::network::conntrack::{Connections, Tracked};
use crate::network::{Network, NetworkError};

const CLIENT: u8 = 5;
const SERVER: u8 = 6;
const PORT: u16 = 5000;
/// How long to wait for what should come.
const DEADLINE: Duration = Duration::from_secs(5);
/// And for what should not.
const SILENCE: Duration = Duration::from_millis(300);

/// Datagrams from one port to another, which are sent back.
struct Flow(UdpSocket);

impl Flow {
    async fn from(place: Option<&Path>, server: Ipv4Addr) -> Self {
        let open = move || {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 4000)).unwrap();
            socket.set_read_timeout(Some(SILENCE)).unwrap();
            socket.connect((server, PORT)).unwrap();
            Ok(socket)
        };
        Self(from(place, open).await)
    }

    /// Who answers. The kernel takes its time until a new link carries anything, so it is asked again.
    async fn reaches(&self) -> Option<String> {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            if let Some(answer) = self.asks().await {
                return Some(answer);
            }
        }
        None
    }

    /// Who answers the next datagram.
    async fn asks(&self) -> Option<String> {
        let socket = self.0.try_clone().unwrap();
        let ask = move || {
            // Refusals of earlier ones come with the next call.
            let _ = socket.take_error();
            let mut buffer = [0; 64];
            let count = socket.send(b"who").and_then(|_| socket.recv(&mut buffer)).ok()?;
            Some(String::from_utf8_lossy(&buffer[..count]).into_owned())
        };
        tokio::task::spawn_blocking(ask).await.unwrap()
    }
}

/// Answers datagrams with a name.
async fn answer(place: &Path, port: u16, name: &'static str) {
    let open = move || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
        socket.set_nonblocking(true).unwrap();
        Ok(tokio::net::UdpSocket::from_std(socket).unwrap())
    };
    let socket = from(Some(place), open).await;
    tokio::spawn(async move {
        while let Ok((_, client)) = socket.recv_from(&mut [0; 64]).await {
            let _ = socket.send_to(name.as_bytes(), client).await;
        }
    });
}

/// Connections of an address in a namespace, or on the host.
async fn tracked(place: Option<&Path>, address: Ipv4Addr) -> Vec<Tracked> {
    let list = move || {
        let listed = Connections::open().and_then(|it| it.of(address));
        listed.map_err(NetworkError::netlink_io("list connections"))
    };
    from(place, list).await
}

async fn told(lab: &Lab, let_in: bool) -> Network {
    let network = lab.untold_network().await;
    let interfaces = vec![
        interface("vpc-1", CLIENT, &["sg-clients"]),
        interface("vpc-1", SERVER, &["sg-servers"]),
    ];
    let message = whole(vec![rules(let_in)], interfaces);
    network.filter(message).await.unwrap();
    network
}

/// Clients may send datagrams to servers, or not any more.
fn rules(let_in: bool) -> domain::served_network::ServedVpc {
    let mut servers = vec![all_out()];
    if let_in {
        servers.push(allow_in(Traffic::Udp(PortRange::ALL), from_group("sg-clients")));
    }
    vpc(
        "vpc-1",
        vec![group("sg-clients", &[all_out()]), group("sg-servers", &servers)],
    )
}

#[test]
fn a_new_task_does_not_inherit_the_connections_of_its_address() {
    on_a_host(async |lab| {
        let network = told(&lab, true).await;
        let client = network
            .attach_task(&eni("vpc-1", CLIENT), "client")
            .await
            .unwrap();
        let server = network.attach_task(&eni("vpc-1", SERVER), "first").await.unwrap();
        let address = eni("vpc-1", SERVER).address;
        let namespace = lab.vpc_namespace("vpc-1");
        answer(&server, PORT, "first").await;
        let flow = Flow::from(Some(&client), address).await;
        assert_eq!(flow.reaches().await.as_deref(), Some("first"));
        network.filter(changed(rules(false))).await.unwrap();
        let goes_on = flow.asks().await;
        assert_eq!(goes_on.as_deref(), Some("first"), "it is tracked");
        assert_eq!(tracked(Some(&namespace), address).await.len(), 1);

        network.detach("first").await.unwrap();
        assert!(tracked(Some(&namespace), address).await.is_empty());
        assert!(flow.asks().await.is_none(), "nothing leads there");
        let again = network
            .attach_task(&eni("vpc-1", SERVER), "second")
            .await
            .unwrap();
        answer(&again, PORT, "second").await;
        // The host is always let in: by then the new link carries something.
        serve(Some(&again), 80, "second").await;
        assert!(ask(None, address, 80).await.starts_with("second"));
        assert_eq!(flow.asks().await, None, "no rule lets this in");
        network.filter(changed(rules(true))).await.unwrap();
        assert_eq!(flow.reaches().await.as_deref(), Some("second"));
    });
}

#[test]
fn connections_of_a_task_that_an_earlier_agent_made_end_too() {
    on_a_host(async |lab| {
        let network = told(&lab, true).await;
        let client = network
            .attach_task(&eni("vpc-1", CLIENT), "client")
            .await
            .unwrap();
        let server = network
            .attach_task(&eni("vpc-1", SERVER), "server")
            .await
            .unwrap();
        let (own, other) = (eni("vpc-1", CLIENT).address, eni("vpc-1", SERVER).address);
        let namespace = lab.vpc_namespace("vpc-1");
        answer(&server, PORT, "server").await;
        let flow = Flow::from(Some(&client), other).await;
        assert_eq!(flow.reaches().await.as_deref(), Some("server"));
        drop(network);
        let network = lab.untold_network().await;
        assert_eq!(flow.reaches().await.as_deref(), Some("server"));
        network.restore(&["server".to_owned()]).await.unwrap();
        assert!(tracked(Some(&namespace), own).await.is_empty());
        assert!(tracked(Some(&namespace), other).await.is_empty());
    });
}

#[test]
fn connections_of_the_host_with_an_equal_address_elsewhere_go_on() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let address = eni("vpc-1", SERVER).address;
        let first = network.attach_task(&eni("vpc-1", SERVER), "first").await.unwrap();
        network
            .attach_task(&eni("vpc-2", SERVER), "second")
            .await
            .unwrap();
        answer(&first, PORT, "first").await;
        let flow = Flow::from(None, address).await;
        assert_eq!(flow.reaches().await.as_deref(), Some("first"));
        assert_eq!(tracked(None, address).await.len(), 1);
        network.detach("second").await.unwrap();
        assert_eq!(
            tracked(None, address).await.len(),
            1,
            "the host's way leads to the other one"
        );
        network.detach("first").await.unwrap();
        assert!(tracked(None, address).await.is_empty());
    });
}

#[test]
fn datagrams_to_a_published_port_reach_whoever_publishes_it_now() {
    on_a_host(async |lab| {
        let network = lab.untold_network().await;
        let port = PortMapping {
            container_port: 53,
            host_port: PORT,
            protocol: TransportProtocol::Udp,
            following: 0,
        };
        let first = network.attach_bridge_container("one/web", &[port]).await.unwrap();
        answer(&first.netns, 53, "first").await;
        let flow = Flow::from(Some(&lab.outside), HOST).await;
        assert_eq!(flow.reaches().await.as_deref(), Some("first"));
        assert_eq!(tracked(None, first.address).await.len(), 1);
        network.detach("one").await.unwrap();
        assert!(tracked(None, first.address).await.is_empty());
        // Its client sends on, and the kernel notes that nobody is there.
        assert_eq!(flow.asks().await, None);
        let second = network.attach_bridge_container("two/web", &[port]).await.unwrap();
        answer(&second.netns, 53, "second").await;
        assert_eq!(flow.reaches().await.as_deref(), Some("second"));
    });
}

#[test]
fn datagrams_to_a_published_port_of_load_balancers_reach_whoever_publishes_it_now() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let port = PortMapping {
            container_port: 53,
            host_port: PORT,
            protocol: TransportProtocol::Udp,
            following: 0,
        };
        for (key, last) in [("first", SERVER), ("second", SERVER + 1)] {
            network
                .attach_load_balancer(key, &eni("vpc-1", last), &[])
                .await
                .unwrap();
            answer(&network.attachments.records.namespace(key), 53, key).await;
        }
        let flow = Flow::from(Some(&lab.outside), HOST).await;
        assert_eq!(flow.asks().await, None, "nobody has the port");
        network.publish_load_balancer("first", &[port]).await.unwrap();
        assert_eq!(flow.reaches().await.as_deref(), Some("first"));
        network.publish_load_balancer("first", &[]).await.unwrap();
        assert_eq!(flow.asks().await, None, "nobody has it again");
        network.publish_load_balancer("second", &[port]).await.unwrap();
        assert_eq!(flow.reaches().await.as_deref(), Some("second"));
    });
}
