//! Load balancers, their places, attributes and tags.

use super::*;
use crate::fixture::text;

#[tokio::test]
async fn a_load_balancer_is_made_described_and_deleted() {
    let world = World::new().await;
    let made = world.ask("CreateLoadBalancer", world.wish()).await;
    let name = text(&made["DNSName"]);
    assert!(
        name.starts_with("web-") && name.ends_with(".us-east-1.elb.amazonaws.com"),
        "{name}"
    );
    let it = world.described().await;
    assert_eq!(it["AvailabilityZones"], json!(["us-east-1a", "us-east-1b"]));
    assert_eq!(it["Subnets"], json!(world.subnets[..2]));
    assert_eq!(it["SecurityGroups"], json!([world.group]));
    assert_eq!(
        it["SourceSecurityGroup"],
        json!({ "GroupName": "default", "OwnerAlias": "123456789012" })
    );
    assert_eq!(
        (&it["Scheme"], &it["VPCId"], &it["DNSName"]),
        (&json!("internet-facing"), &json!(world.vpc), &made["DNSName"])
    );
    let check = json!({
        "Target": "TCP:8080", "Interval": 30, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 10,
    });
    assert_eq!(it["HealthCheck"], check);
    assert_eq!(it["Instances"], json!([]));
    // Made again, it is the same; with other settings it is refused.
    assert_eq!(world.ask("CreateLoadBalancer", world.wish()).await, made);
    let mut other = world.wish();
    other["Scheme"] = json!("internal");
    assert_eq!(
        world.refused("CreateLoadBalancer", other).await,
        error(
            "DuplicateLoadBalancerName",
            "Load Balancer named 'web' already exists and it is configured with different parameters."
        )
    );
    world.ask("DeleteLoadBalancer", of_web(json!({}))).await;
    world.ask("DeleteLoadBalancer", of_web(json!({}))).await;
    let named = json!({ "LoadBalancerNames": ["web"] });
    assert_eq!(
        world.refused("DescribeLoadBalancers", named).await,
        error(
            "LoadBalancerNotFound",
            "There is no ACTIVE Load Balancer named 'web'"
        )
    );
}

#[tokio::test]
async fn the_younger_api_does_not_see_it_and_may_have_its_name() {
    let world = World::new().await;
    world.web().await;
    let elbv2 = "elasticloadbalancing";
    let seen = world
        .fixture
        .ask_of(elbv2, "DescribeLoadBalancers", json!({}))
        .await;
    assert_eq!(seen["LoadBalancers"], json!([]));
    let groups = world
        .fixture
        .ask_of(elbv2, "DescribeTargetGroups", json!({}))
        .await;
    assert_eq!(groups["TargetGroups"], json!([]));
    let input = json!({ "Name": "web", "Subnets": world.subnets[..2] });
    let made = world.fixture.ask_of(elbv2, "CreateLoadBalancer", input).await;
    assert_eq!(made["LoadBalancers"][0]["LoadBalancerName"], "web");
    let all = world.ask("DescribeLoadBalancers", json!({})).await;
    assert_eq!(all["LoadBalancerDescriptions"].as_array().map(Vec::len), Some(1));
    // Names that begin alike are apart.
    let longer = json!({ "LoadBalancerNames": ["we"] });
    assert_eq!(
        world.refused("DescribeLoadBalancers", longer).await.0,
        "LoadBalancerNotFound"
    );
}

#[tokio::test]
async fn what_makes_no_load_balancer_is_refused() {
    let world = World::new().await;
    let cases = [
        (json!({ "LoadBalancerName": "a_b" }), "ValidationError"),
        (json!({ "LoadBalancerName": "a".repeat(33) }), "ValidationError"),
        (json!({ "Listeners": [] }), "ValidationError"),
        (json!({ "Subnets": [] }), "ValidationError"),
        (json!({ "AvailabilityZones": ["us-east-1a"] }), "ValidationError"),
        (
            json!({ "Subnets": [], "AvailabilityZones": ["us-east-1z"] }),
            "ValidationError",
        ),
        (json!({ "Subnets": ["subnet-1"] }), "SubnetNotFound"),
        (
            json!({ "Subnets": [world.subnets[0], world.subnets[2]] }),
            "InvalidConfigurationRequest",
        ),
        (json!({ "SecurityGroups": ["sg-1"] }), "InvalidSecurityGroup"),
        (json!({ "Scheme": "public" }), "InvalidScheme"),
        (
            json!({ "Tags": [{ "Key": "a" }, { "Key": "a" }] }),
            "DuplicateTagKeys",
        ),
    ];
    for (change, code) in cases {
        let mut input = world.wish();
        for (key, value) in change.as_object().expect("an object") {
            input[key] = value.clone();
        }
        let (found, message) = world.refused("CreateLoadBalancer", input).await;
        assert_eq!(found, code, "{change}: {message}");
    }
}

#[tokio::test]
async fn zones_become_subnets_of_the_default_vpc() {
    let world = World::new().await;
    let mut input = world.wish();
    input["Subnets"] = json!([]);
    input["AvailabilityZones"] = json!(["us-east-1b"]);
    world.ask("CreateLoadBalancer", input).await;
    assert_eq!(world.described().await["Subnets"], json!([world.subnets[1]]));
    let zones = |zone: &str| of_web(json!({ "AvailabilityZones": [zone] }));
    let enable = "EnableAvailabilityZonesForLoadBalancer";
    let disable = "DisableAvailabilityZonesForLoadBalancer";
    let both = json!(["us-east-1a", "us-east-1b"]);
    assert_eq!(
        world.ask(enable, zones("us-east-1a")).await["AvailabilityZones"],
        both
    );
    assert_eq!(
        world.ask(enable, zones("us-east-1a")).await["AvailabilityZones"],
        both
    );
    let left = world.ask(disable, zones("us-east-1b")).await;
    assert_eq!(left["AvailabilityZones"], json!(["us-east-1a"]));
    let (code, _) = world.refused(disable, zones("us-east-1a")).await;
    assert_eq!(code, "InvalidConfigurationRequest");
}

