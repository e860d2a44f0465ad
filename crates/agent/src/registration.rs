//! Registers this host as a container instance, and again after each start.

use std::path::Path;

use api::ecs;
use domain::ids::Ids;
use serde::{Deserialize, Serialize};

use self::attributes::attributes;
use self::failure::{Failure, Recovery};
use crate::backoff::random;
use crate::config::AgentConfig;
use crate::control_plane::ControlPlane;
use crate::host::HostCapacity;
use crate::tasks::record::replace;

mod attributes;
mod failure;

#[cfg(test)]
mod tests;

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
    /// `agent.json` cannot be read or written.
    #[error("the agent's identity cannot be kept")]
    State(#[from] std::io::Error),
}

/// Registers until it succeeds. Nothing that the control plane answers ends it: what is wrong there may be mended while
/// this agent waits.
///
/// # Errors
/// [`RegistrationError`], for what is wrong on this host.
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
    let container_instance_arn = until_registered(control_plane, config, input, ids).await;
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

/// The ARN that this host gets. An ARN of before that means nothing to the control plane is forgotten: the host comes back as
/// another container instance.
async fn until_registered(
    control_plane: &ControlPlane,
    config: &AgentConfig,
    mut input: ecs::RegisterContainerInstanceInput,
    ids: &Ids,
) -> String {
    let mut has_created_cluster = false;
    let mut failures = 0;
    loop {
        let failure = match attempt(control_plane, &input).await {
            Ok(arn) => return arn,
            Err(failure) => failure,
        };
        match failure.recovery(input.container_instance_arn.is_some()) {
            Recovery::Anew => {
                let gone = input.container_instance_arn.take();
                tracing::warn!(
                    container_instance = gone,
                    error = failure.text(),
                    "this host was deregistered; registering it anew, as another container instance"
                );
                continue;
            }
            Recovery::Cluster if config.cluster == DEFAULT_CLUSTER && !has_created_cluster => {
                has_created_cluster = true;
                create_default_cluster(control_plane).await;
                continue;
            }
            Recovery::Cluster | Recovery::Later => {}
        }
        if let Failure::AttributeNotTaken {
            container_instance_arn: Some(arn),
            ..
        } = &failure
        {
            input.container_instance_arn = Some(arn.clone());
        }
        failures += 1;
        let pause = failure.pause(failures, random(ids));
        tracing::warn!(
            error = failure.text(),
            ?pause,
            "this host is not registered yet: {}",
            failure.next_step(config)
        );
        tokio::time::sleep(pause).await;
        // Somebody may have deleted it since.
        has_created_cluster = false;
    }
}

async fn attempt(
    control_plane: &ControlPlane,
    input: &ecs::RegisterContainerInstanceInput,
) -> Result<String, Failure> {
    let output = control_plane.call::<ecs::RegisterContainerInstance>(input).await;
    let instance = output
        .map_err(Failure::Call)?
        .container_instance
        .unwrap_or_default();
    check_attributes(input, &instance)?;
    let arn = instance.container_instance_arn.filter(|it| !it.is_empty());
    arn.ok_or(Failure::Unnamed)
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
) -> Result<(), Failure> {
    let taken = instance.attributes.as_deref().unwrap_or_default();
    let has = |wanted: &ecs::Attribute| {
        let value = wanted.value.as_deref().unwrap_or_default();
        taken
            .iter()
            .any(|it| it.name == wanted.name && it.value.as_deref().unwrap_or_default() == value)
    };
    match input.attributes.iter().flatten().find(|it| !has(it)) {
        Some(missing) => Err(Failure::AttributeNotTaken {
            name: missing.name.clone(),
            container_instance_arn: instance.container_instance_arn.clone(),
        }),
        None => Ok(()),
    }
}

fn load(file: &Path) -> std::io::Result<Option<Identity>> {
    match std::fs::read(file) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(identity) => Ok(Some(identity)),
            // Registering anew would stop what runs here.
            Err(error) => Err(std::io::Error::other(format!(
                "{}: {error}. Move it away to register this host anew, which stops its tasks",
                file.display()
            ))),
        },
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
