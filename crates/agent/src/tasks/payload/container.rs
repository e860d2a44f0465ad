//! One container of a task from its payload.

use std::collections::BTreeMap;
use std::time::Duration;

use api::acs;
use serde_json::Value;

use super::super::docker_config;
use super::super::task::{
    AboutContainer, AboutTask, Condition, Container, Dependency, HealthCheck, RestartPolicy, task_id,
};
use super::{Refusal, volumes};
use crate::environment_files::EnvironmentFiles;
use crate::host::{ContainerSpec, Link, PortMapping, TransportProtocol};
use crate::log_drivers::{FIRELENS, LogDriver, json_file};
use crate::s3_object::S3Object;
use crate::secrets::{Provider, RegistryLogin, SecretSource};

/// Time between stop signal and SIGKILL if the task definition does not say.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a container must have run to be started again, if its policy does not say.
const RESTART_ATTEMPT_PERIOD: Duration = Duration::from_secs(300);

/// What of the task its containers need.
pub struct Context<'a> {
    /// ARN of the task.
    pub arn: &'a str,
    /// Its volumes.
    pub volumes: &'a [acs::Volume],
    /// Ports of containers are published on the host; elsewhere they are the task's or the host's own.
    pub publishes_ports: bool,
    /// Environment that all containers get; their own wins.
    pub environment: BTreeMap<String, String>,
    /// Where its names are answered.
    pub about: &'a AboutTask,
}

/// Reads a container; `names` are those of all containers of the task.
pub fn container(
    context: &Context<'_>,
    definition: acs::Container,
    names: &[String],
) -> Result<Container, Refusal> {
    let name = required(definition.name, "name")?;
    let mut spec = ContainerSpec {
        task_id: task_id(context.arn).to_owned(),
        name: name.clone(),
        entry_point: definition.entry_point.filter(|it| !it.is_empty()),
        command: definition.command.filter(|it| !it.is_empty()),
        environment: context.environment.clone(),
        // Amazon's agent gives 2 shares to who asks for fewer or none.
        cpu_shares: Some(u32::try_from(definition.cpu.unwrap_or(0)).unwrap_or(0).max(2)),
        memory_mib: definition.memory.and_then(positive),
        privileged: definition.privileged.unwrap_or(false),
        ..ContainerSpec::default()
    };
    let own = definition.environment.unwrap_or_default();
    let files = definition.environment_files.unwrap_or_default();
    let environment_files = environment_files(files, context, &own)?;
    spec.environment.extend(own);
    if let Some(command) = command_override(definition.overrides.as_deref().unwrap_or_default())? {
        spec.command = Some(command);
    }
    let mount_points = definition.mount_points.unwrap_or_default();
    spec.mounts = volumes::mounts(mount_points, context.volumes)?;
    let ports = definition.port_mappings.unwrap_or_default();
    let ports: Vec<PortMapping> = ports.iter().map(port_mapping).collect::<Result<_, _>>()?;
    if context.publishes_ports {
        spec.port_mappings.clone_from(&ports);
    }
    let all = definition.links.unwrap_or_default();
    spec.links = all.iter().map(|it| link(it)).collect();
    let all = definition.volumes_from.unwrap_or_default().into_iter();
    spec.volumes_from = all.map(volumes::volumes_from).collect::<Result<_, _>>()?;
    let docker = definition.docker_config.unwrap_or_default();
    let (config, host_config) = (
        docker.config.unwrap_or_default(),
        docker.host_config.unwrap_or_default(),
    );
    let settings = docker_config::apply(&config, &host_config, &mut spec)?;
    // Amazon's agent names the containers of a task so too.
    spec.hostname = spec.hostname.or_else(|| context.about.private_dns_name.clone());
    resolve_in_vpc(&mut spec, context.about);
    spec.log_limits = json_file::limits(settings.log.as_ref())?;
    let (secrets, log_secrets) = secret_sources(definition.secrets.unwrap_or_default())?;
    let dependencies = definition.depends_on.unwrap_or_default();
    let login = definition.registry_authentication.map(registry_login);
    Ok(Container {
        image: required(definition.image, "image")?,
        is_essential: definition.essential.unwrap_or(true),
        depends_on: depends_on(context.arn, &dependencies, &spec, names)?,
        start_timeout: seconds(definition.start_timeout),
        stop_timeout: seconds(definition.stop_timeout).unwrap_or(STOP_TIMEOUT),
        stop_signal: settings.stop_signal,
        health_check: health_check(definition.health_check_type.as_deref(), settings.health_check)?,
        restart_policy: definition.restart_policy.and_then(restart_policy),
        about: AboutContainer {
            arn: definition.container_arn,
            cpu_units: u32::try_from(definition.cpu.unwrap_or(0)).unwrap_or(0),
            ports,
            labels: settings.labels,
            log: settings.log.clone(),
        },
        log_driver: match settings.log {
            Some(config) if !log_secrets.is_empty() && config.driver != FIRELENS => {
                LogDriver::Deferred(config)
            }
            config => LogDriver::parse(config, &spec)?,
        },
        environment_files,
        secrets,
        log_secrets,
        registry_login: login.transpose()?,
        spec,
    })
}

