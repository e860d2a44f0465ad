//! Capacity providers through the CLI: FARGATE and FARGATE_SPOT share the one host that a Gantry has.

use anyhow::Result;
use serde_json::{Value, json};

use crate::world::{World, text};

const BOTH: [&str; 2] = [
    "capacityProvider=FARGATE,base=1,weight=1",
    "capacityProvider=FARGATE_SPOT,weight=3",
];

fn put_both(world: &World, default: &[&str]) -> Result<Value> {
    let mut arguments = vec!["ecs", "put-cluster-capacity-providers", "--cluster", "default"];
    arguments.extend(["--capacity-providers", "FARGATE", "FARGATE_SPOT"]);
    arguments.push("--default-capacity-provider-strategy");
    arguments.extend(default);
    Ok(world.aws.json(&arguments)?["cluster"].clone())
}

fn refusal(world: &World, arguments: &[&str]) -> Result<String> {
    let output = world.aws.output(arguments)?;
    anyhow::ensure!(!output.status.success(), "{arguments:?} is not refused");
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn fargate(world: &World) -> Result<String> {
    world.register(
        "web",
        json!({ "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512" }),
        json!({}),
    )
}

fn providers(tasks: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = tasks.iter().map(|it| text(&it["capacityProviderName"])).collect();
    names.sort();
    names
}

#[test]
fn capacity_providers_divide_the_tasks_of_a_service_and_of_run_task() -> Result<()> {
    let world = World::new()?;
    let definition = fargate(&world)?;
    let network = world.awsvpc()?;
    let cluster = put_both(&world, &BOTH)?;
    assert_eq!(cluster["capacityProviders"], json!(["FARGATE", "FARGATE_SPOT"]));
    assert_eq!(
        cluster["defaultCapacityProviderStrategy"],
        json!([
            { "capacityProvider": "FARGATE", "weight": 1, "base": 1 },
            { "capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 0 },
        ])
    );

    let mut create = vec!["ecs", "create-service", "--service-name", "web"];
    create.extend(["--task-definition", &definition, "--desired-count", "1"]);
    create.extend(["--network-configuration", &network]);
    create.push("--capacity-provider-strategy");
    create.extend(["capacityProvider=FARGATE,base=1,weight=0", BOTH[1]]);
    let service = world.aws.json(&create)?["service"].clone();
    assert!(service.get("launchType").is_none(), "{service:#}");
    assert_eq!(
        service["capacityProviderStrategy"][1]["capacityProvider"],
        "FARGATE_SPOT"
    );
    assert_eq!(providers(&world.wait_running("web", 1)?), ["FARGATE"]);
    world.aws.json(&[
        "ecs",
        "update-service",
        "--service",
        "web",
        "--desired-count",
        "3",
    ])?;
    let tasks = world.wait_running("web", 3)?;
    assert_eq!(providers(&tasks), ["FARGATE", "FARGATE_SPOT", "FARGATE_SPOT"]);
    assert!(tasks.iter().all(|it| it["launchType"] == "FARGATE"), "{tasks:#?}");

    // Neither launch type nor strategy: the cluster's default, base 1 and then one to three.
    let mut run = vec![
        "ecs",
        "run-task",
        "--task-definition",
        &definition,
        "--count",
        "2",
    ];
    run.extend(["--network-configuration", &network]);
    let ran = world.aws.json(&run)?;
    let tasks = ran["tasks"].as_array().cloned().unwrap_or_default();
    assert_eq!(providers(&tasks), ["FARGATE", "FARGATE"], "{ran:#}");

    let mut remove = vec!["ecs", "put-cluster-capacity-providers", "--cluster", "default"];
    remove.extend([
        "--capacity-providers",
        "FARGATE",
        "--default-capacity-provider-strategy",
        "[]",
    ]);
    let message = refusal(&world, &remove)?;
    assert!(message.contains("(ResourceInUseException)"), "{message}");
    assert!(message.contains("is in use and cannot be removed."), "{message}");
    Ok(())
}

#[test]
fn capacity_providers_are_described_and_refused_as_amazon_does() -> Result<()> {
    let world = World::new()?;
    let definition = fargate(&world)?;
    let network = world.awsvpc()?;
    let described = world.aws.json(&["ecs", "describe-capacity-providers"])?;
    let names: Vec<String> = described["capacityProviders"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| format!("{} {}", text(&it["name"]), text(&it["status"])))
        .collect();
    assert_eq!(names, ["FARGATE ACTIVE", "FARGATE_SPOT ACTIVE"]);

    let mut run = vec!["ecs", "run-task", "--task-definition", &definition];
    run.extend(["--network-configuration", &network]);
    run.extend(["--capacity-provider-strategy", BOTH[1]]);
    let message = refusal(&world, &run)?;
    assert!(message.contains("(InvalidParameterException)"), "{message}");
    assert!(
        message.contains("cannot contain a capacity provider that is not associated with the cluster."),
        "{message}"
    );
    run.extend(["--launch-type", "FARGATE"]);
    let message = refusal(&world, &run)?;
    assert!(
        message.contains("Specifying both a launch type and capacity provider strategy is not supported."),
        "{message}"
    );

    let group = "autoScalingGroupArn=arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:uuid:autoScalingGroupName/machines";
    let mut create = vec!["ecs", "create-capacity-provider", "--name", "machines"];
    create.extend(["--auto-scaling-group-provider", group]);
    let created = world.aws.json(&create)?["capacityProvider"].clone();
    assert_eq!(
        created["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"],
        100
    );
    let message = refusal(&world, &create)?;
    assert!(
        message.contains("(ClientException)") && message.contains("already exists."),
        "{message}"
    );
    let deleted = world.aws.json(&[
        "ecs",
        "delete-capacity-provider",
        "--capacity-provider",
        "machines",
    ])?;
    assert_eq!(deleted["capacityProvider"]["status"], "INACTIVE", "{deleted:#}");
    Ok(())
}
