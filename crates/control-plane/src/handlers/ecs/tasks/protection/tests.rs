use serde_json::{Value, json};

use crate::fixture::{Fixture, code, text};

const NOBODY: &str = "0123456789abcdef0123456789abcdef";

/// A task that is made to belong to a service of two, and one that belongs to none.
async fn tasks(fixture: &Fixture) -> (String, String) {
    fixture.instance().await;
    let definition = fixture.definition().await;
    let service = json!({ "serviceName": "web", "taskDefinition": definition, "desiredCount": 2 });
    let service = fixture.ask("CreateService", service).await;
    let ran = fixture
        .ask("RunTask", json!({ "taskDefinition": definition, "count": 2 }))
        .await;
    let member = text(&ran["tasks"][0]["taskArn"]);
    let arn = domain::TaskArn::parse(&member).expect("an ARN");
    let service = domain::ServiceArn::parse(&text(&service["service"]["serviceArn"])).expect("an ARN");
    let adopted = fixture.store().transact(move |tx| {
        let known = tx.get::<domain::task::Task>(&arn).ok_or(())?;
        tx.put(domain::task::Task {
            service: Some(service),
            ..(*known).clone()
        });
        Ok::<_, ()>(())
    });
    adopted.await.expect("is there");
    (member, text(&ran["tasks"][1]["taskArn"]))
}

fn update(task: &str, more: Value) -> Value {
    let mut input = json!({ "cluster": "default", "tasks": [task], "protectionEnabled": true });
    for (name, value) in more.as_object().into_iter().flatten() {
        input[name] = value.clone();
    }
    input
}

#[tokio::test]
async fn protection_lasts_two_hours_unless_told() {
    let fixture = Fixture::new().await;
    let (member, _) = tasks(&fixture).await;
    let get = json!({ "cluster": "default", "tasks": [member] });
    let before = fixture.ask("GetTaskProtection", get.clone()).await;
    assert_eq!(
        before["protectedTasks"],
        json!([{ "taskArn": member, "protectionEnabled": false }])
    );
    for (more, minutes) in [
        (json!({}), 120),
        (json!({ "expiresInMinutes": 1 }), 1),
        (json!({ "expiresInMinutes": 2880 }), 2880),
    ] {
        let answer = fixture.ask("UpdateTaskProtection", update(&member, more)).await;
        let task = &answer["protectedTasks"][0];
        assert_eq!(task["protectionEnabled"], true);
        assert_eq!(
            task["expirationDate"].as_f64(),
            Some(1_700_000_000.0 + f64::from(minutes * 60))
        );
        assert_eq!(answer["failures"], json!([]));
        assert_eq!(
            fixture.ask("GetTaskProtection", get.clone()).await["protectedTasks"][0],
            *task
        );
    }
    let off = update(&member, json!({ "protectionEnabled": false }));
    let answer = fixture.ask("UpdateTaskProtection", off).await;
    assert_eq!(
        answer["protectedTasks"],
        json!([{ "taskArn": member, "protectionEnabled": false }])
    );
}

#[tokio::test]
async fn tasks_without_service_and_unknown_ones_fail_by_themselves() {
    let fixture = Fixture::new().await;
    let (member, alone) = tasks(&fixture).await;
    let input = json!({ "cluster": "default", "tasks": [member, alone, NOBODY], "protectionEnabled": true });
    let mut get = input.clone();
    get.as_object_mut().map(|it| it.remove("protectionEnabled"));
    for (operation, input) in [("UpdateTaskProtection", input), ("GetTaskProtection", get)] {
        let answer = fixture.ask(operation, input).await;
        assert_eq!(answer["protectedTasks"].as_array().map(Vec::len), Some(1));
        let missing = format!("{}:task/default/{NOBODY}", crate::fixture::ACCOUNT);
        assert_eq!(
            answer["failures"],
            json!([
                { "arn": alone, "reason": "TASK_NOT_VALID" },
                { "arn": missing, "reason": "MISSING" },
            ])
        );
    }
}

#[tokio::test]
async fn bounds_are_kept() {
    let fixture = Fixture::new().await;
    let many = |count: usize| (0..count).map(|it| format!("{it:032x}")).collect::<Vec<_>>();
    for more in [
        json!({ "expiresInMinutes": 0 }),
        json!({ "expiresInMinutes": 2881 }),
        json!({ "tasks": [] }),
        json!({ "tasks": many(11) }),
    ] {
        let refused = fixture
            .refused("UpdateTaskProtection", update(NOBODY, more.clone()))
            .await;
        assert_eq!(code(refused), "InvalidParameterException", "{more}");
    }
    for tasks in [many(0), many(101)] {
        let input = json!({ "cluster": "default", "tasks": tasks });
        let refused = fixture.refused("GetTaskProtection", input).await;
        assert_eq!(code(refused), "InvalidParameterException");
    }
    let input = json!({ "cluster": "nobody", "tasks": [NOBODY] });
    let refused = fixture.refused("GetTaskProtection", input).await;
    assert_eq!(code(refused), "ClusterNotFoundException");
}
