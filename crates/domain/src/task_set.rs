//! Task sets: parts of a service's tasks that a deployment controller from outside scales and swaps.

use serde::{Deserialize, Serialize};

use crate::TaskDefinitionArn;
use crate::Timestamp;
use crate::capacity_provider::CapacityProviderStrategyItem;
use crate::service_load_balancer::ServiceLoadBalancer;
use crate::service_registry::ServiceRegistry;
use crate::tags::Pair;
use crate::task::NetworkConfiguration;
use crate::task_definition::LaunchType;

#[cfg(test)]
mod tests;

/// Most task sets of a service, DRAINING ones too, as on Amazon.
pub const TASK_SETS_MAX: usize = 5;

/// A task set. Its service's record holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSet {
    /// `ecs-svc/<19 digits>`; also `startedBy` of its tasks.
    pub id: String,
    /// Whether it serves production.
    pub status: TaskSetStatus,
    /// Its share of the service's desired count.
    pub scale: Scale,
    /// What the deployment controller calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// What its tasks run.
    pub task_definition: TaskDefinitionArn,
    /// Where.
    pub launch_type: LaunchType,
    /// How its tasks are divided; if empty, the launch type alone decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// FARGATE only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// In `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    /// Who sends requests to its tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<ServiceLoadBalancer>,
    /// Where its tasks are registered with Cloud Map.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_registries: Vec<ServiceRegistry>,
    /// As given: one call with a token creates one task set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its status or its computed desired count last changed.
    pub updated_at: Timestamp,
    /// Whether it has the tasks that it wants.
    pub stability: Stability,
    /// Since when.
    pub stability_at: Timestamp,
    /// Starts that failed one after the other; throttles the next.
    pub failed_starts: u32,
    /// No task is started before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_until: Option<Timestamp>,
    /// The last placement refusal announced, so that it is not repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced_refusal: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

impl TaskSet {
    /// `computedDesiredCount`: how many tasks it wants of a service that wants so many.
    pub fn computed_desired_count(&self, desired_count: u32) -> u32 {
        match self.status {
            TaskSetStatus::Draining => 0,
            TaskSetStatus::Primary | TaskSetStatus::Active => self.scale.of(desired_count),
        }
    }
}

/// What a task set is for its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskSetStatus {
    /// Serves production; one of a service at most.
    Primary,
    /// Does not.
    Active,
    /// Deleted, tasks still stop.
    Draining,
}

impl TaskSetStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

/// Whether a task set has come to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stability {
    /// Tasks start or stop.
    Stabilizing,
    /// All is as it should be.
    SteadyState,
}

impl Stability {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stabilizing => "STABILIZING",
            Self::SteadyState => "STEADY_STATE",
        }
    }
}

/// Millionths of a percent in a percent: a share is a whole number of them, so that counts are exact.
const PER_PERCENT: f64 = 1_000_000.0;
/// All of it, in millionths of a percent.
const WHOLE: u32 = 100_000_000;

/// A share of a desired count, in millionths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale(u32);

impl Scale {
    /// All of it.
    pub const WHOLE: Self = Self(WHOLE);

    /// A share of 0 to 100 percent; `None` beyond. What is above 0 never becomes 0.
    pub fn from_percent(percent: f64) -> Option<Self> {
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a hundred million"
        )]
        let millionths = (percent * PER_PERCENT).round() as u32;
        Some(Self(millionths.max(u32::from(percent > 0.0))))
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / PER_PERCENT
    }

    /// Whether it is 0 percent.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// That share of a count, rounded up as on Amazon.
    pub fn of(self, count: u32) -> u32 {
        let share = (u64::from(count) * u64::from(self.0)).div_ceil(u64::from(WHOLE));
        u32::try_from(share).unwrap_or(u32::MAX)
    }
}
