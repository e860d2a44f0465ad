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
