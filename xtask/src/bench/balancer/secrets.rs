//! The one certificate that all show, and the client that takes it: TLS 1.3, the same cipher and group for all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::crypto::ring;
use tokio_rustls::TlsConnector;

/// The name that it is for.
pub const NAME: &str = "balancer.example";

/// Files, and what they hold.
pub struct Secrets {
    /// The certificate.
    pub chain: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Both in one, as haproxy wants it.
    pub both: PathBuf,
}

/// The client of the measurement; set once, since there is but one certificate.
static CLIENT: std::sync::OnceLock<TlsConnector> = std::sync::OnceLock::new();

/// Makes a certificate of an ECDSA key.
pub fn make(folder: &Path) -> Result<Secrets> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let secrets = Secrets {
        chain: folder.join("chain.pem"),
        key: folder.join("key.pem"),
        both: folder.join("both.pem"),
    };
    std::fs::write(&secrets.chain, &chain)?;
    std::fs::write(&secrets.key, &key)?;
    std::fs::write(&secrets.both, format!("{chain}{key}"))?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let provider = rustls::crypto::CryptoProvider {
        cipher_suites: vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![ring::kx_group::X25519],
        ..ring::default_provider()
    };
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // each handshake is a full one
    config.resumption = Resumption::disabled();
    let _ = CLIENT.set(TlsConnector::from(Arc::new(config)));
    Ok(secrets)
}

/// The client; none before there is a certificate.
pub fn client() -> Option<&'static TlsConnector> {
    CLIENT.get()
}
