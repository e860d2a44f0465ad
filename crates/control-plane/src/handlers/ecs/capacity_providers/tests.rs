use domain::task_definition::LaunchType;
use domain::{ContainerInstanceArn, Scope};
use orchestrator::transitions::{self, Connection};
use serde_json::{Value, json};

use crate::fixture::{ACCOUNT, Fixture, code, text};

mod strategies;

const GROUP: &str =
    "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:uuid:autoScalingGroupName/machines";

/// A host that serves FARGATE tasks, and a subnet for them.
async fn fargate(fixture: &Fixture) -> Value {
    let integer = |name: &str, value: i32| json!({ "name": name, "type": "INTEGER", "integerValue": value });
    let input = json!({
        "totalResources": [integer("CPU", 4096), integer("MEMORY", 8192)],
        "attributes": [
            { "name": "ecs.os-type", "value": "linux" },
            { "name": "ecs.capability.task-eni" },
            { "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" },
            { "name": domain::container_instance::FARGATE_CAPACITY_ATTRIBUTE },
        ],
    });
    let answer = fixture.ask("RegisterContainerInstance", input).await;
    let arn = ContainerInstanceArn::parse(&text(&answer["containerInstance"]["containerInstanceArn"]));
    let arn = arn.expect("an ARN");
    let made = fixture.store().transact(move |tx| {
        let scope = Scope::new("123456789012", "us-east-1");
        let cidr = "172.31.0.0/16".parse().expect("valid");
        let (_, subnets) = transitions::ensure_default_network(tx, &scope, cidr);
        transitions::connect_host(tx, &arn, Connection::Connected, "1", "1")
            .map(|_| subnets.first().map(|it| it.id.clone()))
    });
    let subnet = made.await.expect("is there");
    let container = json!({ "name": "web", "image": "web" });
    let definition = json!({
        "family": "web", "containerDefinitions": [container], "networkMode": "awsvpc",
        "requiresCompatibilities": [LaunchType::Fargate.as_str()], "cpu": "256", "memory": "512",
    });
    fixture.ask("RegisterTaskDefinition", definition).await;
    json!({ "awsvpcConfiguration": { "subnets": [subnet] } })
}

async fn put(fixture: &Fixture, providers: Value, strategy: Value) -> Value {
    let input = put_input(providers, strategy);
    fixture.ask("PutClusterCapacityProviders", input).await["cluster"].clone()
}

fn put_input(providers: Value, strategy: Value) -> Value {
    json!({
        "cluster": "default", "capacityProviders": providers, "defaultCapacityProviderStrategy": strategy,
    })
}

fn item(name: &str, base: i32, weight: i32) -> Value {
    json!({ "capacityProvider": name, "base": base, "weight": weight })
}

async fn machines(fixture: &Fixture) {
    let group = json!({ "autoScalingGroupArn": GROUP });
    let input = json!({ "name": "machines", "autoScalingGroupProvider": group });
    fixture.ask("CreateCapacityProvider", input).await;
}

async fn refused(fixture: &Fixture, name: &str, group: Value, words: &str) {
    let input = json!({ "name": name, "autoScalingGroupProvider": group });
    let (exception, message) = fixture.refused("CreateCapacityProvider", input).await;
    assert_eq!(exception, "ClientException", "{name} {message}");
    assert!(message.contains(words), "{name}: {message}");
}

