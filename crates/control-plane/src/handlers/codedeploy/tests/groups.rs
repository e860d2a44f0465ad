//! Applications, deployment groups and deployment configs.

use super::*;

#[tokio::test]
async fn an_application_reads_back_and_can_be_renamed() {
    let it = World::new().await;
    let named = json!({ "applicationName": "shop" });
    let shown = it.ask("GetApplication", named.clone()).await["application"].clone();
    assert_eq!(
        (&shown["applicationName"], &shown["computePlatform"]),
        (&json!("shop"), &json!("ECS"))
    );
    it.ask("CreateDeploymentGroup", it.wish("web")).await;
    let rename = json!({ "applicationName": "shop", "newApplicationName": "store" });
    it.ask("UpdateApplication", rename).await;
    let all = it.ask("ListApplications", json!({})).await;
    assert_eq!(all["applications"], json!(["store"]));
    let groups = it
        .ask("ListDeploymentGroups", json!({ "applicationName": "store" }))
        .await;
    assert_eq!(groups["deploymentGroups"], json!(["web"]));
    let (code, message) = it.refused("GetApplication", named.clone()).await;
    assert_eq!(code, "ApplicationDoesNotExistException");
    assert_eq!(message, "No application found for name: shop");
    it.ask("DeleteApplication", json!({ "applicationName": "store" }))
        .await;
    let all = it.ask("ListApplications", json!({})).await;
    assert_eq!(all["applications"], json!([]));
}

#[tokio::test]
async fn applications_that_cannot_be_are_refused() {
    let it = World::new().await;
    for (name, platform, expected) in [
        ("", json!("ECS"), "ApplicationNameRequiredException"),
        ("a/b", json!("ECS"), "InvalidApplicationNameException"),
        ("shop", json!("ECS"), "ApplicationAlreadyExistsException"),
        ("new", json!("Lambda"), "InvalidComputePlatformException"),
        ("new", Value::Null, "InvalidComputePlatformException"),
    ] {
        let input = json!({ "applicationName": name, "computePlatform": platform });
        let (code, _) = it.refused("CreateApplication", input).await;
        assert_eq!(code, expected, "{name}");
    }
}

