//! A task as its agent gets it: everything resolved, in the agent's own JSON.

mod docker;
#[cfg(test)]
mod tests;
mod volumes;

use std::collections::BTreeMap;

use api::acs;
use domain::container_definition::{
    ContainerDefinition, Dependency, EnvironmentFile, FirelensConfiguration, HealthCheck, RestartPolicy,
};
use domain::dhcp_options::told_names;
use domain::tags::Pair;
use domain::task::{ContainerOverride, Task, TaskContainer, TaskEni};
use domain::task_definition::{NetworkMode, TaskDefinition};
use domain::vpc::{Subnet, Vpc, internal_name};
use orchestrator::transitions;
use serde_json::{Map, Value, json};
use store::State;

use crate::handlers::ecs::container_arn;

mod secrets;

#[cfg(test)]
pub use secrets::secrets as secrets_of;

/// Bytes of a MiB.
const MIB: u64 = 1024 * 1024;

/// A task; its definition is in the state as long as the task refers to it.
pub fn task(state: &State, it: &Task) -> acs::Task {
    let definition = state.get::<TaskDefinition>(&it.task_definition);
    let (family, version) = it.task_definition.family_and_revision().unwrap_or_default();
    let mode = definition.map_or(NetworkMode::None, |it| it.effective_network_mode());
    let containers = it.containers.iter().filter_map(|container| {
        let definition = definition?.container(&container.name)?;
        let rendered = self::container(it, mode, container, definition);
        Some(acs::Container {
            image: Some(transitions::pinned_image(state, it, definition)),
            environment_files: environment_files(it, definition),
            secrets: secrets::secrets(state, &it.arn.scope(), definition),
            firelens_configuration: definition.firelens_configuration.as_ref().map(firelens),
            registry_authentication: secrets::registry_login(&it.arn.scope(), definition),
            ..rendered
        })
    });
    let scope = it.arn.scope();
    let volumes = definition.iter().flat_map(|it| &it.volumes);
    let volumes = volumes.map(|volume| volumes::volume(state, &scope, volume));
    let cpu = it.overrides.cpu.or(definition.and_then(|it| it.cpu));
    let memory = it.overrides.memory.or(definition.and_then(|it| it.memory));
    acs::Task {
        arn: Some(it.arn.to_string()),
        family: Some(family.to_owned()),
        version: Some(version.to_string()),
        desired_status: Some(it.wish().as_str().to_owned()),
        overrides: Some("{}".to_owned()),
        task_cluster_arn: Some(it.cluster().to_string()),
        task_definition_account_id: Some(it.arn.scope().account),
        service_name: it.service.as_ref().map(|it| it.name().to_owned()),
        group: Some(it.group.clone()),
        zone: Some(it.availability_zone.clone()),
        launch_type: Some(it.launch_type.as_str().to_owned()),
        network_mode: Some(mode.as_str().to_owned()),
        cpu: cpu.map(|units| f64::from(units) / 1024.0),
        memory: memory.map(i64::from),
        containers: Some(containers.collect()),
        volumes: Some(volumes.collect()),
        pid_mode: definition
            .and_then(|it| it.pid_mode)
            .map(|it| it.as_str().to_owned()),
        ipc_mode: definition
            .and_then(|it| it.ipc_mode)
            .map(|it| it.as_str().to_owned()),
        associations: Some(Vec::new()),
        elastic_network_interfaces: it.eni.as_ref().map(|eni| vec![interface(state, it, eni)]),
        ..acs::Task::default()
    }
}

