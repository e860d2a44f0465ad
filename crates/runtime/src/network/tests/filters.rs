//! What passes between interfaces: security groups, network ACLs and routes.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use domain::network_traffic::{Direction, IcmpKind, PortRange, Traffic};
use domain::served_network::{Exit, Guard, NetworksMessage, ServedGroup, ServedInterface, ServedPeer};

use super::lab::{
    HOST, Held, Lab, OUTSIDE, ask, datagram_arrives, echo, eni, is_pinged, is_silent, on_a_host, serve,
};
use super::networks::{
    EVERYWHERE, acl, all_out, allow_in, changed, from_group, from_range, group, interface, rule, tcp_port,
    vpc, whole,
};
use crate::network::Network;

/// Tasks at these last bytes of 172.31.0.0/24.
const CLIENT: u8 = 5;
const SERVER: u8 = 6;
const ELSEWHERE: u8 = 70;
/// A port by which tasks tell that they are there.
const UP: u16 = 9;

async fn attach<const N: usize>(network: &Network, lasts: [u8; N]) -> [PathBuf; N] {
    let mut paths = Vec::new();
    for last in lasts {
        let attached = network
            .attach_task(&eni("vpc-1", last), &format!("task{last}"))
            .await;
        let path = attached.unwrap();
        // The kernel takes its time until a new link carries anything. The host is always let in.
        serve(Some(&path), UP, "up").await;
        assert!(ask(None, address(last), UP).await.starts_with("up"));
        paths.push(path);
    }
    paths.try_into().unwrap()
}

fn address(last: u8) -> Ipv4Addr {
    eni("vpc-1", last).address
}

/// Clients that may send everything, and what servers let in.
fn groups(let_in: &[domain::served_network::ServedRule]) -> Vec<ServedGroup> {
    let mut rules = let_in.to_vec();
    rules.push(all_out());
    vec![group("sg-clients", &[all_out()]), group("sg-servers", &rules)]
}

fn members() -> Vec<ServedInterface> {
    vec![
        interface("vpc-1", CLIENT, &["sg-clients"]),
        interface("vpc-1", SERVER, &["sg-servers"]),
        interface("vpc-1", ELSEWHERE, &["sg-clients"]),
    ]
}

async fn told(lab: &Lab, groups: Vec<ServedGroup>) -> Network {
    let network = lab.untold_network().await;
    let message = whole(vec![vpc("vpc-1", groups)], members());
    network.filter(message).await.unwrap();
    network
}

#[test]
fn whoever_is_not_known_neither_sends_nor_receives() {
    on_a_host(async |lab| {
        let network = lab.untold_network().await;
        let [client, server] = attach(&network, [CLIENT, SERVER]).await;
        serve(Some(&server), 80, "server").await;
        serve(Some(&lab.outside), 443, "outside").await;
        assert!(is_silent(Some(&client), address(SERVER), 80).await);
        assert!(is_silent(Some(&client), OUTSIDE, 443).await);
        assert!(
            !network
                .await_filters(&eni("vpc-1", CLIENT), Duration::from_millis(1))
                .await
        );
        let let_in = [allow_in(tcp_port(80), from_range(EVERYWHERE))];
        let mut message = whole(vec![vpc("vpc-1", groups(&let_in))], members());
        message.interfaces.remove(0);
        network.filter(message).await.unwrap();
        assert!(is_silent(Some(&client), address(SERVER), 80).await);
        let message = NetworksMessage {
            interfaces: members(),
            ..NetworksMessage::default()
        };
        let deadline = Duration::from_secs(5);
        let eni = eni("vpc-1", CLIENT);
        let (known, told) = tokio::join!(network.await_filters(&eni, deadline), network.filter(message));
        told.unwrap();
        assert!(known);
        assert_eq!(
            ask(Some(&client), address(SERVER), 80).await,
            "server to 172.31.0.5"
        );
    });
}

