use super::*;

#[test]
fn every_policy_can_be_spoken() {
    for policy in SslPolicy::all() {
        let config = rustls::ServerConfig::builder_with_provider(provider(policy))
            .with_protocol_versions(&versions(policy));
        assert!(config.is_ok(), "{}: {:?}", policy.name, config.err());
    }
}

#[test]
fn all_that_is_spoken_has_a_name() {
    let known = SslPolicy::find("ELBSecurityPolicy-TLS13-1-2-2021-06").expect("is known");
    for suite in &provider(known).cipher_suites {
        assert_ne!(name(suite.suite()), "-", "{suite:?}");
    }
}

#[test]
fn a_policy_says_which_versions_and_ciphers_there_are() {
    let spoken = |name: &str| {
        let policy = SslPolicy::find(name).expect("is known");
        let suites = provider(policy).cipher_suites.len();
        (versions(policy).len(), suites)
    };
    for (name, versions, suites) in [
        ("ELBSecurityPolicy-2016-08", 1, 4),
        ("ELBSecurityPolicy-FS-1-2-Res-2020-10", 1, 4),
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", 2, 7),
        ("ELBSecurityPolicy-TLS13-1-0-2021-06", 2, 7),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", 1, 3),
    ] {
        assert_eq!(spoken(name), (versions, suites), "{name}");
    }
}
