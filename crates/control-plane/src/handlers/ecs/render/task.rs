//! A task, joined with the definition it refers to.

use api::ecs;
use domain::tags::Pair;
use domain::task::{
    ContainerStatus, HealthStatus, NetworkBinding, Overrides, Task, TaskContainer, TaskEni, TaskStatus,
};
use domain::task_definition::{LaunchType, TaskDefinition};
use domain::vpc::internal_name;
use orchestrator::transitions;
use store::State;

use super::task_definition::{environment_file, pair};
use super::{count, launch_type, platform_version};
use crate::handlers::ecs::tags;

/// What FARGATE gives a task that asks for nothing else, on platform version 1.4.0.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html>
const FARGATE_STORAGE_GIB: i32 = 20;

/// A task. Its tags are shown only when asked for.
pub fn task(state: &State, it: &Task, with_tags: bool) -> ecs::Task {
    let definition = state
        .get::<TaskDefinition>(&it.task_definition)
        .map(AsRef::as_ref);
    let is_connected = state
        .get::<domain::host::Host>(&it.host_id)
        .is_some_and(|host| host.is_connected);
    let connectivity = if is_connected {
        ecs::Connectivity::Connected
    } else {
        ecs::Connectivity::Disconnected
    };
    let is_fargate = it.launch_type == LaunchType::Fargate;
    ecs::Task {
        attachments: Some(it.eni.iter().map(|eni| attachment(it, eni)).collect()),
        attributes: Some(attributes(it)),
        availability_zone: Some(it.availability_zone.clone()).filter(|it| !it.is_empty()),
        capacity_provider_name: it.capacity_provider.clone(),
        cluster_arn: Some(it.cluster().to_string()),
        connectivity: it.times.connectivity_at.map(|_| connectivity),
        connectivity_at: it.times.connectivity_at,
        container_instance_arn: it.container_instance.as_ref().map(ToString::to_string),
        containers: Some(
            it.containers
                .iter()
                .map(|container| self::container(state, it, container, definition))
                .collect(),
        ),
        cpu: size(it.overrides.cpu, definition.and_then(|it| it.cpu)),
        created_at: Some(it.times.created_at),
        desired_status: Some(it.desired_status.as_str().to_owned()),
        enable_execute_command: Some(it.enable_execute_command),
        ephemeral_storage: is_fargate.then_some(ecs::EphemeralStorage {
            size_in_gi_b: FARGATE_STORAGE_GIB,
        }),
        execution_stopped_at: it.times.execution_stopped_at,
        fargate_ephemeral_storage: is_fargate.then(|| ecs::TaskEphemeralStorage {
            size_in_gi_b: Some(FARGATE_STORAGE_GIB),
            ..ecs::TaskEphemeralStorage::default()
        }),
        group: Some(it.group.clone()),
        health_status: Some(health_status(definition.map(|definition| it.health(definition)))),
        last_status: Some(it.last_status.as_str().to_owned()),
        launch_type: Some(launch_type(it.launch_type)),
        memory: size(it.overrides.memory, definition.and_then(|it| it.memory)),
        overrides: Some(overrides(&it.overrides, &it.containers)),
        platform_version: platform_version(it.platform_version.as_deref()),
        platform_family: is_fargate.then(|| "Linux".to_owned()),
        pull_started_at: it.times.pull_started_at,
        pull_stopped_at: it.times.pull_stopped_at,
        started_at: it.times.started_at,
        started_by: it.started_by.clone(),
        stop_code: it
            .stop
            .as_ref()
            .map(|stop| ecs::TaskStopCode::from(stop.code.as_str())),
        stopped_at: it.times.stopped_at,
        stopped_reason: it.stop.as_ref().map(|stop| stop.reason.clone()),
        stopping_at: it.times.stopping_at,
        tags: Some(if with_tags {
            tags::render(&it.tags)
        } else {
            Vec::new()
        }),
        task_arn: Some(it.arn.to_string()),
        task_definition_arn: Some(it.task_definition.to_string()),
        version: Some(count_long(it.version)),
        ..ecs::Task::default()
    }
}

fn size<T: ToString>(overridden: Option<T>, defined: Option<T>) -> Option<String> {
    overridden.or(defined).map(|it| it.to_string())
}

fn health_status(it: Option<HealthStatus>) -> ecs::HealthStatus {
    ecs::HealthStatus::from(it.unwrap_or_default().as_str())
}

fn count_long(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn attributes(it: &Task) -> Vec<ecs::Attribute> {
    if it.launch_type != LaunchType::Fargate {
        return Vec::new();
    }
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    };
    vec![ecs::Attribute {
        name: "ecs.cpu-architecture".to_owned(),
        value: Some(architecture.to_owned()),
        ..ecs::Attribute::default()
    }]
}

