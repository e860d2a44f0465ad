//! What hosts are told of names.

use domain::Timestamp;
use domain::cloud_map::{
    CustomHealth, DiscoveryInstance, DiscoveryService, DnsConfig, DnsRecord, HealthCheck, HostedZone,
    Namespace, NamespaceKind, RecordType, RoutingPolicy, attribute,
};
use domain::served_names::{SeenBy, ServedRecord, UnknownNames};
use domain::service_connect::{AppProtocol, ClientAlias, ClientAliasKey};
use domain::vpc::{Subnet, Vpc};
use serde_json::json;

use super::*;
use crate::fixture::{Fixture, text};

const ELB: &str = "elasticloadbalancing";

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

/// A VPC with a subnet.
async fn network(fixture: &Fixture) -> (String, String) {
    let made = fixture
        .store()
        .transact(move |tx| -> Result<_, std::convert::Infallible> {
            let vpc = tx.put(Vpc {
                is_default: true,
                ..Vpc::new(
                    tx.ids().ec2("vpc"),
                    scope(),
                    "10.0.0.0/16".parse().expect("a range"),
                    tx.ids().ec2("sg"),
                )
            });
            orchestrator::transitions::furnish_vpc(tx, &vpc);
            let subnet = tx.put(Subnet {
                id: tx.ids().ec2("subnet"),
                scope: scope(),
                vpc_id: vpc.id.clone(),
                cidr: "10.0.0.0/28".parse().expect("a range"),
                availability_zone: "us-east-1a".to_owned(),
                is_default: true,
                maps_public_ip_on_launch: true,
                tags: Vec::new(),
            });
            Ok((vpc.id.clone(), subnet.id.clone()))
        });
    made.await.expect("is stored")
}

/// All that is new for who has been told that.
fn told(fixture: &Fixture, told: &mut BTreeMap<Source, Served>) -> NamesMessage {
    let found = fixture.store().read(|state| {
        let mut sources = served::sources(state, &scope());
        sources.extend(told.keys().cloned());
        let sources: std::collections::BTreeSet<_> = sources.into_iter().collect();
        let look = |it: Source| (it.clone(), served(state, &scope(), &it));
        sources.into_iter().map(look).collect()
    });
    difference(told, found)
}

#[tokio::test]
async fn names_of_load_balancers_come_and_go() {
    let fixture = Fixture::new().await;
    let (vpc, subnet) = network(&fixture).await;
    let mut known = BTreeMap::new();
    let first = told(&fixture, &mut known);
    let vpcs: Vec<_> = first
        .vpcs
        .iter()
        .map(|it| (it.id.as_str(), it.internal_domain.as_str()))
        .collect();
    assert_eq!(vpcs, [(vpc.as_str(), "ec2.internal")]);
    assert_eq!(first.zones.len(), 1, "that of load balancers");

    let input = json!({ "Name": "net", "Type": "network", "Subnets": [subnet] });
    let made = fixture.ask_of(ELB, "CreateLoadBalancer", input).await;
    let made = &made["LoadBalancers"][0];
    let dns_name = text(&made["DNSName"]);
    let second = told(&fixture, &mut known);
    let names: Vec<_> = second.names.iter().map(|it| it.key.name.clone()).collect();
    assert_eq!(names, [dns_name.clone(), format!("us-east-1a.{dns_name}")]);
    let [RecordSet { records, .. }] = second.names[0].sets.as_slice() else {
        panic!("one set: {second:?}");
    };
    assert!(matches!(records.as_slice(), [ServedRecord::A(_)]), "{records:?}");
    assert!(second.vpcs.is_empty() && second.zones.is_empty(), "{second:?}");
    assert_eq!(told(&fixture, &mut known), NamesMessage::default());

    let arn = json!({ "LoadBalancerArn": made["LoadBalancerArn"] });
    fixture.ask_of(ELB, "DeleteLoadBalancer", arn).await;
    let third = told(&fixture, &mut known);
    let gone: Vec<_> = third.gone_names.iter().map(|it| it.name.clone()).collect();
    assert_eq!(gone, [dns_name.clone(), format!("us-east-1a.{dns_name}")]);
}

fn namespace() -> Namespace {
    Namespace {
        id: "ns-1".to_owned(),
        scope: scope(),
        name: "Shop.test".to_owned(),
        other_http_name: None,
        description: None,
        kind: NamespaceKind::PrivateDns {
            vpc_id: "vpc-1".to_owned(),
            zone: HostedZone {
                id: "Z1".to_owned(),
                soa_ttl_seconds: 15,
            },
        },
        creator_request_id: None,
        operation_id: "op".to_owned(),
        created_at: Timestamp::MIN,
        tags: Vec::new(),
    }
}

