use domain::task_definition::LaunchType;
use domain::{ContainerInstanceArn, Scope};
use orchestrator::transitions::{self, Connection};
use serde_json::{Value, json};

use crate::fixture::{ACCOUNT, Fixture, code, text};

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

fn providers(answer: &Value) -> Vec<String> {
    let tasks = answer["tasks"].as_array().into_iter().flatten();
    tasks.map(|it| text(&it["capacityProviderName"])).collect()
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
    let many = json!({ "maxResults": 11 });
    let refused = fixture.refused("DescribeCapacityProviders", many).await;
    assert_eq!(code(refused), "InvalidParameterException");
}

#[tokio::test]
async fn what_cannot_be_a_capacity_provider_is_refused() {
    let fixture = Fixture::new().await;
    machines(&fixture).await;
    let scaling = |scaling: Value| json!({ "autoScalingGroupArn": "other", "managedScaling": scaling });
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
        let input = json!({ "name": name, "autoScalingGroupProvider": group });
        let (exception, message) = fixture.refused("CreateCapacityProvider", input).await;
        assert_eq!(exception, "ClientException", "{name} {message}");
        assert!(message.contains(words), "{name}: {message}");
    }
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

#[tokio::test]
async fn strategies_that_cannot_be_are_refused() {
    let fixture = Fixture::new().await;
    machines(&fixture).await;
    let all = json!(["FARGATE", "FARGATE_SPOT", "machines"]);
    let cases = [
        (json!([item("FARGATE", 0, 0)]), "weight greater than 0"),
        (json!([item("FARGATE", 0, 1001)]), "between 0 and 1000"),
        (json!([item("FARGATE", 100_001, 1)]), "between 0 and 100000"),
        (json!([item("FARGATE", -1, 1)]), "between 0 and 100000"),
        (
            json!([item("FARGATE", 1, 1), item("FARGATE_SPOT", 1, 1)]),
            "more than one capacity provider with a base",
        ),
        (
            json!([item("FARGATE", 0, 1), item("FARGATE", 0, 1)]),
            "more than once",
        ),
        (
            json!([item("FARGATE", 0, 1), item("machines", 0, 1)]),
            "mix of capacity providers",
        ),
        (json!([item("other", 0, 1)]), "not associated with the cluster."),
        (json!(vec![item("FARGATE", 0, 1); 21]), "more than 20"),
    ];
    for (strategy, words) in cases {
        let input = put_input(all.clone(), strategy.clone());
        let (exception, message) = fixture.refused("PutClusterCapacityProviders", input).await;
        assert_eq!(exception, "InvalidParameterException", "{message}");
        assert!(message.contains(words), "{strategy}: {message}");
    }
}

#[tokio::test]
async fn a_cluster_is_created_with_capacity_providers_once() {
    let fixture = Fixture::new().await;
    let strategy = json!([item("FARGATE_SPOT", 2, 3)]);
    let input = json!({
        "clusterName": "lab", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": strategy,
    });
    let cluster = fixture.ask("CreateCluster", input.clone()).await["cluster"].clone();
    assert_eq!(cluster["capacityProviders"], json!(["FARGATE", "FARGATE_SPOT"]));
    assert_eq!(cluster["defaultCapacityProviderStrategy"], strategy);
    assert!(cluster.get("attachmentsStatus").is_none());
    fixture.ask("CreateCluster", input).await;
    let other = json!({ "clusterName": "lab", "capacityProviders": ["FARGATE"] });
    let (exception, message) = fixture.refused("CreateCluster", other).await;
    assert_eq!(exception, "InvalidParameterException");
    assert!(message.contains("idempotent request"), "{message}");
    let unknown = json!({ "clusterName": "new", "capacityProviders": ["machines"] });
    let (_, message) = fixture.refused("CreateCluster", unknown).await;
    assert!(message.contains("was not found."), "{message}");
}

