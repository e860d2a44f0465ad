//! Parameters of the Parameter Store.

use serde::{Deserialize, Serialize};

use crate::sealed::Sealed;
use crate::tags::Pair;
use crate::{Scope, Timestamp};

/// A parameter: what its versions share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Account and region; with the name, the record's key.
    pub scope: Scope,
    /// `web` or `/shop/web/password`
    pub name: String,
    /// Number of the newest version.
    pub latest: u64,
    /// In the order given.
    pub tags: Vec<Pair>,
}

/// One value that a parameter has had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterVersion {
    /// Of the parameter.
    pub scope: Scope,
    /// Of the parameter.
    pub name: String,
    /// From 1.
    pub version: u64,
    /// How the value is read.
    pub kind: ParameterKind,
    /// Encrypted, of whatever kind.
    pub value: Sealed,
    /// What the value may be.
    pub tier: ParameterTier,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Regular expression that values must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_pattern: Option<String>,
    /// Names of this version; each names one version of a parameter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// When it was put.
    pub modified_at: Timestamp,
    /// ARN of who put it.
    pub modified_by: String,
}

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterKind {
    /// Any text.
    String,
    /// Texts between commas.
    StringList,
    /// A secret.
    SecureString,
}

impl ParameterKind {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

/// Tier of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterTier {
    /// Values of 4 KiB.
    Standard,
    /// Values of 8 KiB.
    Advanced,
}

impl ParameterTier {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
        }
    }
}

impl Parameter {
    /// `arn:aws:ssm:us-east-1:123456789012:parameter/shop/web`; a name without a slash gets one.
    pub fn arn(&self) -> String {
        arn(&self.scope, &self.name)
    }
}

/// The ARN of a parameter of that name.
pub fn arn(Scope { account, region }: &Scope, name: &str) -> String {
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!("arn:aws:ssm:{region}:{account}:parameter{slash}{name}")
}
