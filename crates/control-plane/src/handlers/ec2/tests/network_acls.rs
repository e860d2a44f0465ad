//! Network ACLs and their entries.

use serde_json::{Value, json};

use super::routed_network::{World, all};
use crate::fixture::text;

async fn acl(world: &World) -> String {
    let made = world.ask("CreateNetworkAcl", json!({ "VpcId": world.vpc })).await;
    text(&made["networkAcl"]["networkAclId"])
}

async fn told(world: &World, id: &str) -> Value {
    let found = world
        .ask("DescribeNetworkAcls", json!({ "NetworkAclId": [id] }))
        .await;
    found["networkAclSet"][0].clone()
}

#[tokio::test]
async fn a_new_acl_denies_everything() {
    let world = World::new().await;
    let last = |egress: bool| {
        json!({
            "ruleNumber": 32767, "protocol": "-1", "ruleAction": "deny", "egress": egress, "cidrBlock": "0.0.0.0/0",
        })
    };
    let id = acl(&world).await;
    let told = told(&world, &id).await;
    assert_eq!(told["entrySet"], json!([last(true), last(false)]));
    assert_eq!(told["default"], false);
}

#[tokio::test]
async fn entries_are_kept_as_amazon_shows_them() {
    let world = World::new().await;
    let id = acl(&world).await;
    for (members, expected) in [
        (
            json!({ "RuleNumber": 200, "Protocol": "tcp", "PortRange": { "From": 80, "To": 443 } }),
            json!({ "protocol": "6", "portRange": { "from": 80, "to": 443 } }),
        ),
        (
            json!({ "RuleNumber": 100, "Protocol": "1", "Icmp": { "Type": 8, "Code": -1 } }),
            json!({ "protocol": "1", "icmpTypeCode": { "type": 8, "code": -1 } }),
        ),
        (
            json!({ "RuleNumber": 300, "Protocol": "50" }),
            json!({ "protocol": "50" }),
        ),
        (
            json!({ "RuleNumber": 400, "Protocol": "-1" }),
            json!({ "protocol": "-1" }),
        ),
    ] {
        let mut input = members.clone();
        input["NetworkAclId"] = json!(id);
        input["Egress"] = json!(false);
        input["RuleAction"] = json!("allow");
        input["CidrBlock"] = json!("10.1.2.3/8");
        world.ask("CreateNetworkAclEntry", input.clone()).await;
        assert_eq!(
            world.refused("CreateNetworkAclEntry", input).await,
            (
                "NetworkAclEntryAlreadyExists".to_owned(),
                format!(
                    "The network acl entry identified by {} already exists.",
                    members["RuleNumber"]
                )
            )
        );
        let entries = told(&world, &id).await["entrySet"].clone();
        let entries = entries.as_array().cloned().unwrap_or_default();
        let found = entries
            .iter()
            .find(|it| it["ruleNumber"] == members["RuleNumber"]);
        let found = found.cloned().unwrap_or_default();
        for (member, value) in expected.as_object().into_iter().flatten() {
            assert_eq!(&found[member], value, "{found}");
        }
        assert_eq!(found["cidrBlock"], "10.0.0.0/8");
    }
    let numbers: Vec<i64> = told(&world, &id).await["entrySet"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["ruleNumber"].as_i64())
        .collect();
    assert_eq!(numbers, [32767, 100, 200, 300, 400, 32767]);
}

