//! From the task of a payload to the task that this host runs, or the reason why it cannot.

use std::collections::BTreeMap;

use api::acs;
use serde_json::Value;

use self::container::Context;
use super::docker_config::is_neutral;
use super::state::DesiredStatus;
use super::task::{AboutTask, Condition, Container, Task, task_id};
use crate::credentials::{RoleCredentials, RoleType, of_payload};
use crate::firelens::{self, TaskNames};
use crate::host::SandboxNetwork;

mod container;
mod network;
mod volumes;

#[cfg(test)]
mod tests;

/// Members of a task that are understood, or that change nothing on this host.
const TASK_MEMBERS: &[&str] = &[
    "arn",
    "family",
    "version",
    "desiredStatus",
    "overrides",
    "taskClusterArn",
    "taskDefinitionAccountId",
    "serviceName",
    "group",
    "zone",
    "launchType",
    "networkMode",
    "cpu",
    "memory",
    "containers",
    "volumes",
    "elasticNetworkInterfaces",
    "roleCredentials",
    "executionRoleCredentials",
    "pidMode",
    "ipcMode",
];
/// The same of a container.
const CONTAINER_MEMBERS: &[&str] = &[
    "name",
    "image",
    "essential",
    "containerArn",
    "cpu",
    "memory",
    "entryPoint",
    "command",
    "environment",
    "overrides",
    "portMappings",
    "mountPoints",
    "dependsOn",
    "startTimeout",
    "stopTimeout",
    "healthCheckType",
    "dockerConfig",
    "logsAuthStrategy",
    "privileged",
    "links",
    "volumesFrom",
    "secrets",
    "restartPolicy",
    "registryAuthentication",
    "firelensConfiguration",
    "environmentFiles",
];
/// The same of a volume.
const VOLUME_MEMBERS: &[&str] = &[
    "name",
    "type",
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
];
/// Members that hold secrets which must not reach the disk.
const CREDENTIALS: [&str; 2] = ["roleCredentials", "executionRoleCredentials"];

/// A task as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Long ARN.
    pub arn: String,
    /// What is wanted.
    pub desired: DesiredStatus,
    /// The payload's own words, without credentials.
    pub payload: Value,
    /// What is to run; unrunnable if there is a refusal.
    pub task: Task,
    /// Why it cannot run here.
    pub refusal: Option<Refusal>,
    /// Of its roles.
    pub credentials: Vec<(RoleType, RoleCredentials)>,
}

/// Why a task cannot run here, as its reason will say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The payload is not as the protocol has it. The misspelling is Amazon's.
    #[error("UnrecogniedTaskError: Error loading task - {0}")]
    Malformed(String),
    /// It asks for what this agent cannot do.
    #[error("ResourceInitializationError: {0} is not supported by this agent")]
    Unsupported(String),
    /// What it asks for cannot be made.
    #[error("ResourceInitializationError: {0}")]
    Initialization(String),
    /// Its containers wait for each other.
    #[error("Task dependencies cannot be resolved, taskArn: {0}")]
    Dependencies(String),
}

impl Refusal {
    /// It asks for this, which this agent cannot do.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }

    fn of_container(self, name: &str) -> Self {
        match self {
            Self::Malformed(text) => Self::Malformed(format!("container {name}: {text}")),
            Self::Unsupported(text) => Self::Unsupported(format!("container {name}: {text}")),
            other => other,
        }
    }
}

/// Reads one task of a payload. `None` if it has no ARN, so that nobody could be told anything about it.
pub fn arrival(mut payload: Value) -> Option<Arrival> {
    let arn = payload.get("arn")?.as_str()?.to_owned();
    if task_id(&arn).is_empty() || task_id(&arn).contains(|it: char| !it.is_ascii_alphanumeric()) {
        return None;
    }
    let is_stop = payload.get("desiredStatus").and_then(Value::as_str) == Some("STOPPED");
    let (task, refusal) = read(&arn, &payload);
    let credentials = of_payload(&payload);
    drop_secrets(&mut payload);
    let desired = if is_stop {
        DesiredStatus::Stopped
    } else {
        DesiredStatus::Running
    };
    Some(Arrival {
        arn,
        desired,
        payload,
        task,
        refusal,
        credentials,
    })
}