fn attachment(task: &Task, eni: &TaskEni) -> ecs::Attachment {
    let status = match task.last_status {
        TaskStatus::Provisioning => "ATTACHING",
        TaskStatus::Deprovisioning => "DETACHING",
        TaskStatus::Stopped => "DELETED",
        _ => "ATTACHED",
    };
    let details = [
        ("subnetId", eni.subnet_id.clone()),
        ("networkInterfaceId", eni.network_interface_id.clone()),
        ("macAddress", eni.mac_address.clone()),
        (
            "privateDnsName",
            internal_name(&task.arn.scope().region, eni.address),
        ),
        ("privateIPv4Address", eni.address.to_string()),
    ];
    ecs::Attachment {
        id: Some(eni.attachment_id.clone()),
        r#type: Some("ElasticNetworkInterface".to_owned()),
        status: Some(status.to_owned()),
        details: Some(
            details
                .into_iter()
                .map(|(name, value)| pair(&Pair::new(name, value)))
                .collect(),
        ),
    }
}

fn container(
    state: &State,
    task: &Task,
    it: &TaskContainer,
    definition: Option<&TaskDefinition>,
) -> ecs::Container {
    let definition = definition.and_then(|all| all.container(&it.name));
    let changes = task.overrides.container(&it.name);
    let cpu = changes
        .and_then(|it| it.cpu)
        .or(definition.map(|it| it.cpu))
        .unwrap_or(0);
    let memory = changes
        .and_then(|it| it.memory)
        .or(definition.and_then(|it| it.memory));
    let reservation = changes
        .and_then(|it| it.memory_reservation)
        .or(definition.and_then(|it| it.memory_reservation));
    let interface = task.eni.iter().map(|eni| ecs::NetworkInterface {
        attachment_id: Some(eni.attachment_id.clone()),
        private_ipv4_address: Some(eni.address.to_string()),
        ..ecs::NetworkInterface::default()
    });
    ecs::Container {
        container_arn: Some(container_arn(task, it)),
        task_arn: Some(task.arn.to_string()),
        name: Some(it.name.clone()),
        image: definition.map(|it| transitions::pinned_image(state, task, it)),
        image_digest: it.image_digest.clone(),
        runtime_id: it.runtime_id.clone(),
        last_status: Some(it.last_status.as_str().to_owned()),
        exit_code: it.exit_code,
        reason: it.reason.clone(),
        network_bindings: Some(it.network_bindings.iter().map(network_binding).collect()),
        network_interfaces: Some(interface.collect()),
        health_status: Some(health_status(it.health.as_ref().map(|it| it.status))),
        cpu: Some(cpu.to_string()),
        memory: memory.map(|it| it.to_string()),
        memory_reservation: reservation.map(|it| it.to_string()),
        managed_agents: task
            .enable_execute_command
            .then(|| vec![execute_command_agent(task, it)]),
        ..ecs::Container::default()
    }
}

/// What runs commands is the agent of the host, so it is there as long as the container runs.
fn execute_command_agent(task: &Task, container: &TaskContainer) -> ecs::ManagedAgent {
    let started_at = match container.last_status {
        ContainerStatus::Pending => None,
        ContainerStatus::Running | ContainerStatus::Stopped => task.times.started_at,
    };
    ecs::ManagedAgent {
        name: Some(ecs::ManagedAgentName::ExecuteCommandAgent),
        last_status: Some(container.last_status.as_str().to_owned()),
        last_started_at: started_at,
        reason: None,
    }
}

/// `arn:aws:ecs:<region>:<account>:container/<cluster>/<task id>/<uuid>`
pub fn container_arn(task: &Task, container: &TaskContainer) -> String {
    let domain::Scope { account, region } = task.arn.scope();
    format!(
        "arn:aws:ecs:{region}:{account}:container/{}/{}",
        task.arn.path(),
        container.id
    )
}

fn network_binding(it: &NetworkBinding) -> ecs::NetworkBinding {
    let is_range = it.following > 0;
    let port = |it: u16| (!is_range).then(|| i32::from(it));
    let range = |first: u16| is_range.then(|| format!("{first}-{}", first.saturating_add(it.following)));
    ecs::NetworkBinding {
        bind_ip: Some(it.bind_ip.clone()),
        container_port: port(it.container_port),
        container_port_range: range(it.container_port),
        host_port: port(it.host_port),
        host_port_range: range(it.host_port),
        protocol: Some(ecs::TransportProtocol::from(it.protocol.as_str())),
    }
}

/// One entry for each container, also where nothing is changed.
fn overrides(it: &Overrides, containers: &[TaskContainer]) -> ecs::TaskOverride {
    let entry = |container: &TaskContainer| {
        let changes = it.container(&container.name).cloned().unwrap_or_default();
        ecs::ContainerOverride {
            name: Some(container.name.clone()),
            command: changes.command,
            environment: changes.environment.map(|them| them.iter().map(pair).collect()),
            environment_files: changes
                .environment_files
                .map(|them| them.iter().map(environment_file).collect()),
            cpu: changes.cpu.map(count),
            memory: changes.memory.map(count),
            memory_reservation: changes.memory_reservation.map(count),
            ..ecs::ContainerOverride::default()
        }
    };
    ecs::TaskOverride {
        container_overrides: Some(containers.iter().map(entry).collect()),
        cpu: it.cpu.map(|it| it.to_string()),
        memory: it.memory.map(|it| it.to_string()),
        task_role_arn: it.task_role_arn.clone(),
        execution_role_arn: it.execution_role_arn.clone(),
        inference_accelerator_overrides: Some(Vec::new()),
        ..ecs::TaskOverride::default()
    }
}
