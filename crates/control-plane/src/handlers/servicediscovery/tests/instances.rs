//! Instances: registered, discovered, with their health.

use super::*;

fn at(address: &str) -> Value {
    json!({ "AWS_INSTANCE_IPV4": address })
}

impl World {
    /// A service with A records and custom health, in the namespace `shop.test`.
    async fn web(&self) -> String {
        let namespace = self.dns_namespace("shop.test").await;
        self.service(json!({
            "Name": "web", "NamespaceId": namespace, "HealthCheckCustomConfig": {},
            "DnsConfig": { "DnsRecords": [{ "Type": "A", "TTL": 10 }] },
        }))
        .await
    }

    async fn register(&self, service: &str, id: &str, attributes: Value) -> Value {
        let input = json!({ "ServiceId": service, "InstanceId": id, "Attributes": attributes });
        self.ask("RegisterInstance", input).await
    }

    async fn discover(&self, more: Value) -> Value {
        let mut input = more;
        input["NamespaceName"] = json!("shop.test");
        input["ServiceName"] = json!("web");
        self.ask("DiscoverInstances", input).await
    }

    async fn set_health(&self, service: &str, id: &str, status: &str) {
        let input = json!({ "ServiceId": service, "InstanceId": id, "Status": status });
        self.ask("UpdateInstanceCustomHealthStatus", input).await;
    }
}

fn found(answer: &Value) -> Vec<String> {
    let found = answer["Instances"].as_array().expect("a list").iter();
    found.map(|it| text(&it["InstanceId"])).collect()
}

#[tokio::test]
async fn instances_are_discovered_with_their_health_and_revision() {
    let world = World::new().await;
    let web = world.web().await;
    for (id, zone) in [("a", "1"), ("b", "2")] {
        let mut attributes = at("10.0.0.1");
        attributes["zone"] = json!(zone);
        world.register(&web, id, attributes).await;
    }
    let answer = world.discover(json!({})).await;
    assert_eq!(found(&answer), ["a", "b"]);
    assert_eq!(answer["Instances"][0]["HealthStatus"], "HEALTHY");
    assert_eq!(answer["Instances"][0]["NamespaceName"], "shop.test");
    let revision = answer["InstancesRevision"].as_i64().expect("a number");
    world.set_health(&web, "a", "UNHEALTHY").await;
    let answer = world.discover(json!({})).await;
    assert_eq!(found(&answer), ["b"]);
    assert_eq!(answer["InstancesRevision"], json!(revision + 1));
    let named = json!({ "NamespaceName": "shop.test", "ServiceName": "web" });
    let told = world.ask("DiscoverInstancesRevision", named).await;
    assert_eq!(told["InstancesRevision"], answer["InstancesRevision"]);
    for (more, expected) in [
        (json!({ "HealthStatus": "ALL" }), vec!["a", "b"]),
        (json!({ "HealthStatus": "UNHEALTHY" }), vec!["a"]),
        (json!({ "QueryParameters": { "zone": "1" } }), vec!["a"]),
        (
            json!({ "QueryParameters": { "zone": "1" }, "HealthStatus": "HEALTHY" }),
            vec![],
        ),
        (json!({ "OptionalParameters": { "zone": "3" } }), vec!["b"]),
    ] {
        assert_eq!(found(&world.discover(more.clone()).await), expected, "{more}");
    }
    let one = world
        .discover(json!({ "HealthStatus": "ALL", "MaxResults": 1 }))
        .await;
    assert_eq!(found(&one).len(), 1);
    let status = world
        .ask("GetInstancesHealthStatus", json!({ "ServiceId": web }))
        .await;
    assert_eq!(status["Status"], json!({ "a": "UNHEALTHY", "b": "HEALTHY" }));
    let input = json!({ "ServiceId": web, "Instances": ["c"] });
    let (code, _) = world.refused("GetInstancesHealthStatus", input).await;
    assert_eq!(code, "InstanceNotFound");
    for (namespace, service, expected) in [
        ("none", "web", "NamespaceNotFound"),
        ("shop.test", "none", "ServiceNotFound"),
    ] {
        let input = json!({ "NamespaceName": namespace, "ServiceName": service });
        let (code, _) = world.refused("DiscoverInstances", input).await;
        assert_eq!(code, expected);
    }
}

