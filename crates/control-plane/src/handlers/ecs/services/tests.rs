//! Services and their history, as clients ask.

mod bounds;
mod daemons;
mod listing;
mod tags;

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

async fn service(fixture: &Fixture) -> Value {
    let container = json!({ "name": "web", "image": "web", "memory": 32 });
    let definition = json!({ "family": "web", "containerDefinitions": [container] });
    fixture.ask("RegisterTaskDefinition", definition).await;
    let create = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 });
    fixture.ask("CreateService", create).await["service"].clone()
}

#[tokio::test]
async fn service_deployments_and_revisions_are_described_and_listed() {
    let fixture = Fixture::new().await;
    let service = service(&fixture).await;
    let current = service["currentServiceDeployment"].clone();
    let described = fixture
        .ask(
            "DescribeServiceDeployments",
            json!({ "serviceDeploymentArns": [current] }),
        )
        .await;
    let deployment = &described["serviceDeployments"][0];
    assert_eq!(deployment["status"], "IN_PROGRESS");
    assert_eq!(deployment["serviceArn"], service["serviceArn"]);
    let revision = deployment["targetServiceRevision"]["arn"].clone();
    assert_eq!(service["currentServiceRevisions"][0]["arn"], revision);
    let described = fixture
        .ask(
            "DescribeServiceRevisions",
            json!({ "serviceRevisionArns": [revision] }),
        )
        .await;
    let revision = &described["serviceRevisions"][0];
    assert_eq!(revision["taskDefinition"], service["taskDefinition"]);
    assert_eq!(
        revision["containerImages"],
        json!([{ "containerName": "web", "image": "web" }])
    );
    let list = |more: Value| {
        let mut input = json!({ "service": "web" });
        let (Some(all), Some(more)) = (input.as_object_mut(), more.as_object()) else {
            unreachable!("both are objects")
        };
        all.extend(more.clone());
        input
    };
    let listed = fixture.ask("ListServiceDeployments", list(json!({}))).await;
    assert_eq!(listed["serviceDeployments"][0]["serviceDeploymentArn"], current);
    let none = list(json!({ "status": ["SUCCESSFUL"] }));
    let listed = fixture.ask("ListServiceDeployments", none).await;
    assert_eq!(listed["serviceDeployments"], json!([]));
    let (code, _) = fixture
        .refused("ListServiceDeployments", list(json!({ "status": ["DONE"] })))
        .await;
    assert_eq!(code, "InvalidParameterException");
}

#[tokio::test]
async fn listed_deployments_come_newest_first_page_by_page() {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    for _ in 0..4 {
        fixture.clock.advance(std::time::Duration::from_secs(1));
        let force = json!({ "service": "web", "forceNewDeployment": true });
        fixture.ask("UpdateService", force).await;
    }
    let mut seen = Vec::new();
    let mut token = Value::Null;
    loop {
        let input = json!({ "service": "web", "maxResults": 2, "nextToken": token });
        let page = fixture.ask("ListServiceDeployments", input).await;
        let times = page["serviceDeployments"].as_array().expect("a list").iter();
        seen.extend(times.map(|it| it["createdAt"].as_f64().expect("a time")));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.windows(2).all(|it| it[0] > it[1]), "{seen:?}");
}

#[tokio::test]
async fn stopping_a_deployment_is_refused_in_ecs_words() {
    let fixture = Fixture::new().await;
    let service = service(&fixture).await;
    let current = service["currentServiceDeployment"]
        .as_str()
        .expect("an ARN")
        .to_owned();
    let unknown = format!("{}x", &current[..current.len() - 1]);
    let cases = [
        (
            json!({ "serviceDeploymentArn": "web" }),
            "InvalidParameterException",
        ),
        (
            json!({ "serviceDeploymentArn": unknown }),
            "ServiceDeploymentNotFoundException",
        ),
        (
            json!({ "serviceDeploymentArn": current }),
            "InvalidParameterException",
        ),
        (
            json!({ "serviceDeploymentArn": current, "stopType": "ABORT" }),
            "InvalidParameterException",
        ),
    ];
    for (input, expected) in cases {
        let (code, message) = fixture.refused("StopServiceDeployment", input.clone()).await;
        assert_eq!(code, expected, "{input}: {message}");
    }
    let (code, _) = fixture
        .refused("ListServicesByNamespace", json!({ "namespace": "internal" }))
        .await;
    assert_eq!(code, "NamespaceNotFoundException");
}

