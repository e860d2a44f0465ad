//! A table: what was done, and the events that it comes to.

use serde_json::{Value, json};
use store::Followed;

use super::super::derive::derive;
use crate::fixture::{Fixture, text};
use domain::task::TaskStatus;

/// The events of each commit since, as the follower of them would write them.
async fn events(fixture: &Fixture, feed: &mut store::Feed, until: u64) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let Followed::Commit(commit) = feed.next().await else {
            panic!("lagged");
        };
        let derived = fixture.store().read(|state| derive(state, &commit));
        all.extend(
            derived
                .into_events()
                .map(|it| serde_json::from_str(it.record.get()).expect("JSON")),
        );
        if commit.id.0 >= until {
            return all;
        }
    }
}

/// Kind, and the words of the detail that tell one from another.
fn told(event: &Value) -> (String, String) {
    let words = [
        "eventName",
        "lastStatus",
        "desiredStatus",
        "agentConnected",
        "status",
    ];
    let detail = words.iter().map(|it| &event["detail"][*it]);
    let detail = detail.filter(|it| !it.is_null()).map(|it| match it {
        Value::String(word) => word.clone(),
        other => other.to_string(),
    });
    let kind = text(&event["detail-type"])
        .replace("ECS ", "")
        .replace(" State Change", "");
    (kind, detail.collect::<Vec<_>>().join(" "))
}

async fn told_of(fixture: &Fixture, feed: &mut store::Feed) -> Vec<(String, String)> {
    let until = fixture.store().last_commit().0;
    events(fixture, feed, until).await.iter().map(told).collect()
}

fn expected(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(kind, words)| ((*kind).to_owned(), (*words).to_owned()))
        .collect()
}

#[tokio::test]
async fn each_transition_of_a_task_and_its_instance_is_one_event() {
    let fixture = Fixture::new().await;
    let mut feed = fixture.store().follow();
    let instance = fixture.instance().await;
    let registered = [
        ("Container Instance", "false ACTIVE"),
        ("Container Instance", "true ACTIVE"),
    ];
    assert_eq!(told_of(&fixture, &mut feed).await, expected(&registered));

    fixture.definition().await;
    let answer = fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    let task = text(&answer["tasks"][0]["taskArn"]);
    let started = [("Task", "PENDING RUNNING"), ("Container Instance", "true ACTIVE")];
    assert_eq!(told_of(&fixture, &mut feed).await, expected(&started));

    fixture.report(&task, TaskStatus::Running).await;
    fixture
        .ask(
            "TagResource",
            json!({ "resourceArn": task, "tags": [{ "key": "a", "value": "b" }] }),
        )
        .await;
    fixture
        .ask(
            "TagResource",
            json!({ "resourceArn": instance, "tags": [{ "key": "a", "value": "b" }] }),
        )
        .await;
    assert_eq!(
        told_of(&fixture, &mut feed).await,
        expected(&[("Task", "RUNNING RUNNING")]),
        "tags are no state"
    );

    fixture.ask("StopTask", json!({ "task": task })).await;
    fixture.report(&task, TaskStatus::Stopped).await;
    let stopped = [
        ("Task", "STOPPING STOPPED"),
        ("Task", "STOPPED STOPPED"),
        ("Container Instance", "true ACTIVE"),
    ];
    assert_eq!(told_of(&fixture, &mut feed).await, expected(&stopped));

    let input = json!({ "containerInstances": [instance], "status": "DRAINING" });
    fixture.ask("UpdateContainerInstancesState", input).await;
    fixture
        .ask(
            "DeregisterContainerInstance",
            json!({ "containerInstance": instance }),
        )
        .await;
    let left = [
        ("Container Instance", "true DRAINING"),
        ("Container Instance", "true INACTIVE"),
    ];
    assert_eq!(told_of(&fixture, &mut feed).await, expected(&left));
}

#[tokio::test]
async fn an_event_is_as_eventbridge_has_it() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    fixture.definition().await;
    let mut feed = fixture.store().follow();
    let answer = fixture
        .ask("RunTask", json!({ "taskDefinition": "web", "startedBy": "me" }))
        .await;
    let task = text(&answer["tasks"][0]["taskArn"]);
    let until = fixture.store().last_commit().0;
    let all = events(&fixture, &mut feed, until).await;
    let [of_task, of_instance] = &all[..] else {
        panic!("{all:#?}");
    };
    let envelope = |event: &Value| {
        let mut event = event.clone();
        event["detail"] = Value::Null;
        event["id"] = json!(text(&event["id"]).len());
        event
    };
    assert_eq!(
        envelope(of_task),
        json!({
            "version": "0", "id": 36, "detail-type": "ECS Task State Change", "source": "aws.ecs",
            "account": "123456789012", "time": "2023-11-14T22:13:20Z", "region": "us-east-1",
            "resources": [task], "detail": null,
        })
    );
    let detail = &of_task["detail"];
    for (member, value) in [
        ("taskArn", json!(task)),
        ("createdAt", json!("2023-11-14T22:13:20.000Z")),
        ("updatedAt", json!("2023-11-14T22:13:20.000Z")),
        ("containerInstanceArn", json!(instance)),
        ("group", json!("family:web")),
        ("startedBy", json!("me")),
        ("version", json!(1)),
        ("tags", Value::Null),
    ] {
        assert_eq!(detail[member], value, "{member}");
    }
    assert_eq!(detail["containers"][0]["name"], "web");

    assert_eq!(of_instance["resources"], json!([instance]));
    let detail = &of_instance["detail"];
    let left = |name: &str| {
        let all = detail["remainingResources"].as_array().expect("a list");
        all.iter().find(|it| it["name"] == name).expect("is there")["integerValue"].clone()
    };
    assert_eq!((left("CPU"), left("MEMORY")), (json!(1024), json!(960)));
    assert_eq!(detail["version"], json!(until), "it orders");
    assert_eq!(detail["registeredAt"], "2023-11-14T22:13:20.000Z");
    for member in ["runningTasksCount", "tags", "attachments"] {
        assert_eq!(detail[member], Value::Null, "{member}");
    }
}

