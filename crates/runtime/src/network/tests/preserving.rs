//! Load balancers that connect with the addresses of their clients.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::network_acl::{AclAction, NetworkAclEntry};
use domain::network_traffic::{Direction, PortRange, Traffic};
use domain::served_network::{Exit, Guard, ServedAcl, ServedInterface, ServedRule};
use futures_util::TryStreamExt;
use rtnetlink::IpVersion;
use rtnetlink::packet_route::rule::RuleAttribute;
use tokio::time::timeout;

use super::lab::{
    HOST, Lab, OUTSIDE, ask, connect_as, eni, foreign, from, is_silent, on_a_host, relay, serve, tcp,
};
use super::networks::{
    EVERYWHERE, all_out, allow_in, changed, from_group, from_range, group, interface, tcp_port, vpc, whole,
};
use crate::network::conntrack::Connections;
use crate::network::preserving::NUMBERS;
use crate::network::{Network, names, netns};

/// Where tasks get their credentials. Whatever reaches it is a connection that the VPC tracks.
const ENDPOINT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 170, 2), 80);
const KEY: &str = "load-balancer-50dc6c495c0c9188";
/// The load balancer, a client and a target, by the last bytes of their addresses.
const BALANCER: u8 = 5;
const CLIENT: u8 = 6;
const TARGET: u8 = 7;
/// How long to wait for one datagram.
const PATIENCE: Duration = Duration::from_millis(100);

fn address(last: u8) -> Ipv4Addr {
    eni("vpc-1", last).address
}

/// The namespaces of the load balancer, of its client and of its target, which listens.
async fn attached(network: &Network) -> (PathBuf, PathBuf, PathBuf) {
    network
        .attach_load_balancer(KEY, &eni("vpc-1", BALANCER), &[])
        .await
        .unwrap();
    let client = network
        .attach_task(&eni("vpc-1", CLIENT), "client")
        .await
        .unwrap();
    let target = network
        .attach_task(&eni("vpc-1", TARGET), "target")
        .await
        .unwrap();
    let balancer = network.attachments.records.namespace(KEY);
    serve(Some(&target), 80, "web").await;
    let listens: SocketAddr = (address(TARGET), 80).into();
    relay(&balancer, 80, listens).await;
    (balancer, client, target)
}

/// Marks that lead to load balancers.
async fn marks(network: &Network) -> Vec<u32> {
    let vpc = netns::open(network.attachments.records.vpc_namespace("vpc-1"))
        .await
        .unwrap();
    let rules: Vec<_> = vpc
        .handle
        .rule()
        .get(IpVersion::V4)
        .execute()
        .try_collect()
        .await
        .unwrap();
    let marks = rules.into_iter().flat_map(|it| it.attributes);
    let marks = marks.filter_map(|it| match it {
        RuleAttribute::FwMark(mark) => Some(mark),
        _ => None,
    });
    marks.collect()
}

/// A setting of the kernel in the namespace of the VPC.
async fn setting(lab: &Lab, name: &str) -> String {
    let path = Path::new("/proc/sys").join(name);
    let read = move || Ok(std::fs::read_to_string(path).unwrap().trim().to_owned());
    from(Some(&lab.vpc_namespace("vpc-1")), read).await
}

async fn through(client: Option<&Path>) -> String {
    ask(client, address(BALANCER), 80).await
}

#[test]
fn targets_see_clients_and_answer_them_through_the_load_balancer() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let (_, client, target) = attached(&network).await;
        network.publish_load_balancer(KEY, &[tcp(80, 80)]).await.unwrap();
        assert_eq!(
            through(Some(&client)).await,
            "",
            "nobody has an address that is not its own"
        );
        for _ in 0..2 {
            network.preserve_clients(KEY).await.unwrap();
        }
        assert_eq!(
            through(Some(&client)).await,
            format!("web to {}", address(CLIENT))
        );
        assert_eq!(through(None).await, "web to 169.254.172.0");
        assert_eq!(
            ask(Some(&lab.outside), HOST, 80).await,
            format!("web to {OUTSIDE}")
        );
        assert_eq!(through(Some(&target)).await, "", "nobody is its own client");
        assert_eq!(
            ask(Some(&client), address(TARGET), 80).await,
            format!("web to {}", address(CLIENT)),
            "the short way"
        );
        assert_eq!(marks(&network).await.len(), 1);
        network.detach(KEY).await.unwrap();
        assert!(marks(&network).await.is_empty());
    });
}