#[tokio::test]
async fn run_task_follows_the_strategy_that_is_given_or_the_clusters() {
    let fixture = Fixture::new().await;
    let network = fargate(&fixture).await;
    let run = |more: Value| {
        let mut input = json!({ "taskDefinition": "web", "networkConfiguration": network, "count": 4 });
        if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
            input.extend(more);
        }
        input
    };
    let strategy = json!([item("FARGATE", 1, 0), item("FARGATE_SPOT", 0, 1)]);
    let (_, message) = fixture
        .refused("RunTask", run(json!({ "capacityProviderStrategy": strategy })))
        .await;
    assert!(message.contains("not associated with the cluster."), "{message}");
    let default = json!([item("FARGATE_SPOT", 0, 1)]);
    put(&fixture, json!(["FARGATE", "FARGATE_SPOT"]), default).await;
    let both = json!({ "capacityProviderStrategy": strategy, "launchType": "FARGATE" });
    let (exception, message) = fixture.refused("RunTask", run(both)).await;
    assert_eq!(exception, "InvalidParameterException");
    assert_eq!(
        message,
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
    );
    let given = fixture
        .ask("RunTask", run(json!({ "capacityProviderStrategy": strategy })))
        .await;
    assert_eq!(
        providers(&given),
        ["FARGATE", "FARGATE_SPOT", "FARGATE_SPOT", "FARGATE_SPOT"],
        "{given}"
    );
    assert_eq!(given["tasks"][1]["launchType"], "FARGATE");
    assert_eq!(given["tasks"][1]["lastStatus"], "PROVISIONING");
    let of_cluster = fixture.ask("RunTask", run(json!({ "count": 1 }))).await;
    assert_eq!(providers(&of_cluster), ["FARGATE_SPOT"]);
    let plain = fixture
        .ask("RunTask", run(json!({ "count": 1, "launchType": "FARGATE" })))
        .await;
    assert!(plain["tasks"][0].get("capacityProviderName").is_none(), "{plain}");
}

#[tokio::test]
async fn tasks_of_an_auto_scaling_group_find_it_empty() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    let definition = fixture.definition().await;
    machines(&fixture).await;
    put(&fixture, json!(["machines"]), json!([])).await;
    let strategy = json!([item("machines", 0, 1)]);
    let input = json!({ "taskDefinition": definition, "capacityProviderStrategy": strategy });
    let answer = fixture.ask("RunTask", input).await;
    assert_eq!(answer["tasks"], json!([]));
    assert_eq!(
        answer["failures"],
        json!([{ "arn": format!("{ACCOUNT}:capacity-provider/machines"), "reason": "EMPTY CAPACITY PROVIDER" }])
    );
}

#[tokio::test]
async fn a_service_shows_its_strategy_and_changes_it_with_a_new_deployment_only() {
    let fixture = Fixture::new().await;
    let network = fargate(&fixture).await;
    put(
        &fixture,
        json!(["FARGATE", "FARGATE_SPOT"]),
        json!([item("FARGATE", 0, 1)]),
    )
    .await;
    let create = json!({
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "networkConfiguration": network,
        "launchType": "FARGATE",
    });
    let service = fixture.ask("CreateService", create).await["service"].clone();
    assert_eq!(service["launchType"], "FARGATE");
    assert!(service.get("capacityProviderStrategy").is_none());
    let spot = json!([item("FARGATE_SPOT", 0, 1)]);
    let update = |strategy: &Value, force: bool| json!({ "service": "web", "capacityProviderStrategy": strategy, "forceNewDeployment": force });
    let (exception, message) = fixture.refused("UpdateService", update(&spot, false)).await;
    assert_eq!(exception, "InvalidParameterException");
    assert!(message.contains("you must force a new deployment."), "{message}");
    let service = fixture.ask("UpdateService", update(&spot, true)).await["service"].clone();
    assert!(service.get("launchType").is_none(), "{service}");
    assert_eq!(service["capacityProviderStrategy"], spot);
    assert_eq!(service["deployments"][0]["capacityProviderStrategy"], spot);
    assert_eq!(service["deployments"].as_array().map(Vec::len), Some(2));
    assert_eq!(service["platformVersion"], "LATEST");
    // The same again changes nothing, and is no new deployment.
    let same = fixture.ask("UpdateService", update(&spot, false)).await["service"].clone();
    assert_eq!(same["deployments"].as_array().map(Vec::len), Some(2));
    let removed = put_input(json!(["FARGATE"]), json!([]));
    let (exception, message) = fixture.refused("PutClusterCapacityProviders", removed).await;
    assert_eq!(exception, "ResourceInUseException");
    assert!(
        message.starts_with("The specified capacity provider is in use and cannot be removed."),
        "{message}"
    );
    let empty = json!([]);
    assert_eq!(
        code(fixture.refused("UpdateService", update(&empty, false)).await),
        "InvalidParameterException"
    );
    let reset = fixture.ask("UpdateService", update(&empty, true)).await["service"].clone();
    assert_eq!(reset["capacityProviderStrategy"], json!([item("FARGATE", 0, 1)]));
}