#[tokio::test]
async fn deployments_begin_and_the_way_back_comes_after_the_failure() {
    use domain::service::{Rollout, Service};
    let fixture = Fixture::new().await;
    fixture.definition().await;
    let mut feed = fixture.store().follow();
    let input = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 });
    let answer = fixture.ask("CreateService", input).await;
    let until = fixture.store().last_commit().0;
    let began = events(&fixture, &mut feed, until).await;
    let id = text(&answer["service"]["deployments"][0]["id"]);
    assert_eq!(began.len(), 1, "{began:#?}");
    assert_eq!(began[0]["resources"], json!([answer["service"]["serviceArn"]]));
    assert_eq!(
        began[0]["detail"],
        json!({
            "eventType": "INFO", "eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS", "deploymentId": id,
            "clusterArn": answer["service"]["clusterArn"], "updatedAt": "2023-11-14T22:13:20.000Z",
            "reason": format!("ECS deployment {id} in progress."),
        })
    );

    // As the circuit breaker writes it: in one commit.
    let failed = fixture.store().transact(|tx| {
        let known = tx.state().all::<Service>().next().cloned().expect("is there");
        let mut service = (*known).clone();
        service.deployments[0].rollout = Rollout::Failed;
        service.deployments[0].rollout_reason = Some("it failed".to_owned());
        let mut back = service.deployments[0].clone();
        back.id = "ecs-svc/1".to_owned();
        back.rollout = Rollout::InProgress;
        back.rollout_reason = Some("rolling back".to_owned());
        service.deployments.insert(0, back);
        tx.put(service);
        Ok::<_, ()>(tx.commit_id().0)
    });
    let until = failed.await.expect("commits");
    let told: Vec<_> = events(&fixture, &mut feed, until)
        .await
        .iter()
        .map(|it| {
            let detail = &it["detail"];
            (
                text(&detail["eventName"]),
                text(&detail["eventType"]),
                text(&detail["reason"]),
            )
        })
        .collect();
    let owned = |it: [&str; 3]| (it[0].to_owned(), it[1].to_owned(), it[2].to_owned());
    assert_eq!(
        told,
        [
            owned(["SERVICE_DEPLOYMENT_FAILED", "ERROR", "it failed"]),
            owned(["SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", "rolling back"]),
        ]
    );
}

#[tokio::test]
async fn an_action_of_the_scheduler_carries_what_amazon_names() {
    use domain::service::Service;
    use domain::service_action::{ServiceAction, ServiceActionName};
    let fixture = Fixture::new().await;
    fixture.definition().await;
    let input = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 });
    fixture.ask("CreateService", input).await;
    let mut feed = fixture.store().follow();
    let action = ServiceAction {
        reason: Some("RESOURCE:MEMORY".to_owned()),
        container_instances: vec!["an ARN".to_owned()],
        ..ServiceAction::of(ServiceActionName::ServiceTaskPlacementFailure)
    };
    let recorded = fixture.store().transact(move |tx| {
        let known = tx.state().all::<Service>().next().cloned().expect("is there");
        for (sequence, action) in [(100, Some(action)), (101, None)] {
            tx.put(domain::service::ServiceEvent {
                service: known.arn.clone(),
                sequence,
                id: "id".to_owned(),
                created_at: tx.now(),
                message: "(service web) was unable to place a task".to_owned(),
                action,
            });
        }
        Ok::<_, ()>(tx.commit_id().0)
    });
    let until = recorded.await.expect("commits");
    let told = events(&fixture, &mut feed, until).await;
    assert_eq!(told.len(), 1, "EventBridge knows only one of the two: {told:#?}");
    let detail = &told[0]["detail"];
    for (member, value) in [
        ("eventType", json!("ERROR")),
        ("eventName", json!("SERVICE_TASK_PLACEMENT_FAILURE")),
        ("reason", json!("RESOURCE:MEMORY")),
        ("containerInstanceArns", json!(["an ARN"])),
        ("createdAt", json!("2023-11-14T22:13:20.000Z")),
        ("message", json!("(service web) was unable to place a task")),
    ] {
        assert_eq!(detail[member], value, "{member}");
    }
}
