//! Health of containers and, from it, of their task.

use serde::{Deserialize, Serialize};

use super::Task;
use crate::Timestamp;
use crate::task_definition::TaskDefinition;

/// `healthStatus`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HealthStatus {
    /// There is no health check, or it has not come to anything yet.
    #[default]
    Unknown,
    /// It succeeds.
    Healthy,
    /// It failed as often as it may.
    Unhealthy,
}

impl HealthStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
        }
    }
}

/// The health of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerHealth {
    /// What it comes to.
    pub status: HealthStatus,
    /// Since when, by its agent's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What the check said that made it so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

impl Task {
    /// Its health: that of its essential containers with a health check. One that is unhealthy makes it unhealthy,
    /// and all have to be healthy for it to be so.
    pub fn health(&self, definition: &TaskDefinition) -> HealthStatus {
        let checked = definition
            .containers
            .iter()
            .filter(|it| it.essential && it.is_health_checked());
        let mut whole = None;
        for container in checked {
            let known = self.containers.iter().find(|it| it.name == container.name);
            let known = known.and_then(|it| it.health.as_ref());
            let status = known.map_or(HealthStatus::Unknown, |it| it.status);
            whole = Some(match (whole, status) {
                (_, HealthStatus::Unhealthy) => return HealthStatus::Unhealthy,
                (Some(HealthStatus::Unknown), _) | (_, HealthStatus::Unknown) => HealthStatus::Unknown,
                _ => HealthStatus::Healthy,
            });
        }
        whole.unwrap_or_default()
    }
}
