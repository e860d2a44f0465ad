//! Services whose tasks publish dynamic ports of their host, behind a target group of instances.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::clients::{Client, SERVE};
use crate::world::{World, text};

/// What is registered: instances and ports.
fn targets(world: &World, group: &str) -> Result<Vec<(String, u64)>> {
    let health = world.elb(&["describe-target-health", "--target-group-arn", group])?;
    let described = health["TargetHealthDescriptions"].as_array().cloned();
    let one = |it: Value| {
        let port = it["Target"]["Port"].as_u64().unwrap_or_default();
        (text(&it["Target"]["Id"]), port)
    };
    let is_here = |it: &Value| it["TargetHealth"]["State"] != "draining";
    Ok(described.into_iter().flatten().filter(is_here).map(one).collect())
}

fn register(world: &World, revision: &str) -> Result<String> {
    let container = json!({
        "command": ["/bin/sh", "-c", SERVE],
        "environment": [{ "name": "REVISION", "value": revision }],
        "portMappings": [{ "containerPort": 80, "hostPort": 0 }],
    });
    world.register("web", json!({ "networkMode": "bridge" }), container)
}

#[test]
fn a_rolling_update_of_tasks_on_dynamic_ports_fails_no_request() -> Result<()> {
    let world = World::new()?;
    let (load_balancer, group) = world.balance_instances()?;
    let first = register(&world, "1")?;
    let input = json!({
        "serviceName": "web", "taskDefinition": first, "desiredCount": 2,
        "loadBalancers": [{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }],
    });
    let create = ["ecs", "create-service", "--cli-input-json", &input.to_string()];
    world.aws.json(&create)?;
    world
        .aws
        .json(&["ecs", "wait", "services-stable", "--services", "web"])?;
    let before = targets(&world, &group)?;
    assert_eq!(before.len(), 2, "{before:?}");
    assert!(
        before[0].0.starts_with("i-") && before[0].0 == before[1].0,
        "{before:?}"
    );
    assert_ne!(before[0].1, before[1].1, "each has a port of its own");

    let client = Client::start(&world, &world.addresses(&load_balancer)?[0])?;
    client.await_enough("revision 1")?;
    let second = register(&world, "2")?;
    let update = [
        "ecs",
        "update-service",
        "--service",
        "web",
        "--task-definition",
        &second,
    ];
    world.aws.json(&update)?;
    client.await_enough("revision 2")?;
    world.wait_completed("web", &second)?;
    let after = targets(&world, &group)?;
    ensure!(
        after.len() == 2 && after.iter().all(|it| !before.contains(it)),
        "{after:?}"
    );
    client.end()
}

impl World {
    /// An application load balancer whose port 80 leads to a group of instances.
    fn balance_instances(&self) -> Result<(Value, String)> {
        let (load_balancer, arn) = self.load_balancer()?;
        let input = json!({
            "Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": load_balancer["VpcId"], "TargetType": "instance",
            "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2,
        });
        let made = self.elb(&["create-target-group", "--cli-input-json", &input.to_string()])?;
        let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
        let input = json!({
            "LoadBalancerArn": arn, "Protocol": "HTTP", "Port": 80,
            "DefaultActions": [{ "Type": "forward", "TargetGroupArn": group }],
        });
        self.elb(&["create-listener", "--cli-input-json", &input.to_string()])?;
        self.elb(&["wait", "load-balancer-available", "--load-balancer-arns", &arn])?;
        Ok((load_balancer, group))
    }
}
