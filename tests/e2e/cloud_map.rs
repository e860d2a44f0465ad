//! Cloud Map: tasks of services are discovered while they run, and only then.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, address, host_port, text};

/// A service in the namespace `shop.internal` of the default VPC.
struct Registry<'a> {
    world: &'a World,
    namespace: String,
    id: String,
    arn: String,
}

impl<'a> Registry<'a> {
    fn new(world: &'a World, record_type: &str) -> Result<Self> {
        let (_, _, vpc) = world.two_subnets()?;
        let made = ask(
            world,
            &[
                "create-private-dns-namespace",
                "--name",
                "shop.internal",
                "--vpc",
                &vpc,
            ],
        )?;
        let operation = ask(
            world,
            &["get-operation", "--operation-id", &text(&made["OperationId"])],
        )?;
        assert_eq!(operation["Operation"]["Status"], "SUCCESS", "{operation:#}");
        let namespace = text(&operation["Operation"]["Targets"]["NAMESPACE"]);
        let records = format!("DnsRecords=[{{Type={record_type},TTL=10}}]");
        let service = ask(
            world,
            &[
                "create-service",
                "--name",
                "web",
                "--namespace-id",
                &namespace,
                "--dns-config",
                &records,
                "--health-check-custom-config",
                "FailureThreshold=1",
            ],
        )?;
        Ok(Self {
            world,
            namespace,
            id: text(&service["Service"]["Id"]),
            arn: text(&service["Service"]["Arn"]),
        })
    }