/// Takes out credentials, but for the id that containers hold in their environment.
fn drop_secrets(payload: &mut Value) {
    let Some(task) = payload.as_object_mut() else {
        return;
    };
    for name in CREDENTIALS {
        match task.get_mut(name) {
            Some(Value::Object(members)) => members.retain(|name, _| name == "credentialsId"),
            // Whatever it is, it is no credentials as the protocol has them.
            _ => drop(task.remove(name)),
        }
    }
}

/// Reads a task, from a payload or its record. One without a payload is one that never was here.
pub fn read(arn: &str, payload: &Value) -> (Task, Option<Refusal>) {
    if payload.is_null() {
        return (Task::unrunnable(arn), None);
    }
    match decode(payload).and_then(|task| runnable(arn, payload, task)) {
        Ok(task) => (task, None),
        Err(refusal) => (Task::unrunnable(arn), Some(refusal)),
    }
}

fn decode(payload: &Value) -> Result<acs::Task, Refusal> {
    let bytes = serde_json::to_vec(payload).map_err(|it| Refusal::Malformed(it.to_string()))?;
    wire::json::decode(&bytes).map_err(|it| Refusal::Malformed(it.to_string()))
}

fn runnable(arn: &str, payload: &Value, task: acs::Task) -> Result<Task, Refusal> {
    refuse_unknown(payload, TASK_MEMBERS)?;
    let volumes = task.volumes.unwrap_or_default();
    for volume in payload
        .get("volumes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        refuse_unknown(volume, VOLUME_MEMBERS).map_err(|it| within_volume(it, volume))?;
    }
    let definitions = task.containers.unwrap_or_default();
    if definitions.is_empty() {
        return Err(Refusal::Malformed("a task without containers".to_owned()));
    }
    let interfaces = task.elastic_network_interfaces.unwrap_or_default();
    let network = network::network(task.network_mode.as_deref(), &interfaces)?;
    let about = AboutTask {
        cluster_arn: task.task_cluster_arn.unwrap_or_default(),
        service_name: task.service_name.filter(|it| !it.is_empty()),
        availability_zone: task.zone,
        launch_type: task.launch_type.clone(),
        ..interfaces.first().map(network::about).unwrap_or_default()
    };
    let context = Context {
        arn,
        volumes: &volumes,
        publishes_ports: network == SandboxNetwork::Bridge,
        environment: environment(arn, task.launch_type.as_deref()),
        about: &about,
    };
    let memory_mib = task.memory.and_then(|it| u64::try_from(it).ok());
    let memory_mib = memory_mib.filter(|it| *it > 0);
    let routers = definitions.iter().map(|it| it.firelens_configuration.clone());
    let routers = routers.collect();
    let mut containers = containers(&context, payload, definitions, memory_mib)?;
    let (family, version) = (task.family.unwrap_or_default(), task.version.unwrap_or_default());
    let of_task = TaskNames {
        arn,
        family: &family,
        version: &version,
    };
    let firelens = firelens::arrange(of_task, &network, routers, &mut containers)?;
    let task = Task {
        arn: arn.to_owned(),
        id: task_id(arn).to_owned(),
        family,
        version,
        network,
        firelens,
        about,
        attachment_arn: interfaces.into_iter().next().and_then(|it| it.attachment_arn),
        cpu_units: task
            .cpu
            .filter(|it| *it > 0.0)
            .map(|vcpus| (vcpus * 1024.0).round() as u32),
        memory_mib,
        pid: network::pid_sharing(task.pid_mode.as_deref())?,
        ipc: network::ipc_sharing(task.ipc_mode.as_deref())?,
        volumes: volumes::of_docker(&volumes)?,
        file_systems: volumes::of_efs(&volumes)?,
        credentials_id: task
            .role_credentials
            .and_then(|it| it.credentials_id)
            .filter(|it| !it.is_empty()),
        containers,
    };
    if has_cycle(&task) || waits_for_no_check(&task) {
        return Err(Refusal::Dependencies(arn.to_owned()));
    }
    Ok(task)
}