#[test]
fn clients_are_preserved_whatever_becomes_of_the_agent() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let (balancer, client, target) = attached(&network).await;
        network.preserve_clients(KEY).await.unwrap();
        let seen = format!("web to {}", address(CLIENT));
        assert_eq!(through(Some(&client)).await, seen);
        drop(network);
        let network = lab.untold_network().await;
        assert_eq!(through(Some(&client)).await, seen, "while nothing is told");
        network
            .filter(super::networks::open_to_all(Exit::Public))
            .await
            .unwrap();
        assert_eq!(through(Some(&client)).await, seen);

        let as_client = datagrams(&balancer, (address(CLIENT), 4000).into(), PATIENCE).await;
        let answers = datagrams(&target, (address(TARGET), 53).into(), PATIENCE).await;
        as_client.send_to(b"ask", ENDPOINT).unwrap();
        as_client.connect((address(TARGET), 53)).unwrap();
        assert!(arrives(&as_client, &answers, ENOUGH).await.is_some());
        let of_client = || Ok(Connections::open().and_then(|it| it.of(address(CLIENT))).unwrap());
        let of_client = from(Some(&lab.vpc_namespace("vpc-1")), of_client).await;
        let to: BTreeSet<_> = of_client.iter().map(|it| it.original.destination).collect();
        assert!(to.contains(&address(TARGET)));
        assert!(
            !to.contains(ENDPOINT.ip()),
            "as a task it asks for nothing: {to:?}"
        );
        network
            .restore(&["client".to_owned(), "target".to_owned()])
            .await
            .unwrap();
        assert!(marks(&network).await.is_empty());
    });
}

/// A socket for datagrams, which waits for an answer no longer than this.
async fn datagrams(place: &Path, own: SocketAddr, patience: Duration) -> UdpSocket {
    let bind = move || {
        let socket = UdpSocket::from(foreign(socket2::Type::DGRAM, own).unwrap());
        socket.set_read_timeout(Some(patience)).unwrap();
        Ok(socket)
    };
    from(Some(place), bind).await
}

/// Whether what one sends arrives at the other; it is sent again for a while, since a link carries nothing at first.
async fn arrives(sender: &UdpSocket, receiver: &UdpSocket, tries: usize) -> Option<SocketAddr> {
    let (sender, receiver) = (sender.try_clone().unwrap(), receiver.try_clone().unwrap());
    let conversation = move || {
        (0..tries).find_map(|_| {
            sender.send(b"ask").unwrap();
            Some(receiver.recv_from(&mut [0; 16]).ok()?.1)
        })
    };
    tokio::task::spawn_blocking(conversation).await.unwrap()
}

/// Tries within which something arrives that is not dropped.
const ENOUGH: usize = 50;

#[test]
fn datagrams_of_clients_come_from_them_and_answers_go_back() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let (balancer, client, target) = attached(&network).await;
        network.preserve_clients(KEY).await.unwrap();
        let (asking, asked) = ((address(CLIENT), 5000).into(), (address(TARGET), 53).into());
        // The client's own socket has the port, as when it talks to a balancer.
        let _asks = datagrams(&client, asking, PATIENCE).await;
        let answers = datagrams(&target, asked, PATIENCE).await;
        let socket = datagrams(&balancer, asking, Duration::from_secs(5)).await;
        socket.connect(asked).unwrap();
        assert_eq!(arrives(&socket, &answers, ENOUGH).await, Some(asking));
        answers.send_to(b"tell", asking).unwrap();
        let told = tokio::task::spawn_blocking(move || socket.recv(&mut [0; 16]).unwrap());
        assert_eq!(told.await.unwrap(), 4);
    });
}

