//! Members of the task as a whole: modes, sizes, roles, platform, proxy.

use api::ecs;
use domain::Scope;
use domain::tags::Pair;
use domain::task_definition::{
    IpcMode, LaunchType, NetworkMode, PidMode, ProxyConfiguration, RuntimePlatform,
};

use crate::handlers::ecs::errors::{client, unbuilt};

/// Longest name of a role.
const ROLE_LENGTH_MAX: usize = 64;

/// `networkMode`
///
/// # Errors
/// ClientException.
pub fn network_mode(it: &ecs::NetworkMode) -> Result<NetworkMode, ecs::Error> {
    match it {
        ecs::NetworkMode::Awsvpc => Ok(NetworkMode::Awsvpc),
        ecs::NetworkMode::Bridge => Ok(NetworkMode::Bridge),
        ecs::NetworkMode::Host => Ok(NetworkMode::Host),
        ecs::NetworkMode::None => Ok(NetworkMode::None),
        ecs::NetworkMode::Unmodelled(other) => Err(client(format!("Invalid network mode: {other:?}."))),
    }
}

/// An item of `requiresCompatibilities`.
///
/// # Errors
/// ClientException.
pub fn compatibility(it: &ecs::Compatibility) -> Result<LaunchType, ecs::Error> {
    match it.as_str() {
        "EC2" => Ok(LaunchType::Ec2),
        "FARGATE" => Ok(LaunchType::Fargate),
        "EXTERNAL" => Ok(LaunchType::External),
        "MANAGED_INSTANCES" => Err(unbuilt("MANAGED_INSTANCES")),
        other => Err(client(format!(
            "Invalid launch type in requiresCompatibilities: {other:?}."
        ))),
    }
}

/// `cpu` or `memory` of the task.
///
/// # Errors
/// ClientException.
pub fn size(
    text: Option<&str>,
    what: &str,
    parse: fn(&str) -> Option<u32>,
) -> Result<Option<u32>, ecs::Error> {
    let Some(text) = text else { return Ok(None) };
    let amount = parse(text).filter(|it| *it > 0);
    amount.map(Some).ok_or_else(|| invalid_size(what))
}

