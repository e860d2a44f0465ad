//! Services of the DAEMON strategy.

use serde_json::json;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_daemon_service_counts_its_container_instances_and_has_no_desired_count() {
    let fixture = Fixture::new().await;
    fixture.definition().await;
    let create = json!({ "serviceName": "agent", "taskDefinition": "web", "schedulingStrategy": "DAEMON" });
    let created = fixture.ask("CreateService", create.clone()).await["service"].clone();
    assert_eq!(created["schedulingStrategy"], "DAEMON");
    assert_eq!(
        (&created["desiredCount"], &created["launchType"]),
        (&json!(0), &json!("EC2"))
    );
    let bounds = &created["deploymentConfiguration"];
    assert_eq!(
        (&bounds["maximumPercent"], &bounds["minimumHealthyPercent"]),
        (&json!(100), &json!(0))
    );
    let again = fixture.ask("CreateService", create).await["service"].clone();
    assert_eq!(again["serviceArn"], created["serviceArn"]);
    for (strategy, expected) in [("DAEMON", 1), ("REPLICA", 0)] {
        let listed = fixture
            .ask("ListServices", json!({ "schedulingStrategy": strategy }))
            .await;
        assert_eq!(
            listed["serviceArns"].as_array().map(Vec::len),
            Some(expected),
            "{strategy}"
        );
    }
    let update = json!({ "service": "agent", "deploymentConfiguration": { "minimumHealthyPercent": 50 } });
    let updated = fixture.ask("UpdateService", update).await["service"].clone();
    assert_eq!(updated["deploymentConfiguration"]["minimumHealthyPercent"], 50);
    for (more, expected) in [
        (
            json!({ "desiredCount": 1 }),
            "The daemon scheduling strategy does not support a desired count",
        ),
        (
            json!({ "deploymentConfiguration": { "maximumPercent": 200 } }),
            "The daemon scheduling strategy does not support values above 100",
        ),
        (
            json!({ "placementStrategy": [{ "type": "random" }] }),
            "The daemon scheduling strategy does not support placement strategies",
        ),
        (
            json!({ "availabilityZoneRebalancing": "ENABLED" }),
            "Availability Zone Rebalancing does not support DAEMON services",
        ),
    ] {
        let mut input = more;
        input["service"] = json!("agent");
        let (code, message) = fixture.refused("UpdateService", input).await;
        assert_eq!(code, "InvalidParameterException");
        assert!(message.starts_with(expected), "{message}");
    }
    let deleted = fixture.ask("DeleteService", json!({ "service": "agent" })).await;
    assert_eq!(deleted["service"]["status"], "DRAINING");
}

#[tokio::test]
async fn a_daemon_service_is_refused_what_makes_no_sense_for_it() {
    let fixture = Fixture::new().await;
    fixture.definition().await;
    for (more, expected) in [
        (
            json!({ "launchType": "FARGATE" }),
            "The daemon scheduling strategy does not support the FARGATE launch type.",
        ),
        (
            json!({ "deploymentConfiguration": { "maximumPercent": 101 } }),
            "The daemon scheduling strategy does not support values above 100 for maximumPercent.",
        ),
        (
            json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE" }] }),
            "The daemon scheduling strategy does not support a capacity provider strategy.",
        ),
        (
            json!({ "deploymentController": { "type": "CODE_DEPLOY" } }),
            "The daemon scheduling strategy does not support the CODE_DEPLOY deployment controller.",
        ),
        (
            json!({ "deploymentController": { "type": "EXTERNAL" } }),
            "The daemon scheduling strategy does not support the EXTERNAL deployment controller.",
        ),
        (
            json!({ "deploymentConfiguration": { "minimumHealthyPercent": 100 } }),
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ),
        (
            json!({ "desiredCount": 0 }),
            "The daemon scheduling strategy does not support a desired count for services.",
        ),
    ] {
        let mut input = more;
        input["serviceName"] = json!("agent");
        input["taskDefinition"] = json!("web");
        input["schedulingStrategy"] = json!("DAEMON");
        let (code, message) = fixture.refused("CreateService", input).await;
        assert_eq!(code, "InvalidParameterException");
        assert!(message.starts_with(expected), "{message}");
    }
}
