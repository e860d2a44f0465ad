use std::collections::BTreeSet;

use super::*;

#[test]
fn each_policy_has_a_name_of_its_own_and_ciphers_for_each_of_its_versions() {
    let names: BTreeSet<_> = SslPolicy::all().iter().map(|it| it.name).collect();
    assert_eq!(names.len(), SslPolicy::all().len());
    assert_eq!(SslPolicy::usual().name, SslPolicy::DEFAULT);
    for it in SslPolicy::all() {
        let is_of_13 = |cipher: &str| cipher.starts_with("TLS_");
        assert_eq!(
            it.ciphers().any(is_of_13),
            it.versions.contains(&"TLSv1.3"),
            "{}",
            it.name
        );
        assert_eq!(
            it.ciphers().any(|cipher| !is_of_13(cipher)),
            it.versions.contains(&"TLSv1.2"),
            "{}",
            it.name
        );
        assert_eq!(SslPolicy::find(it.name), Some(it));
    }
}

#[test]
fn a_policy_prefers_forward_secrecy() {
    let policy = SslPolicy::find("ELBSecurityPolicy-TLS13-1-2-2021-06").expect("is known");
    let ciphers: Vec<_> = policy.ciphers().collect();
    assert_eq!(policy.versions, ["TLSv1.2", "TLSv1.3"]);
    assert_eq!(ciphers[0], "TLS_AES_128_GCM_SHA256");
    assert_eq!(ciphers[3], "ECDHE-ECDSA-AES128-GCM-SHA256");
    assert!(
        ciphers
            .iter()
            .all(|it| it.starts_with("TLS_") || it.starts_with("ECDHE-"))
    );
    assert_eq!(SslPolicy::find("ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04"), None);
}
