//! Services: their DNS records, health checks and attributes.

use super::*;

fn records(types: &[&str]) -> Value {
    let records = types.iter().map(|it| json!({ "Type": it, "TTL": 10 }));
    json!({ "DnsRecords": records.collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_service_reads_back_as_it_was_made() {
    let world = World::new().await;
    let namespace = world.dns_namespace("shop.test").await;
    let input = json!({
        "Name": "web", "NamespaceId": namespace, "CreatorRequestId": "first",
        "DnsConfig": records(&["A", "SRV"]), "HealthCheckCustomConfig": { "FailureThreshold": 3 },
    });
    let made = world.ask("CreateService", input.clone()).await;
    let id = text(&made["Service"]["Id"]);
    assert!(id.starts_with("srv-") && id.len() == 20, "{id}");
    assert_eq!(world.ask("CreateService", input).await, made, "the same request");
    let shown = world.ask("GetService", json!({ "Id": id })).await["Service"].clone();
    assert_eq!(shown, made["Service"]);
    assert_eq!(shown["Type"], "DNS_HTTP");
    assert_eq!(shown["DnsConfig"]["RoutingPolicy"], "MULTIVALUE");
    assert_eq!(shown["DnsConfig"]["NamespaceId"], json!(namespace));
    assert_eq!(shown["HealthCheckCustomConfig"]["FailureThreshold"], 1);
    let other = json!({ "Name": "WEB", "NamespaceId": namespace, "DnsConfig": records(&["A"]) });
    let (code, message) = world.refused("CreateService", other).await;
    assert_eq!(code, "ServiceAlreadyExists", "{message}");
    let update = json!({ "Id": id, "Service": { "Description": "new", "DnsConfig": records(&["A"]) } });
    let updated = world.ask("UpdateService", update).await;
    assert!(updated["OperationId"].is_string());
    let shown = world.ask("GetService", json!({ "Id": id })).await["Service"].clone();
    assert_eq!(
        shown["DnsConfig"]["DnsRecords"],
        json!([{ "Type": "A", "TTL": 10 }])
    );
    assert_eq!(shown["Description"], "new");
    let (code, _) = world.refused("DeleteNamespace", json!({ "Id": namespace })).await;
    assert_eq!(code, "ResourceInUse");
    world.ask("DeleteService", json!({ "Id": id })).await;
    let (code, _) = world.refused("GetService", json!({ "Id": id })).await;
    assert_eq!(code, "ServiceNotFound");
    world.ask("DeleteNamespace", json!({ "Id": namespace })).await;
}

#[tokio::test]
async fn an_update_gives_back_what_the_service_was_made_with_and_nothing_else() {
    let world = World::new().await;
    let namespace = world.dns_namespace("shop.test").await;
    let http = world.http_namespace("shop").await;
    let made = json!({ "Name": "web", "NamespaceId": namespace, "DnsConfig": records(&["A", "SRV"]) });
    let id = world.service(made).await;
    let update = |id: &str, change: Value| json!({ "Id": id, "Service": change });
    let with = |types: &[&str]| json!({ "DnsConfig": records(types) });
    let shown = async |id: &str| world.ask("GetService", json!({ "Id": id })).await["Service"].clone();
    for types in [["A", "AAAA"].as_slice(), &["CNAME"]] {
        let (code, message) = world.refused("UpdateService", update(&id, with(types))).await;
        assert_eq!(code, "InvalidInput", "{types:?}: {message}");
    }
    for types in [["A"].as_slice(), &[], &["A", "SRV"], &[], &["SRV"]] {
        let change = match types {
            [] => json!({ "Description": "without" }),
            types => with(types),
        };
        world.ask("UpdateService", update(&id, change)).await;
        let shown = shown(&id).await;
        let told = shown["DnsConfig"]["DnsRecords"].as_array().map_or(0, Vec::len);
        assert_eq!(told, types.len(), "{shown}");
        assert_eq!(shown["Type"], "DNS_HTTP", "its kind stays");
    }

    let by_api = json!({ "Name": "api", "NamespaceId": namespace, "Type": "HTTP" });
    let by_api = world.service(by_api).await;
    let described = json!({ "Description": "new" });
    world
        .ask("UpdateService", update(&by_api, described.clone()))
        .await;
    assert_eq!(shown(&by_api).await["Type"], "HTTP");
    let of_http = json!({ "Name": "web", "NamespaceId": http });
    let of_http = world.service(of_http).await;
    for (id, change) in [
        (&by_api, with(&["A"])),
        (&of_http, described),
        (&of_http, with(&["A"])),
    ] {
        let (code, message) = world.refused("UpdateService", update(id, change)).await;
        assert_eq!(code, "InvalidInput", "{message}");
    }
}

#[tokio::test]
async fn names_of_http_differ_in_case() {
    let world = World::new().await;
    let namespace = world.http_namespace("shop").await;
    for name in ["web", "WEB"] {
        let made = world
            .ask("CreateService", json!({ "Name": name, "NamespaceId": namespace }))
            .await;
        assert_eq!(made["Service"]["Type"], "HTTP");
    }
    let (code, _) = world
        .refused(
            "CreateService",
            json!({ "Name": "web", "NamespaceId": namespace }),
        )
        .await;
    assert_eq!(code, "ServiceAlreadyExists");
    let other = world.http_namespace("other").await;
    world
        .service(json!({ "Name": "web", "NamespaceId": other }))
        .await;
    let listed = world.ask("ListServices", json!({})).await;
    assert_eq!(listed["Services"].as_array().map(Vec::len), Some(3));
    let filter = json!({ "Filters": [{ "Name": "NAMESPACE_ID", "Values": [other] }] });
    let listed = world.ask("ListServices", filter).await;
    assert_eq!(listed["Services"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused() {
    let world = World::new().await;
    let http = world.http_namespace("shop").await;
    let dns = world.dns_namespace("shop.test").await;
    let vpc = world.vpc().await;
    let private = json!({ "Name": "shop.internal", "Vpc": vpc });
    let private = world.made("CreatePrivateDnsNamespace", private).await;
    let route53 = json!({ "Type": "HTTP" });
    let mut twice = records(&["CNAME"]);
    twice["RoutingPolicy"] = json!("MULTIVALUE");
    let cases = [
        json!({ "NamespaceId": http, "DnsConfig": records(&["A"]) }),
        json!({ "NamespaceId": dns }),
        json!({ "NamespaceId": dns, "DnsConfig": records(&["A"]), "Type": "HTTP" }),
        json!({ "NamespaceId": dns, "DnsConfig": records(&[]) }),
        json!({ "NamespaceId": dns, "DnsConfig": records(&["A", "A"]) }),
        json!({ "NamespaceId": dns, "DnsConfig": records(&["MX"]) }),
        json!({ "NamespaceId": dns, "DnsConfig": records(&["A", "CNAME"]) }),
        json!({ "NamespaceId": dns, "DnsConfig": twice }),
        json!({ "NamespaceId": private, "DnsConfig": records(&["A"]), "HealthCheckConfig": route53 }),
        json!({
            "NamespaceId": dns, "DnsConfig": records(&["A"]), "HealthCheckConfig": route53,
            "HealthCheckCustomConfig": {},
        }),
        json!({
            "NamespaceId": dns, "DnsConfig": records(&["A"]), "HealthCheckCustomConfig": { "FailureThreshold": 11 },
        }),
        json!({}),
        json!({ "NamespaceId": http, "Name": "-web" }),
    ];
    for mut input in cases {
        if input.get("Name").is_none() {
            input["Name"] = json!("web");
        }
        let (code, message) = world.refused("CreateService", input.clone()).await;
        assert_eq!(code, "InvalidInput", "{input}: {message}");
    }
    let (code, _) = world
        .refused("CreateService", json!({ "Name": "web", "NamespaceId": "ns-0" }))
        .await;
    assert_eq!(code, "NamespaceNotFound");
}

#[tokio::test]
async fn attributes_are_added_replaced_and_removed() {
    let world = World::new().await;
    let namespace = world.http_namespace("shop").await;
    let id = world
        .service(json!({ "Name": "web", "NamespaceId": namespace }))
        .await;
    for attributes in [json!({ "a": "1", "b": "2" }), json!({ "b": "3" })] {
        let input = json!({ "ServiceId": id, "Attributes": attributes });
        world.ask("UpdateServiceAttributes", input).await;
    }
    world
        .ask(
            "DeleteServiceAttributes",
            json!({ "ServiceId": id, "Attributes": ["a"] }),
        )
        .await;
    let shown = world
        .ask("GetServiceAttributes", json!({ "ServiceId": id }))
        .await;
    assert_eq!(shown["ServiceAttributes"]["Attributes"], json!({ "b": "3" }));
    let many: serde_json::Map<_, _> = (0..30).map(|it| (format!("k{it}"), json!(""))).collect();
    let input = json!({ "ServiceId": id, "Attributes": many });
    let (code, _) = world.refused("UpdateServiceAttributes", input).await;
    assert_eq!(code, "ServiceAttributesLimitExceededException");
}
