//! Container definitions: what a task definition says of one container.

use serde::{Deserialize, Serialize};

use crate::tags::Pair;

/// One container of a task definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerDefinition {
    /// Unique in the task definition.
    pub name: String,
    /// Reference of the image.
    pub image: String,
    /// Relative weight in units of 1/1024 core; 0 if unset.
    pub cpu: u32,
    /// Hard limit in MiB.
    pub memory: Option<u32>,
    /// Soft limit in MiB; what placement counts if it is set.
    pub memory_reservation: Option<u32>,
    /// The task ends with this container.
    pub essential: bool,
    /// Ports.
    pub port_mappings: Vec<PortMapping>,
    /// Replaces the image's entry point.
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Variables in the order given.
    pub environment: Vec<Pair>,
    /// Volumes in the container.
    pub mount_points: Vec<MountPoint>,
    /// Replaces the image's user.
    pub user: Option<String>,
    /// Replaces the image's working directory.
    pub working_directory: Option<String>,
    /// Host name; not in `awsvpc`.
    pub hostname: Option<String>,
    /// All capabilities; not on Fargate.
    pub privileged: Option<bool>,
    /// The root file system cannot be written.
    pub readonly_root_filesystem: Option<bool>,
    /// Labels, shown in metadata.
    pub docker_labels: Option<std::collections::BTreeMap<String, String>>,
    /// Limits of the process.
    pub ulimits: Option<Vec<Ulimit>>,
    /// Capabilities and init.
    pub linux_parameters: Option<LinuxParameters>,
    /// Where the output goes.
    pub log_configuration: Option<LogConfiguration>,
    /// Seconds between the stop signal and SIGKILL; by default 30.
    pub stop_timeout_seconds: Option<u32>,
}

impl ContainerDefinition {
    /// Memory that placement counts, in MiB.
    pub fn reserved_memory(&self) -> u32 {
        self.memory_reservation.or(self.memory).unwrap_or(0)
    }
}

/// A port of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// In the container.
    pub container_port: u16,
    /// On the host; 0 or `None` is dynamic in `bridge`.
    pub host_port: Option<u16>,
    /// Transport.
    pub protocol: TransportProtocol,
    /// Name for Service Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `http`, `http2` or `grpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

/// Transport of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TransportProtocol {
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
}

impl TransportProtocol {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A volume in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountPoint {
    /// Name of the volume.
    pub source_volume: Option<String>,
    /// Where it appears.
    pub container_path: Option<String>,
    /// Cannot be written.
    pub read_only: Option<bool>,
}

/// A limit of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// For example `nofile`.
    pub name: String,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

/// Linux settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinuxParameters {
    /// Capabilities added and dropped, if the member was given.
    pub capabilities: Option<Capabilities>,
    /// An init runs as first process.
    pub init_process_enabled: Option<bool>,
}

/// Changes to the default set of capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Added, without `CAP_`.
    pub add: Vec<String>,
    /// Dropped, without `CAP_`.
    pub drop: Vec<String>,
}

/// Where output goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogConfiguration {
    /// For example `awslogs`.
    pub log_driver: String,
    /// Options of the driver.
    #[serde(default)]
    pub options: std::collections::BTreeMap<String, String>,
}
