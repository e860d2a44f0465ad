//! Life and death of containers: dependencies, health, restarts, and what a service does about it.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::sample_image::SAMPLE_IMAGE;
use test_support::wait;

use crate::world::{DEADLINE, World, text};

fn container(name: &str, script: &str, more: Value) -> Value {
    let mut container = json!({
        "name": name, "image": SAMPLE_IMAGE, "memory": 32, "stopTimeout": 5, "command": ["/bin/sh", "-c", script],
    });
    if let (Some(container), Value::Object(more)) = (container.as_object_mut(), more) {
        container.extend(more);
    }
    container
}

fn of<'a>(task: &'a Value, name: &str) -> &'a Value {
    let containers = task["containers"].as_array();
    let mut containers = containers.into_iter().flatten();
    containers.find(|it| it["name"] == name).unwrap_or(&Value::Null)
}

#[test]
fn a_container_waits_for_the_health_of_another() -> Result<()> {
    let world = World::new()?;
    let obedient = "trap 'exit 0' TERM; while true; do sleep 0.1; done";
    let check = json!({ "healthCheck": { "command": ["CMD-SHELL", "test -e /ready"], "interval": 5 } });
    let after = json!({ "dependsOn": [
        { "containerName": "init", "condition": "SUCCESS" },
        { "containerName": "db", "condition": "HEALTHY" },
    ] });
    let definition = world.register_all(&json!({
        "family": "ordered", "networkMode": "none", "containerDefinitions": [
            container("app", obedient, after),
            container("db", &format!("echo > /ready; {obedient}"), check),
            container("init", "exit 0", json!({ "essential": false })),
        ],
    }))?;
    let arn = world.run(&definition, &[])?;
    let task = world.wait_for(&arn, "RUNNING")?;
    assert_eq!(of(&task, "init")["exitCode"], 0, "{task:#}");
    let healthy =
        |task: &Value| task["healthStatus"] == "HEALTHY" && of(task, "db")["healthStatus"] == "HEALTHY";
    let task = wait::until("the task is HEALTHY", DEADLINE, || {
        Ok(Some(world.task(&arn)?).filter(healthy))
    })?;
    assert_eq!(
        of(&task, "app")["healthStatus"],
        "UNKNOWN",
        "it has no check: {task:#}"
    );
    world.aws.json(&["ecs", "stop-task", "--task", &arn])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    assert_eq!(
        (&of(&task, "app")["exitCode"], &of(&task, "db")["exitCode"]),
        (&json!(0), &json!(0)),
        "both were asked: {task:#}"
    );
    Ok(())
}

#[test]
fn a_dependency_that_fails_stops_the_task_in_amazons_words() -> Result<()> {
    let world = World::new()?;
    let definition = world.register_all(&json!({
        "family": "failing", "networkMode": "none", "containerDefinitions": [
            container("app", "true", json!({ "dependsOn": [{ "containerName": "init", "condition": "SUCCESS" }] })),
            container("init", "exit 3", json!({ "essential": false })),
        ],
    }))?;
    let arn = world.run(&definition, &[])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    assert_eq!(task["stopCode"], "TaskFailedToStart", "{task:#}");
    assert_eq!(task["stoppedReason"], "Task failed to start");
    assert_eq!(of(&task, "init")["exitCode"], 3);
    let reason = "dependency graph: failed to resolve container ordering dependency [init] for target [app] as \
                  dependency did not exit successfully.";
    assert_eq!(of(&task, "app")["reason"], reason);
    Ok(())
}

#[test]
fn a_service_replaces_a_task_that_is_unhealthy() -> Result<()> {
    let world = World::new()?;
    let sickening = container(
        "web",
        "echo ok > /state; sleep 8; echo bad > /state; while true; do sleep 0.1; done",
        json!({ "healthCheck": { "command": ["CMD-SHELL", "read state < /state; echo it is $state; test $state = ok"],
            "interval": 5, "retries": 1 } }),
    );
    let definition = world.register_all(&json!({
        "family": "sickening", "networkMode": "none", "containerDefinitions": [sickening],
    }))?;
    world.create_service("web", &definition, "1")?;
    let first = text(&world.wait_running("web", 1)?[0]["taskArn"]);
    // Two checks, a replacement's check, and a stop that is not heeded come first: 20 s on a quiet machine.
    let task = wait::until("the first task is stopped", DEADLINE * 2, || {
        Ok(Some(world.task(&first)?).filter(|it| it["lastStatus"] == "STOPPED"))
    })?;
    assert_eq!(task["stopCode"], "ServiceSchedulerInitiated", "{task:#}");
    assert_eq!(task["stoppedReason"], "Task failed container health checks");
    assert_eq!(task["healthStatus"], "UNHEALTHY");
    let explained = world.gantry.command(&["task", "explain", &first])?;
    for words in [
        "The health check of container web failed",
        "    | it is bad",
        "startPeriod",
    ] {
        assert!(explained.contains(words), "{words}: {explained}");
    }
    let service = world
        .aws
        .json(&["ecs", "describe-services", "--services", "web"])?["services"][0]
        .clone();
    let id = first.rsplit('/').next().unwrap_or_default();
    let event = format!("(service web) (task {id}) failed container health checks.");
    assert!(
        service["events"].to_string().contains(&event),
        "{:#}",
        service["events"]
    );
    assert!(!world.tasks_of("web")?.contains(&first));
    Ok(())
}
