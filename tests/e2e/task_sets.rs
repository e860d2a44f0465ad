//! Task sets: another controller than the service's own swaps real containers, as a blue/green deployment does.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// `aws ecs <operation>` on the service `web` of the default cluster.
fn of_web(world: &World, operation: &str, more: &[&str]) -> Result<Value> {
    let mut arguments = vec!["ecs", operation, "--cluster", "default", "--service", "web"];
    arguments.extend_from_slice(more);
    world.aws.json(&arguments)
}

fn create(world: &World, definition: &str, scale: &str) -> Result<String> {
    let scale = format!("value={scale},unit=PERCENT");
    let more = ["--task-definition", definition, "--scale", &scale];
    Ok(text(&of_web(world, "create-task-set", &more)?["taskSet"]["id"]))
}

fn scale(world: &World, id: &str, percent: &str) -> Result<()> {
    let scale = format!("value={percent},unit=PERCENT");
    of_web(world, "update-task-set", &["--task-set", id, "--scale", &scale])?;
    Ok(())
}

fn make_primary(world: &World, id: &str) -> Result<()> {
    of_web(
        world,
        "update-service-primary-task-set",
        &["--primary-task-set", id],
    )?;
    Ok(())
}

/// Waits until the task set rests with so many tasks running.
fn wait_steady(world: &World, id: &str, running: u32) -> Result<()> {
    wait::until(&format!("{id} rests with {running} tasks"), DEADLINE, || {
        let described = of_web(world, "describe-task-sets", &["--task-sets", id])?;
        let it = &described["taskSets"][0];
        let is_there = it["stabilityStatus"] == "STEADY_STATE" && it["runningCount"] == running;
        Ok(is_there.then_some(()))
    })
}

/// The tasks that are wanted of a task set, with their containers.
fn running(world: &World, id: &str) -> Result<Vec<Value>> {
    let listed = world.aws.json(&["ecs", "list-tasks", "--started-by", id])?;
    let arns: Vec<String> = listed["taskArns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments = vec!["ecs", "describe-tasks", "--tasks"];
    arguments.extend(arns.iter().map(String::as_str));
    let described = world.aws.json(&arguments)?;
    Ok(described["tasks"].as_array().cloned().unwrap_or_default())
}

#[test]
fn two_task_sets_swap_their_containers_and_the_primary_one() -> Result<()> {
    let world = World::new()?;
    let definition = |colour: &str| {
        let environment = json!([{ "name": "COLOUR", "value": colour }]);
        world.register("web", json!({}), json!({ "environment": environment }))
    };
    let (old, new) = (definition("blue")?, definition("green")?);
    let controller = ["--service-name", "web", "--desired-count", "2"];
    let mut arguments = vec![
        "ecs",
        "create-service",
        "--deployment-controller",
        "type=EXTERNAL",
    ];
    arguments.extend(controller);
    world.aws.json(&arguments)?;

    let blue = create(&world, &old, "100")?;
    make_primary(&world, &blue)?;
    let green = create(&world, &new, "0")?;
    wait_steady(&world, &blue, 2)?;
    wait_steady(&world, &green, 0)?;
    let tasks = running(&world, &blue)?;
    for task in &tasks {
        assert_eq!(task["lastStatus"], "RUNNING", "{task:#}");
        assert_eq!(task["group"], "service:web");
        assert_eq!(text(&task["taskDefinitionArn"]), old);
        assert!(!text(&task["containers"][0]["runtimeId"]).is_empty(), "{task:#}");
    }
    assert_eq!(tasks.len(), 2);

    scale(&world, &green, "100")?;
    wait_steady(&world, &green, 2)?;
    make_primary(&world, &green)?;
    scale(&world, &blue, "0")?;
    wait_steady(&world, &blue, 0)?;
    assert!(running(&world, &blue)?.is_empty());
    assert_eq!(running(&world, &green)?.len(), 2);
    let described = world
        .aws
        .json(&["ecs", "describe-services", "--services", "web"])?;
    let service = &described["services"][0];
    assert_eq!(service["runningCount"], 2, "{service:#}");
    assert_eq!(text(&service["taskDefinition"]), new);
    let sets = service["taskSets"].as_array().into_iter().flatten();
    let statuses: Vec<String> = sets.map(|it| text(&it["status"])).collect();
    assert_eq!(statuses, ["ACTIVE", "PRIMARY"]);

    of_web(&world, "delete-task-set", &["--task-set", &blue])?;
    of_web(&world, "update-service", &["--desired-count", "1"])?;
    wait_steady(&world, &green, 1)?;
    of_web(&world, "delete-service", &["--force"])?;
    world
        .aws
        .json(&["ecs", "wait", "services-inactive", "--services", "web"])?;
    assert!(running(&world, &green)?.is_empty());
    Ok(())
}
