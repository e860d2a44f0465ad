//! Services: a number of tasks that is kept.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::capacity_provider::CapacityProviderStrategyItem;
use crate::circuit_breaker::CircuitBreaker;
use crate::deployment_lifecycle::DeploymentLifecycle;
use crate::deployment_strategy::DeploymentStrategy;
use crate::lifecycle_hook::LifecycleHook;
use crate::placement::{PlacementConstraint, PlacementStrategy};
use crate::service_action::ServiceAction;
use crate::service_connect::ServiceConnectConfiguration;
use crate::service_load_balancer::ServiceLoadBalancer;
use crate::service_registry::ServiceRegistry;
use crate::service_scheduling::{AvailabilityZoneRebalancing, Balance, SchedulingStrategy};
use crate::tags::Pair;
use crate::task::NetworkConfiguration;
use crate::task_definition::LaunchType;
use crate::task_set::TaskSet;
use crate::{ClusterArn, ServiceArn, ServiceRevisionArn, TaskArn, TaskDefinitionArn, Timestamp};

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The record's key.
    pub arn: ServiceArn,
    /// Its cluster.
    pub cluster: ClusterArn,
    /// Lifecycle.
    pub status: ServiceStatus,
    /// How many tasks are wanted. With the DAEMON strategy, as many as container instances at the last look.
    pub desired_count: u32,
    /// How that is decided.
    #[serde(default, skip_serializing_if = "SchedulingStrategy::is_default")]
    pub scheduling_strategy: SchedulingStrategy,
    /// Who decides which of its tasks run what.
    #[serde(default)]
    pub deployment_controller: DeploymentController,
    /// Where they run.
    pub launch_type: LaunchType,
    /// How its tasks are divided; if empty, the launch type alone decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// The launch type that it had until it got a strategy: an update goes back to it. `None` of a service that began
    /// with a strategy, and of one that got its strategy before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type_before_strategy: Option<LaunchType>,
    /// Platform version asked for, FARGATE only.
    pub platform_version: Option<String>,
    /// The revision wanted now: that of the PRIMARY deployment or task set. A service that has neither has none.
    pub task_definition: Option<TaskDefinitionArn>,
    /// Bounds while tasks are replaced.
    pub deployment_configuration: DeploymentConfiguration,
    /// Who is asked before a deployment leaves a stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_hooks: Vec<LifecycleHook>,
    /// As given; none of them is watched.
    #[serde(default, skip_serializing_if = "DeploymentAlarms::is_default")]
    pub deployment_alarms: DeploymentAlarms,
    /// How far the PRIMARY deployment has come, while it is one in stages that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<DeploymentLifecycle>,
    /// Newest first: the PRIMARY one, then those still draining. Written by the service controller but for the new
    /// PRIMARY, which CreateService and UpdateService put in front.
    pub deployments: Vec<Deployment>,
    /// Oldest first, with the deployment controllers CODE_DEPLOY and EXTERNAL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_sets: Vec<TaskSet>,
    /// Subnets and security groups of `awsvpc` tasks.
    pub network_configuration: Option<NetworkConfiguration>,
    /// Who sends requests to its tasks; with the EXTERNAL deployment controller, task sets have their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<ServiceLoadBalancer>,
    /// ARN of the role by which its load balancer is reached, if not the one that is linked to ECS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Where its tasks are registered with Cloud Map; with the EXTERNAL deployment controller, task sets have their
    /// own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_registries: Vec<ServiceRegistry>,
    /// How it takes part in Service Connect, if anything was said of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect: Option<ServiceConnectConfiguration>,
    /// For so many seconds from its start, a task may be unhealthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_grace_period_seconds: Option<u32>,
    /// Where its tasks may go, beside what the task definition says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Where they go best; if empty, they spread over availability zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placement_strategy: Vec<PlacementStrategy>,
    /// Whether its tasks move to be spread over availability zones.
    #[serde(default, skip_serializing_if = "AvailabilityZoneRebalancing::is_default")]
    pub availability_zone_rebalancing: AvailabilityZoneRebalancing,
    /// How far such moves have come.
    #[serde(default, skip_serializing_if = "Balance::is_default")]
    pub balance: Balance,
    /// When it was created.
    pub created_at: Timestamp,
    /// ARN of the caller.
    pub created_by: String,
    /// `NONE`, `SERVICE` or `TASK_DEFINITION`.
    pub propagate_tags: PropagateTags,
    /// As given.
    pub enable_ecs_managed_tags: bool,
    /// Commands can be run in the containers of new tasks.
    #[serde(default, skip_serializing_if = "crate::task::is_false")]
    pub enable_execute_command: bool,
    /// As given: one call with a token creates one service.
    pub client_token: Option<String>,
    /// Starts that failed one after the other; throttles the next. Reset by a task that runs and by a new deployment.
    pub failed_starts: u32,
    /// No task is started before this time.
    pub throttled_until: Option<Timestamp>,
    /// When the steady state was last announced; `None` while tasks change.
    pub steady_since: Option<Timestamp>,
    /// Number of events ever recorded: the next event's sequence.
    pub event_count: u64,
    /// The last placement refusal announced, so that it is not repeated.
    pub announced_refusal: Option<String>,
    /// Deployments and task sets of which was announced that protection keeps their tasks; none in the steady state.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub announced_protection: BTreeSet<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

