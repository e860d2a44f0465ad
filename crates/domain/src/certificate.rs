//! Certificates of AWS Certificate Manager: imported ones, since nobody issues any here.

use serde::{Deserialize, Serialize};

use crate::sealed::Sealed;
use crate::tags::Pair;
use crate::{CertificateArn, Timestamp};

/// A certificate with its chain and its sealed key. What stands in it is read from it when it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The record's key. It stays when the certificate is imported anew.
    pub arn: CertificateArn,
    /// The certificate, as PEM.
    pub body: String,
    /// Those that certify it, as PEM in the order given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Its private key as PEM, encrypted.
    pub key: Sealed,
    /// When it was first imported.
    pub created_at: Timestamp,
    /// When it was last imported.
    pub imported_at: Timestamp,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

impl Certificate {
    /// The certificate and its chain, as a server shows them.
    pub fn shown(&self) -> String {
        let body = self.body.trim_end();
        match &self.chain {
            Some(chain) => format!("{body}\n{}\n", chain.trim_end()),
            None => format!("{body}\n"),
        }
    }

    /// What its key is sealed for.
    pub fn place(arn: &CertificateArn) -> String {
        format!("certificate/{arn}")
    }
}
