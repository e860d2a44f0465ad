//! What RunTask changes in a task definition.

use serde::{Deserialize, Serialize};

use crate::container_definition::EnvironmentFile;
use crate::tags::Pair;

/// What RunTask changes in a task definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// Task-level CPU units.
    pub cpu: Option<u32>,
    /// Task-level MiB.
    pub memory: Option<u32>,
    /// Role of the containers.
    pub task_role_arn: Option<String>,
    /// Role of the agent.
    pub execution_role_arn: Option<String>,
    /// Changes of single containers.
    pub containers: Vec<ContainerOverride>,
}

impl Overrides {
    /// Changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes of the container of that name.
    pub fn container(&self, name: &str) -> Option<&ContainerOverride> {
        self.containers.iter().find(|it| it.name == name)
    }
}

/// What RunTask changes in one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerOverride {
    /// The container.
    pub name: String,
    /// Replaces the command.
    pub command: Option<Vec<String>>,
    /// Merged into the environment by name.
    pub environment: Option<Vec<Pair>>,
    /// Replaces the files with variables.
    pub environment_files: Option<Vec<EnvironmentFile>>,
    /// Units of 1/1024 core.
    pub cpu: Option<u32>,
    /// Hard limit in MiB.
    pub memory: Option<u32>,
    /// Soft limit in MiB.
    pub memory_reservation: Option<u32>,
}
