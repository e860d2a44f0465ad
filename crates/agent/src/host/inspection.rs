//! What a host has really made of a task: for whoever asks, not for the agent's own decisions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::PortMapping;

/// A sandbox as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SandboxInspection {
    /// Where the host keeps it.
    pub directory: PathBuf,
    /// Process of its shim, if that lives.
    pub shim_process_id: Option<i32>,
    /// `awsvpc`, `bridge`, `host` or `none`.
    pub network_mode: String,
    /// Network namespace of all its containers, if they share one.
    pub network_namespace: Option<PathBuf>,
    /// Addresses of the task as a whole.
    pub addresses: Vec<String>,
    /// Whose processes its containers see.
    pub pid_mode: String,
    /// With whom they share memory.
    pub ipc_mode: String,
    /// Its control group.
    pub cgroup: CgroupInspection,
    /// Its containers that were started, by name.
    pub containers: Vec<ContainerInspection>,
}

/// A control group as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CgroupInspection {
    /// Below each hierarchy.
    pub path: PathBuf,
    /// The files of its limits and what they hold.
    pub limits: BTreeMap<String, String>,
}

/// A container as it is. What only a living process has is absent once it has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerInspection {
    /// Name in the task definition.
    pub name: String,
    /// 64 hexadecimal digits.
    pub runtime_id: String,
    /// Its first process, on the host.
    pub process_id: Option<i32>,
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// Variables with their values.
    pub environment: Vec<(String, String)>,
    /// Where it begins.
    pub working_directory: PathBuf,
    /// `uid:gid`
    pub user: String,
    /// Further groups.
    pub groups: Vec<u32>,
    /// It has a terminal.
    pub is_terminal: bool,
    /// Effective capabilities of its first process, without `CAP_`.
    pub capabilities: Option<Vec<String>>,
    /// It cannot gain privileges.
    pub no_new_privileges: Option<bool>,
    /// `disabled`, `strict` or `filter`.
    pub seccomp: Option<String>,
    /// Limits of the process: `soft:hard` by name.
    pub ulimits: BTreeMap<String, String>,
    /// Host name.
    pub hostname: String,
    /// Its root cannot be written.
    pub is_root_readonly: bool,
    /// What is mounted over its root.
    pub mounts: Vec<MountInspection>,
    /// Device nodes that were asked for.
    pub devices: Vec<PathBuf>,
    /// Namespaces by kind, as `/proc/<pid>/ns` names them.
    pub namespaces: BTreeMap<String, String>,
    /// Addresses that are its own, in its network namespace.
    pub addresses: Vec<String>,
    /// Its control group.
    pub cgroup: CgroupInspection,
    /// Kernel parameters of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Published ports.
    pub port_mappings: Vec<PortMapping>,
}

/// One mount.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MountInspection {
    /// On the host, or the name of a file system.
    pub source: String,
    /// In the container.
    pub target: PathBuf,
    /// `bind`, `tmpfs`, `proc`, …
    pub kind: String,
    /// Options.
    pub options: Vec<String>,
}
