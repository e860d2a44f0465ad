//! Service deployments and the revisions that they bring: the history of a service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::capacity_provider::CapacityProviderStrategyItem;
use crate::lifecycle_hook::LifecycleHook;
use crate::service::{DeploymentAlarms, DeploymentConfiguration};
use crate::service_connect::{ServiceConnectConfiguration, ServiceConnectServiceResource};
use crate::service_load_balancer::{Behind, ServiceLoadBalancer};
use crate::service_registry::ServiceRegistry;
use crate::task::NetworkConfiguration;
use crate::task_definition::LaunchType;
use crate::{ServiceArn, ServiceDeploymentArn, ServiceRevisionArn, TaskDefinitionArn, Timestamp};

/// What the tasks of a deployment are made of. It never changes, but for digests, each of which is settled once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRevision {
    /// The record's key.
    pub arn: ServiceRevisionArn,
    /// Its service.
    pub service: ServiceArn,
    /// What tasks run.
    pub task_definition: TaskDefinitionArn,
    /// Where.
    pub launch_type: LaunchType,
    /// How tasks are divided; if empty, the launch type alone decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// FARGATE only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// In `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    /// Who sends requests to tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<ServiceLoadBalancer>,
    /// For each of them, what the tasks of this revision are registered with: which of its groups, if it has two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<Behind>,
    /// Where tasks are registered with Cloud Map.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_registries: Vec<ServiceRegistry>,
    /// How it takes part in Service Connect, if anything was said of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect: Option<ServiceConnectConfiguration>,
    /// Cloud Map services of what it offers there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_connect_resources: Vec<ServiceConnectServiceResource>,
    /// What the images of its containers stand for, by container, as far as that is settled.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub image_digests: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The way of a service from its revisions to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceDeployment {
    /// The record's key.
    pub arn: ServiceDeploymentArn,
    /// Its service.
    pub service: ServiceArn,
    /// Revisions that had tasks when it began, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<ServiceRevisionArn>,
    /// Revision that shall have all tasks.
    pub target: ServiceRevisionArn,
    /// Progress.
    pub status: ServiceDeploymentStatus,
    /// Why it is so, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// How many failed tasks the circuit breaker had counted when it gave the deployment up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_breaker_failures: Option<u32>,
    /// Its way back, once it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<ServiceRollback>,
    /// Bounds as they were when it began.
    pub deployment_configuration: DeploymentConfiguration,
    /// Who was asked before it left a stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_hooks: Vec<LifecycleHook>,
    /// Alarms as they were when it began; none of them is watched.
    #[serde(default, skip_serializing_if = "DeploymentAlarms::is_default")]
    pub deployment_alarms: DeploymentAlarms,
    /// When it was made, which is when it began: deployments do not wait for one another.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When all was as it should be, or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// When it was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
}

/// The way back to a revision that was once reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRollback {
    /// Why.
    pub reason: String,
    /// Since when.
    pub started_at: Timestamp,
    /// Where to.
    pub revision: ServiceRevisionArn,
}

/// Progress of a service deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceDeploymentStatus {
    /// Tasks are being replaced.
    InProgress,
    /// All tasks are of the target.
    Successful,
    /// A newer one took its place, or its service is gone.
    Stopped,
    /// Tasks of an earlier revision are put back.
    RollbackInProgress,
    /// They are back.
    RollbackSuccessful,
    /// They failed as well.
    RollbackFailed,
}

impl ServiceDeploymentStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::Stopped => "STOPPED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }
}

impl ServiceDeployment {
    /// Whether tasks are still on the move for it.
    pub fn is_under_way(&self) -> bool {
        use ServiceDeploymentStatus::{InProgress, RollbackInProgress};
        matches!(self.status, InProgress | RollbackInProgress)
    }

    /// The revision that it has reached, if it has.
    pub fn reached(&self) -> Option<&ServiceRevisionArn> {
        match self.status {
            ServiceDeploymentStatus::Successful => Some(&self.target),
            ServiceDeploymentStatus::RollbackSuccessful => self.rollback.as_ref().map(|it| &it.revision),
            _ => None,
        }
    }
}

/// Service deployments kept for each service; Amazon keeps them for 90 days.
pub const SERVICE_DEPLOYMENTS_KEPT: usize = 100;
