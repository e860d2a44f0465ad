//! Targets: registered, described, deregistered.

use domain::target::{AnomalyDetection, TargetHealth, TargetKey};
use orchestrator::transitions::{HealthChange, target_anomaly, target_health};

use super::*;

impl World {
    async fn health(&self, group: &str) -> Value {
        let described = self
            .ask("DescribeTargetHealth", json!({ "TargetGroupArn": group }))
            .await;
        described["TargetHealthDescriptions"].clone()
    }

    async fn register(&self, group: &str, target: Value) {
        self.ask(
            "RegisterTargets",
            json!({ "TargetGroupArn": group, "Targets": [target] }),
        )
        .await;
    }
}

#[tokio::test]
async fn a_target_is_unused_then_initial_then_what_the_balancer_says_and_drains() {
    let world = World::new().await;
    let group = world.target_group("web", "HTTP").await;
    world
        .register(&group, json!({ "Id": "10.0.1.9", "Port": 8080 }))
        .await;
    assert_eq!(
        world.health(&group).await,
        json!([{
            "Target": { "Id": "10.0.1.9", "Port": 8080, "AvailabilityZone": "us-east-1b" },
            "HealthCheckPort": "8080",
            "TargetHealth": {
                "State": "unused", "Reason": "Target.NotInUse",
                "Description": "Target group is not configured to receive traffic from the load balancer",
            },
        }])
    );
    let web = world.load_balancer("web", "application").await;
    world.listener(&web, ("HTTP", 80), forward(&group)).await;
    assert_eq!(
        world.health(&group).await[0]["TargetHealth"],
        json!({
            "State": "initial", "Reason": "Elb.RegistrationInProgress",
            "Description": "Target registration is in progress",
        })
    );
    let key = TargetKey {
        group: domain::TargetGroupArn::parse(&group).expect("an ARN"),
        id: "10.0.1.9".to_owned(),
        port: 8080,
    };
    let change = HealthChange {
        key,
        health: TargetHealth::healthy(),
    };
    let reported = world.fixture.store().transact(move |tx| {
        target_health(tx, &[change]);
        Ok::<_, std::convert::Infallible>(())
    });
    reported.await.expect("is stored");
    assert_eq!(
        world.health(&group).await[0]["TargetHealth"],
        json!({ "State": "healthy" })
    );
    // Registered again, it stays as it is.
    world
        .register(&group, json!({ "Id": "10.0.1.9", "Port": 8080 }))
        .await;
    assert_eq!(
        world.health(&group).await[0]["TargetHealth"],
        json!({ "State": "healthy" })
    );

    let input = json!({ "TargetGroupArn": group, "Targets": [{ "Id": "10.0.1.9", "Port": 8080 }] });
    world.ask("DeregisterTargets", input).await;
    assert_eq!(
        world.health(&group).await[0]["TargetHealth"],
        json!({
            "State": "draining", "Reason": "Target.DeregistrationInProgress",
            "Description": "Target deregistration is in progress",
        })
    );
    let stranger = json!({ "TargetGroupArn": group, "Targets": [{ "Id": "10.0.1.10" }] });
    let stranger = world.ask("DescribeTargetHealth", stranger).await;
    assert_eq!(
        stranger["TargetHealthDescriptions"][0]["TargetHealth"],
        json!({
            "State": "unused", "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group",
        })
    );
}

