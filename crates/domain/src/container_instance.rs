//! Container instances: a host as a member of a cluster.

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::{ContainerInstanceArn, Timestamp};

/// A host that a cluster's EC2 or EXTERNAL tasks run on. What it has left is in its [`crate::host::Host`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerInstance {
    /// The record's key.
    pub arn: ContainerInstanceArn,
    /// [`crate::host::Host::id`].
    pub host_id: String,
    /// `i-…`, or what the agent says in external mode.
    pub ec2_instance_id: String,
    /// Lifecycle.
    pub status: ContainerInstanceStatus,
    /// Capabilities and custom attributes, as the agent gave them.
    pub attributes: Vec<Pair>,
    /// `agentVersion`: of the registration, then of the newest session.
    pub agent_version: String,
    /// `agentHash`, of the registration.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent_hash: String,
    /// `dockerVersion`: of the registration, then of the newest session.
    pub docker_version: String,
    /// Registered as ECS Anywhere: its tasks are EXTERNAL.
    pub is_external: bool,
    /// When it registered first.
    pub registered_at: Timestamp,
    /// Grows with each visible change.
    pub version: u64,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

impl ContainerInstance {
    /// Attributes that users made, as opposed to what the agent found out.
    pub fn custom_attributes(&self) -> impl Iterator<Item = &Pair> {
        self.attributes
            .iter()
            .filter(|it| !is_built_in_attribute(&it.name))
    }
}

/// The attribute by which a host says its IPv4 address.
pub const HOST_ADDRESS_ATTRIBUTE: &str = "gantry.host-address";

/// Most custom attributes of a container instance.
pub const CUSTOM_ATTRIBUTES_MAX: usize = 10;

/// Whether an attribute is ECS's own: nobody may write it.
pub fn is_built_in_attribute(name: &str) -> bool {
    ["ecs.", "com.amazonaws.", "gantry."]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Lifecycle of a container instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerInstanceStatus {
    /// Takes tasks.
    Active,
    /// Takes no new tasks.
    Draining,
    /// Deregistered.
    Inactive,
}

impl ContainerInstanceStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// The attribute by which Gantry's own agent says that its host serves FARGATE tasks.
pub const FARGATE_CAPACITY_ATTRIBUTE: &str = "gantry.capability.fargate-capacity";
