//! The members of a container that reach the agent as Docker's own settings, in the form in which Amazon sends them.

use std::collections::BTreeMap;

use domain::container_definition::{ContainerDefinition, Device, LinuxParameters, Tmpfs};
use serde_json::{Map, Value, json};

use super::MIB;

/// Adds to Docker's `Config`: standard input, terminal and network.
pub fn extend_config(config: &mut Map<String, Value>, it: &ContainerDefinition) {
    for (name, value) in [
        ("OpenStdin", it.interactive),
        ("Tty", it.pseudo_terminal),
        ("NetworkDisabled", it.disable_networking),
    ] {
        put(config, name, value.map(Value::from));
    }
}

/// Adds to Docker's `HostConfig`: names, security, kernel parameters, devices and memory. `memory_mib` is the hard
/// limit that holds.
pub fn extend_host_config(
    config: &mut Map<String, Value>,
    it: &ContainerDefinition,
    memory_mib: Option<u32>,
) {
    let hosts = it.extra_hosts.as_ref().map(|them| {
        let line =
            |it: &domain::container_definition::HostEntry| format!("{}:{}", it.hostname, it.ip_address);
        json!(them.iter().map(line).collect::<Vec<_>>())
    });
    put(config, "ExtraHosts", hosts);
    for (name, list) in [
        ("Dns", &it.dns_servers),
        ("DnsSearch", &it.dns_search_domains),
        ("SecurityOpt", &it.docker_security_options),
    ] {
        put(config, name, list.as_ref().map(|it| json!(it)));
    }
    if !it.system_controls.is_empty() {
        let controls = it.system_controls.iter();
        let controls: BTreeMap<_, _> = controls.map(|it| (&it.namespace, &it.value)).collect();
        config.insert("Sysctls".to_owned(), json!(controls));
    }
    if let Some(linux) = &it.linux_parameters {
        extend_linux(config, linux, memory_mib);
    }
}

fn extend_linux(config: &mut Map<String, Value>, it: &LinuxParameters, memory_mib: Option<u32>) {
    let devices = it.devices.as_ref();
    put(
        config,
        "Devices",
        devices.map(|it| it.iter().map(device).collect()),
    );
    let size = it.shared_memory_size_mib.map(|it| json!(u64::from(it) * MIB));
    put(config, "ShmSize", size);
    let tmpfs = it.tmpfs.as_ref().map(|them| {
        let all: BTreeMap<_, _> = them.iter().map(|it| (&it.container_path, options(it))).collect();
        json!(all)
    });
    put(config, "Tmpfs", tmpfs);
    // Without `maxSwap`, `swappiness` has no effect either.
    if let Some((swap, memory)) = it.max_swap_mib.zip(memory_mib) {
        let total = (u64::from(swap) + u64::from(memory)) * MIB;
        config.insert("MemorySwap".to_owned(), json!(total));
        put(config, "MemorySwappiness", it.swappiness.map(Value::from));
    }
}

fn device(it: &Device) -> Value {
    let letter = |word: &String| match word.as_str() {
        "read" => "r",
        "write" => "w",
        _ => "m",
    };
    let permissions: String = it.permissions.iter().flatten().map(letter).collect();
    let permissions = if permissions.is_empty() {
        "rwm"
    } else {
        &permissions
    };
    json!({
        "PathOnHost": it.host_path,
        "PathInContainer": it.container_path.as_ref().unwrap_or(&it.host_path),
        "CgroupPermissions": permissions,
    })
}

fn options(it: &Tmpfs) -> String {
    let mut options: Vec<String> = it.mount_options.clone().unwrap_or_default();
    options.push(format!("size={}m", it.size_mib));
    options.join(",")
}

fn put(config: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        config.insert(name.to_owned(), value);
    }
}
