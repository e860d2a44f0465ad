//! What is answered out of what is known, for all kinds of questions.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use domain::cloud_map::RoutingPolicy;
use domain::served_names::{
    NameKey, NamesMessage, RecordSet, SeenBy, ServedName, ServedRecord, ServedVpc, ServedZone, UnknownNames,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::names::absolute;

fn zone(id: &str, origin: &str, vpcs: SeenBy, unknown: UnknownNames) -> ServedZone {
    ServedZone {
        id: id.to_owned(),
        origin: origin.to_owned(),
        vpcs,
        unknown,
        negative_ttl_seconds: 15,
    }
}

fn name(zone: &str, name: &str, routing: RoutingPolicy, records: Vec<ServedRecord>) -> ServedName {
    ServedName {
        key: NameKey {
            zone: zone.to_owned(),
            name: name.to_owned(),
        },
        sets: vec![RecordSet {
            ttl_seconds: 5,
            routing,
            records,
            alias_of: None,
        }],
    }
}

fn address(last: u8) -> ServedRecord {
    ServedRecord::A(Ipv4Addr::new(10, 0, 0, last))
}

/// A zone of a VPC, one that all see, and two VPCs.
pub fn names() -> Names {
    let vpc = |id: &str| ServedVpc {
        id: id.to_owned(),
        cidrs: vec!["10.0.0.0/16".parse().expect("a range")],
        internal_domain: "ec2.internal".to_owned(),
    };
    let port = |host: &str| ServedRecord::Srv {
        priority: 1,
        weight: 1,
        port: 8080,
        target: host.to_owned(),
    };
    let alias = |target: &str| vec![ServedRecord::Cname(target.to_owned())];
    use RoutingPolicy::{Multivalue, Weighted};
    let mut names = Names::default();
    names.apply(NamesMessage {
        is_whole: true,
        vpcs: vec![vpc("vpc-1"), vpc("vpc-2")],
        zones: vec![
            zone(
                "ns",
                "shop.test",
                SeenBy::These(vec!["vpc-1".to_owned()]),
                UnknownNames::Denied,
            ),
            zone("elb", "amazonaws.com", SeenBy::All, UnknownNames::Forwarded),
        ],
        names: vec![
            name("ns", "web.shop.test", Multivalue, (1..=20).map(address).collect()),
            name("ns", "one.shop.test", Weighted, (1..=20).map(address).collect()),
            name(
                "ns",
                "srv.shop.test",
                Multivalue,
                vec![port("a.srv.shop.test"), port("b.srv.shop.test")],
            ),
            name("ns", "a.srv.shop.test", Multivalue, vec![address(1)]),
            name("ns", "b.srv.shop.test", Multivalue, vec![address(2)]),
            name("ns", "deep.below.shop.test", Multivalue, vec![address(3)]),
            name(
                "ns",
                "lb.shop.test",
                Multivalue,
                alias("lb-1.us-east-1.elb.amazonaws.com"),
            ),
            name("ns", "out.shop.test", Multivalue, alias("www.example.com")),
            name("ns", "loop.shop.test", Multivalue, alias("loop.shop.test")),
            name("ns", "none.shop.test", Multivalue, Vec::new()),
            name(
                "elb",
                "lb-1.us-east-1.elb.amazonaws.com",
                Multivalue,
                vec![address(9)],
            ),
            name("elb", "elsewhere.test", Multivalue, vec![address(9)]),
        ],
        ..NamesMessage::default()
    });
    names
}

fn ask(names: &Names, vpc: &str, name: &str, kind: RecordType) -> Option<Reply> {
    let name = absolute(name).expect("a name");
    look_up(names, vpc, &name, kind, &mut ChaCha8Rng::seed_from_u64(7))
}

fn told(name: &str, kind: RecordType) -> Reply {
    ask(&names(), "vpc-1", name, kind).expect("known here")
}

fn texts(records: &[Record]) -> Vec<String> {
    records
        .iter()
        .map(|it| format!("{} {} {}", it.name, it.ttl, it.data))
        .collect()
}

#[test]
fn eight_of_many_are_answered_in_random_order() {
    let all = names();
    let name = absolute("WEB.Shop.test").expect("a name");
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        let reply = look_up(&all, "vpc-1", &name, RecordType::A, &mut dice).expect("known");
        let distinct: BTreeSet<String> = reply.answers.iter().map(|it| it.data.to_string()).collect();
        assert_eq!((reply.answers.len(), distinct.len()), (8, 8));
        assert!(reply.is_authoritative && reply.answers.iter().all(|it| it.ttl == 5));
        seen.extend(distinct);
    }
    assert_eq!(seen.len(), 20, "all come in time");
    assert_eq!(told("one.shop.test", RecordType::A).answers.len(), 1);
}

