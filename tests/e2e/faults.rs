//! Processes die and resources run out under running, starting and stopping tasks: each ends once, with a reason, and
//! what it held is free.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_support::leaks::{Held, Place};
use test_support::sample_image::SAMPLE_IMAGE;
use test_support::wait;

use crate::held_registry::HeldRegistry;
use crate::world::{DEADLINE, World, text};

/// Ends with 9 when it is asked to.
const OBEDIENT: &str = "trap 'exit 9' TERM; while true; do sleep 0.1; done";
/// Does not.
const DEAF: &str = "trap '' TERM; while true; do sleep 0.1; done";

fn container(name: &str, script: &str, more: Value) -> Value {
    let mut container = json!({
        "name": name, "image": SAMPLE_IMAGE, "memory": 32, "stopTimeout": 5, "command": ["/bin/sh", "-c", script],
    });
    if let (Some(container), Value::Object(more)) = (container.as_object_mut(), more) {
        container.extend(more);
    }
    container
}

impl World {
    fn stop(&self, arn: &str) -> Result<Value> {
        self.aws.json(&["ecs", "stop-task", "--task", arn])?;
        self.wait_for(arn, "STOPPED")
    }

    /// SIGKILL for the shim of a task.
    fn kill_shim(&self, arn: &str) -> Result<()> {
        let id = arn.rsplit('/').next().unwrap_or_default();
        let lock = self.gantry.data_dir().join("tasks").join(id).join("lock");
        let shim = std::fs::read_to_string(lock)?;
        let killed = Command::new("kill").args(["-KILL", shim.trim()]).status()?;
        ensure!(killed.success(), "no shim {shim}");
        Ok(())
    }
}

fn of<'a>(task: &'a Value, name: &str) -> &'a Value {
    let containers = task["containers"].as_array();
    let mut containers = containers.into_iter().flatten();
    containers.find(|it| it["name"] == name).unwrap_or(&Value::Null)
}

#[test]
fn a_start_survives_kill_9_at_any_moment() -> Result<()> {
    let mut world = World::new()?;
    let registry = HeldRegistry::serve()?;
    let place = Place::of(&world.gantry)?;
    let before = place.held()?;
    let network = world.awsvpc()?;
    // While it is pulled, and so long after the last layer was given.
    for moment in [None, Some(0), Some(15), Some(40), Some(80)] {
        let image = registry.hold(&format!("at-{}", moment.unwrap_or(1000)))?;
        let web = container("web", OBEDIENT, json!({ "image": image }));
        let definition = world.register_all(&json!({
            "family": "starting", "networkMode": "awsvpc", "containerDefinitions": [web],
        }))?;
        let arn = world.run(&definition, &["--network-configuration", &network])?;
        registry.await_asked()?;
        if let Some(milliseconds) = moment {
            registry.release();
            std::thread::sleep(Duration::from_millis(milliseconds));
        }
        world.gantry.kill()?;
        world.gantry.up()?;
        if moment.is_none() {
            registry.await_asked().context("it is pulled again")?;
            registry.release();
        }
        world.wait_for(&arn, "RUNNING")?;
        let task = world.stop(&arn)?;
        assert_eq!(of(&task, "web")["exitCode"], 9, "{moment:?}: {task:#}");
        assert_eq!(task["stopCode"], "UserInitiated", "{moment:?}: {task:#}");
        place.settle(&before)?;
    }
    Ok(())
}

