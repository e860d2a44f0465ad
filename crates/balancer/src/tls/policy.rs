//! Security policies as rustls can obey them: TLS 1.2 and 1.3, with authenticated ciphers and forward secrecy. What else
//! a policy allows, for old clients, is not spoken.

use std::sync::Arc;

use domain::ssl_policy::SslPolicy;
use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, SupportedProtocolVersion};

/// The provider with the ciphers of a policy, in its order.
pub(super) fn provider(policy: &SslPolicy) -> Arc<CryptoProvider> {
    let all = rustls::crypto::ring::default_provider();
    let known = &all.cipher_suites;
    let wanted = policy.ciphers().filter_map(suite);
    let cipher_suites = wanted
        .filter_map(|wanted| known.iter().find(|it| it.suite() == wanted).copied())
        .collect();
    Arc::new(CryptoProvider { cipher_suites, ..all })
}

/// The versions of a policy.
pub(super) fn versions(policy: &SslPolicy) -> Vec<&'static SupportedProtocolVersion> {
    let versions = policy.versions.iter();
    let known = versions.filter_map(|it| match *it {
        "TLSv1.2" => Some(&rustls::version::TLS12),
        "TLSv1.3" => Some(&rustls::version::TLS13),
        _ => None,
    });
    known.collect()
}

/// Ciphers by the names that OpenSSL, and so Amazon, has for them.
const NAMES: [(&str, CipherSuite); 7] = [
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
];

fn suite(name: &str) -> Option<CipherSuite> {
    let found = NAMES.iter().find(|(it, _)| *it == name);
    found.map(|(_, suite)| *suite)
}

/// The name of a cipher; `-` if no policy has it.
pub(crate) fn name(suite: CipherSuite) -> &'static str {
    let found = NAMES.iter().find(|(_, it)| *it == suite);
    found.map_or("-", |(name, _)| *name)
}

#[cfg(test)]
mod tests;
