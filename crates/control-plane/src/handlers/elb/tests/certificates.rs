//! Listeners that speak TLS.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

impl World {
    /// Imports a certificate of a name: its ARN.
    async fn certificate(&self, name: &str) -> String {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let input = json!({
            "Certificate": STANDARD.encode(made.cert.pem()),
            "PrivateKey": STANDARD.encode(made.signing_key.serialize_pem()),
        });
        let imported = self.fixture.ask_of("acm", "ImportCertificate", input).await;
        imported["CertificateArn"].as_str().expect("an ARN").to_owned()
    }

    /// What DescribeCertificate says of who shows it.
    async fn users(&self, certificate: &str) -> Value {
        let input = json!({ "CertificateArn": certificate });
        let found = self.fixture.ask_of("acm", "DescribeCertificate", input).await;
        found["Certificate"]["InUseBy"].clone()
    }
}

fn https(certificate: &str) -> Value {
    json!({
        "Protocol": "HTTPS", "LoadBalancerPort": 443, "InstancePort": 8080, "SSLCertificateId": certificate,
    })
}

const SET: &str = "SetLoadBalancerListenerSSLCertificate";

fn set(port: u16, certificate: &str) -> Value {
    of_web(json!({ "LoadBalancerPort": port, "SSLCertificateId": certificate }))
}

#[tokio::test]
async fn a_listener_of_https_has_a_certificate_and_the_default_policy() {
    let world = World::new().await;
    let (one, other) = (
        world.certificate("a.example.com").await,
        world.certificate("b.example.com").await,
    );
    let mut wish = world.wish();
    wish["Listeners"] = json!([http(80, 8080), https(&one)]);
    world.ask("CreateLoadBalancer", wish.clone()).await;
    world.ask("CreateLoadBalancer", wish).await;
    let policy = "ELBSecurityPolicy-2016-08";
    let described = world.described().await;
    assert_eq!(
        described["ListenerDescriptions"][1],
        json!({
            "Listener": {
                "Protocol": "HTTPS", "LoadBalancerPort": 443, "InstanceProtocol": "HTTP", "InstancePort": 8080,
                "SSLCertificateId": one,
            },
            "PolicyNames": [policy],
        })
    );
    assert_eq!(described["Policies"]["OtherPolicies"], json!([policy]));
    let named = world
        .ask(
            "DescribeLoadBalancerPolicies",
            of_web(json!({ "PolicyNames": [policy] })),
        )
        .await;
    assert_eq!(
        named["PolicyDescriptions"],
        json!([{
            "PolicyName": policy, "PolicyTypeName": "SSLNegotiationPolicyType",
            "PolicyAttributeDescriptions": [
                { "AttributeName": "Reference-Security-Policy", "AttributeValue": policy },
            ],
        }])
    );
    let policies = of_web(json!({ "LoadBalancerPort": 443, "PolicyNames": [policy] }));
    world.ask("SetLoadBalancerPoliciesOfListener", policies).await;
    let again = of_web(json!({ "Listeners": [https(&one)] }));
    world.ask("CreateLoadBalancerListeners", again).await;
    let conflict = of_web(json!({ "Listeners": [https(&other)] }));
    assert_eq!(
        world.refused("CreateLoadBalancerListeners", conflict).await.0,
        "DuplicateListener"
    );
    let web = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/web";
    assert_eq!(world.users(&one).await, json!([web]));
    let delete = json!({ "CertificateArn": one });
    let refused = world.fixture.refused_of("acm", "DeleteCertificate", delete).await;
    assert_eq!(refused.0, "ResourceInUseException");

    world.ask(SET, set(443, &other)).await;
    let described = world.described().await;
    let shown = &described["ListenerDescriptions"][1]["Listener"]["SSLCertificateId"];
    assert_eq!(shown, &json!(other));
    assert_eq!(world.users(&one).await, json!([]));
}

#[tokio::test]
async fn certificates_that_cannot_be_shown_are_refused() {
    let world = World::new().await;
    let known = world.certificate("a.example.com").await;
    let nameless = world.certificate("localhost").await;
    let mut wish = world.wish();
    wish["Listeners"] = json!([http(80, 8080), https(&known)]);
    world.ask("CreateLoadBalancer", wish).await;
    let unknown = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";
    let of_iam = "arn:aws:iam::123456789012:server-certificate/web";
    for (input, code) in [
        (set(443, unknown), "CertificateNotFound"),
        (set(443, of_iam), "CertificateNotFound"),
        (set(443, &nameless), "UnsupportedCertificate"),
        (set(444, &known), "ListenerNotFound"),
        (set(80, &known), "InvalidConfigurationRequest"),
    ] {
        let (found, message) = world.refused(SET, input.clone()).await;
        assert_eq!(found, code, "{input}: {message}");
    }
    let mut other = set(443, &known);
    other["LoadBalancerName"] = json!("other");
    assert_eq!(world.refused(SET, other).await.0, "LoadBalancerNotFound");
}

#[tokio::test]
async fn a_certificate_that_nothing_has_a_use_for_is_discarded() {
    let world = World::new().await;
    world.web().await;
    let certificate = world.certificate("a.example.com").await;
    for (protocol, id) in [("TCP", certificate.as_str()), ("HTTP", "arn:aws:acm:::nonsense")] {
        let mut wish = json!({ "Protocol": protocol, "LoadBalancerPort": 636, "InstancePort": 636 });
        let bare = wish.clone();
        wish["SSLCertificateId"] = json!(id);
        let with = of_web(json!({ "Listeners": [wish] }));
        world.ask("CreateLoadBalancerListeners", with.clone()).await;
        let listeners = world.described().await["ListenerDescriptions"].clone();
        assert_eq!(listeners[1]["Listener"]["SSLCertificateId"], Value::Null);
        // what was kept has none
        assert_eq!(
            world.refused("CreateLoadBalancerListeners", with).await.0,
            "DuplicateListener"
        );
        let without = of_web(json!({ "Listeners": [bare] }));
        world.ask("CreateLoadBalancerListeners", without).await;
        let gone = of_web(json!({ "LoadBalancerPorts": [636] }));
        world.ask("DeleteLoadBalancerListeners", gone).await;
    }
    assert_eq!(world.users(&certificate).await, json!([]));
}

#[tokio::test]
async fn no_policy_takes_the_name_of_a_predefined_one() {
    let world = World::new().await;
    world.web().await;
    for (operation, more) in [
        ("CreateLBCookieStickinessPolicy", json!({})),
        ("CreateAppCookieStickinessPolicy", json!({ "CookieName": "id" })),
    ] {
        let mut wish = of_web(more);
        wish["PolicyName"] = json!("ELBSecurityPolicy-2016-08");
        let (code, message) = world.refused(operation, wish).await;
        assert_eq!(code, "DuplicatePolicyName", "{message}");
    }
}