#[test]
fn the_host_knows_the_names_of_all_vpcs() {
    let mut names = names();
    let private = |id: &str, vpc: &str| {
        zone(
            id,
            "twice.test",
            SeenBy::These(vec![vpc.to_owned()]),
            UnknownNames::Denied,
        )
    };
    let alias = zone(
        "ns/proxied.test",
        "proxied.test",
        SeenBy::These(vec!["vpc-1".to_owned()]),
        UnknownNames::Forwarded,
    );
    names.apply(NamesMessage {
        vpcs: vec![ServedVpc {
            id: "vpc-3".to_owned(),
            cidrs: vec!["10.3.0.0/16".parse().expect("a range")],
            internal_domain: "ec2.internal".to_owned(),
        }],
        zones: vec![private("one", "vpc-1"), private("two", "vpc-2"), alias],
        names: vec![
            name("one", "a.twice.test", RoutingPolicy::Multivalue, vec![address(1)]),
            name("two", "b.twice.test", RoutingPolicy::Multivalue, vec![address(2)]),
            name(
                "ns/proxied.test",
                "proxied.test",
                RoutingPolicy::Multivalue,
                vec![address(3)],
            ),
        ],
        ..NamesMessage::default()
    });
    for (name, data) in [
        ("a.twice.test", "10.0.0.1"),
        ("b.twice.test", "10.0.0.2"),
        ("a.srv.shop.test", "10.0.0.1"),
        ("lb-1.us-east-1.elb.amazonaws.com", "10.0.0.9"),
        ("ip-10-0-0-7.ec2.internal", "10.0.0.7"),
        ("ip-10-3-0-7.ec2.internal", "10.3.0.7"),
    ] {
        let reply = ask(&names, HOST, name, RecordType::A).expect("known here");
        let answers: Vec<String> = reply.answers.iter().map(|it| it.data.to_string()).collect();
        assert_eq!(answers, [data], "{name}");
    }
    for name in ["c.twice.test", "ip-10-9-0-7.ec2.internal"] {
        let reply = ask(&names, HOST, name, RecordType::A).expect("denied here");
        assert_eq!(reply.code, ResponseCode::NXDomain, "{name}");
    }
    // proxies are where only VPCs reach them
    assert!(ask(&names, HOST, "proxied.test", RecordType::A).is_none());
    assert!(ask(&names, "vpc-1", "proxied.test", RecordType::A).is_some());
}

#[test]
fn ports_come_with_the_addresses_of_their_hosts() {
    let reply = told("srv.shop.test", RecordType::SRV);
    let mut additionals = texts(&reply.additionals);
    additionals.sort();
    assert_eq!(
        additionals,
        ["a.srv.shop.test. 5 10.0.0.1", "b.srv.shop.test. 5 10.0.0.2"]
    );
    assert_eq!(reply.answers.len(), 2);
}

#[test]
fn what_is_not_there_is_said_with_the_start_of_authority() {
    let soa = "shop.test. 15 ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400";
    for (name, kind, code) in [
        ("nothing.shop.test", RecordType::A, ResponseCode::NXDomain),
        ("x.web.shop.test", RecordType::A, ResponseCode::NXDomain),
        ("web.shop.test", RecordType::AAAA, ResponseCode::NoError),
        // There is a name below it.
        ("below.shop.test", RecordType::A, ResponseCode::NoError),
        ("none.shop.test", RecordType::A, ResponseCode::NoError),
        ("shop.test", RecordType::A, ResponseCode::NoError),
    ] {
        let reply = told(name, kind);
        assert_eq!(
            (reply.code, texts(&reply.authorities)),
            (code, vec![soa.to_owned()]),
            "{name}"
        );
        assert!(reply.answers.is_empty() && reply.is_authoritative, "{name}");
    }
}

#[test]
fn the_origin_has_its_own_records() {
    assert_eq!(told("shop.test", RecordType::SOA).answers.len(), 1);
    assert_eq!(told("shop.test", RecordType::NS).answers.len(), 4);
    assert_eq!(told("shop.test", RecordType::ANY).answers.len(), 5);
    assert_eq!(told("a.srv.shop.test", RecordType::ANY).answers.len(), 1);
}

#[test]
fn aliases_are_followed_as_far_as_is_known() {
    let reply = told("lb.shop.test", RecordType::A);
    assert_eq!(
        texts(&reply.answers),
        [
            "lb.shop.test. 5 lb-1.us-east-1.elb.amazonaws.com.",
            "lb-1.us-east-1.elb.amazonaws.com. 5 10.0.0.9"
        ]
    );
    let reply = told("out.shop.test", RecordType::A);
    assert_eq!(
        (reply.answers.len(), reply.rest.map(|it| (it.name, it.alias))),
        (1, absolute("www.example.com").map(|it| (it, None)))
    );
    assert_eq!(told("lb.shop.test", RecordType::CNAME).answers.len(), 1);
    assert_eq!(told("loop.shop.test", RecordType::A).code, ResponseCode::ServFail);
}

