//! Why a task stopped: `gantry task explain`, `inspect` and `ls`, with real containers.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::sample_image::SAMPLE_IMAGE;
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// Runs a task of one container without a log driver: its ARN.
fn run(world: &World, family: &str, container: Value) -> Result<String> {
    let definition = world.register(family, json!({ "networkMode": "none" }), container)?;
    world.run(&definition, &[])
}

fn script(line: &str) -> Value {
    json!({ "command": ["/bin/sh", "-c", line] })
}

fn explained(world: &World, task: &str) -> Result<Value> {
    Ok(serde_json::from_str(
        &world.gantry.command(&["task", "explain", task, "--json"])?,
    )?)
}

/// An explanation that must hold these words in its summary, its first container and its next steps.
fn assert_explained(it: &Value, cause: &str, words: &[&str]) {
    assert_eq!(it["cause"], cause, "{it:#}");
    let all = it.to_string();
    for word in words {
        assert!(all.contains(word), "{word:?} is not in {it:#}");
    }
}

#[test]
fn each_end_by_itself_is_explained() -> Result<()> {
    let world = World::new()?;
    let eater = "echo eating; exec dd if=/dev/zero of=/dev/null bs=128M count=1";
    let exited = "ESSENTIAL_CONTAINER_EXITED";
    let (none, nothing) = ("127.0.0.1:1/none", json!({ "command": ["no-such-command"] }));
    let image = json!({ "image": format!("{none}:1") });
    let cases = [
        (
            "exit",
            script("echo doomed; exit 3"),
            exited,
            ["exit code 3", "doomed"],
        ),
        ("eater", script(eater), "OUT_OF_MEMORY", ["now 32 MiB", "eating"]),
        (
            "absent",
            nothing,
            "NOT_EXECUTED",
            ["no-such-command", "entryPoint"],
        ),
        ("pull", image, "IMAGE_NOT_PULLED", [none, "gantry image pull"]),
    ];
    let mut tasks = Vec::new();
    for (family, container, cause, words) in cases {
        tasks.push((run(&world, family, container)?, cause, words));
    }
    for (task, cause, words) in &tasks {
        world.wait_for(task, "STOPPED")?;
        let last_words = wait::until("its last words", DEADLINE, || {
            let it = explained(&world, task)?;
            Ok(it.to_string().contains(words[1]).then_some(it))
        })?;
        assert_explained(&last_words, cause, words);
    }
    let listed = world.gantry.command(&["task", "ls", "--stopped"])?;
    assert!(
        tasks.iter().all(|(task, ..)| listed.contains(id(task))),
        "{listed}"
    );
    Ok(())
}

#[test]
fn a_stop_by_a_user_is_explained_before_and_after_a_restart() -> Result<()> {
    let mut world = World::new()?;
    let mut stubborn = script("trap '' TERM; echo here; while true; do sleep 0.1; done");
    stubborn["stopTimeout"] = json!(8);
    let task = run(&world, "stubborn", stubborn)?;
    world.wait_for(&task, "RUNNING")?;
    inspected(&world, &task)?;
    world
        .aws
        .json(&["ecs", "stop-task", "--task", &task, "--reason", "enough of it"])?;
    assert_eq!(explained(&world, &task)?["lastStatus"], "STOPPING");
    world.wait_for(&task, "STOPPED")?;
    let it = wait::until("its end", DEADLINE, || {
        let it = explained(&world, &task)?;
        Ok(it["containers"][0]["finishedAt"].is_number().then_some(it))
    })?;
    let words = [
        "enough of it",
        "had not ended 8 s after its stop signal",
        "ignored its stop signal",
    ];
    assert_explained(&it, "STOPPED_BY_USER", &words);

    world.gantry.interrupt()?;
    world.gantry.up()?;
    assert_eq!(explained(&world, &task)?, it, "it is kept");
    let shown = world.gantry.command(&["task", "explain", id(&task)])?;
    let is_told = shown.contains("STOPPED: A user stopped the task.") && shown.contains("    | here");
    assert!(is_told, "{shown}");
    let error = world
        .gantry
        .command(&["task", "explain", "nothing"])
        .expect_err("refused");
    assert!(error.to_string().contains("there is no task nothing"), "{error}");
    Ok(())
}

