//! Tasks and containers as their metadata endpoint shows them. Pure.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-response.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::path::Version;
use crate::host::{ClockDrift, ContainerFacts, PortMapping, SandboxNetwork};
use crate::tasks::record::{ContainerProgress, Progress, protocol};
use crate::tasks::state::{DesiredStatus, HealthStatus};
use crate::tasks::task::{Container, Task};

mod network;

/// Amazon's agent gives Docker 2 shares for less, and says so.
const CPU_UNITS_MIN: u32 = 2;
/// Characters of a runtime id in the name that Docker would know a container by.
const NAME_CHARACTERS: usize = 20;
/// Ports are published on every address of the host.
const PUBLISHED_ON: &str = "0.0.0.0";

/// All that is known of a task.
pub struct View<'a> {
    /// As it arrived.
    pub task: &'a Task,
    /// How far it got.
    pub progress: &'a Progress,
    /// What the host knows of its containers; `None` of those that were not started, or are gone.
    pub facts: &'a [Option<ContainerFacts>],
}

/// How far a container got, in the words of Amazon's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum KnownStatus {
    None,
    Pulled,
    Running,
    Stopped,
}

impl KnownStatus {
    fn of(it: &ContainerProgress) -> Self {
        match it {
            it if it.has_stopped => Self::Stopped,
            it if it.runtime_id.is_some() => Self::Running,
            it if it.image_id.is_some() => Self::Pulled,
            _ => Self::None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Pulled => "PULLED",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// The task with those of its containers that have an image.
pub fn task(view: &View<'_>, version: Version) -> Map<String, Value> {
    let (task, progress) = (view.task, view.progress);
    let known = progress.containers.iter().map(KnownStatus::of).min();
    let mut shown = Map::new();
    let mut put = |name: &str, value: Option<Value>| insert(&mut shown, name, value);
    put("Cluster", Some(json!(cluster(task))));
    put("TaskARN", Some(json!(task.arn)));
    put("Family", Some(json!(task.family)));
    put("Revision", Some(json!(task.version)));
    put("DesiredStatus", Some(json!(desired(progress))));
    put(
        "KnownStatus",
        Some(json!(known.unwrap_or(KnownStatus::None).as_str())),
    );
    put("Limits", limits(task));
    for (name, at) in [
        ("PullStartedAt", progress.pull_started_at),
        ("PullStoppedAt", progress.pull_stopped_at),
        ("ExecutionStoppedAt", progress.execution_stopped_at),
    ] {
        put(name, at.map(|it| json!(it.to_string())));
    }
    put("AvailabilityZone", text(task.about.availability_zone.as_ref()));
    if version == Version::V4 {
        put("LaunchType", text(task.about.launch_type.as_ref()));
        put("ServiceName", text(task.about.service_name.as_ref()));
        if let SandboxNetwork::Awsvpc(eni) = &task.network {
            put("VPCID", Some(json!(eni.vpc_id)));
        }
        put("FaultInjectionEnabled", Some(json!(false)));
    }
    let all = 0..task.containers.len();
    let has_image = |index: &usize| {
        let progress = progress.containers.get(*index);
        progress.is_some_and(|it| KnownStatus::of(it) > KnownStatus::None)
    };
    let containers: Vec<Value> = all
        .filter(has_image)
        .filter_map(|index| container(view, index, version))
        .collect();
    put(
        "Containers",
        Some(json!(containers)).filter(|_| !containers.is_empty()),
    );
    shown
}

/// FARGATE tasks are told how right the clock is, in version 4, on hosts that can tell.
pub fn add_clock_drift(
    shown: &mut Map<String, Value>,
    task: &Task,
    drift: Option<ClockDrift>,
    version: Version,
) {
    let is_fargate = task.about.launch_type.as_deref() == Some("FARGATE");
    let Some(drift) = drift.filter(|_| is_fargate && version == Version::V4) else {
        return;
    };
    let told = match drift.is_synchronized {
        true => json!({
            "ClockErrorBound": drift.error_bound_ms, "ReferenceTimestamp": drift.reference.to_string(),
            "ClockSynchronizationStatus": "SYNCHRONIZED",
        }),
        // Nobody knows how wrong it is.
        false => json!({ "ClockSynchronizationStatus": "NOT_SYNCHRONIZED" }),
    };
    shown.insert("ClockDrift".to_owned(), told);
}

/// One container.
pub fn container(view: &View<'_>, index: usize, version: Version) -> Option<Value> {
    let container = view.task.containers.get(index)?;
    let progress = view.progress.containers.get(index)?;
    let facts = view.facts.get(index).and_then(Option::as_ref);
    let mut shown = Map::new();
    let mut put = |name: &str, value: Option<Value>| insert(&mut shown, name, value);
    put(
        "DockerId",
        Some(json!(progress.runtime_id.as_deref().unwrap_or_default())),
    );
    put("Name", Some(json!(container.spec.name)));
    put(
        "DockerName",
        Some(json!(docker_name(view.task, container, progress))),
    );
    put("Image", Some(json!(container.image)));
    put(
        "ImageID",
        Some(json!(progress.image_id.as_deref().unwrap_or_default())),
    );
    put("Ports", ports(view.task, container, progress, version));
    put("Labels", Some(json!(labels(view.task, container))));
    put("DesiredStatus", Some(json!(desired(view.progress))));
    put("KnownStatus", Some(json!(KnownStatus::of(progress).as_str())));
    put("ExitCode", progress.exit_code.map(|it| json!(it)));
    let memory_mib = container.spec.memory_mib.unwrap_or(0);
    let cpu_units = container.about.cpu_units.max(CPU_UNITS_MIN);
    put("Limits", Some(json!({ "CPU": cpu_units, "Memory": memory_mib })));
    let created_at = facts.and_then(|it| it.created_at);
    for (name, at) in [
        ("CreatedAt", created_at),
        ("StartedAt", progress.started_at),
        ("FinishedAt", progress.finished_at),
    ] {
        put(name, at.map(|it| json!(it.to_string())));
    }
    put("Type", Some(json!("NORMAL")));
    put("Health", health(container, progress));
    put("Volumes", volumes(facts));
    put("Networks", network::networks(view.task, facts, version));
    if version == Version::V4 {
        let log = container.about.log.as_ref();
        put("LogDriver", log.map(|it| json!(it.driver)));
        let options = log.and_then(|it| it.options.as_ref());
        put(
            "LogOptions",
            options.filter(|it| !it.is_empty()).map(|it| json!(it)),
        );
        put("ContainerARN", text(container.about.arn.as_ref()));
        let policy = container.restart_policy.as_ref();
        put("RestartCount", policy.map(|_| json!(progress.restart_count)));
    }
    Some(Value::Object(shown))
}

/// What Docker would know a container by; nothing before it is started.
pub fn docker_name(task: &Task, container: &Container, progress: &ContainerProgress) -> String {
    let Some(runtime_id) = &progress.runtime_id else {
        return String::new();
    };
    let end: String = runtime_id.chars().take(NAME_CHARACTERS).collect();
    format!(
        "ecs-{}-{}-{}-{end}",
        task.family, task.version, container.spec.name
    )
}

fn insert(shown: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        shown.insert(name.to_owned(), value);
    }
}

fn text(value: Option<&String>) -> Option<Value> {
    value.filter(|it| !it.is_empty()).map(|it| json!(it))
}

/// Container instances know their cluster by its name, FARGATE by its ARN.
fn cluster(task: &Task) -> &str {
    let arn = task.about.cluster_arn.as_str();
    match task.about.launch_type.as_deref() {
        Some("FARGATE") => arn,
        _ => arn.rsplit('/').next().unwrap_or(arn),
    }
}

fn desired(progress: &Progress) -> &'static str {
    match progress.desired {
        DesiredStatus::Running => "RUNNING",
        DesiredStatus::Stopped => "STOPPED",
    }
}

/// Of the task: vCPUs and MiB, where there are any.
fn limits(task: &Task) -> Option<Value> {
    let mut limits = Map::new();
    if let Some(units) = task.cpu_units {
        let vcpus = f64::from(units) / 1024.0;
        // Whole numbers are written as such.
        let value = match units % 1024 {
            0 => json!(units / 1024),
            _ => json!(vcpus),
        };
        limits.insert("CPU".to_owned(), value);
    }
    insert(&mut limits, "Memory", task.memory_mib.map(|it| json!(it)));
    (!limits.is_empty()).then_some(Value::Object(limits))
}

/// Labels as Docker would have them: those of the task definition and of ECS.
pub fn labels(task: &Task, container: &Container) -> BTreeMap<String, String> {
    let mut labels = container.about.labels.clone();
    for (name, value) in [
        ("cluster", cluster(task)),
        ("container-name", &container.spec.name),
        ("task-arn", &task.arn),
        ("task-definition-family", &task.family),
        ("task-definition-version", &task.version),
    ] {
        labels.insert(format!("com.amazonaws.ecs.{name}"), value.to_owned());
    }
    labels
}

/// On the bridge as they were published; elsewhere a port is itself on both sides.
fn ports(
    task: &Task,
    container: &Container,
    progress: &ContainerProgress,
    version: Version,
) -> Option<Value> {
    let is_bridge = task.network == SandboxNetwork::Bridge;
    let published = progress.published();
    let ports = if is_bridge {
        &published
    } else {
        &container.about.ports
    };
    let single = ports.iter().flat_map(|it| it.single_ports());
    let shown: Vec<Value> = single.map(|it| port(it, is_bridge, version)).collect();
    (!shown.is_empty()).then(|| json!(shown))
}

fn port(mapping: PortMapping, is_bridge: bool, version: Version) -> Value {
    let host_port = if is_bridge {
        mapping.host_port
    } else {
        mapping.container_port
    };
    let mut port = json!({
        "ContainerPort": mapping.container_port, "Protocol": protocol(mapping.protocol), "HostPort": host_port,
    });
    if is_bridge && version == Version::V4 {
        port["HostIp"] = json!(PUBLISHED_ON);
    }
    port
}

fn health(container: &Container, progress: &ContainerProgress) -> Option<Value> {
    container.health_check.as_ref()?;
    let Some((status, since, output)) = &progress.health else {
        return Some(json!({ "status": "UNKNOWN" }));
    };
    let status = match status {
        HealthStatus::Unknown => "UNKNOWN",
        HealthStatus::Healthy => "HEALTHY",
        HealthStatus::Unhealthy => "UNHEALTHY",
    };
    let mut health = json!({ "status": status, "statusSince": since.to_string() });
    if !output.is_empty() {
        health["output"] = json!(output);
    }
    Some(health)
}

fn volumes(facts: Option<&ContainerFacts>) -> Option<Value> {
    let volumes = &facts?.volumes;
    let shown = volumes.iter().map(|it| {
        let mut volume = json!({ "Destination": it.destination });
        if let Some(source) = &it.source {
            volume["Source"] = json!(source);
        }
        volume
    });
    let shown: Vec<Value> = shown.collect();
    (!shown.is_empty()).then(|| json!(shown))
}
