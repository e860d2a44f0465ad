//! Clusters.

use serde::{Deserialize, Serialize};

use crate::ClusterArn;
use crate::tags::Pair;

/// The cluster that is meant when none is named.
pub const DEFAULT_CLUSTER: &str = "default";

/// A cluster. Its counters are not stored: they follow from tasks, services and container instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The record's key.
    pub arn: ClusterArn,
    /// Deleted clusters stay visible as INACTIVE.
    pub status: ClusterStatus,
    /// `containerInsights`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Pair>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// Lifecycle of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClusterStatus {
    /// In use.
    Active,
    /// Deleted.
    Inactive,
}

impl ClusterStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
        }
    }
}
