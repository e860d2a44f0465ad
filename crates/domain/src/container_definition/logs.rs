//! Where the output of containers goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Secret;

/// Where output goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogConfiguration {
    /// For example `awslogs`.
    pub log_driver: String,
    /// Options of the driver.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Options whose values come from elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_options: Vec<Secret>,
}

/// A container that routes the logs of the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirelensConfiguration {
    /// Which router.
    pub kind: FirelensType,
    /// Options.
    pub options: Option<BTreeMap<String, String>>,
}

/// Log routers that ECS configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirelensType {
    /// Fluentd.
    Fluentd,
    /// Fluent Bit.
    Fluentbit,
}

impl FirelensType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fluentd => "fluentd",
            Self::Fluentbit => "fluentbit",
        }
    }
}