fn breaker(threshold: Value) -> Value {
    let breaker = json!({
        "enable": true, "rollback": true, "resetOnHealthyTask": false, "thresholdConfiguration": threshold,
    });
    json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": breaker } })
}

#[tokio::test]
async fn a_circuit_breaker_reads_back_as_given_and_stays_when_bounds_change() {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    let mut update = breaker(json!({ "type": "COUNT", "value": 7 }));
    update["service"] = json!("web");
    let given = update["deploymentConfiguration"]["deploymentCircuitBreaker"].clone();
    let updated = fixture.ask("UpdateService", update).await;
    let read =
        |output: &Value| output["service"]["deploymentConfiguration"]["deploymentCircuitBreaker"].clone();
    assert_eq!(read(&updated), given);
    let bounds = json!({ "service": "web", "deploymentConfiguration": { "maximumPercent": 150 } });
    assert_eq!(read(&fixture.ask("UpdateService", bounds).await), given);
}

#[tokio::test]
async fn alarms_that_are_not_enabled_read_back_as_given() {
    let fixture = Fixture::new().await;
    let service = service(&fixture).await;
    let none = json!({ "alarmNames": [], "enable": false, "rollback": false });
    assert_eq!(service["deploymentConfiguration"]["alarms"], none);
    let mut alarms = json!({ "alarmNames": ["errors", "slow"], "enable": false, "rollback": true });
    let update = |configuration: Value| json!({ "service": "web", "forceNewDeployment": true, "deploymentConfiguration": configuration });
    for configuration in [json!({ "alarms": alarms }), json!({ "maximumPercent": 150 })] {
        let updated = fixture.ask("UpdateService", update(configuration)).await;
        assert_eq!(updated["service"]["deploymentConfiguration"]["alarms"], alarms);
    }
    let current = updated_deployment(&fixture).await;
    assert_eq!(current["deploymentConfiguration"]["alarms"], alarms);
    assert_eq!(current["alarms"]["status"], "DISABLED");
    assert_eq!(current["alarms"]["alarmNames"], alarms["alarmNames"]);
    alarms["enable"] = json!(true);
    let refused = fixture
        .refused("UpdateService", update(json!({ "alarms": alarms })))
        .await;
    assert_eq!(refused.0, "UnsupportedFeatureException", "{}", refused.1);
}

async fn updated_deployment(fixture: &Fixture) -> Value {
    let described = fixture
        .ask("DescribeServices", json!({ "services": ["web"] }))
        .await;
    let current = described["services"][0]["currentServiceDeployment"].clone();
    let named = json!({ "serviceDeploymentArns": [current] });
    fixture.ask("DescribeServiceDeployments", named).await["serviceDeployments"][0].clone()
}

#[tokio::test]
async fn a_grace_period_needs_no_load_balancer() {
    let fixture = Fixture::new().await;
    assert_eq!(service(&fixture).await.get("healthCheckGracePeriodSeconds"), None);
    let create = json!({
        "serviceName": "new", "taskDefinition": "web", "desiredCount": 0, "healthCheckGracePeriodSeconds": 5,
    });
    let created = fixture.ask("CreateService", create).await;
    assert_eq!(created["service"]["healthCheckGracePeriodSeconds"], 5);
    let update = json!({ "service": "new", "healthCheckGracePeriodSeconds": 7 });
    let updated = fixture.ask("UpdateService", update).await;
    assert_eq!(updated["service"]["healthCheckGracePeriodSeconds"], 7);
}

