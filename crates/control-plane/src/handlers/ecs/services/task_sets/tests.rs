//! Task sets, as clients ask.

use domain::task::TaskStatus;
use orchestrator::transitions::{RunTasks, Where, run_tasks};
use serde_json::{Value, json};

use crate::fixture::{ACCOUNT, Fixture, text};

const UNKNOWN: &str = "ecs-svc/1234567890123456789";

/// The service `web`, which wants three tasks and has nobody to say which.
async fn external() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.definition().await;
    fixture.ask("CreateService", create(json!({}))).await;
    fixture
}

fn create(more: Value) -> Value {
    let controller = json!({ "type": "EXTERNAL" });
    let least = json!({ "serviceName": "web", "desiredCount": 3, "deploymentController": controller });
    with(least, more)
}

/// What every call says of its service, and more.
fn of_web(more: Value) -> Value {
    with(json!({ "cluster": "default", "service": "web" }), more)
}

fn with(mut all: Value, more: Value) -> Value {
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}

async fn task_set(fixture: &Fixture, scale: f64) -> Value {
    let scale = json!({ "value": scale, "unit": "PERCENT" });
    let input = of_web(json!({ "taskDefinition": "web", "scale": scale }));
    fixture.ask("CreateTaskSet", input).await["taskSet"].clone()
}

#[tokio::test]
async fn a_task_set_shows_what_it_is_made_of() {
    let fixture = external().await;
    let input = of_web(json!({
        "taskDefinition": "web",
        "externalId": "blue",
        "scale": { "value": 33.5, "unit": "PERCENT" },
        "tags": [{ "key": "team", "value": "a" }],
    }));
    let it = fixture.ask("CreateTaskSet", input).await["taskSet"].clone();
    let id = text(&it["id"]);
    assert_eq!(it["taskSetArn"], format!("{ACCOUNT}:task-set/default/web/{id}"));
    assert_eq!(it["serviceArn"], format!("{ACCOUNT}:service/default/web"));
    assert_eq!(it["taskDefinition"], format!("{ACCOUNT}:task-definition/web:1"));
    let expected = json!({
        "status": "ACTIVE", "externalId": "blue", "launchType": "EC2", "computedDesiredCount": 2, "pendingCount": 0,
        "runningCount": 0, "loadBalancers": [], "serviceRegistries": [], "stabilityStatus": "STABILIZING",
        "scale": { "value": 33.5, "unit": "PERCENT" }, "tags": [{ "key": "team", "value": "a" }],
    });
    for (member, value) in expected.as_object().expect("an object") {
        assert_eq!(it[member], *value, "{member}");
    }
    let sets = json!([id, it["taskSetArn"], UNKNOWN]);
    let described = fixture
        .ask("DescribeTaskSets", of_web(json!({ "taskSets": sets })))
        .await;
    assert_eq!(described["taskSets"][0]["id"], described["taskSets"][1]["id"]);
    assert_eq!(described["taskSets"][0]["tags"], Value::Null);
    let missing = format!("{ACCOUNT}:task-set/default/web/{UNKNOWN}");
    assert_eq!(
        described["failures"],
        json!([{ "arn": missing, "reason": "MISSING" }])
    );
    let tagged = of_web(json!({ "taskSets": [id], "include": ["TAGS"] }));
    let described = fixture.ask("DescribeTaskSets", tagged).await;
    assert_eq!(described["taskSets"][0]["tags"], it["tags"]);
}