fn interface(state: &State, task: &Task, eni: &TaskEni) -> acs::ElasticNetworkInterface {
    let subnet = state.get::<Subnet>(&eni.subnet_id);
    let vpc = subnet.and_then(|it| state.get::<Vpc>(&it.vpc_id));
    let scope = task.arn.scope();
    let names = vpc.map(|it| {
        let mut options = state.dhcp_options(&it.scope);
        let own = options.find(|options| options.vpc_ids.contains(&it.id));
        told_names(it, own.map(AsRef::as_ref))
    });
    acs::ElasticNetworkInterface {
        attachment_arn: Some(format!(
            "arn:aws:ecs:{}:{}:attachment/{}/{}",
            scope.region,
            scope.account,
            task.cluster().name(),
            eni.attachment_id
        )),
        ec2_id: Some(eni.network_interface_id.clone()),
        mac_address: Some(eni.mac_address.clone()),
        ipv4_addresses: Some(vec![acs::Ipv4Address {
            primary: Some(true),
            private_address: Some(eni.address.to_string()),
        }]),
        subnet_gateway_ipv4_address: subnet.map(|it| format!("{}/{}", it.gateway(), it.cidr.prefix)),
        private_dns_name: Some(internal_name(&scope.region, eni.address)),
        domain_name_servers: names.as_ref().map(|it| it.servers.clone()),
        domain_name: names.map(|it| it.search),
        interface_association_protocol: Some("veth".to_owned()),
        vpc_id: vpc.map(|it| it.id.clone()),
        vpc_cidr: vpc.map(|it| it.cidr.to_string()),
        ..acs::ElasticNetworkInterface::default()
    }
}

fn container(
    task: &Task,
    mode: NetworkMode,
    it: &TaskContainer,
    definition: &ContainerDefinition,
) -> acs::Container {
    let changes = task.overrides.container(&it.name).cloned().unwrap_or_default();
    let memory = changes.memory.or(definition.memory);
    let cpu = changes.cpu.unwrap_or(definition.cpu);
    acs::Container {
        name: Some(it.name.clone()),
        essential: Some(definition.essential),
        container_arn: Some(container_arn(task, it)),
        cpu: i32::try_from(cpu).ok(),
        memory: memory.and_then(|it| i32::try_from(it).ok()),
        entry_point: definition.entry_point.clone(),
        command: changes.command.clone().or_else(|| definition.command.clone()),
        environment: Some(environment(
            &definition.environment,
            changes.environment.as_deref().unwrap_or_default(),
        )),
        overrides: Some("{}".to_owned()),
        port_mappings: Some(port_mappings(definition)),
        links: Some(definition.links.clone().unwrap_or_default()),
        volumes_from: Some(
            definition
                .volumes_from
                .iter()
                .map(|it| acs::VolumeFrom {
                    source_container: Some(it.source_container.clone()),
                    read_only: it.read_only,
                })
                .collect(),
        ),
        mount_points: Some(
            definition
                .mount_points
                .iter()
                .map(|it| acs::MountPoint {
                    source_volume: it.source_volume.clone(),
                    container_path: it.container_path.clone(),
                    read_only: it.read_only,
                })
                .collect(),
        ),
        depends_on: Some(definition.depends_on.iter().flatten().map(dependency).collect()),
        start_timeout: definition
            .start_timeout_seconds
            .and_then(|it| i32::try_from(it).ok()),
        // Amazon's agent takes only the lower case; the check itself is in the text for Docker.
        health_check_type: definition.is_health_checked().then(|| "docker".to_owned()),
        restart_policy: definition.restart_policy.as_ref().map(restart_policy),
        stop_timeout: definition
            .stop_timeout_seconds
            .and_then(|it| i32::try_from(it).ok()),
        docker_config: Some(acs::DockerConfig {
            config: Some(config(definition)),
            host_config: Some(host_config(mode, definition, &changes)),
            version: Some("1.21".to_owned()),
        }),
        ..acs::Container::default()
    }
}

/// Those of the definition, or of the override in their place.
fn environment_files(task: &Task, definition: &ContainerDefinition) -> Option<Vec<acs::EnvironmentFile>> {
    let changes = task.overrides.container(&definition.name);
    let changed = changes.and_then(|it| it.environment_files.as_ref());
    let files = changed.or(definition.environment_files.as_ref())?;
    let file = |it: &EnvironmentFile| acs::EnvironmentFile {
        value: Some(it.value.clone()),
        r#type: Some("s3".to_owned()),
    };
    Some(files.iter().map(file).collect())
}

fn firelens(it: &FirelensConfiguration) -> acs::FirelensConfiguration {
    acs::FirelensConfiguration {
        r#type: Some(it.kind.as_str().to_owned()),
        options: it.options.clone(),
    }
}

fn dependency(it: &Dependency) -> acs::ContainerDependency {
    acs::ContainerDependency {
        container_name: Some(it.container_name.clone()),
        condition: Some(it.condition.as_str().to_owned()),
    }
}