#[tokio::test]
async fn entries_are_replaced_and_deleted_in_their_direction() {
    let world = World::new().await;
    let id = acl(&world).await;
    let entry = |egress: bool, action: &str| {
        json!({
            "NetworkAclId": id, "RuleNumber": 100, "Protocol": "-1", "Egress": egress, "RuleAction": action,
            "CidrBlock": "0.0.0.0/0",
        })
    };
    world.ask("CreateNetworkAclEntry", entry(false, "allow")).await;
    assert_eq!(
        world.code("ReplaceNetworkAclEntry", entry(true, "deny")).await,
        "InvalidNetworkAclEntry.NotFound"
    );
    world.ask("ReplaceNetworkAclEntry", entry(false, "deny")).await;
    assert_eq!(told(&world, &id).await["entrySet"][1]["ruleAction"], "deny");
    let delete = |egress: bool| json!({ "NetworkAclId": id, "RuleNumber": 100, "Egress": egress });
    assert_eq!(
        world.code("DeleteNetworkAclEntry", delete(true)).await,
        "InvalidNetworkAclEntry.NotFound"
    );
    world.ask("DeleteNetworkAclEntry", delete(false)).await;
    assert_eq!(
        world.code("DeleteNetworkAclEntry", delete(false)).await,
        "InvalidNetworkAclEntry.NotFound"
    );
    let last = json!({ "NetworkAclId": id, "RuleNumber": 32767, "Egress": false });
    assert_eq!(
        world.code("DeleteNetworkAclEntry", last).await,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn entries_that_make_no_sense_are_refused() {
    let world = World::new().await;
    let id = acl(&world).await;
    for (members, code) in [
        (json!({ "RuleNumber": 0 }), "InvalidParameterValue"),
        (json!({ "RuleNumber": 32767 }), "InvalidParameterValue"),
        (json!({ "Protocol": "sctp-ish" }), "InvalidParameterValue"),
        (json!({ "Protocol": "6" }), "MissingParameter"),
        (json!({ "Protocol": "1" }), "MissingParameter"),
        (
            json!({ "Protocol": "6", "PortRange": { "From": 2, "To": 1 } }),
            "InvalidParameterValue",
        ),
        (
            json!({ "Protocol": "17", "PortRange": { "From": 1, "To": 65536 } }),
            "InvalidParameterValue",
        ),
        (json!({ "CidrBlock": "10.0.0.0" }), "InvalidParameterValue"),
        (json!({ "CidrBlock": Value::Null }), "MissingParameter"),
        (json!({ "Ipv6CidrBlock": "::/0" }), "InvalidParameterCombination"),
        (json!({ "RuleAction": "maybe" }), "InvalidParameterValue"),
        (json!({ "NetworkAclId": "acl-0" }), "InvalidNetworkAclID.NotFound"),
        (json!({ "DryRun": true }), "DryRunOperation"),
    ] {
        let mut input = json!({
            "NetworkAclId": id, "RuleNumber": 100, "Protocol": "-1", "Egress": false, "RuleAction": "allow",
            "CidrBlock": "0.0.0.0/0",
        });
        for (member, value) in members.as_object().into_iter().flatten() {
            input[member] = value.clone();
        }
        assert_eq!(
            world.code("CreateNetworkAclEntry", input).await,
            code,
            "{members}"
        );
    }
}

#[tokio::test]
async fn a_subnet_obeys_one_acl() {
    let world = World::new().await;
    let filter = json!([{ "Name": "association.subnet-id", "Value": [world.subnet] }]);
    let found = world
        .ask("DescribeNetworkAcls", json!({ "Filter": filter }))
        .await;
    let default = found["networkAclSet"][0].clone();
    assert_eq!(default["default"], true);
    let default_id = text(&default["networkAclId"]);
    let associations = default["associationSet"].as_array().cloned().unwrap_or_default();
    let own = associations
        .iter()
        .find(|it| it["subnetId"] == world.subnet.as_str());
    let own = text(&own.cloned().unwrap_or_default()["networkAclAssociationId"]);
    let id = acl(&world).await;
    let replace = json!({ "AssociationId": own, "NetworkAclId": id });
    let new = text(&world.ask("ReplaceNetworkAclAssociation", replace.clone()).await["newAssociationId"]);
    assert_eq!(
        world.code("ReplaceNetworkAclAssociation", replace).await,
        "InvalidAssociationID.NotFound"
    );
    assert_eq!(
        world
            .code("DeleteNetworkAcl", json!({ "NetworkAclId": id }))
            .await,
        "DependencyViolation"
    );
    assert_eq!(
        world
            .refused("DeleteNetworkAcl", json!({ "NetworkAclId": default_id }))
            .await,
        (
            "InvalidParameterValue".to_owned(),
            format!("cannot delete default network ACL {default_id}")
        )
    );
    let back = json!({ "AssociationId": new, "NetworkAclId": default_id });
    world.ask("ReplaceNetworkAclAssociation", back).await;
    world.ask("DeleteNetworkAcl", json!({ "NetworkAclId": id })).await;
    let filter = json!([{ "Name": "vpc-id", "Value": [world.vpc] }]);
    let left = world
        .ask("DescribeNetworkAcls", json!({ "Filter": filter }))
        .await;
    assert_eq!(all(&left["networkAclSet"], "networkAclId"), [default_id]);
}
