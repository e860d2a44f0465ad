//! Output of containers in CloudWatch Logs.

use std::net::UdpSocket;

use anyhow::Result;
use serde_json::json;
use test_support::sample_image::SAMPLE_IMAGE;
use test_support::wait;

use crate::world::{DEADLINE, World, text};

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

#[test]
fn lines_are_joined_and_found_by_patterns() -> Result<()> {
    let world = World::new()?;
    let log = json!({ "logDriver": "awslogs", "options": {
        "awslogs-group": "/ecs/joined", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run",
        "awslogs-create-group": "true", "awslogs-datetime-format": "%Y-%m-%d %H:%M:%S",
    }});
    let script =
        "echo '2026-01-01 10:00:00 ERROR trace'; echo '  at frame 1'; echo '2026-01-01 10:00:01 INFO fine'";
    let container = json!({ "logConfiguration": log, "command": ["/bin/sh", "-c", script] });
    let definition = world.register("joins", json!({ "networkMode": "host" }), container)?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "STOPPED")?;
    let found = |pattern: &str| {
        let output = world.aws.json(&[
            "logs",
            "filter-log-events",
            "--log-group-name",
            "/ecs/joined",
            "--filter-pattern",
            pattern,
        ])?;
        let events = output["events"].as_array().into_iter().flatten();
        anyhow::Ok(
            events
                .map(|it| it["message"].as_str().unwrap_or_default().to_owned())
                .collect::<Vec<_>>(),
        )
    };
    wait::until("both events", DEADLINE, || {
        Ok((found("")?.len() == 2).then_some(()))
    })?;
    let error = "2026-01-01 10:00:00 ERROR trace\n  at frame 1\n";
    assert_eq!(found("[date, time, level=ERROR, ...]")?, [error]);
    assert_eq!(found("%frame [0-9]%")?, [error]);
    assert_eq!(found("INFO")?, ["2026-01-01 10:00:01 INFO fine\n"]);
    Ok(())
}

#[test]
fn syslog_receives_the_output() -> Result<()> {
    let world = World::new()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(DEADLINE))?;
    let log = json!({ "logDriver": "syslog", "options": {
        "syslog-address": format!("udp://{}", socket.local_addr()?), "syslog-format": "rfc5424", "tag": "{{.Name}}",
    }});
    let container =
        json!({ "logConfiguration": log, "command": ["/bin/sh", "-c", "echo hello; echo oops >&2"] });
    let definition = world.register("syslog", json!({ "networkMode": "host" }), container)?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "STOPPED")?;
    let mut lines = Vec::new();
    for _ in 0..2 {
        let mut buffer = [0; 500];
        let length = socket.recv(&mut buffer)?;
        lines.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    lines.sort_unstable();
    assert!(
        lines[0].starts_with("<27>1 ") && lines[0].ends_with(" web - oops\n"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("<30>1 ") && lines[1].ends_with(" web - hello\n"),
        "{lines:?}"
    );
    Ok(())
}

#[test]
fn a_log_router_is_configured_and_reached() -> Result<()> {
    let world = World::new()?;
    // What listens has its input open: the end of it would be the end of the connection, also before anything is said.
    let router = "grep -q 'Match web-firelens' /fluent-bit/etc/fluent-bit.conf && [ -d /var/run ] && \
                  [ \"$token_1\" = hunter2 ] && mkfifo /open && (sleep 1000 > /open & \
                  nc -l -p 24224 < /open | grep -q said)";
    let app = "until echo said | nc -w 2 $FLUENT_HOST $FLUENT_PORT; do sleep 0.1; done; sleep 100";
    world.aws.json(&[
        "ssm",
        "put-parameter",
        "--name",
        "/token",
        "--value",
        "hunter2",
        "--type",
        "SecureString",
    ])?;
    let definition = world.register_all(&json!({
        "family": "routed", "networkMode": "bridge", "executionRoleArn": "ecsTaskExecutionRole",
        "containerDefinitions": [
            {
                "name": "router", "image": SAMPLE_IMAGE, "memory": 32, "essential": true, "stopTimeout": 2,
                "firelensConfiguration": { "type": "fluentbit" },
                "command": ["/bin/sh", "-c", router],
            },
            {
                "name": "web", "image": SAMPLE_IMAGE, "memory": 32, "essential": false, "stopTimeout": 2,
                "command": ["/bin/sh", "-c", app],
                "logConfiguration": {
                    "logDriver": "awsfirelens", "options": { "Name": "null" },
                    "secretOptions": [{ "name": "token", "valueFrom": "/token" }],
                },
            },
        ],
    }))?;
    let arn = world.run(&definition, &[])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    let containers = task["containers"].as_array().into_iter().flatten();
    let router = containers.into_iter().find(|it| it["name"] == "router");
    assert_eq!(router.map(|it| &it["exitCode"]), Some(&json!(0)), "{task:#}");
    Ok(())
}

#[test]
fn json_file_writes_what_readers_of_dockers_files_expect() -> Result<()> {
    let world = World::new()?;
    let script = "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); done; sleep 1000";
    let definition = world.register(
        "json",
        json!({}),
        json!({
            "command": ["/bin/sh", "-c", script], "dockerLabels": { "tier": "front" },
            "environment": [{ "name": "MODE", "value": "fast" }],
            "logConfiguration": { "logDriver": "json-file", "options": {
                "max-size": "2k", "max-file": "20", "compress": "true", "labels": "tier", "env": "MODE",
                "tag": "{{.Name}}",
            } },
        }),
    )?;
    let task = world.run(&definition, &[])?;
    let id = text(&world.wait_for(&task, "RUNNING")?["containers"][0]["runtimeId"]);
    let folder = world.gantry.data_dir().join("agent/containers").join(&id);
    let newest = folder.join(format!("{id}-json.log"));
    let last = wait::until("the last line", DEADLINE, || {
        let content = std::fs::read_to_string(&newest).unwrap_or_default();
        Ok(content
            .lines()
            .last()
            .filter(|it| it.contains("line 39"))
            .map(str::to_owned))
    })?;
    let mut last: serde_json::Value = serde_json::from_str(&last)?;
    anyhow::ensure!(last["time"].is_string(), "{last:#}");
    last["time"].take();
    let attributes = json!({ "MODE": "fast", "tag": "web", "tier": "front" });
    assert_eq!(
        last,
        json!({ "log": "line 39\n", "stream": "stdout", "attrs": attributes, "time": null })
    );
    assert!(folder.join(format!("{id}-json.log.1.gz")).exists());
    Ok(())
}
