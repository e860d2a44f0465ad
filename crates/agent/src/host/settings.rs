//! What a container or a sandbox is made with, beyond its command, user and limits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Names that a container knows, and whom it asks for others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameSettings {
    /// Lines of `/etc/hosts`: name and address.
    pub extra_hosts: Vec<(String, String)>,
    /// Replace the host's name servers.
    pub dns_servers: Vec<String>,
    /// Replace the host's search domains.
    pub dns_search_domains: Vec<String>,
}

/// Another container of the task under a name of its own, in `bridge` only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name in the task definition.
    pub container: String,
    /// What it is called here.
    pub alias: String,
}

/// `dockerSecurityOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecuritySettings {
    /// No execution gives more privileges than the process has.
    pub no_new_privileges: bool,
    /// No seccomp filter.
    pub seccomp_unconfined: bool,
    /// A profile that is loaded on the host.
    pub apparmor_profile: Option<String>,
}

/// Where a container reads from and writes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Its standard input stays open, so that reading waits instead of ending.
    pub is_interactive: bool,
    /// It has a terminal of its own, through which all its output goes.
    pub is_allocated: bool,
}

/// How much of a container's output the host keeps; what is not said is as the host has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogLimits {
    /// Size at which a new file is begun.
    pub file_bytes: Option<u64>,
    /// Files kept, at least one.
    pub files: Option<u32>,
}

/// A device of the host, or a directory of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// On the host.
    pub host_path: PathBuf,
    /// In the container.
    pub container_path: PathBuf,
    /// Of `r`, `w` and `m`.
    pub permissions: String,
}

/// A file system in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tmpfs {
    /// In the container.
    pub target: PathBuf,
    /// Options of the mount, over Docker's `noexec`, `nosuid` and `nodev`.
    pub options: Vec<String>,
}

/// How a container swaps, on kernels that count swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SwapSettings {
    /// MiB of swap beside the memory limit. `None`: none at all.
    pub max_swap_mib: Option<u64>,
    /// Inclination to swap, 0 to 100; kernels with cgroup version 2 do not know it.
    pub swappiness: Option<u64>,
}

/// All volumes of another container of the task, at the same paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumesFrom {
    /// Its name in the task definition; it must have been started.
    pub container: String,
    /// None of them can be written.
    pub read_only: bool,
}

/// Whose processes the containers of a task see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PidSharing {
    /// Each its own.
    #[default]
    Container,
    /// Those of all containers of the task.
    Task,
    /// The host's.
    Host,
}

/// With whom the containers of a task share memory, semaphores and queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IpcSharing {
    /// With nobody.
    #[default]
    Container,
    /// With nobody, and `/dev/shm` is missing.
    None,
    /// With each other.
    Task,
    /// With the host.
    Host,
}

/// A volume of a Docker driver; `local` is the only one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DockerVolume {
    /// As mounts name it; the name of the volume itself if it is shared.
    pub name: String,
    /// Its life.
    pub scope: VolumeScope,
    /// `type`, `device` and `o`.
    pub driver_options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A directory of a file system that all hosts see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSystemVolume {
    /// As mounts name it.
    pub name: String,
    /// `fs-…`
    pub file_system_id: String,
    /// Its name on Amazon's network, for what is said about it.
    pub dns_name: String,
    /// Where in it; links and steps back do not lead out.
    pub directory: PathBuf,
    /// Makes the directory if it is missing.
    pub creation: Option<DirectoryCreation>,
    /// As whom all access is made; otherwise as whoever the process is.
    pub user: Option<FileOwner>,
    /// Why it cannot be mounted, as the control plane knows.
    pub refusal: Option<String>,
}

/// Whose files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOwner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// How a directory is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryCreation {
    /// Whose it becomes.
    pub owner: FileOwner,
    /// Bits of its mode.
    pub permissions: u32,
}

/// Life of a Docker volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VolumeScope {
    /// As long as the task.
    #[default]
    Task,
    /// Until the operator removes it; it must be there.
    Shared,
    /// The same; made if it is not there.
    SharedAutoprovisioned,
}
