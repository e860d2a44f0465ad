//! RunTask to the process and back: exit codes, limits, stop reasons.

use anyhow::Result;
use serde_json::json;

use crate::world::{World, text};

fn stopped(world: &World, family: &str, container: serde_json::Value) -> Result<serde_json::Value> {
    let definition = world.register(family, json!({ "networkMode": "host" }), container)?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "STOPPED")
}

#[test]
fn a_task_that_ends_reports_its_exit_code_and_times() -> Result<()> {
    let world = World::new()?;
    let task = stopped(&world, "seven", json!({ "command": ["/bin/sh", "-c", "exit 7"] }))?;
    assert_eq!(task["containers"][0]["exitCode"], 7, "{task:#}");
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    assert_eq!(task["stoppedReason"], "Essential container in task exited");
    assert_eq!(task["desiredStatus"], "STOPPED");
    for time in [
        "createdAt",
        "startedAt",
        "stoppingAt",
        "executionStoppedAt",
        "stoppedAt",
    ] {
        assert!(!task[time].is_null(), "{time} is missing: {task:#}");
    }
    Ok(())
}

#[test]
fn what_cannot_start_says_why_in_amazons_words() -> Result<()> {
    let world = World::new()?;
    let missing = stopped(&world, "no-image", json!({ "image": "no-such-image:1" }))?;
    assert_eq!(missing["stopCode"], "TaskFailedToStart", "{missing:#}");
    let reason = text(&missing["stoppedReason"]);
    assert!(reason.starts_with("CannotPullContainerError: "), "{reason}");
    assert!(
        missing["containers"][0]["exitCode"].is_null(),
        "it never ran: {missing:#}"
    );

    let command = stopped(
        &world,
        "no-command",
        json!({ "entryPoint": ["/no/such/command"] }),
    )?;
    assert_eq!(command["stopCode"], "TaskFailedToStart", "{command:#}");
    let reason = text(&command["stoppedReason"]);
    assert!(reason.contains("/no/such/command"), "{reason}");
    Ok(())
}

#[test]
fn stop_task_asks_first_and_kills_after_the_timeout() -> Result<()> {
    let world = World::new()?;
    let polite =
        json!({ "command": ["/bin/sh", "-c", "trap 'exit 5' TERM; while true; do sleep 0.1; done"] });
    let definition = world.register("polite", json!({ "networkMode": "none" }), polite)?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "RUNNING")?;
    let answer = world
        .aws
        .json(&["ecs", "stop-task", "--task", &arn, "--reason", "enough"])?;
    assert_eq!(answer["task"]["desiredStatus"], "STOPPED");
    let task = world.wait_for(&arn, "STOPPED")?;
    assert_eq!(task["containers"][0]["exitCode"], 5, "{task:#}");
    assert_eq!(task["stoppedReason"], "enough");
    assert_eq!(task["stopCode"], "UserInitiated");

    let deaf = json!({ "command": ["/bin/sh", "-c", "trap '' TERM; while true; do sleep 0.1; done"], "stopTimeout": 2 });
    let definition = world.register("deaf", json!({ "networkMode": "none" }), deaf)?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "RUNNING")?;
    world.aws.json(&["ecs", "stop-task", "--task", &arn])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    assert_eq!(task["containers"][0]["exitCode"], 137, "{task:#}");
    assert_eq!(task["stoppedReason"], "Task stopped by user");
    Ok(())
}

