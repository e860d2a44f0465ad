//! Revisions that an application knows: AppSpecs that were registered, or deployed.

use serde::{Deserialize, Serialize};

use super::deployment::Revision;
use crate::{Scope, Timestamp};

/// Revisions kept for each application; those that were registered or used longest ago go first.
pub const REVISIONS_KEPT: usize = 1000;
/// And so many bytes of what they say.
pub const REVISION_BYTES_KEPT: usize = 16 * 1024 * 1024;

/// A revision of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationRevision {
    /// Part of the record's key.
    pub scope: Scope,
    /// Id of its application, which may get another name. Part of the record's key.
    pub application_id: String,
    /// What it is; its kind and checksum are part of the record's key.
    pub revision: Revision,
    /// As given; or which deployment registered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was last registered once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_again_at: Option<Timestamp>,
    /// When a deployment was first made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_used_at: Option<Timestamp>,
    /// When one was last made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl ApplicationRevision {
    /// When something was last done with it.
    pub fn touched_at(&self) -> Timestamp {
        let later = [self.registered_again_at, self.last_used_at];
        later
            .into_iter()
            .flatten()
            .fold(self.registered_at, Timestamp::max)
    }
}
