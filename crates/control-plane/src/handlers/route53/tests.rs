//! The zones of namespaces, as clients read them.

use domain::vpc::Vpc;
use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

struct World {
    fixture: Fixture,
    vpc_id: String,
}

impl World {
    /// With a VPC.
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let made = fixture.store().transact(|tx| {
            let scope = domain::Scope::new("123456789012", "us-east-1");
            let range = "10.0.0.0/16".parse().expect("a range");
            let (id, group) = (tx.ids().ec2("vpc"), tx.ids().ec2("sg"));
            Ok::<_, std::convert::Infallible>(tx.put(Vpc::new(id, scope, range, group)).id.clone())
        });
        Self {
            vpc_id: made.await.expect("is stored"),
            fixture,
        }
    }

    async fn map(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of("servicediscovery", operation, input).await
    }

    async fn ask(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of("route53", operation, input).await
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture.refused_of("route53", operation, input).await
    }

    /// Ids of a namespace and of its zone.
    async fn namespace(&self, operation: &str, input: Value) -> (String, String) {
        let made = self.map(operation, input).await;
        let operation = self
            .map("GetOperation", json!({ "OperationId": made["OperationId"] }))
            .await;
        let id = text(&operation["Operation"]["Targets"]["NAMESPACE"]);
        let shown = self.map("GetNamespace", json!({ "Id": id })).await;
        let zone = &shown["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"];
        (id, zone.as_str().unwrap_or_default().to_owned())
    }

    async fn private(&self, name: &str) -> (String, String) {
        let input = json!({ "Name": name, "Vpc": self.vpc_id });
        self.namespace("CreatePrivateDnsNamespace", input).await
    }

    async fn public(&self, name: &str) -> (String, String) {
        self.namespace("CreatePublicDnsNamespace", json!({ "Name": name }))
            .await
    }

    /// A service with A records, and instances of these ids.
    async fn service(&self, namespace: &str, name: &str, instances: &[&str]) {
        let input = json!({
            "Name": name, "NamespaceId": namespace,
            "DnsConfig": { "DnsRecords": [{ "Type": "A", "TTL": 10 }] },
        });
        let made = self.map("CreateService", input).await;
        for id in instances {
            let input = json!({
                "ServiceId": made["Service"]["Id"], "InstanceId": id, "Attributes": { "AWS_INSTANCE_IPV4": "10.0.0.9" },
            });
            self.map("RegisterInstance", input).await;
        }
    }

    /// `name type identifier` of each set, page by page.
    async fn walk(&self, zone: &str, size: usize) -> Vec<Vec<String>> {
        let mut input = json!({ "HostedZoneId": zone, "MaxItems": size.to_string() });
        let mut pages = Vec::new();
        loop {
            let page = self.ask("ListResourceRecordSets", input.clone()).await;
            let sets = page["ResourceRecordSets"].as_array().expect("a list").iter();
            let line = |it: &Value| {
                let identifier = it["SetIdentifier"].as_str().unwrap_or_default();
                format!("{} {} {identifier}", text(&it["Name"]), text(&it["Type"]))
            };
            pages.push(sets.map(line).collect());
            if page["IsTruncated"] == json!(false) {
                assert_eq!(page["NextRecordName"], Value::Null);
                return pages;
            }
            for (start, next) in [
                ("StartRecordName", "NextRecordName"),
                ("StartRecordType", "NextRecordType"),
                ("StartRecordIdentifier", "NextRecordIdentifier"),
            ] {
                input[start] = page[next].clone();
            }
        }
    }
}