#[test]
fn every_kind_of_rule_lets_through_what_it_says() {
    on_a_host(async |lab| {
        let network = told(&lab, groups(&[])).await;
        let [client, server] = attach(&network, [CLIENT, SERVER]).await;
        serve(Some(&server), 80, "server").await;
        serve(Some(&server), 81, "more").await;
        // What passes of: TCP to 80 and to 81, UDP to 5000, and pings.
        let range = |first, last| Traffic::Tcp(PortRange { first, last });
        let ping = |code| {
            Traffic::Icmp(IcmpKind {
                icmp_type: Some(8),
                code,
            })
        };
        let other = ServedPeer::Ranges(vec![
            "10.0.0.0/8".parse().unwrap(),
            "172.31.0.4/31".parse().unwrap(),
        ]);
        let cases = [
            (tcp_port(80), from_range(EVERYWHERE), [true, false, false, false]),
            (
                range(70, 80),
                from_range("172.31.0.5/32"),
                [true, false, false, false],
            ),
            (range(70, 80), from_range("172.31.0.6/32"), [false; 4]),
            (range(0, 65535), other, [true, true, false, false]),
            (
                Traffic::Udp(PortRange::ALL),
                from_group("sg-clients"),
                [false, false, true, false],
            ),
            (
                Traffic::Other(17),
                from_group("sg-clients"),
                [false, false, true, false],
            ),
            (ping(None), from_group("sg-clients"), [false, false, false, true]),
            (ping(Some(0)), from_range(EVERYWHERE), [false, false, false, true]),
            (ping(Some(1)), from_range(EVERYWHERE), [false; 4]),
            (Traffic::All, from_group("sg-servers"), [false; 4]),
            (Traffic::All, from_group("sg-gone"), [false; 4]),
            (Traffic::All, from_group("sg-clients"), [true; 4]),
        ];
        for (traffic, peer, expected) in cases {
            let let_in = groups(&[allow_in(traffic, peer.clone())]);
            network.filter(changed(vpc("vpc-1", let_in))).await.unwrap();
            let found = [
                !is_silent(Some(&client), address(SERVER), 80).await,
                !is_silent(Some(&client), address(SERVER), 81).await,
                datagram_arrives(&client, address(CLIENT), &server, address(SERVER)).await,
                is_pinged(&client, address(SERVER)).await,
            ];
            assert_eq!(found, expected, "{traffic:?} {peer:?}");
        }
    });
}

#[test]
fn who_sends_needs_a_rule_too() {
    on_a_host(async |lab| {
        let network = told(&lab, groups(&[allow_in(Traffic::All, from_range(EVERYWHERE))])).await;
        let [client, server] = attach(&network, [CLIENT, SERVER]).await;
        serve(Some(&server), 80, "server").await;
        serve(Some(&server), 81, "more").await;
        assert!(!is_silent(Some(&client), address(SERVER), 81).await);
        let to_servers = rule(Direction::Egress, tcp_port(80), from_group("sg-servers"));
        let mut groups = groups(&[allow_in(Traffic::All, from_range(EVERYWHERE))]);
        groups[0] = group("sg-clients", &[to_servers]);
        network.filter(changed(vpc("vpc-1", groups))).await.unwrap();
        assert_eq!(
            ask(Some(&client), address(SERVER), 80).await,
            "server to 172.31.0.5"
        );
        assert!(is_silent(Some(&client), address(SERVER), 81).await);
    });
}

