//! Load balancers, as the AWS CLI makes, describes and deletes them.

use anyhow::{Context, Result};
use serde_json::json;

use crate::world::{World, text};

#[test]
#[expect(clippy::too_many_lines, reason = "one life, told in order")]
fn the_cli_makes_describes_and_deletes_a_load_balancer() -> Result<()> {
    let world = World::new()?;
    let elb = |arguments: &[&str]| world.aws.json(&[&["elbv2"], arguments].concat());
    let refused = |arguments: &[&str]| world.aws.error(&[&["elbv2"], arguments].concat());
    let vpcs = world
        .aws
        .json(&["ec2", "describe-vpcs", "--query", "Vpcs[0].VpcId"])?;
    let query = ["ec2", "describe-subnets", "--query", "Subnets[].SubnetId"];
    let subnets = world.aws.json(&query)?;
    let (vpc, first, second) = (text(&vpcs), text(&subnets[0]), text(&subnets[1]));

    let made = elb(&[
        "create-load-balancer",
        "--name",
        "web",
        "--subnets",
        &first,
        &second,
    ])?;
    let balancer = text(&made["LoadBalancers"][0]["LoadBalancerArn"]);
    assert_eq!(
        made["LoadBalancers"][0]["State"]["Code"], "provisioning",
        "{made:#}"
    );
    let made = elb(&[
        "create-target-group",
        "--name",
        "web",
        "--protocol",
        "HTTP",
        "--port",
        "80",
        "--vpc-id",
        &vpc,
        "--target-type",
        "ip",
        "--health-check-path",
        "/ok",
        "--matcher",
        "HttpCode=200-299",
        "--tags",
        "Key=team,Value=web",
    ])?;
    let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
    assert_eq!(
        made["TargetGroups"][0]["Matcher"],
        json!({ "HttpCode": "200-299" })
    );
    elb(&["wait", "load-balancer-exists", "--load-balancer-arns", &balancer])?;

    let action = format!("Type=forward,TargetGroupArn={group}");
    let made = elb(&[
        "create-listener",
        "--load-balancer-arn",
        &balancer,
        "--protocol",
        "HTTP",
        "--port",
        "80",
        "--default-actions",
        &action,
    ])?;
    let listener = text(&made["Listeners"][0]["ListenerArn"]);
    let made = elb(&[
        "create-rule",
        "--listener-arn",
        &listener,
        "--priority",
        "10",
        "--conditions",
        "Field=path-pattern,Values=/old/*",
        "Field=http-request-method,HttpRequestMethodConfig={Values=[GET,HEAD]}",
        "--actions",
        "Type=redirect,RedirectConfig={Path=/new,StatusCode=HTTP_301}",
    ])?;
    let rule = text(&made["Rules"][0]["RuleArn"]);
    let rules = elb(&["describe-rules", "--listener-arn", &listener])?;
    assert_eq!(rules["Rules"][0]["RuleArn"], rule);
    assert_eq!(
        rules["Rules"][0]["Actions"][0]["RedirectConfig"]["Host"],
        "#{host}"
    );
    assert_eq!(rules["Rules"][1]["IsDefault"], true);

    let address = world.aws.json(&[
        "ec2",
        "describe-subnets",
        "--subnet-ids",
        &first,
        "--query",
        "Subnets[0].CidrBlock",
    ])?;
    let address = text(&address);
    let (network, _) = address.rsplit_once('.').context("no range")?;
    let address = format!("{network}.200");
    let target = format!("Id={address},Port=8080");
    elb(&[
        "register-targets",
        "--target-group-arn",
        &group,
        "--targets",
        &target,
    ])?;
    let health = elb(&["describe-target-health", "--target-group-arn", &group])?;
    let health = &health["TargetHealthDescriptions"][0];
    assert_eq!(health["TargetHealth"]["State"], "initial", "{health:#}");
    assert_eq!(health["TargetHealth"]["Reason"], "Elb.RegistrationInProgress");
    let delay = "Key=deregistration_delay.timeout_seconds,Value=0";
    elb(&[
        "modify-target-group-attributes",
        "--target-group-arn",
        &group,
        "--attributes",
        delay,
    ])?;
    elb(&[
        "deregister-targets",
        "--target-group-arn",
        &group,
        "--targets",
        &target,
    ])?;
    // With no delay it is gone as soon as somebody looks after it.
    elb(&[
        "wait",
        "target-deregistered",
        "--target-group-arn",
        &group,
        "--targets",
        &target,
    ])?;

    let error = refused(&["delete-target-group", "--target-group-arn", &group])?;
    assert!(
        error.contains("(ResourceInUse)") && error.contains("is currently in use by a listener or a rule"),
        "{error}"
    );
    let error = refused(&[
        "create-rule",
        "--listener-arn",
        &listener,
        "--priority",
        "10",
        "--conditions",
        "Field=path-pattern,Values=/a",
        "--actions",
        &action,
    ])?;
    assert!(error.contains("(PriorityInUse)"), "{error}");
    elb(&["delete-rule", "--rule-arn", &rule])?;
    elb(&["delete-listener", "--listener-arn", &listener])?;
    elb(&["delete-target-group", "--target-group-arn", &group])?;
    elb(&["delete-load-balancer", "--load-balancer-arn", &balancer])?;
    elb(&[
        "wait",
        "load-balancers-deleted",
        "--load-balancer-arns",
        &balancer,
    ])?;
    let error = refused(&["describe-load-balancers", "--names", "web"])?;
    assert!(
        error.contains("(LoadBalancerNotFound)") && error.contains("Load balancers '[web]' not found"),
        "{error}"
    );
    Ok(())
}