fn discovery_service() -> DiscoveryService {
    let record = |record_type| DnsRecord {
        record_type,
        ttl_seconds: 7,
    };
    DiscoveryService {
        id: "srv-1".to_owned(),
        scope: scope(),
        namespace_id: "ns-1".to_owned(),
        name: "web".to_owned(),
        dns_at_first: None,
        description: None,
        dns: Some(DnsConfig {
            routing_policy: RoutingPolicy::Weighted,
            records: vec![record(RecordType::A), record(RecordType::Srv)],
        }),
        health_check: Some(HealthCheck::Custom),
        attributes: BTreeMap::new(),
        creator_request_id: None,
        created_at: Timestamp::MIN,
        instances_revision: 1,
        is_ecs_managed: false,
        offered_by: Vec::new(),
        tags: Vec::new(),
    }
}

fn instance(id: u8, custom_health: CustomHealth) -> DiscoveryInstance {
    let attributes = [
        (attribute::IPV4.to_owned(), format!("10.0.0.{id}")),
        (attribute::PORT.to_owned(), "8080".to_owned()),
    ];
    DiscoveryInstance {
        service_id: "srv-1".to_owned(),
        id: format!("i{id}"),
        attributes: attributes.into(),
        custom_health,
        creator_request_id: None,
        operation_id: None,
        registered_at: Timestamp::MIN,
    }
}

async fn put_instance(fixture: &Fixture, it: DiscoveryInstance) {
    let put = fixture
        .store()
        .transact(move |tx| -> Result<_, std::convert::Infallible> {
            tx.put(it);
            Ok(())
        });
    put.await.expect("is stored");
}

/// Each name with its records, as text.
fn names(message: &NamesMessage) -> Vec<(String, String)> {
    let all = message.names.iter();
    let name = all.map(|it| {
        let records = it.sets.iter().flat_map(|it| &it.records);
        let records: Vec<_> = records.map(|it| format!("{it:?}")).collect();
        (it.key.name.clone(), records.join(" "))
    });
    name.collect()
}

#[tokio::test]
async fn a_load_balancer_is_an_alias() {
    let fixture = Fixture::new().await;
    let balanced = DiscoveryInstance {
        attributes: BTreeMap::from([(attribute::ALIAS.to_owned(), "lb.amazonaws.com".to_owned())]),
        ..instance(1, CustomHealth::Healthy)
    };
    let put = fixture
        .store()
        .transact(|tx| -> Result<_, std::convert::Infallible> {
            tx.put(namespace());
            let mut service = discovery_service();
            if let Some(dns) = &mut service.dns {
                dns.records.truncate(1);
            }
            tx.put(service);
            tx.put(balanced);
            Ok(())
        });
    put.await.expect("is stored");
    let told = told(&fixture, &mut BTreeMap::new());
    let [
        RecordSet {
            records, alias_of, ..
        },
    ] = told.names[0].sets.as_slice()
    else {
        panic!("one set: {told:?}");
    };
    assert_eq!(
        (records.as_slice(), *alias_of),
        (
            [ServedRecord::Cname("lb.amazonaws.com".to_owned())].as_slice(),
            Some(RecordType::A)
        )
    );
}

#[tokio::test]
async fn names_of_cloud_map_follow_their_instances() {
    let fixture = Fixture::new().await;
    let mut known = BTreeMap::new();
    let put = fixture
        .store()
        .transact(|tx| -> Result<_, std::convert::Infallible> {
            tx.put(namespace());
            tx.put(discovery_service());
            Ok(())
        });
    put.await.expect("is stored");
    let first = told(&fixture, &mut known);
    let zone = first.zones.iter().find(|it| it.id == "ns-1").expect("a zone");
    assert_eq!(zone.vpcs, SeenBy::These(vec!["vpc-1".to_owned()]));
    assert_eq!(
        (zone.unknown, zone.negative_ttl_seconds),
        (UnknownNames::Denied, 15)
    );
    assert!(first.names.is_empty(), "no instance, no name: {first:?}");

    put_instance(&fixture, instance(1, CustomHealth::Healthy)).await;
    let port = r#"Srv { priority: 1, weight: 1, port: 8080, target: "i1.web.Shop.test" }"#;
    let expected = [
        ("i1.web.shop.test".to_owned(), "A(10.0.0.1)".to_owned()),
        ("web.shop.test".to_owned(), format!("A(10.0.0.1) {port}")),
    ];
    assert_eq!(names(&told(&fixture, &mut known)), expected);

    put_instance(&fixture, instance(2, CustomHealth::Unhealthy)).await;
    let third = told(&fixture, &mut known);
    let expected = [("i2.web.shop.test".to_owned(), "A(10.0.0.2)".to_owned())];
    assert_eq!(names(&third), expected, "an unhealthy one is in no answer");

    put_instance(&fixture, instance(1, CustomHealth::Unhealthy)).await;
    let fourth = names(&told(&fixture, &mut known));
    assert!(
        fourth[0].1.starts_with("A(10.0.0.1) A(10.0.0.2)"),
        "all, if each is: {fourth:?}"
    );

    let gone = fixture
        .store()
        .transact(|tx| -> Result<_, std::convert::Infallible> {
            for id in ["i1", "i2"] {
                tx.delete::<DiscoveryInstance>(&("srv-1".to_owned(), id.to_owned()));
            }
            Ok(())
        });
    gone.await.expect("is stored");
    let last = told(&fixture, &mut known);
    let gone: Vec<_> = last.gone_names.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(gone, ["i1.web.shop.test", "i2.web.shop.test", "web.shop.test"]);
}

