//! Network interfaces as clients see, make and change them.

use serde_json::{Value, json};

use crate::fixture::text;
use crate::handlers::ec2::tests::world::World;

mod many;
mod public;

async fn interface(world: &World, input: Value) -> Value {
    let mut given = json!({ "SubnetId": world.subnet });
    for (name, value) in input.as_object().into_iter().flatten() {
        given[name] = value.clone();
    }
    world.ask("CreateNetworkInterface", given).await["NetworkInterface"].clone()
}

#[tokio::test]
async fn an_interface_holds_its_addresses() {
    let world = World::new().await;
    let wish =
        json!({ "PrivateIpAddress": "10.0.1.9", "SecondaryPrivateIpAddressCount": 2, "Description": "mine" });
    let made = interface(&world, wish).await;
    assert_eq!(made["PrivateIpAddress"], "10.0.1.9");
    assert_eq!(made["PrivateIpAddresses"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&made["Status"], &made["RequesterManaged"]),
        (&json!("available"), &json!(false))
    );
    assert_eq!(made["Groups"][0]["GroupName"], "default");
    let found = world
        .ask("DescribeSubnets", json!({ "SubnetIds": [world.subnet] }))
        .await;
    assert_eq!(found["Subnets"][0]["AvailableIpAddressCount"], json!(248));
    let again = json!({ "SubnetId": world.subnet, "PrivateIpAddress": "10.0.1.9" });
    assert_eq!(
        world.code("CreateNetworkInterface", again).await,
        "InvalidIPAddress.InUse"
    );
    let outside = json!({ "SubnetId": world.subnet, "PrivateIpAddress": "10.0.2.9" });
    assert_eq!(
        world.code("CreateNetworkInterface", outside).await,
        "InvalidParameterValue"
    );
    let code = world
        .code("DeleteSubnet", json!({ "SubnetId": world.subnet }))
        .await;
    assert_eq!(code, "DependencyViolation");
    let id = json!({ "NetworkInterfaceId": made["NetworkInterfaceId"] });
    world.ask("DeleteNetworkInterface", id.clone()).await;
    let code = world.code("DeleteNetworkInterface", id).await;
    assert_eq!(code, "InvalidNetworkInterfaceID.NotFound");
    world
        .ask("DeleteSubnet", json!({ "SubnetId": world.subnet }))
        .await;
}

#[tokio::test]
async fn a_repeated_call_makes_no_second_interface() {
    let world = World::new().await;
    let one = interface(&world, json!({ "ClientToken": "again" })).await;
    let other = interface(&world, json!({ "ClientToken": "again" })).await;
    assert_eq!(one["NetworkInterfaceId"], other["NetworkInterfaceId"]);
    let of_subnet = ("subnet-id", world.subnet.as_str());
    let count = world
        .count("DescribeNetworkInterfaces", "NetworkInterfaces", of_subnet)
        .await;
    assert_eq!(count, 1);
}

#[tokio::test]
async fn attributes_and_addresses_are_changed() {
    let world = World::new().await;
    let (web, made) = (world.group("web").await, interface(&world, json!({})).await);
    let id = text(&made["NetworkInterfaceId"]);
    let modify = |member: &str, value: Value| {
        let mut input = json!({ "NetworkInterfaceId": id });
        input[member] = value;
        input
    };
    let operation = "ModifyNetworkInterfaceAttribute";
    world.ask(operation, modify("Groups", json!([web]))).await;
    world
        .ask(operation, modify("Description", json!({ "Value": "web" })))
        .await;
    world
        .ask(operation, modify("SourceDestCheck", json!({ "Value": false })))
        .await;
    for (attribute, member, expected) in [
        (
            "groupSet",
            "Groups",
            json!([{ "GroupId": web, "GroupName": "web" }]),
        ),
        ("description", "Description", json!({ "Value": "web" })),
        ("sourceDestCheck", "SourceDestCheck", json!({ "Value": false })),
    ] {
        let input = json!({ "NetworkInterfaceId": id, "Attribute": attribute });
        let answer = world.ask("DescribeNetworkInterfaceAttribute", input).await;
        assert_eq!(answer[member], expected);
    }
    let foreign = json!({ "GroupName": "foreign", "Description": "x" });
    let foreign = text(&world.ask("CreateSecurityGroup", foreign).await["GroupId"]);
    let code = world.code(operation, modify("Groups", json!([foreign]))).await;
    assert_eq!(code, "InvalidParameter");
    let code = world.code(operation, modify("Groups", json!(["sg-0"]))).await;
    assert_eq!(code, "InvalidGroup.NotFound");
    let more = json!({ "NetworkInterfaceId": id, "PrivateIpAddresses": ["10.0.1.77"] });
    world.ask("AssignPrivateIpAddresses", more.clone()).await;
    let code = world.code("AssignPrivateIpAddresses", more.clone()).await;
    assert_eq!(code, "InvalidIPAddress.InUse");
    world.ask("UnassignPrivateIpAddresses", more.clone()).await;
    let code = world.code("UnassignPrivateIpAddresses", more).await;
    assert_eq!(code, "InvalidParameterValue");
    let attach = json!({ "NetworkInterfaceId": id, "InstanceId": "i-0", "DeviceIndex": 1 });
    assert_eq!(
        world.code("AttachNetworkInterface", attach).await,
        "UnsupportedOperation"
    );
    let detach = json!({ "AttachmentId": "eni-attach-0" });
    assert_eq!(
        world.code("DetachNetworkInterface", detach).await,
        "InvalidAttachmentID.NotFound"
    );
}

