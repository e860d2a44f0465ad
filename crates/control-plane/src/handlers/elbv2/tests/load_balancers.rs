//! Load balancers, their places, attributes and tags.

use super::*;

#[tokio::test]
async fn a_load_balancer_is_made_described_and_deleted() {
    let world = World::new().await;
    let made = world.load_balancer("web", "application").await;
    let arn = text(&made["LoadBalancerArn"]);
    assert!(arn.starts_with(&format!("{ARN}:loadbalancer/app/web/")), "{arn}");
    assert_eq!(made["State"], json!({ "Code": "provisioning" }));
    assert_eq!(
        (
            &made["Type"],
            &made["Scheme"],
            &made["IpAddressType"],
            &made["VpcId"]
        ),
        (
            &json!("application"),
            &json!("internet-facing"),
            &json!("ipv4"),
            &json!(world.vpc)
        )
    );
    assert_eq!(made["SecurityGroups"], json!([world.group]));
    assert_eq!(made["AvailabilityZones"][1]["ZoneName"], "us-east-1b");
    assert!(text(&made["DNSName"]).ends_with(".us-east-1.elb.amazonaws.com"));

    // The same again is the same one; another like it is refused.
    assert_eq!(world.load_balancer("web", "application").await, made);
    let (code, message) = world
        .refused("CreateLoadBalancer", world.wish("web", "network"))
        .await;
    assert_eq!(code, "DuplicateLoadBalancerName");
    assert_eq!(
        message,
        "A load balancer with the same name 'web' exists, but with different settings"
    );

    for by in [
        json!({}),
        json!({ "Names": ["web"] }),
        json!({ "LoadBalancerArns": [arn] }),
    ] {
        let found = world.ask("DescribeLoadBalancers", by).await;
        assert_eq!(found["LoadBalancers"], json!([made]));
    }
    let delete = json!({ "LoadBalancerArn": arn });
    world.ask("DeleteLoadBalancer", delete.clone()).await;
    world.ask("DeleteLoadBalancer", delete).await;
    assert_eq!(
        world
            .refused("DescribeLoadBalancers", json!({ "LoadBalancerArns": [arn] }))
            .await,
        (
            "LoadBalancerNotFound".into(),
            "One or more load balancers not found".into()
        )
    );
    assert_eq!(
        world
            .refused("DescribeLoadBalancers", json!({ "Names": ["web"] }))
            .await,
        (
            "LoadBalancerNotFound".into(),
            "Load balancers '[web]' not found".into()
        )
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_cannot_be_is_refused() {
    let world = World::new().await;
    let [a, b, a_again] = world.subnets.clone();
    let long = "a".repeat(33);
    for (input, code, message) in [
        (
            json!({ "Name": "web", "Subnets": [a] }),
            "ValidationError",
            "At least two subnets in two different Availability Zones must be specified",
        ),
        (
            json!({ "Name": "web" }),
            "ValidationError",
            "At least two subnets in two different Availability Zones must be specified",
        ),
        (
            json!({ "Name": "web", "Subnets": [a, a_again] }),
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        ),
        (
            json!({ "Name": "web", "Subnets": [a, "subnet-x"] }),
            "SubnetNotFound",
            "The subnet ID 'subnet-x' does not exist",
        ),
        (
            json!({ "Name": "-web", "Subnets": [a, b] }),
            "ValidationError",
            "The load balancer name '-web' cannot begin or end with '-'",
        ),
        (
            json!({ "Name": "internal-web", "Subnets": [a, b] }),
            "ValidationError",
            "The load balancer name 'internal-web' cannot begin with 'internal-'",
        ),
        (
            json!({ "Name": "web_1", "Subnets": [a, b] }),
            "ValidationError",
            "The load balancer name 'web_1' can only contain characters that are alphanumeric characters or hyphens(-)",
        ),
        (
            json!({ "Name": long, "Subnets": [a, b] }),
            "ValidationError",
            &format!("The load balancer name '{long}' cannot be longer than '32' characters"),
        ),
        (
            json!({ "Name": "web", "Subnets": [a, b], "Type": "gateway" }),
            "InvalidConfigurationRequest",
            "The requested configuration is not valid: a load balancer with type 'gateway' is not supported by Gantry yet.",
        ),
        (
            json!({ "Name": "web", "Subnets": [a, b], "IpAddressType": "dualstack" }),
            "InvalidConfigurationRequest",
            "The requested configuration is not valid: the IP address type 'dualstack' is not supported by Gantry yet.",
        ),
        (
            json!({ "Name": "web", "Subnets": [a, b], "IpAddressType": "ipv5" }),
            "ValidationError",
            "1 validation error detected: Value 'ipv5' at 'ipAddressType' failed to satisfy constraint: Member must satisfy enum value set: [ipv4, dualstack, dualstack-without-public-ipv4]",
        ),
        (
            json!({ "Name": "web", "Subnets": [a, b], "Tags": [{ "Key": "x" }, { "Key": "x" }] }),
            "DuplicateTagKeys",
            "Tag key 'x' was specified more than once",
        ),
        (
            json!({ "Name": "web", "SubnetMappings": [{ "SubnetId": a, "AllocationId": "eipalloc-1" }] }),
            "AllocationIdNotFound",
            "The allocation ID 'eipalloc-1' does not exist",
        ),
    ] {
        let refused = world.refused("CreateLoadBalancer", input.clone()).await;
        assert_eq!(refused, (code.to_owned(), message.to_owned()), "{input}");
    }
    let mut unknown = world.wish("web", "application");
    unknown["SecurityGroups"] = json!(["sg-1"]);
    assert_eq!(
        world.refused("CreateLoadBalancer", unknown).await.0,
        "InvalidSecurityGroup"
    );
}

#[tokio::test]
async fn a_network_load_balancer_has_the_addresses_it_asks_for() {
    let world = World::new().await;
    let input = json!({
        "Name": "tcp", "Type": "network", "Scheme": "internal",
        "SubnetMappings": [{ "SubnetId": world.subnets[0], "PrivateIPv4Address": "10.0.0.9" }],
    });
    let made = world.ask("CreateLoadBalancer", input.clone()).await["LoadBalancers"][0].clone();
    assert!(text(&made["DNSName"]).ends_with(".elb.us-east-1.amazonaws.com"));
    assert_eq!(made.get("SecurityGroups"), None);
    let addresses = world.fixture.store().read(|state| {
        let all = state.all::<domain::load_balancer::LoadBalancer>();
        all.flat_map(|it| it.addresses().collect::<Vec<_>>())
            .collect::<Vec<_>>()
    });
    assert_eq!(
        addresses,
        ["10.0.0.9".parse::<std::net::IpAddr>().expect("an address")]
    );
    let arns = json!({ "LoadBalancerArns": [made["LoadBalancerArn"]] });
    let described = world.ask("DescribeLoadBalancers", arns).await["LoadBalancers"][0].clone();
    let shown = |zones: &Value, at: usize| zones["AvailabilityZones"][at]["LoadBalancerAddresses"].clone();
    let chosen = json!([{ "PrivateIPv4Address": "10.0.0.9" }]);
    assert_eq!(
        (shown(&made, 0), shown(&described, 0)),
        (chosen.clone(), chosen.clone())
    );
    let both = json!({ "LoadBalancerArn": made["LoadBalancerArn"], "Subnets": world.subnets[..2] });
    let moved = world.ask("SetSubnets", both).await;
    assert_eq!(
        (shown(&moved, 0), shown(&moved, 1)),
        (chosen, json!([])),
        "the other one was not asked for"
    );
    let mut other = input;
    other["Name"] = json!("other");
    let (code, message) = world.refused("CreateLoadBalancer", other).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "InvalidConfigurationRequest",
            "The private IPv4 address '10.0.0.9' is already in use"
        )
    );
}

