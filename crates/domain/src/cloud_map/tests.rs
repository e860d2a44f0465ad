//! Tests of what Cloud Map keeps and answers.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn service(routing_policy: RoutingPolicy, record_type: RecordType) -> DiscoveryService {
    DiscoveryService {
        id: "srv-1".into(),
        scope: Scope::new("1", "us-east-1"),
        namespace_id: "ns-1".into(),
        name: "web".into(),
        dns_at_first: None,
        description: None,
        dns: Some(DnsConfig {
            routing_policy,
            records: vec![DnsRecord {
                record_type,
                ttl_seconds: 10,
            }],
        }),
        health_check: Some(HealthCheck::Custom),
        attributes: BTreeMap::new(),
        creator_request_id: None,
        created_at: Timestamp::UNIX_EPOCH,
        instances_revision: 1,
        is_ecs_managed: false,
        offered_by: Vec::new(),
        tags: Vec::new(),
    }
}

fn namespace() -> Namespace {
    Namespace {
        id: "ns-1".into(),
        scope: Scope::new("1", "us-east-1"),
        name: "shop.internal".into(),
        other_http_name: None,
        description: None,
        kind: NamespaceKind::Http,
        creator_request_id: None,
        operation_id: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

fn instance(number: usize, custom_health: CustomHealth, attributes: &[(&str, &str)]) -> DiscoveryInstance {
    let attributes = attributes
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    DiscoveryInstance {
        service_id: "srv-1".into(),
        id: format!("web-{number}"),
        attributes: attributes.collect(),
        custom_health,
        creator_request_id: None,
        operation_id: None,
        registered_at: Timestamp::UNIX_EPOCH,
    }
}

fn address(number: usize, health: CustomHealth) -> DiscoveryInstance {
    instance(number, health, &[("AWS_INSTANCE_IPV4", "10.0.0.7")])
}

#[test]
fn an_answer_has_up_to_eight_that_are_healthy_and_all_of_them_take_turns() {
    let web = service(RoutingPolicy::Multivalue, RecordType::A);
    let mut all: Vec<_> = (0..20).map(|it| address(it, CustomHealth::Healthy)).collect();
    all.push(address(20, CustomHealth::Unhealthy));
    let from = candidates(&web, all.iter(), RecordType::A);
    assert_eq!(from.len(), 20);
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        let answer = chosen(RoutingPolicy::Multivalue, &from, seed);
        let ids: BTreeSet<_> = answer.iter().map(|it| it.id.clone()).collect();
        assert_eq!(ids.len(), ANSWERS_MAX, "none comes twice");
        seen.extend(ids);
    }
    assert_eq!(seen.len(), 20);
    assert_eq!(chosen(RoutingPolicy::Weighted, &from, 3).len(), 1);
    assert!(chosen(RoutingPolicy::Weighted, &from[..0], 3).is_empty());
}

#[test]
fn if_none_is_healthy_all_answer() {
    let web = service(RoutingPolicy::Multivalue, RecordType::A);
    let all: Vec<_> = (0..3).map(|it| address(it, CustomHealth::Unhealthy)).collect();
    assert_eq!(candidates(&web, all.iter(), RecordType::A).len(), 3);
    let unchecked = DiscoveryService {
        health_check: None,
        ..web
    };
    assert_eq!(all[0].health(&unchecked), InstanceHealth::Unknown);
}

#[test]
fn only_types_of_the_service_that_the_instance_has_a_value_for_are_answered() {
    let web = service(RoutingPolicy::Multivalue, RecordType::Srv);
    let all = [
        instance(0, CustomHealth::Healthy, &[("AWS_INSTANCE_PORT", "8080")]),
        address(1, CustomHealth::Healthy),
    ];
    let ids = |record_type| -> Vec<_> {
        let found = candidates(&web, all.iter(), record_type);
        found.into_iter().map(|it| it.id.as_str()).collect()
    };
    assert_eq!(ids(RecordType::Srv), ["web-0"]);
    assert!(ids(RecordType::A).is_empty());
}

#[test]
fn records_say_what_the_attributes_say() {
    let web = service(RoutingPolicy::Multivalue, RecordType::Srv);
    let of = |attributes: &[(&str, &str)], record_type| {
        let it = instance(0, CustomHealth::Healthy, attributes);
        record(&namespace(), &web, &it, record_type)
    };
    let port = RecordData::Srv {
        port: 8080,
        target: "web-0.web.shop.internal".into(),
    };
    let cases = [
        (
            "AWS_INSTANCE_IPV4",
            "10.0.0.7",
            RecordType::A,
            RecordData::A([10, 0, 0, 7].into()),
        ),
        (
            "AWS_INSTANCE_IPV6",
            "::1",
            RecordType::Aaaa,
            RecordData::Aaaa(1.into()),
        ),
        ("AWS_INSTANCE_PORT", "8080", RecordType::Srv, port),
        (
            "AWS_INSTANCE_CNAME",
            "b.test",
            RecordType::Cname,
            RecordData::Cname("b.test".into()),
        ),
        (
            "AWS_ALIAS_DNS_NAME",
            "lb.test",
            RecordType::A,
            RecordData::Alias("lb.test".into()),
        ),
    ];
    for (name, value, record_type, expected) in cases {
        assert_eq!(of(&[(name, value)], record_type), Some(expected), "{name}");
    }
    assert_eq!(of(&[("AWS_INSTANCE_IPV4", "no address")], RecordType::A), None);
    assert_eq!(of(&[], RecordType::Cname), None);
}

#[test]
fn callers_discover_what_they_ask_for() {
    let web = service(RoutingPolicy::Multivalue, RecordType::A);
    let all = [
        instance(0, CustomHealth::Healthy, &[("stage", "prod"), ("zone", "a")]),
        instance(1, CustomHealth::Unhealthy, &[("stage", "prod"), ("zone", "b")]),
        instance(2, CustomHealth::Unhealthy, &[("stage", "test"), ("zone", "a")]),
    ];
    let attributes = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    };
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Pairs<'_>, Pairs<'_>, HealthFilter, &[&str]); 8] = [
        (&[], &[], HealthFilter::All, &["web-0", "web-1", "web-2"]),
        (&[], &[], HealthFilter::Healthy, &["web-0"]),
        (&[], &[], HealthFilter::Unhealthy, &["web-1", "web-2"]),
        (&[("stage", "prod")], &[], HealthFilter::All, &["web-0", "web-1"]),
        (&[("stage", "test")], &[], HealthFilter::Healthy, &[]),
        (
            &[("stage", "test")],
            &[],
            HealthFilter::HealthyOrElseAll,
            &["web-2"],
        ),
        (
            &[("stage", "prod")],
            &[("zone", "b")],
            HealthFilter::All,
            &["web-1"],
        ),
        (
            &[("stage", "prod")],
            &[("zone", "c")],
            HealthFilter::All,
            &["web-0", "web-1"],
        ),
    ];
    for (query, optional, health, expected) in cases {
        let wanted = Wanted {
            query: attributes(query),
            optional: attributes(optional),
            health,
        };
        let found = discovered(&web, all.iter(), &wanted);
        let ids: Vec<_> = found.into_iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, expected, "{wanted:?}");
    }
}
