//! Container definitions as they come in: checked, defaults filled.

use api::ecs;
use domain::container_definition::{
    Capabilities, ContainerDefinition, LinuxParameters, LogConfiguration, MountPoint, PortMapping,
    TransportProtocol, Ulimit,
};
use domain::tags::Pair;
use domain::task_definition::NetworkMode;

use super::unbuilt;
use crate::handlers::ecs::errors::client;
use crate::handlers::ecs::names;

/// Longest name of an image, before its digest.
const IMAGE_LENGTH_MAX: usize = 255;
/// Least memory of a container in MiB, as Docker's.
const MEMORY_MIB_MIN: i32 = 6;
/// Longest time between the stop signal and SIGKILL on FARGATE, in seconds.
const FARGATE_STOP_TIMEOUT_SECONDS_MAX: i32 = 120;

/// What the task as a whole says, as far as its containers depend on it.
pub struct Task {
    /// As given; `None` counts as `bridge`.
    pub network_mode: Option<NetworkMode>,
    /// FARGATE is required.
    pub is_fargate: bool,
    /// Memory of the task as a whole, in MiB.
    pub memory: Option<u32>,
}

/// Checks one container.
///
/// # Errors
/// ClientException, in Amazon's words where they are known.
pub fn parse(task: &Task, it: &ecs::ContainerDefinition) -> Result<ContainerDefinition, ecs::Error> {
    let name = it.name.clone().unwrap_or_default();
    if name.is_empty() {
        return Err(client("Container.name should not be null or empty."));
    }
    if !names::is_name(&name) {
        return Err(client(format!(
            "Container.name contains invalid characters: {name:?}. Up to 255 letters, numbers, hyphens and underscores are allowed."
        )));
    }
    let image = it.image.clone().unwrap_or_default();
    if image.is_empty() {
        return Err(client("Container.image should not be null or empty."));
    }
    if image.split('@').next().unwrap_or_default().len() > IMAGE_LENGTH_MAX
        || image.contains(char::is_whitespace)
    {
        return Err(client(format!(
            "Container.image contains invalid characters or is too long: {image:?}"
        )));
    }
    if let Some(member) = unbuilt::in_container(it) {
        return Err(client(format!(
            "Container.{member} is not supported by Gantry yet (container '{name}')."
        )));
    }
    if it.privileged == Some(true) && task.is_fargate {
        return Err(client(
            "Fargate does not support privileged containers: remove 'privileged'.",
        ));
    }
    if it.hostname.is_some() && task.network_mode == Some(NetworkMode::Awsvpc) {
        return Err(client(
            "The 'hostname' parameter is not supported when networkMode=awsvpc.",
        ));
    }
    let (memory, memory_reservation) = memory(task, &name, it)?;
    Ok(ContainerDefinition {
        cpu: quantity(it.cpu, "cpu", &name)?.unwrap_or(0),
        memory,
        memory_reservation,
        essential: it.essential.unwrap_or(true),
        port_mappings: port_mappings(task, &name, it)?,
        entry_point: it.entry_point.clone(),
        command: it.command.clone(),
        environment: environment(it.environment.as_deref().unwrap_or_default()),
        mount_points: it.mount_points.iter().flatten().map(mount_point).collect(),
        user: it.user.clone(),
        working_directory: it.working_directory.clone(),
        hostname: it.hostname.clone(),
        privileged: it.privileged,
        readonly_root_filesystem: it.readonly_root_filesystem,
        docker_labels: it.docker_labels.clone(),
        ulimits: ulimits(it)?,
        linux_parameters: it.linux_parameters.as_ref().map(linux_parameters),
        log_configuration: it
            .log_configuration
            .as_ref()
            .map(|log| log_configuration(task, log))
            .transpose()?,
        stop_timeout_seconds: stop_timeout(task, &name, it)?,
        name,
        image,
    })
}

/// Variables as given; a name without value is the empty text.
pub fn environment(pairs: &[ecs::KeyValuePair]) -> Vec<Pair> {
    let pair = |it: &ecs::KeyValuePair| Pair {
        name: it.name.clone().unwrap_or_default(),
        value: it.value.clone(),
    };
    pairs.iter().map(pair).collect()
}

