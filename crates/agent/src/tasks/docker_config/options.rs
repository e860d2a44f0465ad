//! The part of Docker's `HostConfig` that is about names, devices, memory and security.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::super::payload::Refusal;
use super::{Fields, MIB};
use crate::host::{ContainerSpec, Device, SecuritySettings, SwapSettings, Tmpfs};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeviceMapping {
    path_on_host: PathBuf,
    #[serde(default)]
    path_in_container: Option<PathBuf>,
    #[serde(default)]
    cgroup_permissions: Option<String>,
}

/// Takes these settings over.
///
/// # Errors
/// One that is not as Docker has it, or a security option that is not supported.
pub fn apply(host: &mut Fields, spec: &mut ContainerSpec) -> Result<(), Refusal> {
    let lines: Vec<String> = host.take("ExtraHosts")?.unwrap_or_default();
    spec.names.extra_hosts = lines.iter().map(|it| extra_host(it)).collect::<Result<_, _>>()?;
    spec.names.dns_servers = host.take("Dns")?.unwrap_or_default();
    spec.names.dns_search_domains = host.take("DnsSearch")?.unwrap_or_default();
    let options: Vec<String> = host.take("SecurityOpt")?.unwrap_or_default();
    spec.security = security(&options)?;
    let devices: Vec<DeviceMapping> = host.take("Devices")?.unwrap_or_default();
    spec.devices = devices.into_iter().map(device).collect();
    spec.shared_memory_bytes = host.bytes("ShmSize")?;
    let tmpfs: BTreeMap<PathBuf, String> = host.take("Tmpfs")?.unwrap_or_default();
    spec.tmpfs = tmpfs.into_iter().map(file_system).collect();
    spec.sysctls = host.take("Sysctls")?.unwrap_or_default();
    let total: Option<i64> = host.take("MemorySwap")?.filter(|it| *it != 0);
    let swappiness: Option<i64> = host.take("MemorySwappiness")?;
    spec.swap = SwapSettings {
        max_swap_mib: total.map(|it| max_swap_mib(it, spec.memory_mib)),
        swappiness: swappiness.and_then(|it| u64::try_from(it).ok()),
    };
    Ok(())
}

/// `name:address`, whose address may have colons of its own.
fn extra_host(line: &str) -> Result<(String, String), Refusal> {
    match line.split_once(':') {
        Some((name, address)) if !name.is_empty() && !address.is_empty() => {
            Ok((name.to_owned(), address.to_owned()))
        }
        _ => Err(Refusal::Malformed(format!("extra host {line:?}"))),
    }
}

fn security(options: &[String]) -> Result<SecuritySettings, Refusal> {
    let mut settings = SecuritySettings::default();
    for option in options {
        // Docker took a colon before it took an equals sign.
        let (name, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
        match (name, value) {
            ("no-new-privileges", "" | "true") => settings.no_new_privileges = true,
            ("no-new-privileges", "false") => settings.no_new_privileges = false,
            ("seccomp", "unconfined") => settings.seccomp_unconfined = true,
            ("apparmor", "unconfined") => settings.apparmor_profile = None,
            ("apparmor", profile) if !profile.is_empty() => {
                settings.apparmor_profile = Some(profile.to_owned());
            }
            // Nothing is labelled here.
            ("label", "disable") => {}
            _ => return Err(Refusal::unsupported(format!("security option {option}"))),
        }
    }
    Ok(settings)
}

fn device(it: DeviceMapping) -> Device {
    let container_path = it.path_in_container.filter(|it| !it.as_os_str().is_empty());
    let permissions = it.cgroup_permissions.filter(|it| !it.is_empty());
    Device {
        container_path: container_path.unwrap_or_else(|| it.path_on_host.clone()),
        host_path: it.path_on_host,
        permissions: permissions.unwrap_or_else(|| "rwm".to_owned()),
    }
}

fn file_system((target, options): (PathBuf, String)) -> Tmpfs {
    let options = options.split(',').filter(|it| !it.is_empty());
    Tmpfs {
        target,
        options: options.map(str::to_owned).collect(),
    }
}

/// Docker counts memory and swap together; below zero is no limit.
fn max_swap_mib(total: i64, memory_mib: Option<u64>) -> u64 {
    match u64::try_from(total) {
        Ok(total) => (total / MIB).saturating_sub(memory_mib.unwrap_or(0)),
        Err(_) => u64::MAX,
    }
}
