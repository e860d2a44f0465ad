//! What is written straight to the kernel, beside what `nft` makes of the same rules.

use std::path::PathBuf;
use std::process::Command;

use domain::served_network::{ServedGroup, ServedRule};
use futures_util::FutureExt;
use ipnet::Ipv4Net;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::*;
use crate::network::tests::lab::on_a_host;

const TABLE: &str = "gantry";
/// Another table, of which hooks are those of the first one.
const FRESH: &str = "fresh";

/// What `nft` answers.
fn nft(arguments: &[&str]) -> String {
    let output = Command::new("nft").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Chains, sets and maps of a table as `nft` reads them, and the expressions of its rules, whatever their order.
fn listed(table: &str) -> (Vec<String>, Vec<String>) {
    let text = nft(&["list", "table", "ip", table]);
    let (_, parts) = text.split_once('\n').unwrap();
    let parts = parts.trim_end().strip_suffix('}').unwrap();
    let mut parts: Vec<_> = parts.split("\n\n").map(|it| it.trim().to_owned()).collect();
    parts.sort_unstable();
    let code = nft(&["--debug=netlink", "list", "table", "ip", table]);
    let code = code.lines().filter(|it| it.trim_start().starts_with('['));
    let mut code: Vec<_> = code.map(|it| it.trim().to_owned()).collect();
    code.sort_unstable();
    assert!(!code.is_empty());
    (parts, code)
}

/// Namespace of the calling thread.
fn here() -> PathBuf {
    PathBuf::from("/proc/thread-self/ns/net")
}

async fn by_nft(script: &str) {
    let nft = rules::spawn().unwrap();
    rules::load(nft, script).await.unwrap();
}

fn every_kind_of_rule() -> Vec<ServedRule> {
    let range = |first, last| Traffic::Tcp(PortRange { first, last });
    let icmp = |icmp_type, code| Traffic::Icmp(IcmpKind { icmp_type, code });
    let mut rules = Vec::new();
    for prefix in [0, 1, 7, 8, 9, 15, 16, 23, 24, 25, 31, 32] {
        let range = Ipv4Net::new(Ipv4Addr::new(172, 31, 0, 129), prefix)
            .unwrap()
            .trunc();
        rules.push(allow_in(tcp_port(80), ServedPeer::Ranges(vec![range])));
        let out = ServedPeer::Ranges(vec![range]);
        rules.push(rule(Direction::Egress, Traffic::Udp(PortRange::ALL), out));
    }
    let traffic = [
        Traffic::All,
        Traffic::Tcp(PortRange::ALL),
        range(1, 1023),
        range(0, 0),
        Traffic::Udp(PortRange {
            first: 53,
            last: 65535,
        }),
        icmp(None, None),
        icmp(Some(8), None),
        icmp(Some(3), Some(4)),
        Traffic::Other(50),
        Traffic::Other(17),
        Traffic::Other(255),
    ];
    for it in traffic {
        rules.push(allow_in(it, from_group("sg-2")));
        rules.push(rule(Direction::Egress, it, from_group("sg-unknown")));
    }
    rules
}

/// In which a rule that says what came by a link is one too.
fn site() -> Site {
    Site {
        preserving: BTreeSet::from([Preserving {
            link: "task1".to_owned(),
            addresses: vec![Ipv4Addr::new(172, 31, 0, 9)],
        }]),
        ..SITE
    }
}

#[test]
fn rules_are_written_as_nft_writes_them() {
    on_a_host(async |_lab| {
        let groups = |rules: &[ServedRule]| vec![group("sg-1", rules), group("sg-2", &[])];
        let (empty, full) = (
            vpc("vpc-1", groups(&[])),
            vpc("vpc-1", groups(&every_kind_of_rule())),
        );
        let interfaces = [
            interface("vpc-1", 5, &["sg-1"]),
            interface("vpc-1", 6, &["sg-1", "sg-2"]),
            interface("vpc-1", 9, &["sg-2"]),
        ];
        let compiled = |vpc: &ServedVpc| {
            let known = known(&interfaces);
            compile(&site(), Some(vpc), &Structure::of(vpc), &known)
        };
        let (before, after) = (compiled(&empty), compiled(&full));
        let nftables = Nftables::open().unwrap();
        by_nft(&before.first(TABLE, &elements(&empty, &interfaces))).await;
        let steps = before.steps(&after, Moves::default());
        let taken = nftables.take(TABLE, &steps).await;
        taken.expect("is not left to nft").unwrap();
        by_nft(&after.first(FRESH, &elements(&full, &interfaces))).await;
        let (written, expected) = (listed(TABLE), listed(FRESH));
        assert_eq!(written.0, expected.0);
        assert_eq!(written.1, expected.1);
        let by_link = written
            .0
            .iter()
            .filter(|it| it.contains(r#"iifname "task1" tcp"#));
        assert!(by_link.count() > 0, "{written:?}");
    });
}

#[test]
fn a_transaction_is_taken_wholly_or_not_at_all() {
    on_a_host(async |_lab| {
        let told = vpc("vpc-1", vec![group("sg-1", &[])]);
        let table = compiled(&told, &[]);
        by_nft(&table.first(TABLE, &[])).await;
        let before = listed(TABLE);
        let nftables = Nftables::open().unwrap();
        let accept = [Rule::plain([], Verdict::Accept)];
        let goto = [Rule::plain([], Verdict::Goto("nowhere".to_owned()))];
        let refused = [
            vec![Step::AddSet("new"), Step::AddChain("in-sg-1", None)],
            vec![Step::AddSet("members-sg-1")],
            vec![
                Step::AddRules("in-sg-1", &accept),
                Step::AddRules("in-sg-1", &goto),
            ],
            vec![Step::AddChain("new", None), Step::DeleteChain("tracked-in")],
            vec![Step::AddSet("new"), Step::DeleteSet("other")],
            // The kernel tells of each of them.
            [Step::FlushChain("nowhere"); 3000].to_vec(),
        ];
        for steps in refused {
            let taken = nftables.take(TABLE, &steps).await.expect("is not left to nft");
            assert!(taken.is_err(), "{:?}", steps.first());
            assert_eq!(listed(TABLE), before, "{:?}", steps.first());
            // What the kernel has said about it is no answer to the next one.
            let flushed = nftables.take(TABLE, &[Step::FlushChain("in-sg-1")]).await;
            flushed.expect("is not left to nft").unwrap();
        }
    });
}

#[test]
fn members_by_the_thousand_are_one_transaction() {
    on_a_host(async |_lab| {
        by_nft("create table ip gantry").await;
        let member = |number: u32| Element {
            set: "members".to_owned(),
            address: Ipv4Addr::from_bits(10 << 24 | number),
            verdict: None,
        };
        let members: Vec<_> = (0..10_000).map(member).collect();
        let nftables = Nftables::open().unwrap();
        let steps = [Step::AddSet("members"), Step::AddElements(&members)];
        nftables
            .take(TABLE, &steps)
            .await
            .expect("is not left to nft")
            .unwrap();
        let count = || {
            nft(&["list", "set", "ip", TABLE, "members"])
                .matches("10.0.")
                .count()
        };
        assert_eq!(count(), 10_000);
        let gone = [Step::RemoveElements(&members[1..])];
        nftables
            .take(TABLE, &gone)
            .await
            .expect("is not left to nft")
            .unwrap();
        assert_eq!(count(), 1);
        let more: Vec<_> = (0..100_000).map(member).collect();
        let too_long = nftables.take(TABLE, &[Step::AddElements(&more)]).await;
        assert!(too_long.is_none(), "it is left to nft");
    });
}

/// Some of the rules of each group that there is.
fn some_groups(rng: &mut StdRng) -> Vec<ServedGroup> {
    let all = every_kind_of_rule();
    let ids = ["sg-1", "sg-2", "sg-3", "sg-4"];
    let there = ids
        .into_iter()
        .filter(|_| rng.random_bool(0.8))
        .collect::<Vec<_>>();
    let groups = there.into_iter().map(|id| {
        let count = rng.random_range(0..4);
        let rules: Vec<_> = all.choose_multiple(rng, count).cloned().collect();
        group(id, &rules)
    });
    groups.collect()
}

fn some_vpc(rng: &mut StdRng) -> ServedVpc {
    let mut told = vpc("vpc-1", some_groups(rng));
    for subnet in &mut told.subnets {
        let tables = ["rtb-public", "rtb-none", "rtb-nat", "rtb-unknown"];
        subnet.route_table = tables.choose(rng).map(|it| (*it).to_owned());
    }
    if rng.random_bool(0.3) {
        told.acls = vec![acl(&[(
            100,
            Direction::Ingress,
            tcp_port(rng.random_range(1..9)),
        )])];
    }
    told
}

fn some_interfaces(rng: &mut StdRng) -> Vec<ServedInterface> {
    let ids = ["sg-1", "sg-2", "sg-3", "sg-unknown"];
    let some = (0..8).map(|_| {
        let count = rng.random_range(1..4);
        let groups: Vec<_> = ids.choose_multiple(rng, count).copied().collect();
        ServedInterface {
            exit: if rng.random_bool(0.5) {
                Exit::Public
            } else {
                Exit::Private
            },
            ..interface("vpc-1", rng.random_range(1..200), &groups)
        }
    });
    some.collect()
}

#[test]
fn after_any_changes_the_table_is_what_a_new_one_would_be() {
    on_a_host(async |_lab| {
        let filters = Filters::new(TABLE);
        filters.open("vpc-1", site(), here(), Age::New).await.unwrap();
        let mut rng = StdRng::seed_from_u64(7);
        filters
            .follow(whole(vec![some_vpc(&mut rng)], Vec::new()))
            .await
            .unwrap();
        for round in 0..30 {
            let gone = some_interfaces(&mut rng).into_iter().map(|it| it.key);
            let alone = NetworksMessage {
                gone: gone.collect(),
                interfaces: some_interfaces(&mut rng),
                ..NetworksMessage::default()
            };
            filters.follow(alone).await.unwrap();
            let both = NetworksMessage {
                is_whole: round % 10 == 9,
                vpcs: vec![some_vpc(&mut rng)],
                interfaces: some_interfaces(&mut rng),
                ..NetworksMessage::default()
            };
            filters.follow(both).await.unwrap();
            let vpcs = filters.vpcs.lock().await;
            let known = &vpcs["vpc-1"];
            let told = known.rules.as_ref().unwrap();
            let all: Vec<_> = known.interfaces.iter().cloned().collect();
            let fresh = compile(&site(), Some(told), &known.structure, &known.interfaces);
            by_nft(&fresh.whole(FRESH, &elements(told, &all))).await;
            let (found, expected) = (listed(TABLE), listed(FRESH));
            assert_eq!(found.0, expected.0, "round {round}");
            assert_eq!(found.1, expected.1, "round {round}");
        }
        by_nft(&format!("delete table ip {TABLE}")).await;
        filters.follow(changed(some_vpc(&mut rng))).await.unwrap();
        assert!(!listed(TABLE).0.is_empty(), "what is not there is made anew");
    });
}

#[test]
fn a_change_that_is_cut_off_leaves_no_belief_about_any_vpc() {
    on_a_host(async |lab| {
        let filters = Filters::new(TABLE);
        for (vpc_id, namespace) in [("vpc-1", here()), ("vpc-2", lab.outside.clone())] {
            filters.open(vpc_id, site(), namespace, Age::New).await.unwrap();
        }
        let told = || {
            ["vpc-1", "vpc-2"]
                .map(|it| vpc(it, vec![group("sg-1", &[])]))
                .to_vec()
        };
        let members = ["vpc-1", "vpc-2"].map(|it| interface(it, 5, &["sg-1"]));
        let namespace = format!("--net={}", lab.outside.display());
        let has_member = || {
            let listing = ["nft", "list", "set", "ip", TABLE, "members-sg-1"];
            let listed = Command::new("nsenter")
                .arg(&namespace)
                .args(listing)
                .output()
                .unwrap();
            assert!(listed.status.success(), "{listed:?}");
            String::from_utf8(listed.stdout).unwrap().contains("elements")
        };
        filters.follow(whole(told(), members.to_vec())).await.unwrap();
        assert!(has_member());
        let gone = NetworksMessage {
            gone: members.map(|it| it.key).to_vec(),
            ..NetworksMessage::default()
        };
        // Whoever tells it goes away while the first VPC changes.
        drop(filters.follow(gone).now_or_never());
        filters.follow(whole(told(), Vec::new())).await.unwrap();
        assert!(!has_member());
    });
}