/// "Invalid 'cpu' setting for task."
pub fn invalid_size(what: &str) -> ecs::Error {
    client(format!(
        "Invalid '{what}' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    ))
}

/// A role by name or ARN; reads back as ARN.
///
/// # Errors
/// ClientException "Role is not valid".
pub fn role(scope: &Scope, given: Option<&String>) -> Result<Option<String>, ecs::Error> {
    let Some(given) = given.filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"+=,.@_-".contains(&it);
    let is_name = |it: &str| (1..=ROLE_LENGTH_MAX).contains(&it.len()) && it.bytes().all(is_letter);
    let not_valid = || client("Role is not valid");
    if !given.starts_with("arn:") {
        return match is_name(given) {
            true => Ok(Some(format!("arn:aws:iam::{}:role/{given}", scope.account))),
            false => Err(not_valid()),
        };
    }
    let parts: Vec<&str> = given.splitn(6, ':').collect();
    let [_, partition, "iam", "", account, resource] = parts[..] else {
        return Err(not_valid());
    };
    let name = resource
        .strip_prefix("role/")
        .and_then(|path| path.rsplit('/').next());
    let is_account = account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit());
    if !partition.starts_with("aws") || !is_account || !name.is_some_and(is_name) {
        return Err(not_valid());
    }
    Ok(Some(given.clone()))
}

/// `pidMode`
///
/// # Errors
/// ClientException.
pub fn pid_mode(it: &ecs::PidMode) -> Result<PidMode, ecs::Error> {
    match it {
        ecs::PidMode::Host => Ok(PidMode::Host),
        ecs::PidMode::Task => Ok(PidMode::Task),
        ecs::PidMode::Unmodelled(other) => Err(client(format!("Invalid 'pidMode' setting: {other:?}."))),
    }
}

/// `ipcMode`
///
/// # Errors
/// ClientException.
pub fn ipc_mode(it: &ecs::IpcMode) -> Result<IpcMode, ecs::Error> {
    match it {
        ecs::IpcMode::Host => Ok(IpcMode::Host),
        ecs::IpcMode::Task => Ok(IpcMode::Task),
        ecs::IpcMode::None => Ok(IpcMode::None),
        ecs::IpcMode::Unmodelled(other) => Err(client(format!("Invalid 'ipcMode' setting: {other:?}."))),
    }
}

/// `runtimePlatform`
///
/// # Errors
/// ClientException.
pub fn runtime_platform(it: &ecs::RuntimePlatform) -> Result<RuntimePlatform, ecs::Error> {
    if let Some(ecs::CPUArchitecture::Unmodelled(other)) = &it.cpu_architecture {
        return Err(client(format!("Invalid 'cpuArchitecture' setting: {other:?}.")));
    }
    if let Some(ecs::OSFamily::Unmodelled(other)) = &it.operating_system_family {
        return Err(client(format!(
            "Invalid 'operatingSystemFamily' setting: {other:?}."
        )));
    }
    Ok(RuntimePlatform {
        cpu_architecture: it.cpu_architecture.as_ref().map(|it| it.as_str().to_owned()),
        operating_system_family: it
            .operating_system_family
            .as_ref()
            .map(|it| it.as_str().to_owned()),
    })
}

/// `ephemeralStorage` in GiB.
///
/// # Errors
/// ClientException.
pub fn ephemeral_storage(it: &ecs::EphemeralStorage) -> Result<u32, ecs::Error> {
    match it.size_in_gi_b {
        ..21 => Err(client("EphemeralStorage size should be at least 21.")),
        201.. => Err(client("EphemeralStorage size should be at most 200.")),
        size => Ok(size.unsigned_abs()),
    }
}

/// Properties that the proxy needs, and what Amazon calls them where they are missing.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ProxyConfiguration.html>
const PROXY_PROPERTIES: [(&str, &str); 4] = [
    ("ProxyIngressPort", "Ingress port"),
    ("ProxyEgressPort", "Egress port"),
    ("AppPorts", "App ports"),
    ("EgressIgnoredIPs", "Egress ignored IPs"),
];

/// `proxyConfiguration`, of a container that exists.
///
/// # Errors
/// ClientException.
pub fn proxy(
    mode: NetworkMode,
    containers: &[ecs::ContainerDefinition],
    it: &ecs::ProxyConfiguration,
) -> Result<ProxyConfiguration, ecs::Error> {
    if let Some(ecs::ProxyConfigurationType::Unmodelled(other)) = &it.r#type {
        return Err(client(format!("Invalid proxy configuration type: {other:?}.")));
    }
    if mode != NetworkMode::Awsvpc {
        return Err(client(
            "APPMESH proxy configuration is only supported in networkMode=awsvpc.",
        ));
    }
    if !containers
        .iter()
        .any(|container| container.name.as_ref() == Some(&it.container_name))
    {
        return Err(client(format!(
            "Proxy container [{}] does not exist.",
            it.container_name
        )));
    }
    let properties: Vec<Pair> = it.properties.iter().flatten().map(property).collect();
    let has = |name: &str| properties.iter().any(|it| it.name == name);
    if let Some((_, what)) = PROXY_PROPERTIES.iter().find(|(name, _)| !has(name)) {
        return Err(client(format!("{what} not found")));
    }
    if !has("IgnoredUID") && !has("IgnoredGID") {
        return Err(client("Ignored UID or GID not found"));
    }
    Ok(ProxyConfiguration {
        container_name: it.container_name.clone(),
        properties,
    })
}

fn property(it: &ecs::KeyValuePair) -> Pair {
    Pair {
        name: it.name.clone().unwrap_or_default(),
        value: it.value.clone(),
    }
}