#[test]
fn connections_made_for_clients_are_not_their_own() {
    on_a_host(async |lab| {
        let network = lab.untold_network().await;
        let let_in = allow_in(Traffic::Udp(PortRange::ALL), from_group("sg-balancers"));
        let groups = vec![
            group("sg-balancers", &[all_out()]),
            group("sg-clients", &[all_out()]),
            group("sg-targets", &[let_in]),
        ];
        let interfaces = vec![
            interface("vpc-1", BALANCER, &["sg-balancers"]),
            interface("vpc-1", CLIENT, &["sg-clients"]),
            interface("vpc-1", TARGET, &["sg-targets"]),
        ];
        network
            .filter(whole(vec![vpc("vpc-1", groups)], interfaces))
            .await
            .unwrap();
        let (balancer, client, target) = attached(&network).await;
        network.preserve_clients(KEY).await.unwrap();
        let (asking, asked) = ((address(CLIENT), 5000).into(), (address(TARGET), 53).into());
        let directly = datagrams(&client, asking, PATIENCE).await;
        let answers = datagrams(&target, asked, PATIENCE).await;
        let through = datagrams(&balancer, asking, PATIENCE).await;
        for socket in [&directly, &through] {
            socket.connect(asked).unwrap();
        }
        assert_eq!(arrives(&directly, &answers, 2).await, None, "no group lets it in");
        assert_eq!(arrives(&through, &answers, ENOUGH).await, Some(asking));
        assert_eq!(
            arrives(&directly, &answers, 2).await,
            None,
            "it is not its connection"
        );
        assert_eq!(
            arrives(&through, &answers, ENOUGH).await,
            Some(asking),
            "which goes on"
        );
        network.detach(KEY).await.unwrap();
        assert_eq!(
            arrives(&directly, &answers, 2).await,
            None,
            "nor has it come to it"
        );
        let marked = || {
            let listed = Connections::open().and_then(|it| it.marked(0, 0));
            Ok(listed.unwrap())
        };
        let left = from(Some(&lab.vpc_namespace("vpc-1")), marked).await;
        assert!(left.iter().all(|it| it.mark & NUMBERS == 0), "{left:?}");
    });
}

/// Whether the VPC drops what comes from the load balancer's link and from addresses that are elsewhere.
async fn is_checked(lab: &Lab) -> bool {
    let link = names::interface(KEY, 0);
    setting(lab, &format!("net/ipv4/conf/{link}/rp_filter")).await == "1"
}

#[test]
fn a_link_carries_foreign_addresses_while_rules_judge_them_and_no_longer() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let (_, client, _) = attached(&network).await;
        drop(network);
        let network = lab.untold_network().await;
        let preserving = network.preserve_clients(KEY);
        tokio::pin!(preserving);
        let early = timeout(Duration::from_millis(300), preserving.as_mut()).await;
        assert!(early.is_err(), "nobody has told what may pass: {early:?}");
        assert!(is_checked(&lab).await);
        network
            .filter(super::networks::open_to_all(Exit::Public))
            .await
            .unwrap();
        preserving.await.unwrap();
        assert!(!is_checked(&lab).await);
        assert_eq!(
            through(Some(&client)).await,
            format!("web to {}", address(CLIENT))
        );
        // What still runs there keeps the link.
        network.detach(KEY).await.unwrap();
        assert!(is_checked(&lab).await);
    });
}

#[test]
fn answers_come_back_whatever_a_host_has_its_namespaces_inherit() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let (_, client, _) = attached(&network).await;
        let inherited = || {
            for link in std::fs::read_dir("/proc/sys/net/ipv4/conf").unwrap() {
                for name in ["src_valid_mark", "accept_local"] {
                    std::fs::write(link.as_ref().unwrap().path().join(name), "1").unwrap();
                }
            }
            Ok(())
        };
        from(Some(&lab.vpc_namespace("vpc-1")), inherited).await;
        network.preserve_clients(KEY).await.unwrap();
        assert_eq!(
            through(Some(&client)).await,
            format!("web to {}", address(CLIENT))
        );
        for link in ["all", "default", "host0"] {
            let accepts = setting(&lab, &format!("net/ipv4/conf/{link}/accept_local")).await;
            assert_eq!(accepts, "0", "{link}");
        }
    });
}

#[test]
fn flows_are_tracked_for_longer_than_a_balancer_keeps_them() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        attached(&network).await;
        network.preserve_clients(KEY).await.unwrap();
        for (name, least) in [("udp_timeout_stream", 121), ("tcp_timeout_close_wait", 351)] {
            let seconds = setting(&lab, &format!("net/netfilter/nf_conntrack_{name}")).await;
            assert!(seconds.parse::<u32>().unwrap() >= least, "{name} is {seconds}");
        }
    });
}

