//! Roles of IAM, as far as tasks need them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::tags::Pair;

/// A role. Its policies are kept; nothing is decided by them yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// With the name, the record's key: roles have no region.
    pub account: String,
    /// Unique in the account, whatever the path and the case.
    pub name: String,
    /// `/` or `/service-role/`
    pub path: String,
    /// `AROA…`
    pub id: String,
    /// JSON: who may assume it.
    pub trust_policy: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Longest session, in seconds.
    pub max_session_seconds: u32,
    /// JSON by name.
    pub inline_policies: BTreeMap<String, String>,
    /// ARNs, in the order they were attached.
    pub attached_policies: Vec<String>,
    /// In the order given.
    pub tags: Vec<Pair>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it came with the account.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ready_made: bool,
}

impl Role {
    /// `arn:aws:iam::123456789012:role/service-role/web`
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:role{}{}", self.account, self.path, self.name)
    }
}

/// The name in the ARN of a role of an account.
pub fn name_in_arn<'a>(account: &str, arn: &'a str) -> Option<&'a str> {
    let path = arn.strip_prefix("arn:aws:iam::")?.strip_prefix(account)?;
    path.strip_prefix(":role/")?.rsplit('/').next()
}