/// Aliases of a load balancer, of a name that others know, of one that nobody has and of itself.
fn names_with_aliases() -> Names {
    let mut names = names();
    let aliases = [
        ("balanced", "lb-1.us-east-1.elb.amazonaws.com"),
        ("foreign", "www.example.com"),
        ("gone", "nobody.shop.test"),
        ("loops", "loops.shop.test"),
        ("twice", "balanced.shop.test"),
    ];
    let told = aliases.map(|(of, target)| {
        let target = vec![ServedRecord::Cname(target.to_owned())];
        let mut it = name("ns", &format!("{of}.shop.test"), RoutingPolicy::Weighted, target);
        it.sets[0].alias_of = Some(cloud_map::RecordType::A);
        let mut of_version_6 = it.sets[0].clone();
        of_version_6.alias_of = Some(cloud_map::RecordType::Aaaa);
        it.sets.push(of_version_6);
        it
    });
    names.apply(NamesMessage {
        names: told.to_vec(),
        ..NamesMessage::default()
    });
    names
}

#[test]
fn an_alias_has_the_addresses_of_its_load_balancer_under_its_own_name() {
    let names = names_with_aliases();
    let told = |name: &str, kind| ask(&names, "vpc-1", name, kind).expect("known here");
    for name in ["balanced.shop.test", "twice.shop.test"] {
        for kind in [RecordType::A, RecordType::ANY] {
            let reply = told(name, kind);
            assert_eq!(texts(&reply.answers), [format!("{name}. 5 10.0.0.9")], "{kind}");
        }
    }
    for (name, kind) in [
        ("balanced.shop.test", RecordType::CNAME),
        ("balanced.shop.test", RecordType::AAAA),
        ("balanced.shop.test", RecordType::TXT),
        ("gone.shop.test", RecordType::A),
    ] {
        let reply = told(name, kind);
        assert_eq!(
            (reply.code, reply.answers.len()),
            (ResponseCode::NoError, 0),
            "{name} {kind}"
        );
        assert_eq!(
            reply.authorities[0].name.to_string(),
            "shop.test.",
            "{name} {kind}"
        );
    }
    assert_eq!(
        told("loops.shop.test", RecordType::A).code,
        ResponseCode::ServFail
    );
}

#[test]
fn whoever_asks_for_any_records_gets_what_stands_beside_an_alias() {
    let mut names = names_with_aliases();
    let alias = vec![ServedRecord::Cname("lb-1.us-east-1.elb.amazonaws.com".to_owned())];
    let mut both = name("ns", "both.shop.test", RoutingPolicy::Weighted, alias);
    both.sets[0].alias_of = Some(cloud_map::RecordType::A);
    let own = ServedRecord::Aaaa("2001:db8::7".parse().expect("an address"));
    let own = name("ns", "both.shop.test", RoutingPolicy::Multivalue, vec![own]);
    both.sets.extend(own.sets);
    names.apply(NamesMessage {
        names: vec![both],
        ..NamesMessage::default()
    });
    for (kind, expected) in [
        (RecordType::ANY, "both.shop.test. 5 2001:db8::7"),
        (RecordType::AAAA, "both.shop.test. 5 2001:db8::7"),
        (RecordType::A, "both.shop.test. 5 10.0.0.9"),
    ] {
        let reply = ask(&names, "vpc-1", "both.shop.test", kind).expect("known here");
        assert_eq!(texts(&reply.answers), [expected], "{kind}");
    }
}

#[test]
fn an_alias_of_what_others_know_hides_their_name() {
    let reply = ask(&names_with_aliases(), "vpc-1", "foreign.shop.test", RecordType::A).expect("known here");
    assert!(reply.answers.is_empty());
    let rest = reply.rest.expect("others are asked");
    assert_eq!(
        (Some(rest.name), rest.kind),
        (absolute("www.example.com"), RecordType::A)
    );
    let alias = rest.alias.expect("an alias");
    let foreign = absolute("edge.example.net").expect("a name");
    let theirs = |data| Record::from_rdata(foreign.clone(), 60, data);
    let forwarded = Reply::of(vec![
        theirs(RData::CNAME(hickory_proto::rr::rdata::CNAME(foreign.clone()))),
        theirs(RData::A(hickory_proto::rr::rdata::A::new(192, 0, 2, 1))),
    ]);
    assert_eq!(
        texts(&alias.clone().answered(forwarded).answers),
        ["foreign.shop.test. 60 192.0.2.1"]
    );
    let failed = alias.answered(Reply::code(ResponseCode::ServFail));
    assert_eq!(
        (failed.code, failed.authorities.len()),
        (ResponseCode::ServFail, 0)
    );
}

