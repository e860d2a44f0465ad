//! What agents call.

use api::ecs;
use domain::container_definition::{PortRange, TransportProtocol};
use domain::host::{HostPort, Resources};
use domain::tags::Pair;
use domain::task::{ContainerStatus, NetworkBinding, TaskStatus};
use domain::{Scope, TaskArn};
use orchestrator::transitions::{self, ContainerReport, RegisterContainerInstance, TaskReport, Versions};
use store::State;

use super::clusters::require_active;
use super::errors::{self, invalid_parameter};
use super::{names, render, tags};
use crate::call::Call;

#[cfg(test)]
mod tests;

/// `RegisterContainerInstance`: again with its ARN, an agent is the instance of before.
///
/// # Errors
/// ClusterNotFoundException; ClientException for an unknown ARN.
pub async fn register_container_instance(
    call: Call<ecs::RegisterContainerInstance>,
) -> Result<ecs::RegisterContainerInstanceOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let existing = input
        .container_instance_arn
        .as_deref()
        .filter(|it| !it.is_empty());
    let existing = existing
        .map(|it| names::container_instance(&cluster, it))
        .transpose()?;
    let attribute = |it: &ecs::Attribute| Pair {
        name: it.name.clone(),
        value: it.value.clone(),
    };
    let register = RegisterContainerInstance {
        cluster,
        existing,
        total: total(input.total_resources.as_deref().unwrap_or_default())?,
        attributes: input.attributes.iter().flatten().map(attribute).collect(),
        versions: versions(input.version_info.as_ref()),
        tags: tags::parse(input.tags.as_deref())?,
    };
    let store = call.access().store();
    let registered = store
        .transact(move |tx| transitions::register_container_instance(tx, register))
        .await;
    let it = registered.map_err(errors::from_store)?;
    let instance =
        store.read(|state| render::container_instance(state, &it, &[ecs::ContainerInstanceField::Tags]));
    Ok(ecs::RegisterContainerInstanceOutput {
        container_instance: Some(instance),
    })
}

fn versions(given: Option<&ecs::VersionInfo>) -> Versions {
    let said = |member: fn(&ecs::VersionInfo) -> &Option<String>| {
        given.and_then(|it| member(it).clone()).unwrap_or_default()
    };
    Versions {
        agent: said(|it| &it.agent_version),
        agent_hash: said(|it| &it.agent_hash),
        docker: said(|it| &it.docker_version),
    }
}

fn total(given: &[ecs::Resource]) -> Result<Resources, ecs::Error> {
    let find = |name: &str| given.iter().find(|it| it.name.as_deref() == Some(name));
    let integer = |name: &str| {
        let value = find(name)
            .and_then(|it| it.integer_value)
            .and_then(|it| u32::try_from(it).ok());
        value.ok_or_else(|| {
            invalid_parameter(format!(
                "totalResources must have {name}, a number of at least 0."
            ))
        })
    };
    let ports = |name: &str, protocol: TransportProtocol| {
        let texts = find(name)
            .and_then(|it| it.string_set_value.clone())
            .unwrap_or_default();
        texts
            .into_iter()
            .filter_map(|it| it.parse().ok())
            .map(|port| HostPort { port, protocol })
            .collect::<Vec<_>>()
    };
    let mut all = ports("PORTS", TransportProtocol::Tcp);
    all.extend(ports("PORTS_UDP", TransportProtocol::Udp));
    Ok(Resources {
        cpu: integer("CPU")?,
        memory: integer("MEMORY")?,
        ports: all.into_iter().collect(),
        gpus: 0,
    })
}

/// `DiscoverPollEndpoint`: where the sockets are, as the agent reaches this server: perhaps through a tunnel.
///
/// # Errors
/// None.
pub async fn discover_poll_endpoint(
    call: Call<ecs::DiscoverPollEndpoint>,
) -> Result<ecs::DiscoverPollEndpointOutput, ecs::Error> {
    let url = |path| call.origin().http_url(call.access().advertised_endpoint(), path);
    Ok(ecs::DiscoverPollEndpointOutput {
        endpoint: Some(url("/acs/")),
        telemetry_endpoint: Some(url("/tcs/")),
        service_connect_endpoint: None,
    })
}

/// `SubmitTaskStateChange`.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for an unknown task: the agent drops the report then.
pub async fn submit_task_state_change(
    call: Call<ecs::SubmitTaskStateChange>,
) -> Result<ecs::SubmitTaskStateChangeOutput, ecs::Error> {
    let input = call.input();
    let attached = input
        .attachments
        .iter()
        .flatten()
        .any(|it| it.status == "ATTACHED");
    let status = match input.status.as_deref() {
        Some("RUNNING") => Some(TaskStatus::Running),
        Some("STOPPED") => Some(TaskStatus::Stopped),
        Some("PENDING") => Some(TaskStatus::Pending),
        _ => attached.then_some(TaskStatus::Pending),
    };
    let report = TaskReport {
        status,
        reason: input.reason.clone(),
        containers: input.containers.iter().flatten().map(container).collect(),
        pull_started_at: input.pull_started_at,
        pull_stopped_at: input.pull_stopped_at,
        execution_stopped_at: input.execution_stopped_at,
    };
    observe(&call, input.cluster.as_deref(), input.task.as_deref(), report).await?;
    Ok(ecs::SubmitTaskStateChangeOutput {
        acknowledgment: Some("ACK".to_owned()),
    })
}

