//! A network put together as Amazon's documentation puts it together, and taken down again, with the AWS CLI and boto3.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::world::{World, text};

/// A VPC of one's own with a public and a private subnet.
struct Network<'a> {
    world: &'a World,
    vpc: String,
    public: String,
    private: String,
    gateway: String,
}

impl<'a> Network<'a> {
    fn new(world: &'a World) -> Result<Self> {
        let mut network = Self {
            world,
            vpc: String::new(),
            public: String::new(),
            private: String::new(),
            gateway: String::new(),
        };
        network.vpc = network.id(&["create-vpc", "--cidr-block", "10.20.0.0/16"], "Vpc.VpcId")?;
        network.public = network.subnet("10.20.1.0/24")?;
        network.private = network.subnet("10.20.2.0/24")?;
        network.gateway = network.id(&["create-internet-gateway"], "InternetGateway.InternetGatewayId")?;
        let attach = [
            "--internet-gateway-id",
            &network.gateway,
            "--vpc-id",
            &network.vpc,
        ];
        network.ec2(&[&["attach-internet-gateway"], &attach[..]].concat())?;
        Ok(network)
    }

    fn ec2(&self, arguments: &[&str]) -> Result<Value> {
        self.world.aws.json(&[&["ec2"], arguments].concat())
    }

    fn id(&self, arguments: &[&str], query: &str) -> Result<String> {
        let id = self.ec2(&[arguments, &["--query", query]].concat())?;
        Ok(text(&id))
    }

    fn subnet(&self, range: &str) -> Result<String> {
        let of_vpc = ["create-subnet", "--vpc-id", &self.vpc, "--cidr-block", range];
        self.id(&of_vpc, "Subnet.SubnetId")
    }

    /// Fails as Amazon says.
    fn refused(&self, code: &str, arguments: &[&str]) -> Result<()> {
        let message = self.world.aws.error(&[&["ec2"], arguments].concat())?;
        assert!(message.contains(&format!("({code})")), "{arguments:?}: {message}");
        Ok(())
    }

    /// A route table for a subnet, with a way to everywhere.
    fn routed(&self, subnet: &str, target: [&str; 2]) -> Result<(String, String)> {
        let table = self.id(
            &["create-route-table", "--vpc-id", &self.vpc],
            "RouteTable.RouteTableId",
        )?;
        let to = [
            "--route-table-id",
            &table,
            "--destination-cidr-block",
            "0.0.0.0/0",
        ];
        let route = self.ec2(&[&["create-route"], &to[..], &target[..]].concat())?;
        assert_eq!(route["Return"], true);
        let with = ["--route-table-id", &table, "--subnet-id", subnet];
        let association = self.id(&[&["associate-route-table"], &with[..]].concat(), "AssociationId")?;
        Ok((table, association))
    }

    fn detach(&self) -> [&str; 5] {
        [
            "detach-internet-gateway",
            "--internet-gateway-id",
            &self.gateway,
            "--vpc-id",
            &self.vpc,
        ]
    }

    /// Nothing goes that something else needs.
    fn refuse_the_wrong_order(&self, table: &str, allocation: &str) -> Result<()> {
        self.refused("DependencyViolation", &self.detach())?;
        self.refused(
            "DependencyViolation",
            &["delete-route-table", "--route-table-id", table],
        )?;
        self.refused(
            "DependencyViolation",
            &["delete-subnet", "--subnet-id", &self.public],
        )?;
        self.refused("DependencyViolation", &["delete-vpc", "--vpc-id", &self.vpc])?;
        self.refused(
            "InvalidIPAddress.InUse",
            &["release-address", "--allocation-id", allocation],
        )
    }
}

#[test]
fn a_network_with_a_private_subnet_is_made_and_taken_down() -> Result<()> {
    let world = World::with(&["--elastic-addresses", "198.51.100.0/30"])?;
    let network = Network::new(&world)?;
    let (public, public_association) = network.routed(&network.public, ["--gateway-id", &network.gateway])?;
    let allocation = network.id(&["allocate-address", "--domain", "vpc"], "AllocationId")?;
    let create = [
        "create-nat-gateway",
        "--subnet-id",
        &network.public,
        "--allocation-id",
        &allocation,
    ];
    let nat = network.id(&create, "NatGateway.NatGatewayId")?;
    network.ec2(&["wait", "nat-gateway-available", "--nat-gateway-ids", &nat])?;
    let (private, private_association) = network.routed(&network.private, ["--nat-gateway-id", &nat])?;

    let of_subnet = format!("Name=association.subnet-id,Values={}", network.private);
    let routes = network.ec2(&[
        "describe-route-tables",
        "--filters",
        &of_subnet,
        "--query",
        "RouteTables[0].Routes",
    ])?;
    let targets = [&routes[0]["GatewayId"], &routes[1]["NatGatewayId"]];
    assert_eq!(
        targets,
        [&Value::from("local"), &Value::from(nat.as_str())],
        "{routes:#}"
    );
    let address = network.ec2(&["describe-addresses", "--allocation-ids", &allocation])?;
    let address = text(&address["Addresses"][0]["PublicIp"]);
    assert!(
        ["198.51.100.1", "198.51.100.2"].contains(&address.as_str()),
        "{address}"
    );

    let detach = network.detach();
    network.refuse_the_wrong_order(&public, &allocation)?;
    // The right one.
    network.ec2(&["delete-nat-gateway", "--nat-gateway-id", &nat])?;
    network.ec2(&["wait", "nat-gateway-deleted", "--nat-gateway-ids", &nat])?;
    let routes = network.ec2(&["describe-route-tables", "--route-table-ids", &private])?;
    assert_eq!(
        routes["RouteTables"][0]["Routes"][1]["State"], "blackhole",
        "{routes:#}"
    );
    network.ec2(&["release-address", "--allocation-id", &allocation])?;
    for (table, association) in [(&public, &public_association), (&private, &private_association)] {
        network.ec2(&["disassociate-route-table", "--association-id", association])?;
        network.ec2(&["delete-route-table", "--route-table-id", table])?;
    }
    network.ec2(&detach)?;
    network.ec2(&[
        "delete-internet-gateway",
        "--internet-gateway-id",
        &network.gateway,
    ])?;
    network.ec2(&["delete-subnet", "--subnet-id", &network.public])?;
    network.ec2(&["delete-subnet", "--subnet-id", &network.private])?;
    network.ec2(&["delete-vpc", "--vpc-id", &network.vpc])?;
    network.refused(
        "InvalidVpcID.NotFound",
        &["describe-vpcs", "--vpc-ids", &network.vpc],
    )
}

