//! Internet gateways, NAT gateways, elastic addresses and egress-only gateways.

use serde_json::json;

use super::routed_network::{World, all};
use crate::fixture::text;

#[tokio::test]
async fn a_vpc_has_one_internet_gateway() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let told = world
        .ask(
            "DescribeInternetGateways",
            json!({ "InternetGatewayId": [gateway] }),
        )
        .await;
    let attachment = json!([{ "vpcId": world.vpc, "state": "available" }]);
    assert_eq!(told["internetGatewaySet"][0]["attachmentSet"], attachment);
    let attach = |id: &str, vpc: &str| json!({ "InternetGatewayId": id, "VpcId": vpc });
    assert_eq!(
        world
            .refused("AttachInternetGateway", attach(&gateway, &world.vpc))
            .await,
        (
            "Resource.AlreadyAssociated".to_owned(),
            format!("resource {gateway} is already attached to network {}", world.vpc)
        )
    );
    let other = world.ask("CreateInternetGateway", json!({})).await;
    let other = text(&other["internetGateway"]["internetGatewayId"]);
    assert_eq!(
        world
            .refused("AttachInternetGateway", attach(&other, &world.vpc))
            .await
            .1,
        format!("Network {} already has an internet gateway attached", world.vpc)
    );
    assert_eq!(
        world
            .code("DetachInternetGateway", attach(&other, &world.vpc))
            .await,
        "Gateway.NotAttached"
    );
    assert_eq!(
        world
            .code("AttachInternetGateway", attach("igw-0", &world.vpc))
            .await,
        "InvalidInternetGatewayID.NotFound"
    );
    assert_eq!(
        world
            .code("DeleteInternetGateway", json!({ "InternetGatewayId": gateway }))
            .await,
        "DependencyViolation"
    );
    world
        .ask("DeleteInternetGateway", json!({ "InternetGatewayId": other }))
        .await;
    world
        .ask("DetachInternetGateway", attach(&gateway, &world.vpc))
        .await;
    world
        .ask("DeleteInternetGateway", json!({ "InternetGatewayId": gateway }))
        .await;
}