#[test]
fn memory_is_limited() -> Result<()> {
    let world = World::new()?;
    // One block of 128 MiB does not fit into 16.
    let greedy =
        json!({ "command": ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=128M", "count=4"], "memory": 16 });
    let task = stopped(&world, "greedy", greedy)?;
    let container = &task["containers"][0];
    assert_eq!(container["exitCode"], 137, "{task:#}");
    assert!(
        text(&container["reason"]).starts_with("OutOfMemoryError"),
        "{task:#}"
    );
    Ok(())
}

#[test]
fn overrides_reach_the_process() -> Result<()> {
    let world = World::new()?;
    let container = json!({ "command": ["/bin/sh", "-c", "exit $CODE"], "environment": [{ "name": "CODE", "value": "3" }] });
    let definition = world.register("override", json!({ "networkMode": "host" }), container)?;
    let overrides = json!({ "containerOverrides": [{ "name": "web", "environment": [{ "name": "CODE", "value": "9" }] }] });
    let arn = world.run(&definition, &["--overrides", &overrides.to_string()])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    assert_eq!(task["containers"][0]["exitCode"], 9, "{task:#}");
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused_with_the_resource() -> Result<()> {
    let world = World::new()?;
    let definition = world.register(
        "huge",
        json!({ "networkMode": "host" }),
        json!({ "memory": 100_000_000 }),
    )?;
    let output = world
        .aws
        .json(&["ecs", "run-task", "--task-definition", &definition])?;
    assert_eq!(output["tasks"].as_array().map(Vec::len), Some(0), "{output:#}");
    assert_eq!(output["failures"][0]["reason"], "RESOURCE:MEMORY", "{output:#}");
    let definition = world.register(
        "wide",
        json!({ "networkMode": "host" }),
        json!({ "cpu": 1_000_000 }),
    )?;
    let output = world
        .aws
        .json(&["ecs", "run-task", "--task-definition", &definition])?;
    assert_eq!(output["failures"][0]["reason"], "RESOURCE:CPU", "{output:#}");
    Ok(())
}

#[test]
fn start_task_runs_on_the_instance_named() -> Result<()> {
    let world = World::new()?;
    let definition = world.register(
        "named",
        json!({ "networkMode": "host" }),
        json!({ "command": ["/bin/true"] }),
    )?;
    let instances = world.aws.json(&["ecs", "list-container-instances"])?;
    let instance = text(&instances["containerInstanceArns"][0]);
    let output = world.aws.json(&[
        "ecs",
        "start-task",
        "--task-definition",
        &definition,
        "--container-instances",
        &instance,
    ])?;
    let arn = text(&output["tasks"][0]["taskArn"]);
    let task = world.wait_for(&arn, "STOPPED")?;
    assert_eq!(task["containerInstanceArn"], instance);
    assert_eq!(task["containers"][0]["exitCode"], 0, "{task:#}");
    Ok(())
}

#[test]
fn a_call_with_a_client_token_starts_once() -> Result<()> {
    let world = World::new()?;
    let definition = world.register("once", json!({ "networkMode": "host" }), json!({}))?;
    let first = world.run(&definition, &["--client-token", "the-token"])?;
    let again = world.run(&definition, &["--client-token", "the-token"])?;
    assert_eq!(first, again);
    let more = ["--client-token", "the-token", "--started-by", "me"];
    let mut other = vec!["ecs", "run-task", "--task-definition", &definition];
    other.extend(more);
    let error = world.aws.error(&other)?;
    assert!(error.contains("(ConflictException)"), "{error}");
    let tasks = world.aws.json(&["ecs", "list-tasks"])?;
    assert_eq!(tasks["taskArns"], json!([first]));
    Ok(())
}

#[test]
fn a_deleted_task_definition_vanishes_after_its_last_task() -> Result<()> {
    let world = World::new()?;
    let definition = world.register("gone", json!({ "networkMode": "host" }), json!({}))?;
    let task = world.run(&definition, &[])?;
    let revision = ["--task-definition", &definition];
    let describe = [&["ecs", "describe-task-definition"], &revision[..]].concat();
    world
        .aws
        .json(&[&["ecs", "deregister-task-definition"], &revision[..]].concat())?;
    let delete = [
        "ecs",
        "delete-task-definitions",
        "--task-definitions",
        &definition,
    ];
    world.aws.json(&delete)?;
    let status = world.aws.json(&describe)?["taskDefinition"]["status"].clone();
    assert_eq!(status, "DELETE_IN_PROGRESS");
    world.aws.json(&["ecs", "stop-task", "--task", &task])?;
    world.wait_for(&task, "STOPPED")?;
    let error = test_support::wait::until("it vanishes", crate::world::DEADLINE, || {
        Ok(world.aws.error(&describe).ok())
    })?;
    assert!(error.contains("Unable to describe task definition."), "{error}");
    Ok(())
}
