//! Which services and service deployments are listed.

use std::time::Duration;

use serde_json::{Value, json};

use super::service;
use crate::fixture::{Fixture, text};

/// Services `web` and `agent` of the strategies REPLICA and DAEMON on EC2, `outside` on EXTERNAL, `sized` on FARGATE and
/// `spread` by a capacity provider of FARGATE.
async fn world() -> Fixture {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    let made = fixture.store().transact(|tx| {
        let scope = domain::Scope::new("123456789012", "us-east-1");
        let cidr = "172.31.0.0/16".parse().expect("valid");
        let (_, subnets) = orchestrator::transitions::ensure_default_network(tx, &scope, cidr);
        Ok::<_, std::convert::Infallible>(subnets[0].id.clone())
    });
    let network = json!({ "awsvpcConfiguration": { "subnets": [made.await.expect("is made")] } });
    let container = json!({ "name": "web", "image": "web" });
    let sized = json!({
        "family": "sized", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [container],
    });
    fixture.ask("RegisterTaskDefinition", sized).await;
    let providers = json!({ "cluster": "default", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [] });
    fixture.ask("PutClusterCapacityProviders", providers).await;
    let strategy = json!([{ "capacityProvider": "FARGATE", "weight": 1 }]);
    for create in [
        json!({ "serviceName": "agent", "taskDefinition": "web", "schedulingStrategy": "DAEMON" }),
        json!({ "serviceName": "outside", "taskDefinition": "web", "desiredCount": 0, "launchType": "EXTERNAL" }),
        json!({ "serviceName": "sized", "taskDefinition": "sized", "desiredCount": 0, "launchType": "FARGATE",
            "networkConfiguration": network }),
        json!({ "serviceName": "spread", "taskDefinition": "sized", "desiredCount": 0, "networkConfiguration": network,
            "capacityProviderStrategy": strategy }),
    ] {
        fixture.ask("CreateService", create).await;
    }
    fixture
}

#[tokio::test]
async fn services_are_listed_by_launch_type_and_scheduling_strategy() {
    let fixture = world().await;
    let cases: [(Value, &[&str]); 11] = [
        (json!({}), &["agent", "outside", "sized", "spread", "web"]),
        (json!({ "launchType": "EC2" }), &["agent", "web"]),
        (json!({ "launchType": "EXTERNAL" }), &["outside"]),
        (json!({ "launchType": "FARGATE" }), &["sized", "spread"]),
        (json!({ "schedulingStrategy": "DAEMON" }), &["agent"]),
        (
            json!({ "schedulingStrategy": "REPLICA" }),
            &["outside", "sized", "spread", "web"],
        ),
        (
            json!({ "launchType": "EC2", "schedulingStrategy": "REPLICA" }),
            &["web"],
        ),
        (
            json!({ "launchType": "FARGATE", "schedulingStrategy": "DAEMON" }),
            &[],
        ),
        (
            json!({ "resourceManagementType": "CUSTOMER", "launchType": "EC2" }),
            &["agent", "web"],
        ),
        (json!({ "resourceManagementType": "ECS" }), &[]),
        (
            json!({ "maxResults": 100, "launchType": "EXTERNAL" }),
            &["outside"],
        ),
    ];
    for (input, expected) in cases {
        let listed = fixture.ask("ListServices", input.clone()).await;
        let arns = listed["serviceArns"].as_array().expect("a list");
        let names: Vec<String> = arns
            .iter()
            .map(|it| text(it).rsplit('/').next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(names, expected, "{input}");
        assert_eq!(listed["nextToken"], Value::Null, "{input}");
    }
}

#[tokio::test]
async fn service_deployments_are_listed_by_when_they_were_created() {
    let fixture = Fixture::new().await;
    service(&fixture).await;
    for _ in 0..2 {
        fixture.clock.advance(Duration::from_secs(10));
        let force = json!({ "service": "web", "forceNewDeployment": true });
        fixture.ask("UpdateService", force).await;
    }
    let listed = async |created_at: Value| {
        let input = json!({ "service": "web", "createdAt": created_at });
        let listed = fixture.ask("ListServiceDeployments", input).await;
        let briefs = listed["serviceDeployments"].as_array().expect("a list");
        let times: Vec<f64> = briefs.iter().filter_map(|it| it["createdAt"].as_f64()).collect();
        times
    };
    let all = listed(json!({})).await;
    let [third, second, first] = all[..] else {
        panic!("{all:?}")
    };
    assert!(
        (second - first - 10.0).abs() < 1e-6 && (third - second - 10.0).abs() < 1e-6,
        "{all:?}"
    );
    for (created_at, expected) in [
        (json!({ "after": first }), vec![third, second]),
        (json!({ "after": first - 1.0 }), vec![third, second, first]),
        (json!({ "before": third }), vec![second, first]),
        (json!({ "before": first }), vec![]),
        (json!({ "after": first, "before": third }), vec![second]),
        (json!({ "after": third }), vec![]),
        (json!({ "after": third, "before": first }), vec![]),
    ] {
        assert_eq!(listed(created_at.clone()).await, expected, "{created_at}");
    }
}
