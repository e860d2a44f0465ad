use std::time::Duration;

use domain::TaskArn;
use domain::task::TaskStatus;
use orchestrator::transitions::{self, ContainerReport, TaskReport};
use serde_json::{Value, json};

use crate::fixture::{Fixture, code, text};
use crate::task_history;

const HOUR: Duration = Duration::from_secs(3600);

/// A task on an instance: its ARN.
async fn run(fixture: &Fixture) -> String {
    let answer = fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    text(&answer["tasks"][0]["taskArn"])
}

/// Its container ends with a code, and it with it.
async fn end(fixture: &Fixture, task: &str, exit_code: i32) {
    let arn = TaskArn::parse(task).expect("an ARN");
    let report = TaskReport {
        status: Some(TaskStatus::Stopped),
        containers: vec![ContainerReport {
            name: "web".to_owned(),
            status: Some(domain::task::ContainerStatus::Stopped),
            exit_code: Some(exit_code),
            ..ContainerReport::default()
        }],
        ..TaskReport::default()
    };
    let observed = fixture
        .store()
        .transact(move |tx| transitions::observe_task(tx, &arn, &report));
    observed.await.expect("is there");
}

async fn ready() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    fixture
}

async fn explained(fixture: &Fixture, task: &str) -> Value {
    let answer = fixture
        .ask_of("gantry", "ExplainTask", json!({ "task": task }))
        .await;
    answer["explanation"].clone()
}

#[tokio::test]
async fn a_task_is_explained_from_the_state_and_then_from_the_history() {
    let fixture = ready().await;
    let task = run(&fixture).await;
    fixture.report(&task, TaskStatus::Running).await;
    assert_eq!(explained(&fixture, &task).await["summary"], "The task runs.");
    end(&fixture, &task, 3).await;
    let before = explained(&fixture, &task).await;
    assert_eq!(
        (&before["cause"], &before["source"]),
        (&json!("ESSENTIAL_CONTAINER_EXITED"), &json!("STATE"))
    );
    assert_eq!(before["firstContainerToEnd"], "web");
    assert!(text(&before["summary"]).contains("exit code 3"), "{before:#}");

    assert_eq!(
        task_history::round(fixture.control_plane(), HOUR).await,
        0,
        "it is young"
    );
    fixture.clock.advance(HOUR + Duration::from_secs(1));
    assert_eq!(task_history::round(fixture.control_plane(), HOUR).await, 1);
    let described = fixture.ask("DescribeTasks", json!({ "tasks": [task] })).await;
    assert_eq!(described["failures"][0]["reason"], "MISSING");
    let after = explained(&fixture, &task).await;
    assert_eq!(after["source"], "HISTORY");
    assert_eq!(
        (&after["summary"], &after["stoppedAt"]),
        (&before["summary"], &before["stoppedAt"])
    );
    fixture.clock.advance(HOUR * 24 * 30);
    let refusal = fixture
        .refused_of("gantry", "ExplainTask", json!({ "task": task }))
        .await;
    assert_eq!(code(refusal), "TaskNotFoundException");
}

#[tokio::test]
async fn a_task_is_found_by_the_beginning_of_its_id() {
    let fixture = ready().await;
    let tasks = [run(&fixture).await, run(&fixture).await];
    let ids = tasks
        .each_ref()
        .map(|it| it.rsplit('/').next().unwrap_or_default().to_owned());
    let common = ids[0]
        .chars()
        .zip(ids[1].chars())
        .take_while(|(left, right)| left == right)
        .count();
    let unique = &ids[1][..=common];
    for (named, input) in [
        ("id", json!({ "task": ids[1] })),
        ("beginning", json!({ "task": unique })),
        ("ARN", json!({ "task": tasks[1] })),
        ("cluster", json!({ "task": unique, "cluster": "default" })),
    ] {
        let answer = fixture.ask_of("gantry", "ExplainTask", input).await;
        assert_eq!(answer["explanation"]["taskArn"], json!(tasks[1]), "{named}");
    }
    let refused = async |input: Value| code(fixture.refused_of("gantry", "ExplainTask", input).await);
    if common > 0 {
        assert_eq!(
            refused(json!({ "task": ids[0][..common] })).await,
            "InvalidParameterException"
        );
    }
    assert_eq!(refused(json!({ "task": "" })).await, "InvalidParameterException");
    assert_eq!(
        refused(json!({ "task": "a/b" })).await,
        "InvalidParameterException"
    );
    assert_eq!(
        refused(json!({ "task": "arn:aws:ecs:x" })).await,
        "InvalidParameterException"
    );
    assert_eq!(refused(json!({ "task": "zz" })).await, "TaskNotFoundException");
    assert_eq!(
        refused(json!({ "task": unique, "cluster": "other" })).await,
        "TaskNotFoundException"
    );
}

