//! A task definition as it reads back: defaults filled as Amazon fills them.

use api::ecs;
use domain::container_definition::{
    ContainerDefinition, LinuxParameters, LogConfiguration, PortMapping, Ulimit,
};
use domain::tags::Pair;
use domain::task_definition::{TaskDefinition, Volume};

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
        container_definitions: Some(it.containers.iter().map(container).collect()),
        family: Some(it.family.clone()),
        task_role_arn: it.task_role_arn.clone(),
        execution_role_arn: it.execution_role_arn.clone(),
        network_mode: it.network_mode.map(|it| ecs::NetworkMode::from(it.as_str())),
        revision: Some(count(it.revision)),
        volumes: Some(it.volumes.iter().map(volume).collect()),
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
        ..ecs::TaskDefinition::default()
    }
}

fn container(it: &ContainerDefinition) -> ecs::ContainerDefinition {
    ecs::ContainerDefinition {
        name: Some(it.name.clone()),
        image: Some(it.image.clone()),
        cpu: Some(count(it.cpu)),
        memory: it.memory.map(count),
        memory_reservation: it.memory_reservation.map(count),
        port_mappings: Some(it.port_mappings.iter().map(port_mapping).collect()),
        essential: Some(it.essential),
        entry_point: it.entry_point.clone(),
        command: it.command.clone(),
        environment: Some(it.environment.iter().map(pair).collect()),
        mount_points: Some(
            it.mount_points
                .iter()
                .map(|it| ecs::MountPoint {
                    source_volume: it.source_volume.clone(),
                    container_path: it.container_path.clone(),
                    read_only: it.read_only,
                })
                .collect(),
        ),
        volumes_from: Some(Vec::new()),
        system_controls: Some(Vec::new()),
        linux_parameters: it.linux_parameters.as_ref().map(linux_parameters),
        stop_timeout: it.stop_timeout_seconds.map(count),
        hostname: it.hostname.clone(),
        user: it.user.clone(),
        working_directory: it.working_directory.clone(),
        privileged: it.privileged,
        readonly_root_filesystem: it.readonly_root_filesystem,
        docker_labels: it.docker_labels.clone(),
        ulimits: it.ulimits.as_ref().map(|them| them.iter().map(ulimit).collect()),
        log_configuration: it.log_configuration.as_ref().map(log_configuration),
        ..ecs::ContainerDefinition::default()
    }
}

/// A name with its value.
pub fn pair(it: &Pair) -> ecs::KeyValuePair {
    ecs::KeyValuePair {
        name: Some(it.name.clone()),
        value: it.value.clone(),
    }
}

fn port_mapping(it: &PortMapping) -> ecs::PortMapping {
    ecs::PortMapping {
        container_port: Some(i32::from(it.container_port)),
        host_port: it.host_port.map(i32::from),
        protocol: Some(ecs::TransportProtocol::from(it.protocol.as_str())),
        name: it.name.clone(),
        app_protocol: it.app_protocol.as_deref().map(ecs::ApplicationProtocol::from),
        ..ecs::PortMapping::default()
    }
}

fn linux_parameters(it: &LinuxParameters) -> ecs::LinuxParameters {
    ecs::LinuxParameters {
        capabilities: it.capabilities.as_ref().map(|it| ecs::KernelCapabilities {
            add: Some(it.add.clone()),
            drop: Some(it.drop.clone()),
        }),
        init_process_enabled: it.init_process_enabled,
        ..ecs::LinuxParameters::default()
    }
}

fn ulimit(it: &Ulimit) -> ecs::Ulimit {
    // `u64::MAX` is how the record holds -1, unlimited.
    let bound = |value: u64| if value == u64::MAX { -1 } else { count(value) };
    ecs::Ulimit {
        name: ecs::UlimitName::from(it.name.as_str()),
        soft_limit: bound(it.soft),
        hard_limit: bound(it.hard),
    }
}

fn log_configuration(it: &LogConfiguration) -> ecs::LogConfiguration {
    ecs::LogConfiguration {
        log_driver: ecs::LogDriver::from(it.log_driver.as_str()),
        options: Some(it.options.clone()),
        secret_options: Some(Vec::new()),
    }
}

fn volume(it: &Volume) -> ecs::Volume {
    ecs::Volume {
        name: Some(it.name.clone()),
        host: Some(ecs::HostVolumeProperties {
            source_path: it.source_path.clone(),
        }),
        ..ecs::Volume::default()
    }
}