fn quantity(value: Option<i32>, what: &str, container: &str) -> Result<Option<u32>, ecs::Error> {
    value.map(u32::try_from).transpose().map_err(|_| {
        client(format!(
            "Invalid setting for container '{container}'. '{what}' must not be negative."
        ))
    })
}

fn memory(
    task: &Task,
    name: &str,
    it: &ecs::ContainerDefinition,
) -> Result<(Option<u32>, Option<u32>), ecs::Error> {
    let hard = it.memory.filter(|it| *it != 0);
    let soft = it.memory_reservation.filter(|it| *it != 0);
    let setting = |text: &str| Err(client(format!("Invalid setting for container '{name}'. {text}")));
    if hard.is_none() && soft.is_none() && task.memory.is_none() {
        return setting("At least one of 'memory' or 'memoryReservation' must be specified.");
    }
    if [hard, soft].into_iter().flatten().any(|it| it < MEMORY_MIB_MIN) {
        return setting(&format!("The minimum memory is {MEMORY_MIB_MIN} MiB."));
    }
    if hard.zip(soft).is_some_and(|(hard, soft)| soft > hard) {
        return setting("The 'memory' setting must be greater than the 'memoryReservation' setting.");
    }
    let hard = quantity(hard, "memory", name)?;
    if hard.zip(task.memory).is_some_and(|(hard, task)| hard > task) {
        return setting("The 'memory' setting for container is greater than for the task.");
    }
    Ok((hard, quantity(soft, "memoryReservation", name)?))
}

fn port_mappings(
    task: &Task,
    name: &str,
    it: &ecs::ContainerDefinition,
) -> Result<Vec<PortMapping>, ecs::Error> {
    let given = it.port_mappings.as_deref().unwrap_or_default();
    if !given.is_empty() && task.network_mode == Some(NetworkMode::None) {
        return Err(client(format!(
            "Networking is disabled for networkMode 'none': container '{name}' must not have port mappings."
        )));
    }
    given
        .iter()
        .map(|mapping| port_mapping(task, name, mapping))
        .collect()
}

fn port_mapping(task: &Task, name: &str, it: &ecs::PortMapping) -> Result<PortMapping, ecs::Error> {
    if it.container_port_range.is_some() {
        return Err(client(format!(
            "containerPortRange is not supported by Gantry yet (container '{name}')."
        )));
    }
    let container_port = it.container_port.unwrap_or(0);
    let container_port = u16::try_from(container_port)
        .ok()
        .filter(|it| *it > 0)
        .ok_or_else(|| {
            client(format!(
                "Invalid 'containerPort' setting for container '{name}': {container_port} is not in 1-65535."
            ))
        })?;
    let given = it.host_port.map(u16::try_from).transpose().map_err(|_| {
        client(format!(
            "Invalid 'hostPort' setting for container '{name}': the port is not in 0-65535."
        ))
    })?;
    let shares_port = matches!(task.network_mode, Some(NetworkMode::Awsvpc | NetworkMode::Host));
    let host_port = match given {
        None | Some(0) if shares_port => container_port,
        Some(port) if shares_port && port != container_port => {
            let mode = task.network_mode.unwrap_or(NetworkMode::Bridge).as_str();
            return Err(client(format!(
                "When networkMode={mode}, the host ports and container ports in port mappings must match."
            )));
        }
        given => given.unwrap_or(0),
    };
    let protocol = match it.protocol.as_ref().map_or("tcp", |it| it.as_str()) {
        "tcp" => TransportProtocol::Tcp,
        "udp" => TransportProtocol::Udp,
        other => {
            return Err(client(format!(
                "Invalid 'protocol' setting for container '{name}': {other:?}."
            )));
        }
    };
    let app_protocol = it.app_protocol.as_ref().map(|it| it.as_str().to_owned());
    if app_protocol.is_some() && it.name.is_none() {
        return Err(client(
            "Port mapping 'name' must be specified when 'appProtocol' is.",
        ));
    }
    Ok(PortMapping {
        container_port,
        host_port: Some(host_port),
        protocol,
        name: it.name.clone(),
        app_protocol,
    })
}

fn mount_point(it: &ecs::MountPoint) -> MountPoint {
    MountPoint {
        source_volume: it.source_volume.clone(),
        container_path: it.container_path.clone(),
        read_only: it.read_only,
    }
}

