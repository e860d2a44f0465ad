//! Container definitions as they come in: checked, defaults filled.

use std::ops::RangeInclusive;

use api::ecs;
use domain::container_definition::{ContainerDefinition, VolumeFrom};
use domain::task_definition::NetworkMode;

use super::{
    environment, health_check, lifecycle, limits, linux_parameters, log_configuration, network, ports,
    volumes,
};
use crate::handlers::ecs::errors::client;
use crate::handlers::ecs::names;

/// Longest name of an image, before its digest.
const IMAGE_LENGTH_MAX: usize = 255;
/// What `dockerSecurityOptions` may begin with.
const SECURITY_OPTIONS: [&str; 4] = ["no-new-privileges", "apparmor:", "label:", "credentialspec:"];

/// What the task as a whole says, as far as its containers depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The mode that holds.
    pub network_mode: NetworkMode,
    /// Memory of the task as a whole, in MiB.
    pub memory: Option<u32>,
}

/// "Invalid setting for container", with the rule that does not hold.
pub fn setting(container: &str, rule: &str) -> ecs::Error {
    client(format!("Invalid setting for container '{container}'. {rule}"))
}

/// A number within its bounds.
///
/// # Errors
/// ClientException that names the member.
pub fn bounded(
    container: &str,
    member: &str,
    value: Option<i32>,
    range: RangeInclusive<i32>,
) -> Result<Option<u32>, ecs::Error> {
    let Some(value) = value else { return Ok(None) };
    let (least, most) = (range.start(), range.end());
    match u32::try_from(value) {
        Ok(number) if range.contains(&value) => Ok(Some(number)),
        _ if *most == i32::MAX => Err(setting(
            container,
            &format!("The '{member}' setting must be at least {least}."),
        )),
        _ => Err(setting(
            container,
            &format!("The '{member}' setting must be between {least} and {most}."),
        )),
    }
}

/// The items of a list, if it was given.
fn list<A, B>(
    given: Option<&Vec<A>>,
    parse: impl Fn(&A) -> Result<B, ecs::Error>,
) -> Result<Option<Vec<B>>, ecs::Error> {
    given.map(|them| them.iter().map(parse).collect()).transpose()
}

/// Checks one container.
///
/// # Errors
/// ClientException, in Amazon's words where they are known.
pub fn parse(task: &Task, it: &ecs::ContainerDefinition) -> Result<ContainerDefinition, ecs::Error> {
    let name = &name(it)?;
    let image = image(it)?;
    let mode = task.network_mode;
    network::check(mode, it)?;
    let (memory, memory_reservation) = limits::memory(task.memory, name, it)?;
    let linux = it.linux_parameters.as_ref();
    let log = it.log_configuration.as_ref();
    let surroundings = surroundings(mode, name, it)?;
    Ok(ContainerDefinition {
        name: name.clone(),
        image,
        cpu: bounded(name, "cpu", it.cpu, 0..=i32::MAX)?.unwrap_or(0),
        memory,
        memory_reservation,
        essential: it.essential.unwrap_or(true),
        port_mappings: ports::parse(mode, name, it.port_mappings.as_deref().unwrap_or_default())?,
        entry_point: it.entry_point.clone(),
        command: it.command.clone(),
        mount_points: it
            .mount_points
            .iter()
            .flatten()
            .map(volumes::mount_point)
            .collect(),
        // The router reads its generated configuration as root: Amazon fills the user in.
        user: it
            .user
            .clone()
            .or_else(|| it.firelens_configuration.as_ref().map(|_| "0".to_owned())),
        working_directory: it.working_directory.clone(),
        hostname: it.hostname.clone(),
        privileged: it.privileged,
        readonly_root_filesystem: it.readonly_root_filesystem,
        docker_labels: it.docker_labels.clone(),
        ulimits: list(it.ulimits.as_ref(), |it| linux_parameters::ulimit(name, it))?,
        linux_parameters: linux.map(|it| linux_parameters::parse(name, it)).transpose()?,
        log_configuration: log.map(|it| log_configuration::parse(name, it)).transpose()?,
        stop_timeout_seconds: lifecycle::timeout(name, "stopTimeout", it.stop_timeout)?,
        start_timeout_seconds: lifecycle::timeout(name, "startTimeout", it.start_timeout)?,
        interactive: it.interactive,
        pseudo_terminal: it.pseudo_terminal,
        health_check: it
            .health_check
            .as_ref()
            .map(|it| health_check::parse(name, it))
            .transpose()?,
        is_version_consistent: lifecycle::is_version_consistent(name, it.version_consistency.as_ref())?,
        ..surroundings
    })
}