#[tokio::test]
async fn a_nat_gateway_holds_its_addresses_until_it_is_deleted() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let (free, allocation) = (world.free().await, world.address().await);
    let nat = world.nat(&allocation).await;
    assert_eq!(world.free().await, free - 1);
    let told = world
        .ask("DescribeNatGateways", json!({ "NatGatewayId": [nat] }))
        .await;
    let told = &told["natGatewaySet"][0];
    assert_eq!(
        (&told["state"], &told["connectivityType"]),
        (&json!("available"), &json!("public"))
    );
    assert_eq!(
        told["natGatewayAddressSet"][0]["allocationId"],
        allocation.as_str()
    );
    let detach = json!({ "InternetGatewayId": gateway, "VpcId": world.vpc });
    let (code, message) = world.refused("DetachInternetGateway", detach.clone()).await;
    assert_eq!(code, "DependencyViolation");
    assert!(
        message.contains("has some mapped public address(es)"),
        "{message}"
    );
    assert_eq!(
        world
            .code("ReleaseAddress", json!({ "AllocationId": allocation }))
            .await,
        "InvalidIPAddress.InUse"
    );
    assert_eq!(
        world
            .code("DeleteSubnet", json!({ "SubnetId": world.subnet }))
            .await,
        "DependencyViolation"
    );
    let again = json!({ "SubnetId": world.subnet, "AllocationId": allocation });
    assert_eq!(
        world.code("CreateNatGateway", again).await,
        "Resource.AlreadyAssociated"
    );

    let table = world.table().await;
    let route = json!({ "RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat });
    world.ask("CreateRoute", route).await;
    world
        .ask("DeleteNatGateway", json!({ "NatGatewayId": nat }))
        .await;
    assert_eq!(
        world.told_table(&table).await["routeSet"][1]["state"],
        "blackhole"
    );
    assert_eq!(world.free().await, free);
    let deleted = json!([{ "Name": "state", "Value": ["deleted"] }]);
    let found = world
        .ask("DescribeNatGateways", json!({ "Filter": deleted }))
        .await;
    assert_eq!(all(&found["natGatewaySet"], "natGatewayId"), [nat]);
    world
        .ask("ReleaseAddress", json!({ "AllocationId": allocation }))
        .await;
    world.ask("DetachInternetGateway", detach).await;
}

#[tokio::test]
async fn the_interface_of_a_nat_gateway_shows_its_elastic_address() {
    let world = World::new().await;
    world.gateway().await;
    let allocation = world.address().await;
    let nat = json!({ "NatGatewayId": [world.nat(&allocation).await] });
    let told = world.ask("DescribeNatGateways", nat).await;
    let told = &told["natGatewaySet"][0];
    let public = text(&told["natGatewayAddressSet"][0]["publicIp"]);
    for (name, value) in [
        ("association.allocation-id", &allocation),
        ("association.public-ip", &public),
        ("addresses.association.public-ip", &public),
        ("addresses.association.owner-id", &"123456789012".to_owned()),
    ] {
        let filter = json!([{ "Name": name, "Value": [value] }]);
        let found = world
            .ask("DescribeNetworkInterfaces", json!({ "Filter": filter }))
            .await;
        let found = &found["networkInterfaceSet"][0];
        assert_eq!(
            found["networkInterfaceId"], told["natGatewayAddressSet"][0]["networkInterfaceId"],
            "{name}"
        );
        assert_eq!(found["association"]["publicIp"], public.as_str());
        assert_eq!(
            found["association"]["associationId"],
            told["natGatewayAddressSet"][0]["associationId"]
        );
    }
}

#[tokio::test]
async fn a_nat_gateway_needs_what_amazon_says() {
    let world = World::new().await;
    let allocation = world.address().await;
    let subnet = world.subnet.as_str();
    for (input, code) in [
        (json!({ "AllocationId": allocation }), "MissingParameter"),
        (json!({ "SubnetId": subnet }), "MissingParameter"),
        (
            json!({ "SubnetId": "subnet-0", "AllocationId": allocation }),
            "InvalidSubnetID.NotFound",
        ),
        (
            json!({ "SubnetId": subnet, "AllocationId": "eipalloc-0" }),
            "InvalidAllocationID.NotFound",
        ),
        (
            json!({ "SubnetId": subnet, "AllocationId": allocation }),
            "Gateway.NotAttached",
        ),
        (
            json!({ "SubnetId": subnet, "AllocationId": allocation, "ConnectivityType": "private" }),
            "InvalidParameterCombination",
        ),
        (
            json!({ "SubnetId": subnet, "ConnectivityType": "private", "PrivateIpAddress": "10.0.9.9" }),
            "InvalidParameterValue",
        ),
    ] {
        assert_eq!(
            world.code("CreateNatGateway", input.clone()).await,
            code,
            "{input}"
        );
    }
    let private = json!({
        "SubnetId": subnet, "ConnectivityType": "private", "PrivateIpAddress": "10.0.1.9", "ClientToken": "once",
    });
    let made = world.ask("CreateNatGateway", private.clone()).await;
    let again = world.ask("CreateNatGateway", private).await;
    assert_eq!(made["natGateway"], again["natGateway"]);
    assert_eq!(
        made["natGateway"]["natGatewayAddressSet"][0]["privateIp"],
        "10.0.1.9"
    );
    assert_eq!(
        world
            .refused("DeleteNatGateway", json!({ "NatGatewayId": "nat-0" }))
            .await,
        (
            "NatGatewayNotFound".to_owned(),
            "The Nat Gateway nat-0 was not found".to_owned()
        )
    );
}

#[tokio::test]
async fn elastic_addresses_go_from_one_interface_to_another() {
    let world = World::new().await;
    let allocation = world.address().await;
    let (one, other) = (world.interface().await, world.interface().await);
    let with = |interface: &str| json!({ "AllocationId": allocation, "NetworkInterfaceId": interface });
    assert_eq!(
        world.code("AssociateAddress", with(&one)).await,
        "Gateway.NotAttached"
    );
    world.gateway().await;
    let association = text(&world.ask("AssociateAddress", with(&one)).await["associationId"]);
    assert_eq!(
        world.ask("AssociateAddress", with(&one)).await["associationId"],
        association.as_str()
    );
    let mut kept = with(&other);
    kept["AllowReassociation"] = json!(false);
    assert_eq!(
        world.refused("AssociateAddress", kept).await,
        (
            "Resource.AlreadyAssociated".to_owned(),
            format!("resource {allocation} is already associated with associate-id {association}")
        )
    );
    let mut moved = with(&one);
    text(&world.ask("AssociateAddress", with(&other)).await["associationId"]);
    moved["AllowReassociation"] = json!(true);
    text(&world.ask("AssociateAddress", moved).await["associationId"]);
    let association = text(&world.ask("AssociateAddress", with(&other)).await["associationId"]);
    let filter = json!([{ "Name": "network-interface-id", "Value": [other] }]);
    let found = world.ask("DescribeAddresses", json!({ "Filter": filter })).await;
    assert_eq!(
        all(&found["addressesSet"], "associationId"),
        std::slice::from_ref(&association)
    );
    world
        .ask("DisassociateAddress", json!({ "AssociationId": association }))
        .await;
    assert_eq!(
        world
            .code("DisassociateAddress", json!({ "AssociationId": association }))
            .await,
        "InvalidAssociationID.NotFound"
    );
    let nat = world.nat(&allocation).await;
    let held = world
        .ask("DescribeAddresses", json!({ "AllocationId": [allocation] }))
        .await;
    let held = text(&held["addressesSet"][0]["associationId"]);
    assert_eq!(
        world
            .code("DisassociateAddress", json!({ "AssociationId": held }))
            .await,
        "AuthFailure"
    );
    world
        .ask("DeleteNatGateway", json!({ "NatGatewayId": nat }))
        .await;
}

#[tokio::test]
async fn addresses_come_out_of_the_range_once() {
    let world = World::new().await;
    let wanted = json!({ "Address": "203.0.113.254" });
    assert_eq!(
        world.ask("AllocateAddress", wanted.clone()).await["publicIp"],
        "203.0.113.254"
    );
    assert_eq!(
        world.code("AllocateAddress", wanted).await,
        "InvalidAddress.NotFound"
    );
    assert_eq!(
        world
            .code("AllocateAddress", json!({ "Address": "203.0.113.255" }))
            .await,
        "InvalidAddress.NotFound"
    );
    for _ in 0..253 {
        world.ask("AllocateAddress", json!({})).await;
    }
    assert_eq!(
        world.code("AllocateAddress", json!({})).await,
        "AddressLimitExceeded"
    );
    let found = world.ask("DescribeAddresses", json!({})).await;
    let mut addresses = all(&found["addressesSet"], "publicIp");
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 254);
    let one = json!({ "PublicIp": ["203.0.113.7"] });
    assert_eq!(
        all(
            &world.ask("DescribeAddresses", one).await["addressesSet"],
            "publicIp"
        ),
        ["203.0.113.7"]
    );
    world
        .ask("ReleaseAddress", json!({ "PublicIp": "203.0.113.7" }))
        .await;
    assert_eq!(
        world.ask("AllocateAddress", json!({})).await["publicIp"],
        "203.0.113.7"
    );
}

