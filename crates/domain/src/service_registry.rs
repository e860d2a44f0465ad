//! How services of ECS and their tasks stand in Cloud Map.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html>

use serde::{Deserialize, Serialize};

/// Most registries of a service, as on Amazon.
pub const REGISTRIES_MAX: usize = 1;

/// One of `serviceRegistries` of a service or task set: where its tasks are registered as instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRegistry {
    /// `arn:aws:servicediscovery:…:service/srv-…`
    pub registry_arn: String,
    /// What SRV records say, where a task has an address of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whose port SRV records say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// As the container sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<u16>,
}

impl ServiceRegistry {
    /// `srv-…` of the service of Cloud Map.
    pub fn service_id(&self) -> &str {
        self.registry_arn.rsplit('/').next().unwrap_or_default()
    }
}

/// A task in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRegistration {
    /// Where, and with which port.
    pub registry: ServiceRegistry,
    /// `externalId` of its task set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// How far it is.
    pub state: RegistrationState,
}

/// How far a task is with its registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistrationState {
    /// Not registered yet.
    Waiting,
    /// It is an instance.
    Registered,
    /// It could not be registered.
    Refused,
    /// It is no instance any more.
    Deregistered,
}
