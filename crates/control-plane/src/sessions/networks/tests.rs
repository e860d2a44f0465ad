//! What a host is told of networks: the whole, then what changes.

use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::Scope;
use domain::host::Host;
use domain::network_traffic::{Direction, PortRange, Traffic};
use domain::security_group::{Peer, SecurityGroup, SecurityGroupRule};
use domain::served_network::{Exit, Guard, NetworksMessage, ServedHost, ServedPeer, Way};
use domain::task::Task;
use domain::vpc::Vpc;
use serde_json::json;

use super::news::InterfaceOwner;
use super::*;
use crate::fixture::{Fixture, text};
use crate::sessions::followers::News;

const CIDR: &str = "10.0.0.0/16";
const HOST: &str = "host";

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

/// The default VPC with all that belongs to it.
async fn default_vpc(fixture: &Fixture) -> Vpc {
    let made = fixture.store().transact(|tx| {
        let cidr = CIDR.parse().expect("a range");
        let (vpc, _) = orchestrator::transitions::ensure_default_network(tx, &scope(), cidr);
        Ok::<_, std::convert::Infallible>(Vpc::clone(&vpc))
    });
    made.await.expect("is stored")
}

fn all() -> NetworkNews {
    NetworkNews {
        is_all: true,
        ..NetworkNews::default()
    }
}

#[tokio::test]
async fn the_first_message_is_the_whole_and_the_next_ones_say_what_is_new() {
    let fixture = Fixture::new().await;
    let vpc = default_vpc(&fixture).await;
    let mut told = Told::new(scope(), HOST);
    let look =
        |told: &mut Told, news: &NetworkNews| fixture.store().read(|state| told.message(state, None, news));
    let first = look(&mut told, &all()).expect("it is the first");
    assert!(first.is_whole && first.interfaces.is_empty());
    let [served] = &first.vpcs[..] else {
        panic!("{first:?}")
    };
    assert_eq!(served.groups[0].id, vpc.default_security_group);
    assert_eq!(served.subnets.len(), 3);
    let is_routed = |it: &domain::served_network::ServedSubnet| it.acl.is_some() && it.route_table.is_some();
    assert!(served.subnets.iter().all(is_routed));
    assert_eq!(served.route_tables[0].routes[0].way, Way::Internet);
    assert_eq!(look(&mut told, &all()), None, "nothing is new");

    let id = vpc.default_security_group.clone();
    let changed = fixture.store().transact(move |tx| {
        let group = tx.state().get::<SecurityGroup>(&id).expect("it is there");
        let mut group = SecurityGroup::clone(group);
        group.rules.push(SecurityGroupRule {
            id: "sgr-1".to_owned(),
            direction: Direction::Ingress,
            traffic: Traffic::Tcp(PortRange { first: 80, last: 80 }),
            peer: Peer::Ipv6("::/0".parse().expect("a range")),
            description: None,
            tags: Vec::new(),
        });
        tx.put(group);
        Ok::<_, std::convert::Infallible>(())
    });
    changed.await.expect("is stored");
    let news = NetworkNews {
        vpcs: [vpc.id.clone()].into(),
        ..NetworkNews::default()
    };
    assert_eq!(look(&mut told, &news), None, "no interface has IPv6");
}

#[tokio::test]
async fn load_balancers_without_groups_are_in_the_default_one_or_open() {
    let fixture = Fixture::new().await;
    let vpc = default_vpc(&fixture).await;
    let subnets = fixture.store().read(|state| {
        let subnets = state.subnets(&scope()).map(|it| it.id.clone());
        subnets.collect::<Vec<_>>()
    });
    let mut arns = Vec::new();
    for (name, kind, count) in [("net", "network", 1), ("app", "application", 2)] {
        let input = json!({ "Name": name, "Type": kind, "Subnets": subnets[..count] });
        let made = fixture
            .ask_of("elasticloadbalancing", "CreateLoadBalancer", input)
            .await;
        arns.push(text(&made["LoadBalancers"][0]["LoadBalancerArn"]));
    }
    let message = fixture
        .store()
        .read(|state| Told::new(scope(), HOST).message(state, None, &all()));
    let interfaces = message.expect("it is the first").interfaces;
    let count = |guard: &Guard| interfaces.iter().filter(|it| it.guard == *guard).count();
    assert_eq!(count(&Guard::Nothing), 1, "{interfaces:?}");
    let default = Guard::Groups(vec![vpc.default_security_group.clone()]);
    assert_eq!(count(&default), 2, "{interfaces:?}");
    assert!(interfaces.iter().all(|it| it.exit == Exit::LoadBalancer));
}

