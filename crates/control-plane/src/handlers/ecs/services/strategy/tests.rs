//! Strategies and hooks as clients give them and read them back.

use serde_json::{Value, json};

use crate::fixture::Fixture;

async fn register(fixture: &Fixture, family: &str, network_mode: &str) {
    let container = json!({ "name": "web", "image": "web", "memory": 32 });
    let definition =
        json!({ "family": family, "containerDefinitions": [container], "networkMode": network_mode });
    fixture.ask("RegisterTaskDefinition", definition).await;
}

fn create(configuration: &Value) -> Value {
    json!({
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 0,
        "deploymentConfiguration": configuration,
    })
}

#[tokio::test]
async fn a_strategy_reads_back_with_its_defaults_and_its_hooks() {
    let fixture = Fixture::new().await;
    register(&fixture, "web", "bridge").await;
    let hook = json!({
        "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
        "timeoutConfiguration": { "timeoutInMinutes": 10, "action": "CONTINUE" },
    });
    let given = json!({ "strategy": "CANARY", "bakeTimeInMinutes": 3, "lifecycleHooks": [hook] });
    let created = fixture.ask("CreateService", create(&given)).await;
    let configuration = &created["service"]["deploymentConfiguration"];
    assert_eq!(configuration["strategy"], "CANARY");
    assert_eq!(configuration["bakeTimeInMinutes"], 3);
    assert_eq!(
        configuration["canaryConfiguration"],
        json!({ "canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10 })
    );
    assert_eq!(configuration["lifecycleHooks"], json!([hook]));
    let linear = json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 12.5 } });
    let update = json!({ "service": "web", "deploymentConfiguration": linear });
    let updated = fixture.ask("UpdateService", update).await;
    let configuration = &updated["service"]["deploymentConfiguration"];
    assert_eq!(
        configuration["linearConfiguration"],
        json!({ "stepPercent": 12.5, "stepBakeTimeInMinutes": 6 })
    );
    assert_eq!(configuration["canaryConfiguration"], Value::Null);
    assert_eq!(
        configuration["lifecycleHooks"],
        json!([hook]),
        "what is not given stays"
    );
}

#[tokio::test]
async fn a_deployment_in_stages_shows_where_it_is() {
    let fixture = Fixture::new().await;
    register(&fixture, "web", "bridge").await;
    let hook = json!({ "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"] });
    let given = json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [hook] });
    let created = fixture.ask("CreateService", create(&given)).await;
    let arn = created["service"]["currentServiceDeployment"].clone();
    let describe = json!({ "serviceDeploymentArns": [arn] });
    let described = fixture.ask("DescribeServiceDeployments", describe.clone()).await;
    let deployment = &described["serviceDeployments"][0];
    assert_eq!(deployment["lifecycleStage"], "PRE_SCALE_UP");
    let target = &deployment["targetServiceRevision"];
    assert_eq!(target["requestedProductionTrafficWeight"], 0.0);
    let shown = &deployment["lifecycleHookDetails"][0];
    assert_eq!(shown["status"], "AWAITING_ACTION");
    assert_eq!(shown["targetType"], "PAUSE");
    assert_eq!(shown["timeoutAction"], "ROLLBACK");
    let answer = json!({ "serviceDeploymentArn": arn, "hookId": shown["hookId"] });
    fixture.ask("ContinueServiceDeployment", answer.clone()).await;
    let described = fixture.ask("DescribeServiceDeployments", describe).await;
    let shown = &described["serviceDeployments"][0]["lifecycleHookDetails"][0];
    assert_eq!(shown["status"], "SUCCEEDED");
    let (code, message) = fixture.refused("ContinueServiceDeployment", answer).await;
    assert_eq!(code, "InvalidParameterException");
    assert!(message.contains("does not wait for an action"), "{message}");
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let fixture = Fixture::new().await;
    register(&fixture, "web", "bridge").await;
    register(&fixture, "migrate", "awsvpc").await;
    let hook = |more: Value| {
        let mut hook = json!({ "lifecycleStages": ["PRE_SCALE_UP"] });
        if let (Some(hook), Some(more)) = (hook.as_object_mut(), more.as_object()) {
            hook.extend(more.clone());
        }
        json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [hook] })
    };
    let linear =
        |percent: f64| json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": percent } });
    let cases = [
        (
            json!({ "strategy": "SUDDEN" }),
            "Invalid deployment strategy: \"SUDDEN\"",
        ),
        (linear(2.9), "stepPercent must be between 3.0 and 100.0"),
        (linear(3.15), "multiple of 0.1"),
        (
            json!({ "canaryConfiguration": {} }),
            "only valid for the deployment strategy CANARY, not for ROLLING",
        ),
        (
            json!({ "bakeTimeInMinutes": 1441 }),
            "bakeTimeInMinutes must be between 0 and 1440",
        ),
        (
            hook(json!({ "targetType": "HUMAN" })),
            "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE",
        ),
        (hook(json!({})), "hookTargetArn is required"),
        (
            hook(json!({ "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:check" })),
            "Gantry runs no Lambda functions: give the URL of a webhook",
        ),
        (hook(json!({ "hookTargetArn": "https://" })), "is no URL"),
        (
            hook(json!({ "targetType": "PAUSE", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"] })),
            "Invalid lifecycleStages: \"TEST_TRAFFIC_SHIFT\"; for this hook, it must be one of RECONCILE_SERVICE",
        ),
        (
            hook(json!({ "targetType": "PAUSE", "timeoutConfiguration": { "timeoutInMinutes": 0 } })),
            "timeoutInMinutes must be between 1 and 20160",
        ),
        (
            hook(json!({ "hookTargetArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/migrate:1" })),
            "Network Configuration must be provided when networkMode 'awsvpc' is specified",
        ),
    ];
    for (configuration, expected) in cases {
        let (code, message) = fixture.refused("CreateService", create(&configuration)).await;
        assert_eq!(code, "InvalidParameterException", "{configuration}");
        assert!(message.contains(expected), "{configuration}: {message}");
    }
}