fn ulimits(it: &ecs::ContainerDefinition) -> Result<Option<Vec<Ulimit>>, ecs::Error> {
    let Some(given) = &it.ulimits else { return Ok(None) };
    let ulimit = |it: &ecs::Ulimit| {
        let name = it.name.as_str();
        if matches!(it.name, ecs::UlimitName::Unmodelled(_)) {
            return Err(client(format!("Invalid ulimit name: {name:?}.")));
        }
        // -1 is Docker's word for unlimited.
        let bound = |value: i32| {
            if value == -1 {
                Some(u64::MAX)
            } else {
                u64::try_from(value).ok()
            }
        };
        let limits = bound(it.soft_limit)
            .zip(bound(it.hard_limit))
            .filter(|(soft, hard)| soft <= hard);
        let (soft, hard) = limits.ok_or_else(|| {
            client(format!(
                "Invalid ulimit {name}: the soft limit must not be greater than the hard limit."
            ))
        })?;
        Ok(Ulimit {
            name: name.to_owned(),
            soft,
            hard,
        })
    };
    given.iter().map(ulimit).collect::<Result<_, _>>().map(Some)
}

fn linux_parameters(it: &ecs::LinuxParameters) -> LinuxParameters {
    let capabilities = it.capabilities.as_ref().map(|it| Capabilities {
        add: it.add.clone().unwrap_or_default(),
        drop: it.drop.clone().unwrap_or_default(),
    });
    LinuxParameters {
        capabilities,
        init_process_enabled: it.init_process_enabled,
    }
}

fn log_configuration(task: &Task, it: &ecs::LogConfiguration) -> Result<LogConfiguration, ecs::Error> {
    if it.secret_options.as_ref().is_some_and(|it| !it.is_empty()) {
        return Err(client(
            "logConfiguration.secretOptions is not supported by Gantry yet.",
        ));
    }
    let options = it.options.clone().unwrap_or_default();
    let log_driver = it.log_driver.as_str().to_owned();
    match log_driver.as_str() {
        "awslogs" => check_awslogs(task, &options)?,
        "json-file" if task.is_fargate => {
            return Err(client(
                "Fargate only supports the log drivers awslogs, splunk and awsfirelens.",
            ));
        }
        "json-file" => {}
        other => {
            return Err(client(format!(
                "Log driver {other} is not supported by Gantry yet: use awslogs."
            )));
        }
    }
    Ok(LogConfiguration { log_driver, options })
}

/// Options that the agent's awslogs driver obeys.
const AWSLOGS_OPTIONS: [&str; 6] = [
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "awslogs-create-group",
    "mode",
    "max-buffer-size",
];

fn check_awslogs(
    task: &Task,
    options: &std::collections::BTreeMap<String, String>,
) -> Result<(), ecs::Error> {
    let mut required = vec!["awslogs-group", "awslogs-region"];
    if task.is_fargate {
        required.push("awslogs-stream-prefix");
    }
    if let Some(missing) = required.into_iter().find(|name| !options.contains_key(*name)) {
        return Err(client(format!("Log driver awslogs requires options: {missing}")));
    }
    let group = &options["awslogs-group"];
    let is_letter = |it: char| it.is_ascii_alphanumeric() || "._-/#".contains(it);
    if group.is_empty() || group.len() > 512 || !group.chars().all(is_letter) {
        return Err(client(
            "Log driver awslogs option 'awslogs-group' contains invalid characters.",
        ));
    }
    if let Some(unknown) = options
        .keys()
        .find(|name| !AWSLOGS_OPTIONS.contains(&name.as_str()))
    {
        return Err(client(format!(
            "Log driver awslogs disallows options: {unknown} (not supported by Gantry yet, or unknown)."
        )));
    }
    Ok(())
}

fn stop_timeout(task: &Task, name: &str, it: &ecs::ContainerDefinition) -> Result<Option<u32>, ecs::Error> {
    let seconds = quantity(it.stop_timeout, "stopTimeout", name)?;
    if task.is_fargate
        && it
            .stop_timeout
            .is_some_and(|it| it > FARGATE_STOP_TIMEOUT_SECONDS_MAX)
    {
        return Err(client(format!(
            "Invalid setting for container '{name}'. 'stopTimeout' must be at most {FARGATE_STOP_TIMEOUT_SECONDS_MAX} seconds on Fargate."
        )));
    }
    Ok(seconds)
}