#[tokio::test]
async fn a_prefix_list_is_told_by_its_ranges() {
    let fixture = Fixture::new().await;
    let vpc = default_vpc(&fixture).await;
    let changed = fixture.store().transact(move |tx| {
        let group = tx.state().get::<SecurityGroup>(&vpc.default_security_group);
        let mut group = SecurityGroup::clone(group.expect("it is there"));
        let mut rule = group.rules[0].clone();
        rule.peer = Peer::PrefixList("pl-1".to_owned());
        group.rules = vec![rule];
        tx.put(group);
        let entry = |range: &str| domain::prefix_list::PrefixListEntry {
            range: range.parse().expect("a range"),
            description: None,
        };
        tx.put(domain::prefix_list::PrefixList {
            id: "pl-1".to_owned(),
            scope: scope(),
            name: "offices".to_owned(),
            max_entries: 5,
            version: 2,
            versions: vec![
                vec![entry("10.1.0.0/16")],
                vec![entry("10.2.0.0/16"), entry("10.3.0.0/16")],
            ],
            last_change: domain::prefix_list::ListChange::Modification,
            address_family: "IPv4".to_owned(),
            client_request: None,
            tags: Vec::new(),
        });
        Ok::<_, std::convert::Infallible>(())
    });
    changed.await.expect("is stored");
    let message = fixture
        .store()
        .read(|state| Told::new(scope(), HOST).message(state, None, &all()));
    let vpcs = message.expect("it is the first").vpcs;
    let ServedPeer::Ranges(ranges) = &vpcs[0].groups[0].rules[0].peer else {
        panic!("{vpcs:?}");
    };
    let ranges: Vec<_> = ranges.iter().map(ToString::to_string).collect();
    assert_eq!(ranges, ["10.2.0.0/16", "10.3.0.0/16"]);
}

/// A host of that number at an address of that last byte, in place of what was there.
async fn put_host(fixture: &Fixture, id: &str, number: u16, last: Option<u8>) {
    let id = id.to_owned();
    let changed = fixture.store().transact(move |tx| {
        let some = tx.state().all::<Host>().next().expect("the fixture's");
        let host = Host {
            id,
            number,
            address: last.map(|it| Ipv4Addr::new(192, 0, 2, it)),
            ..Host::clone(some)
        };
        tx.put(host);
        Ok::<_, std::convert::Infallible>(())
    });
    changed.await.expect("is stored");
}

fn of_host(id: &str) -> NetworkNews {
    NetworkNews {
        hosts: [id.to_owned()].into(),
        ..NetworkNews::default()
    }
}

#[tokio::test]
async fn hosts_are_told_of_each_other() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    put_host(&fixture, "a", 11, Some(1)).await;
    put_host(&fixture, "b", 12, Some(2)).await;
    put_host(&fixture, "nowhere", 13, None).await;
    let mut told = Told::new(scope(), "a");
    let mut look = |news: &NetworkNews| {
        let message = fixture.store().read(|state| told.message(state, None, news));
        message.map(
            |NetworksMessage {
                 own,
                 hosts,
                 gone_hosts,
                 ..
             }| (own, hosts, gone_hosts),
        )
    };
    let at = |number, last| ServedHost {
        number,
        address: Ipv4Addr::new(192, 0, 2, last),
    };
    let first = look(&all()).expect("it is the first");
    assert_eq!(first, (Some(11), vec![at(11, 1), at(12, 2)], Vec::new()));
    assert_eq!(look(&all()), None, "nothing is new");
    put_host(&fixture, "b", 12, Some(22)).await;
    assert_eq!(look(&of_host("b")), Some((None, vec![at(12, 22)], Vec::new())));
    put_host(&fixture, "b", 14, Some(22)).await;
    assert_eq!(look(&of_host("b")), Some((None, vec![at(14, 22)], vec![12])));
    put_host(&fixture, "b", 0, None).await;
    assert_eq!(look(&of_host("b")), Some((None, Vec::new(), vec![14])));
    put_host(&fixture, "a", 15, Some(1)).await;
    assert_eq!(look(&of_host("a")), Some((Some(15), vec![at(15, 1)], vec![11])));
}