#[tokio::test]
async fn whether_rules_count_for_private_link_is_kept() {
    let world = World::new().await;
    let member = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic";
    let mut wish = world.wish("tcp", "network");
    wish["SecurityGroups"] = json!([world.group]);
    let made = world.ask("CreateLoadBalancer", wish).await["LoadBalancers"][0].clone();
    assert_eq!(made[member], "on");
    let set = |arn: &Value, word: &str| {
        let mut it = json!({ "LoadBalancerArn": arn, "SecurityGroups": [world.group] });
        it[member] = json!(word);
        it
    };
    let arn = &made["LoadBalancerArn"];
    for word in ["off", "on", "off"] {
        assert_eq!(world.ask("SetSecurityGroups", set(arn, word)).await[member], word);
    }
    let again = json!({ "LoadBalancerArn": arn, "SecurityGroups": [world.group] });
    world.ask("SetSecurityGroups", again).await;
    let found = world
        .ask("DescribeLoadBalancers", json!({ "Names": ["tcp"] }))
        .await;
    assert_eq!(
        found["LoadBalancers"][0][member], "off",
        "what is not given stays"
    );
    let refused = world.refused("SetSecurityGroups", set(arn, "maybe")).await;
    assert_eq!(refused.0, "ValidationError");

    let open = world.load_balancer("open", "network").await;
    let web = world.load_balancer("web", "application").await;
    assert_eq!((open.get(member), web.get(member)), (None, None));
    let refused = world
        .refused("SetSecurityGroups", set(&web["LoadBalancerArn"], "on"))
        .await;
    assert_eq!(refused.0, "InvalidConfigurationRequest");
}

