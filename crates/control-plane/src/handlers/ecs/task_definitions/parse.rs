//! A task definition as it comes in: checked as a whole, defaults filled.

use std::collections::BTreeSet;

use api::ecs;
use domain::container_definition::ContainerDefinition;
use domain::placement::PlacementConstraint;
use domain::tags::Pair;
use domain::task_definition::{LaunchType, NetworkMode, RuntimePlatform, Volume};

use super::{containers, sizes, unbuilt};
use crate::handlers::ecs::errors::client;
use crate::handlers::ecs::{names, placement, tags};

/// Most containers of a task definition.
const CONTAINERS_MAX: usize = 10;
/// Least and most CPU units of a task outside FARGATE.
const CPU_UNITS: std::ops::RangeInclusive<u32> = 128..=196_608;

/// What a caller registers, before it has a revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Family.
    pub family: String,
    /// As given.
    pub network_mode: Option<NetworkMode>,
    /// As given.
    pub requires_compatibilities: Option<Vec<LaunchType>>,
    /// Where it can run.
    pub compatibilities: Vec<LaunchType>,
    /// Units of 1/1024 core.
    pub cpu: Option<u32>,
    /// MiB.
    pub memory: Option<u32>,
    /// As given.
    pub execution_role_arn: Option<String>,
    /// As given.
    pub task_role_arn: Option<String>,
    /// As given.
    pub runtime_platform: Option<RuntimePlatform>,
    /// At least one.
    pub containers: Vec<ContainerDefinition>,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// `memberOf` only; not on FARGATE.
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Tags.
    pub tags: Vec<Pair>,
}

