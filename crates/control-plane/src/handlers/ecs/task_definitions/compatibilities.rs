//! Where a task definition could run: the rules of each launch type, which hold if it is required.

use api::ecs;
use domain::container_definition::{ContainerDefinition, LinuxParameters, ResourceType};
use domain::task_definition::{LaunchType, NetworkMode, PidMode, Volume, VolumeKind};

use super::containers::setting;
use super::parse::Draft;
use super::{sizes, task};
use crate::handlers::ecs::errors::client;

/// Least and most CPU units of a task outside FARGATE.
const CPU_UNITS: std::ops::RangeInclusive<u32> = 128..=196_608;
/// Timeouts of containers on FARGATE, in seconds.
const FARGATE_TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 2..=120;
/// Drivers that FARGATE has.
const FARGATE_LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

/// Launch types whose rules the definition keeps.
///
/// # Errors
/// ClientException of the first required one whose rules it does not keep; without any, EC2 is required.
pub fn compatibilities(draft: &Draft) -> Result<Vec<LaunchType>, ecs::Error> {
    let required = draft.requires_compatibilities.as_deref().unwrap_or_default();
    let required = if required.is_empty() {
        &[LaunchType::Ec2]
    } else {
        required
    };
    let mut all = Vec::new();
    for (launch_type, check) in [
        (
            LaunchType::External,
            external as fn(&Draft) -> Result<(), ecs::Error>,
        ),
        (LaunchType::Ec2, ec2),
        (LaunchType::Fargate, fargate),
    ] {
        match check(draft) {
            Ok(()) => all.push(launch_type),
            Err(refusal) if required.contains(&launch_type) => return Err(refusal),
            Err(_) => {}
        }
    }
    Ok(all)
}

fn ec2(draft: &Draft) -> Result<(), ecs::Error> {
    if draft.ephemeral_storage_gib.is_some() {
        return Err(client(
            "Tasks using the EC2 launch type do not support EphemeralStorage.",
        ));
    }
    if draft.cpu.is_some_and(|it| !CPU_UNITS.contains(&it)) {
        return Err(task::invalid_size("cpu"));
    }
    Ok(())
}