#[tokio::test]
async fn a_zone_tells_of_its_namespace() {
    let world = World::new().await;
    let (id, zone) = world.private("Shop.internal").await;
    world.service(&id, "web", &["a", "b"]).await;
    for given in [
        zone.clone(),
        format!("/hostedzone/{zone}"),
        format!("hostedzone/{zone}"),
    ] {
        let shown = world.ask("GetHostedZone", json!({ "Id": given })).await;
        let arn = format!("arn:aws:servicediscovery:us-east-1:123456789012:namespace/{id}");
        let mut hosted = shown["HostedZone"].clone();
        assert_ne!(hosted["CallerReference"].take(), json!(""));
        assert_eq!(
            hosted,
            json!({
                "Id": format!("/hostedzone/{zone}"), "Name": "shop.internal.", "CallerReference": null,
                "Config": {
                    "Comment": format!("Created by AWS Cloud Map namespace with ARN {arn}"), "PrivateZone": true,
                },
                "LinkedService": { "ServicePrincipal": "servicediscovery.amazonaws.com", "Description": arn },
                "ResourceRecordSetCount": 4,
            })
        );
        let vpcs = json!([{ "VPCRegion": "us-east-1", "VPCId": world.vpc_id }]);
        assert_eq!((&shown["VPCs"], &shown["DelegationSet"]), (&vpcs, &Value::Null));
    }
    let (_, public) = world.public("shop.example").await;
    let shown = world.ask("GetHostedZone", json!({ "Id": public })).await;
    assert_eq!(shown["HostedZone"]["Config"]["PrivateZone"], false);
    assert_eq!(
        shown["DelegationSet"]["NameServers"][0],
        "ns-1536.awsdns-00.co.uk"
    );
    assert_eq!(shown["VPCs"], Value::Null);
    world.map("CreateHttpNamespace", json!({ "Name": "none" })).await;
    let count = world.ask("GetHostedZoneCount", json!({})).await;
    assert_eq!(count, json!({ "HostedZoneCount": 2 }));
    let limit = json!({ "HostedZoneId": zone, "Type": "MAX_RRSETS_BY_ZONE" });
    let limit = world.ask("GetHostedZoneLimit", limit).await;
    assert_eq!(limit["Count"], 4);
}

#[tokio::test]
async fn zones_are_listed_by_id_by_name_and_of_a_vpc() {
    let world = World::new().await;
    let mut zones = Vec::new();
    for name in ["b.test", "a.test", "a-b.test", "x.a.test"] {
        zones.push(world.private(name).await.1);
    }
    world.public("public.test").await;
    zones.sort();
    let first = json!({ "MaxItems": "3", "HostedZoneType": "PrivateHostedZone" });
    let page = world.ask("ListHostedZones", first).await;
    assert_eq!(
        (&page["IsTruncated"], &page["MaxItems"]),
        (&json!(true), &json!("3"))
    );
    assert_eq!(page["NextMarker"], json!(zones[3]));
    let rest = json!({ "Marker": page["NextMarker"], "HostedZoneType": "PrivateHostedZone" });
    let rest = world.ask("ListHostedZones", rest).await;
    assert_eq!(rest["HostedZones"][0]["Id"], format!("/hostedzone/{}", zones[3]));
    assert_eq!(
        (&rest["IsTruncated"], rest["HostedZones"].as_array().map(Vec::len)),
        (&json!(false), Some(1))
    );
    let names = |it: &Value, list: &str| -> Vec<String> {
        let all = it[list].as_array().expect("a list").iter();
        all.map(|it| text(&it["Name"])).collect()
    };
    let all = world.ask("ListHostedZonesByName", json!({})).await;
    let expected = ["a-b.test.", "a.test.", "x.a.test.", "b.test.", "public.test."];
    assert_eq!(names(&all, "HostedZones"), expected);
    let from = json!({ "DNSName": "A.test", "MaxItems": "1" });
    let from = world.ask("ListHostedZonesByName", from).await;
    assert_eq!(names(&from, "HostedZones"), ["a.test."]);
    assert_eq!(
        (&from["DNSName"], &from["NextDNSName"]),
        (&json!("A.test"), &json!("x.a.test."))
    );
    let of_vpc = json!({ "VPCId": world.vpc_id, "VPCRegion": "us-east-1", "MaxItems": "3" });
    let seen = world.ask("ListHostedZonesByVPC", of_vpc.clone()).await;
    let mut more = of_vpc;
    more["NextToken"] = seen["NextToken"].clone();
    let more = world.ask("ListHostedZonesByVPC", more).await;
    let mut found: Vec<String> = names(&seen, "HostedZoneSummaries");
    found.extend(names(&more, "HostedZoneSummaries"));
    found.sort();
    assert_eq!(found, ["a-b.test.", "a.test.", "b.test.", "x.a.test."]);
    let owner = json!({ "OwningAccount": "123456789012" });
    assert_eq!(seen["HostedZoneSummaries"][0]["Owner"], owner);
}

