//! A task definition as it reads back: defaults filled as Amazon fills them.

mod container;
mod linux;
mod volume;

use api::ecs;
use domain::container_definition::EnvironmentFile;
use domain::tags::Pair;
use domain::task_definition::{ProxyConfiguration, TaskDefinition};

pub use container::log_configuration;

use super::count;
use crate::handlers::ecs::placement;

/// The whole definition, without its tags, which stand beside it.
pub fn task_definition(it: &TaskDefinition) -> ecs::TaskDefinition {
    let compatibility = |it: &domain::task_definition::LaunchType| ecs::Compatibility::from(it.as_str());
    let attribute = |it: &Pair| ecs::Attribute {
        name: it.name.clone(),
        ..ecs::Attribute::default()
    };
    ecs::TaskDefinition {
        task_definition_arn: Some(it.arn.to_string()),
        container_definitions: Some(it.containers.iter().map(container::container).collect()),
        family: Some(it.family.clone()),
        task_role_arn: it.task_role_arn.clone(),
        execution_role_arn: it.execution_role_arn.clone(),
        network_mode: it.network_mode.map(|it| ecs::NetworkMode::from(it.as_str())),
        revision: Some(count(it.revision)),
        volumes: Some(it.volumes.iter().map(volume::volume).collect()),
        status: Some(ecs::TaskDefinitionStatus::from(it.status.as_str())),
        requires_attributes: Some(it.requires_attributes.iter().map(attribute).collect()),
        placement_constraints: Some(
            it.placement_constraints
                .iter()
                .map(placement::render_task_definition_constraint)
                .collect(),
        ),
        compatibilities: Some(it.compatibilities.iter().map(compatibility).collect()),
        requires_compatibilities: it
            .requires_compatibilities
            .as_ref()
            .map(|them| them.iter().map(compatibility).collect()),
        runtime_platform: it.runtime_platform.as_ref().map(|it| ecs::RuntimePlatform {
            cpu_architecture: it.cpu_architecture.as_deref().map(ecs::CPUArchitecture::from),
            operating_system_family: it.operating_system_family.as_deref().map(ecs::OSFamily::from),
        }),
        cpu: it.cpu.map(|it| it.to_string()),
        memory: it.memory.map(|it| it.to_string()),
        registered_at: Some(it.registered_at),
        deregistered_at: it.deregistered_at,
        delete_requested_at: it.delete_requested_at,
        registered_by: Some(it.registered_by.clone()),
        pid_mode: it.pid_mode.map(|it| ecs::PidMode::from(it.as_str())),
        ipc_mode: it.ipc_mode.map(|it| ecs::IpcMode::from(it.as_str())),
        proxy_configuration: it.proxy_configuration.as_ref().map(proxy_configuration),
        ephemeral_storage: it.ephemeral_storage_gib.map(|it| ecs::EphemeralStorage {
            size_in_gi_b: count(it),
        }),
        enable_fault_injection: it.enable_fault_injection,
        inference_accelerators: None,
    }
}

/// A file with variables.
pub fn environment_file(it: &EnvironmentFile) -> ecs::EnvironmentFile {
    ecs::EnvironmentFile {
        r#type: ecs::EnvironmentFileType::S3,
        value: it.value.clone(),
    }
}

/// A name with its value.
pub fn pair(it: &Pair) -> ecs::KeyValuePair {
    ecs::KeyValuePair {
        name: Some(it.name.clone()),
        value: it.value.clone(),
    }
}

fn proxy_configuration(it: &ProxyConfiguration) -> ecs::ProxyConfiguration {
    ecs::ProxyConfiguration {
        container_name: it.container_name.clone(),
        properties: Some(it.properties.iter().map(pair).collect()),
        r#type: Some(ecs::ProxyConfigurationType::Appmesh),
    }
}
