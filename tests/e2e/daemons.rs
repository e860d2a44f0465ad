//! Services with the DAEMON scheduling strategy, and rebalancing, through the CLI.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

fn service(world: &World) -> Result<Value> {
    let output = world
        .aws
        .json(&["ecs", "describe-services", "--services", "agent"])?;
    Ok(output["services"][0].clone())
}

fn set_state(world: &World, instance: &str, state: &str) -> Result<()> {
    let command: [&str; 4] = [
        "ecs",
        "update-container-instances-state",
        "--container-instances",
        instance,
    ];
    world
        .aws
        .json(&[&command[..], &["--status", state][..]].concat())?;
    Ok(())
}

#[test]
fn a_daemon_runs_once_on_each_container_instance_and_follows_its_state() -> Result<()> {
    let world = World::new()?;
    let definition = world.register("agent", json!({}), json!({}))?;
    let create: [&str; 6] = [
        "ecs",
        "create-service",
        "--service-name",
        "agent",
        "--task-definition",
        &definition,
    ];
    let daemon = ["--scheduling-strategy", "DAEMON"];
    let refused = world
        .aws
        .error(&[&create[..], &daemon[..], &["--desired-count", "1"][..]].concat())?;
    assert!(
        refused.contains("The daemon scheduling strategy does not support a desired count"),
        "{refused}"
    );
    world.aws.json(&[&create[..], &daemon[..]].concat())?;
    world
        .aws
        .json(&["ecs", "wait", "services-stable", "--services", "agent"])?;
    world.wait_completed("agent", &definition)?;
    let described = service(&world)?;
    assert_eq!(
        (&described["desiredCount"], &described["runningCount"]),
        (&json!(1), &json!(1)),
        "{described:#}"
    );
    let task = world.tasks_of("agent")?.remove(0);
    let instance = text(&world.task(&task)?["containerInstanceArn"]);
    set_state(&world, &instance, "DRAINING")?;
    wait::until("the daemon leaves", DEADLINE, || {
        let described = service(&world)?;
        let has_left = described["desiredCount"] == 0 && described["runningCount"] == 0;
        Ok(has_left.then_some(()))
    })?;
    set_state(&world, &instance, "ACTIVE")?;
    world.wait_running("agent", 1)?;
    world.aws.json(&["ecs", "delete-service", "--service", "agent"])?;
    wait::until("the service is gone", DEADLINE, || {
        Ok((service(&world)?["status"] == "INACTIVE").then_some(()))
    })
}

#[test]
fn the_cli_sets_instance_rebalancing() -> Result<()> {
    let world = World::new()?;
    let setting = "name=instanceRebalancing,value=enabled";
    let update = [
        "ecs",
        "update-cluster-settings",
        "--cluster",
        "default",
        "--settings",
        setting,
    ];
    let updated = world.aws.json(&update)?;
    let settings = &updated["cluster"]["settings"];
    assert!(
        settings.to_string().contains("instanceRebalancing"),
        "{updated:#}"
    );
    Ok(())
}