impl Service {
    /// The task set of that id.
    pub fn task_set(&self, id: &str) -> Option<&TaskSet> {
        self.task_sets.iter().find(|it| it.id == id)
    }

    /// The same, to be changed.
    pub fn task_set_mut(&mut self, id: &str) -> Option<&mut TaskSet> {
        self.task_sets.iter_mut().find(|it| it.id == id)
    }

    /// Where its names of Service Connect are known, if it takes part: the VPC of these subnets; with none, each.
    pub fn connected_subnets(&self) -> Option<&[String]> {
        self.service_connect.as_ref()?;
        let network = self.network_configuration.as_ref();
        Some(network.map_or(&[][..], |it| &it.subnets))
    }
}

/// Who decides which tasks of a service run what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeploymentController {
    /// The service itself, by rolling deployments.
    #[default]
    Ecs,
    /// CodeDeploy, by task sets.
    CodeDeploy,
    /// Somebody else, by task sets.
    External,
}

impl DeploymentController {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ecs => "ECS",
            Self::CodeDeploy => "CODE_DEPLOY",
            Self::External => "EXTERNAL",
        }
    }
}

/// Lifecycle of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceStatus {
    /// Keeps its desired count.
    Active,
    /// Deleted, tasks still stop.
    Draining,
    /// Deleted.
    Inactive,
}

impl ServiceStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// Bounds, in percent of the desired count, and when a deployment is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentConfiguration {
    /// At most that many tasks run or start; by default 200. Rounds down.
    pub maximum_percent: u32,
    /// At least that many are healthy; by default 100. Rounds up.
    pub minimum_healthy_percent: u32,
    /// For deployments by the service itself.
    #[serde(default)]
    pub circuit_breaker: CircuitBreaker,
    /// How the traffic gets to new tasks.
    #[serde(default)]
    pub strategy: DeploymentStrategy,
    /// How long both revisions run once the new one has all traffic.
    #[serde(default)]
    pub bake_minutes: u32,
}

/// What Amazon takes for the REPLICA strategy if nothing is given.
impl Default for DeploymentConfiguration {
    fn default() -> Self {
        Self {
            maximum_percent: 200,
            minimum_healthy_percent: 100,
            circuit_breaker: CircuitBreaker::default(),
            strategy: DeploymentStrategy::Rolling,
            bake_minutes: 0,
        }
    }
}