#[tokio::test]
async fn addresses_are_checked() {
    let world = World::new().await;
    let group = world.target_group("web", "HTTP").await;
    for (target, message) in [
        (
            json!({ "Id": "i-0123456789abcdef0" }),
            "The IP address 'i-0123456789abcdef0' is not a valid IPv4 address",
        ),
        (
            json!({ "Id": "affe::1" }),
            "The IP address 'affe::1' is not a valid IPv4 address",
        ),
        (
            json!({ "Id": "10.0.0.9", "AvailabilityZone": "all" }),
            "The IP address '10.0.0.9' is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'us-east-1a'",
        ),
        (
            json!({ "Id": "192.168.1.1" }),
            "You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the IP address '192.168.1.1' is outside the VPC",
        ),
        (
            json!({ "Id": "10.0.9.9" }),
            "The Availability Zone is required for IP address '10.0.9.9' because it is not in the VPC: no subnet of it has that address",
        ),
        (
            json!({ "Id": "8.8.8.8", "AvailabilityZone": "all" }),
            "The IP address '8.8.8.8' is not valid: it must be within the VPC, or in one of the ranges 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12 and 192.168.0.0/16",
        ),
    ] {
        let input = json!({ "TargetGroupArn": group, "Targets": [target] });
        let refused = world.refused("RegisterTargets", input).await;
        assert_eq!(refused, ("ValidationError".to_owned(), message.to_owned()));
    }
    world
        .register(&group, json!({ "Id": "192.168.1.1", "AvailabilityZone": "all" }))
        .await;
    let described = world.health(&group).await;
    assert_eq!(
        described[0]["Target"],
        json!({ "Id": "192.168.1.1", "Port": 80, "AvailabilityZone": "all" })
    );
}

#[tokio::test]
async fn instances_are_those_that_are_registered_with_a_cluster() {
    let world = World::new().await;
    let input = json!({ "Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": world.vpc });
    let made = world.ask("CreateTargetGroup", input).await;
    let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
    world.fixture.instance().await;
    let id = world.fixture.store().read(|state| {
        let mut all = state.all::<domain::container_instance::ContainerInstance>();
        all.next().map(|it| it.ec2_instance_id.clone()).expect("is there")
    });
    if id.starts_with("i-") {
        world.register(&group, json!({ "Id": id, "Port": 32768 })).await;
        assert_eq!(
            world.health(&group).await[0]["Target"],
            json!({ "Id": id, "Port": 32768 })
        );
    }
    let input = json!({ "TargetGroupArn": group, "Targets": [{ "Id": "i-0123456789abcdef0" }] });
    assert_eq!(
        world.refused("RegisterTargets", input).await,
        (
            "InvalidTarget".to_owned(),
            "The following targets are not in a running state and cannot be registered: 'i-0123456789abcdef0'".to_owned()
        )
    );
    let input = json!({ "TargetGroupArn": group, "Targets": [{ "Id": "10.0.0.9" }] });
    assert_eq!(
        world.refused("RegisterTargets", input).await.1,
        "Instance ID '10.0.0.9' is not valid"
    );
}

#[tokio::test]
async fn a_load_balancer_can_be_a_target() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let input = json!({
        "Name": "front", "Protocol": "TCP", "Port": 80, "VpcId": world.vpc, "TargetType": "alb",
    });
    let made = world.ask("CreateTargetGroup", input).await;
    let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
    let target = json!({ "TargetGroupArn": group, "Targets": [{ "Id": web["LoadBalancerArn"] }] });
    assert_eq!(
        world.refused("RegisterTargets", target.clone()).await.0,
        "InvalidTarget"
    );
    let listener = world.listener(&web, ("HTTP", 80), fixed()).await;
    world.ask("RegisterTargets", target.clone()).await;
    let in_use = format!(
        "Listener port '80' is in use by registered target '{}' and cannot be removed",
        text(&web["LoadBalancerArn"])
    );
    for (operation, input) in [
        ("DeleteListener", json!({ "ListenerArn": listener })),
        ("ModifyListener", json!({ "ListenerArn": listener, "Port": 81 })),
    ] {
        let refused = world.refused(operation, input).await;
        assert_eq!(
            refused,
            ("ResourceInUse".to_owned(), in_use.clone()),
            "{operation}"
        );
    }
    // its other listeners are nobody's target
    let other = world.listener(&web, ("HTTP", 82), fixed()).await;
    world
        .ask("ModifyListener", json!({ "ListenerArn": other, "Port": 83 }))
        .await;
    world.ask("DeleteListener", json!({ "ListenerArn": other })).await;
    let delete = json!({ "LoadBalancerArn": web["LoadBalancerArn"] });
    assert_eq!(
        world.refused("DeleteLoadBalancer", delete.clone()).await.0,
        "ResourceInUse"
    );
    world.ask("DeregisterTargets", target).await;
    world.ask("DeleteLoadBalancer", delete).await;
}

