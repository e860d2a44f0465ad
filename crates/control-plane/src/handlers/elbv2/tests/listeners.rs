//! Listeners, their default actions and attributes.

use super::*;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one life, told in order")]
async fn a_listener_is_made_described_modified_and_deleted() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let (blue, green) = (
        world.target_group("blue", "HTTP").await,
        world.target_group("green", "HTTP").await,
    );
    let input = json!({
        "LoadBalancerArn": web["LoadBalancerArn"], "Protocol": "HTTP", "Port": 80,
        "DefaultActions": [forward(&blue)],
    });
    let made = world.ask("CreateListener", input.clone()).await["Listeners"][0].clone();
    let arn = text(&made["ListenerArn"]);
    assert!(arn.starts_with(&format!("{ARN}:listener/app/web/")), "{arn}");
    assert_eq!(
        made["DefaultActions"],
        json!([{
            "Type": "forward", "Order": 1, "TargetGroupArn": blue,
            "ForwardConfig": {
                "TargetGroups": [{ "TargetGroupArn": blue, "Weight": 1 }],
                "TargetGroupStickinessConfig": { "Enabled": false },
            },
        }])
    );
    assert_eq!(
        world.ask("CreateListener", input.clone()).await["Listeners"][0],
        made
    );
    let mut other = input;
    other["DefaultActions"] = json!([fixed()]);
    let (code, message) = world.refused("CreateListener", other).await;
    assert_eq!(code, "DuplicateListener");
    assert_eq!(
        message,
        format!(
            "A listener already exists on this port for this load balancer '{}'",
            text(&web["LoadBalancerArn"])
        )
    );

    let weighted = json!([{
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [
                { "TargetGroupArn": blue, "Weight": 90 }, { "TargetGroupArn": green, "Weight": 10 },
            ],
            "TargetGroupStickinessConfig": { "Enabled": true, "DurationSeconds": 60 },
        },
    }]);
    let modify = json!({ "ListenerArn": arn, "Port": 8080, "DefaultActions": weighted });
    let modified = world.ask("ModifyListener", modify).await["Listeners"][0].clone();
    assert_eq!(modified["Port"], 8080);
    assert_eq!(
        modified["DefaultActions"][0]["ForwardConfig"],
        weighted[0]["ForwardConfig"]
    );
    assert_eq!(modified["DefaultActions"][0].get("TargetGroupArn"), None);
    let rules = world.ask("DescribeRules", json!({ "ListenerArn": arn })).await;
    assert_eq!(rules["Rules"][0]["IsDefault"], true);
    assert_eq!(rules["Rules"][0]["Priority"], "default");
    assert_eq!(rules["Rules"][0]["Actions"], modified["DefaultActions"]);
    let groups = json!({ "LoadBalancerArn": web["LoadBalancerArn"] });
    let groups = world.ask("DescribeTargetGroups", groups).await;
    assert_eq!(groups["TargetGroups"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        groups["TargetGroups"][0]["LoadBalancerArns"],
        json!([web["LoadBalancerArn"]])
    );

    for by in [
        json!({ "ListenerArns": [arn] }),
        json!({ "LoadBalancerArn": web["LoadBalancerArn"] }),
    ] {
        assert_eq!(
            world.ask("DescribeListeners", by).await["Listeners"],
            json!([modified])
        );
    }
    let (code, message) = world
        .refused("DeleteTargetGroup", json!({ "TargetGroupArn": blue }))
        .await;
    assert_eq!(code, "ResourceInUse");
    assert_eq!(
        message,
        format!("Target group '{blue}' is currently in use by a listener or a rule")
    );
    world.ask("DeleteListener", json!({ "ListenerArn": arn })).await;
    world
        .ask("DeleteTargetGroup", json!({ "TargetGroupArn": blue }))
        .await;
    let gone = world
        .refused("DescribeListeners", json!({ "ListenerArns": [arn] }))
        .await;
    assert_eq!(
        gone,
        (
            "ListenerNotFound".to_owned(),
            "One or more listeners not found".to_owned()
        )
    );
    assert_eq!(
        world
            .refused("DeleteListener", json!({ "ListenerArn": arn }))
            .await
            .0,
        "ListenerNotFound"
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_does_not_go_together_is_refused() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let tcp = world.load_balancer("tcp", "network").await;
    let http_group = world.target_group("http", "HTTP").await;
    let taken = world.target_group("taken", "HTTP").await;
    let other = world.load_balancer("other", "application").await;
    world.listener(&other, ("HTTP", 80), forward(&taken)).await;
    let none = format!("{ARN}:targetgroup/none/0123456789abcdef");
    let acm = "arn:aws:acm:us-east-1:123456789012:certificate/1";
    let incompatible = format!(
        "The listener and its associated target group '{http_group}' have incompatible protocols: 'TCP' and 'HTTP'"
    );
    let limit =
        format!("The following target groups cannot be associated with more than one load balancer: {taken}");
    for (of, more, code, message) in [
        (
            &web,
            json!({ "Protocol": "TCP", "DefaultActions": [fixed()] }),
            "ValidationError",
            "Listener protocol 'TCP' must be one of 'HTTPS, HTTP'",
        ),
        (
            &tcp,
            json!({ "Protocol": "HTTP", "DefaultActions": [forward(&http_group)] }),
            "ValidationError",
            "Listener protocol 'HTTP' must be one of 'TLS, TCP, TCP_UDP, UDP'",
        ),
        (
            &tcp,
            json!({ "Protocol": "TCP", "DefaultActions": [forward(&http_group)] }),
            "IncompatibleProtocols",
            incompatible.as_str(),
        ),
        (
            &tcp,
            json!({ "Protocol": "TCP", "DefaultActions": [fixed()] }),
            "InvalidLoadBalancerAction",
            "Actions with type 'fixed-response' are not supported on load balancers with type 'network'",
        ),
        (
            &web,
            json!({ "Protocol": "HTTP", "DefaultActions": [forward(&none)] }),
            "TargetGroupNotFound",
            &format!("Target groups '{none}' not found"),
        ),
        (
            &web,
            json!({ "Protocol": "HTTP", "DefaultActions": [forward(&taken)] }),
            "TargetGroupAssociationLimit",
            limit.as_str(),
        ),
        (
            &web,
            json!({ "Protocol": "HTTPS", "DefaultActions": [fixed()] }),
            "ValidationError",
            "A certificate must be specified for HTTPS listeners",
        ),
        (
            &web,
            json!({ "Protocol": "HTTPS", "DefaultActions": [fixed()],
         "Certificates": [{ "CertificateArn": acm }] }),
            "CertificateNotFound",
            &format!("Certificate '{acm}' not found"),
        ),
        (
            &web,
            json!({ "Protocol": "HTTP", "DefaultActions": [fixed()],
         "Certificates": [{ "CertificateArn": acm }] }),
            "ValidationError",
            "A certificate cannot be specified for HTTP listeners",
        ),
        (
            &web,
            json!({ "Protocol": "HTTP", "DefaultActions": [fixed()],
         "MutualAuthentication": { "Mode": "passthrough" } }),
            "InvalidConfigurationRequest",
            "The requested configuration is not valid: mutual authentication is not supported by Gantry yet.",
        ),
        (
            &web,
            json!({ "Protocol": "HTTP", "DefaultActions": [
            { "Type": "authenticate-oidc", "Order": 1 }, fixed(),
         ] }),
            "InvalidLoadBalancerAction",
            "The requested action is not valid: 'authenticate-oidc' is not supported by Gantry yet.",
        ),
        (
            &web,
            json!({ "Protocol": "HTTP", "DefaultActions": [{ "Type": "redirect",
         "RedirectConfig": { "StatusCode": "HTTP_301" } }] }),
            "InvalidLoadBalancerAction",
            "The redirect configuration is not valid because it creates a loop",
        ),
        (
            &web,
            json!({ "Protocol": "HTTP", "DefaultActions": [{ "Type": "forward" }] }),
            "ValidationError",
            "A target group ARN must be specified",
        ),
    ] {
        let mut input = json!({ "LoadBalancerArn": of["LoadBalancerArn"], "Port": 8080 });
        for (key, value) in more.as_object().expect("an object") {
            input[key] = value.clone();
        }
        let refused = world.refused("CreateListener", input).await;
        assert_eq!(refused, (code.to_owned(), message.to_owned()), "{more}");
    }
}

#[tokio::test]
async fn the_order_of_an_action_is_read_back() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let ordered = |order: i64| {
        let mut action = fixed();
        action["Order"] = json!(order);
        action
    };
    let order = async |listener: &str| {
        let found = world
            .ask("DescribeListeners", json!({ "ListenerArns": [listener] }))
            .await;
        let rules = world
            .ask("DescribeRules", json!({ "ListenerArn": listener }))
            .await;
        let default = &found["Listeners"][0]["DefaultActions"][0]["Order"];
        assert_eq!(*default, rules["Rules"][0]["Actions"][0]["Order"]);
        default.as_i64().expect("a number")
    };
    let arn = world.listener(&web, ("HTTP", 80), ordered(50_000)).await;
    assert_eq!(order(&arn).await, 50_000);
    for (given, read) in [(ordered(7), 7), (fixed(), 1), (ordered(1), 1)] {
        let modify = json!({ "ListenerArn": arn, "DefaultActions": [given] });
        let modified = world.ask("ModifyListener", modify).await;
        assert_eq!(modified["Listeners"][0]["DefaultActions"][0]["Order"], read);
        assert_eq!(order(&arn).await, read);
    }
    let rule = json!({
        "ListenerArn": arn, "Priority": 1, "Conditions": [{ "Field": "path-pattern", "Values": ["/a"] }],
        "Actions": [ordered(3)],
    });
    let made = world.ask("CreateRule", rule).await["Rules"][0].clone();
    assert_eq!(made["Actions"][0]["Order"], 3);
    let modify = json!({ "RuleArn": made["RuleArn"], "Actions": [ordered(4)] });
    let modified = world.ask("ModifyRule", modify).await;
    assert_eq!(modified["Rules"][0]["Actions"][0]["Order"], 4);
    for (given, rule) in [
        (0, "Member must have value greater than or equal to 1"),
        (50_001, "Member must have value less than or equal to 50000"),
    ] {
        let modify = json!({ "ListenerArn": arn, "DefaultActions": [ordered(given)] });
        let (code, message) = world.refused("ModifyListener", modify).await;
        assert_eq!(code, "ValidationError");
        let expected = format!(
            "1 validation error detected: Value '{given}' at 'actions.1.member.order' failed to satisfy constraint: {rule}"
        );
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn a_redirect_says_what_stays() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let redirect = json!({
        "Type": "redirect",
        "RedirectConfig": { "Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301" },
    });
    let arn = world.listener(&web, ("HTTP", 80), redirect).await;
    let found = world
        .ask("DescribeListeners", json!({ "ListenerArns": [arn] }))
        .await;
    assert_eq!(
        found["Listeners"][0]["DefaultActions"][0]["RedirectConfig"],
        json!({
            "Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}",
            "StatusCode": "HTTP_301",
        })
    );
}

#[tokio::test]
async fn ports_of_tcp_and_udp_are_apart() {
    let world = World::new().await;
    let net = world.load_balancer("net", "network").await;
    let (tcp, udp) = (
        world.target_group("tcp", "TCP").await,
        world.target_group("udp", "UDP").await,
    );
    let both = world.target_group("both", "TCP_UDP").await;
    world.listener(&net, ("TCP", 53), forward(&tcp)).await;
    world.listener(&net, ("UDP", 53), forward(&udp)).await;
    let input = json!({
        "LoadBalancerArn": net["LoadBalancerArn"], "Protocol": "TCP_UDP", "Port": 53,
        "DefaultActions": [forward(&both)],
    });
    assert_eq!(
        world.refused("CreateListener", input).await.0,
        "DuplicateListener"
    );
}

#[tokio::test]
async fn attributes_are_those_of_the_protocol() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let arn = world.listener(&web, ("HTTP", 80), fixed()).await;
    let header = "routing.http.response.x_frame_options.header_value";
    let set = json!({ "ListenerArn": arn, "Attributes": [{ "Key": header, "Value": "DENY" }] });
    world.ask("ModifyListenerAttributes", set).await;
    let read = world
        .ask("DescribeListenerAttributes", json!({ "ListenerArn": arn }))
        .await;
    assert_eq!(value_of(&read, header), "DENY");
    assert_eq!(value_of(&read, "routing.http.response.server.enabled"), "true");
    let set =
        json!({ "ListenerArn": arn, "Attributes": [{ "Key": "tcp.idle_timeout.seconds", "Value": "60" }] });
    assert_eq!(
        world.refused("ModifyListenerAttributes", set).await,
        (
            "InvalidConfigurationRequest".to_owned(),
            "Listener attribute key 'tcp.idle_timeout.seconds' is not supported on listeners with protocol 'HTTP'".to_owned()
        )
    );
}

