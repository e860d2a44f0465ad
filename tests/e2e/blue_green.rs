//! Deployments in stages, through the CLI: a migration, a webhook and a pause are asked before the old tasks stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// Answers every POST with the next of these, and tells what it was asked. Ends with the test's process.
fn webhook(answers: &'static [&'static str]) -> Result<(String, mpsc::Receiver<Value>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let (tell, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for (stream, answer) in listener.incoming().flatten().zip(answers) {
            let mut reader = BufReader::new(&stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|_| line.trim() != "") {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                line.clear();
            }
            let mut body = vec![0; length];
            let read = reader.read_exact(&mut body);
            let told = serde_json::from_slice(&body).unwrap_or(Value::Null);
            if read.is_ok() {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    answer.len()
                );
                let _ = (&stream).write_all(format!("{head}{answer}").as_bytes());
            }
            if tell.send(told).is_err() {
                return;
            }
        }
    });
    Ok((url, asked))
}

fn deployment(world: &World) -> Result<Value> {
    let services = world
        .aws
        .json(&["ecs", "describe-services", "--services", "web"])?;
    let arn = text(&services["services"][0]["currentServiceDeployment"]);
    let described = world.aws.json(&[
        "ecs",
        "describe-service-deployments",
        "--service-deployment-arns",
        &arn,
    ])?;
    Ok(described["serviceDeployments"][0].clone())
}

fn update(world: &World, definition: &str, configuration: &Value) -> Result<()> {
    world.aws.json(&[
        "ecs",
        "update-service",
        "--service",
        "web",
        "--task-definition",
        definition,
        "--deployment-configuration",
        &configuration.to_string(),
    ])?;
    Ok(())
}

fn await_status(world: &World, status: &str) -> Result<Value> {
    wait::until(&format!("the deployment is {status}"), DEADLINE, || {
        let deployment = deployment(world)?;
        Ok((deployment["status"] == status).then_some(deployment))
    })
}

/// The first revision of a service, in its steady state.
fn serving() -> Result<(World, String)> {
    let world = World::new()?;
    let first = world.register("web", json!({}), json!({}))?;
    world.create_service("web", &first, "1")?;
    await_status(&world, "SUCCESSFUL")?;
    Ok((world, first))
}

#[test]
fn a_migration_a_webhook_and_a_pause_agree_before_the_old_task_stops() -> Result<()> {
    let (world, _) = serving()?;
    let old = world.tasks_of("web")?;
    let migration = world.register("migrate", json!({}), json!({ "command": ["true"] }))?;
    let (url, asked) = webhook(&[
        r#"{"hookStatus":"IN_PROGRESS","callBackDelay":1,"hookDetails":{"round":2}}"#,
        r#"{"hookStatus":"SUCCEEDED"}"#,
    ])?;
    let configuration = json!({
        "strategy": "BLUE_GREEN",
        "lifecycleHooks": [
            { "hookTargetArn": migration, "lifecycleStages": ["PRE_SCALE_UP"] },
            { "hookTargetArn": url, "lifecycleStages": ["POST_SCALE_UP"], "hookDetails": { "round": 1 } },
            { "targetType": "PAUSE", "lifecycleStages": ["POST_PRODUCTION_TRAFFIC_SHIFT"] },
        ],
    });
    let second = world.register("web", json!({}), json!({}))?;
    update(&world, &second, &configuration)?;
    let paused = wait::until("the pause", DEADLINE, || {
        let deployment = deployment(&world)?;
        Ok((deployment["lifecycleHookDetails"][0]["status"] == "AWAITING_ACTION").then_some(deployment))
    })?;
    assert_eq!(paused["lifecycleStage"], "POST_PRODUCTION_TRAFFIC_SHIFT");
    assert_eq!(
        paused["targetServiceRevision"]["requestedProductionTrafficWeight"],
        100.0
    );
    for round in [1, 2] {
        let told = asked
            .recv_timeout(DEADLINE)
            .context("the webhook is called twice")?;
        assert_eq!(told["lifecycleStage"], "POST_SCALE_UP");
        assert_eq!(told["hookDetails"]["round"], round);
        assert_eq!(
            told["executionDetails"]["targetServiceRevisionArn"],
            paused["targetServiceRevision"]["arn"]
        );
    }
    let both = world.tasks_of("web")?;
    assert!(
        both.len() == 2 && both.contains(&old[0]),
        "the old task still runs: {both:?}"
    );
    world.aws.json(&[
        "ecs",
        "continue-service-deployment",
        "--service-deployment-arn",
        &text(&paused["serviceDeploymentArn"]),
        "--hook-id",
        &text(&paused["lifecycleHookDetails"][0]["hookId"]),
    ])?;
    await_status(&world, "SUCCESSFUL")?;
    let tasks = world.wait_running("web", 1)?;
    assert_eq!(text(&tasks[0]["taskDefinitionArn"]), second);
    Ok(())
}

#[test]
fn a_migration_that_fails_leaves_the_old_task_in_place() -> Result<()> {
    let (world, first) = serving()?;
    let old = world.tasks_of("web")?;
    let migration = world.register(
        "migrate",
        json!({}),
        json!({ "command": ["sh", "-c", "test $ECS_LIFECYCLE_STAGE = PRE_SCALE_UP && exit 3"] }),
    )?;
    let hook = json!({ "hookTargetArn": migration, "lifecycleStages": ["PRE_SCALE_UP"] });
    let second = world.register("web", json!({}), json!({}))?;
    update(
        &world,
        &second,
        &json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [hook] }),
    )?;
    let deployment = await_status(&world, "ROLLBACK_SUCCESSFUL")?;
    let reason = text(&deployment["statusReason"]);
    let expected = "Service deployment rolled back because PRE_SCALE_UP lifecycle hook(s) failed. ";
    assert!(reason.starts_with(expected), "{reason}");
    assert!(reason.contains("exited with code 3"), "{reason}");
    assert_eq!(world.tasks_of("web")?, old);
    let services = world
        .aws
        .json(&["ecs", "describe-services", "--services", "web"])?;
    assert_eq!(text(&services["services"][0]["taskDefinition"]), first);
    Ok(())
}