/// What a container gets from around it: variables, names, other containers, credentials.
fn surroundings(
    mode: NetworkMode,
    name: &str,
    it: &ecs::ContainerDefinition,
) -> Result<ContainerDefinition, ecs::Error> {
    let secrets = it.secrets.as_deref().map(|it| environment::secrets(name, it));
    let secrets = secrets.transpose()?;
    let variables = environment::parse(name, it.environment.as_deref().unwrap_or_default())?;
    environment::check_names(&variables, secrets.as_deref().unwrap_or_default())?;
    check_options(name, it)?;
    network::check_dns_servers(name, it.dns_servers.as_ref())?;
    let files = it.environment_files.as_deref();
    let firelens = it.firelens_configuration.as_ref();
    let restart_policy = it.restart_policy.as_ref();
    let system_controls = it.system_controls.iter().flatten();
    let system_controls = system_controls.map(|it| linux_parameters::system_control(mode, name, it));
    let extra_hosts = it.extra_hosts.as_deref();
    Ok(ContainerDefinition {
        environment: variables,
        secrets,
        environment_files: files.map(|it| environment::files(name, it)).transpose()?,
        repository_credentials: repository_credentials(it)?,
        links: it.links.clone(),
        depends_on: list(it.depends_on.as_ref(), |it| lifecycle::dependency(name, it))?,
        volumes_from: it.volumes_from.iter().flatten().map(volume_from).collect(),
        disable_networking: it.disable_networking,
        dns_servers: it.dns_servers.clone(),
        dns_search_domains: it.dns_search_domains.clone(),
        extra_hosts: extra_hosts.map(|it| network::extra_hosts(name, it)).transpose()?,
        docker_security_options: it.docker_security_options.clone(),
        system_controls: system_controls.collect::<Result<_, _>>()?,
        resource_requirements: list(it.resource_requirements.as_ref(), |it| {
            limits::resource_requirement(name, it)
        })?,
        firelens_configuration: firelens
            .map(|it| log_configuration::firelens(name, it))
            .transpose()?,
        restart_policy: restart_policy
            .map(|it| lifecycle::restart_policy(name, it))
            .transpose()?,
        credential_specs: it.credential_specs.clone(),
        ..ContainerDefinition::default()
    })
}

fn name(it: &ecs::ContainerDefinition) -> Result<String, ecs::Error> {
    let name = it.name.clone().unwrap_or_default();
    if name.is_empty() {
        return Err(client("Container.name should not be null or empty."));
    }
    if !names::is_name(&name) {
        return Err(client(format!(
            "Container.name contains invalid characters: {name:?}. Up to 255 letters, numbers, hyphens and underscores are allowed."
        )));
    }
    Ok(name)
}

fn image(it: &ecs::ContainerDefinition) -> Result<String, ecs::Error> {
    let image = it.image.clone().unwrap_or_default();
    if image.is_empty() {
        return Err(client("Container.image should not be null or empty."));
    }
    let before_digest = image.split('@').next().unwrap_or_default();
    if before_digest.len() > IMAGE_LENGTH_MAX || image.contains(char::is_whitespace) {
        return Err(client(format!(
            "Container.image contains invalid characters or is too long: {image:?}"
        )));
    }
    Ok(image)
}

fn repository_credentials(it: &ecs::ContainerDefinition) -> Result<Option<String>, ecs::Error> {
    let Some(credentials) = &it.repository_credentials else {
        return Ok(None);
    };
    let parameter = &credentials.credentials_parameter;
    // A secret of the task's own region may be given by its name.
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"/_+=.@-".contains(&it);
    let is_name = (1..=512).contains(&parameter.len()) && parameter.bytes().all(is_letter);
    if !is_name && !environment::is_of_secrets_manager(parameter) {
        return Err(client(format!(
            "Invalid arn syntax. repositoryCredentials.credentialsParameter must be the ARN or the name of a secret: \
             {parameter:?}"
        )));
    }
    Ok(Some(parameter.clone()))
}

fn volume_from(it: &ecs::VolumeFrom) -> VolumeFrom {
    VolumeFrom {
        source_container: it.source_container.clone().unwrap_or_default(),
        read_only: it.read_only,
    }
}

fn check_options(name: &str, it: &ecs::ContainerDefinition) -> Result<(), ecs::Error> {
    let is_known = |option: &String| SECURITY_OPTIONS.iter().any(|it| option.starts_with(it));
    let mut options = it.docker_security_options.iter().flatten();
    if let Some(unknown) = options.find(|it| !is_known(it)) {
        return Err(setting(
            name,
            &format!("Invalid dockerSecurityOptions: {unknown:?}."),
        ));
    }
    let specs = it.credential_specs.as_deref().unwrap_or_default();
    let is_spec =
        |it: &String| it.starts_with("credentialspec:") || it.starts_with("credentialspecdomainless:");
    if specs.len() > 1 || !specs.iter().all(is_spec) {
        return Err(setting(
            name,
            "'credentialSpecs' has at most one item, credentialspec:ARN or credentialspecdomainless:ARN.",
        ));
    }
    Ok(())
}
