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

#[tokio::test]
async fn a_call_starts_one_to_ten_tasks() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let definition = fixture.definition().await;
    let started = fixture
        .ask("RunTask", json!({ "taskDefinition": definition, "count": 10 }))
        .await;
    assert_eq!(started["tasks"].as_array().map(Vec::len), Some(10));
    for count in [-1, 0, 11] {
        let refused = fixture.refused("RunTask", json!({ "taskDefinition": definition, "count": count }));
        let expected = format!("Task count must be between 1 and 10, it is {count}.");
        assert_eq!(refused.await, ("InvalidParameterException".to_owned(), expected));
    }
    for instances in [vec![], vec![instance; 11]] {
        let input = json!({ "taskDefinition": definition, "containerInstances": instances });
        let refused = fixture.refused("StartTask", input).await;
        let expected = "containerInstances must have 1 to 10 items.";
        assert_eq!(
            refused,
            ("InvalidParameterException".to_owned(), expected.to_owned())
        );
    }
}

#[tokio::test]
async fn clusters_and_instances_that_are_gone_take_no_tasks() {
    let fixture = Fixture::new().await;
    let gone = fixture.instance().await;
    let draining = fixture.instance().await;
    fixture.definition().await;
    fixture
        .ask(
            "DeregisterContainerInstance",
            json!({ "containerInstance": gone }),
        )
        .await;
    let drain = json!({ "containerInstances": [draining], "status": "DRAINING" });
    fixture.ask("UpdateContainerInstancesState", drain).await;
    let unknown = format!(
        "{}:container-instance/default/{}",
        crate::fixture::ACCOUNT,
        "a".repeat(32)
    );
    let input = json!({ "taskDefinition": "web", "containerInstances": [gone, draining, unknown] });
    let started = fixture.ask("StartTask", input).await;
    let expected = json!([
        { "arn": gone, "reason": "INACTIVE" }, { "arn": draining, "reason": "INACTIVE" },
        { "arn": unknown, "reason": "MISSING" },
    ]);
    assert_eq!((&started["tasks"], &started["failures"]), (&json!([]), &expected));
    fixture
        .ask("CreateCluster", json!({ "clusterName": "old" }))
        .await;
    fixture.ask("DeleteCluster", json!({ "cluster": "old" })).await;
    let other = json!({ "serviceName": "web", "desiredCount": 0, "containerInstances": ["a".repeat(32)], "service": "web" });
    for (cluster, message) in [
        ("old", "The referenced cluster was inactive."),
        ("never", "Cluster not found."),
    ] {
        for operation in [
            "RunTask",
            "StartTask",
            "CreateService",
            "UpdateService",
            "CreateTaskSet",
            "ListServices",
        ] {
            let mut input = other.clone();
            input["taskDefinition"] = json!("web");
            input["cluster"] = json!(cluster);
            let refused = fixture.refused(operation, input).await;
            let expected = ("ClusterNotFoundException".to_owned(), message.to_owned());
            assert_eq!(refused, expected, "{operation}");
        }
    }
}

#[tokio::test]
async fn tags_that_are_given_win_over_those_of_the_task_definition() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let container = json!({ "name": "web", "image": "web", "memory": 64 });
    let tags = json!([{ "key": "team", "value": "definition" }, { "key": "cost", "value": "definition" }]);
    let definition = json!({ "family": "web", "containerDefinitions": [container], "tags": tags });
    fixture.ask("RegisterTaskDefinition", definition).await;
    let given = json!([{ "key": "team", "value": "given" }, { "key": "stage", "value": "given" }]);
    let managed = json!({ "key": "aws:ecs:clusterName", "value": "default" });
    let least = json!({ "taskDefinition": "web", "containerInstances": [instance], "tags": given });
    for operation in ["RunTask", "StartTask"] {
        for (propagated, enabled, expected) in [
            (json!(null), json!(null), given.clone()),
            (json!("NONE"), json!(false), given.clone()),
            (json!("NONE"), json!(true), json!([given[0], given[1], managed])),
            (
                json!("TASK_DEFINITION"),
                json!(false),
                json!([given[0], given[1], tags[1]]),
            ),
            (
                json!("TASK_DEFINITION"),
                json!(true),
                json!([given[0], given[1], tags[1], managed]),
            ),
        ] {
            let mut input = least.clone();
            input["propagateTags"] = propagated.clone();
            input["enableECSManagedTags"] = enabled.clone();
            let started = fixture.ask(operation, input).await;
            assert_eq!(
                started["tasks"][0]["tags"], expected,
                "{operation} {propagated} {enabled}"
            );
        }
        for word in ["SERVICE", "CLUSTER"] {
            let mut input = least.clone();
            input["propagateTags"] = json!(word);
            let refused = fixture.refused(operation, input).await;
            let expected = "propagateTags must be TASK_DEFINITION or NONE for tasks.";
            assert_eq!(
                refused,
                ("InvalidParameterException".to_owned(), expected.to_owned()),
                "{operation}"
            );
        }
    }
}
