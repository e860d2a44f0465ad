//! TLS with targets, whose certificates are not verified: Amazon's load balancers do not either, since whoever reaches
//! a target is inside its network already.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

/// How TLS is spoken with targets.
pub(crate) struct TargetTls {
    http1: Arc<rustls::ClientConfig>,
    http2: Arc<rustls::ClientConfig>,
    plain: Arc<rustls::ClientConfig>,
}

impl TargetTls {
    /// Makes it once for a process.
    ///
    /// # Errors
    /// The provider knows no version of TLS.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        let make = |protocols: &[&[u8]]| {
            let provider = super::provider();
            let verifier = Arc::new(AnyCertificate(provider.clone()));
            let mut config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth();
            config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
            // targets are named by addresses
            config.enable_sni = false;
            Ok::<_, rustls::Error>(Arc::new(config))
        };
        Ok(Self {
            http1: make(&[b"http/1.1"])?,
            http2: make(&[b"h2"])?,
            plain: make(&[])?,
        })
    }

    /// With targets that speak HTTP/1.1, or HTTP/2.
    pub(crate) fn config(&self, http2: bool) -> &Arc<rustls::ClientConfig> {
        if http2 { &self.http2 } else { &self.http1 }
    }

    /// With targets that speak anything.
    pub(crate) fn plain(&self) -> &Arc<rustls::ClientConfig> {
        &self.plain
    }
}

/// Takes any certificate; that the target has its key is still checked.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
