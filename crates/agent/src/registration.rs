//! Registers this host as a container instance, and again after each start.

use std::path::Path;
use std::time::Duration;

use api::ecs;
use domain::ids::Ids;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use wire::client::ClientError;

use self::attributes::attributes;
use crate::backoff::{Backoff, random};
use crate::config::AgentConfig;
use crate::control_plane::{CallError, ControlPlane};
use crate::host::HostCapacity;
use crate::tasks::record::replace;

mod attributes;

#[cfg(test)]
mod tests;

/// Attempts go on for this long.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Pauses when the control plane asks to slow down or is at fault.
const REFUSED: Backoff = Backoff {
    first: Duration::from_secs(3),
    longest: Duration::from_secs(192),
    factor: 2.0,
    jitter: 0.2,
};
/// Pauses when nobody answers: it may just be starting.
const UNREACHABLE: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(5),
    factor: 1.5,
    jitter: 0.2,
};
/// Memory that is not for tasks: at least this, or this part of all.
const RESERVED_MEMORY_MIB: u64 = 256;
const RESERVED_MEMORY_PART: u64 = 20;
/// The cluster that is created if it is missing.
const DEFAULT_CLUSTER: &str = "default";

/// Who this agent is to the control plane; kept in `agent.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Cluster as configured.
    pub cluster: String,
    /// ARN from the registration.
    pub container_instance_arn: String,
}

/// Why this host is no container instance.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// It is one of another cluster.
    #[error(
        "this host is registered in cluster {registered}, not {configured}; clear the agent's state to register it anew"
    )]
    OtherCluster {
        /// Cluster in `agent.json`.
        registered: String,
        /// Cluster of the configuration.
        configured: String,
    },
    /// The control plane refuses it for good.
    #[error("the registration was refused: {0}")]
    Refused(String),
    /// The answer does not repeat what was registered.
    #[error("the control plane did not take attribute {0}")]
    AttributeNotTaken(String),
    /// `agent.json` cannot be read or written.
    #[error("the agent's identity cannot be kept")]
    State(#[from] std::io::Error),
}

/// Registers until it succeeds or is refused for good.
///
/// # Errors
/// [`RegistrationError`].
pub async fn register(
    control_plane: &ControlPlane,
    config: &AgentConfig,
    capacity: &HostCapacity,
    ids: &Ids,
) -> Result<Identity, RegistrationError> {
    let file = config.state_dir.join("agent.json");
    let known = load(&file)?;
    if let Some(known) = known.as_ref().filter(|it| it.cluster != config.cluster) {
        return Err(RegistrationError::OtherCluster {
            registered: known.cluster.clone(),
            configured: config.cluster.clone(),
        });
    }
    let input = input(config, capacity, known.map(|it| it.container_instance_arn));
    let instance = until_registered(control_plane, config, &input, ids).await?;
    check_attributes(&input, &instance)?;
    let container_instance_arn = instance.container_instance_arn.unwrap_or_default();
    if container_instance_arn.is_empty() {
        return Err(RegistrationError::Refused(
            "the answer names no container instance".to_owned(),
        ));
    }
    let identity = Identity {
        cluster: config.cluster.clone(),
        container_instance_arn,
    };
    save(&file, &identity)?;
    tracing::info!(
        container_instance = identity.container_instance_arn,
        cluster = identity.cluster,
        "registered"
    );
    Ok(identity)
}

async fn until_registered(
    control_plane: &ControlPlane,
    config: &AgentConfig,
    input: &ecs::RegisterContainerInstanceInput,
    ids: &Ids,
) -> Result<ecs::ContainerInstance, RegistrationError> {
    let begun = Instant::now();
    let mut has_created_cluster = false;
    let mut failures = 0;
    loop {
        let error = match control_plane.call::<ecs::RegisterContainerInstance>(input).await {
            Ok(output) => return Ok(output.container_instance.unwrap_or_default()),
            Err(error) => error,
        };
        if !has_created_cluster && config.cluster == DEFAULT_CLUSTER && is_cluster_missing(&error) {
            has_created_cluster = true;
            create_default_cluster(control_plane).await;
            continue;
        }
        failures += 1;
        let pause = match pause(&error, failures, random(ids)) {
            Some(pause) if begun.elapsed() < PATIENCE => pause,
            _ => return Err(RegistrationError::Refused(error.text())),
        };
        tracing::warn!(error = error.text(), ?pause, "not registered yet");
        tokio::time::sleep(pause).await;
    }
}