#[test]
fn a_stop_survives_kill_9() -> Result<()> {
    let mut world = World::new()?;
    let place = Place::of(&world.gantry)?;
    let before = place.held()?;
    let definition = world.register_all(&json!({
        "family": "stopping", "networkMode": "bridge", "containerDefinitions": [
            container("deaf", DEAF, json!({ "stopTimeout": 3 })),
            container("heeds", OBEDIENT, json!({ "essential": false })),
        ],
    }))?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "RUNNING")?;
    let begun = Instant::now();
    world.aws.json(&["ecs", "stop-task", "--task", &arn])?;
    world.gantry.kill()?;
    world.gantry.up()?;
    let task = world.wait_for(&arn, "STOPPED")?;
    assert!(
        begun.elapsed() >= Duration::from_secs(3),
        "it had its time: {task:#}"
    );
    assert_eq!(of(&task, "deaf")["exitCode"], 137, "{task:#}");
    assert!(
        !text(&of(&task, "deaf")["reason"]).contains("OutOfMemory"),
        "{task:#}"
    );
    assert_eq!(of(&task, "heeds")["exitCode"], 9, "{task:#}");
    assert_eq!(task["stopCode"], "UserInitiated", "{task:#}");
    place.settle(&before)
}

#[test]
fn a_task_whose_shim_is_killed_ends_with_a_reason() -> Result<()> {
    let world = World::new()?;
    let mut place = Place::of(&world.gantry)?;
    place.agent = world.gantry.process_id();
    let definition = world.register_all(&json!({
        "family": "orphaned", "networkMode": "awsvpc", "containerDefinitions": [container("web", DEAF, json!({}))],
    }))?;
    // The first task of a host leaves what serves all that follow: the resolver, and the agent's connection to it.
    let first = world.run(&definition, &["--network-configuration", &world.awsvpc()?])?;
    world.wait_for(&first, "RUNNING")?;
    world.aws.json(&["ecs", "stop-task", "--task", &first])?;
    world.wait_for(&first, "STOPPED")?;
    let before = wait::until("the first task is gone", DEADLINE, || {
        let held = place.held()?;
        let nothing = Held {
            connections: held.connections,
            ..Held::default()
        };
        Ok((held == nothing).then_some(held))
    })?;
    for is_stopping in [false, true] {
        let arn = world.run(&definition, &["--network-configuration", &world.awsvpc()?])?;
        world.wait_for(&arn, "RUNNING")?;
        if is_stopping {
            world.aws.json(&["ecs", "stop-task", "--task", &arn])?;
        }
        world.kill_shim(&arn)?;
        let task = world.wait_for(&arn, "STOPPED")?;
        assert_eq!(of(&task, "web")["exitCode"], 137, "{task:#}");
        let expected = match is_stopping {
            false => "EssentialContainerExited",
            true => "UserInitiated",
        };
        assert_eq!(task["stopCode"], expected, "{task:#}");
        assert!(!text(&task["stoppedReason"]).is_empty(), "{task:#}");
        place.settle(&before)?;
    }
    Ok(())
}

#[test]
fn out_of_memory_is_told_of_the_one_container_that_was() -> Result<()> {
    let world = World::new()?;
    let place = Place::of(&world.gantry)?;
    let before = place.held()?;
    // Who obeys must have said so before there is something to obey.
    let obedient =
        |name: &str| format!("trap 'exit 9' TERM; > /ready/{name}; while true; do sleep 0.1; done");
    let greedy = "while ! [ -e /ready/one -a -e /ready/two ]; do sleep 0.01; done
        x=0123456789abcdef; while true; do x=$x$x; done";
    let mounted = json!([{ "sourceVolume": "ready", "containerPath": "/ready" }]);
    for essential in [false, true] {
        let definition = world.register_all(&json!({
            "family": "three", "networkMode": "none", "volumes": [{ "name": "ready" }], "containerDefinitions": [
                container("one", &obedient("one"), json!({ "mountPoints": mounted })),
                container("two", &obedient("two"), json!({ "mountPoints": mounted })),
                container("greedy", greedy, json!({ "essential": essential, "mountPoints": mounted })),
            ],
        }))?;
        let arn = world.run(&definition, &[])?;
        let greedy_ended = || {
            let task = world.task(&arn)?;
            Ok((of(&task, "greedy")["lastStatus"] == "STOPPED").then_some(task))
        };
        let task = wait::until("the greedy one is killed", DEADLINE, greedy_ended)?;
        let reason = "OutOfMemoryError: Container killed due to memory usage";
        assert_eq!(of(&task, "greedy")["reason"], reason, "{task:#}");
        assert_eq!(of(&task, "greedy")["exitCode"], 137, "{task:#}");
        let task = match essential {
            true => world.wait_for(&arn, "STOPPED")?,
            false => {
                let task = world.wait_for(&arn, "RUNNING")?;
                assert_eq!(of(&task, "one")["lastStatus"], "RUNNING", "{task:#}");
                world.stop(&arn)?
            }
        };
        for name in ["one", "two"] {
            assert_eq!(of(&task, name)["exitCode"], 9, "{task:#}");
            assert_eq!(of(&task, name)["reason"], Value::Null, "{task:#}");
        }
        place.settle(&before)?;
    }
    Ok(())
}

