//! The same of tasks, services and task sets.

use serde_json::{Value, json};

use super::{INVALID, check};
use crate::fixture::{Fixture, text};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn tasks_and_their_tags_have_rules() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    fixture.definition().await;
    let run = |member: &str, value: Value| json!({ "taskDefinition": "web", member: value });
    let tag = |key: &str, value: &str| json!([{ "key": key, "value": value }]);
    let rows = vec![
        (
            "RunTask",
            run("group", json!("service:web")),
            INVALID,
            "Invalid group: it may not start with 'service:'.",
        ),
        (
            "RunTask",
            run("clientToken", json!("x".repeat(65))),
            INVALID,
            "clientToken has at most 64 ASCII characters",
        ),
        (
            "RunTask",
            run("clientToken", json!("a b")),
            INVALID,
            "clientToken has at most 64 ASCII characters",
        ),
        (
            "RunTask",
            run("enableExecuteCommand", json!(true)),
            INVALID,
            "The execute command failed because a valid task role is not being used.",
        ),
        (
            "RunTask",
            run("platformVersion", json!("1.4.0")),
            INVALID,
            "The platform version must be null when specifying an EC2 or EXTERNAL launch type.",
        ),
        (
            "RunTask",
            run("launchType", json!("MOON")),
            INVALID,
            "Invalid launch type: \"MOON\".",
        ),
        (
            "RunTask",
            run("tags", tag("", "v")),
            INVALID,
            "The key of a tag has 1 to 128 letters",
        ),
        (
            "RunTask",
            run("tags", tag(&"k".repeat(129), "v")),
            INVALID,
            "The key of a tag has 1 to 128 letters",
        ),
        (
            "RunTask",
            run("tags", tag("k", &"v".repeat(257))),
            INVALID,
            "The value of a tag has at most 256 letters",
        ),
        (
            "RunTask",
            run("tags", tag("AWS:k", "v")),
            INVALID,
            "aws: prefixed tag key names are not allowed",
        ),
        (
            "RunTask",
            run(
                "tags",
                json!([{ "key": "k", "value": "1" }, { "key": "k", "value": "2" }]),
            ),
            INVALID,
            "Duplicate tag keys found: \"k\".",
        ),
    ];
    check(&fixture, rows).await;
    let start = json!({ "taskDefinition": "web", "containerInstances": [instance] });
    let task = text(&fixture.ask("StartTask", start).await["tasks"][0]["taskArn"]);
    let stopped = fixture.ask("StopTask", json!({ "task": task })).await["task"].clone();
    assert_eq!(
        (&stopped["stoppedReason"], &stopped["stopCode"]),
        (&json!("Task stopped by user"), &json!("UserInitiated"))
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn services_have_rules() {
    let fixture = Fixture::new().await;
    let arn = fixture.definition().await;
    let create = |name: &str, member: &str, value: Value| {
        let mut input = json!({ "serviceName": name, "taskDefinition": "web", "desiredCount": 1 });
        input[member] = value;
        input
    };
    let hook = |of: Value| {
        create(
            "new",
            "deploymentConfiguration",
            json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [of] }),
        )
    };
    let details = "hookDetails must be a JSON object";
    let rows = vec![
        (
            "CreateService",
            create("a b", "tags", json!([])),
            INVALID,
            "Service name must contain only letters",
        ),
        (
            "CreateService",
            create("new", "taskDefinition", Value::Null),
            INVALID,
            "TaskDefinition cannot be null or empty.",
        ),
        (
            "CreateService",
            create("new", "clientToken", json!("a b")),
            INVALID,
            "clientToken has at most 36 ASCII characters",
        ),
        (
            "CreateService",
            create(
                "new",
                "loadBalancers",
                json!([{ "targetGroupArn": "g", "loadBalancerName": "l", "containerName": "web" }]),
            ),
            INVALID,
            "You cannot specify both targetGroupArn and loadBalancerName.",
        ),
        (
            "CreateService",
            hook(
                json!({ "targetType": "PAUSE", "hookTargetArn": "http://h/", "lifecycleStages": ["POST_SCALE_UP"] }),
            ),
            INVALID,
            "hookTargetArn is not valid for the targetType PAUSE.",
        ),
        (
            "CreateService",
            hook(json!({ "lifecycleStages": ["POST_SCALE_UP"] })),
            INVALID,
            "hookTargetArn is required for the targetType AWS_LAMBDA",
        ),
        (
            "CreateService",
            hook(json!({ "targetType": "EMAIL", "lifecycleStages": ["POST_SCALE_UP"] })),
            INVALID,
            "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE",
        ),
        (
            "CreateService",
            hook(json!({ "targetType": "PAUSE", "hookDetails": [1] })),
            INVALID,
            details,
        ),
        (
            "CreateService",
            hook(json!({ "targetType": "PAUSE" })),
            INVALID,
            "lifecycleStages cannot be empty.",
        ),
        (
            "ContinueServiceDeployment",
            json!({ "serviceDeploymentArn": format!("{}:service-deployment/default/web/{}", crate::fixture::ACCOUNT, "0".repeat(21)),
                "hookId": "" }),
            INVALID,
            "hookId cannot be empty.",
        ),
    ];
    check(&fixture, rows).await;
    fixture.instance().await;
    fixture
        .ask("CreateService", create("web", "taskDefinition", json!(arn)))
        .await;
    fixture
        .ask("DeleteService", json!({ "service": "web", "force": true }))
        .await;
    let again = create("web", "taskDefinition", json!(arn));
    let rows = vec![
        (
            "CreateService",
            again,
            INVALID,
            "Unable to Start a service that is still Draining.",
        ),
        (
            "UpdateService",
            json!({ "service": "web" }),
            "ServiceNotActiveException",
            "Service was not ACTIVE.",
        ),
    ];
    check(&fixture, rows).await;
}