#[tokio::test]
async fn interfaces_are_told_page_by_page() {
    let world = World::new().await;
    for _ in 0..7 {
        interface(&world, json!({})).await;
    }
    let first = world
        .ask("DescribeNetworkInterfaces", json!({ "MaxResults": 5 }))
        .await;
    assert_eq!(first["NetworkInterfaces"].as_array().map(Vec::len), Some(5));
    let next = json!({ "MaxResults": 5, "NextToken": first["NextToken"] });
    let rest = world.ask("DescribeNetworkInterfaces", next).await;
    assert_eq!(rest["NetworkInterfaces"].as_array().map(Vec::len), Some(2));
    assert_eq!(rest["NextToken"], Value::Null);
    let code = world
        .code(
            "DescribeNetworkInterfaces",
            json!({ "NetworkInterfaceIds": ["eni-0"] }),
        )
        .await;
    assert_eq!(code, "InvalidNetworkInterfaceID.NotFound");
}

#[tokio::test]
async fn interfaces_of_load_balancers_and_mount_targets_are_told() {
    let world = World::new().await;
    let elb = "elasticloadbalancing";
    let own = json!({ "VpcId": world.vpc, "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "us-east-1b" });
    let second = text(&world.ask("CreateSubnet", own).await["Subnet"]["SubnetId"]);
    let group = world.group("balancers").await;
    let create = json!({ "Name": "web", "Subnets": [world.subnet, second], "SecurityGroups": [group] });
    world.fixture.ask_of(elb, "CreateLoadBalancer", create).await;
    let of_group = json!({ "Filters": [{ "Name": "group-id", "Values": [group] }] });
    let found = world.ask("DescribeNetworkInterfaces", of_group).await;
    let found = found["NetworkInterfaces"].as_array().cloned().unwrap_or_default();
    assert_eq!(found.len(), 2);
    assert!(text(&found[0]["Description"]).starts_with("ELB app/web/"));
    assert_eq!(found[0]["RequesterManaged"], json!(true));
    let id = json!({ "NetworkInterfaceId": found[0]["NetworkInterfaceId"] });
    let code = world.code("DeleteNetworkInterface", id.clone()).await;
    assert_eq!(code, "InvalidParameterValue");
    let mut modify = id;
    modify["Groups"] = json!([group]);
    let code = world.code("ModifyNetworkInterfaceAttribute", modify).await;
    assert_eq!(code, "AuthFailure");
    let detach = json!({ "AttachmentId": found[0]["Attachment"]["AttachmentId"] });
    let code = world.code("DetachNetworkInterface", detach).await;
    assert_eq!(code, "OperationNotPermitted");
    let code = world
        .code("DeleteSecurityGroup", json!({ "GroupId": group }))
        .await;
    assert_eq!(code, "DependencyViolation");
}

/// A task in the subnet, a member of a group: its ARN.
async fn task(world: &World, group: &str) -> String {
    world.fixture.instance_with(&["ecs.capability.task-eni"]).await;
    let container = json!({ "name": "web", "image": "web", "memory": 64 });
    let definition = json!({ "family": "vpc", "networkMode": "awsvpc", "containerDefinitions": [container] });
    world.fixture.ask("RegisterTaskDefinition", definition).await;
    let run = json!({ "taskDefinition": "vpc", "enableECSManagedTags": true, "networkConfiguration": {
        "awsvpcConfiguration": { "subnets": [world.subnet], "securityGroups": [group] },
    } });
    let answer = world.fixture.ask("RunTask", run).await;
    assert_eq!(answer["failures"], json!([]));
    text(&answer["tasks"][0]["taskArn"])
}

#[tokio::test]
async fn the_interface_of_a_task_is_seen_and_gets_other_groups() {
    let world = World::new().await;
    let (web, db) = (world.group("web").await, world.group("db").await);
    let arn = task(&world, &web).await;
    let shown = world
        .fixture
        .ask("DescribeTasks", json!({ "tasks": [arn] }))
        .await;
    let attachment = &shown["tasks"][0]["attachments"][0];
    let details: Vec<(String, String)> = attachment["details"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| (text(&it["name"]), text(&it["value"])))
        .collect();
    let names: Vec<&str> = details.iter().map(|it| it.0.as_str()).collect();
    let expected = [
        "subnetId",
        "networkInterfaceId",
        "macAddress",
        "privateDnsName",
        "privateIPv4Address",
    ];
    assert_eq!(names, expected);
    let id = details[1].1.clone();
    let found = world
        .ask(
            "DescribeNetworkInterfaces",
            json!({ "NetworkInterfaceIds": [id] }),
        )
        .await;
    let it = &found["NetworkInterfaces"][0];
    let attachment_id = text(&attachment["id"]);
    assert_eq!(
        text(&it["Description"]),
        format!("arn:aws:ecs:us-east-1:123456789012:attachment/{attachment_id}")
    );
    assert_eq!(it["PrivateIpAddress"], json!(details[4].1));
    assert_eq!(it["Groups"], json!([{ "GroupId": web, "GroupName": "web" }]));
    assert_eq!(
        it["Tags"],
        json!([{ "Key": "aws:ecs:clusterName", "Value": "default" }])
    );
    assert_eq!(it["VpcId"], json!(world.vpc));
    for (name, value, count) in [
        ("subnet-id", world.subnet.as_str(), 1),
        ("group-id", web.as_str(), 1),
        ("group-id", db.as_str(), 0),
        ("network-interface-id", id.as_str(), 1),
        ("group-name", "w*", 1),
        ("tag-key", "aws:ecs:clusterName", 1),
        ("vpc-id", world.default_vpc.as_str(), 0),
    ] {
        let found = world
            .count("DescribeNetworkInterfaces", "NetworkInterfaces", (name, value))
            .await;
        assert_eq!(found, count, "{name} {value}");
    }
    let delete = |group: &str| json!({ "GroupId": group });
    let code = world.code("DeleteSecurityGroup", delete(&web)).await;
    assert_eq!(code, "DependencyViolation");
    let modify = json!({ "NetworkInterfaceId": id, "Groups": [db] });
    world.ask("ModifyNetworkInterfaceAttribute", modify).await;
    world.ask("DeleteSecurityGroup", delete(&web)).await;
    let code = world.code("DeleteSecurityGroup", delete(&db)).await;
    assert_eq!(code, "DependencyViolation");
    world
        .fixture
        .report(&arn, domain::task::TaskStatus::Stopped)
        .await;
    world.ask("DeleteSecurityGroup", delete(&db)).await;
}

#[tokio::test]
async fn the_interface_of_a_task_has_tags_until_it_goes() {
    let world = World::new().await;
    let arn = task(&world, &world.group("web").await).await;
    let of_subnet = json!({ "Filters": [{ "Name": "subnet-id", "Values": [world.subnet] }] });
    let found = world.ask("DescribeNetworkInterfaces", of_subnet.clone()).await;
    let id = text(&found["NetworkInterfaces"][0]["NetworkInterfaceId"]);
    let change = |tags: Value| json!({ "Resources": [id], "Tags": tags });
    let given = json!([{ "Key": "team", "Value": "web" }, { "Key": "owner", "Value": "ada" }]);
    world.ask("CreateTags", change(given)).await;
    world.ask("DeleteTags", change(json!([{ "Key": "owner" }]))).await;
    let found = world.ask("DescribeNetworkInterfaces", of_subnet).await;
    let expected = json!([
        { "Key": "aws:ecs:clusterName", "Value": "default" },
        { "Key": "team", "Value": "web" },
    ]);
    assert_eq!(found["NetworkInterfaces"][0]["Tags"], expected);
    let by_tag = ("tag:team", "web");
    let found = world
        .count("DescribeNetworkInterfaces", "NetworkInterfaces", by_tag)
        .await;
    assert_eq!(found, 1);
    let own = ("resource-id", id.as_str());
    assert_eq!(world.count("DescribeTags", "Tags", own).await, 2);
    assert_eq!(world.count("DescribeTags", "Tags", ("key", "team")).await, 1);
    // They are not tags of the task.
    let input = json!({ "tasks": [arn], "include": ["TAGS"] });
    let shown = world.fixture.ask("DescribeTasks", input).await;
    assert_eq!(shown["tasks"][0]["tags"].as_array().map(Vec::len), Some(1));
    let many: Vec<Value> = (0..50)
        .map(|it| json!({ "Key": it.to_string(), "Value": "" }))
        .collect();
    let code = world.code("CreateTags", change(json!(many))).await;
    assert_eq!(code, "TagLimitExceeded");
    world
        .fixture
        .report(&arn, domain::task::TaskStatus::Stopped)
        .await;
    assert_eq!(world.count("DescribeTags", "Tags", own).await, 0);
    let code = world
        .code("CreateTags", change(json!([{ "Key": "a", "Value": "b" }])))
        .await;
    assert_eq!(code, "InvalidNetworkInterfaceID.NotFound");
}

#[tokio::test]
async fn a_group_that_is_named_twice_is_one() {
    let world = World::new().await;
    let (web, db) = (world.group("web").await, world.group("db").await);
    let twice = [&web, &db, &web];
    let group_ids = |interface: &Value| {
        let groups = interface["Groups"].as_array().expect("groups").iter();
        groups.map(|it| text(&it["GroupId"])).collect::<Vec<_>>()
    };
    let made = interface(&world, json!({ "Groups": twice })).await;
    assert_eq!(group_ids(&made), [web.clone(), db.clone()]);
    let id = text(&made["NetworkInterfaceId"]);
    let change = json!({ "NetworkInterfaceId": id, "Groups": [db, db] });
    world.ask("ModifyNetworkInterfaceAttribute", change).await;
    let shown = world
        .ask(
            "DescribeNetworkInterfaces",
            json!({ "NetworkInterfaceIds": [id] }),
        )
        .await;
    assert_eq!(
        group_ids(&shown["NetworkInterfaces"][0]),
        std::slice::from_ref(&db)
    );

    task(&world, &web).await;
    let run = json!({ "taskDefinition": "vpc", "networkConfiguration": {
        "awsvpcConfiguration": { "subnets": [world.subnet], "securityGroups": twice },
    } });
    let answer = world.fixture.ask("RunTask", run).await;
    let details = answer["tasks"][0]["attachments"][0]["details"]
        .as_array()
        .expect("details");
    let eni = details
        .iter()
        .find(|it| it["name"] == "networkInterfaceId")
        .expect("an interface");
    let shown = world
        .ask(
            "DescribeNetworkInterfaces",
            json!({ "NetworkInterfaceIds": [eni["value"]] }),
        )
        .await;
    assert_eq!(group_ids(&shown["NetworkInterfaces"][0]), [web, db]);
}

#[tokio::test]
async fn tasks_are_refused_in_foreign_and_unknown_groups() {
    let world = World::new().await;
    task(&world, &world.group("web").await).await;
    let foreign = json!({ "GroupName": "foreign", "Description": "x" });
    let foreign = text(&world.ask("CreateSecurityGroup", foreign).await["GroupId"]);
    for (group, expected) in [
        (
            "sg-0",
            "Error retrieving security group information for [sg-0]: The security group 'sg-0' does not exist \
             (ErrorCode: InvalidGroup.NotFound)",
        ),
        (
            foreign.as_str(),
            "Security groups and subnets must belong to the same VPC",
        ),
    ] {
        let run = json!({ "taskDefinition": "vpc", "networkConfiguration": {
            "awsvpcConfiguration": { "subnets": [world.subnet], "securityGroups": [group] },
        } });
        let (code, message) = world.fixture.refused("RunTask", run).await;
        assert_eq!(code, "InvalidParameterException");
        assert!(message.starts_with(expected), "{message}");
    }
}