/// Docker's word for no domain at all.
const NO_DOMAIN: &str = ".";

/// Names are answered by the name servers of its VPC, where it is in one and says nothing else.
fn resolve_in_vpc(spec: &mut ContainerSpec, about: &AboutTask) {
    let names = &mut spec.names;
    if names.dns_servers.is_empty() {
        names.dns_servers.clone_from(&about.domain_name_servers);
    }
    if names.dns_search_domains.is_empty() {
        names.dns_search_domains.clone_from(&about.domain_names);
        // A VPC that completes no names: those of the host do not either.
        if about.domain_names.is_empty() && !about.domain_name_servers.is_empty() {
            names.dns_search_domains.push(NO_DOMAIN.to_owned());
        }
    }
}

fn environment_files(
    given: Vec<acs::EnvironmentFile>,
    context: &Context<'_>,
    own: &BTreeMap<String, String>,
) -> Result<EnvironmentFiles, Refusal> {
    let file = |it: acs::EnvironmentFile| {
        let kind = it.r#type.unwrap_or_default();
        if kind != "s3" {
            return Err(Refusal::unsupported(format!("environment file of type {kind}")));
        }
        let arn = required(it.value, "the value of an environment file")?;
        S3Object::parse(&arn).ok_or_else(|| {
            Refusal::Initialization(format!(
                "unable to parse bucket and key from s3 ARN specified in environmentFile {arn}"
            ))
        })
    };
    let defaults = context.environment.keys().filter(|it| !own.contains_key(*it));
    Ok(EnvironmentFiles {
        files: given.into_iter().map(file).collect::<Result<_, _>>()?,
        defaults: defaults.cloned().collect(),
    })
}

fn positive(count: impl TryInto<u64>) -> Option<u64> {
    count.try_into().ok().filter(|it| *it > 0)
}

/// What has to happen to other containers first.
fn depends_on(
    arn: &str,
    declared: &[acs::ContainerDependency],
    spec: &ContainerSpec,
    names: &[String],
) -> Result<Vec<Dependency>, Refusal> {
    let declared = declared.iter().map(|it| dependency(arn, it, names));
    let mut depends_on = declared.collect::<Result<Vec<_>, _>>()?;
    // Who uses an address or volumes of another comes after it.
    let linked = spec.links.iter().map(|it| &it.container);
    for used in linked.chain(spec.volumes_from.iter().map(|it| &it.container)) {
        let on = position(arn, used, names)?;
        if !depends_on.iter().any(|it| it.on == on) {
            depends_on.push(Dependency {
                on,
                condition: Condition::Start,
            });
        }
    }
    Ok(depends_on)
}

/// Logins of registries come out of Secrets Manager; those of Amazon's own registry are asked for anyway.
fn registry_login(it: acs::RegistryAuthenticationData) -> Result<RegistryLogin, Refusal> {
    let kind = it.r#type.unwrap_or_default();
    if kind != "asm" {
        return Err(Refusal::unsupported(format!(
            "registryAuthentication of type {kind}"
        )));
    }
    let data = it.asm_auth_data.unwrap_or_default();
    Ok(RegistryLogin {
        secret_id: required(data.credentials_parameter, "credentialsParameter")?,
        region: required(data.region, "the region of its registry's login")?,
    })
}

/// What a secret becomes.
enum SecretTarget {
    Variable,
    LogDriver,
}

/// Those that become variables, and those that become options of the log driver.
fn secret_sources(secrets: Vec<acs::Secret>) -> Result<(Vec<SecretSource>, Vec<SecretSource>), Refusal> {
    let (mut variables, mut options) = (Vec::new(), Vec::new());
    for secret in secrets {
        match secret_source(secret)? {
            (SecretTarget::Variable, source) => variables.push(source),
            (SecretTarget::LogDriver, source) => options.push(source),
        }
    }
    Ok((variables, options))
}

