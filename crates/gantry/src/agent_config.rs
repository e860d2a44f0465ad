//! What the agent of this machine is told, by `gantry up` and by `gantry agent`.

use std::collections::BTreeSet;

use agent::{AgentConfig, CapacityKind, Publishing, TaskApi};

use crate::arguments::HostOptions;
use crate::data_dir::DataDir;
use crate::keys::Key;

/// Ports that ECS keeps from tasks: SSH, and the agent's own.
const RESERVED_PORTS: [u16; 5] = [22, 2375, 2376, 51678, 51679];

/// What an agent joins.
pub struct Joined<'a> {
    /// `http://127.0.0.1:4566`
    pub endpoint: &'a str,
    /// Its port on this machine, which no task may take.
    pub port: u16,
    /// The control plane's.
    pub region: &'a str,
    /// By name.
    pub cluster: &'a str,
    /// Signs what the agent asks.
    pub key: Key,
}

/// The agent of this machine: a container instance of a cluster, and perhaps where FARGATE tasks run.
pub fn agent_config(
    data_dir: &DataDir,
    joined: Joined<'_>,
    options: &HostOptions,
    capacity: CapacityKind,
) -> AgentConfig {
    let reserved: BTreeSet<u16> = RESERVED_PORTS.into_iter().chain([joined.port]).collect();
    AgentConfig {
        endpoint: joined.endpoint.to_owned(),
        region: joined.region.to_owned(),
        cluster: joined.cluster.to_owned(),
        access_key_id: joined.key.access_key_id,
        secret_access_key: joined.key.secret_access_key,
        state_dir: data_dir.agent(),
        attributes: Vec::new(),
        reserved_ports: reserved.into_iter().collect(),
        capacity,
        images: options.images.settings(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        task_api: task_api(options),
        task_metadata_rate: options.task_metadata_rps_limit,
        introspection: Some(options.introspection),
        publishing: match options.publish {
            true => Publishing::InternetFacing,
            false => Publishing::Nothing,
        },
    }
}

/// Whether tasks are led here.
fn task_api(options: &HostOptions) -> TaskApi {
    match options.no_task_api {
        true => TaskApi::Closed,
        false => TaskApi::Forwarded,
    }
}
