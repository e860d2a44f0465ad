//! The API as clients speak it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};

use crate::fixture::{Fixture, code, text};

const ARN: &str = "arn:aws:acm:us-east-1:123456789012:certificate/";
const RSA: &str = include_str!("../../certificates/tests/rsa_2048.pem");

/// Certificate and key, as PEM.
fn made(name: &str, key: KeyPair) -> (String, String) {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_after = rcgen::date_time_ymd(2024, 1, 1);
    let made = parameters.self_signed(&key).expect("a certificate");
    (made.pem(), key.serialize_pem())
}

fn rsa(name: &str) -> (String, String) {
    made(name, KeyPair::from_pem(RSA).expect("a key"))
}

fn p256(name: &str) -> (String, String) {
    made(name, KeyPair::generate().expect("a key"))
}

fn input((body, key): &(String, String)) -> Value {
    json!({ "Certificate": STANDARD.encode(body), "PrivateKey": STANDARD.encode(key) })
}

struct World(Fixture);

impl World {
    async fn new() -> Self {
        Self(Fixture::new().await)
    }

    async fn ask(&self, operation: &str, input: Value) -> Value {
        self.0.ask_of("acm", operation, input).await
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.0.refused_of("acm", operation, input).await
    }

    async fn import(&self, certificate: &(String, String)) -> String {
        text(&self.ask("ImportCertificate", input(certificate)).await["CertificateArn"])
    }

    async fn describe(&self, arn: &str) -> Value {
        let found = self
            .ask("DescribeCertificate", json!({ "CertificateArn": arn }))
            .await;
        found["Certificate"].clone()
    }

    async fn listed(&self, input: Value) -> Vec<String> {
        let found = self.ask("ListCertificates", input).await;
        let all = found["CertificateSummaryList"].as_array().expect("a list");
        all.iter().map(|it| text(&it["DomainName"])).collect()
    }
}

#[tokio::test]
async fn a_certificate_is_imported_described_got_and_deleted() {
    let world = World::new().await;
    let certificate = rsa("www.example.com");
    let arn = world.import(&certificate).await;
    assert!(arn.starts_with(ARN), "{arn}");
    let found = world.describe(&arn).await;
    for (member, expected) in [
        ("CertificateArn", json!(arn)),
        ("DomainName", json!("www.example.com")),
        ("SubjectAlternativeNames", json!(["www.example.com"])),
        ("Subject", json!("CN=www.example.com")),
        ("Issuer", json!("www.example.com")),
        ("KeyAlgorithm", json!("RSA_2048")),
        ("SignatureAlgorithm", json!("SHA256WITHRSA")),
        ("Status", json!("ISSUED")),
        ("Type", json!("IMPORTED")),
        ("InUseBy", json!([])),
        ("RenewalEligibility", json!("INELIGIBLE")),
        ("NotAfter", json!(1_704_067_200.0)),
        ("ImportedAt", json!(1_700_000_000.0)),
        (
            "Options",
            json!({ "CertificateTransparencyLoggingPreference": "DISABLED", "Export": "DISABLED" }),
        ),
    ] {
        assert_eq!(
            found[member].to_string(),
            expected.to_string(),
            "{member}: {found:#}"
        );
    }
    let got = world
        .ask("GetCertificate", json!({ "CertificateArn": arn }))
        .await;
    assert_eq!(got, json!({ "Certificate": certificate.0 }), "and never the key");
    // after its time
    world.0.clock.advance(Duration::from_secs(60 * 86_400));
    assert_eq!(world.describe(&arn).await["Status"], "EXPIRED");
    world
        .ask("DeleteCertificate", json!({ "CertificateArn": arn }))
        .await;
    let refused = world
        .refused("DescribeCertificate", json!({ "CertificateArn": arn }))
        .await;
    assert_eq!(
        refused,
        (
            "ResourceNotFoundException".to_owned(),
            format!("Could not find certificate {arn} in account 123456789012.")
        )
    );
}

