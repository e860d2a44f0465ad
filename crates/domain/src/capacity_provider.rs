//! Capacity providers: what tasks run on, and strategies that divide tasks among them.

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::task_definition::LaunchType;
use crate::{CapacityProviderArn, Scope};

/// The capacity providers that every account has: they are not stored and cannot be changed or deleted.
pub const FARGATE_CAPACITY_PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// Whether a name is one of [`FARGATE_CAPACITY_PROVIDERS`].
pub fn is_fargate(name: &str) -> bool {
    FARGATE_CAPACITY_PROVIDERS.contains(&name)
}

/// A capacity provider that a user made, of an Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityProvider {
    /// The record's key.
    pub arn: CapacityProviderArn,
    /// Deleted ones stay visible by name as INACTIVE.
    pub status: CapacityProviderStatus,
    /// How the last change went; `None` until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_status: Option<UpdateStatus>,
    /// Where its container instances come from.
    pub auto_scaling_group: AutoScalingGroupProvider,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// Lifecycle of a capacity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CapacityProviderStatus {
    /// In use.
    Active,
    /// Deleted.
    Inactive,
}

impl CapacityProviderStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// `updateStatus`: changes are carried out at once, so none is ever in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateStatus {
    /// UpdateCapacityProvider.
    UpdateComplete,
    /// DeleteCapacityProvider.
    DeleteComplete,
}

impl UpdateStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpdateComplete => "UPDATE_COMPLETE",
            Self::DeleteComplete => "DELETE_COMPLETE",
        }
    }
}

/// `autoScalingGroupProvider`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoScalingGroupProvider {
    /// ARN or name of the group, as given.
    pub auto_scaling_group: String,
    /// How the group follows what tasks need.
    pub managed_scaling: ManagedScaling,
    /// Container instances that run tasks are protected from scale-in.
    pub managed_termination_protection: Toggle,
    /// Container instances that are terminated drain first.
    pub managed_draining: Toggle,
}

/// `managedScaling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedScaling {
    /// Whether it is done at all.
    pub status: Toggle,
    /// Percent of the group that tasks shall use.
    pub target_capacity: u32,
    /// Fewest container instances of a step.
    pub minimum_scaling_step_size: u32,
    /// Most container instances of a step.
    pub maximum_scaling_step_size: u32,
    /// Seconds.
    pub instance_warmup_period: u32,
}

impl Default for ManagedScaling {
    /// Amazon's defaults.
    fn default() -> Self {
        Self {
            status: Toggle::Disabled,
            target_capacity: 100,
            minimum_scaling_step_size: 1,
            maximum_scaling_step_size: 10_000,
            instance_warmup_period: 300,
        }
    }
}

/// ENABLED or DISABLED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Toggle {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

impl Toggle {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
        }
    }
}

/// An item of a capacity provider strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityProviderStrategyItem {
    /// Its name.
    pub capacity_provider: String,
    /// This many tasks go there first.
    pub base: u32,
    /// Its share of the rest.
    pub weight: u32,
}

impl CapacityProviderArn {
    /// The capacity provider of that name.
    pub fn of(scope: &Scope, name: &str) -> Self {
        Self::new(scope, &[name])
    }
}

/// What tasks run on: a launch type, or the strategy that it follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// FARGATE for the capacity providers of Fargate, EC2 for those of Auto Scaling groups.
    pub launch_type: LaunchType,
    /// Empty if the launch type was named.
    pub strategy: Vec<CapacityProviderStrategyItem>,
}