#[tokio::test]
async fn policies_are_listed_and_listeners_without_tls_have_no_certificates() {
    let world = World::new().await;
    let all = world.ask("DescribeSSLPolicies", json!({})).await;
    assert_eq!(all["SslPolicies"][0]["Name"], "ELBSecurityPolicy-2016-08");
    let named = json!({ "Names": ["ELBSecurityPolicy-TLS13-1-3-2021-06"] });
    let named = world.ask("DescribeSSLPolicies", named).await;
    assert_eq!(named["SslPolicies"][0]["SslProtocols"], json!(["TLSv1.3"]));
    assert_eq!(
        named["SslPolicies"][0]["Ciphers"][0],
        json!({ "Name": "TLS_AES_128_GCM_SHA256", "Priority": 1 })
    );
    let refused = world
        .refused("DescribeSSLPolicies", json!({ "Names": ["x"] }))
        .await;
    assert_eq!(refused.0, "SSLPolicyNotFound");
    let of_type = |it: &str| json!({ "LoadBalancerType": it });
    assert_eq!(world.ask("DescribeSSLPolicies", of_type("network")).await, all);
    let none = world.ask("DescribeSSLPolicies", of_type("gateway")).await;
    assert_eq!(none["SslPolicies"], json!([]));
    let refused = world.refused("DescribeSSLPolicies", of_type("classic")).await;
    assert_eq!(refused.0, "ValidationError");
    let web = world.load_balancer("web", "application").await;
    let arn = world.listener(&web, ("HTTP", 80), fixed()).await;
    let listed = world
        .ask("DescribeListenerCertificates", json!({ "ListenerArn": arn }))
        .await;
    assert_eq!(listed["Certificates"], json!([]));
    let add = json!({ "ListenerArn": arn, "Certificates": [{ "CertificateArn": "arn:aws:acm:x" }] });
    assert_eq!(
        world.refused("AddListenerCertificates", add).await.0,
        "OperationNotPermitted"
    );
    let refused = world.refused("DescribeTrustStores", json!({})).await;
    assert_eq!(refused.0, "OperationNotPermitted");
}