#[test]
fn a_zone_is_seen_by_its_vpcs_only() {
    let names = names();
    assert_eq!(ask(&names, "vpc-2", "web.shop.test", RecordType::A), None);
    for vpc in ["vpc-1", "vpc-2"] {
        let reply = ask(&names, vpc, "lb-1.us-east-1.elb.amazonaws.com", RecordType::A);
        assert_eq!(reply.expect("known").answers.len(), 1);
        for name in [
            "s3.amazonaws.com",
            "amazonaws.com",
            "elsewhere.test",
            "example.com",
        ] {
            assert_eq!(ask(&names, vpc, name, RecordType::A), None, "{name}");
        }
    }
}

#[test]
fn the_private_zone_of_a_name_goes_before_the_public_one() {
    let mut names = names();
    let zones = [
        zone("a-public", "both.test", SeenBy::All, UnknownNames::Forwarded),
        zone(
            "b-private",
            "both.test",
            SeenBy::These(vec!["vpc-1".to_owned()]),
            UnknownNames::Denied,
        ),
    ];
    names.apply(NamesMessage {
        zones: zones.to_vec(),
        names: vec![
            name(
                "a-public",
                "web.both.test",
                RoutingPolicy::Multivalue,
                vec![address(1)],
            ),
            name(
                "b-private",
                "web.both.test",
                RoutingPolicy::Multivalue,
                vec![address(2)],
            ),
        ],
        ..NamesMessage::default()
    });
    for (vpc, expected) in [("vpc-1", "10.0.0.2"), ("vpc-2", "10.0.0.1")] {
        let reply = ask(&names, vpc, "web.both.test", RecordType::A).expect("is known");
        assert_eq!(reply.answers[0].data.to_string(), expected, "{vpc}");
    }
}

#[test]
fn addresses_of_the_vpc_have_names() {
    for (name, kind, expected) in [
        (
            "ip-10-0-3-4.ec2.internal",
            RecordType::A,
            Some("ip-10-0-3-4.ec2.internal. 60 10.0.3.4"),
        ),
        (
            "IP-10-0-3-4.EC2.internal",
            RecordType::A,
            Some("IP-10-0-3-4.EC2.internal. 60 10.0.3.4"),
        ),
        ("ip-10-0-3-4.ec2.internal", RecordType::AAAA, None),
        (
            "4.3.0.10.in-addr.arpa",
            RecordType::PTR,
            Some("4.3.0.10.in-addr.arpa. 60 ip-10-0-3-4.ec2.internal."),
        ),
        ("4.3.0.10.in-addr.arpa", RecordType::A, None),
    ] {
        let reply = told(name, kind);
        assert_eq!(reply.code, ResponseCode::NoError, "{name}");
        let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(texts(&reply.answers), expected, "{name}");
    }
    for name in [
        "web.ec2.internal",
        "ip-10-1-0-1.ec2.internal",
        "a.ip-10-0-0-1.ec2.internal",
        "ip-10-0-0.ec2.internal",
    ] {
        assert_eq!(told(name, RecordType::A).code, ResponseCode::NXDomain, "{name}");
    }
    for name in [
        "1.0.1.10.in-addr.arpa",
        "0.10.in-addr.arpa",
        "1.0.0.127.in-addr.arpa",
    ] {
        assert_eq!(ask(&names(), "vpc-1", name, RecordType::PTR), None, "{name}");
    }
}

#[test]
fn changes_are_in_force_at_once() {
    let mut names = names();
    names.apply(NamesMessage {
        names: vec![name(
            "ns",
            "web.shop.test",
            RoutingPolicy::Multivalue,
            vec![address(77)],
        )],
        gone_names: vec![NameKey {
            zone: "ns".to_owned(),
            name: "deep.below.shop.test".to_owned(),
        }],
        ..NamesMessage::default()
    });
    let reply = ask(&names, "vpc-1", "web.shop.test", RecordType::A).expect("known");
    assert_eq!(texts(&reply.answers), ["web.shop.test. 5 10.0.0.77"]);
    for name in ["deep.below.shop.test", "below.shop.test"] {
        let reply = ask(&names, "vpc-1", name, RecordType::A).expect("known");
        assert_eq!(reply.code, ResponseCode::NXDomain, "{name}");
    }
    names.apply(NamesMessage {
        gone_zones: vec!["ns".to_owned()],
        ..NamesMessage::default()
    });
    assert_eq!(ask(&names, "vpc-1", "web.shop.test", RecordType::A), None);
}