    /// Identifiers and addresses of the A records that Route 53 shows in the zone of the namespace, by identifier.
    fn records(&self) -> Result<Vec<(String, String)>> {
        let namespace = ask(self.world, &["get-namespace", "--id", &self.namespace])?;
        let properties = &namespace["Namespace"]["Properties"];
        let zone = text(&properties["DnsProperties"]["HostedZoneId"]);
        let listed =
            self.world
                .aws
                .json(&["route53", "list-resource-record-sets", "--hosted-zone-id", &zone])?;
        let sets = listed["ResourceRecordSets"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let of_type = |kind: &'static str| sets.iter().filter(move |it| it["Type"] == kind).cloned();
        assert_eq!(
            (of_type("SOA").count(), of_type("NS").count()),
            (1, 1),
            "{listed:#}"
        );
        let records = of_type("A").map(|it| {
            assert_eq!(it["Name"], "web.shop.internal.");
            (
                text(&it["SetIdentifier"]),
                text(&it["ResourceRecords"][0]["Value"]),
            )
        });
        Ok(records.collect())
    }

    /// The zone of the namespace is found by name, has so many record sets, and cannot be deleted by itself.
    fn has_a_hosted_zone_of_its_own(&self, record_sets: usize) -> Result<()> {
        let zones = self.world.aws.json(&[
            "route53",
            "list-hosted-zones-by-name",
            "--dns-name",
            "shop.internal",
        ])?;
        let zone = &zones["HostedZones"][0];
        assert_eq!(
            (&zone["Name"], &zone["ResourceRecordSetCount"]),
            (&json!("shop.internal."), &json!(record_sets))
        );
        let zone_id = text(&zone["Id"]);
        let refused = self
            .world
            .aws
            .json(&["route53", "delete-hosted-zone", "--id", &zone_id]);
        let refused = refused.expect_err("it is the namespace's").to_string();
        assert!(refused.contains("AccessDenied"), "{refused}");
        Ok(())
    }

    /// The instances that DiscoverInstances finds, by id.
    fn discovered(&self) -> Result<Vec<Value>> {
        let named = ["--namespace-name", "shop.internal", "--service-name", "web"];
        let found = ask(self.world, &[&["discover-instances"], &named[..]].concat())?;
        let mut found = found["Instances"].as_array().cloned().unwrap_or_default();
        found.sort_by_key(|it| text(&it["InstanceId"]));
        Ok(found)
    }

    /// Waits until the tasks of the service that run are the instances, and gives these.
    fn await_tasks(&self, count: usize) -> Result<Vec<Value>> {
        wait::until(&format!("{count} tasks are discovered"), DEADLINE, || {
            let mut ids: Vec<String> = self.world.tasks_of("web")?.iter().map(|it| id(it)).collect();
            ids.sort();
            let found = self.discovered()?;
            let are_same = found.iter().map(|it| text(&it["InstanceId"])).eq(ids);
            Ok((are_same && found.len() == count).then_some(found))
        })
    }

    fn delete(self) -> Result<()> {
        ask(self.world, &["delete-service", "--id", &self.id])?;
        ask(self.world, &["delete-namespace", "--id", &self.namespace])?;
        let left = ask(self.world, &["list-namespaces"])?;
        assert_eq!(left["Namespaces"], json!([]));
        Ok(())
    }
}

fn ask(world: &World, arguments: &[&str]) -> Result<Value> {
    world.aws.json(&[&["servicediscovery"], arguments].concat())
}

/// The id at the end of a task's ARN.
fn id(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or_default().to_owned()
}

#[test]
fn tasks_of_a_service_are_discovered_while_they_run() -> Result<()> {
    let world = World::new()?;
    let registry = Registry::new(&world, "A")?;
    let definition = world.register("web", json!({ "networkMode": "awsvpc" }), json!({}))?;
    let network = world.awsvpc()?;
    let registries = format!("registryArn={}", registry.arn);
    let made = world.aws.json(&[
        "ecs",
        "create-service",
        "--service-name",
        "web",
        "--task-definition",
        &definition,
        "--desired-count",
        "2",
        "--network-configuration",
        &network,
        "--service-registries",
        &registries,
    ])?;
    let shown = &made["service"]["serviceRegistries"];
    assert_eq!(*shown, json!([{ "registryArn": registry.arn }]));
    let tasks = world.wait_running("web", 2)?;
    let found = registry.await_tasks(2)?;
    for task in &tasks {
        let name = id(&text(&task["taskArn"]));
        let instance = found
            .iter()
            .find(|it| it["InstanceId"] == json!(name))
            .expect("is there");
        let attributes = &instance["Attributes"];
        assert_eq!(attributes["AWS_INSTANCE_IPV4"], json!(address(task)));
        assert_eq!(attributes["ECS_SERVICE_NAME"], "web");
        assert_eq!(attributes["AVAILABILITY_ZONE"], task["availabilityZone"]);
        assert_eq!(instance["HealthStatus"], "HEALTHY");
    }
    let expected = found.iter().map(|it| {
        let address = &it["Attributes"]["AWS_INSTANCE_IPV4"];
        (text(&it["InstanceId"]), text(address))
    });
    assert_eq!(registry.records()?, expected.collect::<Vec<_>>());
    registry.has_a_hosted_zone_of_its_own(4)?;
    let scaled = |count: &str| {
        let more = ["--service", "web", "--desired-count", count];
        world.aws.json(&[&["ecs", "update-service"], &more[..]].concat())
    };
    scaled("3")?;
    world.wait_running("web", 3)?;
    registry.await_tasks(3)?;
    let gone = text(&tasks[0]["taskArn"]);
    world.aws.json(&["ecs", "stop-task", "--task", &gone])?;
    let left = registry.discovered()?;
    assert!(
        left.iter().all(|it| it["InstanceId"] != json!(id(&gone))),
        "it left with the answer"
    );
    world.wait_running("web", 3)?;
    registry.await_tasks(3)?;
    let refused = ask(&world, &["delete-service", "--id", &registry.id]);
    let refused = refused.expect_err("it has instances").to_string();
    assert!(refused.contains("ResourceInUse"), "{refused}");
    world
        .aws
        .json(&["ecs", "delete-service", "--service", "web", "--force"])?;
    world
        .aws
        .json(&["ecs", "wait", "services-inactive", "--services", "web"])?;
    assert_eq!(registry.discovered()?, Vec::<Value>::new());
    registry.delete()
}

#[test]
fn a_bridge_task_is_discovered_at_its_port_of_the_host() -> Result<()> {
    let world = World::new()?;
    let registry = Registry::new(&world, "SRV")?;
    let script = "mkdir /www; echo found > /www/index.html; exec httpd -f -p 80 -h /www";
    let container =
        json!({ "command": ["/bin/sh", "-c", script], "portMappings": [{ "containerPort": 80 }] });
    let definition = world.register("web", json!({ "networkMode": "bridge" }), container)?;
    let registries = format!("registryArn={},containerName=web,containerPort=80", registry.arn);
    world.aws.json(&[
        "ecs",
        "create-service",
        "--service-name",
        "web",
        "--task-definition",
        &definition,
        "--desired-count",
        "1",
        "--service-registries",
        &registries,
    ])?;
    let task = world.wait_running("web", 1)?.remove(0);
    let instance = registry.await_tasks(1)?.remove(0);
    let attributes = &instance["Attributes"];
    assert_eq!(
        attributes["AWS_INSTANCE_PORT"],
        json!(host_port(&task).to_string())
    );
    let at = format!("{}:{}", text(&attributes["AWS_INSTANCE_IPV4"]), host_port(&task));
    assert!(crate::world::page(&at)?.contains("found"), "{at}");
    Ok(())
}
