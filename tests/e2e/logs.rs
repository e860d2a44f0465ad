//! Output of containers in CloudWatch Logs.

use anyhow::Result;
use serde_json::json;
use test_support::wait;

use crate::world::{DEADLINE, World};

#[test]
fn awslogs_reaches_aws_logs_tail() -> Result<()> {
    let world = World::new()?;
    let log = json!({ "logDriver": "awslogs", "options": {
        "awslogs-group": "/ecs/demo", "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "run", "awslogs-create-group": "true",
    }});
    let container = json!({ "logConfiguration": log, "command": ["/bin/sh", "-c", "echo one; echo two >&2; echo three"] });
    let definition = world.register("talks", json!({ "networkMode": "host" }), container)?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "STOPPED")?;
    let id = arn.rsplit('/').next().unwrap_or_default();
    let stream = format!("run/web/{id}");
    wait::until("the log events", DEADLINE, || {
        let output = world.aws.output(&[
            "logs",
            "get-log-events",
            "--log-group-name",
            "/ecs/demo",
            "--log-stream-name",
            &stream,
        ])?;
        let events: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let mut lines: Vec<&str> = events["events"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| it["message"].as_str())
            .collect();
        // Two of the three come by another pipe: their order among each other is nobody's promise.
        lines.sort_unstable();
        Ok((lines == ["one", "three", "two"]).then_some(()))
    })?;
    let tail = ["logs", "tail", "/ecs/demo", "--since", "1h", "--format", "short"];
    let text = world.aws.version_2(&tail)?;
    assert!(text.contains("one") && text.contains("three"), "{text}");
    world.aws.json(&[
        "logs",
        "put-retention-policy",
        "--log-group-name",
        "/ecs/demo",
        "--retention-in-days",
        "7",
    ])?;
    let groups = world.aws.json(&["logs", "describe-log-groups"])?;
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 7, "{groups:#}");
    world
        .aws
        .json(&["logs", "delete-log-group", "--log-group-name", "/ecs/demo"])?;
    Ok(())
}

#[test]
fn a_group_that_is_missing_fails_the_task() -> Result<()> {
    let world = World::new()?;
    let log = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "/nowhere", "awslogs-region": "us-east-1" } });
    let definition = world.register(
        "mute",
        json!({ "networkMode": "host" }),
        json!({ "logConfiguration": log }),
    )?;
    let arn = world.run(&definition, &[])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    let reason = task["stoppedReason"].to_string();
    assert!(
        reason.contains("The specified log group does not exist."),
        "{reason}"
    );
    Ok(())
}
