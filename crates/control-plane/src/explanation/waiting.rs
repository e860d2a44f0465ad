//! What a task that shall run waits for, and what one that shall stop waits for.

use domain::container_definition::DependencyCondition;
use domain::task::{ContainerStatus, HealthStatus, Queued, Task, TaskContainer, TaskStatus};
use orchestrator::transitions::NO_HOST;

use super::{AgentConnection, Facts, stop_timeout_seconds};

/// What a task that shall run waits for; nothing if it runs.
pub fn waits_for(facts: &Facts<'_>) -> Vec<String> {
    let task = facts.task;
    if task.last_status >= TaskStatus::Running {
        return Vec::new();
    }
    if let Some(queued) = task.queued.as_ref().filter(|_| task.host_id == NO_HOST) {
        return vec![a_place(queued)];
    }
    if facts.agent == AgentConnection::Lost {
        return vec!["the agent of its host, which is not connected".to_owned()];
    }
    let told: Vec<String> = task
        .containers
        .iter()
        .flat_map(|container| {
            let waits = facts.waits.get(&container.name).into_iter().flatten();
            waits.map(|it| format!("container {}: {it}", container.name))
        })
        .collect();
    if !told.is_empty() {
        return told;
    }
    if task.times.connectivity_at.is_none() && task.last_status == TaskStatus::Provisioning {
        return vec!["its network interface, and the first word of its agent".to_owned()];
    }
    let pending = task
        .containers
        .iter()
        .filter(|it| it.last_status == ContainerStatus::Pending);
    pending.map(|it| of_container(facts, it)).collect()
}

/// What a task without a host waits for.
fn a_place(queued: &Queued) -> String {
    let refusal = queued.refusal.as_deref().unwrap_or("not tried yet");
    let (attempt, until) = (queued.attempt, queued.until);
    match queued.not_before {
        Some(from) if queued.refusal.is_none() => {
            format!("its attempt {attempt}, not before {from:.0}, for the one before it has failed")
        }
        _ => format!("a container instance that takes it ({refusal}), until {until:.0} (gantry:wait)"),
    }
}

/// What the state alone says of a container that has not started.
fn of_container(facts: &Facts<'_>, container: &TaskContainer) -> String {
    let name = &container.name;
    let definition = facts.definition.and_then(|it| it.container(name));
    let dependencies = definition
        .and_then(|it| it.depends_on.as_ref())
        .into_iter()
        .flatten();
    let open: Vec<String> = dependencies
        .filter(|it| !is_met(facts.task, &it.container_name, it.condition))
        .map(|it| format!("{} to reach {}", it.container_name, it.condition.as_str()))
        .collect();
    if !open.is_empty() {
        return format!("container {name}: {}", open.join(", "));
    }
    let image = definition.map_or("its image", |it| it.image.as_str());
    match (facts.task.times.pull_started_at, facts.task.times.pull_stopped_at) {
        (Some(since), None) => format!("container {name}: image {image}, being pulled since {since:.0}"),
        _ => format!("container {name}: its agent, which pulls {image} and starts it"),
    }
}

fn is_met(task: &Task, on: &str, condition: DependencyCondition) -> bool {
    let Some(on) = task.containers.iter().find(|it| it.name == on) else {
        return true;
    };
    match condition {
        DependencyCondition::Start => on.last_status >= ContainerStatus::Running,
        DependencyCondition::Complete => on.last_status == ContainerStatus::Stopped,
        DependencyCondition::Success => on.exit_code == Some(0),
        DependencyCondition::Healthy => {
            let health = on.health.as_ref();
            health.is_some_and(|it| it.status == HealthStatus::Healthy)
        }
    }
}

/// One sentence on a task that shall run.
pub fn summary(facts: &Facts<'_>, waits_for: &[String]) -> String {
    let task = facts.task;
    if task.last_status < TaskStatus::Running {
        return match waits_for.len() {
            0 => format!(
                "The task is {}, and all its containers are started.",
                task.last_status.as_str()
            ),
            1 => format!(
                "The task is {} and waits for one thing.",
                task.last_status.as_str()
            ),
            count => format!(
                "The task is {} and waits for {count} things.",
                task.last_status.as_str()
            ),
        };
    }
    let health = facts.definition.map(|it| task.health(it)).unwrap_or_default();
    match health {
        HealthStatus::Unknown => "The task runs.".to_owned(),
        HealthStatus::Healthy => "The task runs, and is HEALTHY.".to_owned(),
        HealthStatus::Unhealthy => "The task runs, but is UNHEALTHY.".to_owned(),
    }
}

/// What a task that shall stop waits for.
pub fn waits_for_end(facts: &Facts<'_>) -> Vec<String> {
    if facts.agent == AgentConnection::Lost {
        return vec!["the agent of its host, which is not connected, to stop it".to_owned()];
    }
    if facts.task.last_status == TaskStatus::Deactivating {
        let groups = facts.task.targets.iter().map(|it| it.behind.name());
        let groups = groups.collect::<Vec<_>>().join(", ");
        return vec![format!(
            "what is in flight to it in {groups}, at most for the deregistration delay; then it is told to stop"
        )];
    }
    let running = facts
        .task
        .containers
        .iter()
        .filter(|it| it.last_status == ContainerStatus::Running);
    let ends = running.map(|it| {
        let seconds = stop_timeout_seconds(facts.definition, &it.name);
        format!(
            "the end of container {}; it has {seconds} s from its stop signal to SIGKILL",
            it.name
        )
    });
    let mut waits: Vec<String> = ends.collect();
    if waits.is_empty() {
        waits.push("its agent, which frees its network, mounts and control groups".to_owned());
    }
    waits
}