#[tokio::test]
async fn a_load_balancer_as_a_target_is_led_to_by_tcp_and_asked_by_http() {
    let world = World::new().await;
    let input = |name: &str, check: &str| {
        json!({
            "Name": name, "Protocol": "TCP", "Port": 80, "VpcId": world.vpc, "TargetType": "alb",
            "HealthCheckProtocol": check,
        })
    };
    let refused = world.refused("CreateTargetGroup", input("front", "TCP")).await;
    assert_eq!(refused.0, "ValidationError", "{refused:?}");
    let made = world.ask("CreateTargetGroup", input("front", "HTTPS")).await;
    let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
    let modify = json!({ "TargetGroupArn": group, "HealthCheckProtocol": "TCP" });
    assert_eq!(
        world.refused("ModifyTargetGroup", modify).await.0,
        "ValidationError"
    );
    let edge = world.load_balancer("edge", "network").await;
    let forward = json!({ "Type": "forward", "TargetGroupArn": group });
    let listener = |protocol: &str, port: u16| {
        json!({
            "LoadBalancerArn": edge["LoadBalancerArn"], "Protocol": protocol, "Port": port,
            "DefaultActions": [forward],
        })
    };
    let refused = world.refused("CreateListener", listener("TCP_UDP", 80)).await;
    assert_eq!(refused.0, "IncompatibleProtocols", "{refused:?}");
    world.ask("CreateListener", listener("TCP", 80)).await;
}

#[tokio::test]
async fn a_group_has_a_thousand_targets_at_most() {
    let world = World::new().await;
    let group = world.target_group("web", "HTTP").await;
    let targets: Vec<_> = (1..=1000)
        .map(|port| json!({ "Id": "10.0.0.9", "Port": port }))
        .collect();
    world
        .ask(
            "RegisterTargets",
            json!({ "TargetGroupArn": group, "Targets": targets }),
        )
        .await;
    let input = json!({ "TargetGroupArn": group, "Targets": [{ "Id": "10.0.0.10" }] });
    assert_eq!(world.refused("RegisterTargets", input).await.0, "TooManyTargets");
}

#[tokio::test]
async fn anomalies_are_told_to_whoever_asks_for_them_behind_application_load_balancers() {
    let world = World::new().await;
    for (name, protocol, is_told) in [("web", "HTTP", true), ("bytes", "TCP", false)] {
        let group = world.target_group(name, protocol).await;
        let target = json!({ "Id": "10.0.1.9", "Port": 8080 });
        world.register(&group, target.clone()).await;
        let asked = |include: Value, targets: Value| json!({ "TargetGroupArn": group, "Include": include, "Targets": targets });
        let of = |answer: Value| answer["TargetHealthDescriptions"][0]["AnomalyDetection"].clone();
        let normal = match is_told {
            true => json!({ "Result": "normal", "MitigationInEffect": "no" }),
            false => Value::Null,
        };
        for (include, targets, expected) in [
            (json!([]), json!([]), Value::Null),
            (json!(["AnomalyDetection"]), json!([]), normal.clone()),
            (json!(["All"]), json!([target]), normal),
        ] {
            let answer = world.ask("DescribeTargetHealth", asked(include, targets)).await;
            assert_eq!(of(answer), expected, "{name}");
        }
        let key = TargetKey {
            group: domain::TargetGroupArn::parse(&group).expect("an ARN"),
            id: "10.0.1.9".to_owned(),
            port: 8080,
        };
        let reported = world.fixture.store().transact(move |tx| {
            let anomaly = AnomalyDetection {
                is_anomalous: true,
                is_mitigated: true,
            };
            target_anomaly(tx, &key, anomaly);
            Ok::<_, std::convert::Infallible>(())
        });
        reported.await.expect("is stored");
        let answer = world
            .ask("DescribeTargetHealth", asked(json!(["All"]), json!([])))
            .await;
        let anomalous = match is_told {
            true => json!({ "Result": "anomalous", "MitigationInEffect": "yes" }),
            false => Value::Null,
        };
        assert_eq!(of(answer), anomalous);
    }
}
