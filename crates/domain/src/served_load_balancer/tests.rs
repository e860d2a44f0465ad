use super::*;
use crate::Scope;

#[test]
fn a_key_is_not_printed() {
    let it = ServedCertificate {
        arn: CertificateArn::new(&Scope::new("123456789012", "us-east-1"), &["1"]),
        chain: "certificate".to_owned(),
        key: "secret".to_owned(),
    };
    let printed = format!("{it:?}");
    assert!(
        printed.contains("certificate/1") && !printed.contains("secret"),
        "{printed}"
    );
}
