//! The variables by which a container finds the endpoint.

use std::net::SocketAddr;

use super::ids::EndpointIds;
use super::path::CREDENTIALS_PATH;
use crate::config::TaskApi;
use crate::host::{ContainerSpec, SandboxNetwork};
use crate::tasks::task::Task;

/// Tells the SDKs in a container the path of their credentials.
const CREDENTIALS_VARIABLE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/// The AWS APIs as tasks reach them.
const API_IN_TASKS: &str = "http://169.254.170.2:4566";
/// Tells the SDKs in a container of them.
const API_VARIABLE: &str = "AWS_ENDPOINT_URL";
/// Keeps SDKs from putting words before the address, as they do for DiscoverInstances.
const HOST_PREFIX_VARIABLE: &str = "AWS_DISABLE_HOST_PREFIX_INJECTION";
/// The endpoint as tasks with a network of their own reach it.
const ENDPOINT: &str = "http://169.254.170.2";
/// Variables that name the endpoint, and the path before a container's id.
const VARIABLES: [(&str, &str); 3] = [
    ("ECS_CONTAINER_METADATA_URI_V4", "/v4/"),
    ("ECS_CONTAINER_METADATA_URI", "/v3/"),
    ("ECS_AGENT_URI", "/api/"),
];

/// Whether the value of a variable is a key to what only its container may have.
pub fn is_key(variable: &str) -> bool {
    variable == CREDENTIALS_VARIABLE || VARIABLES.iter().any(|(name, _)| *name == variable)
}

/// Tells a container where metadata, credentials and APIs are. What the task definition says of credentials and APIs
/// wins; the endpoint's own variables are the agent's to set, as on Amazon.
pub fn add_endpoint(
    task: &Task,
    task_api: TaskApi,
    ids: &EndpointIds,
    in_host_network: Option<SocketAddr>,
    spec: &mut ContainerSpec,
) {
    if spec.networking_disabled {
        return;
    }
    let endpoint = match (&task.network, in_host_network) {
        (SandboxNetwork::Awsvpc(_) | SandboxNetwork::Bridge, _) => ENDPOINT.to_owned(),
        (SandboxNetwork::Host, Some(address)) => format!("http://{address}"),
        (SandboxNetwork::Host, None) | (SandboxNetwork::None, _) => return,
    };
    let id = ids.of(&task.id, &spec.name);
    for (name, path) in VARIABLES {
        let uri = format!("{endpoint}{path}{id}");
        spec.environment.insert(name.to_owned(), uri);
    }
    let Some(id) = task.credentials_id.as_ref().filter(|_| task.has_endpoint()) else {
        return;
    };
    let path = || format!("{CREDENTIALS_PATH}/{id}");
    spec.environment
        .entry(CREDENTIALS_VARIABLE.to_owned())
        .or_insert_with(path);
    if task_api == TaskApi::Forwarded {
        let api = || API_IN_TASKS.to_owned();
        spec.environment
            .entry(API_VARIABLE.to_owned())
            .or_insert_with(api);
        let environment = spec.environment.entry(HOST_PREFIX_VARIABLE.to_owned());
        environment.or_insert_with(|| "true".to_owned());
    }
}
