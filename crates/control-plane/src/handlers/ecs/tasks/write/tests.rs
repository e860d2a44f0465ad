//! Bounds of what RunTask and StartTask take.

use serde_json::json;

use crate::fixture::{Fixture, code, text};

#[tokio::test]
async fn texts_of_calls_have_the_lengths_of_the_model() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let definition = fixture.definition().await;
    for (operation, member, length_max) in [
        ("RunTask", "startedBy", 128),
        ("StartTask", "startedBy", 36),
        ("RunTask", "referenceId", 1024),
        ("StartTask", "referenceId", 1024),
    ] {
        let mut input = json!({ "taskDefinition": definition, "containerInstances": [instance] });
        input[member] = json!("x".repeat(length_max));
        let started = fixture.ask(operation, input.clone()).await;
        assert_eq!(started["failures"], json!([]), "{operation} {member}");
        input[member] = json!("x".repeat(length_max + 1));
        let refused = fixture.refused(operation, input).await;
        assert_eq!(code(refused), "InvalidParameterException", "{operation} {member}");
    }
}

#[tokio::test]
async fn whoever_starts_tasks_may_have_a_name_of_words() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let definition = fixture.definition().await;
    for name in ["ECS Deploy", "AWS Step Functions", "a:b.c"] {
        let input =
            json!({ "taskDefinition": definition, "containerInstances": [instance], "startedBy": name });
        for operation in ["RunTask", "StartTask"] {
            let started = fixture.ask(operation, input.clone()).await;
            assert_eq!(started["tasks"][0]["startedBy"], name, "{operation}");
        }
    }
}

fn tagged(name: &str, value: &str) -> serde_json::Value {
    json!({ "taskDefinition": "web", "tags": [{ "key": name, "value": value }] })
}

#[tokio::test]
async fn a_task_that_may_wait_is_shown_and_explained() {
    let fixture = Fixture::new().await;
    fixture.definition().await;
    let answer = fixture.ask("RunTask", tagged("gantry:wait", "10m")).await;
    assert_eq!(answer["failures"], json!([]));
    let task = text(&answer["tasks"][0]["taskArn"]);
    assert_eq!(answer["tasks"][0]["lastStatus"], "PROVISIONING");
    let described = fixture.ask("DescribeTasks", json!({ "tasks": [task] })).await;
    assert_eq!(described["tasks"][0]["lastStatus"], "PROVISIONING");
    let explained = fixture
        .ask_of("gantry", "ExplainTask", json!({ "task": task }))
        .await;
    let waits_for = explained["explanation"]["waitsFor"].to_string();
    let words =
        "a container instance that takes it (No Container Instances were found in your cluster.), until ";
    assert!(waits_for.contains(words), "{explained:#}");
    fixture.ask("StopTask", json!({ "task": task })).await;
    let described = fixture.ask("DescribeTasks", json!({ "tasks": [task] })).await;
    assert_eq!(described["tasks"][0]["lastStatus"], "STOPPED");
}

#[tokio::test]
async fn tags_that_cannot_be_obeyed_are_refused() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    for (name, value, reason) in [
        ("gantry:wait", "soon", "90s, 10m or 2h"),
        ("gantry:retries", "11", "from 0 to 10"),
        ("gantry:concurrency", "never", "allow, forbid and replace"),
    ] {
        let (code, message) = fixture.refused("RunTask", tagged(name, value)).await;
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains(name) && message.contains(reason), "{message}");
    }
}
