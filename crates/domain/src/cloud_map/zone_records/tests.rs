use std::collections::BTreeMap;

use super::super::{
    CustomHealth, DnsConfig, DnsRecord, HealthCheck, HostedZone, NamespaceKind, RoutingPolicy,
};
use super::*;
use crate::{Scope, Timestamp};

fn namespace(name: &str) -> Namespace {
    Namespace {
        id: "ns-1".into(),
        scope: Scope::new("1", "us-east-1"),
        name: name.into(),
        other_http_name: None,
        description: None,
        kind: NamespaceKind::PublicDns {
            zone: HostedZone {
                id: "Z1".into(),
                soa_ttl_seconds: 15,
            },
        },
        creator_request_id: None,
        operation_id: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

fn service(routing_policy: RoutingPolicy, kinds: &[RecordType]) -> DiscoveryService {
    let records = kinds.iter().map(|record_type| DnsRecord {
        record_type: *record_type,
        ttl_seconds: 10,
    });
    DiscoveryService {
        id: "srv-1".into(),
        scope: Scope::new("1", "us-east-1"),
        namespace_id: "ns-1".into(),
        name: "Web".into(),
        dns_at_first: None,
        description: None,
        dns: Some(DnsConfig {
            routing_policy,
            records: records.collect(),
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

fn instance(id: &str, custom_health: CustomHealth, attributes: &[(&str, &str)]) -> DiscoveryInstance {
    let attributes = attributes
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    DiscoveryInstance {
        service_id: "srv-1".into(),
        id: id.into(),
        attributes: attributes.collect(),
        custom_health,
        creator_request_id: None,
        operation_id: None,
        registered_at: Timestamp::UNIX_EPOCH,
    }
}

/// A line for each set.
fn listed(namespace: &Namespace, service: &DiscoveryService, instances: &[DiscoveryInstance]) -> Vec<String> {
    let mut sets = own_sets(namespace);
    sets.extend(sets_of(namespace, service, instances.iter()));
    assert_eq!(sets.len(), count(count_of(service, instances.iter())));
    sets.sort_by_key(ZoneRecordSet::position);
    let line = |it: &ZoneRecordSet| {
        let choice = it.choice.as_ref();
        let choice = choice.map_or(String::new(), |(id, how)| format!(" {id} {}", how.as_str()));
        let ttl = it.ttl_seconds.map_or("-".to_owned(), |it| it.to_string());
        let data = match &it.data {
            ZoneRecordData::Values(values) => values.join(", "),
            ZoneRecordData::Alias(name) => format!("alias {name}"),
        };
        format!("{} {ttl} {}{choice}: {data}", it.name, it.record_type)
    };
    sets.iter().map(line).collect()
}

const OWN: [&str; 2] = [
    "shop.test. 172800 NS: ns-1536.awsdns-00.co.uk., ns-0.awsdns-00.com., ns-1024.awsdns-00.org., ns-512.awsdns-00.net.",
    "shop.test. 15 SOA: ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400",
];

#[test]
fn instances_share_the_name_of_their_service() {
    use CustomHealth::{Healthy, Unhealthy};
    let web = service(RoutingPolicy::Multivalue, &[RecordType::Aaaa, RecordType::A]);
    let at = |id, health, last: &str| {
        let (four, six) = (format!("10.0.0.{last}"), format!("fd00::{last}"));
        instance(
            id,
            health,
            &[("AWS_INSTANCE_IPV4", &four), ("AWS_INSTANCE_IPV6", &six)],
        )
    };
    let all = [
        at("b", Healthy, "2"),
        at("a", Healthy, "1"),
        at("c", Unhealthy, "3"),
    ];
    let mut expected = OWN.to_vec();
    expected.extend([
        "web.shop.test. 10 A a MULTIVALUE: 10.0.0.1",
        "web.shop.test. 10 A b MULTIVALUE: 10.0.0.2",
        "web.shop.test. 10 AAAA a MULTIVALUE: fd00::1",
        "web.shop.test. 10 AAAA b MULTIVALUE: fd00::2",
    ]);
    assert_eq!(listed(&namespace("shop.test"), &web, &all), expected);
    let unhealthy = [at("c", Unhealthy, "3")];
    let left = listed(&namespace("shop.test"), &web, &unhealthy);
    assert_eq!(
        left[2..],
        [
            "web.shop.test. 10 A c MULTIVALUE: 10.0.0.3",
            "web.shop.test. 10 AAAA c MULTIVALUE: fd00::3"
        ],
        "all are answered if none is healthy"
    );
}

#[test]
fn ports_are_on_hosts_of_their_own() {
    let web = service(RoutingPolicy::Multivalue, &[RecordType::Srv]);
    let attributes = [("AWS_INSTANCE_IPV4", "10.0.0.1"), ("AWS_INSTANCE_PORT", "8080")];
    let all = [instance("Task:1", CustomHealth::Healthy, &attributes)];
    let found = listed(&namespace("Shop.test"), &web, &all);
    assert_eq!(
        found[2..],
        [
            r"web.shop.test. 10 SRV Task:1 MULTIVALUE: 1 1 8080 task\0721.web.shop.test.",
            r"task\0721.web.shop.test. 10 A: 10.0.0.1",
        ]
    );
}

#[test]
fn weighted_services_have_aliases_and_other_names() {
    let web = service(RoutingPolicy::Weighted, &[RecordType::A]);
    let alias = [("AWS_ALIAS_DNS_NAME", "web-1.us-east-1.elb.amazonaws.com")];
    let all = [instance("a", CustomHealth::Healthy, &alias)];
    let found = listed(&namespace("shop.test"), &web, &all);
    assert_eq!(
        found[2],
        "web.shop.test. - A a WEIGHTED: alias web-1.us-east-1.elb.amazonaws.com"
    );
    let web = service(RoutingPolicy::Weighted, &[RecordType::Cname]);
    let all = [instance(
        "a",
        CustomHealth::Healthy,
        &[("AWS_INSTANCE_CNAME", "example.com")],
    )];
    let found = listed(&namespace("shop.test"), &web, &all);
    assert_eq!(found[2], "web.shop.test. 10 CNAME a WEIGHTED: example.com");
}

#[test]
fn names_are_ordered_by_their_labels_from_the_end() {
    let mut names = [
        "www.example.com",
        "example.com",
        "A.example.com",
        "a-b.example.com",
        "com",
    ]
    .map(absolute);
    names.sort_by_key(|it| reversed(it));
    let expected = [
        "com.",
        "example.com.",
        "a-b.example.com.",
        "a.example.com.",
        "www.example.com.",
    ];
    assert_eq!(names, expected, "a hyphen comes before a dot");
    assert_eq!(absolute(r"*.x\052"), r"\052.x\052.");
    let (space, web) = (namespace("shop.test"), service(RoutingPolicy::Multivalue, &[]));
    assert_eq!(beginning(&space, &web), "test.shop.web.");
}
