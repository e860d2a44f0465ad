//! Whether a certificate may be imported: the rules of
//! <https://docs.aws.amazon.com/acm/latest/userguide/import-certificate-prerequisites.html>, and that load balancers can
//! show it.

use std::sync::Arc;

use domain::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Version;

use super::facts::{Facts, KeyKind};

/// What is to be imported, as PEM.
#[derive(Clone, Copy)]
pub struct Import<'a> {
    /// The certificate alone.
    pub body: &'a str,
    /// Those that certify it, in order.
    pub chain: Option<&'a str>,
    /// Its private key.
    pub key: &'a str,
}

/// Why a certificate is not imported: Amazon's words first, where they are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no certificate in the text.
    #[error("Unable to parse certificate. Please ensure the certificate is in PEM format.")]
    NoCertificate,
    /// There is more than one.
    #[error(
        "The certificate field contains more than one certificate. You can specify only one certificate in this field."
    )]
    ManyCertificates,
    /// It cannot be used.
    #[error("The certificate is not valid. {0}")]
    Invalid(String),
    /// Its time is over.
    #[error("The certificate has expired, is not valid.")]
    Expired,
    /// Its time has not come.
    #[error("The certificate is not in effect yet, is not valid.")]
    NotYet,
    /// The key cannot be used.
    #[error("The private key is not supported. {0}")]
    Key(&'static str),
    /// The key has a length that cannot be used.
    #[error(
        "The private key length {0} is not supported for key algorithm. Load balancers use RSA keys of 2048, 3072 and \
         4096 bits, and ECDSA keys on the curves P-256 and P-384."
    )]
    KeyLength(usize),
    /// It is the key of another certificate.
    #[error("The private key does not match the certificate.")]
    OtherKey,
    /// There is none in the text, or it cannot be read.
    #[error("The certificate body/chain provided is not in a valid PEM format.")]
    NoChain,
    /// A certificate of the chain is not valid now.
    #[error("The certificate chain has expired, is not valid.")]
    ChainExpired,
    /// The chain does not begin with the issuer.
    #[error("Could not validate the certificate with the certificate chain.")]
    OtherChain,
    /// The one at this place does not certify the one before it.
    #[error(
        "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, \
         followed by any intermediaries in order. The index within the chain of the invalid certificate is: {0}"
    )]
    ChainOrder(usize),
    /// There is no chain, and it has not signed itself.
    #[error(
        "Provided certificate is not a valid self signed. Please provide either a valid self-signed certificate or \
         certificate chain."
    )]
    NotSelfSigned,
    /// It is of another kind than the one that it takes the place of.
    #[error("The certificate cannot take the place of the one that is there. {0}")]
    NoSuccessor(&'static str),
}

/// Checks a certificate, its chain and its key, and says what stands in it.
///
/// # Errors
/// [`Refusal`].
pub fn check(import: Import<'_>, now: Timestamp) -> Result<Facts, Refusal> {
    let body = certificates(import.body).ok_or(Refusal::NoCertificate)?;
    let leaf = match &body[..] {
        [] => return Err(Refusal::NoCertificate),
        [only] => only,
        _ => return Err(Refusal::ManyCertificates),
    };
    let parsed = parse(leaf).ok_or(Refusal::NoCertificate)?;
    if parsed.version() != X509Version::V3 {
        return Err(Refusal::Invalid(
            "Only X.509 version 3 certificates can be imported.".to_owned(),
        ));
    }
    let facts = Facts::of(&parsed);
    if facts.not_after < now {
        return Err(Refusal::Expired);
    }
    if facts.not_before > now {
        return Err(Refusal::NotYet);
    }
    check_key(leaf, facts.key, import.key)?;
    match import.chain {
        Some(chain) => check_chain(leaf, &parsed, chain, now)?,
        None if is_certified_by(&parsed, &parsed) => {}
        None => return Err(Refusal::NotSelfSigned),
    }
    Ok(facts)
}

/// Whether a certificate may take the place of another under its ARN.
///
/// # Errors
/// [`Refusal::NoSuccessor`].
pub fn continues(before: &Facts, after: &Facts) -> Result<(), Refusal> {
    if before.key != after.key {
        return Err(Refusal::NoSuccessor("The key type and size cannot be changed."));
    }
    if !before.names.is_empty() && after.names.is_empty() {
        return Err(Refusal::NoSuccessor("Its domain names cannot all be removed."));
    }
    let keeps = |all: bool| match all {
        true => Ok(()),
        false => Err(Refusal::NoSuccessor(
            "Key usages and extended key usages can be added, not removed.",
        )),
    };
    keeps(before.key_usages.iter().all(|it| after.key_usages.contains(it)))?;
    let usages = &after.extended_key_usages;
    keeps(before.extended_key_usages.iter().all(|it| usages.contains(it)))
}

/// All certificates of a text; none if one of them is damaged.
fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .ok()
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    let (rest, parsed) = X509Certificate::from_der(der).ok()?;
    rest.is_empty().then_some(parsed)
}

fn check_key(leaf: &CertificateDer<'static>, kind: KeyKind, key: &str) -> Result<(), Refusal> {
    if key.contains("ENCRYPTED") {
        return Err(Refusal::Key("It is encrypted: import it without a passphrase."));
    }
    let der = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| Refusal::Key("It is not a private key in PEM format."))?;
    match kind {
        KeyKind::Rsa(2048 | 3072 | 4096) | KeyKind::P256 | KeyKind::P384 => {}
        KeyKind::Other => return Err(Refusal::Key("Its algorithm is neither RSA nor ECDSA.")),
        KeyKind::Rsa(_) | KeyKind::P521 => return Err(Refusal::KeyLength(kind.bits())),
    }
    let key = provider().key_provider.load_private_key(der);
    let key = key.map_err(|_| Refusal::Key("It is not a key that TLS can be spoken with."))?;
    match CertifiedKey::new(vec![leaf.clone()], key).keys_match() {
        Ok(()) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => Err(Refusal::OtherKey),
        Err(error) => Err(Refusal::Invalid(format!(
            "It cannot be shown to clients: {error}."
        ))),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn check_chain(
    leaf: &CertificateDer<'_>,
    parsed: &X509Certificate<'_>,
    chain: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let chain = certificates(chain).filter(|it| !it.is_empty());
    let chain = chain.ok_or(Refusal::NoChain)?;
    let issuers: Option<Vec<_>> = chain.iter().map(parse).collect();
    let issuers = issuers.ok_or(Refusal::NoChain)?;
    let mut before = parsed;
    for (index, (der, issuer)) in chain.iter().zip(&issuers).enumerate() {
        // it may not be in its own chain
        if der == leaf || !is_certified_by(before, issuer) {
            let is_elsewhere = || issuers.iter().any(|it| is_certified_by(parsed, it));
            return Err(match index {
                0 if !is_elsewhere() => Refusal::OtherChain,
                _ => Refusal::ChainOrder(index),
            });
        }
        before = issuer;
    }
    let now = now.as_second();
    let is_valid = |it: &X509Certificate<'_>| {
        (it.validity().not_before.timestamp()..=it.validity().not_after.timestamp()).contains(&now)
    };
    match issuers.iter().all(is_valid) {
        true => Ok(()),
        false => Err(Refusal::ChainExpired),
    }
}

fn is_certified_by(it: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    it.issuer().as_raw() == issuer.subject().as_raw()
        && it.verify_signature(Some(issuer.public_key())).is_ok()
}
