//! What stands in a certificate.

use domain::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// What stands in a certificate, as ACM tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The common name, or the first of the names.
    pub domain_name: Option<String>,
    /// Names that it is for, the common name first if there are no others.
    pub names: Vec<String>,
    /// `C=US, O=Example, CN=www.example.com`
    pub subject: String,
    /// The organization that issued it, or else its common name.
    pub issuer: String,
    /// Bytes in hexadecimal with colons.
    pub serial: String,
    /// Not valid before that.
    pub not_before: Timestamp,
    /// Not valid after that.
    pub not_after: Timestamp,
    /// Kind and size of its key.
    pub key: KeyKind,
    /// `SHA256WITHRSA`
    pub signature_algorithm: String,
    /// `DIGITAL_SIGNATURE`; none if it does not say.
    pub key_usages: Vec<&'static str>,
    /// Name and object identifier; none if it does not say.
    pub extended_key_usages: Vec<(&'static str, String)>,
}

/// Kind and size of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, with that many bits.
    Rsa(usize),
    /// On the curve P-256.
    P256,
    /// On the curve P-384.
    P384,
    /// On the curve P-521.
    P521,
    /// Anything else.
    Other,
}

impl KeyKind {
    /// Amazon's word, if it has one.
    pub fn as_str(self) -> Option<&'static str> {
        Some(match self {
            Self::Rsa(1024) => "RSA_1024",
            Self::Rsa(2048) => "RSA_2048",
            Self::Rsa(3072) => "RSA_3072",
            Self::Rsa(4096) => "RSA_4096",
            Self::P256 => "EC_prime256v1",
            Self::P384 => "EC_secp384r1",
            Self::P521 => "EC_secp521r1",
            Self::Rsa(_) | Self::Other => return None,
        })
    }

    /// Bits; 0 if they are not known.
    pub fn bits(self) -> usize {
        match self {
            Self::Rsa(bits) => bits,
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
            Self::Other => 0,
        }
    }

    /// Of a certificate.
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let key = certificate.public_key();
        let curve = key.algorithm.parameters.as_ref();
        let curve = curve.and_then(|it| it.as_oid().ok()).map(|it| it.to_id_string());
        match (key.parsed(), curve.as_deref()) {
            (Ok(PublicKey::RSA(key)), _) => Self::Rsa(key.key_size()),
            (Ok(PublicKey::EC(_)), Some("1.2.840.10045.3.1.7")) => Self::P256,
            (Ok(PublicKey::EC(_)), Some("1.3.132.0.34")) => Self::P384,
            (Ok(PublicKey::EC(_)), Some("1.3.132.0.35")) => Self::P521,
            _ => Self::Other,
        }
    }
}

impl Facts {
    /// Reads the first certificate of a PEM; none if there is none.
    pub fn of_pem(pem: &str) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let (_, certificate) = X509Certificate::from_der(&der).ok()?;
        Some(Self::of(&certificate))
    }

    pub(super) fn of(it: &X509Certificate<'_>) -> Self {
        let common_name = text(it.subject().iter_common_name());
        let mut names = dns_names(it);
        if names.is_empty() {
            names.extend(common_name.clone());
        }
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        Self {
            domain_name: common_name.or_else(|| names.first().cloned()),
            names,
            subject: it.subject().to_string(),
            issuer: issuer(it.issuer()),
            serial: it.raw_serial_as_string(),
            not_before: at(it.validity().not_before.timestamp()),
            not_after: at(it.validity().not_after.timestamp()),
            key: KeyKind::of(it),
            signature_algorithm: signature_algorithm(&it.signature_algorithm.algorithm.to_id_string()),
            key_usages: key_usages(it),
            extended_key_usages: extended_key_usages(it),
        }
    }
}

fn text<'a>(mut attributes: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<String> {
    let first = attributes.next()?.as_str().ok()?;
    Some(first.to_owned()).filter(|it| !it.is_empty())
}

fn issuer(name: &X509Name<'_>) -> String {
    text(name.iter_organization())
        .or_else(|| text(name.iter_common_name()))
        .unwrap_or_else(|| name.to_string())
}

fn dns_names(it: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = it.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    let names = names.filter_map(|it| match it {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    names.collect()
}

/// Amazon's word for the algorithm of an object identifier; the identifier if there is none.
fn signature_algorithm(oid: &str) -> String {
    let word = match oid {
        "1.2.840.113549.1.1.5" => "SHA1WITHRSA",
        "1.2.840.113549.1.1.10" => "RSASSA-PSS",
        "1.2.840.113549.1.1.11" => "SHA256WITHRSA",
        "1.2.840.113549.1.1.12" => "SHA384WITHRSA",
        "1.2.840.113549.1.1.13" => "SHA512WITHRSA",
        "1.2.840.10045.4.3.2" => "SHA256WITHECDSA",
        "1.2.840.10045.4.3.3" => "SHA384WITHECDSA",
        "1.2.840.10045.4.3.4" => "SHA512WITHECDSA",
        other => other,
    };
    word.to_owned()
}

fn key_usages(it: &X509Certificate<'_>) -> Vec<&'static str> {
    let Ok(Some(usage)) = it.key_usage() else {
        return Vec::new();
    };
    let usage = usage.value;
    let all = [
        (usage.digital_signature(), "DIGITAL_SIGNATURE"),
        (usage.non_repudiation(), "NON_REPUDIATION"),
        (usage.key_encipherment(), "KEY_ENCIPHERMENT"),
        (usage.data_encipherment(), "DATA_ENCIPHERMENT"),
        (usage.key_agreement(), "KEY_AGREEMENT"),
        (usage.key_cert_sign(), "CERTIFICATE_SIGNING"),
        (usage.crl_sign(), "CRL_SIGNING"),
        (usage.encipher_only(), "ENCIPHER_ONLY"),
        (usage.decipher_only(), "DECIPHER_ONLY"),
    ];
    all.into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, word)| word)
        .collect()
}

fn extended_key_usages(it: &X509Certificate<'_>) -> Vec<(&'static str, String)> {
    let Ok(Some(usage)) = it.extended_key_usage() else {
        return Vec::new();
    };
    let usage = usage.value;
    let known = [
        (usage.any, "ANY", "2.5.29.37.0"),
        (
            usage.server_auth,
            "TLS_WEB_SERVER_AUTHENTICATION",
            "1.3.6.1.5.5.7.3.1",
        ),
        (
            usage.client_auth,
            "TLS_WEB_CLIENT_AUTHENTICATION",
            "1.3.6.1.5.5.7.3.2",
        ),
        (usage.code_signing, "CODE_SIGNING", "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "EMAIL_PROTECTION", "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "TIME_STAMPING", "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "OCSP_SIGNING", "1.3.6.1.5.5.7.3.9"),
    ];
    let known = known.into_iter().filter(|(is, ..)| *is);
    let known = known.map(|(_, word, oid)| (word, oid.to_owned()));
    let others = usage.other.iter().map(|oid| match oid.to_id_string() {
        oid if oid == "1.3.6.1.5.5.7.3.5" => ("IPSEC_END_SYSTEM", oid),
        oid if oid == "1.3.6.1.5.5.7.3.6" => ("IPSEC_TUNNEL", oid),
        oid if oid == "1.3.6.1.5.5.7.3.7" => ("IPSEC_USER", oid),
        oid => ("CUSTOM", oid),
    });
    known.chain(others).collect()
}
