//! Linux settings as they read back.

use api::ecs;
use domain::container_definition::{LinuxParameters, SystemControl, Ulimit};

use super::count;

/// Capabilities, devices, memory.
pub fn linux_parameters(it: &LinuxParameters) -> ecs::LinuxParameters {
    let devices = it.devices.as_ref().map(|them| them.iter().map(device).collect());
    let tmpfs = it.tmpfs.as_ref().map(|them| {
        let tmpfs = them.iter().map(|it| ecs::Tmpfs {
            container_path: it.container_path.clone(),
            mount_options: it.mount_options.clone(),
            size: count(it.size_mib),
        });
        tmpfs.collect()
    });
    ecs::LinuxParameters {
        capabilities: it.capabilities.as_ref().map(|it| ecs::KernelCapabilities {
            add: Some(it.add.clone()),
            drop: Some(it.drop.clone()),
        }),
        init_process_enabled: it.init_process_enabled,
        devices,
        shared_memory_size: it.shared_memory_size_mib.map(count),
        tmpfs,
        max_swap: it.max_swap_mib.map(count),
        swappiness: it.swappiness.map(count),
    }
}

fn device(it: &domain::container_definition::Device) -> ecs::Device {
    let permission = |it: &String| ecs::DeviceCgroupPermission::from(it.as_str());
    ecs::Device {
        container_path: it.container_path.clone(),
        host_path: it.host_path.clone(),
        permissions: it
            .permissions
            .as_ref()
            .map(|them| them.iter().map(permission).collect()),
    }
}

/// A limit of the process.
pub fn ulimit(it: &Ulimit) -> ecs::Ulimit {
    // `u64::MAX` is how the record holds -1, unlimited.
    let bound = |value: u64| if value == u64::MAX { -1 } else { count(value) };
    ecs::Ulimit {
        name: ecs::UlimitName::from(it.name.as_str()),
        soft_limit: bound(it.soft),
        hard_limit: bound(it.hard),
    }
}

/// A kernel parameter.
pub fn system_control(it: &SystemControl) -> ecs::SystemControl {
    ecs::SystemControl {
        namespace: Some(it.namespace.clone()),
        value: Some(it.value.clone()),
    }
}