const BOTO3: &str = r#"
import boto3, botocore, sys
ec2 = boto3.client("ec2")
def refused(code, call, **members):
    try:
        call(**members)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(code)
vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.30.1.0/24")["Subnet"]["SubnetId"]

tags = [{"ResourceType": "network-acl", "Tags": [{"Key": "Name", "Value": "web"}]}]
acl = ec2.create_network_acl(VpcId=vpc, TagSpecifications=tags)["NetworkAcl"]["NetworkAclId"]
entry = dict(NetworkAclId=acl, RuleNumber=100, Protocol="6", RuleAction="allow", Egress=False,
    CidrBlock="0.0.0.0/0", PortRange={"From": 80, "To": 443})
ec2.create_network_acl_entry(**entry)
refused("NetworkAclEntryAlreadyExists", ec2.create_network_acl_entry, **entry)
found = ec2.describe_network_acls(Filters=[{"Name": "tag:Name", "Values": ["web"]}])["NetworkAcls"]
assert [it["NetworkAclId"] for it in found] == [acl], found
numbers = [(it["Egress"], it["RuleNumber"]) for it in found[0]["Entries"]]
assert numbers == [(True, 32767), (False, 100), (False, 32767)], numbers
by_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
default = ec2.describe_network_acls(Filters=by_subnet)["NetworkAcls"][0]
association = [it for it in default["Associations"] if it["SubnetId"] == subnet][0]["NetworkAclAssociationId"]
new = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
refused("DependencyViolation", ec2.delete_network_acl, NetworkAclId=acl)
ec2.replace_network_acl_association(AssociationId=new, NetworkAclId=default["NetworkAclId"])
ec2.delete_network_acl(NetworkAclId=acl)

options = [{"Key": "domain-name", "Values": ["example.internal"]}]
dhcp = ec2.create_dhcp_options(DhcpConfigurations=options)["DhcpOptions"]["DhcpOptionsId"]
ec2.associate_dhcp_options(DhcpOptionsId=dhcp, VpcId=vpc)
assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"] == dhcp
refused("DependencyViolation", ec2.delete_dhcp_options, DhcpOptionsId=dhcp)

pl = ec2.create_managed_prefix_list(PrefixListName="office", AddressFamily="IPv4", MaxEntries=5,
    Entries=[{"Cidr": "192.0.2.0/24"}])["PrefixList"]
refused("PrefixListVersionMismatch", ec2.modify_managed_prefix_list, PrefixListId=pl["PrefixListId"],
    CurrentVersion=7, AddEntries=[{"Cidr": "198.51.100.0/24"}])
ec2.modify_managed_prefix_list(PrefixListId=pl["PrefixListId"], CurrentVersion=1, AddEntries=[{"Cidr": "198.51.100.0/24"}])
pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=pl["PrefixListId"])
ranges = [it["Cidr"] for page in pages for it in page["Entries"]]
assert ranges == ["192.0.2.0/24", "198.51.100.0/24"], ranges

endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.ecr.api",
    VpcEndpointType="Interface", SubnetIds=[subnet], PrivateDnsEnabled=False)["VpcEndpoint"]
assert endpoint["State"] == "available" and len(endpoint["NetworkInterfaceIds"]) == 1, endpoint
refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
assert ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["Unsuccessful"] == []
tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(7)]
pages = ec2.get_paginator("describe_route_tables").paginate(
    Filters=[{"Name": "vpc-id", "Values": [vpc]}], PaginationConfig={"PageSize": 5})
pages = [page["RouteTables"] for page in pages]
assert [len(it) for it in pages] == [5, 3], pages
refused("DryRunOperation", ec2.create_route_table, VpcId=vpc, DryRun=True)
for table in tables:
    ec2.delete_route_table(RouteTableId=table)
ec2.delete_managed_prefix_list(PrefixListId=pl["PrefixListId"])
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
ec2.delete_dhcp_options(DhcpOptionsId=dhcp)
print("done")
"#;

#[test]
fn boto3_makes_acls_options_lists_and_endpoints() -> Result<()> {
    let world = World::new()?;
    let mut command = world.aws.program("python3");
    let output = command
        .args(["-c", BOTO3])
        .output()
        .context("cannot run python3")?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert_eq!(said, "done", "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
