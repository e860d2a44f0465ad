//! Port mappings: single ports, ranges, names, and what containers of a task must not share.

use std::collections::BTreeSet;

use api::ecs;
use domain::container_definition::{ContainerDefinition, PortMapping, PortRange, TransportProtocol};
use domain::task_definition::NetworkMode;

use crate::handlers::ecs::errors::client;

/// Most port ranges of a container.
const RANGES_MAX: usize = 100;
/// Longest name of a mapping.
const NAME_LENGTH_MAX: usize = 64;

/// Mappings of one container.
///
/// # Errors
/// ClientException.
pub fn parse(
    mode: NetworkMode,
    container: &str,
    given: &[ecs::PortMapping],
) -> Result<Vec<PortMapping>, ecs::Error> {
    if !given.is_empty() && mode == NetworkMode::None {
        return Err(client("Port mappings are not supported when networkMode=none."));
    }
    let mappings = given.iter().map(|it| port_mapping(mode, container, it));
    let mappings = mappings.collect::<Result<Vec<_>, _>>()?;
    let ranges = mappings.iter().filter(|it| it.container_port_range.is_some());
    if ranges.count() > RANGES_MAX {
        return Err(client(format!(
            "Container '{container}' has more than {RANGES_MAX} container port ranges."
        )));
    }
    Ok(mappings)
}

fn port_mapping(
    mode: NetworkMode,
    container: &str,
    it: &ecs::PortMapping,
) -> Result<PortMapping, ecs::Error> {
    let protocol = match it.protocol.as_ref().map_or("tcp", |it| it.as_str()) {
        "tcp" => TransportProtocol::Tcp,
        "udp" => TransportProtocol::Udp,
        _ => return Err(invalid("protocol", container)),
    };
    let (name, app_protocol) = name(container, it)?;
    let named = |container_port, container_port_range, host_port| PortMapping {
        container_port,
        container_port_range,
        host_port,
        protocol,
        name,
        app_protocol,
    };
    let Some(range) = &it.container_port_range else {
        let container_port = port(it.container_port.unwrap_or(0))
            .filter(|it| *it > 0)
            .ok_or_else(|| invalid("containerPort", container))?;
        let host_port = host_port(mode, container, it.host_port, container_port)?;
        return Ok(named(Some(container_port), None, Some(host_port)));
    };
    if it.container_port.is_some() || it.host_port.is_some() {
        return Err(client("cannot specify both single port and port range."));
    }
    if !matches!(mode, NetworkMode::Bridge | NetworkMode::Awsvpc) {
        return Err(client(format!(
            "Container port ranges are not supported when networkMode={}.",
            mode.as_str()
        )));
    }
    let range = port_range(range).ok_or_else(|| invalid("containerPortRange", container))?;
    Ok(named(None, Some(range), None))
}

fn invalid(member: &str, container: &str) -> ecs::Error {
    client(format!("Invalid '{member}' setting for container '{container}'."))
}

fn port(value: i32) -> Option<u16> {
    u16::try_from(value).ok()
}

/// `first-last`, the first below the last.
fn port_range(text: &str) -> Option<PortRange> {
    PortRange::parse(text).filter(|it| it.first > 0 && it.first < it.last)
}

fn host_port(
    mode: NetworkMode,
    container: &str,
    given: Option<i32>,
    container_port: u16,
) -> Result<u16, ecs::Error> {
    let given = port(given.unwrap_or(0)).ok_or_else(|| invalid("hostPort", container))?;
    if !matches!(mode, NetworkMode::Awsvpc | NetworkMode::Host) {
        // A port that container instances reserve is refused by those that do:
        // https://github.com/aws/amazon-ecs-agent/issues/551
        return Ok(given);
    }
    if given != 0 && given != container_port {
        return Err(client(format!(
            "When networkMode={}, the host ports and container ports in port mappings must match.",
            mode.as_str()
        )));
    }
    Ok(container_port)
}

/// Name and application protocol, which needs the name.
fn name(container: &str, it: &ecs::PortMapping) -> Result<(Option<String>, Option<String>), ecs::Error> {
    let is_letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-' || it == b'_';
    let is_name = |it: &String| {
        (1..=NAME_LENGTH_MAX).contains(&it.len()) && it.bytes().all(is_letter) && !it.starts_with('-')
    };
    if it.name.as_ref().is_some_and(|it| !is_name(it)) {
        return Err(client(format!(
            "Invalid 'name' setting of a port mapping for container '{container}'. Up to {NAME_LENGTH_MAX} lowercase letters, numbers, hyphens and underscores are allowed, and a hyphen must not come first."
        )));
    }
    let Some(app_protocol) = &it.app_protocol else {
        return Ok((it.name.clone(), None));
    };
    if matches!(app_protocol, ecs::ApplicationProtocol::Unmodelled(_)) {
        return Err(invalid("appProtocol", container));
    }
    if it.name.is_none() {
        return Err(client(format!(
            "Invalid 'appProtocol' setting for container '{container}'. The port mapping needs a 'name'."
        )));
    }
    Ok((it.name.clone(), Some(app_protocol.as_str().to_owned())))
}

/// What the containers of a task must not have in common.
///
/// # Errors
/// ClientException.
pub fn check_together(mode: NetworkMode, containers: &[ContainerDefinition]) -> Result<(), ecs::Error> {
    let mut host_ports = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mappings: Vec<&PortMapping> = containers.iter().flat_map(|it| &it.port_mappings).collect();
    for mapping in &mappings {
        let port = mapping.host_port.unwrap_or(0);
        if port != 0 && !host_ports.insert((port, mapping.protocol)) {
            return Err(client(format!(
                "{} host port '{port}' is mapped multiple times in task.",
                mapping.protocol.as_str().to_ascii_uppercase()
            )));
        }
        if let Some(name) = &mapping.name
            && !names.insert(name)
        {
            return Err(client(format!("port mapping name is already used: {name}")));
        }
    }
    // In a network of their own, containers of bridge may all have the same ports.
    let groups: Vec<Vec<&PortMapping>> = match mode {
        NetworkMode::Bridge => containers
            .iter()
            .map(|it| it.port_mappings.iter().collect())
            .collect(),
        _ => vec![mappings],
    };
    groups.iter().try_for_each(|it| check_ranges(it))
}

fn check_ranges(mappings: &[&PortMapping]) -> Result<(), ecs::Error> {
    for (index, range) in mappings.iter().enumerate() {
        let overlaps = |other: &&&PortMapping| {
            other.protocol == range.protocol && other.container_ports().overlaps(range.container_ports())
        };
        let others = mappings.iter().enumerate().filter(|(it, _)| *it != index);
        let mut others = others.map(|(_, it)| it);
        if range.container_port_range.is_some() && others.any(|it| overlaps(&it)) {
            return Err(client(format!(
                "container port is used multiple times in task: {}",
                range.container_ports()
            )));
        }
    }
    Ok(())
}
