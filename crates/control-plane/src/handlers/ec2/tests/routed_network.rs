//! A network to ask about: a VPC with two subnets, asked as clients ask.

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

pub struct World {
    fixture: Fixture,
    /// Of 10.0.0.0/16.
    pub vpc: String,
    /// 10.0.1.0/24 in the zone a.
    pub subnet: String,
    /// 10.0.2.0/24 in the zone b.
    pub other_subnet: String,
}

impl World {
    pub async fn new() -> Self {
        let mut world = Self {
            fixture: Fixture::new().await,
            vpc: String::new(),
            subnet: String::new(),
            other_subnet: String::new(),
        };
        world.vpc = world.new_vpc("10.0.0.0/16").await;
        world.subnet = world.new_subnet("10.0.1.0/24", "us-east-1a").await;
        world.other_subnet = world.new_subnet("10.0.2.0/24", "us-east-1b").await;
        world
    }

    pub async fn new_vpc(&self, range: &str) -> String {
        let made = self.ask("CreateVpc", json!({ "CidrBlock": range })).await;
        text(&made["vpc"]["vpcId"])
    }

    pub async fn new_subnet(&self, range: &str, zone: &str) -> String {
        let input = json!({ "VpcId": self.vpc, "CidrBlock": range, "AvailabilityZone": zone });
        text(&self.ask("CreateSubnet", input).await["subnet"]["subnetId"])
    }

    pub async fn ask(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of("ec2", operation, input).await
    }

    /// Code and message of a refusal.
    pub async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture.refused_of("ec2", operation, input).await
    }

    pub async fn code(&self, operation: &str, input: Value) -> String {
        self.refused(operation, input).await.0
    }

    /// An internet gateway that is attached to the VPC.
    pub async fn gateway(&self) -> String {
        let made = self.ask("CreateInternetGateway", json!({})).await;
        let id = text(&made["internetGateway"]["internetGatewayId"]);
        let input = json!({ "InternetGatewayId": id, "VpcId": self.vpc });
        self.ask("AttachInternetGateway", input).await;
        id
    }

    /// A route table of the VPC.
    pub async fn table(&self) -> String {
        let made = self.ask("CreateRouteTable", json!({ "VpcId": self.vpc })).await;
        text(&made["routeTable"]["routeTableId"])
    }

    /// The main route table of the VPC and its association.
    pub async fn main_table(&self) -> (String, String) {
        let filters = json!([
            { "Name": "vpc-id", "Value": [self.vpc] },
            { "Name": "association.main", "Value": ["true"] },
        ]);
        let found = self
            .ask("DescribeRouteTables", json!({ "Filter": filters }))
            .await;
        let table = &found["routeTableSet"][0];
        let association = text(&table["associationSet"][0]["routeTableAssociationId"]);
        (text(&table["routeTableId"]), association)
    }

    /// A route table as it is told.
    pub async fn told_table(&self, id: &str) -> Value {
        let found = self
            .ask("DescribeRouteTables", json!({ "RouteTableId": [id] }))
            .await;
        found["routeTableSet"][0].clone()
    }

    /// An elastic address: its allocation.
    pub async fn address(&self) -> String {
        text(&self.ask("AllocateAddress", json!({ "Domain": "vpc" })).await["allocationId"])
    }

    /// A public NAT gateway in the subnet.
    pub async fn nat(&self, allocation: &str) -> String {
        let input = json!({ "SubnetId": self.subnet, "AllocationId": allocation });
        text(&self.ask("CreateNatGateway", input).await["natGateway"]["natGatewayId"])
    }

    /// A network interface in the subnet.
    pub async fn interface(&self) -> String {
        let made = self
            .ask("CreateNetworkInterface", json!({ "SubnetId": self.subnet }))
            .await;
        text(&made["networkInterface"]["networkInterfaceId"])
    }

    /// How many addresses the subnet has left.
    pub async fn free(&self) -> i64 {
        let found = self
            .ask("DescribeSubnets", json!({ "SubnetId": [self.subnet] }))
            .await;
        let free = &found["subnetSet"][0]["availableIpAddressCount"];
        free.as_i64().unwrap_or_default()
    }
}

/// Values of a member of all items.
pub fn all(items: &Value, member: &str) -> Vec<String> {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|it| text(&it[member])).collect()
}