/// `SubmitContainerStateChange`.
///
/// # Errors
/// As SubmitTaskStateChange.
pub async fn submit_container_state_change(
    call: Call<ecs::SubmitContainerStateChange>,
) -> Result<ecs::SubmitContainerStateChangeOutput, ecs::Error> {
    let input = call.input();
    let change = ecs::ContainerStateChange {
        container_name: input.container_name.clone(),
        runtime_id: input.runtime_id.clone(),
        exit_code: input.exit_code,
        network_bindings: input.network_bindings.clone(),
        reason: input.reason.clone(),
        status: input.status.clone(),
        ..ecs::ContainerStateChange::default()
    };
    let report = TaskReport {
        containers: vec![container(&change)],
        ..TaskReport::default()
    };
    observe(&call, input.cluster.as_deref(), input.task.as_deref(), report).await?;
    Ok(ecs::SubmitContainerStateChangeOutput {
        acknowledgment: Some("ACK".to_owned()),
    })
}

/// `SubmitAttachmentStateChanges`: those of tasks are known, and confirmed with the task's own state. Container instances
/// have none.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for no attachment, and for one of no task that lives.
pub async fn submit_attachment_state_changes(
    call: Call<ecs::SubmitAttachmentStateChanges>,
) -> Result<ecs::SubmitAttachmentStateChangesOutput, ecs::Error> {
    let input = call.input();
    require_cluster(&call, input.cluster.as_deref())?;
    if input.attachments.is_empty() {
        return Err(invalid_parameter("Attachments cannot be empty."));
    }
    let store = call.access().store();
    let unknown = store.read(|state| {
        let arns = input.attachments.iter().map(|it| &it.attachment_arn);
        { arns }
            .find(|arn| !is_attached(state, call.scope(), arn))
            .cloned()
    });
    match unknown {
        Some(arn) => Err(invalid_parameter(format!("The attachment {arn} was not found."))),
        None => Ok(ecs::SubmitAttachmentStateChangesOutput {
            acknowledgment: Some("ACK".to_owned()),
        }),
    }
}

/// Whether an ARN, with or without its cluster, is that of an attachment of a task.
fn is_attached(state: &State, scope: &Scope, arn: &str) -> bool {
    let prefix = format!("arn:aws:ecs:{}:{}:attachment/", scope.region, scope.account);
    let name = arn.strip_prefix(&prefix).unwrap_or_default();
    let (cluster, id) = match name.split_once('/') {
        Some((cluster, id)) => (Some(cluster), id),
        None => (None, name),
    };
    let task = state.task_of_attachment(id);
    task.is_some_and(|it| {
        it.arn.scope() == *scope && cluster.is_none_or(|name| it.arn.cluster().name() == name)
    })
}

/// The cluster that a report names, if it does: tasks are known without.
fn require_cluster<O: wire::Operation>(call: &Call<O>, given: Option<&str>) -> Result<(), ecs::Error> {
    if given.is_none() {
        return Ok(());
    }
    let cluster = names::cluster(call.scope(), given)?;
    call.access()
        .store()
        .read(|state| require_active(state, &cluster))
}

async fn observe<O: wire::Operation>(
    call: &Call<O>,
    cluster: Option<&str>,
    task: Option<&str>,
    report: TaskReport,
) -> Result<(), ecs::Error> {
    require_cluster(call, cluster)?;
    let arn = TaskArn::parse(task.unwrap_or_default()).ok();
    let arn = arn.filter(|it| it.scope() == *call.scope());
    let arn = arn.ok_or_else(|| invalid_parameter("The referenced task was not found."))?;
    let store = call.access().store();
    let observed = store
        .transact(move |tx| transitions::observe_task(tx, &arn, &report))
        .await;
    observed.map_err(errors::from_store)
}

fn container(it: &ecs::ContainerStateChange) -> ContainerReport {
    let status = match it.status.as_deref() {
        Some("RUNNING") => Some(ContainerStatus::Running),
        Some("STOPPED") => Some(ContainerStatus::Stopped),
        _ => None,
    };
    ContainerReport {
        name: it.container_name.clone().unwrap_or_default(),
        status,
        exit_code: it.exit_code,
        reason: it.reason.clone(),
        runtime_id: it.runtime_id.clone(),
        image_digest: it.image_digest.clone(),
        network_bindings: it
            .network_bindings
            .as_ref()
            .map(|them| them.iter().filter_map(binding).collect()),
    }
}

fn binding(it: &ecs::NetworkBinding) -> Option<NetworkBinding> {
    let port = |it: Option<i32>| u16::try_from(it?).ok();
    let range = |it: Option<&String>| PortRange::parse(it?);
    let container = range(it.container_port_range.as_ref());
    let host = range(it.host_port_range.as_ref());
    Some(NetworkBinding {
        bind_ip: it.bind_ip.clone().unwrap_or_default(),
        container_port: container.map_or_else(|| port(it.container_port), |it| Some(it.first))?,
        host_port: host.map_or_else(|| port(it.host_port), |it| Some(it.first))?,
        protocol: match it.protocol.as_ref().map(ecs::TransportProtocol::as_str) {
            Some("udp") => TransportProtocol::Udp,
            _ => TransportProtocol::Tcp,
        },
        following: container.map_or(0, |it| it.last - it.first),
    })
}