/// The containers of a task, each checked against what the payload says of it.
fn containers(
    context: &Context<'_>,
    payload: &Value,
    definitions: Vec<acs::Container>,
    task_memory_mib: Option<u64>,
) -> Result<Vec<Container>, Refusal> {
    let names: Vec<String> = definitions
        .iter()
        .map(|it| it.name.clone().unwrap_or_default())
        .collect();
    let raw = payload.get("containers").and_then(Value::as_array);
    let mut containers = Vec::with_capacity(definitions.len());
    for (index, definition) in definitions.into_iter().enumerate() {
        let raw = raw.and_then(|it| it.get(index)).unwrap_or(&Value::Null);
        let read = refuse_unknown(raw, CONTAINER_MEMBERS)
            .and_then(|()| container::container(context, definition, &names))
            .and_then(|it| check_memory(it, task_memory_mib));
        containers.push(read.map_err(|it| it.of_container(&names[index]))?);
    }
    Ok(containers)
}

/// What is not known must ask for nothing.
fn refuse_unknown(value: &Value, known: &[&str]) -> Result<(), Refusal> {
    let mut members = value.as_object().into_iter().flatten();
    match members.find(|(name, value)| !known.contains(&name.as_str()) && !is_neutral(value)) {
        Some((name, _)) => Err(Refusal::unsupported(name)),
        None => Ok(()),
    }
}

fn within_volume(refusal: Refusal, volume: &Value) -> Refusal {
    let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
    match refusal {
        Refusal::Unsupported(what) => Refusal::Unsupported(format!("volume {name}: {what}")),
        other => other,
    }
}

/// What Amazon's agent adds to the environment of each container, as far as this one serves it.
fn environment(arn: &str, launch_type: Option<&str>) -> BTreeMap<String, String> {
    let region = arn.split(':').nth(3).unwrap_or_default();
    let execution = match launch_type {
        Some("FARGATE") => "AWS_ECS_FARGATE",
        Some("EXTERNAL") => "AWS_ECS_EXTERNAL",
        _ => "AWS_ECS_EC2",
    };
    let pairs = [
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_EXECUTION_ENV", execution),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn check_memory(container: Container, task_memory_mib: Option<u64>) -> Result<Container, Refusal> {
    match (container.spec.memory_mib, task_memory_mib) {
        (Some(own), Some(of_task)) if own > of_task => Err(Refusal::Malformed(format!(
            "memory of {own} MiB is above the task's {of_task} MiB"
        ))),
        _ => Ok(container),
    }
}

/// Whether a container waits for the health of one that is not checked.
fn waits_for_no_check(task: &Task) -> bool {
    let all = task.containers.iter().flat_map(|it| &it.depends_on);
    let mut on = all.filter(|it| it.condition == Condition::Healthy);
    on.any(|it| task.containers[it.on].health_check.is_none())
}

/// Whether containers wait for each other: taking away, again and again, those that wait for none of the rest
/// must leave none.
fn has_cycle(task: &Task) -> bool {
    let mut left: Vec<usize> = (0..task.containers.len()).collect();
    loop {
        let before = left.clone();
        left.retain(|index| {
            task.containers[*index]
                .depends_on
                .iter()
                .any(|it| before.contains(&it.on))
        });
        if left.is_empty() || left.len() == before.len() {
            return !left.is_empty();
        }
    }
}