#[tokio::test]
async fn no_capacity_is_reserved() {
    let world = World::new().await;
    let made = world.load_balancer("web", "application").await;
    let arn = &made["LoadBalancerArn"];
    let none = json!({ "CapacityReservationState": [] });
    let of = json!({ "LoadBalancerArn": arn });
    assert_eq!(world.ask("DescribeCapacityReservation", of.clone()).await, none);
    let reset = json!({ "LoadBalancerArn": arn, "ResetCapacityReservation": true });
    assert_eq!(world.ask("ModifyCapacityReservation", reset).await, none);
    let wish = json!({ "LoadBalancerArn": arn, "MinimumLoadBalancerCapacity": { "CapacityUnits": 100 } });
    let refused = world.refused("ModifyCapacityReservation", wish).await;
    assert_eq!(
        refused,
        (
            "OperationNotPermitted".to_owned(),
            "This operation is not allowed: a load balancer has the capacity of its host: none can be reserved."
                .to_owned()
        )
    );
    assert_eq!(
        world.refused("ModifyCapacityReservation", of.clone()).await.0,
        "ValidationError"
    );
    world.ask("DeleteLoadBalancer", of.clone()).await;
    let refused = world.refused("DescribeCapacityReservation", of).await;
    assert_eq!(
        refused,
        (
            "LoadBalancerNotFound".to_owned(),
            format!("Load balancer '{}' not found", text(arn))
        )
    );
}

#[tokio::test]
async fn subnets_that_are_full_are_refused() {
    let world = World::new().await;
    // A /28 has eleven addresses to give.
    for at in 0..11 {
        world.load_balancer(&format!("web-{at}"), "network").await;
    }
    let (code, message) = world
        .refused("CreateLoadBalancer", world.wish("last", "network"))
        .await;
    assert_eq!(code, "InvalidSubnet");
    assert_eq!(
        message,
        format!("Not enough IP space available in {}.", world.subnets[0])
    );
}