#[tokio::test]
async fn fargate_is_always_there_and_others_read_back_with_defaults() {
    let fixture = Fixture::new().await;
    let tag = json!({ "key": "team", "value": "web" });
    let group = json!({ "autoScalingGroupArn": GROUP });
    let input = json!({ "name": "machines", "autoScalingGroupProvider": group, "tags": [tag] });
    fixture.ask("CreateCapacityProvider", input).await;
    let all = fixture.ask("DescribeCapacityProviders", json!({})).await;
    let machines = json!({
        "capacityProviderArn": format!("{ACCOUNT}:capacity-provider/machines"),
        "name": "machines", "status": "ACTIVE", "type": "EC2_AUTOSCALING", "tags": [],
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": GROUP,
            "managedScaling": {
                "status": "DISABLED", "targetCapacity": 100, "minimumScalingStepSize": 1,
                "maximumScalingStepSize": 10000, "instanceWarmupPeriod": 300,
            },
            "managedTerminationProtection": "DISABLED", "managedDraining": "ENABLED",
        },
    });
    let built_in = |name: &str| {
        json!({
            "capacityProviderArn": format!("{ACCOUNT}:capacity-provider/{name}"),
            "name": name, "status": "ACTIVE", "type": name, "tags": [],
        })
    };
    assert_eq!(
        all["capacityProviders"],
        json!([built_in("FARGATE"), built_in("FARGATE_SPOT"), machines])
    );
    let arn = text(&machines["capacityProviderArn"]);
    let named = json!({ "capacityProviders": [arn, "FARGATE", "gone"], "include": ["TAGS"] });
    let named = fixture.ask("DescribeCapacityProviders", named).await;
    assert_eq!(named["capacityProviders"][0]["tags"], json!([tag]));
    assert_eq!(named["capacityProviders"][1]["name"], "FARGATE");
    assert_eq!(
        named["failures"],
        json!([{ "arn": format!("{ACCOUNT}:capacity-provider/gone"), "reason": "MISSING" }])
    );
    let other = json!({ "resourceArn": arn, "tags": [{ "key": "stage", "value": "test" }] });
    fixture.ask("TagResource", other).await;
    let tags = fixture
        .ask("ListTagsForResource", json!({ "resourceArn": arn }))
        .await;
    assert_eq!(tags["tags"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn all_capacity_providers_come_in_pages_of_ten() {
    let fixture = Fixture::new().await;
    for number in 0..10 {
        let group = json!({ "autoScalingGroupArn": format!("group-{number}") });
        let input = json!({ "name": format!("machines-{number}"), "autoScalingGroupProvider": group });
        fixture.ask("CreateCapacityProvider", input).await;
    }
    let first = fixture.ask("DescribeCapacityProviders", json!({})).await;
    assert_eq!(first["capacityProviders"].as_array().map(Vec::len), Some(10));
    let rest = json!({ "nextToken": first["nextToken"] });
    let rest = fixture.ask("DescribeCapacityProviders", rest).await;
    assert_eq!(rest["capacityProviders"].as_array().map(Vec::len), Some(2));
    assert!(rest.get("nextToken").is_none());
    let unknown = fixture
        .refused("DescribeCapacityProviders", json!({ "include": ["tags"] }))
        .await;
    assert_eq!(code(unknown), "InvalidParameterException");
    let many = json!({ "maxResults": 11 });
    let refused = fixture.refused("DescribeCapacityProviders", many).await;
    assert_eq!(code(refused), "InvalidParameterException");
}

#[tokio::test]
async fn what_cannot_be_a_capacity_provider_is_refused() {
    let fixture = Fixture::new().await;
    machines(&fixture).await;
    let cases = [
        (
            "aws-machines",
            json!({ "autoScalingGroupArn": "other" }),
            "name is invalid",
        ),
        (
            "ECSmachines",
            json!({ "autoScalingGroupArn": "other" }),
            "name is invalid",
        ),
        (
            "fargate2",
            json!({ "autoScalingGroupArn": "other" }),
            "name is invalid",
        ),
        (
            "a b",
            json!({ "autoScalingGroupArn": "other" }),
            "name is invalid",
        ),
        (
            "other",
            json!({ "autoScalingGroupArn": "arn:aws:ec2:x" }),
            "Auto Scaling group ARN is invalid",
        ),
        (
            "other",
            json!({ "autoScalingGroupArn": GROUP }),
            "already being used by another",
        ),
        (
            "machines",
            json!({ "autoScalingGroupArn": "other" }),
            "already exists.",
        ),
    ];
    for (name, group, words) in cases {
        refused(&fixture, name, group, words).await;
    }
}

#[tokio::test]
async fn managed_scaling_out_of_bounds_is_refused() {
    let fixture = Fixture::new().await;
    let scaling = |scaling: Value| json!({ "autoScalingGroupArn": "other", "managedScaling": scaling });
    let cases = [
        (
            "other",
            scaling(json!({ "targetCapacity": 0 })),
            "between 1 and 100",
        ),
        (
            "other",
            scaling(json!({ "targetCapacity": 101 })),
            "between 1 and 100",
        ),
        (
            "other",
            scaling(json!({ "minimumScalingStepSize": 0 })),
            "between 1 and 10000",
        ),
        (
            "other",
            scaling(json!({ "maximumScalingStepSize": 10001 })),
            "between 1 and 10000",
        ),
        (
            "other",
            scaling(json!({ "instanceWarmupPeriod": -1 })),
            "between 0 and 10000",
        ),
        (
            "other",
            json!({ "autoScalingGroupArn": "other", "managedTerminationProtection": "ENABLED" }),
            "The managed termination protection setting for the capacity provider is invalid.",
        ),
    ];
    for (name, group, words) in cases {
        refused(&fixture, name, group, words).await;
    }
}

#[tokio::test]
async fn one_kind_of_provider_is_wanted_and_amazons_own_are_left_alone() {
    let fixture = Fixture::new().await;
    let none = fixture
        .refused("CreateCapacityProvider", json!({ "name": "other" }))
        .await;
    assert_eq!(code(none), "ClientException");
    for operation in ["DeleteCapacityProvider", "UpdateCapacityProvider"] {
        let group = json!({});
        let input =
            json!({ "name": "FARGATE", "capacityProvider": "FARGATE", "autoScalingGroupProvider": group });
        let (exception, message) = fixture.refused(operation, input).await;
        assert_eq!(exception, "ClientException");
        assert!(message.contains("is reserved"), "{message}");
    }
}

#[tokio::test]
async fn a_deleted_capacity_provider_is_inactive_by_name_only() {
    let fixture = Fixture::new().await;
    machines(&fixture).await;
    put(&fixture, json!(["machines"]), json!([])).await;
    let delete = json!({ "capacityProvider": "machines" });
    let (exception, message) = fixture.refused("DeleteCapacityProvider", delete.clone()).await;
    assert_eq!(exception, "ClientException");
    assert!(message.contains("is in use"), "{message}");
    put(&fixture, json!([]), json!([])).await;
    let deleted = fixture.ask("DeleteCapacityProvider", delete).await;
    assert_eq!(deleted["capacityProvider"]["status"], "INACTIVE");
    assert_eq!(deleted["capacityProvider"]["updateStatus"], "DELETE_COMPLETE");
    let all = fixture.ask("DescribeCapacityProviders", json!({})).await;
    assert_eq!(all["capacityProviders"].as_array().map(Vec::len), Some(2));
    let named = json!({ "capacityProviders": ["machines"] });
    let named = fixture.ask("DescribeCapacityProviders", named).await;
    assert_eq!(named["capacityProviders"][0]["status"], "INACTIVE");
    let input = put_input(json!(["machines"]), json!([]));
    let refused = fixture.refused("PutClusterCapacityProviders", input).await;
    assert_eq!(code(refused), "InvalidParameterException");
}