#[test]
fn a_connection_outlives_its_rule_but_not_an_acl() {
    on_a_host(async |lab| {
        let let_in = [allow_in(tcp_port(80), from_group("sg-clients"))];
        let network = told(&lab, groups(&let_in)).await;
        let [client, server, elsewhere] = attach(&network, [CLIENT, SERVER, ELSEWHERE]).await;
        echo(&server, 80).await;
        let mut near = Held::open(&client, address(SERVER), 80).await;
        let mut far = Held::open(&elsewhere, address(SERVER), 80).await;
        network.filter(changed(vpc("vpc-1", groups(&[])))).await.unwrap();
        assert!(near.answers() && far.answers(), "tracked connections go on");
        assert!(is_silent(Some(&client), address(SERVER), 80).await);

        let mut closed = vpc("vpc-1", groups(&let_in));
        let ports = Traffic::Tcp(PortRange {
            first: 1024,
            last: 65535,
        });
        // Answers may not come back into the other subnet.
        closed.acls = vec![acl(&[
            (100, Direction::Egress, Traffic::All),
            (100, Direction::Ingress, tcp_port(80)),
        ])];
        network.filter(changed(closed.clone())).await.unwrap();
        assert!(!far.answers(), "each packet is looked at");
        assert!(near.answers(), "within a subnet no ACL is asked");
        closed.acls = vec![acl(&[
            (100, Direction::Egress, Traffic::All),
            (90, Direction::Ingress, ports),
            (100, Direction::Ingress, tcp_port(80)),
        ])];
        network.filter(changed(closed)).await.unwrap();
        let mut again = Held::open(&elsewhere, address(SERVER), 80).await;
        assert!(again.answers());
    });
}

#[test]
fn a_connection_that_is_not_tracked_ends_with_its_rule() {
    on_a_host(async |lab| {
        let let_in = [allow_in(tcp_port(80), from_range(EVERYWHERE))];
        let network = told(&lab, groups(&let_in)).await;
        let [client, server] = attach(&network, [CLIENT, SERVER]).await;
        echo(&server, 80).await;
        let mut held = Held::open(&client, address(SERVER), 80).await;
        network.filter(changed(vpc("vpc-1", groups(&[])))).await.unwrap();
        assert!(
            !held.answers(),
            "its packets are judged by the rules of the moment"
        );
    });
}

#[test]
fn the_host_is_answered_by_who_may_send_nothing() {
    on_a_host(async |lab| {
        let network = told(&lab, vec![group("sg-servers", &[])]).await;
        let [server] = attach(&network, [SERVER]).await;
        serve(Some(&server), 80, "server").await;
        assert_eq!(ask(None, address(SERVER), 80).await, "server to 169.254.172.0");
    });
}

#[test]
fn groups_follow_their_members_at_once() {
    on_a_host(async |lab| {
        let let_in = [allow_in(tcp_port(80), from_group("sg-clients"))];
        let network = told(&lab, groups(&let_in)).await;
        let [client, server] = attach(&network, [CLIENT, SERVER]).await;
        serve(Some(&server), 80, "server").await;
        let join = async |last, groups: &[&str]| {
            let message = NetworksMessage {
                interfaces: vec![interface("vpc-1", last, groups)],
                ..NetworksMessage::default()
            };
            network.filter(message).await.unwrap();
        };
        assert!(!is_silent(Some(&client), address(SERVER), 80).await);
        join(CLIENT, &["sg-servers"]).await;
        assert!(is_silent(Some(&client), address(SERVER), 80).await);
        join(CLIENT, &["sg-servers", "sg-clients"]).await;
        assert!(!is_silent(Some(&client), address(SERVER), 80).await);
        // Many others come and go; the cost is that of one.
        let crowd = |count: u32| {
            (0..count).map(|number| {
                let mut it = interface("vpc-1", 0, &["sg-clients"]);
                it.key.address = Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 31, 8, 0)) + number);
                it
            })
        };
        let message = NetworksMessage {
            interfaces: crowd(1000).collect(),
            ..NetworksMessage::default()
        };
        network.filter(message).await.unwrap();
        let begun = Instant::now();
        join(CLIENT, &["sg-servers"]).await;
        println!("one member of a thousand left in {:?}", begun.elapsed());
        assert!(is_silent(Some(&client), address(SERVER), 80).await);
        let message = NetworksMessage {
            gone: crowd(1000).map(|it| it.key).collect(),
            ..NetworksMessage::default()
        };
        network.filter(message).await.unwrap();
        join(CLIENT, &["sg-clients"]).await;
        assert!(!is_silent(Some(&client), address(SERVER), 80).await);
    });
}

