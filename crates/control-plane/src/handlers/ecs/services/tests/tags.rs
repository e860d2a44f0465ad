//! Whose tags the tasks of a service get.

use domain::ServiceArn;
use orchestrator::controllers::Controller;
use orchestrator::controllers::service_deployments::ServiceDeployments;
use serde_json::{Value, json};

use crate::fixture::{ACCOUNT, Fixture};

/// A container instance, and a family with tags.
async fn world() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    let container = json!({ "name": "web", "image": "web", "memory": 64 });
    let tags = json!([{ "key": "from", "value": "definition" }]);
    let definition = json!({ "family": "web", "containerDefinitions": [container], "tags": tags });
    fixture.ask("RegisterTaskDefinition", definition).await;
    fixture
}

/// Tags of the tasks that the scheduler starts.
async fn started(fixture: &Fixture, service: &str) -> Vec<Value> {
    let arn = ServiceArn::parse(&format!("{ACCOUNT}:service/default/{service}")).expect("an ARN");
    for _ in 0..3 {
        let arn = arn.clone();
        let looked = fixture.store().transact(move |tx| {
            let scheduler = ServiceDeployments::new(&orchestrator::Settings::default());
            Ok::<_, ()>(scheduler.reconcile(tx, &arn))
        });
        looked.await.expect("commits");
    }
    let listed = fixture.ask("ListTasks", json!({ "serviceName": service })).await;
    let input = json!({ "tasks": listed["taskArns"], "include": ["TAGS"] });
    let described = fixture.ask("DescribeTasks", input).await;
    let tasks = described["tasks"].as_array().expect("a list");
    tasks.iter().map(|it| it["tags"].clone()).collect()
}

/// With and without a deployment controller of one's own.
#[tokio::test]
async fn tasks_get_the_tags_of_what_is_propagated() {
    let fixture = world().await;
    let managed = |service: &str| {
        json!([
            { "key": "aws:ecs:clusterName", "value": "default" }, { "key": "aws:ecs:serviceName", "value": service },
        ])
    };
    let of = |from: &str| json!([{ "key": "from", "value": from }]);
    let none = json!([]);
    for (index, (word, is_managed, expected)) in [
        (json!(null), false, &none),
        (json!("NONE"), true, &none),
        (json!("SERVICE"), false, &of("service")),
        (json!("SERVICE"), true, &of("service")),
        (json!("TASK_DEFINITION"), false, &of("definition")),
        (json!("TASK_DEFINITION"), true, &of("definition")),
    ]
    .into_iter()
    .enumerate()
    {
        let shared = json!({
            "propagateTags": word, "enableECSManagedTags": is_managed, "desiredCount": 1,
            "tags": [{ "key": "from", "value": "service" }],
        });
        for kind in ["own", "external"] {
            let name = format!("{kind}-{index}");
            let mut create = shared.clone();
            create["serviceName"] = json!(name);
            match kind {
                "own" => create["taskDefinition"] = json!("web"),
                _ => create["deploymentController"] = json!({ "type": "EXTERNAL" }),
            }
            let created = fixture.ask("CreateService", create).await["service"].clone();
            let shown = word.as_str().unwrap_or("NONE");
            assert_eq!(
                (&created["propagateTags"], &created["enableECSManagedTags"]),
                (&json!(shown), &json!(is_managed))
            );
            if kind == "external" {
                let task_set = json!({ "cluster": "default", "service": name, "taskDefinition": "web",
                    "scale": { "value": 100, "unit": "PERCENT" }, "tags": [{ "key": "from", "value": "task set" }] });
                fixture.ask("CreateTaskSet", task_set).await;
            }
            let mut expected = expected.as_array().expect("a list").clone();
            if is_managed {
                expected.extend(managed(&name).as_array().expect("a list").clone());
            }
            assert_eq!(
                started(&fixture, &name).await,
                [json!(expected)],
                "{name}: {shown}"
            );
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
#[tokio::test]
async fn what_is_propagated_is_changed_by_an_update() {
    let fixture = world().await;
    let create = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 0, "propagateTags": "TASK_DEFINITION" });
    fixture.ask("CreateService", create).await;
    for (word, expected) in [
        ("SERVICE", "SERVICE"),
        ("NONE", "NONE"),
        ("TASK_DEFINITION", "TASK_DEFINITION"),
    ] {
        let update = json!({ "service": "web", "propagateTags": word });
        let updated = fixture.ask("UpdateService", update).await;
        assert_eq!(updated["service"]["propagateTags"], expected);
        let silent = fixture
            .ask("UpdateService", json!({ "service": "web", "desiredCount": 0 }))
            .await;
        assert_eq!(silent["service"]["propagateTags"], expected);
    }
}
