//! Valid members that Gantry does not obey yet: refused after everything else was checked, since a task that runs
//! without its secrets would only pretend. A feature that is built takes its line out.

use api::ecs;
use domain::container_definition::{ContainerDefinition, LogConfiguration};
use domain::task_definition::{Volume, VolumeKind};

use super::log_configuration::{AWSLOGS_OPTIONS, COMMON, FIRELENS};
use super::parse::Draft;
use crate::handlers::ecs::errors::{client, is_filled};

/// A member by name, and whether something of it would have to be obeyed.
type Member<T> = (&'static str, fn(&T) -> bool);

const OF_TASK: [Member<Draft>; 4] = [
    ("proxyConfiguration", |it| it.proxy_configuration.is_some()),
    (
        "ephemeralStorage (no quota holds tasks to a share of their host's disk)",
        |it| it.ephemeral_storage_gib.is_some(),
    ),
    ("enableFaultInjection", |it| {
        it.enable_fault_injection == Some(true)
    }),
    ("runtimePlatform.operatingSystemFamily", |it| {
        let platform = it.runtime_platform.as_ref();
        let family = platform.and_then(|it| it.operating_system_family.as_ref());
        family.is_some_and(|it| it != "LINUX")
    }),
];

const OF_CONTAINER: [Member<ContainerDefinition>; 2] = [
    ("dockerSecurityOptions credentialspec", |it| {
        let mut options = it.docker_security_options.iter().flatten();
        options.any(|it| it.starts_with("credentialspec:"))
    }),
    ("credentialSpecs", |it| is_filled(it.credential_specs.as_ref())),
];

const OF_LOG_CONFIGURATION: [Member<LogConfiguration>; 2] = [
    (
        "logConfiguration.logDriver (other than awsfirelens, awslogs, fluentd, json-file and syslog)",
        |it| BUILT_LOG_DRIVERS.iter().all(|(name, _)| *name != it.log_driver),
    ),
    ("logConfiguration.options (other than those built)", |it| {
        let driver = BUILT_LOG_DRIVERS.iter().find(|(name, _)| *name == it.log_driver);
        let built = driver.map_or(&[][..], |(_, options)| options);
        let is_built = |name: &str| built.contains(&name) || COMMON.contains(&name);
        let secret = it.secret_options.iter().map(|it| it.name.as_str());
        let mut given = it.options.keys().map(String::as_str).chain(secret);
        // Those for the log router are the router's own.
        it.log_driver != FIRELENS && given.any(|name| !is_built(name))
    }),
];

const OF_VOLUME: [Member<Volume>; 3] = [
    ("fsxWindowsFileServerVolumeConfiguration", |it| {
        matches!(it.kind, VolumeKind::FsxWindows(_))
    }),
    ("s3filesVolumeConfiguration", |it| {
        matches!(it.kind, VolumeKind::S3Files(_))
    }),
    ("configuredAtLaunch", |it| {
        it.kind == VolumeKind::ConfiguredAtLaunch
    }),
];

/// Drivers of the agent, and the options that they obey. Those of every driver ask for nothing here: output is kept by
/// the host until it is shipped.
const BUILT_LOG_DRIVERS: [(&str, &[&str]); 5] = [
    (FIRELENS, &[]),
    ("awslogs", &AWSLOGS_OPTIONS),
    (
        "fluentd",
        &[
            "fluentd-address",
            "fluentd-async",
            "fluentd-async-connect",
            "fluentd-buffer-limit",
            "fluentd-retry-wait",
            "fluentd-max-retries",
            "fluentd-sub-second-precision",
            "fluentd-request-ack",
            "tag",
            "env",
        ],
    ),
    (
        "json-file",
        &[
            "max-size",
            "max-file",
            "labels",
            "env",
            "env-regex",
            "tag",
            "compress",
        ],
    ),
    (
        "syslog",
        &["syslog-address", "syslog-facility", "syslog-format", "tag"],
    ),
];

/// Refuses what would be accepted and then ignored.
///
/// # Errors
/// ClientException that names each member and its container.
pub fn refuse(draft: &Draft) -> Result<(), ecs::Error> {
    let mut all = Vec::new();
    collect(&mut all, "", &OF_TASK, draft);
    for container in &draft.containers {
        let place = format!(" (container '{}')", container.name);
        collect(&mut all, &place, &OF_CONTAINER, container);
        if let Some(log) = &container.log_configuration {
            collect(&mut all, &place, &OF_LOG_CONFIGURATION, log);
        }
    }
    for volume in &draft.volumes {
        let place = format!(" (volume '{}')", volume.name);
        collect(&mut all, &place, &OF_VOLUME, volume);
    }
    if all.is_empty() {
        return Ok(());
    }
    Err(client(format!("{}.", all.join("; "))))
}

fn collect<T>(all: &mut Vec<String>, place: &str, members: &[Member<T>], it: &T) {
    let given = members.iter().filter(|(_, is_given)| is_given(it));
    all.extend(given.map(|(name, _)| format!("{name} is not supported by Gantry yet{place}")));
}
