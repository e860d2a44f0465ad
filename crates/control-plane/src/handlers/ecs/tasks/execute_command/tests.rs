//! In which tasks a command can be run, and what the caller gets for it.

use domain::TaskArn;
use domain::clock::Clock;
use domain::task::{ContainerStatus, Task, TaskStatus};
use orchestrator::transitions::{self, ContainerReport, TaskReport};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{stream_url, words};
use crate::call::Origin;
use crate::fixture::{Fixture, text};
use crate::sessions::AgentKind;

/// A cluster with one container instance, and a definition of two containers.
async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    let capabilities = [
        "com.amazonaws.ecs.capability.logging-driver.awslogs",
        "com.amazonaws.ecs.capability.task-iam-role",
    ];
    fixture.instance_with(&capabilities).await;
    let container = |name: &str| json!({ "name": name, "image": "web", "memory": 32 });
    let log = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "web", "awslogs-region": "us-east-1" } });
    let mut logged = container("web");
    logged["logConfiguration"] = log;
    let definition = json!({
        "family": "two", "taskRoleArn": "arn:aws:iam::123456789012:role/web",
        "containerDefinitions": [logged, container("side")],
    });
    fixture.ask("RegisterTaskDefinition", definition).await;
    fixture
}

impl Fixture {
    async fn run(&self, is_enabled: bool) -> String {
        let run = json!({ "taskDefinition": "two", "enableExecuteCommand": is_enabled });
        let ran = self.ask("RunTask", run).await;
        text(&ran["tasks"][0]["taskArn"])
    }

    /// Reports task and containers.
    async fn report_all(&self, task: &str, status: TaskStatus, containers: ContainerStatus) {
        let arn = TaskArn::parse(task).expect("an ARN");
        let container = |name: &str| ContainerReport {
            name: name.to_owned(),
            status: Some(containers),
            ..ContainerReport::default()
        };
        let report = TaskReport {
            status: Some(status),
            containers: vec![container("web"), container("side")],
            ..TaskReport::default()
        };
        let observed = self
            .store()
            .transact(move |tx| transitions::observe_task(tx, &arn, &report));
        observed.await.expect("is there");
    }

    fn connect(&self, task: &str, kind: AgentKind) {
        let arn = TaskArn::parse(task).expect("an ARN");
        let host = self.store().read(|state| {
            let task = state.get::<Task>(&arn).expect("is there");
            task.host_id.clone()
        });
        let sessions = &self.control_plane().sessions;
        sessions.open(&host, kind, &CancellationToken::new());
    }
}

fn input(task: &str) -> Value {
    json!({ "task": task, "container": "web", "interactive": true, "command": "sh" })
}

fn with(task: &str, changes: Value) -> Value {
    let mut input = input(task);
    for (name, value) in changes.as_object().expect("an object") {
        input[name] = value.clone();
    }
    input
}

