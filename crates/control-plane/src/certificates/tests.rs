use domain::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use proptest::prelude::*;

use super::facts::KeyKind;
use super::*;

/// What rcgen cannot make: keys of RSA, and what no load balancer takes.
const RSA_2048: &str = include_str!("tests/rsa_2048.pem");
const RSA_1024: &str = include_str!("tests/rsa_1024.pem");
const P521: &str = include_str!("tests/p521.pem");
const VERSION_1: &str = include_str!("tests/version_1.pem");

fn now() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().expect("a time")
}

fn parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
    let mut it = CertificateParams::new(names.clone()).expect("names");
    it.distinguished_name.push(DnType::CommonName, names[0].clone());
    it
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority_parameters(name: &str) -> CertificateParams {
    let mut it = parameters(&["ca.example.com"]);
    it.distinguished_name.push(DnType::OrganizationName, name);
    it.distinguished_name.push(DnType::CommonName, name);
    it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    it
}

fn root(name: &str) -> Authority {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(authority_parameters(name), key).expect("a root")
}

fn below(name: &str, above: &Authority) -> Authority {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::signed_by(authority_parameters(name), key, above).expect("an authority")
}

/// Certificate and key of a host.
fn leaf(above: &Authority) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let made = parameters(&["www.example.com"])
        .signed_by(&key, above)
        .expect("a certificate");
    (made.pem(), key.serialize_pem())
}

fn self_signed(parameters: &CertificateParams) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let made = parameters.self_signed(&key).expect("a certificate");
    (made.pem(), key.serialize_pem())
}

fn refused(body: &str, chain: Option<&str>, key: &str) -> Option<Refusal> {
    check(Import { body, chain, key }, now()).err()
}

#[test]
fn what_stands_in_a_certificate_is_told() {
    let mut parameters = parameters(&["www.example.com", "*.example.com"]);
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, "Example");
    parameters.serial_number = Some(vec![0x0a, 0xff].into());
    parameters.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    parameters.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 7]),
    ];
    parameters.not_before = rcgen::date_time_ymd(2029, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2031, 1, 1);
    let (body, key) = self_signed(&parameters);
    let import = Import {
        body: &body,
        chain: None,
        key: &key,
    };
    let facts = check(import, now()).expect("is taken");
    assert_eq!(Facts::of_pem(&body).as_ref(), Some(&facts));
    let expected = Facts {
        domain_name: Some("www.example.com".to_owned()),
        names: vec!["www.example.com".to_owned(), "*.example.com".to_owned()],
        subject: "CN=www.example.com, O=Example".to_owned(),
        issuer: "Example".to_owned(),
        serial: "0a:ff".to_owned(),
        not_before: "2029-01-01T00:00:00Z".parse().expect("a time"),
        not_after: "2031-01-01T00:00:00Z".parse().expect("a time"),
        key: KeyKind::P256,
        signature_algorithm: "SHA256WITHECDSA".to_owned(),
        key_usages: vec!["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"],
        extended_key_usages: vec![
            ("TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1".to_owned()),
            ("IPSEC_USER", "1.3.6.1.5.5.7.3.7".to_owned()),
        ],
    };
    assert_eq!(facts, expected);
}

#[test]
fn keys_of_rsa_are_taken() {
    let key = KeyPair::from_pem(RSA_2048).expect("a key");
    let made = parameters(&["www.example.com"])
        .self_signed(&key)
        .expect("a certificate");
    let body = made.pem();
    let facts = check(
        Import {
            body: &body,
            chain: None,
            key: RSA_2048,
        },
        now(),
    );
    let facts = facts.expect("is taken");
    assert_eq!(facts.key.as_str(), Some("RSA_2048"));
    assert_eq!(facts.signature_algorithm, "SHA256WITHRSA");
}

#[test]
fn what_is_no_certificate_with_its_key_is_refused() {
    let (body, key) = self_signed(&parameters(&["www.example.com"]));
    let (other, other_key) = self_signed(&parameters(&["other.example.com"]));
    let both = format!("{body}{other}");
    let cut = body.replace("-----END CERTIFICATE-----", "");
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    for (body, key, expected) in [
        ("", key.as_str(), Refusal::NoCertificate),
        ("not PEM", &key, Refusal::NoCertificate),
        (&cut, &key, Refusal::NoCertificate),
        (&key, &key, Refusal::NoCertificate),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &key,
            Refusal::NoCertificate,
        ),
        (&both, &key, Refusal::ManyCertificates),
        (&body, &other_key, Refusal::OtherKey),
        (
            &body,
            "not PEM",
            Refusal::Key("It is not a private key in PEM format."),
        ),
        (
            &body,
            &encrypted,
            Refusal::Key("It is encrypted: import it without a passphrase."),
        ),
        (&body, RSA_2048, Refusal::OtherKey),
        (RSA_1024, RSA_1024, Refusal::KeyLength(1024)),
        (P521, P521, Refusal::KeyLength(521)),
        (
            VERSION_1,
            VERSION_1,
            Refusal::Invalid("Only X.509 version 3 certificates can be imported.".to_owned()),
        ),
    ] {
        assert_eq!(refused(body, None, key), Some(expected), "{body}");
    }
    assert_eq!(refused(&body, None, &key), None);
}

