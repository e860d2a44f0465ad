//! What a service's scheduler has done or failed to do, as EventBridge tells it: "ECS Service Action".

use serde::{Deserialize, Serialize};

/// An action of a service's scheduler. Lists are ARNs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAction {
    /// `eventName`.
    pub name: ServiceActionName,
    /// `RESOURCE:MEMORY` and so on, where something failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Container instances that took no task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_instances: Vec<String>,
    /// Capacity providers that gave no capacity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_providers: Vec<String>,
    /// Tasks that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
    /// Task sets that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_sets: Vec<String>,
}

impl ServiceAction {
    /// One of which nothing else is to be said.
    pub fn of(name: ServiceActionName) -> Self {
        Self {
            name,
            reason: None,
            container_instances: Vec::new(),
            capacity_providers: Vec::new(),
            tasks: Vec::new(),
            task_sets: Vec::new(),
        }
    }
}

/// Names of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceActionName {
    /// All is as it should be.
    ServiceSteadyState,
    /// The same of a task set.
    TasksetSteadyState,
    /// Running tasks were stopped.
    TasksStopped,
    /// A task found no place.
    ServiceTaskPlacementFailure,
    /// Tasks fail to start, one after the other.
    ServiceTaskStartImpaired,
    /// Tasks are moved between availability zones.
    ServiceRebalancingStarted,
    /// They are spread evenly again.
    ServiceRebalancingCompleted,
    /// Moving them was given up.
    ServiceRebalancingStopped,
}

impl ServiceActionName {
    /// `eventName`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceSteadyState => "SERVICE_STEADY_STATE",
            Self::TasksetSteadyState => "TASKSET_STEADY_STATE",
            Self::TasksStopped => "TASKS_STOPPED",
            Self::ServiceTaskPlacementFailure => "SERVICE_TASK_PLACEMENT_FAILURE",
            Self::ServiceTaskStartImpaired => "SERVICE_TASK_START_IMPAIRED",
            Self::ServiceRebalancingStarted => "SERVICE_REBALANCING_STARTED",
            Self::ServiceRebalancingCompleted => "SERVICE_REBALANCING_COMPLETED",
            Self::ServiceRebalancingStopped => "SERVICE_REBALANCING_STOPPED",
        }
    }

    /// `eventType`: INFO, WARN or ERROR.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::ServiceSteadyState
            | Self::TasksetSteadyState
            | Self::TasksStopped
            | Self::ServiceRebalancingStarted
            | Self::ServiceRebalancingCompleted => "INFO",
            Self::ServiceTaskStartImpaired | Self::ServiceRebalancingStopped => "WARN",
            Self::ServiceTaskPlacementFailure => "ERROR",
        }
    }
}
