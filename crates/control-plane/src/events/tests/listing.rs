//! ListEvents.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::task::TaskStatus;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::keep_events;
use crate::fixture::{Fixture, code, text};

const DEADLINE: Duration = Duration::from_secs(20);

/// A world whose commits are followed.
async fn followed() -> Fixture {
    let fixture = Fixture::new().await;
    let control_plane = Arc::clone(fixture.control_plane());
    tokio::spawn(keep_events(control_plane, CancellationToken::new()));
    let begun = async {
        while fixture.control_plane().events.log.cursor().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, begun).await.expect("begins");
    fixture
}

async fn list(fixture: &Fixture, input: Value) -> Value {
    fixture.ask_of("gantry", "ListEvents", input).await
}

/// The details of all events that meet the filter, once there are so many.
async fn details(fixture: &Fixture, filter: Value, count: usize) -> Vec<Value> {
    let (mut after, mut found) = (0, Vec::new());
    while found.len() < count {
        let mut input = filter.clone();
        input["afterSequence"] = json!(after);
        input["waitSeconds"] = json!(20);
        let page = list(fixture, input).await;
        let events = page["events"].as_array().expect("a list");
        assert!(!events.is_empty(), "{} of {count}: {found:#?}", found.len());
        found.extend(events.iter().map(|it| {
            let event: Value = serde_json::from_str(&text(&it["event"])).expect("JSON");
            event["detail"].clone()
        }));
        after = page["throughSequence"].as_i64().expect("a number");
    }
    found
}

#[tokio::test]
async fn events_are_listed_by_what_they_are_about() {
    let fixture = followed().await;
    fixture.instance().await;
    fixture.definition().await;
    let run = async || {
        let answer = fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
        text(&answer["tasks"][0]["taskArn"])
    };
    let (first, second) = (run().await, run().await);
    fixture.report(&first, TaskStatus::Running).await;
    fixture.report(&second, TaskStatus::Running).await;

    let of_first = details(&fixture, json!({ "task": first }), 2).await;
    let statuses: Vec<_> = of_first.iter().map(|it| text(&it["lastStatus"])).collect();
    assert_eq!(statuses, ["PENDING", "RUNNING"]);
    assert!(of_first.iter().all(|it| it["taskArn"] == json!(first)));
    let id = first.rsplit('/').next().unwrap_or_default();
    assert_eq!(details(&fixture, json!({ "task": id }), 2).await, of_first);

    let kind = json!({ "detailType": "ECS Container Instance State Change", "cluster": "default" });
    assert_eq!(details(&fixture, kind, 4).await.len(), 4);
    let page = list(&fixture, json!({ "cluster": "other" })).await;
    assert_eq!((&page["events"], &page["more"]), (&json!([]), &json!(false)));
    let page = list(&fixture, json!({ "maxResults": 1 })).await;
    assert_eq!(
        (&page["throughSequence"], &page["more"], &page["oldestSequence"]),
        (&json!(1), &json!(true), &json!(1))
    );
    let later = json!({ "since": fixture.clock.now().as_second() + 60 });
    assert_eq!(list(&fixture, later).await["events"], json!([]));
}

#[tokio::test]
async fn a_follower_waits_for_the_next_event() {
    let fixture = followed().await;
    fixture.definition().await;
    let input = json!({ "waitSeconds": 20 });
    let (page, _) = tokio::join!(list(&fixture, input), async {
        tokio::task::yield_now().await;
        fixture.instance().await
    });
    assert_eq!(page["events"][0]["sequence"], json!(1), "{page:#}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_refused() {
    let fixture = Fixture::new().await;
    let page = list(&fixture, json!({ "waitSeconds": 20 })).await;
    assert_eq!(page["events"], json!([]), "the wait has an end");
    for input in [
        json!({ "maxResults": 0 }),
        json!({ "maxResults": 1001 }),
        json!({ "waitSeconds": 21 }),
        json!({ "afterSequence": -1 }),
        json!({ "detailType": "ECS Surprise" }),
        json!({ "cluster": "a b" }),
        json!({ "serviceName": "a b" }),
    ] {
        let refusal = fixture.refused_of("gantry", "ListEvents", input.clone()).await;
        assert_eq!(code(refusal), "InvalidParameterException", "{input}");
    }
}