#[test]
fn a_certificate_is_taken_while_it_is_valid() {
    let mut parameters = parameters(&["www.example.com"]);
    for (from, to, expected) in [
        (2028, 2029, Some(Refusal::Expired)),
        (2031, 2032, Some(Refusal::NotYet)),
        (2029, 2031, None),
    ] {
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
        let (body, key) = self_signed(&parameters);
        assert_eq!(refused(&body, None, &key), expected, "{from}");
    }
}

#[test]
fn a_chain_certifies_in_order() {
    let root = root("Root");
    let (above, other) = (below("Above", &root), below("Other", &root));
    let issuer = below("Issuer", &above);
    let (body, key) = leaf(&issuer);
    let (root, above, other, issuer) = (root.pem(), above.pem(), other.pem(), issuer.pem());
    let taken = |chain: &[&str]| refused(&body, Some(&chain.concat()), &key);
    for (chain, expected) in [
        (&[issuer.as_str(), &above, &root][..], None),
        (&[&issuer, &above], None),
        (&[&issuer], None),
        (&[&above, &issuer, &root], Some(Refusal::ChainOrder(0))),
        (&[&body, &issuer, &above], Some(Refusal::ChainOrder(0))),
        (&[&issuer, &root, &above], Some(Refusal::ChainOrder(1))),
        (&[&issuer, &above, &other], Some(Refusal::ChainOrder(2))),
        (&[&other, &root], Some(Refusal::OtherChain)),
        (&["no certificate"], Some(Refusal::NoChain)),
    ] {
        assert_eq!(taken(chain), expected, "{chain:?}");
    }
    assert_eq!(refused(&body, None, &key), Some(Refusal::NotSelfSigned));
    assert_eq!(
        Refusal::ChainOrder(1).to_string(),
        "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, \
         followed by any intermediaries in order. The index within the chain of the invalid certificate is: 1"
    );
}

#[test]
fn a_chain_of_the_same_name_but_another_key_does_not_certify() {
    let (mine, impostor) = (root("Root"), root("Root"));
    let (body, key) = leaf(&mine);
    assert_eq!(
        refused(&body, Some(&impostor.pem()), &key),
        Some(Refusal::OtherChain)
    );
}

#[test]
fn a_chain_that_has_expired_is_refused() {
    let mut old = authority_parameters("Old");
    old.not_after = rcgen::date_time_ymd(2029, 1, 1);
    let old = CertifiedIssuer::self_signed(old, KeyPair::generate().expect("a key")).expect("a root");
    let (body, key) = leaf(&old);
    assert_eq!(
        refused(&body, Some(&old.pem()), &key),
        Some(Refusal::ChainExpired)
    );
}

#[test]
fn a_certificate_is_followed_by_one_of_its_kind() {
    let facts = |change: fn(&mut CertificateParams)| {
        let mut parameters = parameters(&["www.example.com"]);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(&mut parameters);
        Facts::of_pem(&self_signed(&parameters).0).expect("a certificate")
    };
    let before = facts(|_| {});
    let more = facts(|it| it.key_usages.push(KeyUsagePurpose::KeyAgreement));
    let less = facts(|it| it.key_usages.clear());
    assert_eq!(continues(&before, &more), Ok(()));
    assert!(continues(&before, &less).is_err());
    let rsa = Facts {
        key: KeyKind::Rsa(2048),
        ..before.clone()
    };
    assert_eq!(
        continues(&before, &rsa),
        Err(Refusal::NoSuccessor("The key type and size cannot be changed."))
    );
    let nameless = Facts {
        names: Vec::new(),
        ..before.clone()
    };
    assert!(continues(&before, &nameless).is_err());
}

proptest! {
    /// Whatever is sent is answered: a text with a piece in the place of another, in PEM or below it.
    #[test]
    fn nothing_that_is_damaged_is_taken_for_whole(
        at in 0..600_usize,
        length in 0..40_usize,
        piece in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        use base64::Engine as _;
        let whole = P521.split("-----").nth(2).expect("a body").replace(char::is_whitespace, "");
        let mut der = base64::engine::general_purpose::STANDARD.decode(whole).expect("base64");
        let at = at.min(der.len() - 1);
        let end = (at + length).min(der.len());
        let before = der.clone();
        der.splice(at..end, piece);
        prop_assume!(der != before);
        let pem = base64::engine::general_purpose::STANDARD.encode(der);
        let body = format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n");
        let _ = Facts::of_pem(&body);
        prop_assert!(refused(&body, None, P521).is_some());
        prop_assert!(refused(&body, Some(&body), P521).is_some());
        prop_assert!(refused(P521, Some(&body), &body).is_some());
    }
}
