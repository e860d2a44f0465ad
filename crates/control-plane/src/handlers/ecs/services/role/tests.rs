use serde_json::json;

use crate::handlers::ecs::services::load_balancers::classic::tests::{wish, world};

#[tokio::test]
async fn a_role_that_is_there_reads_back_and_stays() {
    let world = world().await;
    let role = json!({ "RoleName": "ecsServiceRole", "Path": "/old/", "AssumeRolePolicyDocument": r#"{"Statement":[]}"# });
    world.fixture.ask_of("iam", "CreateRole", role).await;
    let arn = "arn:aws:iam::123456789012:role/old/ecsServiceRole";
    let mut services = Vec::new();
    for (name, given) in [("by-name", "old/ecsServiceRole"), ("by-arn", arn)] {
        let mut input = wish();
        input["serviceName"] = json!(name);
        input["role"] = json!(given);
        let made = world.fixture.ask("CreateService", input).await["service"].clone();
        assert_eq!(made["roleArn"], arn, "{given}");
        services.push(name);
    }
    let update = json!({ "service": "by-arn", "desiredCount": 1 });
    let updated = world.fixture.ask("UpdateService", update).await;
    assert_eq!(updated["service"]["roleArn"], arn);
    let described = world
        .fixture
        .ask("DescribeServices", json!({ "services": services }))
        .await;
    assert_eq!(described["services"][0]["roleArn"], arn);
    // It would need the linked role from now on.
    let update = json!({ "service": "by-arn", "serviceRegistries": [{ "registryArn": "some" }] });
    let (code, _) = world.fixture.refused("UpdateService", update).await;
    assert_eq!(code, "InvalidParameterException");
}

#[tokio::test]
async fn what_goes_with_no_role_is_refused() {
    let world = world().await;
    let linked = "You cannot specify an IAM role for services that require a service linked role.";
    let unknown = "Unable to assume role and validate the listeners configured on your load balancer. Please verify that \
                   the ECS service role being passed has the proper permissions.";
    let none = json!([]);
    let network = json!({ "awsvpcConfiguration": { "subnets": [world.subnets[0]] } });
    let cases = [
        (
            json!({ "taskDefinition": "own", "loadBalancers": none, "networkConfiguration": network }),
            linked,
        ),
        (
            json!({ "loadBalancers": none }),
            "You cannot specify an IAM role for a service without a load balancer.",
        ),
        (json!({ "role": "nobody" }), unknown),
        (
            json!({ "role": "aws-service-role/AWSServiceRoleForECS" }),
            unknown,
        ),
        (
            json!({ "role": "arn:aws:iam::210987654321:role/ecsTaskExecutionRole" }),
            unknown,
        ),
        (json!({ "role": "" }), unknown),
    ];
    for (more, expected) in cases {
        let mut input = wish();
        input["role"] = json!("ecsTaskExecutionRole");
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        let (code, message) = world.fixture.refused("CreateService", input).await;
        assert_eq!(code, "InvalidParameterException", "{more}: {message}");
        assert!(message.starts_with(expected), "{more}: {message}");
    }
    let external = json!({
        "serviceName": "web", "desiredCount": 0, "deploymentController": { "type": "EXTERNAL" }, "role": "some",
    });
    let (_, message) = world.fixture.refused("CreateService", external).await;
    assert_eq!(message, linked);
}
