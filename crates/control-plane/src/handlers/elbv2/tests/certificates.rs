//! Certificates of listeners.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

impl World {
    /// Imports a certificate of these names: its ARN.
    pub(super) async fn certificate(&self, names: &[&str]) -> String {
        let made =
            rcgen::generate_simple_self_signed(names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        let made = made.expect("a certificate");
        let input = json!({
            "Certificate": STANDARD.encode(made.cert.pem()),
            "PrivateKey": STANDARD.encode(made.signing_key.serialize_pem()),
        });
        let imported = self.fixture.ask_of("acm", "ImportCertificate", input).await;
        text(&imported["CertificateArn"])
    }

    async fn listener_with(&self, load_balancer: &Value, certificate: &str) -> Value {
        let input = json!({
            "LoadBalancerArn": load_balancer["LoadBalancerArn"], "Protocol": "HTTPS", "Port": 443,
            "Certificates": [{ "CertificateArn": certificate }], "DefaultActions": [fixed()],
        });
        self.ask("CreateListener", input).await["Listeners"][0].clone()
    }

    /// Those of a listener, the default one first, each with whether it is that.
    async fn certificates(&self, listener: &Value) -> Vec<(String, bool)> {
        let input = json!({ "ListenerArn": listener["ListenerArn"] });
        let found = self.ask("DescribeListenerCertificates", input).await;
        let all = found["Certificates"].as_array().expect("a list");
        let pair = |it: &Value| (text(&it["CertificateArn"]), it["IsDefault"] == json!(true));
        all.iter().map(pair).collect()
    }
}

#[tokio::test]
async fn a_listener_of_https_has_a_default_certificate_and_others() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let [a, b, c] = [
        world.certificate(&["a.example.com"]).await,
        world.certificate(&["b.example.com"]).await,
        world.certificate(&["c.example.com"]).await,
    ];
    let listener = world.listener_with(&web, &a).await;
    assert_eq!(listener["Certificates"][0]["CertificateArn"], json!(a));
    assert_eq!(listener["SslPolicy"], "ELBSecurityPolicy-2016-08");
    let of = |arns: &[&String]| {
        let arns: Vec<_> = arns.iter().map(|it| json!({ "CertificateArn": it })).collect();
        json!({ "ListenerArn": listener["ListenerArn"], "Certificates": arns })
    };
    let added = world.ask("AddListenerCertificates", of(&[&b, &c])).await;
    assert_eq!(added["Certificates"].as_array().map(Vec::len), Some(2));
    let (yes, no) = (true, false);
    assert_eq!(
        world.certificates(&listener).await,
        [(a.clone(), yes), (b.clone(), no), (c.clone(), no)]
    );
    world.ask("RemoveListenerCertificates", of(&[&b])).await;
    let refused = world.refused("RemoveListenerCertificates", of(&[&a])).await;
    assert_eq!(refused.0, "OperationNotPermitted");
    let change = json!({
        "ListenerArn": listener["ListenerArn"], "Certificates": [{ "CertificateArn": b }],
        "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    });
    let changed = world.ask("ModifyListener", change).await;
    assert_eq!(
        changed["Listeners"][0]["SslPolicy"],
        "ELBSecurityPolicy-TLS13-1-2-2021-06"
    );
    assert_eq!(world.certificates(&listener).await, [(b, yes), (c.clone(), no)]);

    let delete = json!({ "CertificateArn": c });
    let refused = world
        .fixture
        .refused_of("acm", "DeleteCertificate", delete.clone())
        .await;
    assert_eq!(
        refused,
        (
            "ResourceInUseException".to_owned(),
            format!("Certificate {c} in account 123456789012 is in use.")
        )
    );
    let listed = json!({ "Includes": { "keyTypes": ["EC_prime256v1"] } });
    let listed = world.fixture.ask_of("acm", "ListCertificates", listed).await;
    let used = listed["CertificateSummaryList"].as_array().expect("a list");
    let used = used.iter().filter(|it| it["InUse"] == json!(true)).count();
    assert_eq!(used, 2, "the default one is another now");
    let gone = json!({ "ListenerArn": listener["ListenerArn"] });
    world.ask("DeleteListener", gone).await;
    world.fixture.ask_of("acm", "DeleteCertificate", delete).await;
}

#[tokio::test]
async fn the_default_certificate_and_the_list_are_apart() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let [a, b] = [
        world.certificate(&["a.example.com"]).await,
        world.certificate(&["b.example.com"]).await,
    ];
    let (yes, no) = (true, false);
    let listener = world.listener_with(&web, &a).await;
    let of = |arn: &String| json!({ "ListenerArn": listener["ListenerArn"], "Certificates": [{ "CertificateArn": arn }] });

    let refused = world.refused("RemoveListenerCertificates", of(&a)).await;
    assert_eq!(
        refused,
        (
            "OperationNotPermitted".to_owned(),
            "Default certificate cannot be removed".to_owned()
        )
    );
    // In the list too, it comes twice.
    world.ask("AddListenerCertificates", of(&a)).await;
    world.ask("AddListenerCertificates", of(&a)).await;
    assert_eq!(
        world.certificates(&listener).await,
        [(a.clone(), yes), (a.clone(), no)]
    );
    // Another default one changes nothing of the list, nor does one that is in it.
    for (default, before) in [(&b, [&a].as_slice()), (&a, &[&a])] {
        world.ask("ModifyListener", of(default)).await;
        let mut expected = vec![(default.clone(), yes)];
        expected.extend(before.iter().map(|it| ((*it).clone(), no)));
        assert_eq!(world.certificates(&listener).await, expected);
    }
    world.ask("RemoveListenerCertificates", of(&a)).await;
    assert_eq!(world.certificates(&listener).await, [(a.clone(), yes)]);
    let described = json!({ "ListenerArns": [listener["ListenerArn"]] });
    let described = world.ask("DescribeListeners", described).await;
    assert_eq!(
        described["Listeners"][0]["Certificates"],
        json!([{ "CertificateArn": a }])
    );
}

#[tokio::test]
async fn certificates_that_no_listener_can_show_are_refused() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let short = world.certificate(&["localhost"]).await;
    let good = world.certificate(&["a.example.com"]).await;
    let elsewhere = good.replace("us-east-1", "eu-west-1");
    let of_iam = "arn:aws:iam::123456789012:server-certificate/old".to_owned();
    for (arn, code, message) in [
        (
            &short,
            "UnsupportedCertificate",
            format!(
                "The certificate '{short}' must have a fully-qualified domain name, a supported signature, and a \
                 supported key size."
            ),
        ),
        (
            &elsewhere,
            "CertificateNotFound",
            format!("Certificate '{elsewhere}' not found"),
        ),
        (
            &of_iam,
            "CertificateNotFound",
            format!(
                "Certificate '{of_iam}' not found: server certificates of IAM are not supported by Gantry; import it \
                 with acm:ImportCertificate"
            ),
        ),
    ] {
        let input = json!({
            "LoadBalancerArn": web["LoadBalancerArn"], "Protocol": "HTTPS", "Port": 443,
            "Certificates": [{ "CertificateArn": arn }], "DefaultActions": [fixed()],
        });
        assert_eq!(
            world.refused("CreateListener", input).await,
            (code.to_owned(), message)
        );
    }
    let input = json!({
        "LoadBalancerArn": web["LoadBalancerArn"], "Protocol": "HTTPS", "Port": 443, "SslPolicy": "x",
        "Certificates": [{ "CertificateArn": good }], "DefaultActions": [fixed()],
    });
    assert_eq!(
        world.refused("CreateListener", input).await.0,
        "SSLPolicyNotFound"
    );
}

#[tokio::test]
async fn a_listener_has_a_limited_number_of_certificates() {
    let world = World::new().await;
    let web = world.load_balancer("web", "application").await;
    let first = world.certificate(&["a.example.com"]).await;
    let listener = world.listener_with(&web, &first).await;
    for number in 0..26 {
        let arn = world.certificate(&[&format!("h{number}.example.com")]).await;
        let input = json!({
            "ListenerArn": listener["ListenerArn"], "Certificates": [{ "CertificateArn": arn }],
        });
        match number {
            25 => assert_eq!(
                world.refused("AddListenerCertificates", input).await.0,
                "TooManyCertificates"
            ),
            _ => drop(world.ask("AddListenerCertificates", input).await),
        }
    }
}
