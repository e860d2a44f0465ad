//! Clusters.

use serde::{Deserialize, Serialize};

use crate::ClusterArn;
use crate::capacity_provider::CapacityProviderStrategyItem;
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
    /// `containerInsights`, and [`INSTANCE_REBALANCING`] if it was ever given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Pair>,
    /// Of ECS Exec and of storage that ECS manages.
    #[serde(default, skip_serializing_if = "ClusterConfiguration::is_empty")]
    pub configuration: ClusterConfiguration,
    /// What its tasks may run on beside launch types.
    #[serde(default, skip_serializing_if = "ClusterCapacity::is_empty")]
    pub capacity: ClusterCapacity,
    /// Of services that name none: as given, which is a name or an ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_namespace: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// The setting by which tasks move from crowded container instances to empty ones: `enabled` or `disabled`, which it is
/// where nobody has set it. Amazon has none like it.
pub const INSTANCE_REBALANCING: &str = "instanceRebalancing";

impl Cluster {
    /// Whether tasks move from crowded container instances to empty ones.
    pub fn rebalances_instances(&self) -> bool {
        let mut settings = self.settings.iter();
        settings.any(|it| it.name == INSTANCE_REBALANCING && it.value.as_deref() == Some("enabled"))
    }
}

/// Capacity providers of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterCapacity {
    /// Names of those that are associated with it, as given.
    pub providers: Vec<String>,
    /// For tasks and services that name neither launch type nor strategy.
    pub default_strategy: Vec<CapacityProviderStrategyItem>,
}

impl ClusterCapacity {
    /// Says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `configuration` of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterConfiguration {
    /// `executeCommandConfiguration`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execute_command: Option<ExecuteCommandConfiguration>,
    /// `managedStorageConfiguration`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_storage: Option<ManagedStorageConfiguration>,
}

impl ClusterConfiguration {
    /// Says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How sessions of ECS Exec are encrypted and logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecuteCommandConfiguration {
    /// Key id or ARN, as given.
    pub kms_key_id: Option<String>,
    /// Where sessions are logged.
    pub logging: ExecuteCommandLogging,
}

/// Where sessions of ECS Exec are logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecuteCommandLogging {
    /// Nowhere.
    None,
    /// As the container's `awslogs` configuration says.
    Default,
    /// There.
    Override(ExecuteCommandLog),
}

impl ExecuteCommandLogging {
    /// The word on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Default => "DEFAULT",
            Self::Override(_) => "OVERRIDE",
        }
    }
}

/// `logConfiguration` of ECS Exec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecuteCommandLog {
    /// Log group.
    pub log_group: Option<String>,
    /// As given.
    pub is_log_group_encrypted: bool,
    /// Bucket.
    pub bucket: Option<String>,
    /// As given.
    pub is_bucket_encrypted: bool,
    /// Folder of the bucket.
    pub key_prefix: Option<String>,
}

/// Keys of storage that ECS manages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManagedStorageConfiguration {
    /// Of volumes.
    pub kms_key_id: Option<String>,
    /// Of ephemeral storage on FARGATE.
    pub fargate_ephemeral_storage_kms_key_id: Option<String>,
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
