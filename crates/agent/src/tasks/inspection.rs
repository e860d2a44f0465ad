//! What has been made of a task, for whoever asks: what the host says of it, and where this agent is with it.

use std::collections::BTreeMap;

use api::gantry;

use super::Tasks;
use super::state::{ContainerState, DesiredStatus, HealthStatus, Image, LogStream, Phase, Sandbox, open};
use super::task::{Condition, Container, Task, task_id};
use super::worker::Published;
use crate::host::{CgroupInspection, ContainerInspection, MountInspection, PortMapping, SandboxInspection};
use crate::log_drivers::LogDriver;
use crate::task_endpoint::is_key;
use crate::tasks::record::protocol;

#[cfg(test)]
mod tests;

/// Shown in place of a value that is nobody's business.
const MASK: &str = "(hidden)";

impl Tasks {
    /// What has been made of a task.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub async fn inspect(&self, arn: &str) -> Result<gantry::TaskInspection, String> {
        let entry = self.entry(task_id(arn));
        let entry = entry.ok_or_else(|| format!("the agent has no task {}", task_id(arn)))?;
        let seen = entry.seen.borrow().clone();
        // Before there is a sandbox, and after, there is what the agent knows.
        let found = self.shared.host.inspect_sandbox(&entry.task.id).await.ok();
        let mut inspection = inspection(&entry.task, &seen, found);
        inspection.inspected_at = Some(self.shared.clock.now());
        Ok(inspection)
    }
}

/// Brings together what the agent and the host know.
fn inspection(task: &Task, seen: &Published, found: Option<SandboxInspection>) -> gantry::TaskInspection {
    let mut on_host: BTreeMap<String, ContainerInspection> = BTreeMap::new();
    let sandbox = found.map(|it| {
        on_host.extend(it.containers.iter().map(|it| (it.name.clone(), it.clone())));
        sandbox(it, seen.sandbox)
    });
    let containers = task.containers.iter().enumerate().map(|(index, container)| {
        let host = on_host.remove(&container.spec.name);
        let mut shown = known(task, seen, index);
        if let Some(host) = host {
            add(&mut shown, container, host);
        }
        shown
    });
    gantry::TaskInspection {
        desired_status: Some(desired(seen.desired).to_owned()),
        containers: Some(containers.collect()),
        sandbox,
        ..gantry::TaskInspection::default()
    }
}

/// What the agent knows of a container.
fn known(task: &Task, seen: &Published, index: usize) -> gantry::InspectedContainer {
    let (container, state) = (&task.containers[index], &seen.containers[index]);
    let (image_id, image_digest) = match &state.image {
        Image::Present(it) => (Some(it.image_id.clone()), it.manifest_digest.clone()),
        Image::Absent | Image::Pulling => (None, None),
    };
    let started = state.started.as_ref();
    gantry::InspectedContainer {
        name: Some(container.spec.name.clone()),
        status: Some(phase(&state.phase).to_owned()),
        waits_for: Some(waits_for(task, seen, index)).filter(|it| !it.is_empty()),
        image: Some(container.image.clone()),
        image_id,
        image_digest,
        runtime_id: started.map(|it| it.runtime_id.clone()),
        started_at: started.map(|it| it.started_at),
        finished_at: state.exit.as_ref().map(|it| it.finished_at),
        exit_code: state.exit.as_ref().map(|it| it.exit_code),
        reason: state.reason.clone(),
        restart_count: i32::try_from(state.restart_count).ok(),
        health_status: state.health.as_ref().map(|it| health(it.status).to_owned()),
        log_driver: Some(log_driver(&container.log_driver).to_owned()),
        ..gantry::InspectedContainer::default()
    }
}

/// What the host knows of it beside.
fn add(shown: &mut gantry::InspectedContainer, container: &Container, host: ContainerInspection) {
    shown.process_id = host.process_id;
    shown.runtime_id = Some(host.runtime_id.clone());
    shown.hostname = Some(host.hostname.clone());
    shown.readonly_root_filesystem = Some(host.is_root_readonly);
    shown.mounts = Some(host.mounts.iter().map(mount).collect());
    shown.devices = Some(host.devices.iter().map(|it| it.display().to_string()).collect());
    shown.namespaces = Some(host.namespaces.clone());
    shown.addresses = Some(host.addresses.clone());
    shown.cgroup = Some(cgroup(host.cgroup.clone()));
    shown.system_controls = Some(host.sysctls.clone());
    shown.network_bindings = Some(host.port_mappings.iter().map(binding).collect());
    shown.process = Some(gantry::InspectedProcess {
        arguments: Some(host.arguments),
        environment: Some(environment(container, host.environment)),
        working_directory: Some(host.working_directory.display().to_string()),
        user: Some(host.user),
        groups: Some(host.groups.iter().map(ToString::to_string).collect()),
        terminal: Some(host.is_terminal),
        capabilities: host.capabilities,
        no_new_privileges: host.no_new_privileges,
        seccomp: host.seccomp,
        ulimits: Some(host.ulimits),
    });
}