#[tokio::test]
async fn records_are_listed_in_pages_of_any_size() {
    let world = World::new().await;
    let (id, zone) = world.private("shop.test").await;
    world.service(&id, "web", &["b", "a"]).await;
    world.service(&id, "web-2", &["a"]).await;
    world.service(&id, "api", &["a", "b", "c"]).await;
    world.service(&id, "empty", &[]).await;
    let whole = [
        "shop.test. NS ",
        "shop.test. SOA ",
        "api.shop.test. A a",
        "api.shop.test. A b",
        "api.shop.test. A c",
        "web-2.shop.test. A a",
        "web.shop.test. A a",
        "web.shop.test. A b",
    ];
    for size in [1, 2, 3, 7, 8, 300, 1000] {
        let pages = world.walk(&zone, size).await;
        assert!(pages.iter().all(|it| it.len() <= size), "{pages:?}");
        assert_eq!(pages.concat(), whole, "in pages of {size}");
    }
    let from = json!({ "HostedZoneId": zone, "StartRecordName": "WEB.shop.test", "StartRecordType": "A" });
    let from = world.ask("ListResourceRecordSets", from).await;
    let expected = json!({
        "Name": "web.shop.test.", "Type": "A", "TTL": 10, "SetIdentifier": "a", "MultiValueAnswer": true,
        "ResourceRecords": [{ "Value": "10.0.0.9" }],
    });
    assert_eq!(from["ResourceRecordSets"][0], expected);
}

#[tokio::test]
async fn tags_of_a_namespace_are_not_those_of_its_zone() {
    let world = World::new().await;
    let (_, zone) = world.private("shop.test").await;
    let set = json!({ "ResourceType": "hostedzone", "ResourceId": zone, "Tags": [] });
    let input = json!({ "ResourceType": "hostedzone", "ResourceId": format!("/hostedzone/{zone}") });
    let one = world.ask("ListTagsForResource", input).await;
    assert_eq!(one, json!({ "ResourceTagSet": set }));
    let input = json!({ "ResourceType": "hostedzone", "ResourceIds": [zone] });
    let several = world.ask("ListTagsForResources", input).await;
    assert_eq!(several, json!({ "ResourceTagSets": [set] }));
}

/// Each of these is refused with its code.
async fn refused<const N: usize>(world: &World, cases: [(&str, Value, &str); N]) {
    for (operation, input, code) in cases {
        let (found, message) = world.refused(operation, input.clone()).await;
        assert_eq!(found, code, "{operation} {input}: {message}");
    }
}

#[tokio::test]
async fn zones_that_are_not_there_or_asked_for_wrongly_are_refused() {
    let world = World::new().await;
    let (_, zone) = world.private("shop.test").await;
    let nothing = "Z0000000000000000000X";
    let cases = [
        ("GetHostedZone", json!({ "Id": nothing }), "NoSuchHostedZone"),
        ("GetHostedZone", json!({ "Id": "Z".repeat(33) }), "InvalidInput"),
        ("ListHostedZones", json!({ "MaxItems": "0" }), "InvalidInput"),
        ("ListHostedZones", json!({ "MaxItems": "many" }), "InvalidInput"),
        (
            "ListHostedZones",
            json!({ "HostedZoneType": "Public" }),
            "InvalidInput",
        ),
        (
            "ListHostedZones",
            json!({ "DelegationSetId": "N1" }),
            "NoSuchDelegationSet",
        ),
        (
            "ListHostedZonesByName",
            json!({ "HostedZoneId": zone }),
            "InvalidInput",
        ),
        (
            "ListHostedZonesByVPC",
            json!({ "VPCId": "vpc-1", "VPCRegion": "us-east-1" }),
            "InvalidInput",
        ),
        (
            "ListHostedZonesByVPC",
            json!({ "VPCId": world.vpc_id, "VPCRegion": "us-east-1", "NextToken": "x" }),
            "InvalidPaginationToken",
        ),
    ];
    refused(&world, cases).await;
}

#[tokio::test]
async fn records_tags_and_changes_asked_for_wrongly_are_refused() {
    let world = World::new().await;
    let (_, zone) = world.private("shop.test").await;
    let nothing = "Z0000000000000000000X";
    let records = |more: Value| {
        let mut input = json!({ "HostedZoneId": zone });
        input
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        input
    };
    let cases = [
        (
            "ListResourceRecordSets",
            json!({ "HostedZoneId": nothing }),
            "NoSuchHostedZone",
        ),
        (
            "ListResourceRecordSets",
            records(json!({ "StartRecordType": "A" })),
            "InvalidInput",
        ),
        (
            "ListResourceRecordSets",
            records(json!({ "StartRecordName": "a", "StartRecordIdentifier": "b" })),
            "InvalidInput",
        ),
        (
            "ListResourceRecordSets",
            records(json!({ "StartRecordName": "a", "StartRecordType": "B" })),
            "InvalidInput",
        ),
        (
            "ListTagsForResource",
            json!({ "ResourceType": "healthcheck", "ResourceId": "1" }),
            "NoSuchHealthCheck",
        ),
        (
            "ListTagsForResources",
            json!({ "ResourceType": "hostedzone", "ResourceIds": [] }),
            "InvalidInput",
        ),
        ("GetChange", json!({ "Id": "/change/C1" }), "NoSuchChange"),
    ];
    refused(&world, cases).await;
}

