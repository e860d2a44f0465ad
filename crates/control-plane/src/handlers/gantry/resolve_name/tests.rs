use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

const GANTRY: &str = "gantry";

struct World(Fixture);

impl World {
    async fn new() -> Self {
        Self(Fixture::new().await)
    }

    async fn vpc(&self, range: &str) -> String {
        let made = self
            .0
            .ask_of("ec2", "CreateVpc", json!({ "CidrBlock": range }))
            .await;
        text(&made["vpc"]["vpcId"])
    }

    async fn map(&self, operation: &str, input: Value) -> Value {
        self.0.ask_of("servicediscovery", operation, input).await
    }

    /// A namespace with a service `web`, which has one instance; or without any.
    async fn namespace(&self, operation: &str, input: Value, address: Option<&str>) {
        let made = self.map(operation, input).await;
        let asked = json!({ "OperationId": made["OperationId"] });
        let done = self.map("GetOperation", asked).await;
        let Some(address) = address else { return };
        let service = json!({
            "Name": "web", "NamespaceId": done["Operation"]["Targets"]["NAMESPACE"],
            "DnsConfig": { "DnsRecords": [{ "Type": "A", "TTL": 10 }] },
        });
        let service = self.map("CreateService", service).await;
        let instance = json!({
            "ServiceId": service["Service"]["Id"], "InstanceId": "one", "Attributes": { "AWS_INSTANCE_IPV4": address },
        });
        self.map("RegisterInstance", instance).await;
    }

    async fn private(&self, name: &str, vpc: &str, address: Option<&str>) {
        let input = json!({ "Name": name, "Vpc": vpc });
        self.namespace("CreatePrivateDnsNamespace", input, address).await;
    }

    async fn resolved(&self, name: &str, vpc: Option<&str>) -> Value {
        let input = json!({ "name": name, "vpcId": vpc });
        self.0.ask_of(GANTRY, "ResolveName", input).await["addresses"].clone()
    }

    async fn unknown(&self, name: &str, vpc: &str) {
        let input = json!({ "name": name, "vpcId": vpc });
        let (code, message) = self.0.refused_of(GANTRY, "ResolveName", input).await;
        assert_eq!(code, "NameNotFoundException", "{message}");
        assert!(message.contains(vpc), "{message}");
    }
}

#[tokio::test]
async fn each_vpc_has_the_names_of_its_own_namespaces() {
    let world = World::new().await;
    let (one, other) = (world.vpc("10.1.0.0/16").await, world.vpc("10.2.0.0/16").await);
    world.private("shop.internal", &one, Some("10.1.0.9")).await;
    world.private("shop.internal", &other, Some("10.2.0.9")).await;
    world.private("own.internal", &other, Some("10.2.0.7")).await;
    let name = "Web.shop.internal.";
    assert_eq!(world.resolved(name, Some(&one)).await, json!(["10.1.0.9"]));
    assert_eq!(world.resolved(name, Some(&other)).await, json!(["10.2.0.9"]));
    let without = world.resolved(name, None).await;
    assert!(
        [json!(["10.1.0.9"]), json!(["10.2.0.9"])].contains(&without),
        "{without}"
    );
    assert_eq!(
        world.resolved("web.own.internal", None).await,
        json!(["10.2.0.7"])
    );
    world.unknown("web.own.internal", &one).await;
    let nowhere = json!({ "name": name, "vpcId": "vpc-0" });
    let (code, _) = world.0.refused_of(GANTRY, "ResolveName", nowhere).await;
    assert_eq!(code, "InvalidParameterException");
}

#[tokio::test]
async fn the_private_zone_with_the_longest_name_says_what_is_there() {
    let world = World::new().await;
    let (one, other) = (world.vpc("10.1.0.0/16").await, world.vpc("10.2.0.0/16").await);
    let public = json!({ "Name": "shop.test" });
    world
        .namespace("CreatePublicDnsNamespace", public, Some("198.51.100.7"))
        .await;
    world.private("test", &one, None).await;
    for vpc in [&one, &other] {
        let told = world.resolved("web.shop.test", Some(vpc)).await;
        assert_eq!(told, json!(["198.51.100.7"]), "the public one is longer");
    }
    world.private("shop.test", &one, None).await;
    world.unknown("web.shop.test", &one).await;
    assert_eq!(
        world.resolved("web.shop.test", Some(&other)).await,
        json!(["198.51.100.7"])
    );
    let off = json!({ "VpcId": other, "EnableDnsSupport": { "Value": false } });
    world.0.ask_of("ec2", "ModifyVpcAttribute", off).await;
    world.unknown("web.shop.test", &other).await;
}