#[tokio::test]
async fn http2_and_grpc_come_in_over_tls_only() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let plain = world.listener(&web, ("HTTP", 80), fixed()).await;
    for version in ["HTTP2", "GRPC"] {
        let input = json!({
            "Name": version, "Protocol": "HTTP", "ProtocolVersion": version, "Port": 80, "VpcId": world.vpc,
            "TargetType": "ip",
        });
        let group = world.ask("CreateTargetGroup", input).await;
        let group = text(&group["TargetGroups"][0]["TargetGroupArn"]);
        let expected = (
            "InvalidLoadBalancerAction".to_owned(),
            format!(
                "Listener protocol 'HTTP' is not supported with a target group with the protocol-version '{version}'"
            ),
        );
        let rule = json!({
            "ListenerArn": plain, "Priority": 1, "Actions": [forward(&group)],
            "Conditions": [{ "Field": "path-pattern", "Values": ["/*"] }],
        });
        assert_eq!(world.refused("CreateRule", rule).await, expected);
        let modify = json!({ "ListenerArn": plain, "DefaultActions": [forward(&group)] });
        assert_eq!(world.refused("ModifyListener", modify).await, expected);

        let certificate = world.certificate(&["a.example.com"]).await;
        let input = json!({
            "LoadBalancerArn": web["LoadBalancerArn"], "Protocol": "HTTPS", "Port": 443,
            "Certificates": [{ "CertificateArn": certificate }], "DefaultActions": [forward(&group)],
        });
        let encrypted = world.ask("CreateListener", input).await["Listeners"][0].clone();
        let modify = json!({ "ListenerArn": encrypted["ListenerArn"], "Protocol": "HTTP" });
        assert_eq!(world.refused("ModifyListener", modify).await, expected);
        world
            .ask(
                "DeleteListener",
                json!({ "ListenerArn": encrypted["ListenerArn"] }),
            )
            .await;
    }
}