#[test]
fn routes_and_public_addresses_lead_out() {
    on_a_host(async |lab| {
        let network = lab.untold_network().await;
        let of = |last, exit| ServedInterface {
            exit,
            ..interface("vpc-1", last, &["sg-clients"])
        };
        let interfaces = vec![
            of(5, Exit::Public),
            of(6, Exit::Private),
            of(130, Exit::Public),
            of(200, Exit::Private),
            of(201, Exit::LoadBalancer),
        ];
        let message = whole(vec![vpc("vpc-1", groups(&[]))], interfaces);
        network.filter(message).await.unwrap();
        let [public, private, nowhere, nat, balancer] = attach(&network, [5, 6, 130, 200, 201]).await;
        serve(Some(&lab.outside), 443, "outside").await;
        serve(None, 8000, "host").await;
        for (name, place, expected) in [
            ("public", &public, true),
            ("private", &private, false),
            ("no route", &nowhere, false),
            ("nat", &nat, true),
        ] {
            assert_eq!(!is_silent(Some(place), OUTSIDE, 443).await, expected, "{name}");
            assert!(is_silent(Some(place), HOST, 8000).await, "{name}");
            let link = Ipv4Addr::new(169, 254, 172, 0);
            assert!(is_silent(Some(place), link, 8000).await, "{name}");
        }
        let link = Ipv4Addr::new(169, 254, 172, 0);
        assert_eq!(ask(Some(&balancer), link, 8000).await, "host to 169.254.172.1");
        assert!(is_silent(Some(&balancer), HOST, 8000).await);
    });
}

#[test]
fn the_host_reaches_tasks_and_others_need_a_rule() {
    on_a_host(async |lab| {
        let network = told(&lab, groups(&[])).await;
        let [client, server] = attach(&network, [CLIENT, SERVER]).await;
        serve(Some(&server), 80, "server").await;
        assert_eq!(ask(None, address(SERVER), 80).await, "server to 169.254.172.0");
        let let_in = [allow_in(tcp_port(80), from_group("sg-clients"))];
        let mut interfaces = members();
        interfaces[1].guard = Guard::Nothing;
        let message = whole(vec![vpc("vpc-1", groups(&let_in))], interfaces);
        network.filter(message).await.unwrap();
        assert!(!is_silent(Some(&client), address(SERVER), 80).await);
    });
}

#[test]
fn rules_outlive_the_agent_and_the_next_one_replaces_them() {
    on_a_host(async |lab| {
        let let_in = [allow_in(tcp_port(80), from_group("sg-clients"))];
        let network = told(&lab, groups(&let_in)).await;
        let [client, server] = attach(&network, [CLIENT, SERVER]).await;
        serve(Some(&server), 80, "server").await;
        serve(Some(&server), 81, "more").await;
        drop(network);
        let network = lab.untold_network().await;
        let live = [format!("task{CLIENT}"), format!("task{SERVER}")];
        network.restore(&live).await.unwrap();
        assert!(!is_silent(Some(&client), address(SERVER), 80).await);
        assert!(is_silent(Some(&client), address(SERVER), 81).await);
        let let_in = [allow_in(tcp_port(81), from_group("sg-clients"))];
        let message = whole(vec![vpc("vpc-1", groups(&let_in))], members());
        network.filter(message).await.unwrap();
        assert!(is_silent(Some(&client), address(SERVER), 80).await);
        assert!(!is_silent(Some(&client), address(SERVER), 81).await);
        // All that was told is gone: nothing passes.
        network.filter(whole(Vec::new(), Vec::new())).await.unwrap();
        assert!(is_silent(Some(&client), address(SERVER), 81).await);
    });
}

#[test]
fn ids_that_would_be_commands_are_refused() {
    on_a_host(async |lab| {
        let network = lab.untold_network().await;
        for id in ["sg-1; flush ruleset", "", "sg_{}"] {
            let message = changed(vpc("vpc-1", vec![group(id, &[all_out()])]));
            assert!(network.filter(message).await.is_err(), "{id}");
        }
    });
}