#[tokio::test]
async fn a_group_reads_back_as_it_was_given() {
    let it = World::new().await;
    let wish = it.wish("web");
    let made = it.ask("CreateDeploymentGroup", wish.clone()).await;
    let shown = it.ask("GetDeploymentGroup", group("web")).await["deploymentGroupInfo"].clone();
    assert_eq!(shown["deploymentGroupId"], made["deploymentGroupId"]);
    assert_eq!(shown["deploymentConfigName"], "CodeDeployDefault.ECSAllAtOnce");
    for member in wish.as_object().expect("an object").keys() {
        assert_eq!(shown[member], wish[member], "{member}");
    }
    let change = json!({
        "applicationName": "shop", "currentDeploymentGroupName": "web", "newDeploymentGroupName": "site",
        "deploymentConfigName": "CodeDeployDefault.ECSCanary10Percent5Minutes",
        "autoRollbackConfiguration": { "enabled": true, "events": ["DEPLOYMENT_FAILURE"] },
    });
    it.ask("UpdateDeploymentGroup", change.clone()).await;
    let shown = it.ask("GetDeploymentGroup", group("site")).await["deploymentGroupInfo"].clone();
    assert_eq!(
        shown["autoRollbackConfiguration"],
        change["autoRollbackConfiguration"]
    );
    assert_eq!(shown["deploymentConfigName"], change["deploymentConfigName"]);
    assert_eq!(shown["loadBalancerInfo"], wish["loadBalancerInfo"]);
    let names = json!({ "applicationName": "shop", "deploymentGroupNames": ["site", "web"] });
    let batch = it.ask("BatchGetDeploymentGroups", names).await;
    assert_eq!(batch["deploymentGroupsInfo"][0]["deploymentGroupName"], "site");
    assert_eq!(batch["errorMessage"], "No Deployment Group found for name: web");
    it.ask("DeleteDeploymentGroup", group("site")).await;
    let (code, _) = it.refused("GetDeploymentGroup", group("site")).await;
    assert_eq!(code, "DeploymentGroupDoesNotExistException");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn groups_are_checked_member_by_member() {
    let it = World::new().await;
    let ecs = json!({ "serviceName": "other", "taskDefinition": "web", "desiredCount": 0 });
    it.fixture.ask("CreateService", ecs).await;
    let pair = |names: Value, listener: &str| {
        json!({ "targetGroupPairInfoList": [{
            "targetGroups": names, "prodTrafficRoute": { "listenerArns": [listener] },
        }] })
    };
    let both = json!([{ "name": "blue" }, { "name": "green" }]);
    let service = |name: &str| json!([{ "clusterName": "default", "serviceName": name }]);
    let gone = it.listener.replace("listener/app", "listener/net");
    let cases = [
        (
            "applicationName",
            json!("none"),
            "ApplicationDoesNotExistException",
        ),
        (
            "deploymentGroupName",
            json!(""),
            "DeploymentGroupNameRequiredException",
        ),
        (
            "deploymentGroupName",
            json!("a b"),
            "InvalidDeploymentGroupNameException",
        ),
        ("serviceRoleArn", json!(""), "RoleRequiredException"),
        ("serviceRoleArn", json!("deploy"), "InvalidRoleException"),
        ("deploymentStyle", Value::Null, "InvalidDeploymentStyleException"),
        (
            "deploymentStyle",
            json!({ "deploymentType": "IN_PLACE" }),
            "InvalidDeploymentStyleException",
        ),
        ("ecsServices", Value::Null, "InvalidECSServiceException"),
        ("ecsServices", service("none"), "InvalidECSServiceException"),
        ("ecsServices", service("other"), "InvalidECSServiceException"),
        (
            "loadBalancerInfo",
            Value::Null,
            "InvalidLoadBalancerInfoException",
        ),
        (
            "loadBalancerInfo",
            json!({ "elbInfoList": [{ "name": "a" }] }),
            "InvalidLoadBalancerInfoException",
        ),
        ("loadBalancerInfo", json!({}), "InvalidTargetGroupPairException"),
        (
            "loadBalancerInfo",
            pair(json!([{ "name": "blue" }]), &it.listener),
            "InvalidTargetGroupPairException",
        ),
        (
            "loadBalancerInfo",
            pair(json!([{ "name": "blue" }, { "name": "blue" }]), &it.listener),
            "InvalidTargetGroupPairException",
        ),
        (
            "loadBalancerInfo",
            pair(json!([{ "name": "blue" }, { "name": "none" }]), &it.listener),
            "InvalidTargetGroupPairException",
        ),
        (
            "loadBalancerInfo",
            pair(both.clone(), "listener"),
            "InvalidTargetGroupPairException",
        ),
        (
            "loadBalancerInfo",
            pair(both, &gone),
            "InvalidTargetGroupPairException",
        ),
        (
            "blueGreenDeploymentConfiguration",
            Value::Null,
            "InvalidBlueGreenDeploymentConfigurationException",
        ),
        (
            "blueGreenDeploymentConfiguration",
            json!({
                "deploymentReadyOption": { "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 2881 },
                "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE" },
            }),
            "InvalidBlueGreenDeploymentConfigurationException",
        ),
        (
            "deploymentConfigName",
            json!("none"),
            "DeploymentConfigDoesNotExistException",
        ),
        (
            "autoRollbackConfiguration",
            json!({ "enabled": true, "events": ["NOTHING"] }),
            "InvalidAutoRollbackConfigException",
        ),
        (
            "alarmConfiguration",
            json!({ "enabled": true, "alarms": [{ "name": "a" }] }),
            "InvalidAlarmConfigException",
        ),
        (
            "autoScalingGroups",
            json!(["a"]),
            "InvalidAutoScalingGroupException",
        ),
        (
            "triggerConfigurations",
            json!([{ "triggerName": "a" }]),
            "InvalidTriggerConfigException",
        ),
    ];
    for (member, value, expected) in cases {
        let wish = with(it.wish("web"), member, value.clone());
        let (code, message) = it.refused("CreateDeploymentGroup", wish).await;
        assert_eq!(code, expected, "{member} {value}: {message}");
    }
    it.ask("CreateDeploymentGroup", it.wish("web")).await;
    let (code, _) = it.refused("CreateDeploymentGroup", it.wish("web")).await;
    assert_eq!(code, "DeploymentGroupAlreadyExistsException");
    let (code, _) = it.refused("CreateDeploymentGroup", it.wish("second")).await;
    assert_eq!(code, "ECSServiceMappingLimitExceededException");
}

#[tokio::test]
async fn configs_are_predefined_or_made() {
    let it = World::new().await;
    let config = |name: &str, routing: Value| json!({ "deploymentConfigName": name, "computePlatform": "ECS", "trafficRoutingConfig": routing });
    let linear = json!({
        "type": "TimeBasedLinear", "timeBasedLinear": { "linearPercentage": 20, "linearInterval": 2 },
    });
    it.ask("CreateDeploymentConfig", config("slow", linear.clone()))
        .await;
    let shown = it
        .ask("GetDeploymentConfig", json!({ "deploymentConfigName": "slow" }))
        .await;
    assert_eq!(shown["deploymentConfigInfo"]["trafficRoutingConfig"], linear);
    let all = it.ask("ListDeploymentConfigs", json!({})).await;
    let all = all["deploymentConfigsList"].as_array().expect("a list").clone();
    assert_eq!((all.len(), all.last()), (6, Some(&json!("slow"))));
    let canary = |percentage: i32, interval: i32| {
        json!({
            "type": "TimeBasedCanary",
            "timeBasedCanary": { "canaryPercentage": percentage, "canaryInterval": interval },
        })
    };
    let invalid = "InvalidTrafficRoutingConfigurationException";
    for (name, routing, expected) in [
        ("slow", canary(10, 5), "DeploymentConfigAlreadyExistsException"),
        (
            "CodeDeployDefault.ECSAllAtOnce",
            canary(10, 5),
            "DeploymentConfigAlreadyExistsException",
        ),
        (
            "CodeDeployDefault.Mine",
            canary(10, 5),
            "InvalidDeploymentConfigNameException",
        ),
        ("new", canary(100, 5), invalid),
        ("new", canary(10, 0), invalid),
        ("new", json!({ "type": "TimeBasedCanary" }), invalid),
        ("new", json!({ "type": "Other" }), invalid),
    ] {
        let (code, _) = it.refused("CreateDeploymentConfig", config(name, routing)).await;
        assert_eq!(code, expected, "{name}");
    }
    let used = with(it.wish("web"), "deploymentConfigName", json!("slow"));
    it.ask("CreateDeploymentGroup", used).await;
    for (name, expected) in [
        ("slow", "DeploymentConfigInUseException"),
        ("CodeDeployDefault.ECSAllAtOnce", "InvalidOperationException"),
    ] {
        let (code, _) = it
            .refused("DeleteDeploymentConfig", json!({ "deploymentConfigName": name }))
            .await;
        assert_eq!(code, expected);
    }
    it.ask("DeleteDeploymentGroup", group("web")).await;
    it.ask(
        "DeleteDeploymentConfig",
        json!({ "deploymentConfigName": "slow" }),
    )
    .await;
}

#[tokio::test]
async fn applications_and_groups_have_tags() {
    let it = World::new().await;
    it.ask("CreateDeploymentGroup", it.wish("web")).await;
    let head = "arn:aws:codedeploy:us-east-1:123456789012";
    for arn in [
        format!("{head}:application:shop"),
        format!("{head}:deploymentgroup:shop/web"),
    ] {
        let tags = json!([{ "Key": "team", "Value": "a" }, { "Key": "tier", "Value": "b" }]);
        it.ask("TagResource", json!({ "ResourceArn": arn, "Tags": tags }))
            .await;
        it.ask(
            "UntagResource",
            json!({ "ResourceArn": arn, "TagKeys": ["team"] }),
        )
        .await;
        let left = it.ask("ListTagsForResource", json!({ "ResourceArn": arn })).await;
        assert_eq!(left["Tags"], json!([{ "Key": "tier", "Value": "b" }]));
    }
    for (arn, expected) in [
        (String::new(), "ResourceArnRequiredException"),
        ("shop".to_owned(), "InvalidArnException"),
        (
            format!("{head}:deploymentconfig:slow"),
            "ArnNotSupportedException",
        ),
        (
            format!("{head}:application:none"),
            "ApplicationDoesNotExistException",
        ),
    ] {
        let (code, _) = it
            .refused("ListTagsForResource", json!({ "ResourceArn": arn }))
            .await;
        assert_eq!(code, expected, "{arn}");
    }
}
