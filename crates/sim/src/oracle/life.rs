//! A task never moves backwards, and what is settled of it stays.

use domain::task::{ContainerStatus, DesiredStatus, Task, TaskContainer, TaskStatus};
use orchestrator::transitions::NO_HOST;
use store::{Change, Commit};

/// Looks at the tasks of a commit.
pub fn check(commit: &Commit) -> Result<(), String> {
    for change in &commit.changes {
        let Change::Task(it) = change else { continue };
        let (before, after) = (it.before.as_deref(), it.after.as_deref());
        let broken = match (before, after) {
            (None, Some(task)) => new(task),
            (Some(before), Some(after)) => moved(before, after),
            (Some(task), None) => (task.last_status != TaskStatus::Stopped)
                .then_some("it is forgotten although it is not STOPPED"),
            (None, None) => None,
        };
        if let Some(broken) = broken {
            return Err(format!("task {}: {broken}", it.current().arn.name()));
        }
    }
    Ok(())
}

fn new(task: &Task) -> Option<&'static str> {
    if task.desired_status != DesiredStatus::Running {
        return Some("it is born to stop");
    }
    (task.last_status > TaskStatus::Pending).then_some("it is born already running")
}

fn moved(before: &Task, after: &Task) -> Option<&'static str> {
    let rules = [
        (after.last_status < before.last_status, "lastStatus goes back"),
        (
            after.desired_status < before.desired_status,
            "desiredStatus goes back",
        ),
        (after.version < before.version, "its version goes back"),
        (
            after.version == before.version && visible(after) != visible(before),
            "it changed under the same version",
        ),
        (
            (after.host_id != before.host_id || after.eni != before.eni) && before.host_id != NO_HOST,
            "it moved to another host or address",
        ),
        (
            after.service != before.service || after.group != before.group,
            "it moved to another service or group",
        ),
        (
            before.stop.is_some() && after.stop != before.stop,
            "its stop has another reason now",
        ),
        (
            is_set_anew(before.times.started_at, after.times.started_at)
                || is_set_anew(before.times.stopping_at, after.times.stopping_at)
                || is_set_anew(before.times.stopped_at, after.times.stopped_at),
            "it entered a state twice",
        ),
        (
            before.last_status == TaskStatus::Stopped && visible(after) != visible(before),
            "it changed after it was STOPPED",
        ),
        (
            after.last_status == TaskStatus::Stopped && after.desired_status != DesiredStatus::Stopped,
            "it is STOPPED and shall run",
        ),
    ];
    let containers = before.containers.iter().zip(&after.containers);
    let broken = containers
        .filter_map(|(before, after)| container(before, after))
        .next();
    rules
        .into_iter()
        .find(|(is_broken, _)| *is_broken)
        .map(|(_, rule)| rule)
        .or(broken)
}

fn container(before: &TaskContainer, after: &TaskContainer) -> Option<&'static str> {
    if before.exit_code.is_some() && after.exit_code != before.exit_code {
        return Some("a container has a second exit code");
    }
    (after.last_status < before.last_status).then_some("a container goes back")
}

fn is_set_anew<T: PartialEq>(before: Option<T>, after: Option<T>) -> bool {
    before.is_some() && before != after
}

/// What users follow a task by.
fn visible(task: &Task) -> (TaskStatus, DesiredStatus, Vec<(ContainerStatus, Option<i32>)>) {
    let containers = task.containers.iter().map(|it| (it.last_status, it.exit_code));
    (task.last_status, task.desired_status, containers.collect())
}