fn client_alias(namespace_id: &str, address: u8) -> ClientAlias {
    ClientAlias {
        key: ClientAliasKey {
            namespace_id: namespace_id.to_owned(),
            dns_name: "web".to_owned(),
            port: 80,
        },
        scope: scope(),
        address: std::net::Ipv4Addr::new(169, 254, 64, address),
        service: domain::ClusterArn::of(&scope(), "default").member("web"),
        discovery_name: "web".to_owned(),
        protocol: AppProtocol::Http,
        idle_timeout_seconds: 300,
        per_request_timeout_seconds: 15,
    }
}

/// The service whose aliases these are: its tasks are in no VPC.
async fn offering_service(fixture: &Fixture) {
    fixture.instance().await;
    fixture.definition().await;
    let web = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 });
    fixture.ask("CreateService", web).await;
    let arn = client_alias("ns-1", 1).service;
    let offers = fixture
        .store()
        .transact(move |tx| -> Result<_, std::convert::Infallible> {
            let service = tx.get::<domain::service::Service>(&arn).expect("is made");
            tx.put(domain::service::Service {
                service_connect: Some(domain::service_connect::ServiceConnectConfiguration::default()),
                ..domain::service::Service::clone(&service)
            });
            Ok(())
        });
    offers.await.expect("is stored");
}

/// The VPCs in which names of Service Connect are told to be known, by the id of their zone.
fn zones(message: &NamesMessage) -> Vec<(&str, SeenBy)> {
    let zones = message.zones.iter();
    let zones = zones.filter(|it| it.id.ends_with("/web"));
    zones.map(|it| (it.id.as_str(), it.vpcs.clone())).collect()
}

#[tokio::test]
async fn names_of_service_connect_are_looked_at_again_when_others_change() {
    let fixture = Fixture::new().await;
    let (vpc, _) = network(&fixture).await;
    offering_service(&fixture).await;
    let resolvers = Resolvers::default();
    let follower = resolvers.open("host");
    let mut known = BTreeMap::new();
    follower.next().await;
    let mut feed = fixture.store().follow();
    // What the session tells after a commit.
    let mut tell = async |change: Box<dyn Fn(&mut store::Tx<'_>) + Send + Sync>| {
        let stored = fixture
            .store()
            .transact(move |tx| -> Result<_, std::convert::Infallible> {
                change(tx);
                Ok(())
            });
        stored.await.expect("is stored");
        let store::Followed::Commit(commit) = feed.next().await else {
            panic!("the feed lags")
        };
        resolvers.tell(&commit);
        let news = follower.next().await;
        let found = fixture.store().read(|state| look(state, &scope(), news, &known));
        difference(&mut known, found)
    };
    let seen = |vpcs: &[&String]| SeenBy::These(vpcs.iter().map(|it| (*it).clone()).collect());
    let first = tell(Box::new(|tx| drop(tx.put(client_alias("ns-2", 2))))).await;
    assert_eq!(zones(&first), [("ns-2/web", seen(&[&vpc]))]);
    let second = tell(Box::new(|tx| drop(tx.put(client_alias("ns-1", 1))))).await;
    let both = [("ns-1/web", seen(&[&vpc])), ("ns-2/web", seen(&[]))];
    assert_eq!(zones(&second), both, "the lower id has the name");
    let new = "vpc-f".to_owned();
    let third = tell(Box::new(|tx| {
        let cidr = "10.1.0.0/16".parse().expect("a range");
        tx.put(Vpc::new("vpc-f".to_owned(), scope(), cidr, "sg-f".to_owned()));
    }))
    .await;
    let mut vpcs = [&vpc, &new];
    vpcs.sort();
    assert_eq!(zones(&third), [("ns-1/web", seen(&vpcs))], "a new VPC");
    let fourth = tell(Box::new(|tx| {
        tx.delete::<ClientAlias>(&client_alias("ns-1", 1).key)
    }))
    .await;
    assert_eq!(zones(&fourth), [("ns-2/web", seen(&vpcs))], "it is its own again");
    assert_eq!(fourth.gone_zones, ["ns-1/web"]);
}