fn is_cluster_missing(error: &CallError<ecs::Error>) -> bool {
    match error {
        CallError::Answer(ClientError::Service(ecs::Error::ClusterNotFoundException(_))) => true,
        // Amazon's own service answers so.
        CallError::Answer(ClientError::Service(ecs::Error::ClientException(it))) => {
            it.message.as_deref() == Some("Cluster not found.")
        }
        _ => false,
    }
}

async fn create_default_cluster(control_plane: &ControlPlane) {
    let input = ecs::CreateClusterInput {
        cluster_name: Some(DEFAULT_CLUSTER.to_owned()),
        ..ecs::CreateClusterInput::default()
    };
    if let Err(error) = control_plane.call::<ecs::CreateCluster>(&input).await {
        tracing::warn!(error = error.text(), "cannot create the default cluster");
    }
}

/// How long to wait before the next attempt; `None`: there is no use in one.
fn pause(error: &CallError<ecs::Error>, failures: u32, random: f64) -> Option<Duration> {
    if matches!(error, CallError::Unreachable(_)) {
        return Some(UNREACHABLE.pause(failures, random));
    }
    let is_passing = error.is_transient()
        || matches!(
            error.code(),
            Some("ThrottlingException" | "ServerException" | "LimitExceededException")
        );
    is_passing.then(|| REFUSED.pause(failures, random))
}

fn input(
    config: &AgentConfig,
    capacity: &HostCapacity,
    container_instance_arn: Option<String>,
) -> ecs::RegisterContainerInstanceInput {
    let attributes = attributes(config)
        .into_iter()
        .map(|(name, value)| ecs::Attribute {
            name,
            value,
            ..ecs::Attribute::default()
        });
    ecs::RegisterContainerInstanceInput {
        attributes: Some(attributes.collect()),
        cluster: Some(config.cluster.clone()),
        container_instance_arn,
        total_resources: Some(total_resources(config, capacity)),
        version_info: Some(ecs::VersionInfo {
            agent_version: Some(config.version.clone()),
            ..ecs::VersionInfo::default()
        }),
        ..ecs::RegisterContainerInstanceInput::default()
    }
}

fn total_resources(config: &AgentConfig, capacity: &HostCapacity) -> Vec<ecs::Resource> {
    let integer = |name: &str, value: u64| ecs::Resource {
        name: Some(name.to_owned()),
        r#type: Some("INTEGER".to_owned()),
        integer_value: Some(i32::try_from(value).unwrap_or(i32::MAX)),
        ..ecs::Resource::default()
    };
    let ports = |name: &str, ports: &[u16]| ecs::Resource {
        name: Some(name.to_owned()),
        r#type: Some("STRINGSET".to_owned()),
        string_set_value: Some(ports.iter().map(ToString::to_string).collect()),
        ..ecs::Resource::default()
    };
    let reserved = RESERVED_MEMORY_MIB.max(capacity.memory_mib / RESERVED_MEMORY_PART);
    vec![
        integer("CPU", u64::from(capacity.cpu_units)),
        integer("MEMORY", capacity.memory_mib.saturating_sub(reserved)),
        ports("PORTS", &config.reserved_ports),
        ports("PORTS_UDP", &[]),
    ]
}

/// What was not taken would make placement believe something else than this agent does.
fn check_attributes(
    input: &ecs::RegisterContainerInstanceInput,
    instance: &ecs::ContainerInstance,
) -> Result<(), RegistrationError> {
    let taken = instance.attributes.as_deref().unwrap_or_default();
    let has = |wanted: &ecs::Attribute| {
        let value = wanted.value.as_deref().unwrap_or_default();
        taken
            .iter()
            .any(|it| it.name == wanted.name && it.value.as_deref().unwrap_or_default() == value)
    };
    match input.attributes.iter().flatten().find(|it| !has(it)) {
        Some(missing) => Err(RegistrationError::AttributeNotTaken(missing.name.clone())),
        None => Ok(()),
    }
}

fn load(file: &Path) -> std::io::Result<Option<Identity>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// This one is written with fsync: without it a host would come back as another one.
fn save(file: &Path, identity: &Identity) -> std::io::Result<()> {
    replace(file, &serde_json::to_vec_pretty(identity)?)?;
    std::fs::File::open(file)?.sync_all()?;
    match file.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
