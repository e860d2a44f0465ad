//! Instances, their health and its checks.

use std::convert::Infallible;
use std::time::Duration;

use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::container_instance::ContainerInstance;
use domain::target::{TargetHealth, TargetHealthReason, TargetHealthState, TargetKey};
use domain::{LoadBalancerArn, TargetGroupArn};
use orchestrator::transitions::{self, HealthChange};

use super::*;

impl World {
    /// The id of an instance.
    async fn instance(&self) -> String {
        let arn = self.fixture.instance().await;
        self.fixture.store().read(|state| {
            let mut all = state.all::<ContainerInstance>();
            let found = all.find(|it| it.arn.as_str() == arn);
            found.map(|it| it.ec2_instance_id.clone()).expect("is there")
        })
    }

    fn arn(&self) -> LoadBalancerArn {
        self.fixture.store().read(|state| {
            let mut all = state.all::<ClassicLoadBalancer>();
            all.next().expect("is there").arn.clone()
        })
    }

    /// The balancer says how an instance is.
    async fn found(&self, id: &str, health: TargetHealth) {
        let arn = self.arn();
        let key = TargetKey {
            group: TargetGroupArn::of(&arn.scope(), "web-80", arn.name()),
            id: id.to_owned(),
            port: 8080,
        };
        let change = [HealthChange { key, health }];
        let noted = self.fixture.store().transact(move |tx| {
            assert!(transitions::instance_health(tx, &arn, &change));
            Ok::<_, Infallible>(())
        });
        noted.await.expect("is stored");
    }

    /// State, reason and description of an instance.
    async fn state(&self, id: &str) -> Value {
        let input = of_web(json!({ "Instances": [{ "InstanceId": id }] }));
        let states = self.ask("DescribeInstanceHealth", input).await;
        let it = &states["InstanceStates"][0];
        assert_eq!(it["InstanceId"], id);
        json!([it["State"], it["ReasonCode"], it["Description"]])
    }
}

fn instances(id: &str) -> Value {
    of_web(json!({ "Instances": [{ "InstanceId": id }] }))
}

