//! TLS with clients and with targets.

use std::sync::Arc;
use std::time::Duration;

use domain::listener::{AlpnPolicy, Protocol};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::plan::{CertificatePem, ListenerPlan};

mod names;
mod opening;
pub(crate) mod policy;
mod targets;

pub(crate) use opening::Opening;
pub(crate) use targets::TargetTls;

/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a listener has no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsFault {
    #[error("there is no certificate")]
    NoCertificate,
    #[error("certificate {arn}: {reason}")]
    Certificate { arn: Arc<str>, reason: String },
}

/// How a listener speaks TLS.
pub(crate) struct ServerTls {
    config: Arc<rustls::ServerConfig>,
    names: Arc<names::ByName>,
}

/// What is known of a client's TLS.
pub(crate) struct TlsFacts {
    pub(crate) cipher: &'static str,
    pub(crate) version: &'static str,
    /// The name that the client asked for.
    pub(crate) domain: Option<Arc<str>>,
    /// The ARN of the certificate that it was shown.
    pub(crate) certificate: Option<Arc<str>>,
}

/// The one provider of cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// How a listener speaks TLS; none if it does not.
pub(crate) fn server(plan: &ListenerPlan) -> Result<Option<Arc<ServerTls>>, TlsFault> {
    if !plan.protocol.is_encrypted() {
        return Ok(None);
    }
    let given = plan.certificates.iter();
    let keys = given.map(|it| Ok((it.arn.clone(), certified(it)?)));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let names = Arc::new(names::ByName::new(keys).ok_or(TlsFault::NoCertificate)?);
    let builder = rustls::ServerConfig::builder_with_provider(policy::provider(plan.ssl_policy))
        .with_protocol_versions(&policy::versions(plan.ssl_policy))
        .map_err(|error| fault(&plan.arn, &error))?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(names.clone());
    // a policy says which ciphers are preferred
    config.ignore_client_order = true;
    config.alpn_protocols = protocols(plan).iter().map(|it| it.to_vec()).collect();
    Ok(Some(Arc::new(ServerTls {
        config: Arc::new(config),
        names,
    })))
}

/// Whether TLS is spoken in the same way.
pub(crate) fn is_same(before: &ListenerPlan, now: &ListenerPlan) -> bool {
    before.protocol.is_encrypted() == now.protocol.is_encrypted()
        && before.certificates == now.certificates
        && before.ssl_policy.name == now.ssl_policy.name
        && protocols(before) == protocols(now)
}

/// What may be spoken within TLS, what is preferred first; nothing if that is not agreed on.
fn protocols(plan: &ListenerPlan) -> &'static [&'static [u8]] {
    match (plan.protocol, plan.alpn) {
        (Protocol::Https, _) if plan.load_balancer.http2 => &[b"h2", b"http/1.1"],
        (Protocol::Https, _) => &[b"http/1.1"],
        (_, AlpnPolicy::Http1Only) => &[b"http/1.1", b"http/1.0"],
        (_, AlpnPolicy::Http2Only) => &[b"h2"],
        (_, AlpnPolicy::Http2Optional) => &[b"http/1.1", b"http/1.0", b"h2"],
        (_, AlpnPolicy::Http2Preferred) => &[b"h2", b"http/1.1", b"http/1.0"],
        (_, AlpnPolicy::None) => &[],
    }
}

fn certified(pem: &CertificatePem) -> Result<Arc<CertifiedKey>, TlsFault> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| fault(&pem.arn, &error))?;
    if chain.is_empty() {
        return Err(TlsFault::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).map_err(|error| fault(&pem.arn, &error))?;
    let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| fault(&pem.arn, &error))?;
    Ok(Arc::new(key))
}

fn fault(arn: &Arc<str>, error: &dyn std::fmt::Display) -> TlsFault {
    TlsFault::Certificate {
        arn: arn.clone(),
        reason: error.to_string(),
    }
}

/// Shakes hands with a client.
///
/// # Errors
/// The connection, if that fails; none if it takes too long.
pub(crate) async fn accept<S>(tls: &ServerTls, stream: S) -> Result<(TlsStream<S>, TlsFacts), Option<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let acceptor = TlsAcceptor::from(tls.config.clone());
    let shaking = acceptor.accept(stream).into_fallible();
    let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, shaking).await;
    let stream = shaken.map_err(|_| None)?.map_err(|(error, stream)| {
        tracing::debug!(%error, "no TLS with a client");
        Some(stream)
    })?;
    let session = stream.get_ref().1;
    let domain: Option<Arc<str>> = session.server_name().map(Into::into);
    let facts = TlsFacts {
        cipher: session
            .negotiated_cipher_suite()
            .map_or("-", |it| policy::name(it.suite())),
        version: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "-",
        },
        certificate: Some(tls.names.shown(domain.as_deref())),
        domain,
    };
    Ok((stream, facts))
}
