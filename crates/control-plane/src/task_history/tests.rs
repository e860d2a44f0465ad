use domain::clock::Clock;
use domain::task::{Task, TaskStatus};
use serde_json::json;

use super::*;
use crate::fixture::{Fixture, text};

const HOUR: Duration = Duration::from_secs(3600);

/// The server dies between the two stores: the task is in both, and counts once.
#[tokio::test]
async fn a_crash_between_the_stores_loses_nothing_and_doubles_nothing() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    let answer = fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    let task = text(&answer["tasks"][0]["taskArn"]);
    fixture.report(&task, TaskStatus::Stopped).await;
    let arn = TaskArn::parse(&task).expect("an ARN");
    let known = fixture
        .store()
        .read(|state| state.get::<Task>(&arn).cloned())
        .expect("is there");
    let history = &fixture.control_plane().history;
    history
        .append(&[entry(&known).expect("is written")])
        .expect("writes");
    let now = fixture.clock.now();
    assert_eq!(read(history, &task, now).expect("reads").as_ref(), Some(&*known));

    fixture.clock.advance(HOUR * 2);
    assert_eq!(round(fixture.control_plane(), HOUR).await, 1);
    assert_eq!(round(fixture.control_plane(), HOUR).await, 0);
    let listed = fixture.ask_of("gantry", "ListStoppedTasks", json!({})).await;
    assert_eq!(listed["tasks"].as_array().map(Vec::len), Some(1));
    assert!(fixture.store().read(|state| state.get::<Task>(&arn).is_none()));
}
