use serde_json::{Value, json};

use crate::fixture::Fixture;

const ENABLED: &str = "ENABLED";
const DISABLED: &str = "DISABLED";

fn create(more: &Value) -> Value {
    let mut input = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 1 });
    for (name, value) in more.as_object().expect("an object") {
        input[name] = value.clone();
    }
    input
}

fn zone_first() -> Value {
    json!([{ "type": "spread", "field": "attribute:ecs.availability-zone" }, { "type": "binpack", "field": "cpu" }])
}

/// What a service cannot have it with, and what is said if it asks for it.
fn obstacles() -> Vec<(Value, &'static str)> {
    let expression = "attribute:ecs.availability-zone == us-east-1a";
    vec![
        (
            json!({ "deploymentConfiguration": { "maximumPercent": 100, "minimumHealthyPercent": 50 } }),
            "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration.",
        ),
        (
            json!({ "placementStrategy": [{ "type": "binpack", "field": "cpu" }] }),
            "Availability Zone Rebalancing does not support a placement strategy that does not begin with spread",
        ),
        (
            json!({ "placementConstraints": [{ "type": "memberOf", "expression": expression }] }),
            "Availability Zone Rebalancing does not support placement constraints on",
        ),
        (
            json!({ "schedulingStrategy": "DAEMON", "desiredCount": null }),
            "Availability Zone Rebalancing does not support DAEMON services.",
        ),
    ]
}

#[tokio::test]
async fn new_services_have_it_if_they_can() {
    let mut cases = vec![
        (json!({}), ENABLED),
        (json!({ "availabilityZoneRebalancing": DISABLED }), DISABLED),
        (json!({ "availabilityZoneRebalancing": ENABLED }), ENABLED),
        (json!({ "placementStrategy": zone_first() }), ENABLED),
    ];
    cases.extend(obstacles().into_iter().map(|(more, _)| (more, DISABLED)));
    for (more, expected) in cases {
        let fixture = Fixture::new().await;
        fixture.definition().await;
        let created = fixture.ask("CreateService", create(&more)).await;
        assert_eq!(
            created["service"]["availabilityZoneRebalancing"], expected,
            "{more}"
        );
    }
}

#[tokio::test]
async fn services_that_cannot_have_it_are_told_why() {
    let fixture = Fixture::new().await;
    fixture.definition().await;
    for (more, expected) in obstacles() {
        let mut input = create(&more);
        input["availabilityZoneRebalancing"] = json!(ENABLED);
        let (code, message) = fixture.refused("CreateService", input).await;
        assert_eq!(code, "InvalidParameterException");
        assert!(message.starts_with(expected), "{message}");
    }
    fixture.ask("CreateService", create(&json!({}))).await;
    for (mut update, expected) in obstacles().into_iter().take(3) {
        update["service"] = json!("web");
        let (code, message) = fixture.refused("UpdateService", update.clone()).await;
        assert_eq!(code, "InvalidParameterException");
        assert!(message.starts_with(expected), "{message}");
        update["availabilityZoneRebalancing"] = json!(DISABLED);
        let updated = fixture.ask("UpdateService", update).await;
        assert_eq!(
            updated["service"]["deployments"].as_array().map(Vec::len),
            Some(1)
        );
        let back = json!({
            "service": "web", "availabilityZoneRebalancing": ENABLED, "placementStrategy": [],
            "placementConstraints": [], "deploymentConfiguration": { "maximumPercent": 200 },
        });
        let updated = fixture.ask("UpdateService", back).await;
        assert_eq!(updated["service"]["availabilityZoneRebalancing"], ENABLED);
    }
}
