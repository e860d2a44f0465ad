//! What tests of networks begin with: a control plane, and a VPC beside the default one.

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

pub const EC2: &str = "ec2";

/// Names of members on the wire whose names for users are others.
const NAMES: [(&str, &str); 13] = [
    ("availabilityZoneInfo", "AvailabilityZones"),
    ("groupDescription", "Description"),
    ("groupSet", "Groups"),
    ("groups", "UserIdGroupPairs"),
    ("networkInterfaceSet", "NetworkInterfaces"),
    ("privateIpAddressesSet", "PrivateIpAddresses"),
    ("revokedSecurityGroupRuleSet", "RevokedSecurityGroupRules"),
    ("securityGroupInfo", "SecurityGroups"),
    ("securityGroupRuleSet", "SecurityGroupRules"),
    ("subnetSet", "Subnets"),
    ("tagSet", "Tags"),
    ("unknownIpPermissionSet", "UnknownIpPermissions"),
    ("vpcSet", "Vpcs"),
];

/// An answer as clients show it to users: they say `Vpcs` where the wire says `vpcSet`.
pub fn as_shown(answer: Value) -> Value {
    match answer {
        Value::Object(members) => {
            let shown = members.into_iter().map(|(name, value)| {
                let known = NAMES.iter().find(|(wire, _)| *wire == name);
                let upper = || name[..1].to_ascii_uppercase() + &name[1..];
                let name = known.map_or_else(upper, |(_, shown)| (*shown).to_owned());
                (name, as_shown(value))
            });
            Value::Object(shown.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(as_shown).collect()),
        other => other,
    }
}

/// Lists whose names on the wire are those of their items, or others.
const LISTS: [(&str, &str); 16] = [
    ("Filters", "Filter"),
    ("GroupIds", "GroupId"),
    ("GroupNames", "GroupName"),
    ("Groups", "SecurityGroupId"),
    ("NetworkInterfaceIds", "NetworkInterfaceId"),
    ("PrivateIpAddresses", "PrivateIpAddress"),
    ("Resources", "ResourceId"),
    ("SecurityGroupRuleDescriptions", "SecurityGroupRuleDescription"),
    ("SecurityGroupRuleIds", "SecurityGroupRuleId"),
    ("SecurityGroupRules", "SecurityGroupRule"),
    ("SubnetIds", "SubnetId"),
    ("TagSpecifications", "TagSpecification"),
    ("Tags", "Tag"),
    ("UserIdGroupPairs", "Groups"),
    ("Values", "Value"),
    ("VpcIds", "VpcId"),
];

/// What users say as clients send it: `VpcId` several times where users say `VpcIds`.
pub fn as_sent(operation: &str, input: Value) -> Value {
    match input {
        Value::Object(members) => {
            let sent = members.into_iter().map(|(name, value)| {
                let list = LISTS.iter().find(|(shown, _)| *shown == name && value.is_array());
                let name = match (operation, name.as_str(), list) {
                    ("CreateSecurityGroup", "Description", _) => "GroupDescription".to_owned(),
                    (_, _, Some((_, wire))) => (*wire).to_owned(),
                    _ => name,
                };
                (name, as_sent(operation, value))
            });
            Value::Object(sent.collect())
        }
        Value::Array(items) => {
            let items = items.into_iter().map(|it| as_sent(operation, it));
            Value::Array(items.collect())
        }
        other => other,
    }
}

pub struct World {
    pub fixture: Fixture,
    /// The default VPC.
    pub default_vpc: String,
    /// 10.0.0.0/16
    pub vpc: String,
    /// 10.0.1.0/24 of it, in `us-east-1a`.
    pub subnet: String,
}

impl World {
    pub async fn new() -> Self {
        let fixture = Fixture::new().await;
        let ask = async |operation: &str, input| {
            as_shown(fixture.ask_of(EC2, operation, as_sent(operation, input)).await)
        };
        let default = ask("CreateDefaultVpc", json!({})).await;
        let made = ask("CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" })).await;
        let vpc = text(&made["Vpc"]["VpcId"]);
        let subnet = json!({ "VpcId": vpc, "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1a" });
        let subnet = ask("CreateSubnet", subnet).await;
        Self {
            default_vpc: text(&default["Vpc"]["VpcId"]),
            subnet: text(&subnet["Subnet"]["SubnetId"]),
            vpc,
            fixture,
        }
    }

    pub async fn ask(&self, operation: &str, input: Value) -> Value {
        as_shown(
            self.fixture
                .ask_of(EC2, operation, as_sent(operation, input))
                .await,
        )
    }

    pub async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture
            .refused_of(EC2, operation, as_sent(operation, input))
            .await
    }

    /// The code of a refusal.
    pub async fn code(&self, operation: &str, input: Value) -> String {
        self.refused(operation, input).await.0
    }

    /// A security group of the VPC.
    pub async fn group(&self, name: &str) -> String {
        let input = json!({ "GroupName": name, "Description": "of a test", "VpcId": self.vpc });
        text(&self.ask("CreateSecurityGroup", input).await["GroupId"])
    }

    /// What a Describe operation finds by a filter: how many.
    pub async fn count(&self, operation: &str, member: &str, filter: (&str, &str)) -> usize {
        let filters = json!({ "Filters": [{ "Name": filter.0, "Values": [filter.1] }] });
        let found = self.ask(operation, filters).await;
        found[member].as_array().map_or(0, Vec::len)
    }
}
