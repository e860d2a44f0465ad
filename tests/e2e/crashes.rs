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
    world.create_service("web", &served, "2")?;
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
    world.create_service("web", &served, "1")?;
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

#[test]
fn a_machine_that_lost_everything_makes_its_services_whole() -> Result<()> {
    let mut world = World::new()?;
    let served = world.register("served", json!({ "networkMode": "host" }), json!({}))?;
    let once = world.register("once", json!({ "networkMode": "host" }), json!({}))?;
    let sleep = r#"{"containerOverrides":[{"name":"web","command":["/bin/sleep","600"]}]}"#;
    let service = [
        "ecs",
        "create-service",
        "--service-name",
        "web",
        "--desired-count",
        "1",
    ];
    world
        .aws
        .json(&[&service[..], &["--task-definition", &served]].concat())?;
    let before = world.wait_running("web", 1)?;
    let once = world.run(&once, &["--overrides", sleep])?;
    world.wait_for(&once, "RUNNING")?;
    // As a reboot does it: all at once, and nobody is told.
    world.gantry.kill()?;
    let tasks = world.gantry.data_dir().join("tasks");
    let shims = shims_below(&tasks);
    assert_eq!(shims.len(), 2, "{shims:?}");
    for shim in shims {
        std::process::Command::new("kill")
            .args(["-KILL", &shim])
            .status()?;
    }
    world.gantry.up()?;
    let lost = world.wait_for(&once, "STOPPED")?;
    assert!(!text(&lost["stoppedReason"]).is_empty(), "{lost:#}");
    let lost = world.wait_for(&text(&before[0]["taskArn"]), "STOPPED")?;
    assert_eq!(lost["desiredStatus"], "STOPPED");
    let after = world.wait_running("web", 1)?;
    assert_ne!(after[0]["taskArn"], before[0]["taskArn"]);
    Ok(())
}

/// Processes whose working directory is that of a task.
fn shims_below(tasks: &std::path::Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_tasks = processes
        .filter(|it| std::fs::read_link(it.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(tasks)));
    of_tasks
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Whether a process has the text in its command line.
fn is_running(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut lines = processes.filter_map(|it| std::fs::read_to_string(it.path().join("cmdline")).ok());
    lines.any(|it| it.contains(text))
}