/// An ACL that lets everything pass, but not this.
fn acl_without(id: &str, refused: Option<(Direction, &str)>) -> ServedAcl {
    let entry = |(number, direction, range, action): (u16, Direction, &str, AclAction)| NetworkAclEntry {
        number,
        direction,
        traffic: Traffic::All,
        range: range.parse().unwrap(),
        action,
    };
    let refused = refused.map(|(direction, range)| (10, direction, range, AclAction::Deny));
    let all = [Direction::Ingress, Direction::Egress].map(|it| (100, it, EVERYWHERE, AclAction::Allow));
    ServedAcl {
        id: id.to_owned(),
        entries: refused.into_iter().chain(all).map(entry).collect(),
    }
}

#[test]
fn network_acls_see_clients_between_the_subnets_of_load_balancer_and_target() {
    on_a_host(async |lab| {
        // The load balancer is alone in subnet 0; a client is beside the target in subnet 1, another one in subnet 2.
        let (near, target, far) = (70, 71, 130);
        let network = lab.network().await;
        let tell = async |refused: Option<(usize, Direction, &str)>| {
            let open = [all_out(), allow_in(Traffic::All, from_range(EVERYWHERE))];
            let mut vpc = vpc("vpc-1", vec![group("sg-open", &open)]);
            let ids = ["acl-0", "acl-1", "acl-2", "acl-3"];
            let acls = (0..).zip(ids).map(|(number, id)| {
                let its = refused.filter(|it| it.0 == number).map(|it| (it.1, it.2));
                acl_without(id, its)
            });
            vpc.acls = acls.collect();
            for (subnet, id) in vpc.subnets.iter_mut().zip(ids) {
                subnet.acl = Some(id.to_owned());
            }
            network.filter(changed(vpc)).await.unwrap();
        };
        network
            .attach_load_balancer(KEY, &eni("vpc-1", BALANCER), &[])
            .await
            .unwrap();
        let mut places = Vec::new();
        for (last, key) in [(near, "near"), (target, "target"), (far, "far")] {
            places.push(network.attach_task(&eni("vpc-1", last), key).await.unwrap());
        }
        let (near, far) = (&places[0], &places[2]);
        serve(Some(&places[1]), 80, "web").await;
        let balancer = network.attachments.records.namespace(KEY);
        relay(&balancer, 80, (address(target), 80).into()).await;
        network.preserve_clients(KEY).await.unwrap();
        let is_refused = async |client: &Path| is_silent(Some(client), address(BALANCER), 80).await;

        tell(None).await;
        assert_eq!(through(Some(near)).await, "web to 172.31.0.70");
        assert_eq!(through(Some(far)).await, "web to 172.31.0.130");
        for refused in [
            (1, Direction::Ingress, "172.31.0.70/32"),
            (1, Direction::Egress, "172.31.0.70/32"),
            (0, Direction::Egress, "172.31.0.71/32"),
            (0, Direction::Ingress, "172.31.0.71/32"),
        ] {
            tell(Some(refused)).await;
            assert!(is_refused(near).await, "{refused:?}");
        }
        // What is between client and target is not on the way.
        for refused in [
            (2, Direction::Egress, "172.31.0.71/32"),
            (2, Direction::Ingress, "172.31.0.71/32"),
        ] {
            tell(Some(refused)).await;
            assert_eq!(through(Some(far)).await, "web to 172.31.0.130", "{refused:?}");
            assert!(is_silent(Some(far), address(target), 80).await, "{refused:?}");
        }
    });
}

/// Another task that may be reached by nobody but proxies.
const PROXY: u8 = 8;

