//! Target groups, their health checks and attributes.

use super::*;

#[tokio::test]
async fn defaults_are_read_back() {
    let world = World::new().await;
    for (more, expected) in [
        (
            json!({ "Protocol": "HTTP" }),
            json!({
                "HealthCheckProtocol": "HTTP", "HealthCheckPath": "/", "HealthCheckTimeoutSeconds": 5,
                "HealthCheckIntervalSeconds": 30, "HealthyThresholdCount": 5, "UnhealthyThresholdCount": 2,
                "Matcher": { "HttpCode": "200" }, "ProtocolVersion": "HTTP1", "TargetType": "instance",
                "HealthCheckPort": "traffic-port", "HealthCheckEnabled": true, "IpAddressType": "ipv4",
                "LoadBalancerArns": [],
            }),
        ),
        (
            json!({ "Protocol": "HTTP", "ProtocolVersion": "GRPC", "TargetType": "ip" }),
            json!({ "HealthCheckPath": "/AWS.ALB/healthcheck", "Matcher": { "GrpcCode": "12" } }),
        ),
        (
            json!({ "Protocol": "TCP" }),
            json!({
                "HealthCheckProtocol": "TCP", "HealthCheckTimeoutSeconds": 10, "HealthCheckPath": null,
                "Matcher": null, "ProtocolVersion": null,
            }),
        ),
        (
            json!({ "Protocol": "TCP", "HealthCheckProtocol": "HTTP", "HealthCheckPort": "8080" }),
            json!({
                "HealthCheckTimeoutSeconds": 6, "HealthCheckPath": "/", "Matcher": { "HttpCode": "200-399" },
                "HealthCheckPort": "8080",
            }),
        ),
    ] {
        let mut input = json!({ "Name": "web", "Port": 80, "VpcId": world.vpc });
        for (key, value) in more.as_object().expect("an object") {
            input[key] = value.clone();
        }
        let made = world.ask("CreateTargetGroup", input.clone()).await["TargetGroups"][0].clone();
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(made.get(key).unwrap_or(&Value::Null), value, "{key} of {more}");
        }
        assert_eq!(
            world.ask("CreateTargetGroup", input.clone()).await["TargetGroups"][0],
            made
        );
        input["Port"] = json!(81);
        assert_eq!(
            world.refused("CreateTargetGroup", input).await,
            (
                "DuplicateTargetGroupName".to_owned(),
                "A target group with the same name 'web' exists, but with different settings".to_owned()
            )
        );
        let arn = json!({ "TargetGroupArn": made["TargetGroupArn"] });
        world.ask("DeleteTargetGroup", arn.clone()).await;
        world.ask("DeleteTargetGroup", arn).await;
    }
    let refused = world
        .refused("DescribeTargetGroups", json!({ "Names": ["web"] }))
        .await;
    assert_eq!(
        refused,
        (
            "TargetGroupNotFound".to_owned(),
            "One or more target groups not found".to_owned()
        )
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_cannot_be_is_refused() {
    let world = World::new().await;
    let full = json!({ "Name": "web", "Port": 80, "VpcId": world.vpc, "Protocol": "HTTP" });
    for (key, value, code, message) in [
        ("Port", Value::Null, "ValidationError", "A port must be specified"),
        (
            "Protocol",
            Value::Null,
            "ValidationError",
            "A protocol must be specified",
        ),
        (
            "VpcId",
            Value::Null,
            "ValidationError",
            "A VPC ID must be specified",
        ),
        (
            "VpcId",
            json!("vpc-1"),
            "ValidationError",
            "The VPC ID 'vpc-1' is not found",
        ),
        (
            "TargetType",
            json!("lambda"),
            "InvalidConfigurationRequest",
            "The requested configuration is not valid: a target group with target type 'lambda' is not supported by Gantry yet.",
        ),
        (
            "Protocol",
            json!("GENEVE"),
            "InvalidConfigurationRequest",
            "The requested configuration is not valid: the protocol 'GENEVE' is not supported by Gantry yet.",
        ),
        (
            "HealthCheckProtocol",
            json!("TCP"),
            "ValidationError",
            "Health check protocol 'TCP' is not supported for target groups with the protocol 'HTTP'",
        ),
        (
            "HealthCheckTimeoutSeconds",
            json!(30),
            "ValidationError",
            "Health check timeout '30' must be smaller than the interval '30'",
        ),
        (
            "HealthCheckIntervalSeconds",
            json!(600),
            "ValidationError",
            "1 validation error detected: Value '600' at 'healthCheckIntervalSeconds' failed to satisfy constraint: Member must have value less than or equal to 300",
        ),
        (
            "HealthyThresholdCount",
            json!(1),
            "ValidationError",
            "1 validation error detected: Value '1' at 'healthyThresholdCount' failed to satisfy constraint: Member must have value greater than or equal to 2",
        ),
        (
            "Matcher",
            json!({ "HttpCode": "500" }),
            "ValidationError",
            "Health check matcher HTTP code '500' must be within '200-499' inclusive",
        ),
        (
            "HealthCheckPath",
            json!("health"),
            "ValidationError",
            "Health check path 'health' must begin with a '/' character, and can only contain printable ASCII characters, without spaces",
        ),
        (
            "HealthCheckEnabled",
            json!(false),
            "InvalidConfigurationRequest",
            "Health check enabled must be true for target groups with target type 'instance'",
        ),
        (
            "ProtocolVersion",
            json!("HTTP3"),
            "ValidationError",
            "Protocol version 'HTTP3' must be one of 'GRPC, HTTP1, HTTP2'",
        ),
        (
            "TargetType",
            json!("alb"),
            "ValidationError",
            "Protocol 'HTTP' is not supported for target groups with target type 'alb': it must be 'TCP'",
        ),
        (
            "Name",
            json!("web-"),
            "ValidationError",
            "Target group name 'web-' cannot begin or end with '-'",
        ),
    ] {
        let mut input = full.clone();
        match value.is_null() {
            true => drop(input.as_object_mut().expect("an object").remove(key)),
            false => input[key] = value,
        }
        let refused = world.refused("CreateTargetGroup", input).await;
        assert_eq!(refused, (code.to_owned(), message.to_owned()), "{key}");
    }
}

#[tokio::test]
async fn checks_of_network_load_balancers_may_last_until_the_next() {
    let world = World::new().await;
    for protocol in ["TCP", "TLS", "UDP", "TCP_UDP"] {
        let mut input = json!({
            "Name": protocol.replace('_', "-"), "Protocol": protocol, "Port": 80, "VpcId": world.vpc,
            "HealthCheckIntervalSeconds": 10,
        });
        let made = world.ask("CreateTargetGroup", input.clone()).await["TargetGroups"][0].clone();
        assert_eq!(made["HealthCheckTimeoutSeconds"], 10, "{protocol}");
        input["Name"] = json!("other");
        input["HealthCheckIntervalSeconds"] = json!(5);
        input["HealthCheckTimeoutSeconds"] = json!(6);
        let refused = world.refused("CreateTargetGroup", input).await;
        assert_eq!(
            refused,
            (
                "ValidationError".to_owned(),
                "Health check timeout '6' must be smaller than or equal to the interval '5'".to_owned()
            )
        );
    }
}

#[tokio::test]
async fn a_health_check_is_modified() {
    let world = World::new().await;
    let arn = world.target_group("web", "TCP").await;
    let input = json!({
        "TargetGroupArn": arn, "HealthCheckProtocol": "HTTP", "HealthCheckPath": "/ok",
        "UnhealthyThresholdCount": 3, "Matcher": { "HttpCode": "200-599" },
    });
    let it = world.ask("ModifyTargetGroup", input).await["TargetGroups"][0].clone();
    assert_eq!(
        (
            &it["HealthCheckPath"],
            &it["HealthCheckTimeoutSeconds"],
            &it["Matcher"]["HttpCode"]
        ),
        (&json!("/ok"), &json!(10), &json!("200-599"))
    );
    // What is not given stays.
    let input = json!({ "TargetGroupArn": arn, "HealthCheckIntervalSeconds": 10 });
    let it = world.ask("ModifyTargetGroup", input).await["TargetGroups"][0].clone();
    assert_eq!(
        (&it["HealthCheckPath"], &it["UnhealthyThresholdCount"]),
        (&json!("/ok"), &json!(3))
    );
}

#[tokio::test]
async fn a_check_of_another_protocol_keeps_its_times() {
    let world = World::new().await;
    let arn = world.target_group("web", "TCP").await;
    let set = json!({
        "TargetGroupArn": arn, "HealthCheckPort": "9000", "HealthCheckIntervalSeconds": 12,
        "HealthCheckTimeoutSeconds": 7, "HealthyThresholdCount": 3, "UnhealthyThresholdCount": 4,
    });
    world.ask("ModifyTargetGroup", set.clone()).await;
    for (protocol, path, codes) in [
        ("HTTP", json!("/"), json!("200-399")),
        ("TCP", json!(null), json!(null)),
    ] {
        let input = json!({ "TargetGroupArn": arn, "HealthCheckProtocol": protocol });
        let it = world.ask("ModifyTargetGroup", input).await["TargetGroups"][0].clone();
        assert_eq!(it["HealthCheckProtocol"], protocol);
        assert_eq!(
            (&it["HealthCheckPath"], &it["Matcher"]["HttpCode"]),
            (&path, &codes),
            "{protocol}"
        );
        for (member, value) in set.as_object().expect("an object") {
            let is_known = member == "TargetGroupArn";
            assert!(is_known || it[member] == *value, "{protocol} {member}: {it}");
        }
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn attributes_are_those_of_the_protocol() {
    let world = World::new().await;
    let (http, tcp) = (
        world.target_group("http", "HTTP").await,
        world.target_group("tcp", "TCP").await,
    );
    let set = |arn: &str, pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        json!({ "TargetGroupArn": arn, "Attributes": pairs })
    };
    let input = set(
        &http,
        &[
            ("stickiness.enabled", "true"),
            ("deregistration_delay.timeout_seconds", "5"),
        ],
    );
    world.ask("ModifyTargetGroupAttributes", input).await;
    let read = world
        .ask("DescribeTargetGroupAttributes", json!({ "TargetGroupArn": http }))
        .await;
    for (key, value) in [
        ("stickiness.enabled", "true"),
        ("stickiness.type", "lb_cookie"),
        ("deregistration_delay.timeout_seconds", "5"),
        ("load_balancing.algorithm.type", "round_robin"),
        (
            "load_balancing.cross_zone.enabled",
            "use_load_balancer_configuration",
        ),
        (
            "target_group_health.dns_failover.minimum_healthy_targets.percentage",
            "off",
        ),
    ] {
        assert_eq!(value_of(&read, key), value, "{key}");
    }
    let read = world
        .ask("DescribeTargetGroupAttributes", json!({ "TargetGroupArn": tcp }))
        .await;
    assert_eq!(value_of(&read, "preserve_client_ip.enabled"), "false");
    assert_eq!(value_of(&read, "slow_start.duration_seconds"), Value::Null);
    for (arn, pairs, code) in [
        (
            &tcp,
            &[("slow_start.duration_seconds", "30")][..],
            "InvalidConfigurationRequest",
        ),
        (&http, &[("colour", "red")], "ValidationError"),
        (
            &http,
            &[("stickiness.type", "source_ip")],
            "InvalidConfigurationRequest",
        ),
        (
            &http,
            &[
                ("slow_start.duration_seconds", "30"),
                ("load_balancing.algorithm.type", "least_outstanding_requests"),
            ],
            "InvalidConfigurationRequest",
        ),
        (
            &http,
            &[("stickiness.enabled", "true"), ("stickiness.enabled", "false")],
            "ValidationError",
        ),
    ] {
        let refused = world
            .refused("ModifyTargetGroupAttributes", set(arn, pairs))
            .await;
        assert_eq!(refused.0, code, "{pairs:?}: {}", refused.1);
    }
}