impl DeploymentConfiguration {
    /// Most tasks allowed for a desired count.
    pub fn upper_bound(self, desired_count: u32) -> u32 {
        u32::try_from(u64::from(desired_count) * u64::from(self.maximum_percent) / 100).unwrap_or(u32::MAX)
    }

    /// Fewest healthy tasks allowed for a desired count.
    pub fn lower_bound(self, desired_count: u32) -> u32 {
        let percent = u64::from(desired_count) * u64::from(self.minimum_healthy_percent);
        u32::try_from(percent.div_ceil(100)).unwrap_or(u32::MAX)
    }
}

/// Alarms that would give a deployment up if they were enabled, which they are not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentAlarms {
    /// Names in CloudWatch.
    #[serde(default)]
    pub names: Vec<String>,
    /// Whether they would bring the last revision back.
    #[serde(default)]
    pub rollback: bool,
}

impl DeploymentAlarms {
    /// Nothing has been said of them.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One entry of `deployments[]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// `ecs-svc/<19 digits>`; also `startedBy` of its tasks.
    pub id: String,
    /// What its tasks are made of.
    pub revision: ServiceRevisionArn,
    /// What its tasks run.
    pub task_definition: TaskDefinitionArn,
    /// Subnets and security groups of its tasks.
    pub network_configuration: Option<NetworkConfiguration>,
    /// Tasks that failed to start, or were replaced for failing health checks, since one last got healthy.
    pub failed_tasks: u32,
    /// The first of them, or the first that no second try would heal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failed_task: Option<TaskArn>,
    /// Healthy tasks at the last look: more of them than before are good news.
    #[serde(default)]
    pub healthy_tasks: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Progress.
    pub rollout: Rollout,
    /// Why it is so, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_reason: Option<String>,
    /// How its starts fare while it is not the PRIMARY one, of which the service itself knows.
    #[serde(default, skip_serializing_if = "Starts::is_default")]
    pub starts: Starts,
}

/// How starts of tasks fare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Starts {
    /// Those that failed one after the other; throttles the next.
    pub failed: u32,
    /// No task is started before this time.
    pub throttled_until: Option<Timestamp>,
    /// The last placement refusal announced, so that it is not repeated.
    pub announced_refusal: Option<String>,
}

impl Starts {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Progress of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rollout {
    /// Tasks are being replaced.
    InProgress,
    /// All tasks are of this deployment.
    Completed,
    /// It was given up.
    Failed,
}

impl Rollout {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// Whose tags a task gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PropagateTags {
    /// Nobody's.
    None,
    /// Those of its service.
    Service,
    /// Those of its task definition.
    TaskDefinition,
}

impl PropagateTags {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Service => "SERVICE",
            Self::TaskDefinition => "TASK_DEFINITION",
        }
    }
}

/// An event of a service. The newest hundred are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// Part of the record's key.
    pub service: ServiceArn,
    /// Part of the record's key: counts up from 0.
    pub sequence: u64,
    /// UUID shown to users.
    pub id: String,
    /// When it happened.
    pub created_at: Timestamp,
    /// In Amazon's words.
    pub message: String,
    /// What EventBridge tells of it, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ServiceAction>,
}

/// Events kept for each service, as on Amazon.
pub const SERVICE_EVENTS_KEPT: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_rounds_up_and_the_maximum_down() {
        let bounds = |minimum_healthy_percent, maximum_percent, desired| {
            let it = DeploymentConfiguration {
                maximum_percent,
                minimum_healthy_percent,
                ..DeploymentConfiguration::default()
            };
            (it.lower_bound(desired), it.upper_bound(desired))
        };
        assert_eq!(bounds(100, 200, 4), (4, 8));
        assert_eq!(bounds(50, 150, 3), (2, 4));
        assert_eq!(bounds(100, 150, 1), (1, 1));
        assert_eq!(bounds(0, 100, 1), (0, 1));
        assert_eq!(bounds(100, 200, 0), (0, 0));
    }
}
