//! Public addresses of tasks, as clients look for them.

use domain::TaskArn;
use domain::container_instance::FARGATE_CAPACITY_ATTRIBUTE;
use domain::task::TaskStatus;
use orchestrator::transitions::{TaskReport, observe_task};
use serde_json::{Value, json};

use crate::fixture::text;
use crate::handlers::ec2::tests::world::World;

/// A task of FARGATE in the subnet, and its network interface as EC2 tells it.
async fn task(world: &World, assign_public_ip: &str) -> (String, Value) {
    let run = json!({ "taskDefinition": "app", "launchType": "FARGATE", "networkConfiguration": {
        "awsvpcConfiguration": { "subnets": [world.subnet], "assignPublicIp": assign_public_ip },
    } });
    let answer = world.fixture.ask("RunTask", run).await;
    assert_eq!(answer["failures"], json!([]), "{answer}");
    let task = &answer["tasks"][0];
    let details = task["attachments"][0]["details"].as_array().cloned();
    let detail = |name: &str| {
        let found = details.iter().flatten().find(|it| it["name"] == name);
        found.map(|it| text(&it["value"]))
    };
    let id = detail("networkInterfaceId").expect("has one");
    let found = world
        .ask(
            "DescribeNetworkInterfaces",
            json!({ "NetworkInterfaceIds": [id] }),
        )
        .await;
    (text(&task["taskArn"]), found["NetworkInterfaces"][0].clone())
}

async fn stopped(world: &World, arn: &str) {
    let arn = TaskArn::parse(arn).expect("an ARN");
    let report = TaskReport {
        status: Some(TaskStatus::Stopped),
        ..TaskReport::default()
    };
    let done = world
        .fixture
        .store()
        .transact(move |tx| observe_task(tx, &arn, &report));
    done.await.expect("is there");
}

async fn with_capacity() -> World {
    let world = World::new().await;
    world.fixture.instance_with(&[FARGATE_CAPACITY_ATTRIBUTE]).await;
    let container = json!({ "name": "app", "image": "app" });
    let definition = json!({ "family": "app", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "512", "containerDefinitions": [container] });
    world.fixture.ask("RegisterTaskDefinition", definition).await;
    world
}

#[tokio::test]
async fn the_public_address_of_a_task_is_told_where_clients_look_for_it() {
    let world = with_capacity().await;
    let (arn, interface) = task(&world, "ENABLED").await;
    let association = &interface["Association"];
    let public = text(&association["PublicIp"]);
    assert!(public.starts_with("203.0.113."), "{public}");
    assert_eq!(*association, json!({ "IpOwnerId": "amazon", "PublicIp": public }));
    assert_eq!(interface["PrivateIpAddresses"][0]["Association"], *association);
    for (name, value) in [
        ("association.public-ip", public.as_str()),
        ("association.ip-owner-id", "amazon"),
        ("addresses.association.public-ip", public.as_str()),
        ("addresses.association.owner-id", "amazon"),
    ] {
        let found = ("DescribeNetworkInterfaces", "NetworkInterfaces");
        assert_eq!(world.count(found.0, found.1, (name, value)).await, 1, "{name}");
    }
    assert_eq!(
        world.code("AllocateAddress", json!({ "Address": public })).await,
        "InvalidAddress.NotFound"
    );
    let elastic = world.ask("DescribeAddresses", json!({})).await;
    assert_eq!(elastic["AddressesSet"], json!([]), "it is no elastic address");

    stopped(&world, &arn).await;
    let (_, without) = task(&world, "DISABLED").await;
    assert_eq!(without.get("Association"), None);
    assert_eq!(without["PrivateIpAddresses"][0].get("Association"), None);
    let allocated = world.ask("AllocateAddress", json!({ "Address": public })).await;
    assert_eq!(allocated["PublicIp"], public.as_str());
}

#[tokio::test]
async fn a_gateway_stays_while_tasks_have_public_addresses() {
    let world = with_capacity().await;
    let gateway = world.ask("CreateInternetGateway", json!({})).await;
    let gateway = text(&gateway["InternetGateway"]["InternetGatewayId"]);
    let attachment = json!({ "InternetGatewayId": gateway, "VpcId": world.vpc });
    world.ask("AttachInternetGateway", attachment.clone()).await;
    let (arn, interface) = task(&world, "ENABLED").await;
    let (code, message) = world.refused("DetachInternetGateway", attachment.clone()).await;
    assert_eq!(code, "DependencyViolation");
    let expected = format!(
        "Network {} has some mapped public address(es). Please unmap those public address(es) before detaching \
         the gateway. One is {}.",
        world.vpc,
        text(&interface["Association"]["PublicIp"])
    );
    assert_eq!(message, expected);
    stopped(&world, &arn).await;
    world.ask("DetachInternetGateway", attachment).await;
}
