//! Deployments: the way of a service from its PRIMARY task set to another one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::deployment_config::TrafficRouting;
use super::deployment_group::{AutoRollback, BlueGreen, TrafficRoutes};
use super::stage::Stage;
use super::{ALL_TRAFFIC, Percent};
use crate::capacity_provider::CapacityProviderStrategyItem;
use crate::lifecycle_hook::{HookRun, HookTarget};
use crate::task::NetworkConfiguration;
use crate::task_definition::LaunchType;
use crate::{ListenerArn, Scope, ServiceArn, TargetGroupArn, TaskDefinitionArn, Timestamp};

#[cfg(test)]
mod tests;

/// Deployments kept for each deployment group.
pub const DEPLOYMENTS_KEPT: usize = 100;

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeDeployDeployment {
    /// Part of the record's key.
    pub scope: Scope,
    /// `d-` and nine capital letters and digits. Part of the record's key.
    pub id: String,
    /// Name of its application.
    pub application: String,
    /// Name of its deployment group.
    pub group: String,
    /// Who made it.
    pub creator: Creator,
    /// As given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it was made from.
    pub revision: Revision,
    /// What the last deployment of the group that succeeded was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_revision: Option<Revision>,
    /// The config.
    pub deployment_config_name: String,
    /// What it says.
    pub routing: TrafficRouting,
    /// What it waits for.
    pub blue_green: BlueGreen,
    /// When it is rolled back by itself.
    pub auto_rollback: AutoRollback,
    /// The service, in ECS's words.
    pub service: ServiceArn,
    /// Listeners and target groups, as the deployment group has them.
    pub routes: TrafficRoutes,
    /// The same, found.
    pub route: Route,
    /// What the replacement task set is made of.
    pub replacement: Replacement,
    /// Who is asked before it leaves a stage.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hooks: BTreeMap<Stage, HookTarget>,
    /// Id of the task set that is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_task_set: Option<String>,
    /// Id of the one that replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement_task_set: Option<String>,
    /// Progress.
    pub status: DeploymentStatus,
    /// Where it is; where it was, once it has ended.
    pub stage: Stage,
    /// Since when; of shifts in steps, when the last one was.
    pub stage_since: Timestamp,
    /// Somebody has called ContinueDeployment in this stage.
    #[serde(default)]
    pub is_continued: bool,
    /// Share of production traffic that the replacement has.
    pub production_share: Percent,
    /// Share of test traffic that the replacement has.
    pub test_share: Percent,
    /// In their order; those to come are pending.
    pub events: Vec<LifecycleEvent>,
    /// Why it has ended, if not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<DeploymentError>,
    /// Its rollback, or what it is the rollback of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When something about it last changed.
    pub updated_at: Timestamp,
}

/// Who made a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Creator {
    /// CreateDeployment.
    User,
    /// The end of another one: traffic goes back to the original task set, and the replacement is deleted.
    Rollback,
}

/// What a deployment was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// How it was given.
    pub kind: RevisionKind,
    /// The AppSpec, in YAML or JSON.
    pub content: String,
    /// Its checksum, in hexadecimal.
    pub sha256: String,
}

/// How a revision was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RevisionKind {
    /// As `appSpecContent`.
    AppSpecContent,
    /// As `string`, the older member for the same.
    String,
}

impl RevisionKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AppSpecContent => "AppSpecContent",
            Self::String => "String",
        }
    }
}

/// The listeners and target groups of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The group of the task set that is replaced.
    pub original_group: TargetGroupArn,
    /// The group of the one that replaces it.
    pub replacement_group: TargetGroupArn,
    /// The listener of production traffic.
    pub production: ListenerArn,
    /// The listener of test traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<ListenerArn>,
}

/// What the replacement task set is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// What its tasks run.
    pub task_definition: TaskDefinitionArn,
    /// The container that gets the traffic.
    pub container_name: String,
    /// Its port.
    pub container_port: u16,
    /// On what tasks run.
    pub launch_type: LaunchType,
    /// How they are divided; if empty, the launch type alone decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// FARGATE only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// In `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
}

/// Progress of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DeploymentStatus {
    /// It has not begun.
    Created,
    /// It is under way.
    InProgress,
    /// It waits for ContinueDeployment.
    Ready,
    /// All is as it should be.
    Succeeded,
    /// It was given up.
    Failed,
    /// Somebody stopped it, or nobody continued it.
    Stopped,
}