#[tokio::test]
async fn a_service_says_what_its_primary_task_set_says() {
    let fixture = external().await;
    let ask = json!({ "services": ["web"] });
    let service = fixture.ask("DescribeServices", ask.clone()).await["services"][0].clone();
    assert_eq!(service["deploymentController"], json!({ "type": "EXTERNAL" }));
    assert_eq!(
        (&service["taskSets"], &service["deployments"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(service["taskDefinition"], Value::Null);
    let (blue, green) = (task_set(&fixture, 100.0).await, task_set(&fixture, 0.0).await);
    for chosen in [&blue, &green] {
        let input = of_web(json!({ "primaryTaskSet": chosen["id"] }));
        let answer = fixture.ask("UpdateServicePrimaryTaskSet", input).await;
        assert_eq!(answer["taskSet"]["status"], "PRIMARY");
    }
    let service = fixture.ask("DescribeServices", ask).await["services"][0].clone();
    assert_eq!(service["taskDefinition"], green["taskDefinition"]);
    assert_eq!(service["taskSets"][0]["status"], "ACTIVE");
    assert_eq!(service["taskSets"][1]["status"], "PRIMARY");
    let events = service["events"].as_array().expect("a list");
    let message = format!(
        "(service web) updated computedDesiredCount for taskSet {} to 3.",
        text(&blue["id"])
    );
    assert_eq!(events[0]["message"], message);
}

#[tokio::test]
async fn a_service_sums_up_the_tasks_of_its_task_sets() {
    let fixture = external().await;
    fixture.instance().await;
    let (blue, green) = (task_set(&fixture, 100.0).await, task_set(&fixture, 50.0).await);
    for (of, count) in [(&blue, 2), (&green, 1)] {
        for task in start(&fixture, text(&of["id"]), count).await {
            fixture.report(&task, TaskStatus::Running).await;
        }
    }
    let ask = json!({ "services": ["web"] });
    let service = fixture.ask("DescribeServices", ask).await["services"][0].clone();
    let counts = |it: &Value| (it["runningCount"].clone(), it["pendingCount"].clone());
    assert_eq!(counts(&service), (json!(3), json!(0)));
    assert_eq!(counts(&service["taskSets"][0]), (json!(2), json!(0)));
    assert_eq!(counts(&service["taskSets"][1]), (json!(1), json!(0)));
    let listed = fixture
        .ask("ListTasks", json!({ "startedBy": green["id"] }))
        .await;
    assert_eq!(listed["taskArns"].as_array().map(Vec::len), Some(1));
    let described = fixture
        .ask("DescribeTasks", json!({ "tasks": listed["taskArns"] }))
        .await;
    let task = &described["tasks"][0];
    assert_eq!(
        (&task["group"], &task["startedBy"]),
        (&json!("service:web"), &green["id"])
    );
}

/// Tasks of a task set, as the service's controller starts them.
async fn start(fixture: &Fixture, id: String, count: u32) -> Vec<String> {
    let cluster = domain::ClusterArn::of(&domain::Scope::new("123456789012", "us-east-1"), "default");
    let started = fixture.store().transact(move |tx| {
        let arn = domain::TaskDefinitionArn::of(&cluster.scope(), "web", 1);
        let run = RunTasks {
            definition: tx.get(&arn).expect("is there"),
            count,
            launch_type: domain::task_definition::LaunchType::Ec2,
            capacity_provider_strategy: Vec::new(),
            placed: Where::Anywhere,
            placement_constraints: Vec::new(),
            placement_strategy: Vec::new(),
            group: "service:web".to_owned(),
            started_by: Some(id),
            service: Some(cluster.member("web")),
            overrides: domain::task::Overrides::default(),
            network: None,
            public_addresses: None,
            platform_version: None,
            targets: Vec::new(),
            registration: None,
            endpoints: Vec::new(),
            enable_execute_command: false,
            client_request: None,
            tags: Vec::new(),
            cluster,
        };
        run_tasks(tx, &run)
    });
    let outcome = started.await.expect("there is room");
    outcome.tasks.iter().map(|it| it.arn.to_string()).collect()
}

#[tokio::test]
async fn tags_of_a_task_set_are_changed_by_its_arn() {
    let fixture = external().await;
    let arn = task_set(&fixture, 0.0).await["taskSetArn"].clone();
    let tags = json!([{ "key": "team", "value": "a" }, { "key": "cost", "value": "b" }]);
    fixture
        .ask("TagResource", json!({ "resourceArn": arn, "tags": tags.clone() }))
        .await;
    fixture
        .ask(
            "UntagResource",
            json!({ "resourceArn": arn, "tagKeys": ["team"] }),
        )
        .await;
    let listed = fixture
        .ask("ListTagsForResource", json!({ "resourceArn": arn }))
        .await;
    assert_eq!(listed["tags"], json!([{ "key": "cost", "value": "b" }]));
    let unknown = format!("{ACCOUNT}:task-set/default/web/{UNKNOWN}");
    let tag = json!({ "resourceArn": unknown, "tags": tags });
    let refused = fixture.refused("TagResource", tag).await;
    assert_eq!(refused.0, "ResourceNotFoundException");
}

const INVALID: &str = "InvalidParameterException";
const ONLY_EXTERNAL: &str =
    "Amazon ECS only supports task set management on services configured to use external";
const NOT_FOUND: &str = "TaskSetNotFoundException";

/// Each call is refused by that exception, in words that begin so.
async fn check_refused(fixture: &Fixture, operation: &str, cases: &[(Value, &str, &str)]) {
    for (input, code, message) in cases {
        let found = fixture.refused(operation, of_web(input.clone())).await;
        let is_so = found.0 == *code && found.1.starts_with(message);
        assert!(is_so, "{operation} {input}: {found:?}");
    }
}

#[tokio::test]
async fn a_task_set_that_cannot_be_is_refused() {
    let fixture = external().await;
    let rolling = json!({ "serviceName": "rolling", "desiredCount": 0, "taskDefinition": "web" });
    fixture.ask("CreateService", rolling).await;
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/a/b";
    let balancer = json!([{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }]);
    let cases = [
        (json!({ "service": "none" }), "ServiceNotFoundException", ""),
        (json!({ "cluster": "none" }), "ClusterNotFoundException", ""),
        (json!({ "service": "rolling" }), INVALID, ONLY_EXTERNAL),
        (json!({ "scale": { "value": 101 } }), INVALID, "The scale value"),
        (
            json!({ "scale": { "unit": "COUNT" } }),
            INVALID,
            "Invalid scale.unit",
        ),
        (
            json!({ "launchType": "FARGATE" }),
            INVALID,
            "Task definition does",
        ),
        (json!({ "clientToken": "a b" }), INVALID, "clientToken"),
        (json!({ "externalId": "x".repeat(1025) }), INVALID, "externalId"),
        (json!({ "loadBalancers": balancer }), INVALID, "The container web"),
        (
            json!({ "serviceRegistries": [{ "registryArn": "arn" }] }),
            INVALID,
            "The service registry ARN is invalid",
        ),
    ];
    let cases =
        cases.map(|(it, code, message)| (with(json!({ "taskDefinition": "web" }), it), code, message));
    check_refused(&fixture, "CreateTaskSet", &cases).await;
    let unknown = [(json!({ "taskDefinition": "none" }), "ClientException", "")];
    check_refused(&fixture, "CreateTaskSet", &unknown).await;
    let sets = json!({ "taskSets": [UNKNOWN], "service": "rolling" });
    let cases = [
        (json!({}), INVALID, "TaskSets cannot be empty."),
        (sets, INVALID, ONLY_EXTERNAL),
        (json!({ "taskSets": ["a/b"] }), INVALID, "Task Set Identifier is"),
        (
            json!({ "taskSets": [UNKNOWN], "include": ["ALL"] }),
            INVALID,
            "Invalid include",
        ),
    ];
    check_refused(&fixture, "DescribeTaskSets", &cases).await;
}

#[tokio::test]
async fn changes_are_refused_in_amazons_words() {
    let fixture = external().await;
    let blue = task_set(&fixture, 100.0).await["id"].clone();
    let green = task_set(&fixture, 10.0).await["id"].clone();
    let primary = of_web(json!({ "primaryTaskSet": blue }));
    fixture.ask("UpdateServicePrimaryTaskSet", primary).await;
    let fifty = json!({ "value": 50, "unit": "PERCENT" });
    let cases = [
        (json!({ "taskSet": UNKNOWN, "scale": fifty }), NOT_FOUND, ""),
        (json!({ "taskSet": "blue", "scale": fifty }), INVALID, "Task Set"),
        (
            json!({ "taskSet": blue, "scale": { "value": -1 } }),
            INVALID,
            "The scale value",
        ),
    ];
    check_refused(&fixture, "UpdateTaskSet", &cases).await;
    let cases = [(json!({ "primaryTaskSet": UNKNOWN }), NOT_FOUND, "")];
    check_refused(&fixture, "UpdateServicePrimaryTaskSet", &cases).await;
    let scaled = "The task set cannot be deleted while it is scaled above 0.";
    let cases = [
        (
            json!({ "taskSet": blue }),
            INVALID,
            "Primary TaskSet cannot be deleted",
        ),
        (json!({ "taskSet": green }), INVALID, scaled),
        (json!({ "taskSet": UNKNOWN }), NOT_FOUND, "The specified task set"),
    ];
    check_refused(&fixture, "DeleteTaskSet", &cases).await;
}

#[tokio::test]
async fn a_service_leaves_to_task_sets_what_is_theirs() {
    let fixture = external().await;
    let cases = [
        (
            json!({ "taskDefinition": "web" }),
            "TaskDefinition must be blank.",
        ),
        (
            json!({ "taskDefinition": "" }),
            "Family should not be null or empty.",
        ),
        (json!({ "launchType": "EC2" }), "LaunchType must be blank."),
        (
            json!({ "networkConfiguration": {} }),
            "NetworkConfiguration must be blank.",
        ),
        (json!({ "schedulingStrategy": "DAEMON" }), "The daemon scheduling"),
        (
            json!({ "desiredCount": 4 }),
            "Creation of service was not idempotent.",
        ),
    ];
    for (input, message) in cases {
        let found = fixture.refused("CreateService", create(input.clone())).await;
        assert!(
            found.0 == INVALID && found.1.starts_with(message),
            "{input}: {found:?}"
        );
    }
    let cases = [
        (
            json!({ "taskDefinition": "web" }),
            INVALID,
            "Unable to update task definition",
        ),
        (
            json!({ "platformVersion": "1.4.0" }),
            INVALID,
            "Unable to update platform version",
        ),
        (
            json!({ "forceNewDeployment": true }),
            INVALID,
            "Cannot force a new deployment",
        ),
    ];
    check_refused(&fixture, "UpdateService", &cases).await;
}

#[tokio::test]
async fn a_service_with_task_sets_is_deleted_by_force_only() {
    let fixture = external().await;
    task_set(&fixture, 0.0).await;
    let above = "The service cannot be stopped while it is scaled above 0.";
    check_refused(&fixture, "DeleteService", &[(json!({}), INVALID, above)]).await;
    let controller = json!({ "type": "EXTERNAL" });
    let update = of_web(json!({ "desiredCount": 0, "deploymentController": controller }));
    let service = fixture.ask("UpdateService", update).await["service"].clone();
    assert_eq!(
        (&service["desiredCount"], &service["deployments"]),
        (&json!(0), &json!([]))
    );
    let active = "The service cannot be stopped while deployments are active.";
    check_refused(&fixture, "DeleteService", &[(json!({}), INVALID, active)]).await;
    let deleted = fixture
        .ask("DeleteService", of_web(json!({ "force": true })))
        .await;
    assert_eq!(deleted["service"]["taskSets"][0]["status"], "DRAINING");
    let late = of_web(json!({ "taskDefinition": "web" }));
    let refused = fixture.refused("CreateTaskSet", late).await;
    assert_eq!(refused.0, "ServiceNotActiveException");
}
