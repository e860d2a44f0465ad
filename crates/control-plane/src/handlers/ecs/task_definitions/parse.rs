//! A task definition as it comes in: checked as a whole, defaults filled.

use std::collections::BTreeSet;

use api::ecs;
use domain::Scope;
use domain::container_definition::ContainerDefinition;
use domain::placement::PlacementConstraint;
use domain::tags::Pair;
use domain::task_definition::{
    IpcMode, LaunchType, NetworkMode, PidMode, ProxyConfiguration, RuntimePlatform, Volume,
};

use super::{
    compatibilities, containers, dependencies, limits, linux_parameters, log_configuration, ports, sizes,
    task, volumes,
};
use crate::handlers::ecs::errors::client;
use crate::handlers::ecs::{names, placement, tags};

/// Most containers of a task definition.
const CONTAINERS_MAX: usize = 10;
/// Most bytes of a task definition.
const LENGTH_MAX: usize = 65_536;

/// What a caller registers, before it has a revision.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// As ARN.
    pub execution_role_arn: Option<String>,
    /// As ARN.
    pub task_role_arn: Option<String>,
    /// As given.
    pub runtime_platform: Option<RuntimePlatform>,
    /// At least one.
    pub containers: Vec<ContainerDefinition>,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// `memberOf` only; not on FARGATE.
    pub placement_constraints: Vec<PlacementConstraint>,
    /// As given.
    pub pid_mode: Option<PidMode>,
    /// As given.
    pub ipc_mode: Option<IpcMode>,
    /// As given.
    pub proxy_configuration: Option<ProxyConfiguration>,
    /// GiB.
    pub ephemeral_storage_gib: Option<u32>,
    /// As given.
    pub enable_fault_injection: Option<bool>,
    /// Tags.
    pub tags: Vec<Pair>,
}

/// Checks a task definition.
///
/// # Errors
/// ClientException, in Amazon's words where they are known.
pub fn parse(scope: &Scope, input: &ecs::RegisterTaskDefinitionInput) -> Result<Draft, ecs::Error> {
    check_whole(input)?;
    let network_mode = input.network_mode.as_ref().map(task::network_mode).transpose()?;
    let mode = network_mode.unwrap_or(NetworkMode::Bridge);
    let required = input.requires_compatibilities.as_ref();
    let requires_compatibilities = required
        .map(|it| it.iter().map(task::compatibility).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    let cpu = task::size(input.cpu.as_deref(), "cpu", sizes::cpu_units)?;
    let memory = task::size(input.memory.as_deref(), "memory", sizes::memory_mib)?;
    let of_task = containers::Task {
        network_mode: mode,
        memory,
    };
    let given = &input.container_definitions;
    let containers = given.iter().map(|it| containers::parse(&of_task, it));
    let storage = input.ephemeral_storage.as_ref();
    let platform = input.runtime_platform.as_ref();
    let proxy = input.proxy_configuration.as_ref();
    let mut draft = Draft {
        family: input.family.clone(),
        network_mode,
        requires_compatibilities,
        compatibilities: Vec::new(),
        cpu,
        memory,
        execution_role_arn: task::role(scope, input.execution_role_arn.as_ref())?,
        task_role_arn: task::role(scope, input.task_role_arn.as_ref())?,
        runtime_platform: platform.map(task::runtime_platform).transpose()?,
        containers: containers.collect::<Result<_, _>>()?,
        volumes: volumes::parse(input.volumes.as_deref().unwrap_or_default())?,
        placement_constraints: placement::task_definition_constraints(
            input.placement_constraints.as_deref(),
        )?,
        pid_mode: input.pid_mode.as_ref().map(task::pid_mode).transpose()?,
        ipc_mode: input.ipc_mode.as_ref().map(task::ipc_mode).transpose()?,
        proxy_configuration: proxy.map(|it| task::proxy(mode, given, it)).transpose()?,
        ephemeral_storage_gib: storage.map(task::ephemeral_storage).transpose()?,
        enable_fault_injection: input.enable_fault_injection,
        tags: tags::parse(input.tags.as_deref())?,
    };
    check_together(mode, &draft)?;
    draft.compatibilities = compatibilities::compatibilities(&draft)?;
    Ok(draft)
}

/// What can be said before looking into members.
fn check_whole(input: &ecs::RegisterTaskDefinitionInput) -> Result<(), ecs::Error> {
    if input.family.is_empty() {
        return Err(client("Family should not be null or empty."));
    }
    if !names::is_name(&input.family) {
        return Err(client(
            "Family contains invalid characters. Up to 255 letters, numbers, hyphens and underscores are allowed.",
        ));
    }
    if input.container_definitions.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    if input.container_definitions.len() > CONTAINERS_MAX {
        return Err(client(format!(
            "Too many containers. A task definition has at most {CONTAINERS_MAX}."
        )));
    }
    let length = wire::json::encode(input).len();
    if length > LENGTH_MAX {
        return Err(client(format!(
            "Actual length: '{length}'. Max allowed length is '{LENGTH_MAX}' bytes."
        )));
    }
    // Elastic Inference is no more.
    if input
        .inference_accelerators
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(client("Unsupported field 'inferenceAccelerators'."));
    }
    Ok(())
}

/// What members say of each other.
fn check_together(mode: NetworkMode, draft: &Draft) -> Result<(), ecs::Error> {
    let containers = &draft.containers;
    let mut names = BTreeSet::new();
    for container in containers {
        if !names.insert(&container.name) {
            return Err(client(format!(
                "Container names must be unique within a task definition. Duplicate: '{}'.",
                container.name
            )));
        }
    }
    if !containers.iter().any(|it| it.essential) {
        return Err(client("Task definition doesn't have any essential container."));
    }
    volumes::check_together(containers, &draft.volumes)?;
    ports::check_together(mode, containers)?;
    dependencies::check(containers)?;
    log_configuration::check_together(containers)?;
    limits::check_together(draft.cpu, draft.memory, containers)?;
    check_execution_role(draft)?;
    if draft.enable_fault_injection == Some(true) && !matches!(mode, NetworkMode::Awsvpc | NetworkMode::Host)
    {
        return Err(client(format!(
            "Fault injection is not supported when networkMode={}.",
            mode.as_str()
        )));
    }
    let mut controls = containers.iter().flat_map(|it| &it.system_controls);
    let is_of_ipc = |namespace: &str| linux_parameters::is_of_ipc(namespace);
    match controls.find(|it| draft.ipc_mode == Some(IpcMode::Host) && is_of_ipc(&it.namespace)) {
        Some(control) => Err(client(format!(
            "The system control '{}' is not supported when ipcMode=host.",
            control.namespace
        ))),
        None => Ok(()),
    }
}

/// Who fetches secrets needs a role to do it with.
fn check_execution_role(draft: &Draft) -> Result<(), ecs::Error> {
    if draft.execution_role_arn.is_some() {
        return Ok(());
    }
    let is_filled = |it: &ContainerDefinition| {
        let log = it.log_configuration.as_ref();
        it.secrets.iter().flatten().next().is_some() || log.is_some_and(|it| !it.secret_options.is_empty())
    };
    if draft.containers.iter().any(is_filled) {
        return Err(client(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    if draft
        .containers
        .iter()
        .any(|it| it.repository_credentials.is_some())
    {
        return Err(client(
            "Private repository authentication requires that the task definition specify a value for executionRoleArn.",
        ));
    }
    Ok(())
}