#[tokio::test]
async fn a_service_has_five_task_sets_and_each_is_made_once() {
    let fixture = Fixture::new().await;
    fixture.definition().await;
    let external = json!({ "serviceName": "web", "deploymentController": { "type": "EXTERNAL" } });
    fixture.ask("CreateService", external).await;
    let of_web = |member: &str, value: Value| {
        let mut input = json!({ "cluster": "default", "service": "web", "taskDefinition": "web" });
        input[member] = value;
        input
    };
    let first = fixture
        .ask("CreateTaskSet", of_web("clientToken", json!("one")))
        .await["taskSet"]
        .clone();
    let again = fixture
        .ask("CreateTaskSet", of_web("clientToken", json!("one")))
        .await["taskSet"]
        .clone();
    assert_eq!(again["id"], first["id"]);
    let mut other = of_web("clientToken", json!("one"));
    other["externalId"] = json!("another");
    let not_idempotent = "Creation of task set was not idempotent.";
    check(&fixture, vec![("CreateTaskSet", other, INVALID, not_idempotent)]).await;
    for _ in 0..4 {
        fixture
            .ask("CreateTaskSet", of_web("clientToken", Value::Null))
            .await;
    }
    let too_many = "5 deployments exist on the service. Unable to create new TaskSet since this exceeds the maximum limit.";
    check(
        &fixture,
        vec![(
            "CreateTaskSet",
            of_web("externalId", json!("sixth")),
            INVALID,
            too_many,
        )],
    )
    .await;
    let mut delete = of_web("taskSet", first["id"].clone());
    delete["force"] = json!(true);
    let deleted = fixture.ask("DeleteTaskSet", delete).await;
    assert_eq!(deleted["taskSet"]["status"], "DRAINING");
    let mut update = of_web("taskSet", first["id"].clone());
    update["scale"] = json!({ "value": 50 });
    let draining = "The task set is DRAINING: it is being deleted, and cannot be updated.";
    check(&fixture, vec![("UpdateTaskSet", update, INVALID, draining)]).await;
}
