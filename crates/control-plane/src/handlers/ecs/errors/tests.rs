//! Refusals in their words, of every operation that has no table of its own.

mod tasks_and_services;

use serde_json::{Value, json};

use crate::fixture::Fixture;

const INVALID: &str = "InvalidParameterException";
const CLIENT: &str = "ClientException";

type Row = (&'static str, Value, &'static str, &'static str);

/// Each call is refused with its exception, and a message that begins so.
async fn check(fixture: &Fixture, rows: Vec<Row>) {
    for (operation, input, code, message) in rows {
        let found = fixture.refused(operation, input.clone()).await;
        assert!(
            found.0 == code && found.1.starts_with(message),
            "{operation} {input}: {found:?}"
        );
    }
}

fn names(count: usize) -> Value {
    (0..count).map(|it| json!(format!("{it:032x}"))).collect()
}

#[tokio::test]
async fn calls_name_so_many_things_at_most() {
    let fixture = Fixture::new().await;
    let of_web = |more: Value| json!({ "cluster": "default", "service": "web", "taskSets": more });
    fixture.definition().await;
    let external = json!({ "serviceName": "web", "deploymentController": { "type": "EXTERNAL" } });
    fixture.ask("CreateService", external).await;
    let sets = |count: usize| -> Value { (0..count).map(|it| json!(format!("ecs-svc/{it:019}"))).collect() };
    for (operation, input) in [
        ("DescribeClusters", json!({ "clusters": names(100) })),
        (
            "DescribeCapacityProviders",
            json!({ "capacityProviders": names(100) }),
        ),
        (
            "DescribeContainerInstances",
            json!({ "containerInstances": names(100) }),
        ),
        ("DescribeTaskSets", of_web(sets(100))),
    ] {
        let answer = fixture.ask(operation, input).await;
        assert_eq!(
            answer["failures"].as_array().map(Vec::len),
            Some(100),
            "{operation}"
        );
    }
    let rows = vec![
        (
            "DescribeClusters",
            json!({ "clusters": names(101) }),
            INVALID,
            "clusters can have at most 100 items.",
        ),
        (
            "DescribeCapacityProviders",
            json!({ "capacityProviders": names(101) }),
            INVALID,
            "capacityProviders can have at most 100 items.",
        ),
        (
            "DescribeContainerInstances",
            json!({ "containerInstances": names(101) }),
            INVALID,
            "",
        ),
        (
            "DescribeTaskSets",
            of_web(sets(101)),
            INVALID,
            "taskSets can have at most 100 items.",
        ),
        (
            "UpdateContainerInstancesState",
            json!({ "containerInstances": names(11), "status": "DRAINING" }),
            INVALID,
            "containerInstances must have 1 to 10 items.",
        ),
        (
            "PutAttributes",
            json!({ "attributes": [] }),
            INVALID,
            "attributes must have 1 to 10 items.",
        ),
    ];
    check(&fixture, rows).await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn clusters_settings_and_attributes_have_rules() {
    let fixture = Fixture::new().await;
    let logging =
        |of: Value| json!({ "cluster": "default", "configuration": { "executeCommandConfiguration": of } });
    let attribute = |of: Value| json!({ "attributes": [of] });
    let setting = |name: &str, value: &str, principal: &str| json!({ "name": name, "value": value, "principalArn": principal });
    let role = "arn:aws:iam::123456789012:role/r";
    let log = json!({ "cloudWatchLogGroupName": "g" });
    let rows = vec![
        (
            "CreateCluster",
            json!({ "clusterName": "a b" }),
            INVALID,
            "Cluster name must contain only letters, numbers, hyphens and underscores, 255 at most.",
        ),
        (
            "ListTasks",
            json!({ "cluster": "a b" }),
            INVALID,
            "Invalid identifier: a cluster name has 1 to 255 letters",
        ),
        (
            "ListTasks",
            json!({ "cluster": "a/b" }),
            INVALID,
            "Invalid identifier: Unexpected number of separators",
        ),
        (
            "UpdateClusterSettings",
            json!({ "cluster": "default", "settings": [] }),
            INVALID,
            "Settings cannot be empty.",
        ),
        (
            "UpdateCluster",
            json!({ "cluster": "default", "serviceConnectDefaults": { "namespace": "a/b" } }),
            INVALID,
            "Invalid namespace of serviceConnectDefaults: \"a/b\".",
        ),
        (
            "UpdateCluster",
            logging(json!({ "logging": "OVERRIDE" })),
            INVALID,
            "You must supply a log configuration",
        ),
        (
            "UpdateCluster",
            logging(json!({ "logConfiguration": log })),
            INVALID,
            "You must set logging to 'OVERRIDE'",
        ),
        (
            "UpdateCluster",
            logging(json!({ "logging": "SOME" })),
            INVALID,
            "Invalid logging of executeCommandConfiguration",
        ),
        (
            "UpdateCluster",
            logging(json!({ "logging": "OVERRIDE", "logConfiguration": {} })),
            INVALID,
            "The logConfiguration of executeCommandConfiguration must name",
        ),
        (
            "ListAccountSettings",
            json!({ "value": "enabled" }),
            INVALID,
            "Invalid setting 'name': it must be specified",
        ),
        (
            "PutAccountSetting",
            setting("guardDutyActivate", "on", ""),
            INVALID,
            "Invalid setting 'name': guardDutyActivate is managed by Amazon",
        ),
        (
            "PutAccountSetting",
            setting("fargateTaskRetirementWaitPeriod", "7", role),
            INVALID,
            "Invalid setting 'principalArn': fargateTaskRetirementWaitPeriod is set for the root user only.",
        ),
        (
            "PutAccountSetting",
            setting(
                "containerInsights",
                "enabled",
                "arn:aws:iam::123456789012:group/g",
            ),
            INVALID,
            "Invalid setting 'principalArn': arn:aws:iam::123456789012:group/g is no user",
        ),
        (
            "PutAttributes",
            attribute(json!({ "name": "a b", "targetId": "i" })),
            INVALID,
            "Invalid attribute name: 1 to 128",
        ),
        (
            "PutAttributes",
            attribute(json!({ "name": "ecs.os-type", "targetId": "i" })),
            INVALID,
            "Invalid attribute name: ecs.os-type is a built-in attribute",
        ),
        (
            "PutAttributes",
            attribute(json!({ "name": "a", "value": " b", "targetId": "i" })),
            INVALID,
            "Invalid attribute value: 1 to 128",
        ),
        (
            "PutAttributes",
            attribute(json!({ "name": "a" })),
            INVALID,
            "targetId of an attribute cannot be empty.",
        ),
        (
            "PutAttributes",
            attribute(json!({ "name": "a", "targetId": "i" })),
            INVALID,
            "targetType of an attribute must be specified if targetId is no ARN.",
        ),
        (
            "ListAttributes",
            json!({ "targetType": "container-instance", "attributeValue": "b" }),
            INVALID,
            "attributeName must be specified to filter by attributeValue.",
        ),
    ];
    check(&fixture, rows).await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn capacity_providers_have_rules() {
    let fixture = Fixture::new().await;
    let group = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/g";
    let create = |name: &str, more: Value| {
        let mut provider = json!({ "autoScalingGroupArn": group });
        for (name, value) in more.as_object().expect("an object") {
            provider[name] = value.clone();
        }
        json!({ "name": name, "autoScalingGroupProvider": provider })
    };
    let in_cluster = |mut input: Value| {
        input["cluster"] = json!("default");
        input
    };
    let scaling = |of: Value| create("p", json!({ "managedScaling": of }));
    let rows: Vec<Row> = vec![
        (
            "CreateCapacityProvider",
            create("awsp", json!({})),
            CLIENT,
            "The specified capacity provider name is invalid.",
        ),
        (
            "CreateCapacityProvider",
            create("a b", json!({})),
            CLIENT,
            "The specified capacity provider name is invalid.",
        ),
        (
            "CreateCapacityProvider",
            create("p", json!({ "autoScalingGroupArn": "" })),
            CLIENT,
            "The specified Auto Scaling group ARN is invalid.",
        ),
        (
            "CreateCapacityProvider",
            create("p", json!({ "managedDraining": "ON" })),
            INVALID,
            "Invalid managedDraining: \"ON\"; it must be ENABLED or DISABLED.",
        ),
        (
            "CreateCapacityProvider",
            scaling(json!({ "status": "ENABLED", "targetCapacity": 101 })),
            CLIENT,
            "The managed scaling configuration is invalid: targetCapacity must be between 1 and 100, not 101.",
        ),
        (
            "CreateCapacityProvider",
            in_cluster(create("p", json!({}))),
            CLIENT,
            "The cluster parameter is only supported for capacity providers of managed instances.",
        ),
        (
            "CreateCapacityProvider",
            json!({ "name": "p" }),
            CLIENT,
            "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified.",
        ),
        (
            "TagResource",
            json!({ "resourceArn": format!("{}:capacity-provider/FARGATE", crate::fixture::ACCOUNT),
                "tags": [{ "key": "a", "value": "b" }] }),
            INVALID,
            "The FARGATE and FARGATE_SPOT capacity providers are reserved and have no tags.",
        ),
    ];
    check(&fixture, rows).await;
    fixture
        .ask("CreateCapacityProvider", create("first", json!({})))
        .await;
    let taken = "The specified Auto Scaling group ARN is already being used by another capacity provider.";
    check(
        &fixture,
        vec![(
            "CreateCapacityProvider",
            create("second", json!({})),
            CLIENT,
            taken,
        )],
    )
    .await;
}
