//! Route tables, their routes and whom they serve.

use serde_json::{Value, json};

use super::routed_network::{World, all};
use crate::fixture::text;

#[tokio::test]
async fn a_table_knows_the_vpc_and_what_it_is_told() {
    let world = World::new().await;
    let (gateway, table) = (world.gateway().await, world.table().await);
    let route = json!({ "RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway });
    world.ask("CreateRoute", route.clone()).await;
    let told = world.told_table(&table).await;
    assert_eq!(
        told["routeSet"],
        json!([
            { "destinationCidrBlock": "10.0.0.0/16", "gatewayId": "local", "origin": "CreateRouteTable", "state": "active" },
            { "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway, "origin": "CreateRoute", "state": "active" },
        ])
    );
    assert_eq!(
        world.refused("CreateRoute", route).await,
        (
            "RouteAlreadyExists".to_owned(),
            "The route identified by 0.0.0.0/0 already exists.".to_owned()
        )
    );
    let detach = json!({ "InternetGatewayId": gateway, "VpcId": world.vpc });
    world.ask("DetachInternetGateway", detach).await;
    assert_eq!(
        world.told_table(&table).await["routeSet"][1]["state"],
        "blackhole"
    );
}

#[tokio::test]
async fn routes_are_replaced_and_deleted() {
    let world = World::new().await;
    let (gateway, table) = (world.gateway().await, world.table().await);
    let interface = world.interface().await;
    let of = |range: &str, member: &str, target: &str| {
        let mut input = json!({ "RouteTableId": table, "DestinationCidrBlock": range });
        input[member] = Value::from(target);
        input
    };
    // Bits behind the prefix are dropped.
    world
        .ask("CreateRoute", of("192.168.7.7/16", "GatewayId", &gateway))
        .await;
    let replaced = of("192.168.0.0/16", "NetworkInterfaceId", &interface);
    world.ask("ReplaceRoute", replaced).await;
    let told = world.told_table(&table).await;
    assert_eq!(told["routeSet"][1]["networkInterfaceId"], interface.as_str());
    let missing = of("172.16.0.0/12", "GatewayId", &gateway);
    assert_eq!(
        world.code("ReplaceRoute", missing.clone()).await,
        "InvalidParameterValue"
    );
    assert_eq!(
        world.refused("DeleteRoute", missing).await,
        (
            "InvalidRoute.NotFound".to_owned(),
            format!("no route with destination-cidr-block 172.16.0.0/12 in route table {table}")
        )
    );
    let local = json!({ "RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16" });
    assert_eq!(
        world.refused("DeleteRoute", local).await.1,
        format!("cannot remove local route 10.0.0.0/16 in route table {table}")
    );
    let made = json!({ "RouteTableId": table, "DestinationCidrBlock": "192.168.0.0/16" });
    world.ask("DeleteRoute", made).await;
    let told = world.told_table(&table).await;
    assert_eq!(told["routeSet"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn routes_that_lead_nowhere_are_refused() {
    let world = World::new().await;
    let (gateway, table) = (world.gateway().await, world.table().await);
    let other = world.ask("CreateInternetGateway", json!({})).await;
    let other = text(&other["internetGateway"]["internetGatewayId"]);
    for (members, code) in [
        (json!({}), "MissingParameter"),
        (json!({ "DestinationCidrBlock": "0.0.0.0/0" }), "MissingParameter"),
        (
            json!({ "DestinationCidrBlock": "x", "GatewayId": gateway }),
            "InvalidParameterValue",
        ),
        (
            json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0" }),
            "InvalidGatewayID.NotFound",
        ),
        (
            json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": other }),
            "InvalidParameterValue",
        ),
        (
            json!({ "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0" }),
            "InvalidNatGatewayID.NotFound",
        ),
        (
            json!({ "DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-0" }),
            "InvalidNetworkInterfaceID.NotFound",
        ),
        (
            json!({ "DestinationCidrBlock": "0.0.0.0/0", "VpcEndpointId": "vpce-0" }),
            "InvalidVpcEndpointId.NotFound",
        ),
        (
            json!({ "DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-0" }),
            "InvalidTransitGatewayID.NotFound",
        ),
        (
            json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway, "NatGatewayId": "nat-0" }),
            "InvalidParameterCombination",
        ),
        (
            json!({ "DestinationPrefixListId": "pl-0", "GatewayId": gateway }),
            "InvalidPrefixListID.NotFound",
        ),
        (
            json!({ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": gateway }),
            "RouteAlreadyExists",
        ),
        (
            json!({ "DestinationCidrBlock": "10.0.1.0/24", "GatewayId": gateway }),
            "InvalidParameterValue",
        ),
        (
            json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway, "DryRun": true }),
            "DryRunOperation",
        ),
    ] {
        let mut input = members.clone();
        input["RouteTableId"] = Value::from(table.as_str());
        assert_eq!(world.code("CreateRoute", input).await, code, "{members}");
    }
    let unknown =
        json!({ "RouteTableId": "rtb-0", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway });
    assert_eq!(
        world.refused("CreateRoute", unknown).await,
        (
            "InvalidRouteTableID.NotFound".to_owned(),
            "The routeTable ID 'rtb-0' does not exist".to_owned()
        )
    );
}

#[tokio::test]
async fn a_subnet_has_one_table() {
    let world = World::new().await;
    let (one, other) = (world.table().await, world.table().await);
    let with = |table: &str| json!({ "RouteTableId": table, "SubnetId": world.subnet });
    let made = world.ask("AssociateRouteTable", with(&one)).await;
    let association = text(&made["associationId"]);
    assert_eq!(made["associationState"]["state"], "associated");
    // Again, it is the same one.
    assert_eq!(
        world.ask("AssociateRouteTable", with(&one)).await["associationId"],
        association.as_str()
    );
    assert_eq!(
        world.refused("AssociateRouteTable", with(&other)).await,
        (
            "Resource.AlreadyAssociated".to_owned(),
            format!(
                "the specified association for route table {other} conflicts with an existing association"
            )
        )
    );
    assert_eq!(
        world
            .code("DeleteRouteTable", json!({ "RouteTableId": one }))
            .await,
        "DependencyViolation"
    );
    let replace = json!({ "AssociationId": association, "RouteTableId": other });
    let new = text(&world.ask("ReplaceRouteTableAssociation", replace).await["newAssociationId"]);
    assert_ne!(new, association);
    world
        .ask("DeleteRouteTable", json!({ "RouteTableId": one }))
        .await;
    let filter = json!([{ "Name": "association.subnet-id", "Value": [world.subnet] }]);
    let found = world
        .ask("DescribeRouteTables", json!({ "Filter": filter }))
        .await;
    assert_eq!(
        all(&found["routeTableSet"], "routeTableId"),
        std::slice::from_ref(&other)
    );
    world
        .ask("DisassociateRouteTable", json!({ "AssociationId": new }))
        .await;
    assert_eq!(
        world
            .code("DisassociateRouteTable", json!({ "AssociationId": new }))
            .await,
        "InvalidAssociationID.NotFound"
    );
    world
        .ask("DeleteRouteTable", json!({ "RouteTableId": other }))
        .await;
}

#[tokio::test]
async fn the_main_table_is_replaced_but_never_missing() {
    let world = World::new().await;
    let (main, association) = world.main_table().await;
    let new = world.table().await;
    assert_eq!(
        world
            .refused("DisassociateRouteTable", json!({ "AssociationId": association }))
            .await,
        (
            "InvalidParameterValue".to_owned(),
            format!("cannot disassociate the main route table association {association}")
        )
    );
    assert_eq!(
        world
            .code("DeleteRouteTable", json!({ "RouteTableId": main }))
            .await,
        "DependencyViolation"
    );
    let replace = json!({ "AssociationId": association, "RouteTableId": new });
    world.ask("ReplaceRouteTableAssociation", replace).await;
    assert_eq!(world.main_table().await.0, new);
    world
        .ask("DeleteRouteTable", json!({ "RouteTableId": main }))
        .await;
    let foreign = world.new_vpc("10.9.0.0/16").await;
    let foreign = world.ask("CreateRouteTable", json!({ "VpcId": foreign })).await;
    let replace = json!({
        "AssociationId": world.main_table().await.1,
        "RouteTableId": foreign["routeTable"]["routeTableId"],
    });
    assert_eq!(
        world.code("ReplaceRouteTableAssociation", replace).await,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn tags_of_tables_are_given_and_found() {
    let world = World::new().await;
    let tags = json!([{ "ResourceType": "route-table", "Tag": [{ "Key": "Name", "Value": "public" }] }]);
    let made = world
        .ask(
            "CreateRouteTable",
            json!({ "VpcId": world.vpc, "TagSpecification": tags }),
        )
        .await;
    let id = text(&made["routeTable"]["routeTableId"]);
    let filter = json!([{ "Name": "tag:Name", "Value": ["pub*"] }]);
    let found = world
        .ask("DescribeRouteTables", json!({ "Filter": filter }))
        .await;
    assert_eq!(all(&found["routeTableSet"], "routeTableId"), [id]);
    let page = world.ask("DescribeRouteTables", json!({ "MaxResults": 5 })).await;
    assert!(page["nextToken"].is_null(), "{page}");
}