#[tokio::test]
async fn what_amazon_refuses_is_refused_in_its_words() {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
    let balanced = |container: &str, port: i32| json!({ "loadBalancers": [{ "targetGroupArn": group, "containerName": container, "containerPort": port }] });
    let cases = [
        (json!({ "desiredCount": null }), "Desired count cannot be null"),
        (json!({ "desiredCount": -1 }), "Desired count cannot be negative"),
        (
            json!({ "schedulingStrategy": "DAEMON" }),
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
        ),
        (
            json!({ "schedulingStrategy": "OTHER" }),
            "Invalid schedulingStrategy",
        ),
        (
            json!({ "deploymentController": { "type": "OTHER" } }),
            "Invalid deploymentController.type",
        ),
        (
            json!({ "clientToken": "x".repeat(37) }),
            "clientToken has at most 36",
        ),
        (
            json!({ "healthCheckGracePeriodSeconds": -1 }),
            "healthCheckGracePeriodSeconds cannot be negative.",
        ),
        (
            json!({ "enableExecuteCommand": true }),
            "The service couldn't be created because a valid taskRoleArn is not being used.",
        ),
        (
            balanced("other", 80),
            "The container other does not exist in the task definition.",
        ),
        (
            balanced("web", 80),
            "The container web did not have a container port 80 defined.",
        ),
        (
            json!({ "loadBalancers": [{ "containerName": "web" }] }),
            "targetGroupArn and loadBalancerName cannot both be empty.",
        ),
        (
            json!({ "deploymentConfiguration": { "maximumPercent": 99 } }),
            "maximumPercent must be at least 100.",
        ),
        (
            breaker(json!({ "type": "COUNT", "value": 0 })),
            "The value of thresholdConfiguration must be above 0, it is 0.",
        ),
        (
            breaker(json!({ "type": "UNBOUNDED_PERCENT", "value": 101 })),
            "The value of thresholdConfiguration is a percentage and cannot be above 100, it is 101.",
        ),
        (
            breaker(json!({ "type": "SOME", "value": 1 })),
            "The type of thresholdConfiguration must be",
        ),
    ];
    for (more, expected) in cases {
        let mut input = json!({ "serviceName": "new", "taskDefinition": "web", "desiredCount": 1 });
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        let (code, message) = fixture.refused("CreateService", input).await;
        assert_eq!(code, "InvalidParameterException", "{more}: {message}");
        assert!(message.starts_with(expected), "{more}: {message}");
    }
}

#[tokio::test]
async fn a_service_keeps_to_definitions_that_fit_its_network_configuration() {
    let fixture = Fixture::new().await;
    let made = fixture.store().transact(|tx| {
        let scope = domain::Scope::new("123456789012", "us-east-1");
        let cidr = "172.31.0.0/16".parse().expect("valid");
        let (_, subnets) = orchestrator::transitions::ensure_default_network(tx, &scope, cidr);
        Ok::<_, std::convert::Infallible>(subnets.first().map(|it| it.id.clone()))
    });
    let subnet = made.await.expect("is there");
    let network = json!({ "awsvpcConfiguration": { "subnets": [subnet] } });
    service(&fixture).await;
    for (family, mode) in [("cards", "awsvpc"), ("hosts", "host")] {
        let container = json!({ "name": "web", "image": "web", "memory": 32 });
        let definition =
            json!({ "family": family, "containerDefinitions": [container], "networkMode": mode });
        fixture.ask("RegisterTaskDefinition", definition).await;
    }
    let missing = "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
    let update = json!({ "service": "web", "taskDefinition": "cards" });
    let (code, message) = fixture.refused("UpdateService", update.clone()).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidParameterException", missing)
    );
    let mut both = update;
    both["networkConfiguration"] = network;
    fixture.ask("UpdateService", both).await;
    let useless = "Network Configuration is not valid for the given networkMode of this task definition.";
    for family in ["web", "hosts"] {
        let update = json!({ "service": "web", "taskDefinition": family });
        let (code, message) = fixture.refused("UpdateService", update).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("InvalidParameterException", useless)
        );
    }
    let again = json!({ "service": "web", "taskDefinition": "cards", "desiredCount": 0 });
    fixture.ask("UpdateService", again).await;
    let word = json!({ "subnets": [subnet], "assignPublicIp": "MAYBE" });
    let update = json!({ "service": "web", "networkConfiguration": { "awsvpcConfiguration": word } });
    let (code, message) = fixture.refused("UpdateService", update).await;
    let expected = "Invalid assignPublicIp: \"MAYBE\"; it must be one of ENABLED, DISABLED.";
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidParameterException", expected)
    );
}

