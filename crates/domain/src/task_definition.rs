//! Task definitions: numbered revisions of a family.

mod volumes;

use serde::{Deserialize, Serialize};

pub use volumes::{
    DockerVolume, EfsAuthorization, EfsVolume, FsxWindowsVolume, S3FilesVolume, Volume, VolumeKind,
    VolumeScope,
};

use crate::container_definition::{ContainerDefinition, TransportProtocol};
use crate::host::HostPort;
use crate::placement::PlacementConstraint;
use crate::tags::Pair;
use crate::{Scope, TaskDefinitionArn, Timestamp};

/// One revision of a family. Never changes but for its status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// The record's key.
    pub arn: TaskDefinitionArn,
    /// Family.
    pub family: String,
    /// From 1 up, never given twice.
    pub revision: u32,
    /// ACTIVE until deregistered.
    pub status: TaskDefinitionStatus,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was deregistered.
    pub deregistered_at: Option<Timestamp>,
    /// When its deletion was asked for.
    #[serde(default)]
    pub delete_requested_at: Option<Timestamp>,
    /// ARN of the caller that registered it.
    pub registered_by: String,
    /// As given; `None` counts as `bridge`.
    pub network_mode: Option<NetworkMode>,
    /// As given.
    pub requires_compatibilities: Option<Vec<LaunchType>>,
    /// Where it could run.
    pub compatibilities: Vec<LaunchType>,
    /// Attributes that a container instance must have.
    pub requires_attributes: Vec<Pair>,
    /// Units of 1/1024 core for the task as a whole.
    pub cpu: Option<u32>,
    /// MiB for the task as a whole.
    pub memory: Option<u32>,
    /// Role of the agent.
    pub execution_role_arn: Option<String>,
    /// Role of the containers.
    pub task_role_arn: Option<String>,
    /// `cpuArchitecture` and `operatingSystemFamily`, if given.
    pub runtime_platform: Option<RuntimePlatform>,
    /// Containers, in the order given.
    pub containers: Vec<ContainerDefinition>,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// Where its tasks may go: `memberOf` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Whose processes the containers see; by default each its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_mode: Option<PidMode>,
    /// With whom the containers share memory and semaphores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipc_mode: Option<IpcMode>,
    /// The proxy of a service mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_configuration: Option<ProxyConfiguration>,
    /// GiB of disk on FARGATE; by default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage_gib: Option<u32>,
    /// The task may be told to fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_fault_injection: Option<bool>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

impl TaskDefinition {
    /// The network mode that holds for EC2 tasks: Docker's default is `bridge`.
    pub fn effective_network_mode(&self) -> NetworkMode {
        self.network_mode.unwrap_or(NetworkMode::Bridge)
    }

    /// Whether health checks decide how healthy its tasks are: those of essential containers do.
    pub fn is_health_checked(&self) -> bool {
        let mut containers = self.containers.iter();
        containers.any(|it| it.essential && it.is_health_checked())
    }

    /// Container of that name.
    pub fn container(&self, name: &str) -> Option<&ContainerDefinition> {
        self.containers.iter().find(|it| it.name == name)
    }

    /// Host ports that a task of this definition takes for itself (`bridge` with fixed ports, and `host`).
    pub fn host_ports(&self) -> Vec<HostPort> {
        let mode = self.effective_network_mode();
        let ports = self.containers.iter().flat_map(|it| &it.port_mappings);
        let taken = ports.filter_map(|mapping| {
            let port = match mode {
                NetworkMode::Host => mapping.container_port?,
                NetworkMode::Bridge => mapping.host_port.filter(|port| *port != 0)?,
                NetworkMode::Awsvpc | NetworkMode::None => return None,
            };
            Some(HostPort {
                port,
                protocol: mapping.protocol,
            })
        });
        taken.collect()
    }
}

/// The last revision that a family ever gave, so that numbers never repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDefinitionFamily {
    /// Account and region; part of the record's key.
    pub scope: Scope,
    /// Name; part of the record's key.
    pub name: String,
    /// Highest revision given.
    pub last_revision: u32,
}

/// Lifecycle of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskDefinitionStatus {
    /// Can be used.
    Active,
    /// Deregistered: what uses it goes on.
    Inactive,
    /// To be deleted once nothing uses it.
    DeleteInProgress,
}

impl TaskDefinitionStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
        }
    }
}

/// How containers reach the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NetworkMode {
    /// An address of its own for the task.
    Awsvpc,
    /// Ports published on the host.
    Bridge,
    /// The host's network.
    Host,
    /// No network.
    None,
}

impl NetworkMode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Awsvpc => "awsvpc",
            Self::Bridge => "bridge",
            Self::Host => "host",
            Self::None => "none",
        }
    }
}

/// Where a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LaunchType {
    /// On container instances of the cluster.
    Ec2,
    /// On the pool of hosts.
    Fargate,
    /// On container instances registered as external.
    External,
}

impl LaunchType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Fargate => "FARGATE",
            Self::External => "EXTERNAL",
        }
    }
}

/// Platform that a task definition asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimePlatform {
    /// `X86_64` or `ARM64`.
    pub cpu_architecture: Option<String>,
    /// `LINUX`, or one of Windows.
    pub operating_system_family: Option<String>,
}

/// Whose processes the containers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PidMode {
    /// The host's.
    Host,
    /// Those of the task.
    Task,
}

impl PidMode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Task => "task",
        }
    }
}

/// With whom the containers share memory and semaphores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpcMode {
    /// With the host.
    Host,
    /// With each other.
    Task,
    /// With nobody.
    None,
}

impl IpcMode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Task => "task",
            Self::None => "none",
        }
    }
}

/// The proxy of a service mesh; its type is `APPMESH`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyConfiguration {
    /// Container that is the proxy.
    pub container_name: String,
    /// Ports and users that go past it.
    pub properties: Vec<Pair>,
}

impl From<TransportProtocol> for &'static str {
    fn from(protocol: TransportProtocol) -> Self {
        protocol.as_str()
    }
}