#[test]
fn nothing_passes_that_is_no_connection_or_comes_from_a_proxy() {
    on_a_host(async |lab| {
        let network = lab.untold_network().await;
        let tcp_of_balancers = allow_in(Traffic::Tcp(PortRange::ALL), from_group("sg-balancers"));
        let groups = vec![
            group("sg-balancers", &[all_out()]),
            group("sg-targets", &[tcp_of_balancers]),
        ];
        let proxy = ServedInterface {
            guard: Guard::Proxy,
            ..interface("vpc-1", PROXY, &[])
        };
        let interfaces = vec![
            interface("vpc-1", BALANCER, &["sg-balancers"]),
            interface("vpc-1", TARGET, &["sg-targets"]),
            proxy,
        ];
        network
            .filter(whole(vec![vpc("vpc-1", groups)], interfaces))
            .await
            .unwrap();
        let (balancer, _, target) = attached(&network).await;
        network.preserve_clients(KEY).await.unwrap();
        let asked: SocketAddr = (address(TARGET), 53).into();
        let answers = datagrams(&target, asked, PATIENCE).await;
        let forged = datagrams(&balancer, (address(PROXY), 5000).into(), PATIENCE).await;
        forged.connect(asked).unwrap();

        let hears = from(Some(&target), || Ok(segments(Ipv4Addr::UNSPECIFIED))).await;
        let sends = from(Some(&balancer), || Ok(segments(address(CLIENT)))).await;
        let client: SocketAddr = (address(CLIENT), 4000).into();
        let connects = move || Ok(connect_as(client, (address(TARGET), 80).into()).is_ok());
        assert!(
            from(Some(&balancer), connects).await,
            "the link carries something"
        );
        assert_eq!(arrives(&forged, &answers, 3).await, None, "no rule lets it in");
        let arrived = move || {
            // An answer to a question that nobody has asked.
            const SEGMENT: [u8; 20] = [
                0xab, 0xcd, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x12, 1, 0, 0, 0, 0, 0,
            ];
            sends
                .send_to(&SEGMENT, &SocketAddr::from((address(TARGET), 0)).into())
                .unwrap();
            let mut room = [0; 128];
            // Each comes with its IP header.
            std::iter::from_fn(|| hears_one(&hears, &mut room)).any(|it| it == [0xab, 0xcd])
        };
        assert!(!tokio::task::spawn_blocking(arrived).await.unwrap());
    });
}

/// A socket for segments of TCP as they are.
fn segments(own: Ipv4Addr) -> socket2::Socket {
    let tcp = Some(socket2::Protocol::TCP);
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::RAW, tcp).unwrap();
    socket.set_ip_transparent_v4(true).unwrap();
    socket.bind(&SocketAddr::from((own, 0)).into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The port that the next segment comes from.
fn hears_one(mut socket: &socket2::Socket, room: &mut [u8; 128]) -> Option<[u8; 2]> {
    const IP_HEADER: usize = 20;
    let length = std::io::Read::read(&mut socket, room).ok()?;
    room[..length].get(IP_HEADER..IP_HEADER + 2)?.try_into().ok()
}

#[test]
fn groups_of_targets_let_in_clients_or_the_group_of_the_load_balancer() {
    on_a_host(async |lab| {
        let network = lab.untold_network().await;
        let tell = async |let_in: &[ServedRule], guard: Guard| {
            let mut rules = let_in.to_vec();
            rules.push(all_out());
            let groups = vec![
                group("sg-clients", &[all_out()]),
                group(
                    "sg-balancers",
                    &[all_out(), allow_in(Traffic::All, from_range(EVERYWHERE))],
                ),
                group("sg-targets", &rules),
            ];
            let balancer = ServedInterface {
                guard,
                exit: Exit::LoadBalancer,
                ..interface("vpc-1", BALANCER, &[])
            };
            let interfaces = vec![
                balancer,
                interface("vpc-1", CLIENT, &["sg-clients"]),
                interface("vpc-1", TARGET, &["sg-targets"]),
            ];
            network
                .filter(whole(vec![vpc("vpc-1", groups)], interfaces))
                .await
                .unwrap();
        };
        let member = || Guard::Groups(vec!["sg-balancers".to_owned()]);
        tell(&[], member()).await;
        let (_, client, _) = attached(&network).await;
        network.preserve_clients(KEY).await.unwrap();
        assert_eq!(through(Some(&client)).await, "");
        let seen = format!("web to {}", address(CLIENT));
        let port = || tcp_port(80);

        tell(&[allow_in(port(), from_range("172.31.0.6/32"))], member()).await;
        assert_eq!(through(Some(&client)).await, seen);
        tell(&[allow_in(port(), from_range("172.31.0.5/32"))], member()).await;
        assert_eq!(
            through(Some(&client)).await,
            "",
            "the load balancer is not the client"
        );
        tell(&[allow_in(port(), from_group("sg-balancers"))], member()).await;
        assert_eq!(through(Some(&client)).await, seen);
        assert!(is_silent(Some(&client), address(TARGET), 80).await, "not past it");
        tell(&[allow_in(port(), from_group("sg-balancers"))], Guard::Nothing).await;
        assert_eq!(through(Some(&client)).await, "", "without groups it is in none");
        tell(&[allow_in(port(), from_group("sg-clients"))], Guard::Nothing).await;
        assert_eq!(through(Some(&client)).await, seen);
    });
}