#[tokio::test]
async fn a_key_is_sealed_where_it_is_kept() {
    let world = World::new().await;
    let certificate = p256("www.example.com");
    world.import(&certificate).await;
    let stored = world.0.store().read(|state| {
        let all = state.all::<domain::certificate::Certificate>();
        all.map(|it| serde_json::to_string(&**it).expect("encodes"))
            .collect::<String>()
    });
    let lines: Vec<_> = certificate.1.lines().filter(|it| !it.starts_with('-')).collect();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(!stored.contains(line), "{stored}");
    }
}

#[tokio::test]
async fn a_certificate_is_imported_again_under_its_arn() {
    let world = World::new().await;
    let arn = world.import(&p256("www.example.com")).await;
    let again = |certificate: &(String, String)| {
        let mut input = input(certificate);
        input["CertificateArn"] = json!(arn);
        input
    };
    let answer = world
        .ask("ImportCertificate", again(&p256("new.example.com")))
        .await;
    assert_eq!(answer["CertificateArn"], json!(arn));
    assert_eq!(world.describe(&arn).await["DomainName"], "new.example.com");
    let (code, message) = world
        .refused("ImportCertificate", again(&rsa("new.example.com")))
        .await;
    assert_eq!(code, "ValidationException");
    assert!(
        message.ends_with("The key type and size cannot be changed."),
        "{message}"
    );
    let mut tagged = again(&p256("new.example.com"));
    tagged["Tags"] = json!([{ "Key": "a" }]);
    assert_eq!(
        world.refused("ImportCertificate", tagged).await.1,
        "Tagging is not permitted on re-import."
    );
    let mut nothing = again(&p256("new.example.com"));
    nothing["CertificateArn"] = json!(format!("{ARN}11111111-1111-1111-1111-111111111111"));
    assert_eq!(
        code_of(&world, "ImportCertificate", nothing).await,
        "ResourceNotFoundException"
    );
}

