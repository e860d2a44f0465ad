//! Bounds of deployments, of desired counts and of calls.

use serde_json::{Value, json};

use super::service;
use crate::fixture::Fixture;

const INVALID: &str = "InvalidParameterException";

fn percent(minimum: impl Into<Value>, maximum: impl Into<Value>) -> Value {
    json!({ "deploymentConfiguration": {
        "minimumHealthyPercent": minimum.into(), "maximumPercent": maximum.into(),
    } })
}

fn named(member: &str, name: &str, more: &Value) -> Value {
    let mut input = more.clone();
    input[member] = json!(name);
    input
}

fn new(name: &str, more: &Value) -> Value {
    let mut input = named("serviceName", name, more);
    input["taskDefinition"] = json!("web");
    if input.get("desiredCount").is_none() {
        input["desiredCount"] = json!(0);
    }
    input
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>
#[tokio::test]
async fn percentages_and_counts_out_of_bounds_are_refused() {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    let both = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.";
    let negative = "maximumPercent and minimumHealthyPercent cannot be negative.";
    let none = Value::Null;
    for (more, expected) in [
        (percent(100, 100), both),
        (percent(none.clone(), 100), both),
        (percent(101, 200), "minimumHealthyPercent cannot be above 100."),
        (percent(200, 150), "minimumHealthyPercent cannot be above 100."),
        (percent(-1, 200), negative),
        (percent(0, -1), negative),
        (percent(0, 99), "maximumPercent must be at least 100."),
        (percent(0, 0), "maximumPercent must be at least 100."),
        (
            json!({ "desiredCount": 5001 }),
            "Desired count cannot be negative or above 5000, it is 5001.",
        ),
        (
            json!({ "desiredCount": -1 }),
            "Desired count cannot be negative or above 5000, it is -1.",
        ),
        (
            json!({ "healthCheckGracePeriodSeconds": -1 }),
            "healthCheckGracePeriodSeconds cannot be negative.",
        ),
        (
            json!({ "propagateTags": "TASK" }),
            "Invalid propagateTags: \"TASK\".",
        ),
    ] {
        let refusal = (INVALID.to_owned(), expected.to_owned());
        let created = fixture.refused("CreateService", new("new", &more)).await;
        assert_eq!(created, refusal, "{more}");
        let updated = fixture
            .refused("UpdateService", named("service", "web", &more))
            .await;
        assert_eq!(updated, refusal, "{more}");
    }
}

#[tokio::test]
async fn percentages_and_counts_at_their_bounds_read_back() {
    let fixture = Fixture::new().await;
    without_balance(&fixture).await;
    for (index, (minimum, maximum)) in [(0, 100), (99, 100), (100, 101), (0, 1000)]
        .into_iter()
        .enumerate()
    {
        let more = percent(minimum, maximum);
        let created = fixture
            .ask("CreateService", new(&format!("s{index}"), &more))
            .await;
        let updated = fixture.ask("UpdateService", named("service", "web", &more)).await;
        for answer in [created, updated] {
            let bounds = &answer["service"]["deploymentConfiguration"];
            assert_eq!(
                (&bounds["minimumHealthyPercent"], &bounds["maximumPercent"]),
                (&json!(minimum), &json!(maximum))
            );
        }
    }
    let most = json!({ "desiredCount": 5000, "healthCheckGracePeriodSeconds": i32::MAX });
    for (operation, input) in [
        ("CreateService", new("most", &most)),
        ("UpdateService", named("service", "web", &most)),
    ] {
        let service = fixture.ask(operation, input).await["service"].clone();
        assert_eq!(
            (
                &service["desiredCount"],
                &service["healthCheckGracePeriodSeconds"]
            ),
            (&json!(5000), &json!(i32::MAX)),
            "{operation}"
        );
    }
}

/// Services are balanced among zones unless they say otherwise, which needs room above 100 %.
async fn without_balance(fixture: &Fixture) {
    service(fixture).await;
    let off = json!({ "service": "web", "availabilityZoneRebalancing": "DISABLED" });
    fixture.ask("UpdateService", off).await;
}

/// What is not said stays as it was, and is checked with what is.
#[tokio::test]
async fn an_update_of_one_percentage_is_checked_with_the_other() {
    let fixture = Fixture::new().await;
    without_balance(&fixture).await;
    fixture
        .ask("UpdateService", named("service", "web", &percent(50, 100)))
        .await;
    let minimum = named("service", "web", &percent(100, Value::Null));
    let (code, message) = fixture.refused("UpdateService", minimum).await;
    assert!(
        code == INVALID && message.starts_with("Both maximumPercent"),
        "{message}"
    );
    let maximum = named("service", "web", &percent(Value::Null, 300));
    let updated = fixture.ask("UpdateService", maximum).await;
    let bounds = &updated["service"]["deploymentConfiguration"];
    assert_eq!(
        (&bounds["minimumHealthyPercent"], &bounds["maximumPercent"]),
        (&json!(50), &json!(300))
    );
}

#[tokio::test]
async fn ten_services_are_described_and_twenty_deployments() {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    let names: Vec<String> = (0..11).map(|it| format!("s{it}")).collect();
    let described = fixture
        .ask("DescribeServices", json!({ "services": names[..10] }))
        .await;
    let failures = described["failures"].as_array().expect("a list");
    assert_eq!((failures.len(), &described["services"]), (10, &json!([])));
    assert!(failures.iter().all(|it| it["reason"] == "MISSING"));
    let deployment = |index: usize| {
        format!(
            "{}:service-deployment/default/web/{index:021}",
            crate::fixture::ACCOUNT
        )
    };
    let revision = |index: usize| {
        format!(
            "{}:service-revision/default/web/{index:019}",
            crate::fixture::ACCOUNT
        )
    };
    let deployments: Vec<String> = (0..21).map(deployment).collect();
    let revisions: Vec<String> = (0..21).map(revision).collect();
    for (operation, member, most, arns) in [
        ("DescribeServices", "services", 10, &names),
        (
            "DescribeServiceDeployments",
            "serviceDeploymentArns",
            20,
            &deployments,
        ),
        ("DescribeServiceRevisions", "serviceRevisionArns", 20, &revisions),
    ] {
        let refused = fixture.refused(operation, json!({ member: arns })).await;
        let expected = format!("{member} can have at most {most} items.");
        assert_eq!(refused, (INVALID.to_owned(), expected));
        let answer = fixture.ask(operation, json!({ member: arns[..most] })).await;
        assert_eq!(
            answer["failures"].as_array().map(Vec::len),
            Some(most),
            "{operation}"
        );
        let (code, message) = fixture.refused(operation, json!({ member: [] })).await;
        assert!(
            code == INVALID && message.ends_with(" cannot be empty."),
            "{message}"
        );
    }
}