/// Variables; of those that come from secrets, and of the keys to the task's endpoint, the names only.
fn environment(container: &Container, variables: Vec<(String, String)>) -> Vec<gantry::EnvironmentVariable> {
    let is_hidden = |name: &str| is_key(name) || container.secrets.iter().any(|secret| secret.name == name);
    let shown = variables.into_iter().map(|(name, value)| {
        let masked = is_hidden(&name);
        gantry::EnvironmentVariable {
            value: Some(if masked { MASK.to_owned() } else { value }),
            masked: masked.then_some(true),
            name: Some(name),
        }
    });
    shown.collect()
}

fn sandbox(it: SandboxInspection, state: Sandbox) -> gantry::InspectedSandbox {
    gantry::InspectedSandbox {
        status: Some(format!("{state:?}").to_uppercase()),
        directory: Some(it.directory.display().to_string()),
        shim_process_id: it.shim_process_id,
        network_mode: Some(it.network_mode),
        addresses: Some(it.addresses),
        network_namespace: it.network_namespace.map(|it| it.display().to_string()),
        pid_mode: Some(it.pid_mode),
        ipc_mode: Some(it.ipc_mode),
        cgroup: Some(cgroup(it.cgroup)),
    }
}

fn cgroup(it: CgroupInspection) -> gantry::InspectedCgroup {
    gantry::InspectedCgroup {
        path: Some(it.path.display().to_string()),
        limits: Some(it.limits),
    }
}

fn mount(it: &MountInspection) -> gantry::InspectedMount {
    gantry::InspectedMount {
        source: Some(it.source.clone()),
        target: Some(it.target.display().to_string()),
        r#type: Some(it.kind.clone()),
        options: Some(it.options.clone()),
    }
}

fn binding(it: &PortMapping) -> String {
    let range = |first: u16| match it.following {
        0 => first.to_string(),
        following => format!("{first}-{}", first.saturating_add(following)),
    };
    format!(
        "0.0.0.0:{}->{}/{}",
        range(it.host_port),
        range(it.container_port),
        protocol(it.protocol)
    )
}

/// What a container that has not started waits for.
fn waits_for(task: &Task, seen: &Published, index: usize) -> Vec<String> {
    let (container, state) = (&task.containers[index], &seen.containers[index]);
    match state.phase {
        Phase::Waiting => {}
        Phase::Starting(_) | Phase::Restarting { .. } => {
            return vec!["its process to be executed".to_owned()];
        }
        Phase::Running
        | Phase::Restartable(_)
        | Phase::Stopping { .. }
        | Phase::Killing { .. }
        | Phase::Stopped => return Vec::new(),
    }
    let mut waits = Vec::new();
    match &state.image {
        Image::Absent => waits.push(format!(
            "image {}, which has not been asked for yet",
            container.image
        )),
        Image::Pulling => waits.push(format!("image {}, which is being pulled", container.image)),
        Image::Present(_) => {}
    }
    if container.log_driver != LogDriver::HostOnly && state.log_stream != LogStream::Open {
        waits.push(format!("its log driver {}", log_driver(&container.log_driver)));
    }
    if seen.sandbox != Sandbox::Present {
        waits.push("the network, directories and control groups of the task".to_owned());
    }
    let dependencies = open(task, &seen.containers, index);
    waits.extend(dependencies.map(|it| {
        let on = &seen.containers[it.on];
        format!(
            "{} to reach {} (it is {})",
            task.containers[it.on].spec.name,
            condition(it.condition),
            stands(on)
        )
    }));
    if waits.is_empty() {
        waits.push("its turn: only so many containers start at a time".to_owned());
    }
    waits
}

fn stands(it: &ContainerState) -> String {
    let mut text = phase(&it.phase).to_owned();
    if let (Phase::Running, Some(known)) = (&it.phase, &it.health) {
        text = format!("{text}, {}", health(known.status));
    }
    text
}

fn phase(it: &Phase) -> &'static str {
    match it {
        Phase::Waiting => "WAITING",
        Phase::Starting(_) => "STARTING",
        Phase::Running => "RUNNING",
        Phase::Restartable(_) | Phase::Restarting { .. } => "RESTARTING",
        Phase::Stopping { .. } => "STOPPING",
        Phase::Killing { .. } => "KILLING",
        Phase::Stopped => "STOPPED",
    }
}

fn desired(it: DesiredStatus) -> &'static str {
    match it {
        DesiredStatus::Running => "RUNNING",
        DesiredStatus::Stopped => "STOPPED",
    }
}

fn condition(it: Condition) -> &'static str {
    match it {
        Condition::Start => "START",
        Condition::Complete => "COMPLETE",
        Condition::Success => "SUCCESS",
        Condition::Healthy => "HEALTHY",
    }
}

fn health(it: HealthStatus) -> &'static str {
    match it {
        HealthStatus::Unknown => "UNKNOWN",
        HealthStatus::Healthy => "HEALTHY",
        HealthStatus::Unhealthy => "UNHEALTHY",
    }
}

fn log_driver(it: &LogDriver) -> &str {
    match it {
        LogDriver::HostOnly => "none (kept on the host until the task is gone)",
        LogDriver::JsonFile(_) => "json-file",
        LogDriver::AwsLogs(_) => "awslogs",
        LogDriver::Fluentd(_) => "fluentd",
        LogDriver::Syslog(_) => "syslog",
        LogDriver::Firelens(_) => "awsfirelens",
        LogDriver::Deferred(config) => &config.driver,
    }
}
