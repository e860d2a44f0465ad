//! Listeners and policies.

use super::*;

#[tokio::test]
async fn listeners_come_and_go() {
    let world = World::new().await;
    world.web().await;
    let tcp = json!({ "Protocol": "TCP", "LoadBalancerPort": 3306, "InstancePort": 3306 });
    let more = of_web(json!({ "Listeners": [tcp, http(80, 8080)] }));
    world.ask("CreateLoadBalancerListeners", more).await;
    let listeners = world.described().await["ListenerDescriptions"].clone();
    assert_eq!(
        listeners,
        json!([
            {
                "Listener": {
                    "Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 8080,
                },
                "PolicyNames": [],
            },
            {
                "Listener": {
                    "Protocol": "TCP", "LoadBalancerPort": 3306, "InstanceProtocol": "TCP", "InstancePort": 3306,
                },
                "PolicyNames": [],
            },
        ])
    );
    let other = of_web(json!({ "Listeners": [http(80, 8081)] }));
    assert_eq!(
        world.refused("CreateLoadBalancerListeners", other).await,
        error(
            "DuplicateListener",
            "A listener already exists for web with LoadBalancerPort 80, but with a different InstancePort, Protocol, or \
             SSLCertificateId"
        )
    );
    let delete = of_web(json!({ "LoadBalancerPorts": [80, 81] }));
    world.ask("DeleteLoadBalancerListeners", delete).await;
    let left = world.described().await["ListenerDescriptions"].clone();
    assert_eq!(left, json!([listeners[1]]));
}

#[tokio::test]
async fn listeners_that_cannot_be_served_are_refused() {
    let world = World::new().await;
    world.web().await;
    let certificate = "arn:aws:iam::123456789012:server-certificate/web";
    let listener =
        |protocol: &str| json!({ "Protocol": protocol, "LoadBalancerPort": 90, "InstancePort": 90 });
    let with = |protocol: &str, key: &str, value: Value| {
        let mut it = listener(protocol);
        it[key] = value;
        it
    };
    for (listener, code) in [
        (listener("UDP"), "UnsupportedProtocol"),
        (listener("HTTPS"), "ValidationError"),
        (
            with("HTTPS", "SSLCertificateId", json!(certificate)),
            "CertificateNotFound",
        ),
        (with("HTTP", "InstanceProtocol", json!("TCP")), "ValidationError"),
        (
            json!({
                "Protocol": "HTTP", "LoadBalancerPort": 90, "InstanceProtocol": "HTTPS", "InstancePort": 8080,
            }),
            "InvalidConfigurationRequest",
        ),
        (with("TCP", "InstancePort", json!(0)), "ValidationError"),
        (with("TCP", "LoadBalancerPort", json!(65536)), "ValidationError"),
    ] {
        let input = of_web(json!({ "Listeners": [listener] }));
        let (found, message) = world.refused("CreateLoadBalancerListeners", input).await;
        assert_eq!(found, code, "{listener}: {message}");
    }
}

#[tokio::test]
async fn policies_keep_clients_with_instances() {
    let world = World::new().await;
    world.web().await;
    let policy = of_web(json!({ "PolicyName": "day", "CookieExpirationPeriod": 86400 }));
    world.ask("CreateLBCookieStickinessPolicy", policy.clone()).await;
    assert_eq!(
        world.refused("CreateLBCookieStickinessPolicy", policy).await.0,
        "DuplicatePolicyName"
    );
    let application = of_web(json!({ "PolicyName": "app", "CookieName": "SESSION" }));
    world.ask("CreateAppCookieStickinessPolicy", application).await;
    let set = |port: u16, policy: &str| of_web(json!({ "LoadBalancerPort": port, "PolicyNames": [policy] }));
    let operation = "SetLoadBalancerPoliciesOfListener";
    world.ask(operation, set(80, "day")).await;
    assert_eq!(
        world.refused(operation, set(81, "day")).await.0,
        "ListenerNotFound"
    );
    assert_eq!(
        world.refused(operation, set(80, "none")).await,
        error(
            "PolicyNotFound",
            "There is no policy with name none for load balancer web"
        )
    );
    let it = world.described().await;
    assert_eq!(it["ListenerDescriptions"][0]["PolicyNames"], json!(["day"]));
    assert_eq!(
        it["Policies"],
        json!({
            "AppCookieStickinessPolicies": [{ "PolicyName": "app", "CookieName": "SESSION" }],
            "LBCookieStickinessPolicies": [{ "PolicyName": "day", "CookieExpirationPeriod": 86400 }],
            "OtherPolicies": [],
        })
    );
    let described = world
        .ask(
            "DescribeLoadBalancerPolicies",
            of_web(json!({ "PolicyNames": ["app"] })),
        )
        .await;
    assert_eq!(
        described["PolicyDescriptions"],
        json!([{
            "PolicyName": "app", "PolicyTypeName": "AppCookieStickinessPolicyType",
            "PolicyAttributeDescriptions": [{ "AttributeName": "CookieName", "AttributeValue": "SESSION" }],
        }])
    );
    let delete = of_web(json!({ "PolicyName": "day" }));
    assert_eq!(
        world.refused("DeleteLoadBalancerPolicy", delete.clone()).await.0,
        "InvalidConfigurationRequest"
    );
    let none = of_web(json!({ "LoadBalancerPort": 80, "PolicyNames": [] }));
    world.ask(operation, none).await;
    world.ask("DeleteLoadBalancerPolicy", delete).await;
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let world = World::new().await;
    world.web().await;
    let input = of_web(json!({
        "PolicyName": "proxy", "PolicyTypeName": "ProxyProtocolPolicyType",
        "PolicyAttributes": [{ "AttributeName": "ProxyProtocol", "AttributeValue": "true" }],
    }));
    let (code, message) = world.refused("CreateLoadBalancerPolicy", input).await;
    assert_eq!(code, "OperationNotPermitted", "{message}");
    assert!(
        message.starts_with("This operation is not allowed: "),
        "{message}"
    );
}