#[tokio::test]
async fn calls_that_make_no_sense_are_refused_in_amazons_words() {
    let fixture = fixture().await;
    let task = fixture.run(true).await;
    let nowhere = "0".repeat(32);
    let invalid = "InvalidParameterException";
    for (input, code, message) in [
        (
            input(&task),
            invalid,
            "The execute command failed because execute",
        ),
        (
            with(&task, json!({ "interactive": false })),
            invalid,
            "Interactive is the only mode",
        ),
        (
            with(&task, json!({ "container": "db" })),
            invalid,
            "The container db was not found",
        ),
        (
            with(&task, json!({ "container": null })),
            invalid,
            "A container name must be specified",
        ),
        (
            with(&task, json!({ "command": " " })),
            invalid,
            "Command cannot be empty.",
        ),
        (
            with(&task, json!({ "command": "sh -c 'oops" })),
            invalid,
            "Command has a quote",
        ),
        (input(&nowhere), invalid, "The referenced task was not found."),
        (
            with(&nowhere, json!({ "cluster": "nowhere" })),
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
    ] {
        let (found, text) = fixture.refused("ExecuteCommand", input.clone()).await;
        assert_eq!(found, code, "{input}");
        assert!(text.starts_with(message), "{text}");
    }
}

#[tokio::test]
async fn a_session_is_made_where_the_task_was_started_for_it_and_runs() {
    let fixture = fixture().await;
    let [off, on] = [fixture.run(false).await, fixture.run(true).await];
    for task in [&off, &on] {
        fixture
            .report_all(task, TaskStatus::Running, ContainerStatus::Running)
            .await;
    }
    let (code, message) = fixture.refused("ExecuteCommand", input(&off)).await;
    assert_eq!(code, "InvalidParameterException");
    assert!(message.contains("not enabled when the task was run"), "{message}");
    let not_connected = "TargetNotConnectedException";
    assert_eq!(
        fixture.refused("ExecuteCommand", input(&on)).await.0,
        not_connected
    );
    fixture.connect(&on, AgentKind::Stock);
    assert_eq!(
        fixture.refused("ExecuteCommand", input(&on)).await.0,
        not_connected
    );
    fixture.connect(&on, AgentKind::Gantry);
    let answer = fixture.ask("ExecuteCommand", input(&on)).await;
    assert_eq!(answer["taskArn"], on.as_str());
    assert_eq!(answer["containerName"], "web");
    assert_eq!(answer["interactive"], true);
    assert_eq!(
        answer["clusterArn"],
        "arn:aws:ecs:us-east-1:123456789012:cluster/default"
    );
    let session = text(&answer["session"]["sessionId"]);
    let expected = format!("ws://127.0.0.1:4510/v1/data-channel/{session}?role=publish_subscribe");
    assert_eq!(answer["session"]["streamUrl"], expected.as_str());
    let token = text(&answer["session"]["tokenValue"]);
    let now = fixture.clock.now();
    let claimed = fixture.control_plane().executions.claim(&session, &token, now);
    let (command, _place) = claimed.expect("there is room").expect("a session");
    assert_eq!(command.arguments, ["sh"]);
    assert_eq!(command.caller, "arn:aws:iam::123456789012:root");
    assert_eq!(
        command.log.map(|it| it.group).as_deref(),
        Some("web"),
        "as its container logs"
    );
    fixture
        .report_all(&on, TaskStatus::Running, ContainerStatus::Stopped)
        .await;
    let (code, _) = fixture.refused("ExecuteCommand", input(&on)).await;
    assert_eq!(code, "InvalidParameterException", "a container that has ended");
}

#[tokio::test]
async fn a_cluster_says_where_sessions_are_logged() {
    let fixture = fixture().await;
    let task = fixture.run(true).await;
    fixture
        .report_all(&task, TaskStatus::Running, ContainerStatus::Running)
        .await;
    fixture.connect(&task, AgentKind::Gantry);
    let override_log =
        json!({ "logging": "OVERRIDE", "logConfiguration": { "cloudWatchLogGroupName": "exec" } });
    for (configuration, container, group) in [
        (json!({ "logging": "NONE" }), "web", None),
        (override_log, "side", Some("exec")),
        (json!({ "logging": "DEFAULT" }), "side", None),
        (json!({ "logging": "DEFAULT" }), "web", Some("web")),
    ] {
        let update = json!({
            "cluster": "default", "configuration": { "executeCommandConfiguration": configuration },
        });
        fixture.ask("UpdateCluster", update).await;
        let answer = fixture
            .ask("ExecuteCommand", with(&task, json!({ "container": container })))
            .await;
        let session = &answer["session"];
        let (id, token) = (text(&session["sessionId"]), text(&session["tokenValue"]));
        let claimed = fixture
            .control_plane()
            .executions
            .claim(&id, &token, fixture.clock.now());
        let (command, _place) = claimed.expect("there is room").expect("a session");
        assert_eq!(
            command.log.map(|it| it.group).as_deref(),
            group,
            "{configuration} {container}"
        );
    }
}

#[tokio::test]
async fn tasks_show_their_agent_and_need_a_role() {
    let fixture = fixture().await;
    let task = fixture.run(true).await;
    let agent = async || {
        let described = fixture.ask("DescribeTasks", json!({ "tasks": [task] })).await;
        let task = &described["tasks"][0];
        assert_eq!(task["enableExecuteCommand"], true);
        task["containers"][0]["managedAgents"][0].clone()
    };
    assert_eq!(
        agent().await,
        json!({ "name": "ExecuteCommandAgent", "lastStatus": "PENDING" })
    );
    fixture
        .report_all(&task, TaskStatus::Running, ContainerStatus::Running)
        .await;
    let running = agent().await;
    assert_eq!(running["lastStatus"], "RUNNING");
    assert!(running["lastStartedAt"].is_number(), "{running}");
    let without = fixture.run(false).await;
    let described = fixture.ask("DescribeTasks", json!({ "tasks": [without] })).await;
    assert_eq!(described["tasks"][0]["enableExecuteCommand"], false);
    assert!(described["tasks"][0]["containers"][0]["managedAgents"].is_null());

    fixture.definition().await;
    let run = json!({ "taskDefinition": "web", "enableExecuteCommand": true });
    let (code, message) = fixture.refused("RunTask", run.clone()).await;
    assert_eq!(code, "InvalidParameterException");
    assert!(
        message.contains("a valid task role is not being used"),
        "{message}"
    );
    let mut with_role = run;
    with_role["overrides"] = json!({ "taskRoleArn": "arn:aws:iam::123456789012:role/web" });
    fixture.ask("RunTask", with_role).await;
}

#[tokio::test]
async fn a_service_keeps_the_word_for_its_next_tasks() {
    let fixture = fixture().await;
    let create = json!({ "serviceName": "s", "taskDefinition": "two", "desiredCount": 0, "enableExecuteCommand": true });
    let created = fixture.ask("CreateService", create).await;
    assert_eq!(created["service"]["enableExecuteCommand"], true);
    let deployments = created["service"]["deployments"][0]["id"].clone();
    let update = json!({ "service": "s", "enableExecuteCommand": false });
    let updated = fixture.ask("UpdateService", update).await;
    assert_eq!(updated["service"]["enableExecuteCommand"], false);
    assert_eq!(
        updated["service"]["deployments"][0]["id"], deployments,
        "no new deployment"
    );
    fixture.definition().await;
    let update = json!({ "service": "s", "enableExecuteCommand": true, "taskDefinition": "web" });
    let (_, message) = fixture.refused("UpdateService", update).await;
    assert!(
        message.starts_with("The service couldn't be updated because a valid taskRoleArn"),
        "{message}"
    );
}

#[test]
fn commands_are_split_as_amazons_agent_does() {
    for (command, expected) in [
        ("/bin/sh", vec!["/bin/sh"]),
        ("  ls  -la /etc ", vec!["ls", "-la", "/etc"]),
        ("sh -c 'echo \"$A\" b'", vec!["sh", "-c", "echo \"$A\" b"]),
        ("echo \"a b\" c\\ d", vec!["echo", "a b", "c d"]),
    ] {
        assert_eq!(
            words(command).ok(),
            Some(expected.into_iter().map(str::to_owned).collect()),
            "{command}"
        );
    }
    let long = "x".repeat(8 * 1024 + 1);
    for command in ["", "  ", "\"", "'", "a\0b", &long] {
        assert!(words(command).is_err(), "{command:?}");
    }
}

#[test]
fn a_session_is_where_its_caller_reaches_the_server() {
    let origin = |authority: Option<&str>, is_encrypted| Origin {
        authority: authority.map(str::to_owned),
        is_encrypted,
    };
    for (origin, expected) in [
        (
            origin(None, false),
            "ws://127.0.0.1:4566/v1/data-channel/s?role=publish_subscribe",
        ),
        (
            origin(Some("gantry:80"), false),
            "ws://gantry:80/v1/data-channel/s?role=publish_subscribe",
        ),
        (
            origin(Some("gantry"), true),
            "wss://gantry/v1/data-channel/s?role=publish_subscribe",
        ),
    ] {
        assert_eq!(stream_url(&origin, "http://127.0.0.1:4566", "s"), expected);
    }
}
