//! A network of one's own, made, used and taken away with the AWS CLI.

use anyhow::Result;
use serde_json::{Value, json};

use crate::world::{World, text};

/// A range that no other test has.
const RANGE: &str = "10.83.0.0/16";

fn query(world: &World, arguments: &[&str], query: &str) -> Result<String> {
    let arguments = [&["ec2"], arguments, &["--query", query]].concat();
    Ok(text(&world.aws.json(&arguments)?))
}

fn refused(world: &World, arguments: &[&str], code: &str) -> Result<()> {
    let error = world.aws.error(&[&["ec2"], arguments].concat())?;
    assert!(error.contains(&format!("({code})")), "{arguments:?}: {error}");
    Ok(())
}

struct Network {
    vpc: String,
    subnets: [String; 2],
    group: String,
}

fn make(world: &World) -> Result<Network> {
    let named = "ResourceType=vpc,Tags=[{Key=Name,Value=shop}]";
    let create = ["create-vpc", "--cidr-block", RANGE, "--tag-specifications", named];
    let vpc = query(world, &create, "Vpc.VpcId")?;
    let subnet = |range: &str, zone: &str| {
        let create = [
            "create-subnet",
            "--vpc-id",
            &vpc,
            "--cidr-block",
            range,
            "--availability-zone",
            zone,
        ];
        query(world, &create, "Subnet.SubnetId")
    };
    let subnets = [
        subnet("10.83.1.0/24", "us-east-1a")?,
        subnet("10.83.2.0/24", "us-east-1b")?,
    ];
    let create = [
        "create-security-group",
        "--group-name",
        "web",
        "--description",
        "of the web",
        "--vpc-id",
        &vpc,
    ];
    let group = query(world, &create, "GroupId")?;
    Ok(Network { vpc, subnets, group })
}

/// Rules as the documentation of the CLI writes them: in flags and in JSON.
fn open(world: &World, network: &Network) -> Result<()> {
    let allow = ["authorize-security-group-ingress", "--group-id", &network.group];
    let http = ["--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0"];
    let rule = query(
        world,
        &[&allow[..], &http].concat(),
        "SecurityGroupRules[0].SecurityGroupRuleId",
    )?;
    assert!(rule.starts_with("sgr-"), "{rule}");
    refused(
        world,
        &[&allow[..], &http].concat(),
        "InvalidPermission.Duplicate",
    )?;
    let itself = ["--protocol", "all", "--source-group", &network.group];
    world.aws.json(&[&["ec2"], &allow[..], &itself].concat())?;
    let permissions = json!([{
        "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80,
        "IpRanges": [{ "CidrIp": "10.0.0.0/8", "Description": "inside" }],
    }]);
    let permissions = permissions.to_string();
    let more = ["--ip-permissions", &permissions];
    world.aws.json(&[&["ec2"], &allow[..], &more].concat())?;
    let shown = world.aws.json(&[
        "ec2",
        "describe-security-groups",
        "--group-ids",
        &network.group,
        "--query",
        "SecurityGroups[0].IpPermissions[?FromPort==`80`]",
    ])?;
    let ranges = &shown[0]["IpRanges"];
    let expected = json!([{ "CidrIp": "0.0.0.0/0" }, { "CidrIp": "10.0.0.0/8", "Description": "inside" }]);
    assert_eq!(
        ranges, &expected,
        "rules of equal ports are one permission: {shown:#}"
    );
    let revoke = [
        "revoke-security-group-ingress",
        "--group-id",
        &network.group,
        "--security-group-rule-ids",
        &rule,
    ];
    world.aws.json(&[&["ec2"], &revoke[..]].concat())?;
    let of_group = format!("Name=group-id,Values={}", network.group);
    let rules = world
        .aws
        .json(&["ec2", "describe-security-group-rules", "--filters", &of_group])?;
    assert_eq!(
        rules["SecurityGroupRules"].as_array().map(Vec::len),
        Some(3),
        "{rules:#}"
    );
    Ok(())
}

/// Runs a task there and finds its interface. Gives the task.
fn run(world: &World, network: &Network) -> Result<String> {
    let definition = world.register("web", json!({ "networkMode": "awsvpc" }), Value::Null)?;
    let configuration = format!(
        "awsvpcConfiguration={{subnets=[{}],securityGroups=[{}]}}",
        network.subnets.join(","),
        network.group
    );
    let task = world.run(&definition, &["--network-configuration", &configuration])?;
    world.wait_for(&task, "RUNNING")?;
    let of_group = format!("Name=group-id,Values={}", network.group);
    let found = world
        .aws
        .json(&["ec2", "describe-network-interfaces", "--filters", &of_group])?;
    let interface = &found["NetworkInterfaces"][0];
    assert_eq!(interface["VpcId"], json!(network.vpc), "{found:#}");
    assert_eq!(interface["RequesterManaged"], true, "{found:#}");
    let description = text(&interface["Description"]);
    assert!(description.contains(":attachment/"), "{description}");
    let id = text(&interface["NetworkInterfaceId"]);
    let details = world.task(&task)?["attachments"][0]["details"].to_string();
    assert!(details.contains(&id), "{details}");
    refused(
        world,
        &["delete-network-interface", "--network-interface-id", &id],
        "InvalidParameterValue",
    )?;
    Ok(task)
}

#[test]
fn a_network_is_made_used_and_deleted() -> Result<()> {
    let world = World::new()?;
    let network = make(&world)?;
    let found = query(
        &world,
        &["describe-vpcs", "--filters", "Name=tag:Name,Values=sh*"],
        "Vpcs[].VpcId | [0]",
    )?;
    assert_eq!(found, network.vpc);
    open(&world, &network)?;
    let task = run(&world, &network)?;
    let [first, second] = &network.subnets;
    refused(
        &world,
        &["delete-security-group", "--group-id", &network.group],
        "DependencyViolation",
    )?;
    refused(
        &world,
        &["delete-vpc", "--vpc-id", &network.vpc],
        "DependencyViolation",
    )?;
    let foreign = format!(
        "awsvpcConfiguration={{subnets=[{first}],securityGroups=[{}]}}",
        world.gantry.variable("GANTRY_SECURITY_GROUP")?
    );
    let error = world.aws.error(&[
        "ecs",
        "run-task",
        "--task-definition",
        "web",
        "--network-configuration",
        &foreign,
    ])?;
    assert!(error.contains("(InvalidParameterException)"), "{error}");

    world.aws.json(&["ecs", "stop-task", "--task", &task])?;
    world.wait_for(&task, "STOPPED")?;
    for subnet in [first, second] {
        world.aws.json(&["ec2", "delete-subnet", "--subnet-id", subnet])?;
    }
    world
        .aws
        .json(&["ec2", "delete-security-group", "--group-id", &network.group])?;
    world.aws.json(&["ec2", "delete-vpc", "--vpc-id", &network.vpc])?;
    refused(
        &world,
        &["describe-vpcs", "--vpc-ids", &network.vpc],
        "InvalidVpcID.NotFound",
    )
}
