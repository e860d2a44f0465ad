//! The default VPC, read as the documentation of a network configuration tells users to read it.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::world::{World, text};

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[test]
fn the_cli_fills_in_a_network_configuration() -> Result<()> {
    let world = World::new()?;
    let aws = &world.aws;
    let id = |arguments: &[&str]| -> Result<String> { Ok(text(&aws.json(arguments)?)) };
    let vpc = id(&[
        "ec2",
        "describe-vpcs",
        "--filters",
        "Name=isDefault,Values=true",
        "--query",
        "Vpcs[0].VpcId",
    ])?;
    assert!(vpc.starts_with("vpc-"), "{vpc}");
    let of_vpc = format!("Name=vpc-id,Values={vpc}");
    let subnets = aws.json(&["ec2", "describe-subnets", "--filters", &of_vpc])?;
    let zones: Vec<String> = items(&subnets, "Subnets")
        .iter()
        .map(|it| text(&it["AvailabilityZone"]))
        .collect();
    assert_eq!(zones.len(), 3, "{subnets:#}");
    let shown = aws.json(&["ec2", "describe-availability-zones"])?;
    for zone in items(&shown, "AvailabilityZones") {
        assert!(zones.contains(&text(&zone["ZoneName"])), "{zone:#}");
        assert_eq!(zone["State"], "available", "{zone:#}");
    }
    let in_zone = aws.json(&[
        "ec2",
        "describe-subnets",
        "--filters",
        &of_vpc,
        "Name=availability-zone,Values=*a",
        "--query",
        "Subnets[].SubnetId",
    ])?;
    let subnet = text(&in_zone[0]);
    assert_eq!(in_zone, serde_json::json!([subnet]));
    let group = id(&[
        "ec2",
        "describe-security-groups",
        "--filters",
        &of_vpc,
        "Name=group-name,Values=default",
        "--query",
        "SecurityGroups[0].GroupId",
    ])?;
    assert_eq!(group, world.gantry.variable("GANTRY_SECURITY_GROUP")?);

    let definition = world.register("web", serde_json::json!({ "networkMode": "awsvpc" }), Value::Null)?;
    let before = free_addresses(&world, &subnet)?;
    let network = format!("awsvpcConfiguration={{subnets=[{subnet}],securityGroups=[{group}]}}");
    let task = world.run(&definition, &["--network-configuration", &network])?;
    world.wait_for(&task, "RUNNING")?;
    assert_eq!(
        free_addresses(&world, &subnet)?,
        before - 1,
        "the task has an address"
    );
    Ok(())
}

fn free_addresses(world: &World, subnet: &str) -> Result<i64> {
    let subnets = world
        .aws
        .json(&["ec2", "describe-subnets", "--subnet-ids", subnet])?;
    let count = subnets["Subnets"][0]["AvailableIpAddressCount"].as_i64();
    count.with_context(|| format!("no count: {subnets}"))
}

#[test]
fn boto3_reads_it_through_its_paginators() -> Result<()> {
    let world = World::new()?;
    let script = r#"
import boto3, json
ec2 = boto3.client("ec2")
vpc = boto3.resource("ec2").Vpc(ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"])
pages = list(ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5, "MaxItems": 2}))
group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]
attributes = ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
ec2.get_waiter("vpc_available").wait(VpcIds=[vpc.id])
ec2.get_waiter("subnet_available").wait()
print(json.dumps({
    "vpc": [vpc.is_default, vpc.state],
    "subnets": len(list(vpc.subnets.all())),
    "page": [len(it["Subnets"]) for it in pages],
    "group": [group["GroupName"], group["VpcId"] == vpc.id, group["IpPermissionsEgress"][0]["IpRanges"]],
    "attribute": attributes[0]["AttributeValues"][0]["AttributeValue"] == vpc.id,
    "regions": [it["RegionName"] for it in ec2.describe_regions()["Regions"]],
}))
"#;
    let output = world.aws.program("python3").args(["-c", script]).output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let shown: Value = serde_json::from_slice(&output.stdout)?;
    let expected = serde_json::json!({
        "vpc": [true, "available"],
        "subnets": 3,
        "page": [2],
        "group": ["default", true, [{ "CidrIp": "0.0.0.0/0" }]],
        "attribute": true,
        "regions": ["us-east-1"],
    });
    assert_eq!(shown, expected);
    Ok(())
}

#[test]
fn what_ec2_refuses_it_refuses_in_its_own_words() -> Result<()> {
    let world = World::new()?;
    let cases: [(&[&str], &str); 8] = [
        (
            &["describe-vpcs", "--vpc-ids", "vpc-0123"],
            "(InvalidVpcID.NotFound) when calling the DescribeVpcs operation: The vpc ID 'vpc-0123' does not exist",
        ),
        (
            &["describe-subnets", "--subnet-ids", "subnet-0123"],
            "(InvalidSubnetID.NotFound) when calling the DescribeSubnets operation: The subnet ID 'subnet-0123' does not exist",
        ),
        (
            &["describe-security-groups", "--group-ids", "sg-0123"],
            "(InvalidGroup.NotFound) when calling the DescribeSecurityGroups operation: The security group 'sg-0123' does not exist",
        ),
        (
            &["describe-vpcs", "--filters", "Name=colour,Values=red"],
            "(InvalidParameterValue) when calling the DescribeVpcs operation: The filter 'colour' is invalid",
        ),
        (
            &["describe-subnets", "--next-token", "forged"],
            "(InvalidParameterValue)",
        ),
        (&["describe-vpcs", "--dry-run"], "(DryRunOperation)"),
        (
            &["describe-availability-zones", "--zone-names", "us-east-1z"],
            "Invalid availability zone: [us-east-1z]",
        ),
        (
            &["describe-instances"],
            "(InvalidAction) when calling the DescribeInstances operation: The action DescribeInstances is not valid for this web service.",
        ),
    ];
    for (arguments, expected) in cases {
        let error = world.aws.error(&[&["ec2"], arguments].concat())?;
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let stranger = test_support::aws::Aws::of(&world.gantry)?;
    let stranger = stranger.with_key("AKIASTRANGER00000000", "whatever-it-may-be-0000");
    let error = stranger.error(&["ec2", "describe-vpcs"])?;
    assert!(error.contains("(AuthFailure)"), "{error}");
    Ok(())
}
