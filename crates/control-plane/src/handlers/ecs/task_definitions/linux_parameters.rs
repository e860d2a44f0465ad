//! Capabilities, devices, file systems in memory, limits and kernel parameters.

use api::ecs;
use domain::container_definition::{Capabilities, Device, LinuxParameters, SystemControl, Tmpfs, Ulimit};
use domain::task_definition::NetworkMode;

use super::containers::{bounded, setting};
use crate::handlers::ecs::errors::client;

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html>
const CAPABILITIES: [&str; 38] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tmpfs.html>
const TMPFS_OPTIONS: &str = "defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand \
                             nomand atime noatime diratime nodiratime bind rbind unbindable runbindable private \
                             rprivate shared rshared slave rslave relatime norelatime strictatime nostrictatime \
                             mode uid gid nr_inodes nr_blocks mpol";

/// Checks Linux settings.
///
/// # Errors
/// ClientException.
pub fn parse(container: &str, it: &ecs::LinuxParameters) -> Result<LinuxParameters, ecs::Error> {
    let capabilities = it.capabilities.as_ref().map(|it| capabilities(container, it));
    let devices = it
        .devices
        .as_ref()
        .map(|them| them.iter().map(|it| device(container, it)).collect());
    let tmpfs = it
        .tmpfs
        .as_ref()
        .map(|them| them.iter().map(|it| tmpfs(container, it)).collect());
    let positive = 1..=i32::MAX;
    Ok(LinuxParameters {
        capabilities: capabilities.transpose()?,
        init_process_enabled: it.init_process_enabled,
        devices: devices.transpose()?,
        shared_memory_size_mib: bounded(container, "sharedMemorySize", it.shared_memory_size, positive)?,
        tmpfs: tmpfs.transpose()?,
        max_swap_mib: bounded(container, "maxSwap", it.max_swap, 0..=i32::MAX)?,
        swappiness: bounded(container, "swappiness", it.swappiness, 0..=100)?,
    })
}

fn capabilities(container: &str, it: &ecs::KernelCapabilities) -> Result<Capabilities, ecs::Error> {
    let given = it.add.iter().flatten().chain(it.drop.iter().flatten());
    let is_known = |name: &str| CAPABILITIES.contains(&name.strip_prefix("CAP_").unwrap_or(name));
    if let Some(unknown) = given.into_iter().find(|it| !is_known(it)) {
        return Err(setting(
            container,
            &format!("Unknown Linux capability: {unknown:?}."),
        ));
    }
    Ok(Capabilities {
        add: it.add.clone().unwrap_or_default(),
        drop: it.drop.clone().unwrap_or_default(),
    })
}

fn device(container: &str, it: &ecs::Device) -> Result<Device, ecs::Error> {
    let is_path = |it: &String| it.starts_with('/');
    if !is_path(&it.host_path) || !it.container_path.iter().all(is_path) {
        return Err(setting(
            container,
            "The paths of a device must be absolute, and 'hostPath' be given.",
        ));
    }
    let mut permissions = it.permissions.iter().flatten();
    if permissions.any(|it| matches!(it, ecs::DeviceCgroupPermission::Unmodelled(_))) {
        return Err(setting(
            container,
            "The permissions of a device are 'read', 'write' and 'mknod'.",
        ));
    }
    let words =
        |them: &Vec<ecs::DeviceCgroupPermission>| them.iter().map(|it| it.as_str().to_owned()).collect();
    Ok(Device {
        host_path: it.host_path.clone(),
        container_path: it.container_path.clone(),
        permissions: it.permissions.as_ref().map(words),
    })
}

fn tmpfs(container: &str, it: &ecs::Tmpfs) -> Result<Tmpfs, ecs::Error> {
    if !it.container_path.starts_with('/') {
        return Err(setting(
            container,
            "The 'containerPath' of a tmpfs must be an absolute path.",
        ));
    }
    // Some have a value: `mode=0755`.
    let name = |it: &str| it.split('=').next().unwrap_or_default().to_owned();
    let is_known = |it: &&String| TMPFS_OPTIONS.split_whitespace().any(|known| known == name(it));
    let mut options = it.mount_options.iter().flatten();
    if let Some(unknown) = options.find(|it| !is_known(it)) {
        return Err(setting(
            container,
            &format!("Invalid tmpfs mount option: {unknown:?}."),
        ));
    }
    let size = bounded(container, "tmpfs.size", Some(it.size), 1..=i32::MAX)?;
    Ok(Tmpfs {
        container_path: it.container_path.clone(),
        size_mib: size.unwrap_or(0),
        mount_options: it.mount_options.clone(),
    })
}

/// Limits of the process; -1 is Docker's word for unlimited.
///
/// # Errors
/// ClientException.
pub fn ulimit(container: &str, it: &ecs::Ulimit) -> Result<Ulimit, ecs::Error> {
    let name = it.name.as_str();
    if matches!(it.name, ecs::UlimitName::Unmodelled(_)) {
        return Err(setting(container, &format!("Invalid ulimit name: {name:?}.")));
    }
    let bound = |value: i32| match value {
        -1 => Some(u64::MAX),
        value => u64::try_from(value).ok(),
    };
    let limits = bound(it.soft_limit).zip(bound(it.hard_limit));
    let (soft, hard) = limits.ok_or_else(|| {
        setting(
            container,
            &format!("The limits of ulimit {name} must not be negative."),
        )
    })?;
    if soft > hard {
        return Err(client(format!("Soft limit exceeds hard limit for ulimit {name}")));
    }
    Ok(Ulimit {
        name: name.to_owned(),
        soft,
        hard,
    })
}

/// A kernel parameter; those of the network are the host's where the container has the host's network.
///
/// # Errors
/// ClientException.
pub fn system_control(
    mode: NetworkMode,
    container: &str,
    it: &ecs::SystemControl,
) -> Result<SystemControl, ecs::Error> {
    let namespace = it.namespace.clone().unwrap_or_default();
    let value = it.value.clone().unwrap_or_default();
    if namespace.is_empty() || value.is_empty() {
        return Err(setting(
            container,
            "An item of 'systemControls' needs a 'namespace' and a 'value'.",
        ));
    }
    if mode == NetworkMode::Host && namespace.starts_with("net.") {
        return Err(setting(
            container,
            &format!("The system control '{namespace}' is not supported when networkMode=host."),
        ));
    }
    Ok(SystemControl { namespace, value })
}

/// Whether a kernel parameter belongs to the IPC namespace.
pub fn is_of_ipc(namespace: &str) -> bool {
    const KERNEL: [&str; 8] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    KERNEL.contains(&namespace) || namespace.starts_with("fs.mqueue.")
}