fn restart_policy(it: &RestartPolicy) -> acs::ContainerRestartPolicy {
    let period = it.restart_attempt_period_seconds;
    acs::ContainerRestartPolicy {
        enabled: Some(it.enabled),
        ignored_exit_codes: it.ignored_exit_codes.clone(),
        restart_attempt_period: period.and_then(|it| i32::try_from(it).ok()),
    }
}

/// Docker's `Healthcheck`, in nanoseconds.
fn health_check(it: &HealthCheck) -> Value {
    let nanoseconds = |seconds: u32| u64::from(seconds) * 1_000_000_000;
    json!({
        "Test": it.command,
        "Interval": nanoseconds(it.interval_seconds),
        "Timeout": nanoseconds(it.timeout_seconds),
        "Retries": it.retries,
        "StartPeriod": nanoseconds(it.start_period_seconds.unwrap_or(0)),
    })
}

fn environment(defined: &[Pair], changed: &[Pair]) -> BTreeMap<String, String> {
    let all = defined.iter().chain(changed);
    all.map(|it| (it.name.clone(), it.value.clone().unwrap_or_default()))
        .collect()
}

/// In every network mode, though agents publish them on the bridge only.
fn port_mappings(definition: &ContainerDefinition) -> Vec<acs::PortMapping> {
    let mapping = |it: &domain::container_definition::PortMapping| acs::PortMapping {
        container_port: it.container_port.map(i32::from),
        container_port_range: it.container_port_range.map(|it| it.to_string()),
        host_port: Some(i32::from(it.host_port.unwrap_or(0))),
        protocol: Some(it.protocol.as_str().to_owned()),
    };
    definition.port_mappings.iter().map(mapping).collect()
}

/// Docker's `Config`: what belongs to the image and its process.
fn config(definition: &ContainerDefinition) -> String {
    let mut config = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    put("User", definition.user.as_ref().map(|it| json!(it)));
    put(
        "WorkingDir",
        definition.working_directory.as_ref().map(|it| json!(it)),
    );
    put("Hostname", definition.hostname.as_ref().map(|it| json!(it)));
    put("Labels", definition.docker_labels.as_ref().map(|it| json!(it)));
    put("Healthcheck", definition.health_check.as_ref().map(health_check));
    docker::extend_config(&mut config, definition);
    Value::Object(config).to_string()
}

/// Docker's `HostConfig`: what belongs to the host.
fn host_config(mode: NetworkMode, definition: &ContainerDefinition, changes: &ContainerOverride) -> String {
    let mut config = Map::new();
    config.insert("NetworkMode".to_owned(), json!(mode.as_str()));
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    let capabilities = definition
        .linux_parameters
        .as_ref()
        .and_then(|it| it.capabilities.as_ref());
    put("CapAdd", capabilities.map(|it| json!(it.add)));
    put("CapDrop", capabilities.map(|it| json!(it.drop)));
    put(
        "Init",
        definition
            .linux_parameters
            .as_ref()
            .and_then(|it| it.init_process_enabled)
            .map(|it| json!(it)),
    );
    put("Privileged", definition.privileged.map(|it| json!(it)));
    put(
        "ReadonlyRootfs",
        definition.readonly_root_filesystem.map(|it| json!(it)),
    );
    let ulimits = definition.ulimits.as_ref().map(|them| {
        let signed = |value: u64| i64::try_from(value).unwrap_or(-1);
        let ulimit = |it: &domain::container_definition::Ulimit| {
            json!({ "Name": it.name, "Soft": signed(it.soft), "Hard": signed(it.hard) })
        };
        Value::Array(them.iter().map(ulimit).collect())
    });
    put("Ulimits", ulimits);
    let log = definition.log_configuration.as_ref();
    put(
        "LogConfig",
        log.map(|it| json!({ "Type": it.log_driver, "Config": it.options })),
    );
    let reservation = changes.memory_reservation.or(definition.memory_reservation);
    put(
        "MemoryReservation",
        reservation.map(|it| json!(u64::from(it) * MIB)),
    );
    docker::extend_host_config(&mut config, definition, changes.memory.or(definition.memory));
    Value::Object(config).to_string()
}
