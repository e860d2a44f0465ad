//! A container instance with what its host has and has left.

use api::ecs;
use domain::container_definition::TransportProtocol;
use domain::container_instance::ContainerInstance;
use domain::host::{Host, Resources};
use domain::tags::Pair;
use store::State;

use super::count;
use crate::handlers::ecs::tags;

/// A container instance; tags and health are shown only if `include` names them.
pub fn container_instance(
    state: &State,
    it: &ContainerInstance,
    include: &[ecs::ContainerInstanceField],
) -> ecs::ContainerInstance {
    let shows = |field: &str| include.iter().any(|it| it.as_str() == field);
    let tally = state.container_instance_tally(&it.arn);
    ecs::ContainerInstance {
        running_tasks_count: Some(count(tally.running)),
        pending_tasks_count: Some(count(tally.pending)),
        health_status: shows("CONTAINER_INSTANCE_HEALTH").then(health),
        tags: Some(if shows("TAGS") {
            tags::render(&it.tags)
        } else {
            Vec::new()
        }),
        ..container_instance_on(it, state.get::<Host>(&it.host_id).map(AsRef::as_ref))
    }
}

/// What is known of a container instance by itself and its host.
pub fn container_instance_on(it: &ContainerInstance, host: Option<&Host>) -> ecs::ContainerInstance {
    let total = host.map(|it| it.total.clone()).unwrap_or_default();
    let promised = host.map(|it| it.promised.clone()).unwrap_or_default();
    let remaining = Resources {
        cpu: total.cpu.saturating_sub(promised.cpu),
        memory: total.memory.saturating_sub(promised.memory),
        ports: total.ports.union(&promised.ports).copied().collect(),
        gpus: 0,
    };
    let attribute = |it: &Pair| ecs::Attribute {
        name: it.name.clone(),
        value: it.value.clone(),
        ..ecs::Attribute::default()
    };
    ecs::ContainerInstance {
        container_instance_arn: Some(it.arn.to_string()),
        ec2_instance_id: Some(it.ec2_instance_id.clone()),
        version: Some(i64::try_from(it.version).unwrap_or(i64::MAX)),
        version_info: Some(ecs::VersionInfo {
            agent_version: said(&it.agent_version),
            agent_hash: said(&it.agent_hash),
            docker_version: said(&it.docker_version),
        }),
        remaining_resources: Some(resources(&remaining)),
        registered_resources: Some(resources(&total)),
        status: Some(it.status.as_str().to_owned()),
        agent_connected: Some(host.is_some_and(|it| it.is_connected)),
        attributes: Some(it.attributes.iter().map(attribute).collect()),
        registered_at: Some(it.registered_at),
        attachments: Some(Vec::new()),
        ..ecs::ContainerInstance::default()
    }
}

/// Versions that the agent did not say are absent.
fn said(version: &str) -> Option<String> {
    (!version.is_empty()).then(|| version.to_owned())
}

/// Agents report no health of their host yet, which Amazon calls a lack of data.
fn health() -> ecs::ContainerInstanceHealthStatus {
    let unknown = ecs::InstanceHealthCheckState::InsufficientData;
    ecs::ContainerInstanceHealthStatus {
        overall_status: Some(unknown.clone()),
        details: Some(vec![ecs::InstanceHealthCheckResult {
            r#type: Some(ecs::InstanceHealthCheckType::ContainerRuntime),
            status: Some(unknown),
            ..ecs::InstanceHealthCheckResult::default()
        }]),
    }
}

/// As Amazon shows them: PORTS are those taken.
fn resources(it: &Resources) -> Vec<ecs::Resource> {
    let integer = |name: &str, value: u32| ecs::Resource {
        name: Some(name.to_owned()),
        r#type: Some("INTEGER".to_owned()),
        double_value: Some(0.0),
        long_value: Some(0),
        integer_value: Some(count(value)),
        ..ecs::Resource::default()
    };
    let ports = |name: &str, protocol: TransportProtocol| ecs::Resource {
        name: Some(name.to_owned()),
        r#type: Some("STRINGSET".to_owned()),
        double_value: Some(0.0),
        long_value: Some(0),
        integer_value: Some(0),
        string_set_value: Some(
            it.ports
                .iter()
                .filter(|it| it.protocol == protocol)
                .map(|it| it.port.to_string())
                .collect(),
        ),
    };
    vec![
        integer("CPU", it.cpu),
        integer("MEMORY", it.memory),
        ports("PORTS", TransportProtocol::Tcp),
        ports("PORTS_UDP", TransportProtocol::Udp),
    ]
}