#[tokio::test]
async fn an_egress_only_gateway_takes_ipv6_routes() {
    let world = World::new().await;
    let input = json!({ "VpcId": world.vpc, "ClientToken": "once" });
    let made = world.ask("CreateEgressOnlyInternetGateway", input.clone()).await;
    let id = text(&made["egressOnlyInternetGateway"]["egressOnlyInternetGatewayId"]);
    assert_eq!(
        world.ask("CreateEgressOnlyInternetGateway", input).await["egressOnlyInternetGateway"],
        made["egressOnlyInternetGateway"]
    );
    let table = world.table().await;
    let route = |member: &str, range: &str| {
        let mut it = json!({ "RouteTableId": table, "EgressOnlyInternetGatewayId": id });
        it[member] = json!(range);
        it
    };
    let ipv4 = route("DestinationCidrBlock", "0.0.0.0/0");
    assert_eq!(world.code("CreateRoute", ipv4).await, "InvalidParameterValue");
    world
        .ask("CreateRoute", route("DestinationIpv6CidrBlock", "::/0"))
        .await;
    let told = world.told_table(&table).await;
    assert_eq!(told["routeSet"][1]["egressOnlyInternetGatewayId"], id.as_str());
    let none = json!({ "EgressOnlyInternetGatewayId": ["eigw-0"] });
    let none = world.ask("DescribeEgressOnlyInternetGateways", none).await;
    assert_eq!(none["egressOnlyInternetGatewaySet"], json!([]));
    let delete = json!({ "EgressOnlyInternetGatewayId": id });
    world.ask("DeleteEgressOnlyInternetGateway", delete.clone()).await;
    assert_eq!(
        world.code("DeleteEgressOnlyInternetGateway", delete).await,
        "InvalidGatewayID.NotFound"
    );
}

#[tokio::test]
async fn an_address_is_free_when_its_interface_is_gone() {
    let world = World::new().await;
    world.gateway().await;
    let (allocation, interface) = (world.address().await, world.interface().await);
    let input = json!({ "AllocationId": allocation, "NetworkInterfaceId": interface });
    world.ask("AssociateAddress", input).await;
    let named = json!({ "NetworkInterfaceId": [interface] });
    let shown = world.ask("DescribeNetworkInterfaces", named).await;
    let shown = &shown["networkInterfaceSet"][0]["association"];
    assert_eq!(shown["allocationId"], allocation.as_str());
    world
        .ask(
            "DeleteNetworkInterface",
            json!({ "NetworkInterfaceId": interface }),
        )
        .await;
    world
        .ask("ReleaseAddress", json!({ "AllocationId": allocation }))
        .await;
}

#[tokio::test]
async fn tools_that_look_for_vpn_gateways_find_none() {
    let world = World::new().await;
    let of_vpc = |value: &str| json!({ "Filter": [{ "Name": "attachment.vpc-id", "Value": [value] }] });
    let found = world.ask("DescribeVpnGateways", of_vpc("vpc-1")).await;
    assert_eq!(found["vpnGatewaySet"], json!([]));
    for (operation, input, code) in [
        (
            "DescribeVpnGateways",
            json!({ "VpnGatewayId": ["vgw-0123456789abcdef0"] }),
            "InvalidVpnGatewayID.NotFound",
        ),
        (
            "DescribeVpnGateways",
            json!({ "Filter": [{ "Name": "nothing", "Value": ["x"] }] }),
            "InvalidParameterValue",
        ),
        (
            "DescribeVpcClassicLink",
            json!({ "VpcId": ["vpc-0123456789abcdef0"] }),
            "InvalidVpcID.NotFound",
        ),
    ] {
        assert_eq!(world.code(operation, input).await, code);
    }
    let links = world.ask("DescribeVpcClassicLink", json!({})).await;
    assert_eq!(links["vpcSet"], json!([]));
}