#[tokio::test]
async fn it_moves_between_subnets() {
    let world = World::new().await;
    world.web().await;
    let subnets = |subnet: &String| of_web(json!({ "Subnets": [subnet] }));
    let detached = world
        .ask("DetachLoadBalancerFromSubnets", subnets(&world.subnets[0]))
        .await;
    assert_eq!(detached["Subnets"], json!([world.subnets[1]]));
    let attached = world
        .ask("AttachLoadBalancerToSubnets", subnets(&world.subnets[2]))
        .await;
    assert_eq!(attached["Subnets"], json!([world.subnets[2], world.subnets[1]]));
    let (code, message) = world
        .refused("AttachLoadBalancerToSubnets", subnets(&world.subnets[0]))
        .await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "InvalidConfigurationRequest",
            "ELB cannot be attached to multiple subnets in the same AZ."
        )
    );
}

#[tokio::test]
async fn attributes_are_kept_and_answered() {
    let world = World::new().await;
    world.web().await;
    let modify = |attributes: Value| of_web(json!({ "LoadBalancerAttributes": attributes }));
    let given = json!({
        "CrossZoneLoadBalancing": { "Enabled": true }, "ConnectionSettings": { "IdleTimeout": 9 },
        "ConnectionDraining": { "Enabled": true, "Timeout": 20 },
    });
    let changed = world
        .ask("ModifyLoadBalancerAttributes", modify(given.clone()))
        .await;
    assert_eq!(
        (&changed["LoadBalancerName"], &changed["LoadBalancerAttributes"]),
        (&json!("web"), &given)
    );
    let all = world
        .ask("DescribeLoadBalancerAttributes", of_web(json!({})))
        .await;
    let all = &all["LoadBalancerAttributes"];
    assert_eq!(all["ConnectionDraining"], given["ConnectionDraining"]);
    assert_eq!(all["AccessLog"], json!({ "Enabled": false }));
    assert_eq!(
        all["AdditionalAttributes"],
        json!([{ "Key": "elb.http.desyncmitigationmode", "Value": "defensive" }])
    );
    // the time is kept while nothing drains
    for (given, seconds) in [
        (json!({ "Enabled": false }), 20),
        (json!({ "Enabled": false, "Timeout": 400 }), 400),
        (json!({ "Enabled": true }), 400),
    ] {
        world
            .ask(
                "ModifyLoadBalancerAttributes",
                modify(json!({ "ConnectionDraining": given })),
            )
            .await;
        let all = world
            .ask("DescribeLoadBalancerAttributes", of_web(json!({})))
            .await;
        let expected = json!({ "Enabled": given["Enabled"], "Timeout": seconds });
        assert_eq!(all["LoadBalancerAttributes"]["ConnectionDraining"], expected);
    }
    for (attributes, code) in [
        (
            json!({ "AccessLog": { "Enabled": true, "S3BucketName": "logs" } }),
            "InvalidConfigurationRequest",
        ),
        (
            json!({ "ConnectionSettings": { "IdleTimeout": 0 } }),
            "ValidationError",
        ),
        (
            json!({ "AdditionalAttributes": [{ "Key": "a", "Value": "b" }] }),
            "LoadBalancerAttributeNotFound",
        ),
    ] {
        let refusal = world
            .refused("ModifyLoadBalancerAttributes", modify(attributes))
            .await;
        assert_eq!(refusal.0, code, "{}", refusal.1);
    }
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = World::new().await;
    world.web().await;
    let tags = |tags: Value| json!({ "LoadBalancerNames": ["web"], "Tags": tags });
    let add = tags(json!([{ "Key": "a", "Value": "1" }, { "Key": "b" }]));
    world.ask("AddTags", add).await;
    world
        .ask("AddTags", tags(json!([{ "Key": "a", "Value": "2" }])))
        .await;
    world.ask("RemoveTags", tags(json!([{ "Key": "b" }]))).await;
    let described = world
        .ask("DescribeTags", json!({ "LoadBalancerNames": ["web"] }))
        .await;
    assert_eq!(
        described["TagDescriptions"],
        json!([{ "LoadBalancerName": "web", "Tags": [{ "Key": "a", "Value": "2" }] }])
    );
}

#[tokio::test]
async fn limits_are_told_in_pages() {
    let world = World::new().await;
    let all = world.ask("DescribeAccountLimits", json!({})).await;
    assert_eq!(all["Limits"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        all["Limits"][1],
        json!({ "Name": "classic-load-balancers", "Max": "20" })
    );
    let first = world.ask("DescribeAccountLimits", json!({ "PageSize": 2 })).await;
    let marker = &first["NextMarker"];
    let rest = world
        .ask("DescribeAccountLimits", json!({ "Marker": marker }))
        .await;
    assert_eq!(rest["Limits"], json!([all["Limits"][2]]));
    for wrong in [
        json!({ "PageSize": 0 }),
        json!({ "PageSize": 401 }),
        json!({ "Marker": "x" }),
    ] {
        let refused = world.refused("DescribeAccountLimits", wrong).await;
        assert_eq!(refused.0, "ValidationError");
    }
}
