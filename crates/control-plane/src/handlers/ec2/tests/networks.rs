//! VPCs and subnets as clients make, change and delete them.

use serde_json::{Value, json};

use super::world::World;
use crate::fixture::text;

#[tokio::test]
async fn a_vpc_comes_with_what_amazon_gives_it() {
    let world = World::new().await;
    let found = world.ask("DescribeVpcs", json!({ "VpcIds": [world.vpc] })).await;
    let vpc = &found["Vpcs"][0];
    assert_eq!(vpc["CidrBlock"], "10.0.0.0/16");
    assert_eq!(vpc["IsDefault"], json!(false));
    let of_vpc = ("vpc-id", world.vpc.as_str());
    let count = world
        .count("DescribeSecurityGroups", "SecurityGroups", of_vpc)
        .await;
    assert_eq!(count, 1);
    assert_eq!(
        world.count("DescribeVpcs", "Vpcs", ("is-default", "true")).await,
        1
    );
    let defaults = ("default-for-az", "true");
    assert_eq!(world.count("DescribeSubnets", "Subnets", defaults).await, 3);
    for (attribute, member, expected) in [
        ("enableDnsSupport", "EnableDnsSupport", true),
        ("enableDnsHostnames", "EnableDnsHostnames", false),
        (
            "enableNetworkAddressUsageMetrics",
            "EnableNetworkAddressUsageMetrics",
            false,
        ),
    ] {
        let input = json!({ "VpcId": world.vpc, "Attribute": attribute });
        let answer = world.ask("DescribeVpcAttribute", input.clone()).await;
        assert_eq!(answer[member]["Value"], json!(expected));
        let mut change = json!({ "VpcId": world.vpc });
        change[member] = json!({ "Value": !expected });
        world.ask("ModifyVpcAttribute", change).await;
        let answer = world.ask("DescribeVpcAttribute", input).await;
        assert_eq!(answer[member]["Value"], json!(!expected));
    }
}

