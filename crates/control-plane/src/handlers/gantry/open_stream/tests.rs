use domain::TaskArn;
use domain::task::{ContainerStatus, TaskStatus};
use orchestrator::transitions::{self, ContainerReport, TaskReport};
use serde_json::{Value, json};

use crate::fixture::{Fixture, code, text};

/// Its agent says that the task and its container run.
async fn runs(fixture: &Fixture, task: &str) {
    let arn = TaskArn::parse(task).expect("an ARN");
    let report = TaskReport {
        status: Some(TaskStatus::Running),
        containers: vec![ContainerReport {
            name: "web".to_owned(),
            status: Some(ContainerStatus::Running),
            ..ContainerReport::default()
        }],
        ..TaskReport::default()
    };
    let observed = fixture
        .store()
        .transact(move |tx| transitions::observe_task(tx, &arn, &report));
    observed.await.expect("is there");
}

async fn refused(fixture: &Fixture, input: Value) -> (String, String) {
    let refusal = fixture.refused_of("gantry", "OpenTaskStream", input).await;
    let text = refusal.1.clone();
    (code(refusal), text)
}

#[tokio::test]
async fn a_stream_needs_a_task_that_runs_a_container_of_it_and_its_agent() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    let answer = fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    let task = text(&answer["tasks"][0]["taskArn"]);
    let to_port = |more: Value| {
        let mut input = json!({ "task": task, "target": { "port": 80 } });
        input
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        input
    };
    let (kind, message) = refused(&fixture, to_port(json!({}))).await;
    assert_eq!(kind, "InvalidParameterException");
    assert!(message.contains("not RUNNING"), "{message}");
    runs(&fixture, &task).await;
    for (more, kind, part) in [
        (
            json!({ "container": "db" }),
            "InvalidParameterException",
            "has no container db. It has: web",
        ),
        (
            json!({ "container": "web" }),
            "TargetNotConnectedException",
            "not connected",
        ),
        (json!({ "task": "zz" }), "TaskNotFoundException", "not found"),
        (
            json!({ "target": {} }),
            "InvalidParameterException",
            "exactly one",
        ),
        (
            json!({ "target": { "port": 0 } }),
            "InvalidParameterException",
            "from 1 to 65535",
        ),
        (
            json!({ "target": { "readFiles": { "path": "etc" } } }),
            "InvalidParameterException",
            "slash",
        ),
        (
            json!({ "target": { "writeFiles": { "path": "/etc", "name": "../x" } } }),
            "InvalidParameterException",
            "no name of a file",
        ),
    ] {
        let (refused_as, message) = refused(&fixture, to_port(more)).await;
        assert_eq!(refused_as, kind, "{message}");
        assert!(message.contains(part), "{message}");
    }
    fixture.report(&task, TaskStatus::Stopped).await;
    let (kind, message) = refused(&fixture, to_port(json!({}))).await;
    assert_eq!(kind, "TaskNotFoundException");
    assert!(message.contains("has stopped"), "{message}");
}

#[tokio::test]
async fn what_is_answered_opens_one_stream() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    let answer = fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    let task = text(&answer["tasks"][0]["taskArn"]);
    runs(&fixture, &task).await;
    let host = fixture.store().read(|state| {
        let all: Vec<_> = state
            .all::<domain::task::Task>()
            .map(|it| it.host_id.clone())
            .collect();
        all[0].clone()
    });
    let shutdown = tokio_util::sync::CancellationToken::new();
    let control_plane = fixture.control_plane();
    let _session = control_plane
        .sessions
        .open(&host, crate::sessions::AgentKind::Gantry, &shutdown);
    let input = json!({ "task": task, "target": { "port": 80 } });
    let answer = fixture.ask_of("gantry", "OpenTaskStream", input).await;
    assert_eq!(
        (&answer["containerName"], &answer["taskArn"]),
        (&json!("web"), &json!(task))
    );
    let (session, url) = (text(&answer["sessionId"]), text(&answer["streamUrl"]));
    assert!(url.ends_with(&format!("/gantry/streams/{session}")), "{url}");
    let now = control_plane.clock.now();
    let claimed = control_plane
        .streams
        .claim(&session, &text(&answer["tokenValue"]), now);
    let (wanted, _place) = claimed.expect("there is room").expect("its token");
    assert_eq!((wanted.container.as_str(), wanted.target.port), ("web", Some(80)));
}
