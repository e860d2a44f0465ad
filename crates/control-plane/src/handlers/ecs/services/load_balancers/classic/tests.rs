//! Services behind classic load balancers, as clients ask for them.

use serde_json::{Value, json};

use crate::handlers::elbv2::tests::World;
use crate::routes::CLASSIC_LOAD_BALANCING;

/// The load balancer `old`, whose port 80 leads to port 8080 of instances, and definitions of several network modes.
pub async fn world() -> World {
    let world = World::new().await;
    let listener = json!({ "Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 8080 });
    let input = json!({ "LoadBalancerName": "old", "Subnets": [world.subnets[0]], "Listeners": [listener] });
    world
        .fixture
        .ask_of(CLASSIC_LOAD_BALANCING, "CreateLoadBalancer", input)
        .await;
    for (family, mode, host_port) in [
        ("static", "bridge", 8080),
        ("other", "bridge", 9090),
        ("dynamic", "bridge", 0),
        ("host", "host", 8080),
        ("own", "awsvpc", 8080),
    ] {
        let container_port = match mode {
            "bridge" => 80,
            _ => 8080,
        };
        let mapping = json!({ "containerPort": container_port, "hostPort": host_port });
        let container = json!({ "name": "web", "image": "web", "memory": 32, "portMappings": [mapping] });
        let definition =
            json!({ "family": family, "networkMode": mode, "containerDefinitions": [container] });
        world.fixture.ask("RegisterTaskDefinition", definition).await;
    }
    world
}

fn behind(name: &str, port: u16) -> Value {
    json!([{ "loadBalancerName": name, "containerName": "web", "containerPort": port }])
}

/// A service behind `old`.
pub fn wish() -> Value {
    json!({ "serviceName": "web", "taskDefinition": "static", "desiredCount": 0, "loadBalancers": behind("old", 80) })
}

#[tokio::test]
async fn a_service_is_made_and_reads_back() {
    let world = world().await;
    let made = world.fixture.ask("CreateService", wish()).await["service"].clone();
    assert_eq!(made["loadBalancers"], behind("old", 80));
    assert_eq!(made["healthCheckGracePeriodSeconds"], 0);
    assert_eq!(made["availabilityZoneRebalancing"], "DISABLED");
    let mut host = wish();
    host["serviceName"] = json!("host");
    host["taskDefinition"] = json!("host");
    host["loadBalancers"] = behind("old", 8080);
    let made = world.fixture.ask("CreateService", host).await["service"].clone();
    assert_eq!(made["loadBalancers"], behind("old", 8080));
}

#[tokio::test]
async fn of_several_mappings_of_a_port_the_fixed_one_of_tcp_counts() {
    let world = world().await;
    let mappings = json!([
        { "containerPort": 80, "hostPort": 9090, "protocol": "udp" },
        { "containerPort": 80, "hostPort": 0 },
        { "containerPort": 80, "hostPort": 8080 },
    ]);
    let container = json!({ "name": "web", "image": "web", "memory": 32, "portMappings": mappings });
    let definition =
        json!({ "family": "several", "networkMode": "bridge", "containerDefinitions": [container] });
    world.fixture.ask("RegisterTaskDefinition", definition).await;
    let mut wish = wish();
    wish["taskDefinition"] = json!("several");
    world.fixture.ask("CreateService", wish).await;
}

#[tokio::test]
async fn what_does_not_go_with_a_classic_load_balancer_is_refused() {
    let world = world().await;
    let advanced = json!({
        "loadBalancerName": "old", "containerName": "web", "containerPort": 80,
        "advancedConfiguration": { "alternateTargetGroupArn": "x", "productionListenerRule": "y", "roleArn": "z" },
    });
    let network = json!({ "awsvpcConfiguration": { "subnets": [world.subnets[0]] } });
    let breaker = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": false } });
    let two = [behind("old", 80), behind("old", 80)].map(|it| it[0].clone());
    for (change, text) in [
        (
            json!({ "loadBalancers": behind("gone", 80) }),
            "The load balancer gone does not exist.",
        ),
        (
            json!({ "taskDefinition": "dynamic" }),
            "A host port mapping for the container port 80 is required.",
        ),
        (
            json!({ "taskDefinition": "other" }),
            "The load balancer old does not have a listener with the instance port 9090.",
        ),
        (
            json!({ "taskDefinition": "own", "loadBalancers": behind("old", 8080), "networkConfiguration": network }),
            "Classic Load Balancers are not supported with the awsvpc network mode specified in the task definition.",
        ),
        (
            json!({ "loadBalancers": two }),
            "load balancers can have at most 1 items if they have a Classic Load Balancer.",
        ),
        (
            json!({ "loadBalancers": [advanced] }),
            "advancedConfiguration is not supported with Classic Load Balancers.",
        ),
        (
            json!({ "deploymentConfiguration": breaker }),
            "Deployment circuit breaker feature is not supported with Classic Load Balancers. Remove the Classic Load \
             Balancer and try again.",
        ),
        (
            json!({ "deploymentConfiguration": { "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0 } }),
            "Classic Load Balancers are not supported with the BLUE_GREEN deployment strategy.",
        ),
        (
            json!({ "deploymentController": { "type": "CODE_DEPLOY" } }),
            "Services with a CODE_DEPLOY deployment controller require either an Application Load Balancer or a Network \
             Load Balancer.",
        ),
        (
            json!({ "availabilityZoneRebalancing": "ENABLED" }),
            "Availability Zone Rebalancing does not support Classic Load Balancers.",
        ),
    ] {
        let mut input = wish();
        for (key, value) in change.as_object().expect("members") {
            input[key] = value.clone();
        }
        let refused = world.fixture.refused("CreateService", input).await;
        let expected = ("InvalidParameterException".to_owned(), text.to_owned());
        assert_eq!(refused, expected, "{change}");
    }
}

#[tokio::test]
async fn a_service_keeps_the_load_balancer_that_it_was_made_with() {
    let world = world().await;
    world.fixture.ask("CreateService", wish()).await;
    let update = |change: Value| {
        let mut input = json!({ "service": "web" });
        for (key, value) in change.as_object().expect("members") {
            input[key] = value.clone();
        }
        input
    };
    let same = update(json!({ "loadBalancers": behind("old", 80), "taskDefinition": "static" }));
    let kept = world.fixture.ask("UpdateService", same).await["service"].clone();
    assert_eq!(kept["loadBalancers"], behind("old", 80));
    let breaker = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": false } });
    for (change, text) in [
        (
            json!({ "loadBalancers": [] }),
            "Unable to update the load balancers of a service with a Classic Load Balancer",
        ),
        (
            json!({ "taskDefinition": "dynamic" }),
            "A host port mapping for the container port 80 is required.",
        ),
        (
            json!({ "deploymentConfiguration": breaker }),
            "Deployment circuit breaker feature is not supported with Classic Load Balancers.",
        ),
    ] {
        let (code, message) = world.fixture.refused("UpdateService", update(change)).await;
        assert_eq!(code, "InvalidParameterException", "{message}");
        assert!(message.starts_with(text), "{message}");
    }
}

#[tokio::test]
async fn a_service_scales_down_though_its_listener_is_gone() {
    let world = world().await;
    world.fixture.ask("CreateService", wish()).await;
    let listeners = json!({ "LoadBalancerName": "old", "LoadBalancerPorts": [80] });
    let fixture = &world.fixture;
    fixture
        .ask_of(CLASSIC_LOAD_BALANCING, "DeleteLoadBalancerListeners", listeners)
        .await;
    let count = json!({ "service": "web", "desiredCount": 0, "forceNewDeployment": true });
    fixture.ask("UpdateService", count).await;
    let text = "The load balancer old does not have a listener with the instance port 8080.";
    for (member, value) in [
        ("taskDefinition", json!("static")),
        ("loadBalancers", behind("old", 80)),
    ] {
        let mut input = json!({ "service": "web" });
        input[member] = value;
        let refused = fixture.refused("UpdateService", input).await;
        let expected = ("InvalidParameterException".to_owned(), text.to_owned());
        assert_eq!(refused, expected, "{member}");
    }
}

#[tokio::test]
async fn a_task_set_has_target_groups_only() {
    let world = world().await;
    let external = json!({ "serviceName": "web", "deploymentController": { "type": "EXTERNAL" } });
    world.fixture.ask("CreateService", external).await;
    let input = json!({
        "cluster": "default", "service": "web", "taskDefinition": "static", "loadBalancers": behind("old", 80),
    });
    let (code, message) = world.fixture.refused("CreateTaskSet", input).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "InvalidParameterException",
            "Task sets support either an Application Load Balancer or a Network Load Balancer."
        )
    );
}