#[tokio::test]
async fn an_account_has_the_attributes_that_amazon_documents() {
    let world = World::new().await;
    let ask = async |input| {
        let answer = world
            .fixture
            .ask_of("ec2", "DescribeAccountAttributes", input)
            .await;
        let all = answer["accountAttributeSet"].as_array().expect("a list").iter();
        let told = all.map(|it| {
            let value = text(&it["attributeValueSet"][0]["attributeValue"]);
            (text(&it["attributeName"]), value)
        });
        told.collect::<std::collections::BTreeMap<_, _>>()
    };
    let all = ask(json!({})).await;
    assert_eq!(all.len(), 6);
    for (name, value) in [
        ("default-vpc", world.default_vpc.as_str()),
        ("supported-platforms", "VPC"),
        ("max-instances", "0"),
        ("max-elastic-ips", "254"),
        ("vpc-max-elastic-ips", "254"),
        ("vpc-max-security-groups-per-interface", "16"),
    ] {
        assert_eq!(all[name], value, "{name}");
        let one = ask(json!({ "AttributeName": [name] })).await;
        assert_eq!(one.into_keys().collect::<Vec<_>>(), [name]);
    }
    let unknown = json!({ "AttributeName": ["max-wishes"] });
    assert_eq!(
        world.code("DescribeAccountAttributes", unknown).await,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn zones_and_subnets_are_found_by_all_that_amazon_documents() {
    let world = World::new().await;
    for (operation, member, name, value, count) in [
        (
            "DescribeAvailabilityZones",
            "AvailabilityZones",
            "group-long-name",
            "us-east-1 1",
            3,
        ),
        (
            "DescribeAvailabilityZones",
            "AvailabilityZones",
            "group-long-name",
            "other",
            0,
        ),
        (
            "DescribeSubnets",
            "Subnets",
            "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
            "false",
            4,
        ),
        (
            "DescribeSubnets",
            "Subnets",
            "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
            "true",
            0,
        ),
    ] {
        let found = match operation {
            "DescribeAvailabilityZones" => {
                let filters = json!({ "Filter": [{ "Name": name, "Value": [value] }] });
                let answer = world.fixture.ask_of("ec2", operation, filters).await;
                answer["availabilityZoneInfo"].as_array().map_or(0, Vec::len)
            }
            _ => world.count(operation, member, (name, value)).await,
        };
        assert_eq!(found, count, "{name}={value}");
    }
}

#[tokio::test]
async fn a_vpc_has_neither_hosts_of_its_own_nor_links_to_classic_networks() {
    let world = World::new().await;
    let tenancy = |vpc: &str, tenancy: &str| json!({ "VpcId": vpc, "InstanceTenancy": tenancy });
    let modified = world
        .ask("ModifyVpcTenancy", tenancy(&world.vpc, "default"))
        .await;
    assert_eq!(modified["Return"], json!(true));
    for (input, code) in [
        (tenancy(&world.vpc, "dedicated"), "InvalidParameterValue"),
        (tenancy("vpc-0", "default"), "InvalidVpcID.NotFound"),
    ] {
        assert_eq!(world.code("ModifyVpcTenancy", input).await, code);
    }
    let links = "DescribeVpcClassicLinkDnsSupport";
    let answer = world
        .fixture
        .ask_of("ec2", links, json!({ "VpcIds": [world.vpc] }))
        .await;
    assert_eq!(answer["vpcs"], json!([]));
    let unknown = json!({ "VpcIds": ["vpc-0"] });
    let (code, _) = world.fixture.refused_of("ec2", links, unknown).await;
    assert_eq!(code, "InvalidVpcID.NotFound");
}

#[tokio::test]
async fn ranges_that_may_not_be_are_refused() {
    let world = World::new().await;
    for (range, code) in [
        ("10.0.0.0/15", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
        ("10.0.0.0", "InvalidParameterValue"),
        ("fd00::/56", "InvalidParameterValue"),
    ] {
        assert_eq!(
            world.code("CreateVpc", json!({ "CidrBlock": range })).await,
            code,
            "{range}"
        );
    }
    assert_eq!(world.code("CreateVpc", json!({})).await, "MissingParameter");
    let dry = json!({ "CidrBlock": "10.0.0.0/16", "DryRun": true });
    assert_eq!(world.code("CreateVpc", dry).await, "DryRunOperation");
    let ipv6 = json!({ "CidrBlock": "10.0.0.0/16", "AmazonProvidedIpv6CidrBlock": true });
    assert_eq!(world.code("CreateVpc", ipv6).await, "UnsupportedOperation");
    let subnet = |range: &str| json!({ "VpcId": world.vpc, "CidrBlock": range });
    for (range, code, message) in [
        (
            "10.1.0.0/24",
            "InvalidSubnet.Range",
            "The CIDR '10.1.0.0/24' is invalid.",
        ),
        (
            "10.0.0.0/8",
            "InvalidSubnet.Range",
            "The CIDR '10.0.0.0/8' is invalid.",
        ),
        (
            "10.0.1.128/25",
            "InvalidSubnet.Conflict",
            "The CIDR '10.0.1.128/25' conflicts with another subnet",
        ),
        (
            "10.0.0.0/16",
            "InvalidSubnet.Conflict",
            "The CIDR '10.0.0.0/16' conflicts with another subnet",
        ),
    ] {
        let refused = world.refused("CreateSubnet", subnet(range)).await;
        assert_eq!(refused, (code.to_owned(), message.to_owned()));
    }
    let mut elsewhere = subnet("10.0.2.0/24");
    elsewhere["AvailabilityZone"] = json!("us-east-1z");
    let (code, message) = world.refused("CreateSubnet", elsewhere).await;
    assert_eq!(code, "InvalidParameterValue");
    assert!(
        message.contains("us-east-1a, us-east-1b, us-east-1c."),
        "{message}"
    );
    let foreign = json!({ "VpcId": "vpc-0", "CidrBlock": "10.0.2.0/24" });
    assert_eq!(world.code("CreateSubnet", foreign).await, "InvalidVpcID.NotFound");
}

#[tokio::test]
async fn host_bits_of_ranges_are_dropped() {
    let world = World::new().await;
    let made = world
        .ask("CreateVpc", json!({ "CidrBlock": "10.7.1.2/16" }))
        .await;
    assert_eq!(made["Vpc"]["CidrBlock"], "10.7.0.0/16");
}

#[tokio::test]
async fn subnets_go_where_the_fewest_are_and_are_changed() {
    let world = World::new().await;
    let create = json!({
        "VpcId": world.vpc,
        "CidrBlock": "10.0.2.0/28",
        "TagSpecifications": [{ "ResourceType": "subnet", "Tags": [{ "Key": "Name", "Value": "b" }] }],
    });
    let made = world.ask("CreateSubnet", create).await;
    let subnet = &made["Subnet"];
    assert_eq!(subnet["AvailabilityZone"], "us-east-1b");
    assert_eq!(subnet["AvailableIpAddressCount"], json!(11));
    assert_eq!(subnet["MapPublicIpOnLaunch"], json!(false));
    assert_eq!(subnet["Tags"], json!([{ "Key": "Name", "Value": "b" }]));
    let id = text(&subnet["SubnetId"]);
    let change = json!({ "SubnetId": id, "MapPublicIpOnLaunch": { "Value": true } });
    world.ask("ModifySubnetAttribute", change).await;
    let found = world.count("DescribeSubnets", "Subnets", ("tag:Name", "b")).await;
    assert_eq!(found, 1);
    let found = world.ask("DescribeSubnets", json!({ "SubnetIds": [id] })).await;
    assert_eq!(found["Subnets"][0]["MapPublicIpOnLaunch"], json!(true));
    let change = json!({ "SubnetId": id, "EnableDns64": { "Value": true } });
    assert_eq!(
        world.code("ModifySubnetAttribute", change).await,
        "UnsupportedOperation"
    );
    let foreign = json!({ "ResourceType": "vpc", "Tags": [{ "Key": "a", "Value": "b" }] });
    let create = json!({ "VpcId": world.vpc, "CidrBlock": "10.0.3.0/28", "TagSpecifications": [foreign] });
    assert_eq!(world.code("CreateSubnet", create).await, "InvalidParameterValue");
}

#[tokio::test]
async fn a_vpc_is_deleted_when_nothing_is_left_in_it() {
    let world = World::new().await;
    let group = world.group("web").await;
    let vpc = json!({ "VpcId": world.vpc });
    let (code, message) = world.refused("DeleteVpc", vpc.clone()).await;
    let text = format!("The vpc '{}' has dependencies and cannot be deleted.", world.vpc);
    assert_eq!(code, "DependencyViolation");
    assert!(message.starts_with(&text), "{message}");
    world
        .ask("DeleteSubnet", json!({ "SubnetId": world.subnet }))
        .await;
    assert_eq!(world.code("DeleteVpc", vpc.clone()).await, "DependencyViolation");
    world
        .ask("DeleteSecurityGroup", json!({ "GroupId": group }))
        .await;
    world.ask("DeleteVpc", vpc.clone()).await;
    assert_eq!(world.code("DeleteVpc", vpc).await, "InvalidVpcID.NotFound");
    let left = world.fixture.store().read(|state| {
        let own = |it: &String| *it == world.vpc;
        let scope = domain::Scope::new("123456789012", "us-east-1");
        state.security_groups(&scope).filter(|it| own(&it.vpc_id)).count()
            + state.network_acls(&scope).filter(|it| own(&it.vpc_id)).count()
            + state.route_tables(&scope).filter(|it| own(&it.vpc_id)).count()
    });
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_default_network_can_be_made_again() {
    let world = World::new().await;
    assert_eq!(
        world.code("CreateDefaultVpc", json!({})).await,
        "DefaultVpcAlreadyExists"
    );
    let zone = json!({ "AvailabilityZone": "us-east-1a" });
    let there = "DefaultSubnetAlreadyExistsInAvailabilityZone";
    assert_eq!(world.code("CreateDefaultSubnet", zone.clone()).await, there);
    let own = json!({ "Filters": [
        { "Name": "vpc-id", "Values": [world.default_vpc] },
        { "Name": "availability-zone", "Values": ["us-east-1a"] },
    ] });
    let found = world.ask("DescribeSubnets", own).await;
    let old = &found["Subnets"][0];
    world
        .ask("DeleteSubnet", json!({ "SubnetId": old["SubnetId"] }))
        .await;
    let made = world.ask("CreateDefaultSubnet", zone).await;
    assert_eq!(made["Subnet"]["CidrBlock"], old["CidrBlock"]);
    assert_eq!(made["Subnet"]["DefaultForAz"], json!(true));
    let zones = world.ask("DescribeAvailabilityZones", json!({})).await;
    assert_eq!(zones["AvailabilityZones"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn further_ranges_are_refused() {
    let world = World::new().await;
    let more = json!({ "VpcId": world.vpc, "CidrBlock": "10.1.0.0/16" });
    assert_eq!(
        world.code("AssociateVpcCidrBlock", more).await,
        "UnsupportedOperation"
    );
    let found = world.ask("DescribeVpcs", json!({ "VpcIds": [world.vpc] })).await;
    let id: &Value = &found["Vpcs"][0]["CidrBlockAssociationSet"][0]["AssociationId"];
    let first = json!({ "AssociationId": id });
    assert_eq!(
        world.code("DisassociateVpcCidrBlock", first).await,
        "OperationNotPermitted"
    );
    let other = json!({ "AssociationId": "vpc-cidr-assoc-0" });
    let code = world.code("DisassociateVpcCidrBlock", other).await;
    assert_eq!(code, "InvalidVpcCidrBlockAssociationID.NotFound");
}