/// Secrets become variables, or options of the log driver; files are not built.
fn secret_source(secret: acs::Secret) -> Result<(SecretTarget, SecretSource), Refusal> {
    let name = required(secret.name, "a secret's name")?;
    let kind = secret.r#type.as_deref().unwrap_or("ENVIRONMENT_VARIABLE");
    let target = secret.target.as_deref().unwrap_or("CONTAINER");
    let target = match (kind, target) {
        ("ENVIRONMENT_VARIABLE", "CONTAINER") => SecretTarget::Variable,
        ("ENVIRONMENT_VARIABLE", "LOG_DRIVER") => SecretTarget::LogDriver,
        _ => {
            return Err(Refusal::unsupported(format!(
                "secret {name} of type {kind} for {target}"
            )));
        }
    };
    let provider = match secret.provider.as_deref().unwrap_or("ssm") {
        "ssm" => Provider::Ssm,
        "asm" => Provider::Asm,
        other => return Err(Refusal::unsupported(format!("secret {name} of provider {other}"))),
    };
    let source = SecretSource {
        name,
        value_from: required(secret.value_from, "a secret's valueFrom")?,
        region: required(secret.region, "a secret's region")?,
        provider,
    };
    Ok((target, source))
}

fn required(value: Option<String>, name: &str) -> Result<String, Refusal> {
    value
        .filter(|it| !it.is_empty())
        .ok_or_else(|| Refusal::Malformed(format!("container without {name}")))
}

fn seconds(value: Option<i32>) -> Option<Duration> {
    value
        .and_then(|it| u64::try_from(it).ok())
        .filter(|it| *it > 0)
        .map(Duration::from_secs)
}

/// The check itself is in the text for Docker. Without the type, the Amazon agent reports no health.
fn health_check(kind: Option<&str>, check: Option<HealthCheck>) -> Result<Option<HealthCheck>, Refusal> {
    match kind.unwrap_or_default() {
        "docker" => Ok(check),
        "" => Ok(None),
        other => Err(Refusal::unsupported(format!("healthCheckType {other}"))),
    }
}

fn restart_policy(policy: acs::ContainerRestartPolicy) -> Option<RestartPolicy> {
    if policy.enabled != Some(true) {
        return None;
    }
    Some(RestartPolicy {
        ignored_exit_codes: policy.ignored_exit_codes.unwrap_or_default(),
        attempt_period: seconds(policy.restart_attempt_period).unwrap_or(RESTART_ATTEMPT_PERIOD),
    })
}

/// The overrides of a container are JSON within a text, of which only the command is allowed.
fn command_override(text: &str) -> Result<Option<Vec<String>>, Refusal> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let malformed = |text: String| Refusal::Malformed(format!("overrides: {text}"));
    let mut overrides: BTreeMap<String, Value> =
        serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    let command = overrides.remove("command").filter(|it| !it.is_null());
    if let Some(other) = overrides.keys().next() {
        return Err(malformed(format!("unknown key {other}")));
    }
    let command = command.map(serde_json::from_value).transpose();
    command.map_err(|error| malformed(error.to_string()))
}

fn port_mapping(mapping: &acs::PortMapping) -> Result<PortMapping, Refusal> {
    let port = |value: Option<i32>| {
        let value = value.unwrap_or(0);
        u16::try_from(value).map_err(|_| Refusal::Malformed(format!("port {value}")))
    };
    let protocol = match mapping.protocol.as_deref().unwrap_or("tcp") {
        "tcp" | "" => TransportProtocol::Tcp,
        "udp" => TransportProtocol::Udp,
        other => return Err(Refusal::Malformed(format!("protocol {other}"))),
    };
    let range = mapping.container_port_range.as_deref().unwrap_or_default();
    if range.is_empty() {
        return Ok(PortMapping {
            container_port: port(mapping.container_port)?,
            host_port: port(mapping.host_port)?,
            protocol,
            following: 0,
        });
    }
    let bounds = range.split_once('-').and_then(|(first, last)| {
        let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
        Some((first, last.checked_sub(first)?))
    });
    let (container_port, following) =
        bounds.ok_or_else(|| Refusal::Malformed(format!("containerPortRange {range}")))?;
    Ok(PortMapping {
        container_port,
        host_port: 0,
        protocol,
        following,
    })
}

fn dependency(
    arn: &str,
    dependency: &acs::ContainerDependency,
    names: &[String],
) -> Result<Dependency, Refusal> {
    let on = position(
        arn,
        dependency.container_name.as_deref().unwrap_or_default(),
        names,
    )?;
    let condition = match dependency.condition.as_deref().unwrap_or_default() {
        "START" => Condition::Start,
        "COMPLETE" => Condition::Complete,
        "SUCCESS" => Condition::Success,
        "HEALTHY" => Condition::Healthy,
        other => return Err(Refusal::unsupported(format!("dependsOn condition {other}"))),
    };
    Ok(Dependency { on, condition })
}

fn position(arn: &str, name: &str, names: &[String]) -> Result<usize, Refusal> {
    let found = names.iter().position(|it| it == name);
    found.ok_or_else(|| Refusal::Dependencies(arn.to_owned()))
}

/// `name` or `name:alias`
fn link(text: &str) -> Link {
    let (container, alias) = text.split_once(':').unwrap_or((text, text));
    Link {
        container: container.to_owned(),
        alias: alias.to_owned(),
    }
}
