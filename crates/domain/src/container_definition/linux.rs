//! Settings of the Linux kernel for one container.

use serde::{Deserialize, Serialize};

/// A limit of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// For example `nofile`.
    pub name: String,
    /// Soft limit; `u64::MAX` is unlimited.
    pub soft: u64,
    /// Hard limit; `u64::MAX` is unlimited.
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
    /// Devices of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<Device>>,
    /// Size of `/dev/shm` in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_memory_size_mib: Option<u32>,
    /// File systems in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmpfs: Option<Vec<Tmpfs>>,
    /// Swap in MiB beside the memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_swap_mib: Option<u32>,
    /// Inclination to swap, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swappiness: Option<u32>,
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

/// A device of the host in the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// On the host.
    pub host_path: String,
    /// In the container; by default the same.
    pub container_path: Option<String>,
    /// `read`, `write`, `mknod`; by default all.
    pub permissions: Option<Vec<String>>,
}

/// A file system in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tmpfs {
    /// Where it appears.
    pub container_path: String,
    /// Most MiB.
    pub size_mib: u32,
    /// Options of the mount.
    pub mount_options: Option<Vec<String>>,
}

/// A kernel parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemControl {
    /// For example `net.core.somaxconn`.
    pub namespace: String,
    /// Its value.
    pub value: String,
}