fn external(draft: &Draft) -> Result<(), ecs::Error> {
    if draft.network_mode == Some(NetworkMode::Awsvpc) {
        return Err(client(
            "The EXTERNAL launch type only supports the network modes 'bridge', 'host' and 'none'.",
        ));
    }
    let is_refused = |it: &&Volume| !matches!(it.kind, VolumeKind::Bind | VolumeKind::Docker(_));
    if let Some(volume) = draft.volumes.iter().find(is_refused) {
        return Err(client(format!(
            "The EXTERNAL launch type only supports bind mounts and Docker volumes (volume '{}').",
            volume.name
        )));
    }
    ec2(draft)
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
fn fargate(draft: &Draft) -> Result<(), ecs::Error> {
    if draft.network_mode != Some(NetworkMode::Awsvpc) {
        return Err(client(
            "Fargate only supports network mode \u{2018}awsvpc\u{2019}.",
        ));
    }
    check_fargate_size(draft.cpu, draft.memory)?;
    if draft.ipc_mode.is_some() {
        return Err(unsupported("ipcMode"));
    }
    if draft.pid_mode == Some(PidMode::Host) {
        return Err(client(
            "Tasks using the Fargate launch type do not support pidMode 'host'.",
        ));
    }
    if !draft.placement_constraints.is_empty() {
        return Err(client(
            "Placement constraints are not supported with FARGATE launch type.",
        ));
    }
    draft.volumes.iter().try_for_each(fargate_volume)?;
    let has_role = draft.execution_role_arn.is_some();
    let containers = || draft.containers.iter();
    let uses_awslogs = |it: &ContainerDefinition| {
        let log = it.log_configuration.as_ref();
        log.is_some_and(|it| it.log_driver == "awslogs")
    };
    if !has_role && containers().any(uses_awslogs) {
        return Err(execution_role_for("log driver awslogs"));
    }
    if !has_role && containers().any(|it| is_ecr_image(&it.image)) {
        return Err(execution_role_for("ECR images"));
    }
    containers().try_for_each(fargate_container)
}

/// The size is one that FARGATE has.
///
/// # Errors
/// ClientException.
pub fn check_fargate_size(cpu: Option<u32>, memory: Option<u32>) -> Result<(), ecs::Error> {
    let missing = |what: &str| {
        client(format!(
            "Fargate requires that '{what}' be defined at the task level."
        ))
    };
    let cpu = cpu.ok_or_else(|| missing("cpu"))?;
    let memory = memory.ok_or_else(|| missing("memory"))?;
    if !sizes::is_fargate_size(cpu, memory) {
        return Err(client(format!(
            "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. \
             See the Amazon ECS documentation for the valid values."
        )));
    }
    Ok(())
}

/// Whether an image is in a private registry of Amazon.
pub fn is_ecr_image(image: &str) -> bool {
    let registry = image.split('/').next().unwrap_or_default();
    registry.contains(".dkr.ecr.") && registry.contains(".amazonaws.com")
}

fn execution_role_for(what: &str) -> ecs::Error {
    client(format!(
        "Fargate requires task definition to have execution role ARN to support {what}."
    ))
}

fn unsupported(member: &str) -> ecs::Error {
    client(format!(
        "Fargate compatible task definitions do not support {member}"
    ))
}

fn fargate_volume(it: &Volume) -> Result<(), ecs::Error> {
    if it.source_path.is_some() {
        return Err(unsupported("sourcePath"));
    }
    match it.kind {
        VolumeKind::Docker(_) => Err(unsupported("dockerVolumeConfiguration")),
        VolumeKind::FsxWindows(_) => Err(unsupported("fsxWindowsFileServerVolumeConfiguration")),
        VolumeKind::Bind | VolumeKind::Efs(_) | VolumeKind::S3Files(_) | VolumeKind::ConfiguredAtLaunch => {
            Ok(())
        }
    }
}

fn fargate_container(it: &ContainerDefinition) -> Result<(), ecs::Error> {
    if it.privileged == Some(true) {
        return Err(client(
            "Fargate requires that the 'privileged' setting be 'false'.",
        ));
    }
    if it.docker_security_options.iter().flatten().next().is_some() {
        return Err(unsupported("dockerSecurityOptions"));
    }
    let mut resources = it.resource_requirements.iter().flatten();
    if resources.any(|it| it.kind == ResourceType::Gpu) {
        return Err(client(
            "Tasks using the Fargate launch type do not support GPU resource requirements.",
        ));
    }
    let limits = it.ulimits.iter().flatten();
    if let Some(other) = limits.map(|it| it.name.as_str()).find(|it| *it != "nofile") {
        return Err(unsupported(&format!(
            "the ulimit {other}: only nofile can be set"
        )));
    }
    it.linux_parameters.as_ref().map_or(Ok(()), fargate_linux)?;
    for (member, seconds) in [
        ("startTimeout", it.start_timeout_seconds),
        ("stopTimeout", it.stop_timeout_seconds),
    ] {
        let (least, most) = (FARGATE_TIMEOUT_SECONDS.start(), FARGATE_TIMEOUT_SECONDS.end());
        if seconds.is_some_and(|it| !FARGATE_TIMEOUT_SECONDS.contains(&it)) {
            return Err(setting(
                &it.name,
                &format!("The '{member}' setting must be between {least} and {most} on Fargate."),
            ));
        }
    }
    fargate_logs(it)
}

fn fargate_linux(it: &LinuxParameters) -> Result<(), ecs::Error> {
    let is_filled = |it: bool, member: &'static str| it.then_some(member);
    let refused = is_filled(it.devices.iter().flatten().next().is_some(), "devices")
        .or(is_filled(it.shared_memory_size_mib.is_some(), "sharedMemorySize"))
        .or(is_filled(it.tmpfs.iter().flatten().next().is_some(), "tmpfs"))
        .or(is_filled(it.max_swap_mib.is_some(), "maxSwap"))
        .or(is_filled(it.swappiness.is_some(), "swappiness"));
    if let Some(member) = refused {
        return Err(unsupported(member));
    }
    let added = it.capabilities.iter().flat_map(|it| &it.add);
    let mut others = added.filter(|it| it.as_str() != "SYS_PTRACE" && it.as_str() != "CAP_SYS_PTRACE");
    match others.next() {
        Some(other) => Err(client(format!("{other} is not allowed on Fargate."))),
        None => Ok(()),
    }
}

fn fargate_logs(it: &ContainerDefinition) -> Result<(), ecs::Error> {
    if let Some(log) = &it.log_configuration {
        let driver = &log.log_driver;
        if !FARGATE_LOG_DRIVERS.contains(&driver.as_str()) {
            return Err(client(format!(
                "{driver} is not a valid log driver. Must be one of [{}]",
                FARGATE_LOG_DRIVERS.join(",")
            )));
        }
        if driver == "awslogs" && !log.options.contains_key("awslogs-stream-prefix") {
            return Err(client(
                "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
            ));
        }
    }
    let router = it.firelens_configuration.as_ref();
    let options = router.and_then(|it| it.options.as_ref());
    let file = options.and_then(|it| it.get("config-file-type"));
    if file.is_some_and(|it| it == "s3") {
        return Err(client(
            "Fargate launch type does not support FirelensConfiguration config file from 's3'",
        ));
    }
    Ok(())
}
