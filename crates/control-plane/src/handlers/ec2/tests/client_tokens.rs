//! Calls that are repeated with their client token.

use serde_json::{Value, json};

use super::routed_network::World;
use crate::fixture::text;

/// Operations that take a token, an input of each, the member and id of their answer, and a change of the input.
fn creations(world: &World) -> Vec<(&'static str, Value, &'static str, Value)> {
    let (vpc, subnet) = (&world.vpc, &world.subnet);
    let tag = |kind: &str| json!([{ "ResourceType": kind, "Tag": [{ "Key": "team", "Value": "web" }] }]);
    let list = json!({ "PrefixListName": "office", "AddressFamily": "IPv4", "MaxEntries": 2 });
    let service = "com.amazonaws.us-east-1.ecs";
    let endpoint = json!({
        "VpcId": vpc, "ServiceName": service, "VpcEndpointType": "Interface", "PrivateDnsEnabled": false,
    });
    vec![
        (
            "CreateRouteTable",
            json!({ "VpcId": vpc }),
            "routeTable",
            json!({ "TagSpecification": tag("route-table") }),
        ),
        (
            "CreateNetworkAcl",
            json!({ "VpcId": vpc }),
            "networkAcl",
            json!({ "TagSpecification": tag("network-acl") }),
        ),
        (
            "CreateManagedPrefixList",
            list,
            "prefixList",
            json!({ "MaxEntries": 3 }),
        ),
        (
            "CreateNetworkInterface",
            json!({ "SubnetId": subnet }),
            "networkInterface",
            json!({ "Description": "another" }),
        ),
        (
            "CreateNatGateway",
            json!({ "SubnetId": subnet, "ConnectivityType": "private" }),
            "natGateway",
            json!({ "PrivateIpAddress": "10.0.1.99" }),
        ),
        (
            "CreateEgressOnlyInternetGateway",
            json!({ "VpcId": vpc }),
            "egressOnlyInternetGateway",
            json!({ "TagSpecification": tag("egress-only-internet-gateway") }),
        ),
        (
            "CreateVpcEndpoint",
            endpoint,
            "vpcEndpoint",
            json!({ "PolicyDocument": r#"{"Statement":[]}"# }),
        ),
    ]
}

#[tokio::test]
async fn what_has_a_token_is_made_once() {
    let world = World::new().await;
    for (operation, input, member, change) in creations(&world) {
        let id = |answer: &Value| text(&answer[member][format!("{member}Id")]);
        let first = id(&world.ask(operation, input.clone()).await);
        assert_ne!(
            id(&world.ask(operation, input.clone()).await),
            first,
            "{operation}"
        );
        let mut with_token = input.clone();
        with_token["ClientToken"] = json!("once");
        let made = id(&world.ask(operation, with_token.clone()).await);
        assert_ne!(made, first, "{operation}");
        assert_eq!(
            id(&world.ask(operation, with_token.clone()).await),
            made,
            "{operation}"
        );
        let mut other = with_token.clone();
        for (name, value) in change.as_object().into_iter().flatten() {
            other[name] = value.clone();
        }
        let code = world.code(operation, other).await;
        assert_eq!(code, "IdempotentParameterMismatch", "{operation}");
        with_token["ClientToken"] = json!("x".repeat(65));
        let code = world.code(operation, with_token).await;
        assert_eq!(code, "InvalidParameterValue", "{operation}");
    }
}
