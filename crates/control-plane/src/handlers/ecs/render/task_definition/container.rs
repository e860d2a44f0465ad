//! A container definition as it reads back.

use api::ecs;
use domain::container_definition::{
    ContainerDefinition, HealthCheck, LogConfiguration, PortMapping, ResourceRequirement, RestartPolicy,
    Secret,
};

use super::{count, environment_file, linux, pair};

/// The whole definition: lists that Amazon shows empty are `[]`, other members that are not given are absent.
pub fn container(it: &ContainerDefinition) -> ecs::ContainerDefinition {
    ecs::ContainerDefinition {
        name: Some(it.name.clone()),
        image: Some(it.image.clone()),
        cpu: Some(count(it.cpu)),
        memory: it.memory.map(count),
        memory_reservation: it.memory_reservation.map(count),
        port_mappings: Some(all(&it.port_mappings, port_mapping)),
        essential: Some(it.essential),
        entry_point: it.entry_point.clone(),
        command: it.command.clone(),
        environment: Some(all(&it.environment, pair)),
        environment_files: some(&it.environment_files, environment_file),
        mount_points: Some(all(&it.mount_points, |it| ecs::MountPoint {
            source_volume: it.source_volume.clone(),
            container_path: it.container_path.clone(),
            read_only: it.read_only,
        })),
        volumes_from: Some(all(&it.volumes_from, |it| ecs::VolumeFrom {
            read_only: it.read_only,
            source_container: Some(it.source_container.clone()),
        })),
        linux_parameters: it.linux_parameters.as_ref().map(linux::linux_parameters),
        ulimits: some(&it.ulimits, linux::ulimit),
        system_controls: Some(all(&it.system_controls, linux::system_control)),
        start_timeout: it.start_timeout_seconds.map(count),
        stop_timeout: it.stop_timeout_seconds.map(count),
        hostname: it.hostname.clone(),
        user: it.user.clone(),
        working_directory: it.working_directory.clone(),
        privileged: it.privileged,
        readonly_root_filesystem: it.readonly_root_filesystem,
        docker_labels: it.docker_labels.clone(),
        log_configuration: it.log_configuration.as_ref().map(log_configuration),
        interactive: it.interactive,
        pseudo_terminal: it.pseudo_terminal,
        health_check: it.health_check.as_ref().map(health_check),
        version_consistency: it.is_version_consistent.map(|it| match it {
            true => ecs::VersionConsistency::Enabled,
            false => ecs::VersionConsistency::Disabled,
        }),
        ..surroundings(it)
    }
}

/// What it gets from around it: secrets, names, other containers, credentials.
fn surroundings(it: &ContainerDefinition) -> ecs::ContainerDefinition {
    ecs::ContainerDefinition {
        secrets: some(&it.secrets, secret),
        depends_on: some(&it.depends_on, |it| ecs::ContainerDependency {
            condition: ecs::ContainerCondition::from(it.condition.as_str()),
            container_name: it.container_name.clone(),
        }),
        links: it.links.clone(),
        disable_networking: it.disable_networking,
        dns_servers: it.dns_servers.clone(),
        dns_search_domains: it.dns_search_domains.clone(),
        extra_hosts: some(&it.extra_hosts, |it| ecs::HostEntry {
            hostname: it.hostname.clone(),
            ip_address: it.ip_address.clone(),
        }),
        docker_security_options: it.docker_security_options.clone(),
        resource_requirements: some(&it.resource_requirements, resource_requirement),
        firelens_configuration: it
            .firelens_configuration
            .as_ref()
            .map(|it| ecs::FirelensConfiguration {
                options: it.options.clone(),
                r#type: ecs::FirelensConfigurationType::from(it.kind.as_str()),
            }),
        restart_policy: it.restart_policy.as_ref().map(restart_policy),
        credential_specs: it.credential_specs.clone(),
        repository_credentials: it.repository_credentials.clone().map(|credentials_parameter| {
            ecs::RepositoryCredentials {
                credentials_parameter,
            }
        }),
        ..ecs::ContainerDefinition::default()
    }
}

fn all<A, B>(them: &[A], render: impl Fn(&A) -> B) -> Vec<B> {
    them.iter().map(render).collect()
}

fn some<A, B>(them: &Option<Vec<A>>, render: impl Fn(&A) -> B) -> Option<Vec<B>> {
    them.as_ref().map(|them| all(them, render))
}

fn port_mapping(it: &PortMapping) -> ecs::PortMapping {
    ecs::PortMapping {
        container_port: it.container_port.map(i32::from),
        container_port_range: it.container_port_range.map(|it| it.to_string()),
        host_port: it.host_port.map(i32::from),
        protocol: Some(ecs::TransportProtocol::from(it.protocol.as_str())),
        name: it.name.clone(),
        app_protocol: it.app_protocol.as_deref().map(ecs::ApplicationProtocol::from),
    }
}

fn secret(it: &Secret) -> ecs::Secret {
    ecs::Secret {
        name: it.name.clone(),
        value_from: it.value_from.clone(),
    }
}

/// Where output goes.
pub fn log_configuration(it: &LogConfiguration) -> ecs::LogConfiguration {
    ecs::LogConfiguration {
        log_driver: ecs::LogDriver::from(it.log_driver.as_str()),
        options: Some(it.options.clone()),
        secret_options: Some(all(&it.secret_options, secret)),
    }
}

fn health_check(it: &HealthCheck) -> ecs::HealthCheck {
    ecs::HealthCheck {
        command: it.command.clone(),
        interval: Some(count(it.interval_seconds)),
        timeout: Some(count(it.timeout_seconds)),
        retries: Some(count(it.retries)),
        start_period: it.start_period_seconds.map(count),
    }
}

fn resource_requirement(it: &ResourceRequirement) -> ecs::ResourceRequirement {
    ecs::ResourceRequirement {
        r#type: ecs::ResourceType::from(it.kind.as_str()),
        value: it.value.clone(),
    }
}

fn restart_policy(it: &RestartPolicy) -> ecs::ContainerRestartPolicy {
    ecs::ContainerRestartPolicy {
        enabled: it.enabled,
        ignored_exit_codes: it.ignored_exit_codes.clone(),
        restart_attempt_period: it.restart_attempt_period_seconds.map(count),
    }
}