#[tokio::test]
async fn it_moves_to_other_subnets() {
    let world = World::new().await;
    let made = world.load_balancer("web", "application").await;
    let input = json!({
        "LoadBalancerArn": made["LoadBalancerArn"], "Subnets": [world.subnets[1], world.subnets[2]],
    });
    let moved = world.ask("SetSubnets", input).await;
    assert_eq!(moved["AvailabilityZones"][0]["SubnetId"], json!(world.subnets[2]));
    let set = json!({ "LoadBalancerArn": made["LoadBalancerArn"], "SecurityGroups": [world.group] });
    let set = world.ask("SetSecurityGroups", set).await;
    assert_eq!(set["SecurityGroupIds"], json!([world.group]));
    let set = json!({ "LoadBalancerArn": made["LoadBalancerArn"], "IpAddressType": "ipv4" });
    assert_eq!(world.ask("SetIpAddressType", set).await["IpAddressType"], "ipv4");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn attributes_are_those_of_the_kind() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await["LoadBalancerArn"].clone();
    let tcp = world.load_balancer("tcp", "network").await["LoadBalancerArn"].clone();
    let set = |arn: &Value, key: &str, value: &str| json!({ "LoadBalancerArn": arn, "Attributes": [{ "Key": key, "Value": value }] });
    let input = set(&web, "idle_timeout.timeout_seconds", "120");
    let changed = world.ask("ModifyLoadBalancerAttributes", input).await;
    assert_eq!(value_of(&changed, "idle_timeout.timeout_seconds"), "120");
    let input = set(&web, "deletion_protection.enabled", "true");
    world.ask("ModifyLoadBalancerAttributes", input).await;
    let read = world
        .ask(
            "DescribeLoadBalancerAttributes",
            json!({ "LoadBalancerArn": web }),
        )
        .await;
    assert_eq!(value_of(&read, "idle_timeout.timeout_seconds"), "120");
    assert_eq!(value_of(&read, "load_balancing.cross_zone.enabled"), "true");
    let read = world
        .ask(
            "DescribeLoadBalancerAttributes",
            json!({ "LoadBalancerArn": tcp }),
        )
        .await;
    assert_eq!(value_of(&read, "load_balancing.cross_zone.enabled"), "false");
    assert_eq!(value_of(&read, "idle_timeout.timeout_seconds"), Value::Null);

    for (arn, key, value, code, message) in [
        (
            &web,
            "colour",
            "red",
            "ValidationError",
            "Load balancer attribute key 'colour' is not recognized",
        ),
        (
            &tcp,
            "routing.http2.enabled",
            "true",
            "InvalidConfigurationRequest",
            "Load balancer attribute key 'routing.http2.enabled' is not supported on load balancers with type 'network'",
        ),
        (
            &web,
            "idle_timeout.timeout_seconds",
            "4001",
            "ValidationError",
            "The value of load balancer attribute 'idle_timeout.timeout_seconds' must be a number between 1 and 4000, inclusive",
        ),
        (
            &web,
            "ipv6.deny_all_igw_traffic",
            "true",
            "InvalidConfigurationRequest",
            "Load balancer attribute key 'ipv6.deny_all_igw_traffic' is not supported on load balancers with IP address type 'ipv4'",
        ),
        (
            &web,
            "access_logs.s3.enabled",
            "true",
            "InvalidConfigurationRequest",
            "The value of 'access_logs.s3.bucket' cannot be empty if 'access_logs.s3.enabled' is 'true'",
        ),
    ] {
        let refused = world
            .refused("ModifyLoadBalancerAttributes", set(arn, key, value))
            .await;
        assert_eq!(refused, (code.to_owned(), message.to_owned()));
    }
    let (code, _) = world
        .refused("DeleteLoadBalancer", json!({ "LoadBalancerArn": web }))
        .await;
    assert_eq!(code, "OperationNotPermitted");
}

