//! A service behind a classic load balancer, which its container instance is registered with.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::wait;

use crate::networks::free_port;
use crate::world::{DEADLINE, World, text};

const LOAD_BALANCER: &str = "old";

/// What stands before the service `web`.
struct Classic {
    world: World,
    address: String,
    /// Of the host, where the load balancer finds tasks.
    port: u16,
}

impl Classic {
    /// A classic load balancer whose port 80 leads to a free port of the host.
    fn new() -> Result<Self> {
        let world = World::new()?;
        let port = free_port()?;
        let (first, _, _) = world.two_subnets()?;
        let name = ["--load-balancer-name", LOAD_BALANCER];
        let elb = |arguments: &[&str]| world.aws.json(&[&["elb"], arguments, &name[..]].concat());
        let listener = format!("Protocol=HTTP,LoadBalancerPort=80,InstanceProtocol=HTTP,InstancePort={port}");
        let made = elb(&[
            "create-load-balancer",
            "--subnets",
            &first,
            "--listeners",
            &listener,
        ])?;
        let target =
            format!("Target=HTTP:{port}/,Interval=5,Timeout=2,UnhealthyThreshold=2,HealthyThreshold=2");
        elb(&["configure-health-check", "--health-check", &target])?;
        let attributes = json!({
            "ConnectionDraining": { "Enabled": true, "Timeout": 30 },
            "CrossZoneLoadBalancing": { "Enabled": true },
        });
        elb(&[
            "modify-load-balancer-attributes",
            "--load-balancer-attributes",
            &attributes.to_string(),
        ])?;
        let printed = world
            .gantry
            .command(&["admin", "resolve", &text(&made["DNSName"])])?;
        let address = printed.lines().next().context("no address")?.to_owned();
        Ok(Self { world, address, port })
    }

    /// A revision that serves a page at `path`.
    fn register(&self, path: &str, page: &str, host_port: u16) -> Result<String> {
        let script = format!("mkdir /www; echo {page} > /www/{path}; exec httpd -f -p 80 -h /www");
        let container = json!({
            "command": ["/bin/sh", "-c", script],
            "portMappings": [{ "containerPort": 80, "hostPort": host_port }],
        });
        self.world
            .register("web", json!({ "networkMode": "bridge" }), container)
    }

    /// What `web` is made of: its one port of the host is free before it is taken anew.
    fn wish(&self, definition: &str, load_balancer: &str) -> String {
        json!({
            "serviceName": "web", "taskDefinition": definition, "desiredCount": 1,
            "deploymentConfiguration": { "minimumHealthyPercent": 0, "maximumPercent": 100 },
            "loadBalancers": [{ "loadBalancerName": load_balancer, "containerName": "web", "containerPort": 80 }],
        })
        .to_string()
    }

    fn service(&self) -> Result<Value> {
        let described = self
            .world
            .aws
            .json(&["ecs", "describe-services", "--services", "web"])?;
        Ok(described["services"][0].clone())
    }

    fn update(&self, definition: &str) -> Result<()> {
        let arguments = [
            "ecs",
            "update-service",
            "--service",
            "web",
            "--task-definition",
            definition,
        ];
        self.world.aws.json(&arguments)?;
        Ok(())
    }

    fn await_page(&self, page: &str) -> Result<()> {
        wait::until(page, DEADLINE, || {
            let found = http_get(&format!("{}:80", self.address), "/").unwrap_or_default();
            Ok(found.contains(page).then_some(()))
        })
    }

    fn await_event(&self, event: &str) -> Result<()> {
        wait::until(event, DEADLINE, || {
            let events = self.service()?["events"].to_string();
            Ok(events.contains(event).then_some(()))
        })
    }

    fn instances(&self) -> Result<Value> {
        let described = self.world.aws.json(&[
            "elb",
            "describe-load-balancers",
            "--load-balancer-names",
            LOAD_BALANCER,
        ])?;
        Ok(described["LoadBalancerDescriptions"][0]["Instances"].clone())
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
fn a_service_registers_its_instance_and_replaces_tasks_that_its_load_balancer_finds_unhealthy() -> Result<()>
{
    let it = Classic::new()?;
    let dynamic = it.register("index.html", "none", 0)?;
    let create = |definition: &str, load_balancer: &str| {
        let wish = it.wish(definition, load_balancer);
        it.world
            .aws
            .error(&["ecs", "create-service", "--cli-input-json", &wish])
    };
    let error = create(&dynamic, LOAD_BALANCER)?;
    ensure!(
        error.contains("A host port mapping for the container port 80 is required."),
        "{error}"
    );
    let first = it.register("index.html", "first", it.port)?;
    let error = create(&first, "none")?;
    ensure!(
        error.contains("The load balancer none does not exist."),
        "{error}"
    );

    let wish = it.wish(&first, LOAD_BALANCER);
    it.world
        .aws
        .json(&["ecs", "create-service", "--cli-input-json", &wish])?;
    it.world
        .aws
        .json(&["ecs", "wait", "services-stable", "--services", "web"])?;
    it.await_page("first")?;
    let service = it.service()?;
    assert_eq!(
        service["loadBalancers"],
        json!([{ "loadBalancerName": LOAD_BALANCER, "containerName": "web", "containerPort": 80 }])
    );
    it.await_event("(service web) registered 1 instances in (elb old)")?;
    let health = it.world.aws.json(&[
        "elb",
        "describe-instance-health",
        "--load-balancer-name",
        LOAD_BALANCER,
    ])?;
    assert_eq!(health["InstanceStates"][0]["State"], "InService", "{health}");

    // The old task is deregistered before it is told to stop, and the new one gets its port.
    let second = it.register("index.html", "second", it.port)?;
    it.update(&second)?;
    it.await_page("second")?;
    it.await_event("(service web) deregistered 1 instances in (elb old)")?;

    // Nothing at `/`: the check fails, and its tasks are replaced again and again.
    let failing = it.register("other.html", "third", it.port)?;
    it.update(&failing)?;
    it.await_event(
        "is unhealthy in (elb old) due to (reason Instance has failed at least the UnhealthyThreshold number of health \
         checks consecutively.)",
    )?;
    wait::until("a task that says why", DEADLINE, || {
        let listed = it.world.aws.json(&[
            "ecs",
            "list-tasks",
            "--service-name",
            "web",
            "--desired-status",
            "STOPPED",
        ])?;
        let tasks: Vec<String> = listed["taskArns"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        for task in tasks {
            if it.world.task(&task)?["stoppedReason"] == "Task failed ELB health checks in (elb old)" {
                return Ok(Some(()));
            }
        }
        Ok(None)
    })?;

    it.world
        .aws
        .json(&["ecs", "delete-service", "--service", "web", "--force"])?;
    wait::until("an instance that is deregistered", DEADLINE, || {
        Ok((it.instances()? == json!([])).then_some(()))
    })
}