#[tokio::test]
async fn an_interface_is_told_with_the_host_that_has_it() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    default_vpc(&fixture).await;
    put_host(&fixture, "a", 11, Some(1)).await;
    put_host(&fixture, "b", 12, Some(2)).await;
    let subnet = fixture.store().read(|state| {
        let mut subnets = state.subnets(&scope()).map(|it| it.id.clone());
        subnets.next().expect("a default one")
    });
    let input = json!({ "Name": "net", "Type": "network", "Subnets": [subnet] });
    fixture
        .ask_of("elasticloadbalancing", "CreateLoadBalancer", input)
        .await;
    put_task(&fixture, "b", &subnet).await;
    let mut told = Told::new(scope(), "a");
    let mut look = |serving, news: &NetworkNews| {
        let message = fixture.store().read(|state| told.message(state, serving, news));
        let interfaces = message.map(|it| it.interfaces).unwrap_or_default();
        let found = interfaces.iter().map(|it| (it.exit, it.host));
        found.collect::<Vec<_>>()
    };
    let serving = NetworkNews {
        serving: true,
        ..NetworkNews::default()
    };
    let both = [(Exit::Private, Some(12)), (Exit::LoadBalancer, None)];
    assert_eq!(look(None, &all()), both);
    assert_eq!(look(Some("a"), &serving), [(Exit::LoadBalancer, Some(11))]);
    assert_eq!(look(Some("b"), &serving), [(Exit::LoadBalancer, Some(12))]);
    put_host(&fixture, "b", 13, Some(2)).await;
    let both = [(Exit::Private, Some(13)), (Exit::LoadBalancer, Some(13))];
    assert_eq!(look(Some("b"), &of_host("b")), both);
}

/// A task with an interface on that host.
async fn put_task(fixture: &Fixture, host_id: &str, subnet: &str) {
    fixture.definition().await;
    fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    let mut task = some_task(fixture, subnet);
    task.host_id = host_id.to_owned();
    let changed = fixture.store().transact(move |tx| {
        tx.put(task);
        Ok::<_, std::convert::Infallible>(())
    });
    changed.await.expect("is stored");
}

/// A task that was run, with an interface.
fn some_task(fixture: &Fixture, subnet: &str) -> Task {
    let stored = fixture.store().read(|state| {
        let mut all = state.all::<Task>();
        all.next().map(|it| Task::clone(it))
    });
    let mut task = stored.expect("it is placed");
    task.eni = Some(Box::new(domain::task::TaskEni {
        attachment_id: "attachment".to_owned(),
        network_interface_id: "eni-1".to_owned(),
        subnet_id: subnet.to_owned(),
        address: Ipv4Addr::new(10, 0, 0, 5),
        mac_address: "02:00:00:00:00:05".to_owned(),
        security_groups: vec!["sg-1".to_owned()],
        is_public: false,
        public_address: None,
        tags: Box::default(),
    }));
    task
}

#[tokio::test]
async fn a_newer_session_of_a_host_takes_the_place_of_the_older() {
    let followers = NetworkFollowers::default();
    let older = followers.open("host");
    let newer = followers.open("host");
    assert!(!followers.is_open("host", &older) && followers.is_open("host", &newer));
    followers.close("host", &older);
    assert!(followers.is_open("host", &newer));
    assert_eq!(newer.next().await, all(), "it begins with everything");
}

#[tokio::test]
async fn what_rules_do_not_look_at_is_no_news_of_a_task() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    let task = some_task(&fixture, "subnet-1");
    let after = |change: fn(&mut domain::task::TaskEni)| {
        let mut changed = task.clone();
        change(changed.eni.as_mut().expect("it has one"));
        let change = store::Changed {
            before: Some(Arc::new(task.clone())),
            after: Some(Arc::new(changed)),
        };
        NetworkNews::of(&store::Commit {
            id: store::CommitId(1),
            at: domain::Timestamp::UNIX_EPOCH,
            changes: vec![store::Change::Task(change)],
        })
    };
    let tagged = after(|it| it.tags = [domain::tags::Pair::new("team", "a")].into());
    assert_eq!(tagged, NetworkNews::default());
    let its = NetworkNews {
        owners: [InterfaceOwner::Task(task.arn.clone())].into(),
        ..NetworkNews::default()
    };
    assert_eq!(after(|it| it.security_groups = vec!["sg-2".to_owned()]), its);
    assert_eq!(after(|it| it.is_public = true), its);
}

#[tokio::test]
async fn a_host_is_news_when_it_is_found_elsewhere_and_not_when_tasks_are_placed() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    let host = fixture.store().read(|state| state.all::<Host>().next().cloned());
    let host = host.expect("the fixture's");
    let after = |change: fn(&mut Host)| {
        let mut changed = Host::clone(&host);
        change(&mut changed);
        let change = store::Changed {
            before: Some(Arc::clone(&host)),
            after: Some(Arc::new(changed)),
        };
        NetworkNews::of(&store::Commit {
            id: store::CommitId(1),
            at: domain::Timestamp::UNIX_EPOCH,
            changes: vec![store::Change::Host(change)],
        })
    };
    assert_eq!(after(|it| it.promised.cpu += 1), NetworkNews::default());
    let its = of_host(&host.id);
    assert_eq!(after(|it| it.address = Some(Ipv4Addr::new(192, 0, 2, 9))), its);
    assert_eq!(after(|it| it.number += 1), its);
}