#[tokio::test]
async fn tags_are_kept_with_each_kind_of_resource() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let listener = world.listener(&web, ("HTTP", 80), fixed()).await;
    let group = world.target_group("web", "HTTP").await;
    let arns = json!([web["LoadBalancerArn"], listener, group]);
    let tags = json!([{ "Key": "team", "Value": "web" }, { "Key": "stage", "Value": "test" }]);
    world
        .ask("AddTags", json!({ "ResourceArns": arns, "Tags": tags }))
        .await;
    world
        .ask(
            "RemoveTags",
            json!({ "ResourceArns": arns, "TagKeys": ["stage"] }),
        )
        .await;
    let read = world.ask("DescribeTags", json!({ "ResourceArns": arns })).await;
    for (at, arn) in arns.as_array().expect("a list").iter().enumerate() {
        assert_eq!(
            read["TagDescriptions"][at],
            json!({ "ResourceArn": arn, "Tags": [{ "Key": "team", "Value": "web" }] })
        );
    }
    let gone = format!("{ARN}:targetgroup/none/0123456789abcdef");
    let refused = world
        .refused("DescribeTags", json!({ "ResourceArns": [gone] }))
        .await;
    assert_eq!(refused.0, "TargetGroupNotFound");
    let many: Vec<_> = (0..51).map(|it| json!({ "Key": it.to_string() })).collect();
    let refused = world
        .refused("AddTags", json!({ "ResourceArns": [group], "Tags": many }))
        .await;
    assert_eq!(refused.0, "TooManyTags");
}

#[tokio::test]
async fn listings_come_in_pages() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        world.load_balancer(name, "network").await;
    }
    let mut names = Vec::new();
    let mut marker = Value::Null;
    loop {
        let mut input = json!({ "PageSize": 2 });
        if !marker.is_null() {
            input["Marker"] = marker;
        }
        let page = world.ask("DescribeLoadBalancers", input).await;
        let found = page["LoadBalancers"].as_array().expect("a list");
        assert!(found.len() <= 2);
        names.extend(found.iter().map(|it| text(&it["LoadBalancerName"])));
        marker = page["NextMarker"].clone();
        if marker.is_null() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
    let refused = world
        .refused("DescribeLoadBalancers", json!({ "PageSize": 401 }))
        .await;
    assert_eq!(refused.0, "ValidationError");
    let refused = world
        .refused("DescribeLoadBalancers", json!({ "Marker": "x" }))
        .await;
    assert_eq!(refused.0, "ValidationError");
    let limits = world.ask("DescribeAccountLimits", json!({ "PageSize": 1 })).await;
    assert_eq!(
        limits["Limits"],
        json!([{ "Name": "application-load-balancers", "Max": "50" }])
    );
}

#[tokio::test]
async fn load_balancers_are_listed_with_where_they_are_reached() {
    let world = World::new().await;
    let list = async || {
        world
            .fixture
            .ask_of("gantry", "ListLoadBalancers", json!({}))
            .await
    };
    assert_eq!(list().await, json!({ "loadBalancers": [] }));
    let made = world.load_balancer("web", "application").await;
    world.load_balancer("bytes", "network").await;
    world.listener(&made, ("HTTP", 8080), fixed()).await;
    let listed = list().await;
    let name = json!({ "name": made["DNSName"] });
    let resolved = world.fixture.ask_of("gantry", "ResolveName", name).await;
    assert_eq!(resolved["addresses"].as_array().map(Vec::len), Some(2));
    let wanted = json!({
        "loadBalancerArn": made["LoadBalancerArn"], "loadBalancerName": "web", "type": "application",
        "scheme": "internet-facing", "state": "provisioning", "addresses": resolved["addresses"],
        "listeners": [{ "protocol": "HTTP", "port": 8080 }],
    });
    assert_eq!(listed["loadBalancers"][0], wanted);
    assert_eq!(listed["loadBalancers"][1]["loadBalancerName"], "bytes");
    assert_eq!(listed["loadBalancers"][1]["listeners"], json!([]));
}