impl DeploymentStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::InProgress => "InProgress",
            Self::Ready => "Ready",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        }
    }

    /// Whether nothing more happens.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// A lifecycle event of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleEvent {
    /// Which.
    pub stage: Stage,
    /// Progress.
    pub status: EventStatus,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookRun>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Progress of a lifecycle event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventStatus {
    /// It is to come.
    Pending,
    /// The deployment is in it.
    InProgress,
    /// It is over.
    Succeeded,
    /// The deployment failed in it.
    Failed,
    /// The deployment ended before, or in it.
    Skipped,
}

impl EventStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
        }
    }
}

/// Why a deployment ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentError {
    /// One of Amazon's codes.
    pub code: ErrorCode,
    /// What happened.
    pub message: String,
}

/// Amazon's codes, as far as they happen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// The service cannot be deployed to any more.
    EcsUpdateError,
    /// The listeners or target groups are not there any more.
    ElasticLoadBalancingInvalid,
    /// A hook objects, or cannot be asked.
    HookExecutionFailure,
    /// Somebody stopped it.
    ManualStop,
    /// Something did not happen in time.
    Timeout,
}

impl ErrorCode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcsUpdateError => "ECS_UPDATE_ERROR",
            Self::ElasticLoadBalancingInvalid => "ELASTIC_LOAD_BALANCING_INVALID",
            Self::HookExecutionFailure => "HOOK_EXECUTION_FAILURE",
            Self::ManualStop => "MANUAL_STOP",
            Self::Timeout => "TIMEOUT",
        }
    }
}

/// How a deployment and its rollback know each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rollback {
    /// Id of the deployment that rolls this one back.
    By(String),
    /// Id of the deployment that this one rolls back.
    Of(String),
}

impl CodeDeployDeployment {
    /// It is a user's and has succeeded: what its group has comes from the last such one.
    pub fn is_success_of_user(&self) -> bool {
        self.status == DeploymentStatus::Succeeded && self.creator == Creator::User
    }

    /// The events that a deployment goes through.
    pub fn events_of(creator: Creator, routes: &TrafficRoutes) -> Vec<LifecycleEvent> {
        let is_meant = |stage: &Stage| match creator {
            Creator::User => routes.test.is_some() || !stage.needs_test_traffic(),
            Creator::Rollback => *stage == Stage::AllowTraffic,
        };
        let stages = Stage::EVENTS.into_iter().filter(is_meant);
        let events = stages.map(|stage| LifecycleEvent {
            stage,
            status: EventStatus::Pending,
            started_at: None,
            ended_at: None,
            hook: None,
            message: None,
        });
        events.collect()
    }

    /// Where it begins.
    pub fn first_stage(creator: Creator) -> Stage {
        match creator {
            Creator::User => Stage::BeforeInstall,
            Creator::Rollback => Stage::AllowTraffic,
        }
    }

    /// What follows its stage; `None` if that is its last.
    pub fn next_stage(&self) -> Option<Stage> {
        use Stage as S;
        let termination = match (self.creator, self.blue_green.termination_minutes) {
            (Creator::Rollback, _) | (Creator::User, Some(0)) => Some(S::Terminate),
            (Creator::User, Some(_)) => Some(S::TerminationWait),
            (Creator::User, None) => None,
        };
        let ready = match self.blue_green.ready_minutes {
            Some(_) => S::ReadyWait,
            None => S::BeforeAllowTraffic,
        };
        match self.stage {
            S::BeforeInstall => Some(S::Install),
            S::Install => Some(S::AfterInstall),
            S::AfterInstall if self.route.test.is_some() => Some(S::AllowTestTraffic),
            S::AllowTestTraffic => Some(S::AfterAllowTestTraffic),
            S::AfterInstall | S::AfterAllowTestTraffic => Some(ready),
            S::ReadyWait => Some(S::BeforeAllowTraffic),
            S::BeforeAllowTraffic => Some(S::AllowTraffic),
            S::AllowTraffic if self.creator == Creator::Rollback => termination,
            S::AllowTraffic => Some(S::AfterAllowTraffic),
            S::AfterAllowTraffic => termination,
            S::TerminationWait => Some(S::Terminate),
            S::Terminate => None,
        }
    }

    /// The event that it is in.
    pub fn event(&self) -> Option<&LifecycleEvent> {
        self.events.iter().find(|it| it.stage == self.stage)
    }

    /// The same, to be changed.
    pub fn event_mut(&mut self) -> Option<&mut LifecycleEvent> {
        let stage = self.stage;
        self.events.iter_mut().find(|it| it.stage == stage)
    }

    /// Whether production traffic has all been shifted.
    pub fn has_all_traffic(&self) -> bool {
        self.production_share == ALL_TRAFFIC
    }

    /// `<cluster>:<service>`, which is how CodeDeploy names what is deployed to.
    pub fn target_id(&self) -> String {
        format!("{}:{}", self.service.cluster().name(), self.service.name())
    }
}
