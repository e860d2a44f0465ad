//! `execute-command` of `true`: the call, and the plug-in that the AWS CLI would run, to its end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use api::ecs;
use serde_json::json;
use test_support::docker::Engine;
use test_support::sample_image::SAMPLE_IMAGE;

use super::super::client::Connection;
use super::super::launch;
use super::super::report::{Table, Times};
use super::started;

const RUNS: usize = 50;
/// Most that waiting for the agent in the container may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Adds the row.
pub fn measure(binary: &Path, engine: Option<&Engine>, table: &mut Table) -> Result<()> {
    let (gantry, mut connection) = started(binary)?;
    // The AWS CLI knows it by this name.
    let plugin = gantry.scratch().join("session-manager-plugin");
    std::os::unix::fs::symlink(binary.canonicalize()?, &plugin)?;
    let definition = ecs::RegisterTaskDefinitionInput {
        family: "exec".to_owned(),
        // Roles are for tasks with an address of their own.
        network_mode: Some("bridge".into()),
        task_role_arn: Some("ecsTaskExecutionRole".to_owned()),
        container_definitions: vec![ecs::ContainerDefinition {
            name: Some("app".to_owned()),
            image: Some(SAMPLE_IMAGE.to_owned()),
            memory: Some(32),
            stop_timeout: Some(2),
            command: Some(["sh", "-c", launch::SCRIPT].map(str::to_owned).to_vec()),
            ..ecs::ContainerDefinition::default()
        }],
        ..ecs::RegisterTaskDefinitionInput::default()
    };
    connection.call::<ecs::RegisterTaskDefinition>(&definition)?;
    let run = ecs::RunTaskInput {
        task_definition: "exec".to_owned(),
        enable_execute_command: Some(true),
        ..ecs::RunTaskInput::default()
    };
    let tasks = launch::run_tasks(&mut connection, &run)?;
    launch::wait(&mut connection, &tasks, "RUNNING")?;
    await_agent(&mut connection, &plugin, &tasks[0])?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        execute(&mut connection, &plugin, &tasks[0])?;
        times.push(begin.elapsed());
    }
    let times = Times::new(times);
    times.print("execute-command of true");
    let peer = engine.map(docker_exec).transpose()?.map(|it| ("docker exec", it));
    table.add(
        "ExecuteCommand of `true` to its end, p50",
        "ms",
        times.median_milliseconds(),
        peer,
    );
    launch::stop(&mut connection, &tasks)
}

fn await_agent(connection: &mut Connection, plugin: &Path, task: &str) -> Result<()> {
    let end = Instant::now() + DEADLINE;
    while let Err(error) = execute(connection, plugin, task) {
        anyhow::ensure!(Instant::now() < end, "no command can be executed: {error:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn execute(connection: &mut Connection, plugin: &Path, task: &str) -> Result<()> {
    let answer = connection.call::<ecs::ExecuteCommand>(&ecs::ExecuteCommandInput {
        command: "true".to_owned(),
        interactive: true,
        task: task.to_owned(),
        ..ecs::ExecuteCommandInput::default()
    })?;
    let session = answer.session.context("a session")?;
    let session = json!({ "sessionId": session.session_id, "streamUrl": session.stream_url,
        "tokenValue": session.token_value });
    let output = Command::new(plugin)
        .args([&session.to_string(), "us-east-1", "StartSession", "", "{}", ""])
        .stdin(Stdio::null())
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "the plug-in ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn docker_exec(engine: &Engine) -> Result<f64> {
    let id = engine.run(&[
        "run",
        "-d",
        "--network",
        "host",
        SAMPLE_IMAGE,
        "sh",
        "-c",
        launch::SCRIPT,
    ])?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        engine.run(&["exec", id.trim(), "true"])?;
        times.push(begin.elapsed());
    }
    engine.run(&["rm", "-f", id.trim()])?;
    let times = Times::new(times);
    times.print("docker exec of true");
    Ok(times.median_milliseconds())
}