#[tokio::test]
async fn instances_are_container_instances_and_have_a_state() {
    let world = World::new().await;
    world.web().await;
    let id = world.instance().await;
    let register = "RegisterInstancesWithLoadBalancer";
    let registered = world.ask(register, instances(&id)).await;
    assert_eq!(registered["Instances"], json!([{ "InstanceId": id }]));
    assert_eq!(world.ask(register, instances(&id)).await, registered);
    assert_eq!(
        world.state(&id).await,
        json!([
            "OutOfService",
            "ELB",
            "Instance registration is still in progress."
        ])
    );
    let unhealthy = TargetHealth::because(
        TargetHealthState::Unhealthy,
        TargetHealthReason::FailedHealthChecks,
    );
    world.found(&id, unhealthy).await;
    assert_eq!(
        world.state(&id).await,
        json!([
            "OutOfService",
            "Instance",
            "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
        ])
    );
    world.found(&id, TargetHealth::healthy()).await;
    assert_eq!(world.state(&id).await, json!(["InService", "N/A", "N/A"]));

    let left = world
        .ask("DeregisterInstancesFromLoadBalancer", instances(&id))
        .await;
    assert_eq!(left["Instances"], json!([]));
    assert_eq!(
        world.state(&id).await,
        json!([
            "OutOfService",
            "Instance",
            "Instance is not currently registered with the LoadBalancer."
        ])
    );
    for operation in [
        register,
        "DeregisterInstancesFromLoadBalancer",
        "DescribeInstanceHealth",
    ] {
        assert_eq!(
            world.refused(operation, instances("i-0123456789abcdef0")).await,
            error(
                "InvalidInstance",
                "Could not find EC2 instance i-0123456789abcdef0."
            ),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn an_instance_in_another_zone_is_out_of_service() {
    let world = World::new().await;
    let id = world.instance().await;
    let mut input = world.wish();
    input["Subnets"] = json!([world.subnets[1]]);
    world.ask("CreateLoadBalancer", input).await;
    world
        .ask("RegisterInstancesWithLoadBalancer", instances(&id))
        .await;
    assert_eq!(
        world.state(&id).await[2],
        "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to."
    );
}

#[tokio::test]
async fn an_instance_drains_if_the_attributes_say_so() {
    let world = World::new().await;
    world.web().await;
    let id = world.instance().await;
    let draining = json!({ "ConnectionDraining": { "Enabled": true, "Timeout": 30 } });
    let modify = of_web(json!({ "LoadBalancerAttributes": draining }));
    world.ask("ModifyLoadBalancerAttributes", modify).await;
    world
        .ask("RegisterInstancesWithLoadBalancer", instances(&id))
        .await;
    world.found(&id, TargetHealth::healthy()).await;
    let left = world
        .ask("DeregisterInstancesFromLoadBalancer", instances(&id))
        .await;
    assert_eq!(left["Instances"], json!([]));
    assert_eq!(
        world.state(&id).await,
        json!([
            "InService",
            "ELB",
            "Instance deregistration currently in progress."
        ])
    );
    let arn = world.arn();
    let looked = world
        .fixture
        .store()
        .transact(move |tx| Ok::<_, Infallible>(transitions::forget_drained_instances(tx, &arn)));
    let wait = looked.await.expect("is stored").expect("it drains");
    assert!(wait <= Duration::from_secs(30), "{wait:?}");
    // Taken back, it begins anew.
    world
        .ask("RegisterInstancesWithLoadBalancer", instances(&id))
        .await;
    assert_eq!(
        world.state(&id).await[2],
        "Instance registration is still in progress."
    );

    world.found(&id, TargetHealth::healthy()).await;
    world
        .ask("DeregisterInstancesFromLoadBalancer", instances(&id))
        .await;
    let off = json!({ "ConnectionDraining": { "Enabled": false } });
    let modify = of_web(json!({ "LoadBalancerAttributes": off }));
    world.ask("ModifyLoadBalancerAttributes", modify).await;
    let arn = world.arn();
    let looked = world
        .fixture
        .store()
        .transact(move |tx| Ok::<_, Infallible>(transitions::forget_drained_instances(tx, &arn)));
    assert_eq!(looked.await.expect("is stored"), None);
    assert_eq!(world.state(&id).await[0], "OutOfService");
}

#[tokio::test]
async fn with_its_zone_the_health_of_an_instance_goes() {
    let world = World::new().await;
    world.web().await;
    let (id, draining) = (world.instance().await, world.instance().await);
    let drain = json!({ "ConnectionDraining": { "Enabled": true, "Timeout": 30 } });
    let modify = of_web(json!({ "LoadBalancerAttributes": drain }));
    world.ask("ModifyLoadBalancerAttributes", modify).await;
    for it in [&id, &draining] {
        world
            .ask("RegisterInstancesWithLoadBalancer", instances(it))
            .await;
        world.found(it, TargetHealth::healthy()).await;
    }
    world
        .ask("DeregisterInstancesFromLoadBalancer", instances(&draining))
        .await;
    let zone = of_web(json!({ "AvailabilityZones": ["us-east-1a"] }));
    world
        .ask("DisableAvailabilityZonesForLoadBalancer", zone.clone())
        .await;
    assert_eq!(
        world.state(&draining).await[2],
        "Instance is not currently registered with the LoadBalancer.",
        "nothing can be in flight to it"
    );
    // what was found out before
    world.found(&id, TargetHealth::healthy()).await;
    assert_eq!(world.state(&id).await[0], "OutOfService");
    world.ask("EnableAvailabilityZonesForLoadBalancer", zone).await;
    assert_eq!(
        world.state(&id).await,
        json!([
            "OutOfService",
            "ELB",
            "Instance registration is still in progress."
        ])
    );
    world.found(&id, TargetHealth::healthy()).await;
    assert_eq!(world.state(&id).await[0], "InService");
}

#[tokio::test]
async fn the_health_check_is_configured() {
    let world = World::new().await;
    world.web().await;
    let check = json!({
        "Target": "HTTP:8080/ok", "Interval": 6, "Timeout": 5, "UnhealthyThreshold": 3, "HealthyThreshold": 2,
    });
    let configure = |check: &Value| of_web(json!({ "HealthCheck": check }));
    let answered = world.ask("ConfigureHealthCheck", configure(&check)).await;
    assert_eq!(answered["HealthCheck"], check);
    assert_eq!(world.described().await["HealthCheck"], check);
    for (key, value) in [
        ("Target", json!("HTTP:8080")),
        ("Target", json!("SSL:8080/ping")),
        ("Interval", json!(4)),
        ("Timeout", json!(6)),
        ("HealthyThreshold", json!(1)),
        ("UnhealthyThreshold", json!(11)),
    ] {
        let mut other = check.clone();
        other[key] = value.clone();
        let (code, message) = world.refused("ConfigureHealthCheck", configure(&other)).await;
        assert_eq!(code, "ValidationError", "{key} {value}: {message}");
    }
}