async fn code_of(world: &World, operation: &str, input: Value) -> String {
    code(world.refused(operation, input).await)
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused() {
    let world = World::new().await;
    let (one, other) = (p256("www.example.com"), p256("www.example.com"));
    let long = "x".repeat(40_000);
    for (certificate, expected) in [
        (
            (one.0.clone(), other.1.clone()),
            "The private key does not match the certificate.",
        ),
        (
            (format!("{}{}", one.0, other.0), one.1.clone()),
            "The certificate field contains more than one certificate. You can specify only one certificate in this field.",
        ),
        (
            (String::new(), one.1.clone()),
            "1 validation error detected: Value at 'certificate' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
        ),
        (
            (long, one.1.clone()),
            "1 validation error detected: Value at 'certificate' failed to satisfy constraint: Member must have length \
             less than or equal to 32768",
        ),
    ] {
        let refused = world.refused("ImportCertificate", input(&certificate)).await;
        assert_eq!(refused, ("ValidationException".to_owned(), expected.to_owned()));
    }
    for arn in ["x", "arn:aws:iam::123456789012:server-certificate/x"] {
        let input = json!({ "CertificateArn": arn });
        assert_eq!(
            code_of(&world, "DeleteCertificate", input).await,
            "ValidationException"
        );
    }
    assert_eq!(world.listed(json!({})).await, Vec::<String>::new());
}

#[tokio::test]
async fn certificates_are_listed_by_what_they_are() {
    let world = World::new().await;
    for name in ["a.example.com", "b.example.com", "c.example.com"] {
        world.import(&rsa(name)).await;
        world.0.clock.advance(Duration::from_secs(1));
    }
    world.import(&p256("d.example.com")).await;
    let by_time = |order: &str, more: Value| {
        let mut input = json!({ "SortBy": "CREATED_AT", "SortOrder": order });
        for (key, value) in more.as_object().expect("an object") {
            input[key] = value.clone();
        }
        input
    };
    assert_eq!(
        world.listed(by_time("DESCENDING", json!({}))).await,
        ["c.example.com", "b.example.com", "a.example.com"],
        "those with keys of RSA"
    );
    let keys = json!({ "Includes": { "keyTypes": ["EC_prime256v1"] } });
    assert_eq!(world.listed(keys).await, ["d.example.com"]);
    let expired = json!({ "CertificateStatuses": ["EXPIRED"] });
    assert_eq!(world.listed(expired).await, Vec::<String>::new());
    let usage = json!({ "Includes": { "extendedKeyUsage": ["CODE_SIGNING"] } });
    assert_eq!(world.listed(usage).await, Vec::<String>::new());

    let first = world
        .ask("ListCertificates", by_time("ASCENDING", json!({ "MaxItems": 2 })))
        .await;
    assert_eq!(first["CertificateSummaryList"].as_array().map(Vec::len), Some(2));
    let token = &first["NextToken"];
    let rest = by_time("ASCENDING", json!({ "MaxItems": 2, "NextToken": token }));
    assert_eq!(world.listed(rest).await, ["c.example.com"]);
    let elsewhere = json!({ "NextToken": token });
    assert_eq!(
        code_of(&world, "ListCertificates", elsewhere).await,
        "InvalidArgsException"
    );
    for wrong in [
        json!({ "MaxItems": 0 }),
        json!({ "MaxItems": 1001 }),
        json!({ "SortBy": "CREATED_AT" }),
        json!({ "NextToken": "" }),
        json!({ "NextToken": "a".repeat(10_001) }),
        json!({ "CertificateStatuses": ["GONE"] }),
        json!({ "CertificateKeyPairOrigins": ["MINE"] }),
        json!({ "CertificateKeyPairOrigins": [] }),
        json!({ "CertificateKeyPairOrigins": ["ACME", "ACME", "ACME", "ACME"] }),
        json!({ "Includes": { "extendedKeyUsage": ["X"] } }),
        json!({ "Includes": { "keyUsage": ["X"] } }),
        json!({ "Includes": { "keyTypes": ["X"] } }),
        json!({ "Includes": { "exportOption": "X" } }),
        json!({ "Includes": { "managedBy": "X" } }),
    ] {
        assert_eq!(
            code_of(&world, "ListCertificates", wrong).await,
            "ValidationException"
        );
    }
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = World::new().await;
    let arn = world.import(&p256("www.example.com")).await;
    let of = |tags: Value| json!({ "CertificateArn": arn, "Tags": tags });
    let tags = || async {
        let listed = world
            .ask("ListTagsForCertificate", json!({ "CertificateArn": arn }))
            .await;
        listed["Tags"].clone()
    };
    let both = json!([{ "Key": "team", "Value": "web" }, { "Key": "stage", "Value": "live" }]);
    world.ask("AddTagsToCertificate", of(both.clone())).await;
    assert_eq!(tags().await, both);
    let other = of(json!([{ "Key": "team", "Value": "data" }]));
    world.ask("RemoveTagsFromCertificate", other).await;
    assert_eq!(tags().await, both, "that has another value");
    world
        .ask("RemoveTagsFromCertificate", of(json!([{ "Key": "team" }])))
        .await;
    assert_eq!(tags().await, json!([{ "Key": "stage", "Value": "live" }]));
    let many: Vec<_> = (0..50).map(|it| json!({ "Key": format!("k{it}") })).collect();
    let quota = "ServiceQuotaExceededException";
    for (wrong, expected, of_resource) in [
        (
            json!([{ "Key": "aws:x" }]),
            "InvalidTagException",
            "ValidationException",
        ),
        (
            json!([{ "Key": "" }]),
            "InvalidTagException",
            "ValidationException",
        ),
        (json!(many), "TooManyTagsException", quota),
    ] {
        let named = json!({ "ResourceArn": arn, "Tags": wrong });
        assert_eq!(code_of(&world, "AddTagsToCertificate", of(wrong)).await, expected);
        assert_eq!(code_of(&world, "TagResource", named).await, of_resource);
    }
    let untag = json!({ "ResourceArn": arn, "TagKeys": ["stage"] });
    world.ask("UntagResource", untag).await;
    assert_eq!(tags().await, json!([]));
}

#[tokio::test]
async fn nobody_issues_certificates() {
    let world = World::new().await;
    let refused = world
        .refused("RequestCertificate", json!({ "DomainName": "www.example.com" }))
        .await;
    assert_eq!(
        refused,
        (
            "InvalidParameterException".to_owned(),
            "This operation is not supported: certificates are imported, as there is no authority that issues them."
                .to_owned()
        )
    );
}
