//! Container definitions: what a task definition says of one container.

mod health;
mod linux;
mod logs;
mod ports;
mod sources;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use health::{Dependency, DependencyCondition, HealthCheck, RestartPolicy};
pub use linux::{Capabilities, Device, LinuxParameters, SystemControl, Tmpfs, Ulimit};
pub use logs::{FirelensConfiguration, FirelensType, LogConfiguration};
pub use ports::{HostEntry, PortMapping, PortRange, TransportProtocol};
pub use sources::{EnvironmentFile, MountPoint, ResourceRequirement, ResourceType, Secret, VolumeFrom};

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
    pub docker_labels: Option<BTreeMap<String, String>>,
    /// Limits of the process.
    pub ulimits: Option<Vec<Ulimit>>,
    /// Capabilities and init.
    pub linux_parameters: Option<LinuxParameters>,
    /// Where the output goes.
    pub log_configuration: Option<LogConfiguration>,
    /// Seconds between the stop signal and SIGKILL; by default 30.
    pub stop_timeout_seconds: Option<u32>,
    /// Seconds that its dependencies have to reach their conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout_seconds: Option<u32>,
    /// Secret with the login of the image's registry, as ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_credentials: Option<String>,
    /// Other containers by `name` or `name:alias`; only in `bridge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<String>>,
    /// What has to happen to other containers before this one starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<Dependency>>,
    /// Containers whose volumes this one gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes_from: Vec<VolumeFrom>,
    /// Variables whose values come from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<Secret>>,
    /// Files with variables; `environment` goes before them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_files: Option<Vec<EnvironmentFile>>,
    /// No network in the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_networking: Option<bool>,
    /// Name servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_servers: Option<Vec<String>>,
    /// Domains in which short names are looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_search_domains: Option<Vec<String>>,
    /// Lines of `/etc/hosts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_hosts: Option<Vec<HostEntry>>,
    /// Labels of SELinux and AppArmor, `no-new-privileges`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_security_options: Option<Vec<String>>,
    /// Standard input stays open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,
    /// A terminal is allocated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudo_terminal: Option<bool>,
    /// How its health is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Kernel parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system_controls: Vec<SystemControl>,
    /// GPUs and accelerators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_requirements: Option<Vec<ResourceRequirement>>,
    /// The container routes logs of the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firelens_configuration: Option<FirelensConfiguration>,
    /// It starts again where it exits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// Files with credentials of Active Directory, as ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_specs: Option<Vec<String>>,
    /// Whether all tasks of a deployment run the digest that the tag had first; by default they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_version_consistent: Option<bool>,
}

impl ContainerDefinition {
    /// Whether its health is asked for: `NONE` is no check.
    pub fn is_health_checked(&self) -> bool {
        let check = self.health_check.as_ref();
        check.is_some_and(|it| it.command.first().is_some_and(|word| word != "NONE"))
    }

    /// Whether all tasks of a service revision run the digest that its image had first.
    pub fn keeps_digest(&self) -> bool {
        self.is_version_consistent != Some(false) && !self.image.contains('@')
    }

    /// Memory that placement counts, in MiB.
    pub fn reserved_memory(&self) -> u32 {
        self.memory_reservation.or(self.memory).unwrap_or(0)
    }
}