/// Checks a task definition.
///
/// # Errors
/// ClientException, in Amazon's words where they are known.
pub fn parse(input: &ecs::RegisterTaskDefinitionInput) -> Result<Draft, ecs::Error> {
    if !names::is_name(&input.family) {
        return Err(client(
            "Family should not be null or empty and contain up to 255 letters, numbers, hyphens and underscores.",
        ));
    }
    if let Some(member) = unbuilt::in_task_definition(input) {
        return Err(client(format!("{member} is not supported by Gantry yet.")));
    }
    let network_mode = input.network_mode.as_ref().map(network_mode).transpose()?;
    let required = input.requires_compatibilities.as_ref();
    let requires_compatibilities = required
        .map(|it| it.iter().map(compatibility).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    let is_fargate = requires_compatibilities
        .iter()
        .flatten()
        .any(|it| *it == LaunchType::Fargate);
    let cpu = size(input.cpu.as_deref(), "cpu", sizes::cpu_units)?;
    let memory = size(input.memory.as_deref(), "memory", sizes::memory_mib)?;
    if is_fargate {
        check_fargate(network_mode, cpu, memory)?;
    } else if cpu.is_some_and(|it| !CPU_UNITS.contains(&it)) {
        return Err(client(
            "Invalid 'cpu' setting for task. It must be between 128 and 196608 CPU units.",
        ));
    }
    let task = containers::Task {
        network_mode,
        is_fargate,
        memory,
    };
    let containers = input
        .container_definitions
        .iter()
        .map(|it| containers::parse(&task, it));
    let containers = containers.collect::<Result<Vec<_>, _>>()?;
    let volumes = volumes(input.volumes.as_deref().unwrap_or_default(), is_fargate)?;
    check_containers(&containers, &volumes, cpu, memory)?;
    check_execution_role(input, &containers, is_fargate)?;
    let placement_constraints =
        placement::task_definition_constraints(input.placement_constraints.as_deref())?;
    if is_fargate && !placement_constraints.is_empty() {
        return Err(client(
            "Placement constraints are not supported with FARGATE launch type.",
        ));
    }
    Ok(Draft {
        family: input.family.clone(),
        network_mode,
        compatibilities: compatibilities(network_mode, cpu, memory, &containers, &placement_constraints),
        requires_compatibilities,
        cpu,
        memory,
        execution_role_arn: input.execution_role_arn.clone(),
        task_role_arn: input.task_role_arn.clone(),
        runtime_platform: input
            .runtime_platform
            .as_ref()
            .map(runtime_platform)
            .transpose()?,
        containers,
        volumes,
        placement_constraints,
        tags: tags::parse(input.tags.as_deref())?,
    })
}

fn network_mode(it: &ecs::NetworkMode) -> Result<NetworkMode, ecs::Error> {
    match it {
        ecs::NetworkMode::Awsvpc => Ok(NetworkMode::Awsvpc),
        ecs::NetworkMode::Bridge => Ok(NetworkMode::Bridge),
        ecs::NetworkMode::Host => Ok(NetworkMode::Host),
        ecs::NetworkMode::None => Ok(NetworkMode::None),
        ecs::NetworkMode::Unmodelled(other) => Err(client(format!("Invalid network mode: {other:?}."))),
    }
}

fn compatibility(it: &ecs::Compatibility) -> Result<LaunchType, ecs::Error> {
    match it.as_str() {
        "EC2" => Ok(LaunchType::Ec2),
        "FARGATE" => Ok(LaunchType::Fargate),
        "EXTERNAL" => Ok(LaunchType::External),
        "MANAGED_INSTANCES" => Err(client("MANAGED_INSTANCES is not supported by Gantry yet.")),
        other => Err(client(format!(
            "Invalid launch type in requiresCompatibilities: {other:?}."
        ))),
    }
}

fn size(text: Option<&str>, what: &str, parse: fn(&str) -> Option<u32>) -> Result<Option<u32>, ecs::Error> {
    let Some(text) = text else { return Ok(None) };
    let amount = parse(text).filter(|it| *it > 0);
    amount
        .map(Some)
        .ok_or_else(|| client(format!("Invalid '{what}' setting for task: {text:?}")))
}

fn check_fargate(mode: Option<NetworkMode>, cpu: Option<u32>, memory: Option<u32>) -> Result<(), ecs::Error> {
    if mode != Some(NetworkMode::Awsvpc) {
        return Err(client(
            "Fargate only supports network mode \u{2018}awsvpc\u{2019}.",
        ));
    }
    let cpu = cpu.ok_or_else(|| client("Fargate requires that 'cpu' be defined at the task level."))?;
    let memory =
        memory.ok_or_else(|| client("Fargate requires that 'memory' be defined at the task level."))?;
    if !sizes::is_fargate_size(cpu, memory) {
        return Err(client(format!(
            "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. \
             See the Amazon ECS documentation for the valid values."
        )));
    }
    Ok(())
}

fn volumes(given: &[ecs::Volume], is_fargate: bool) -> Result<Vec<Volume>, ecs::Error> {
    let mut names = BTreeSet::new();
    let volume = |it: &ecs::Volume| {
        let name = it.name.clone().unwrap_or_default();
        if !names::is_name(&name) {
            return Err(client(
                "Volume.name should not be null or empty and contain letters, numbers, hyphens and underscores.",
            ));
        }
        if let Some(member) = unbuilt::in_volume(it) {
            return Err(client(format!(
                "Volume.{member} is not supported by Gantry yet (volume '{name}')."
            )));
        }
        if !names.insert(name.clone()) {
            return Err(client(format!("Duplicate volume name: '{name}'.")));
        }
        let source_path = it
            .host
            .as_ref()
            .and_then(|it| it.source_path.clone())
            .filter(|it| !it.is_empty());
        if source_path.is_some() && is_fargate {
            return Err(client(
                "host.sourcePath should not be set for volumes in Fargate.",
            ));
        }
        if source_path.as_ref().is_some_and(|it| !it.starts_with('/')) {
            return Err(client(format!(
                "Volume '{name}': host.sourcePath must be an absolute path."
            )));
        }
        Ok(Volume { name, source_path })
    };
    given.iter().map(volume).collect()
}

fn check_containers(
    containers: &[ContainerDefinition],
    volumes: &[Volume],
    cpu: Option<u32>,
    memory: Option<u32>,
) -> Result<(), ecs::Error> {
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    if containers.len() > CONTAINERS_MAX {
        return Err(client(format!(
            "A task definition has at most {CONTAINERS_MAX} containers."
        )));
    }
    if !containers.iter().any(|it| it.essential) {
        return Err(client(
            "A task definition must have at least one essential container.",
        ));
    }
    let mut names = BTreeSet::new();
    for container in containers {
        if !names.insert(&container.name) {
            return Err(client(format!("Duplicate container name: '{}'.", container.name)));
        }
        for mount in &container.mount_points {
            let source = mount.source_volume.clone().unwrap_or_default();
            if !volumes.iter().any(|it| it.name == source) {
                return Err(client(format!("Unknown volume '{source}'.")));
            }
            if !mount
                .container_path
                .as_ref()
                .is_some_and(|it| it.starts_with('/'))
            {
                return Err(client(format!(
                    "Mount of volume '{source}': containerPath must be an absolute path."
                )));
            }
        }
    }
    check_ports(containers)?;
    let total_cpu: u64 = containers.iter().map(|it| u64::from(it.cpu)).sum();
    if cpu.is_some_and(|task| total_cpu > u64::from(task)) {
        return Err(client(format!(
            "The total CPU of the containers ({total_cpu}) must not exceed the task's ({}).",
            cpu.unwrap_or(0)
        )));
    }
    let total_memory: u64 = containers.iter().map(|it| u64::from(it.reserved_memory())).sum();
    if memory.is_some_and(|task| total_memory > u64::from(task)) {
        return Err(client(format!(
            "The total memory of the containers ({total_memory} MiB) must not exceed the task's ({} MiB).",
            memory.unwrap_or(0)
        )));
    }
    Ok(())
}

fn check_ports(containers: &[ContainerDefinition]) -> Result<(), ecs::Error> {
    let mut taken = BTreeSet::new();
    for mapping in containers.iter().flat_map(|it| &it.port_mappings) {
        let port = mapping.host_port.unwrap_or(0);
        if port != 0 && !taken.insert((port, mapping.protocol)) {
            return Err(client(format!(
                "The host port {port}/{} is used more than once.",
                mapping.protocol.as_str()
            )));
        }
    }
    Ok(())
}

fn check_execution_role(
    input: &ecs::RegisterTaskDefinitionInput,
    containers: &[ContainerDefinition],
    is_fargate: bool,
) -> Result<(), ecs::Error> {
    let uses_awslogs = containers
        .iter()
        .flat_map(|it| &it.log_configuration)
        .any(|it| it.log_driver == "awslogs");
    if is_fargate && uses_awslogs && input.execution_role_arn.is_none() {
        return Err(client(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
    }
    Ok(())
}

fn runtime_platform(it: &ecs::RuntimePlatform) -> Result<RuntimePlatform, ecs::Error> {
    let family = it
        .operating_system_family
        .as_ref()
        .map(|it| it.as_str().to_owned());
    if family.as_ref().is_some_and(|it| it != "LINUX") {
        return Err(client(
            "Gantry runs Linux containers only: set operatingSystemFamily to LINUX.",
        ));
    }
    let cpu_architecture = it.cpu_architecture.as_ref().map(|it| it.as_str().to_owned());
    Ok(RuntimePlatform {
        cpu_architecture,
        operating_system_family: family,
    })
}

/// EC2 always; EXTERNAL without `awsvpc`; FARGATE if the definition would be valid there.
fn compatibilities(
    mode: Option<NetworkMode>,
    cpu: Option<u32>,
    memory: Option<u32>,
    containers: &[ContainerDefinition],
    placement_constraints: &[PlacementConstraint],
) -> Vec<LaunchType> {
    let mut all = vec![LaunchType::Ec2];
    if mode != Some(NetworkMode::Awsvpc) {
        all.insert(0, LaunchType::External);
    }
    let is_privileged = containers.iter().any(|it| it.privileged == Some(true));
    if check_fargate(mode, cpu, memory).is_ok() && !is_privileged && placement_constraints.is_empty() {
        all.push(LaunchType::Fargate);
    }
    all
}