#[tokio::test]
async fn an_instance_is_replaced_shown_and_deregistered() {
    let world = World::new().await;
    let web = world.web().await;
    let input = json!({
        "ServiceId": web, "InstanceId": "a", "CreatorRequestId": "first", "Attributes": at("10.0.0.1"),
    });
    let made = world.ask("RegisterInstance", input.clone()).await;
    assert_eq!(world.ask("RegisterInstance", input.clone()).await, made);
    let mut other = input;
    other["Attributes"] = at("10.0.0.2");
    let (code, _) = world.refused("RegisterInstance", other).await;
    assert_eq!(code, "DuplicateRequest");
    world.register(&web, "a", at("10.0.0.2")).await;
    let named = json!({ "ServiceId": web, "InstanceId": "a" });
    let shown = world.ask("GetInstance", named.clone()).await["Instance"].clone();
    assert_eq!(shown["Attributes"], at("10.0.0.2"));
    let listed = world.ask("ListInstances", json!({ "ServiceId": web })).await;
    assert_eq!(ids(&listed["Instances"]), ["a"]);
    let (code, message) = world.refused("DeleteService", json!({ "Id": web })).await;
    assert_eq!(code, "ResourceInUse");
    assert!(
        message.starts_with("Service contains registered instances"),
        "{message}"
    );
    let operation = world.ask("DeregisterInstance", named.clone()).await;
    let asked = json!({ "OperationId": operation["OperationId"] });
    let operation = world.ask("GetOperation", asked).await["Operation"].clone();
    assert_eq!(operation["Type"], "DEREGISTER_INSTANCE");
    assert_eq!(operation["Targets"], json!({ "SERVICE": web, "INSTANCE": "a" }));
    for operation in ["GetInstance", "DeregisterInstance"] {
        let (code, _) = world.refused(operation, named.clone()).await;
        assert_eq!(code, "InstanceNotFound");
    }
    world.ask("DeleteService", json!({ "Id": web })).await;
}

#[tokio::test]
async fn attributes_have_to_be_what_the_records_need() {
    let world = World::new().await;
    let web = world.web().await;
    let cases = [
        json!({}),
        json!({ "AWS_INSTANCE_IPV4": "10.0.0" }),
        json!({ "AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "65536" }),
        json!({ "AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INIT_HEALTH_STATUS": "FINE" }),
        json!({ "AWS_ALIAS_DNS_NAME": "lb.test" }),
        json!({ "AWS_EC2_INSTANCE_ID": "i-0" }),
        json!({ "AWS_INSTANCE_IPV4": "10.0.0.1", "a b": "c" }),
    ];
    for attributes in cases {
        let input = json!({ "ServiceId": web, "InstanceId": "a", "Attributes": attributes });
        let (code, message) = world.refused("RegisterInstance", input).await;
        assert_eq!(code, "InvalidInput", "{attributes}: {message}");
    }
    let input = json!({ "ServiceId": web, "InstanceId": "a b", "Attributes": at("10.0.0.1") });
    let (code, _) = world.refused("RegisterInstance", input).await;
    assert_eq!(code, "InvalidInput");
}

#[tokio::test]
async fn health_is_custom_only_where_the_service_says_so() {
    let world = World::new().await;
    let namespace = world.http_namespace("plain").await;
    let plain = world
        .service(json!({ "Name": "plain", "NamespaceId": namespace }))
        .await;
    world.register(&plain, "a", json!({ "url": "x" })).await;
    let input = json!({ "ServiceId": plain, "InstanceId": "a", "Status": "UNHEALTHY" });
    let (code, _) = world.refused("UpdateInstanceCustomHealthStatus", input).await;
    assert_eq!(code, "CustomHealthNotFound");
    let named = json!({ "NamespaceName": "plain", "ServiceName": "plain", "HealthStatus": "HEALTHY" });
    let answer = world.ask("DiscoverInstances", named).await;
    assert_eq!(answer["Instances"][0]["HealthStatus"], "UNKNOWN");
    let web = world.web().await;
    let mut sick = at("10.0.0.1");
    sick["AWS_INIT_HEALTH_STATUS"] = json!("UNHEALTHY");
    world.register(&web, "a", sick).await;
    let answer = world.discover(json!({})).await;
    assert_eq!(
        answer["Instances"][0]["HealthStatus"], "UNHEALTHY",
        "all are shown if none is healthy"
    );
}