#[test]
fn on_a_full_disk_tasks_go_on_and_calls_are_refused_whole() -> Result<()> {
    let world = World::on_disk(96)?;
    let disk = world.gantry.disk().context("a disk")?;
    let place = Place::of(&world.gantry)?;
    let before = place.held()?;
    let logs = json!({ "logDriver": "awslogs", "options": {
        "awslogs-group": "full", "awslogs-region": "us-east-1", "awslogs-create-group": "true",
        "awslogs-stream-prefix": "t",
    } });
    let talker = "trap 'exit 9' TERM; while true; do echo a line of some length; sleep 0.05; done";
    let definition = world.register_all(&json!({
        "family": "talking", "networkMode": "none", "containerDefinitions": [
            container("web", talker, json!({ "logConfiguration": logs })),
        ],
    }))?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "RUNNING")?;
    disk.fill()?;
    let input = large_definition(&world)?;
    let register = ["ecs", "register-task-definition", "--cli-input-json", &input];
    let (mut registered, mut refusal) = (0, String::new());
    while refusal.is_empty() {
        let output = world.aws.output(&register)?;
        match output.status.success() {
            true => registered += 1,
            false => refusal = String::from_utf8_lossy(&output.stderr).into_owned(),
        }
        ensure!(registered < 200, "the disk is not full");
    }
    assert!(refusal.contains("(ServerException)"), "{refusal}");
    let revisions = || -> Result<usize> {
        let listed = world
            .aws
            .json(&["ecs", "list-task-definitions", "--family-prefix", "large"])?;
        Ok(listed["taskDefinitionArns"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(revisions()?, registered, "reads go on, and nothing is half there");
    assert_eq!(world.task(&arn)?["lastStatus"], "RUNNING");
    assert!(
        is_running(&world.gantry.data_dir(), &arn),
        "the container goes on"
    );
    disk.free()?;
    world.aws.json(&register)?;
    assert_eq!(revisions()?, registered + 1);
    let said = || {
        let events = world.aws.json(&[
            "logs",
            "filter-log-events",
            "--log-group-name",
            "full",
            "--limit",
            "1",
        ])?;
        Ok(events["events"]
            .as_array()
            .is_some_and(|it| !it.is_empty())
            .then_some(()))
    };
    wait::until("the log has room again", DEADLINE, said)?;
    let task = world.stop(&arn)?;
    assert_eq!(of(&task, "web")["exitCode"], 9, "{task:#}");
    place.settle(&before)
}

/// So large that what the database has set aside is soon used up.
fn large_definition(world: &World) -> Result<String> {
    let input = json!({ "family": "large", "containerDefinitions": [
        container("web", "true", json!({ "environment": [{ "name": "LARGE", "value": "x".repeat(60_000) }] })),
    ] });
    let file = world.gantry.scratch().join("large.json");
    std::fs::write(&file, input.to_string())?;
    Ok(format!("file://{}", file.display()))
}

/// Whether the shim of a task lives.
fn is_running(data_dir: &Path, arn: &str) -> bool {
    let id = arn.rsplit('/').next().unwrap_or_default();
    let lock = std::fs::read_to_string(data_dir.join("tasks").join(id).join("lock"));
    lock.is_ok_and(|pid| Path::new("/proc").join(pid.trim()).exists())
}
