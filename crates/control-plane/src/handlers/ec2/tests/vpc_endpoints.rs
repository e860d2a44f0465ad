//! VPC endpoints, and the order in which a network is taken down.

use serde_json::json;

use super::routed_network::{World, all};
use crate::fixture::text;

const ECS: &str = "com.amazonaws.us-east-1.ecs";
const S3: &str = "com.amazonaws.us-east-1.s3";

#[tokio::test]
async fn a_gateway_endpoint_has_a_route_in_each_table() {
    let world = World::new().await;
    let (one, other) = (world.table().await, world.table().await);
    let input = json!({ "VpcId": world.vpc, "ServiceName": S3, "RouteTableId": [one] });
    let made = world.ask("CreateVpcEndpoint", input.clone()).await;
    let id = text(&made["vpcEndpoint"]["vpcEndpointId"]);
    assert_eq!(made["vpcEndpoint"]["vpcEndpointType"], "Gateway");
    assert_eq!(made["vpcEndpoint"]["state"], "available");
    let route = json!({
        "destinationPrefixListId": "pl-63a5400a", "gatewayId": id, "origin": "CreateRoute", "state": "active",
    });
    assert_eq!(world.told_table(&one).await["routeSet"][1], route);
    assert_eq!(
        world.refused("CreateVpcEndpoint", input).await,
        (
            "RouteAlreadyExists".to_owned(),
            format!("route table {one} already has a route with destination-prefix-list-id pl-63a5400a")
        )
    );
    let by_hand = json!({ "RouteTableId": one, "DestinationPrefixListId": "pl-63a5400a" });
    assert_eq!(world.code("DeleteRoute", by_hand).await, "InvalidParameterValue");
    let change = json!({ "VpcEndpointId": id, "AddRouteTableId": [other], "RemoveRouteTableId": [one] });
    world.ask("ModifyVpcEndpoint", change).await;
    let told = world
        .ask("DescribeVpcEndpoints", json!({ "VpcEndpointId": [id] }))
        .await;
    assert_eq!(told["vpcEndpointSet"][0]["routeTableIdSet"], json!([other]));
    let gone = world
        .ask("DeleteVpcEndpoints", json!({ "VpcEndpointId": [id, "vpce-0"] }))
        .await;
    assert_eq!(gone["unsuccessful"][0]["resourceId"], "vpce-0");
    assert_eq!(
        gone["unsuccessful"][0]["error"]["code"],
        "InvalidVpcEndpoint.NotFound"
    );
    let told = world.told_table(&other).await;
    assert_eq!(told["routeSet"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_interface_endpoint_has_an_address_in_each_zone() {
    let world = World::new().await;
    let twin = world.new_subnet("10.0.3.0/24", "us-east-1a").await;
    let free = world.free().await;
    let endpoint = |more: serde_json::Value| {
        let mut input = json!({
            "VpcId": world.vpc, "ServiceName": ECS, "VpcEndpointType": "Interface", "PrivateDnsEnabled": false,
        });
        for (member, value) in more.as_object().into_iter().flatten() {
            input[member] = value.clone();
        }
        input
    };
    for (more, code) in [
        (
            json!({ "SubnetId": [world.subnet, twin] }),
            "DuplicateSubnetsInSameZone",
        ),
        (json!({ "SubnetId": ["subnet-0"] }), "InvalidSubnetID.NotFound"),
        (json!({ "SecurityGroupId": ["sg-0"] }), "InvalidGroup.NotFound"),
        (json!({ "VpcEndpointType": "Gateway" }), "InvalidParameter"),
        (json!({ "PrivateDnsEnabled": true }), "InvalidParameter"),
        (json!({ "PolicyDocument": "{" }), "InvalidPolicyDocument"),
        (
            json!({ "ServiceName": "com.amazonaws.us-east-1.nothing" }),
            "InvalidServiceName",
        ),
    ] {
        let refused = world.code("CreateVpcEndpoint", endpoint(more.clone())).await;
        assert_eq!(refused, code, "{more}");
    }
    assert_eq!(world.free().await, free);
    let made = world
        .ask(
            "CreateVpcEndpoint",
            endpoint(json!({ "SubnetId": [world.subnet, world.other_subnet] })),
        )
        .await;
    let (id, told) = (text(&made["vpcEndpoint"]["vpcEndpointId"]), &made["vpcEndpoint"]);
    assert_eq!(told["networkInterfaceIdSet"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["groupSet"][0]["groupName"], "default");
    assert_eq!(world.free().await, free - 1);
    let change = json!({ "VpcEndpointId": id, "RemoveSubnetId": [world.subnet], "AddSubnetId": [twin] });
    world.ask("ModifyVpcEndpoint", change).await;
    assert_eq!(world.free().await, free);
    let found = world
        .ask(
            "DescribeVpcEndpoints",
            json!({ "Filter": [{ "Name": "service-name", "Value": ["*.ecs"] }] }),
        )
        .await;
    assert_eq!(
        found["vpcEndpointSet"][0]["subnetIdSet"],
        json!([world.other_subnet, twin])
    );
    world
        .ask("DeleteVpcEndpoints", json!({ "VpcEndpointId": [id] }))
        .await;
    world.ask("DeleteSubnet", json!({ "SubnetId": twin })).await;
}

#[tokio::test]
async fn an_interface_endpoint_tells_its_names() {
    let world = World::new().await;
    let attribute = json!({ "VpcId": world.vpc, "EnableDnsHostnames": { "Value": true } });
    world.ask("ModifyVpcAttribute", attribute).await;
    let input = json!({
        "VpcId": world.vpc, "ServiceName": ECS, "VpcEndpointType": "Interface",
        "SubnetId": [world.subnet, world.other_subnet],
    });
    let made = world.ask("CreateVpcEndpoint", input).await;
    let made = &made["vpcEndpoint"];
    let id = text(&made["vpcEndpointId"]);
    assert_eq!(made["dnsOptions"], json!({ "dnsRecordIpType": "ipv4" }));
    let names = all(&made["dnsEntrySet"], "dnsName");
    let suffix = ".ecs.us-east-1.vpce.amazonaws.com";
    let own = names[0].strip_suffix(suffix).expect("of the service");
    assert!(own.starts_with(&format!("{id}-")), "{own}");
    let expected = [
        format!("{own}{suffix}"),
        format!("{own}-us-east-1a{suffix}"),
        format!("{own}-us-east-1b{suffix}"),
        "ecs.us-east-1.amazonaws.com".to_owned(),
    ];
    assert_eq!(names, expected);
    assert_eq!(made["dnsEntrySet"][0]["hostedZoneId"], "Z7HUB22UULQXV");

    let change = json!({
        "VpcEndpointId": id, "PrivateDnsEnabled": false, "RemoveSubnetId": [world.other_subnet],
        "DnsOptions": { "DnsRecordIpType": "service-defined" },
    });
    world.ask("ModifyVpcEndpoint", change).await;
    let found = world
        .ask("DescribeVpcEndpoints", json!({ "VpcEndpointId": [id] }))
        .await;
    let told = &found["vpcEndpointSet"][0];
    assert_eq!(all(&told["dnsEntrySet"], "dnsName"), expected[..2]);
    assert_eq!(
        told["dnsOptions"],
        json!({ "dnsRecordIpType": "service-defined" })
    );
    for options in [
        json!({ "DnsRecordIpType": "dualstack" }),
        json!({ "PrivateDnsOnlyForInboundResolverEndpoint": true }),
        json!({ "PrivateDnsPreference": "ALL_DOMAINS" }),
    ] {
        let change = json!({ "VpcEndpointId": id, "DnsOptions": options });
        let code = world.code("ModifyVpcEndpoint", change).await;
        assert_eq!(code, "UnsupportedOperation", "{options}");
    }
}

#[tokio::test]
async fn a_gateway_endpoint_has_no_names_of_its_own() {
    let world = World::new().await;
    let input = json!({ "VpcId": world.vpc, "ServiceName": S3 });
    let made = world.ask("CreateVpcEndpoint", input.clone()).await;
    assert_eq!(made["vpcEndpoint"]["dnsEntrySet"], json!([]));
    assert_eq!(
        made["vpcEndpoint"]["dnsOptions"],
        json!({ "dnsRecordIpType": "service-defined" })
    );
    let mut of_ipv4 = input;
    of_ipv4["DnsOptions"] = json!({ "DnsRecordIpType": "ipv4" });
    assert_eq!(world.code("CreateVpcEndpoint", of_ipv4).await, "InvalidParameter");
}

#[tokio::test]
async fn services_are_those_that_are_spoken() {
    let world = World::new().await;
    let found = world.ask("DescribeVpcEndpointServices", json!({})).await;
    let names = found["serviceNameSet"].as_array().cloned().unwrap_or_default();
    assert!(
        names.contains(&json!(ECS)) && names.contains(&json!(S3)),
        "{names:?}"
    );
    let filter = json!([{ "Name": "service-type", "Value": ["Gateway"] }]);
    let found = world
        .ask("DescribeVpcEndpointServices", json!({ "Filter": filter }))
        .await;
    let gateways = ["com.amazonaws.us-east-1.dynamodb", S3];
    assert_eq!(all(&found["serviceDetailSet"], "serviceName"), gateways);
    assert_eq!(
        world
            .refused("DescribeVpcEndpointServices", json!({ "ServiceName": ["s3"] }))
            .await,
        (
            "InvalidServiceName".to_owned(),
            "The Vpc Endpoint Service 's3' does not exist".to_owned()
        )
    );
}

#[tokio::test]
async fn a_network_is_taken_down_from_within() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let table = world.table().await;
    let vpc = json!({ "VpcId": world.vpc });
    let mut steps = vec![
        ("DeleteSubnet", json!({ "SubnetId": world.subnet })),
        ("DeleteSubnet", json!({ "SubnetId": world.other_subnet })),
        (
            "DetachInternetGateway",
            json!({ "InternetGatewayId": gateway, "VpcId": world.vpc }),
        ),
        ("DeleteRouteTable", json!({ "RouteTableId": table })),
    ];
    let made = world.ask("CreateEgressOnlyInternetGateway", vpc.clone()).await;
    let id = &made["egressOnlyInternetGateway"]["egressOnlyInternetGatewayId"];
    steps.push((
        "DeleteEgressOnlyInternetGateway",
        json!({ "EgressOnlyInternetGatewayId": id }),
    ));
    let made = world
        .ask(
            "CreateVpcEndpoint",
            json!({ "VpcId": world.vpc, "ServiceName": S3 }),
        )
        .await;
    let id = &made["vpcEndpoint"]["vpcEndpointId"];
    steps.push(("DeleteVpcEndpoints", json!({ "VpcEndpointId": [id] })));
    let made = world.ask("CreateNetworkAcl", vpc.clone()).await;
    let id = &made["networkAcl"]["networkAclId"];
    steps.push(("DeleteNetworkAcl", json!({ "NetworkAclId": id })));
    for (operation, input) in steps {
        assert_eq!(
            world.code("DeleteVpc", vpc.clone()).await,
            "DependencyViolation",
            "before {operation}"
        );
        world.ask(operation, input).await;
    }
    world.ask("DeleteVpc", vpc.clone()).await;
    let filter = json!({ "Filter": [{ "Name": "vpc-id", "Value": [world.vpc] }] });
    assert_eq!(
        world.ask("DescribeRouteTables", filter.clone()).await["routeTableSet"],
        json!([])
    );
    assert_eq!(
        world.ask("DescribeNetworkAcls", filter).await["networkAclSet"],
        json!([])
    );
    assert_eq!(world.code("CreateRouteTable", vpc).await, "InvalidVpcID.NotFound");
}
