//! What is lost when Gantry dies: nothing.

use anyhow::Result;
use serde_json::json;

use crate::world::{World, host_port, page, text};

#[test]
fn kill_9_loses_no_task_and_no_exit_code() -> Result<()> {
    let mut world = World::new()?;
    let served = world.register(
        "served",
        json!({}),
        json!({ "portMappings": [{ "containerPort": 80 }] }),
    )?;
    let ends = world.register(
        "ends",
        json!({ "networkMode": "host" }),
        json!({ "command": ["/bin/sh", "-c", "sleep 2; exit 42"] }),
    )?;
    world.aws.json(&[
        "ecs",
        "create-service",
        "--service-name",
        "web",
        "--task-definition",
        &served,
        "--desired-count",
        "2",
    ])?;
    let before = world.wait_running("web", 2)?;
    let ends = world.run(&ends, &[])?;
    world.wait_for(&ends, "RUNNING")?;
    world.gantry.kill()?;
    let port = host_port(&before[0]);
    assert!(
        page(&format!("127.0.0.1:{port}"))?.contains("hello"),
        "tasks run on without the control plane"
    );
    test_support::wait::until(
        "the other task ends while nobody watches",
        crate::world::DEADLINE,
        || Ok((!is_running("exit 42")).then_some(())),
    )?;
    world.gantry.up()?;
    let ended = world.wait_for(&ends, "STOPPED")?;
    assert_eq!(ended["containers"][0]["exitCode"], 42, "{ended:#}");
    let after = world.wait_running("web", 2)?;
    let arns = |tasks: &[serde_json::Value]| {
        let mut arns: Vec<String> = tasks.iter().map(|it| text(&it["taskArn"])).collect();
        arns.sort();
        arns
    };
    assert_eq!(arns(&before), arns(&after), "the same tasks, not new ones");
    let stopped = world
        .aws
        .json(&["ecs", "stop-task", "--task", &arns(&after)[0]])?;
    assert_eq!(stopped["task"]["desiredStatus"], "STOPPED");
    world.wait_for(&arns(&after)[0], "STOPPED")?;
    Ok(())
}

#[test]
fn ctrl_c_leaves_tasks_and_down_stops_them() -> Result<()> {
    let mut world = World::new()?;
    let served = world.register(
        "served",
        json!({}),
        json!({ "portMappings": [{ "containerPort": 80 }] }),
    )?;
    world.aws.json(&[
        "ecs",
        "create-service",
        "--service-name",
        "web",
        "--task-definition",
        &served,
        "--desired-count",
        "1",
    ])?;
    let port = host_port(&world.wait_running("web", 1)?[0]);
    world.gantry.interrupt()?;
    assert!(
        page(&format!("127.0.0.1:{port}"))?.contains("hello"),
        "Ctrl-C leaves tasks running"
    );
    world.gantry.command(&["down"])?;
    let gone = test_support::gantry::http_get(&format!("127.0.0.1:{port}"), "/");
    assert!(gone.is_err(), "down stops the tasks");
    world.gantry.up()?;
    world.wait_running("web", 1)?;
    Ok(())
}

/// Whether a process has the text in its command line.
fn is_running(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut lines = processes.filter_map(|it| std::fs::read_to_string(it.path().join("cmdline")).ok());
    lines.any(|it| it.contains(text))
}