#[tokio::test]
async fn who_makes_or_changes_a_zone_is_refused() {
    let world = World::new().await;
    let (id, zone) = world.private("shop.test").await;
    let cases = [
        (
            "CreateHostedZone",
            json!({ "Name": "a.test", "CallerReference": "1" }),
            "InvalidInput",
        ),
        (
            "DeleteHostedZone",
            json!({ "Id": "Z0000000000000000000X" }),
            "NoSuchHostedZone",
        ),
        ("DeleteHostedZone", json!({ "Id": zone }), "AccessDenied"),
    ];
    refused(&world, cases).await;
    let batch = json!({ "HostedZoneId": zone, "ChangeBatch": { "Changes": [] } });
    let (code, message) = world.refused("ChangeResourceRecordSets", batch).await;
    let arn = format!("arn:aws:servicediscovery:us-east-1:123456789012:namespace/{id}");
    assert_eq!(code, "AccessDenied");
    assert_eq!(
        message,
        format!(
            "The resource hostedzone/{zone} can only be managed through servicediscovery.amazonaws.com ({arn})"
        )
    );
}

#[tokio::test]
async fn an_alias_names_the_zone_of_its_load_balancer() {
    let world = World::new().await;
    let (id, zone) = world.private("shop.test").await;
    let records = json!([{ "Type": "A", "TTL": 10 }]);
    let weighted = json!({
        "Name": "web", "NamespaceId": id, "DnsConfig": { "RoutingPolicy": "WEIGHTED", "DnsRecords": records },
    });
    let made = world.map("CreateService", weighted).await;
    for (instance, name) in [
        ("a", "web-1.eu-west-1.elb.amazonaws.com"),
        ("b", "web-50dc6c495c0c9188.elb.us-east-1.amazonaws.com"),
        ("c", "lb.example.com"),
    ] {
        let input = json!({
            "ServiceId": made["Service"]["Id"], "InstanceId": instance, "Attributes": { "AWS_ALIAS_DNS_NAME": name },
        });
        world.map("RegisterInstance", input).await;
    }
    let sets = world
        .ask("ListResourceRecordSets", json!({ "HostedZoneId": zone }))
        .await;
    let aliases = (2..5).map(|it| text(&sets["ResourceRecordSets"][it]["AliasTarget"]["HostedZoneId"]));
    let aliases: Vec<String> = aliases.collect();
    assert_eq!(aliases, ["Z32O12XQLNTSW2", "Z26RNL4JYFTOTI", "Z35SXDOTRQ7X7K"]);
}

#[tokio::test]
async fn large_zones_are_looked_at_in_pieces_and_are_whole() {
    use domain::cloud_map::{CustomHealth, DiscoveryInstance, DiscoveryService};
    let world = World::new().await;
    let (id, zone) = world.private("shop.test").await;
    world.service(&id, "web", &["first"]).await;
    let store = world.fixture.store();
    let first = store.read(|state| state.all::<DiscoveryInstance>().next().cloned());
    let first = first.expect("is registered");
    let piece = super::pieces::PIECE;
    let many = 2 * piece;
    for numbers in [0..piece, piece..many] {
        let first = first.clone();
        let put = store.transact(move |tx| {
            let service = tx.get::<DiscoveryService>(&first.service_id).expect("is made");
            for number in numbers.clone() {
                tx.put(DiscoveryInstance {
                    id: format!("i{number:05}"),
                    custom_health: CustomHealth::Healthy,
                    ..DiscoveryInstance::clone(&first)
                });
                tx.put(DiscoveryService {
                    id: format!("srv-{number:05}"),
                    name: format!("s{number:05}"),
                    ..DiscoveryService::clone(&service)
                });
            }
            Ok::<_, std::convert::Infallible>(())
        });
        put.await.expect("is stored");
    }
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::select! {
        biased;
        found = super::pieces::services(store, &id) => found,
        () = others => Vec::new(),
    };
    assert_eq!(found.len(), many + 1);
    assert_eq!(turns, 3, "others get their turn after each of three pieces");
    let shown = world.ask("GetHostedZone", json!({ "Id": zone })).await;
    assert_eq!(shown["HostedZone"]["ResourceRecordSetCount"], many + 3);
    let pages = world.walk(&zone, 300).await.concat();
    assert_eq!(pages.len(), many + 3);
    assert_eq!(pages[2], "web.shop.test. A first");
    assert_eq!(pages.last().map(String::as_str), Some("web.shop.test. A i01999"));
}