/// What the host has really made of a running task.
fn inspected(world: &World, task: &str) -> Result<()> {
    let shown: Value = serde_json::from_str(&world.gantry.command(&["task", "inspect", id(task)])?)?;
    let inspection = &shown["inspection"];
    let container = &inspection["containers"][0];
    assert_eq!(container["process"]["arguments"][0], "/bin/sh", "{shown:#}");
    assert_eq!(container["process"]["user"], "0:0");
    assert_eq!(container["process"]["seccomp"], "filter");
    let capabilities = container["process"]["capabilities"].to_string();
    assert!(
        capabilities.contains("CHOWN") && !capabilities.contains("SYS_ADMIN"),
        "{capabilities}"
    );
    let process_id = container["processId"].as_i64().unwrap_or_default();
    let link = std::fs::read_link(format!("/proc/{process_id}/ns/mnt"))?;
    assert_eq!(container["namespaces"]["mnt"], json!(link), "{shown:#}");
    let limits = container["cgroup"]["limits"].to_string();
    assert!(limits.contains("33554432"), "32 MiB: {limits}");
    assert_eq!(container["image"], SAMPLE_IMAGE);
    assert!(inspection["sandbox"]["shimProcessId"].is_number(), "{shown:#}");
    Ok(())
}

fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

#[test]
fn a_task_is_explained_after_amazons_hour_and_after_a_crash() -> Result<()> {
    let mut world = World::with(&["--stopped-tasks-shown", "1s"])?;
    let task = run(&world, "exit", script("echo doomed; exit 3"))?;
    wait::until("the task is MISSING", DEADLINE, || {
        let answer = world.aws.json(&["ecs", "describe-tasks", "--tasks", &task])?;
        Ok((answer["failures"][0]["reason"] == "MISSING").then_some(()))
    })?;
    let it = explained(&world, id(&task))?;
    assert_explained(&it, "ESSENTIAL_CONTAINER_EXITED", &["exit code 3", "HISTORY"]);
    world.gantry.kill()?;
    world.gantry.up()?;
    let again = explained(&world, &id(&task)[..12])?;
    assert_eq!(
        (&again["summary"], text(&again["taskArn"])),
        (&it["summary"], task)
    );
    Ok(())
}

#[test]
fn a_task_that_cannot_start_yet_says_what_it_waits_for() -> Result<()> {
    let world = World::new()?;
    let container = |name: &str, more: Value| {
        let mut it = json!({ "name": name, "image": SAMPLE_IMAGE, "memory": 16, "stopTimeout": 2,
            "command": ["/bin/sh", "-c", "while true; do sleep 0.1; done"] });
        if let (Some(it), Value::Object(more)) = (it.as_object_mut(), more) {
            it.extend(more);
        }
        it
    };
    let check = json!({ "healthCheck": { "command": ["CMD-SHELL", "false"], "interval": 5, "retries": 10 } });
    let after = json!({ "dependsOn": [{ "containerName": "db", "condition": "HEALTHY" }] });
    let definition = world.register_all(&json!({
        "family": "waits", "networkMode": "none",
        "containerDefinitions": [container("db", check), container("app", after)],
    }))?;
    let task = world.run(&definition, &[])?;
    let expected = "container app: db to reach HEALTHY (it is RUNNING, UNKNOWN)";
    wait::until("it says what for", DEADLINE, || {
        let it = explained(&world, &task)?;
        Ok((it["waitsFor"] == json!([expected])).then_some(()))
    })?;
    world.aws.json(&["ecs", "stop-task", "--task", &task])?;
    world.wait_for(&task, "STOPPED")?;
    Ok(())
}