#[tokio::test]
async fn stopped_tasks_of_both_places_are_listed_once_and_newest_first() {
    let fixture = ready().await;
    let mut tasks = Vec::new();
    for exit_code in 0..3 {
        let task = run(&fixture).await;
        fixture.clock.advance(HOUR / 4);
        end(&fixture, &task, exit_code).await;
        tasks.insert(0, task);
    }
    fixture.clock.advance(HOUR / 2 + Duration::from_secs(1));
    assert_eq!(task_history::round(fixture.control_plane(), HOUR).await, 1);
    let list = async |input: Value| fixture.ask_of("gantry", "ListStoppedTasks", input).await;
    let first = list(json!({ "maxResults": 2 })).await;
    let second = list(json!({ "maxResults": 2, "nextToken": first["nextToken"] })).await;
    let arns = |page: &Value| -> Vec<String> {
        let all = page["tasks"].as_array().expect("a list").iter();
        all.map(|it| text(&it["taskArn"])).collect()
    };
    assert_eq!([arns(&first), arns(&second)].concat(), tasks);
    assert_eq!(second["nextToken"], Value::Null);
    assert_eq!(
        (&second["tasks"][0]["source"], &first["tasks"][0]["source"]),
        (&json!("HISTORY"), &json!("STATE"))
    );
    assert_eq!(second["tasks"][0]["containers"][0]["exitCode"], 0);
    assert_eq!(arns(&list(json!({ "family": "web" })).await).len(), 3);
    assert!(arns(&list(json!({ "family": "other" })).await).is_empty());
    assert!(arns(&list(json!({ "cluster": "other" })).await).is_empty());
    assert!(arns(&list(json!({ "serviceName": "none" })).await).is_empty());
    let refusal = fixture
        .refused_of("gantry", "ListStoppedTasks", json!({ "maxResults": 0 }))
        .await;
    assert_eq!(code(refusal), "InvalidParameterException");
}

#[tokio::test]
async fn only_a_task_whose_agent_answers_is_inspected() {
    let fixture = ready().await;
    let task = run(&fixture).await;
    let refusal = fixture
        .refused_of("gantry", "InspectTask", json!({ "task": task }))
        .await;
    assert_eq!(refusal.0, "TargetNotConnectedException");
    assert!(refusal.1.contains("not connected"), "{}", refusal.1);
    let waiting = explained(&fixture, &task).await;
    assert!(
        text(&waiting["waitsFor"][0]).contains("not connected"),
        "{waiting:#}"
    );
    end(&fixture, &task, 0).await;
    let refusal = fixture
        .refused_of("gantry", "InspectTask", json!({ "task": task }))
        .await;
    assert_eq!(refusal.0, "TaskNotFoundException");
}

#[tokio::test]
async fn stop_and_scale_in_are_told_from_a_deployment() {
    let fixture = ready().await;
    let task = run(&fixture).await;
    fixture
        .ask("StopTask", json!({ "task": task, "reason": "enough" }))
        .await;
    let it = explained(&fixture, &task).await;
    assert_eq!(
        (&it["cause"], &it["stoppedReason"]),
        (&json!("STOPPED_BY_USER"), &json!("enough"))
    );
    assert!(text(&it["decision"]).starts_with("enough"), "{it:#}");
}