#[tokio::test]
async fn a_call_that_differs_in_any_member_is_not_the_same_again() {
    let fixture = Fixture::new().await;
    let container = json!({ "name": "web", "image": "web", "memory": 32 });
    let role = "arn:aws:iam::123456789012:role/web";
    let definition = json!({ "family": "web", "containerDefinitions": [container], "taskRoleArn": role });
    fixture.ask("RegisterTaskDefinition", definition).await;
    let create = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 1 });
    let first = fixture.ask("CreateService", create.clone()).await["service"].clone();
    let again = fixture.ask("CreateService", create.clone()).await["service"].clone();
    assert_eq!(again["createdAt"], first["createdAt"]);
    for (member, value) in [
        ("desiredCount", json!(2)),
        ("launchType", json!("EXTERNAL")),
        ("enableECSManagedTags", json!(true)),
        ("enableExecuteCommand", json!(true)),
        ("propagateTags", json!("SERVICE")),
        ("availabilityZoneRebalancing", json!("DISABLED")),
        ("deploymentConfiguration", json!({ "maximumPercent": 150 })),
    ] {
        let mut other = create.clone();
        other[member] = value;
        let (code, message) = fixture.refused("CreateService", other).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            (
                "InvalidParameterException",
                "Creation of service was not idempotent."
            ),
            "{member}"
        );
    }
}

#[tokio::test]
async fn deployments_of_another_region_are_none_of_ours() {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    let described = fixture
        .ask("DescribeServices", json!({ "services": ["web"] }))
        .await;
    let service = &described["services"][0];
    let elsewhere = |it: &Value| text(it).replace(":us-east-1:", ":eu-west-1:");
    let deployment = elsewhere(&service["currentServiceDeployment"]);
    let revision = elsewhere(&service["currentServiceRevisions"][0]["arn"]);
    let cases = [
        (
            "DescribeServiceDeployments",
            json!({ "serviceDeploymentArns": [deployment] }),
        ),
        (
            "DescribeServiceRevisions",
            json!({ "serviceRevisionArns": [revision] }),
        ),
        (
            "StopServiceDeployment",
            json!({ "serviceDeploymentArn": deployment }),
        ),
        (
            "ContinueServiceDeployment",
            json!({ "serviceDeploymentArn": deployment, "hookId": "h" }),
        ),
    ];
    for (operation, input) in cases {
        let (code, message) = fixture.refused(operation, input).await;
        let expected =
            "Invalid identifier: The identifier is of the region eu-west-1, your region is us-east-1";
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("InvalidParameterException", expected),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn what_is_not_obeyed_yet_is_refused_by_name() {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    let cases = [(json!({ "monitoring": {} }), "monitoring")];
    for (more, expected) in cases {
        let mut input = json!({ "serviceName": "new", "taskDefinition": "web", "desiredCount": 1 });
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        let (code, message) = fixture.refused("CreateService", input).await;
        assert_eq!(code, "UnsupportedFeatureException", "{more}: {message}");
        assert!(message.contains(expected), "{more}: {message}");
    }
}

#[tokio::test]
async fn a_deployment_is_continued_only_at_a_hook_that_waits() {
    let fixture = Fixture::new().await;
    let service = service(&fixture).await;
    let known = text(&service["currentServiceDeployment"]);
    let unknown = format!("{}{}", &known[..known.len() - 21], "0".repeat(21));
    for (arn, action, code, message) in [
        (
            &known,
            "CONTINUE",
            "InvalidParameterException",
            "The lifecycle hook does not wait",
        ),
        (&known, "NOTHING", "InvalidParameterException", "Invalid action"),
        (
            &unknown,
            "ROLLBACK",
            "ServiceDeploymentNotFoundException",
            "The specified service deployment",
        ),
    ] {
        let input = json!({ "serviceDeploymentArn": arn, "hookId": "ecs-pause-1", "action": action });
        let refusal = fixture.refused("ContinueServiceDeployment", input).await;
        assert_eq!(refusal.0, code);
        assert!(refusal.1.starts_with(message), "{}", refusal.1);
    }
}
