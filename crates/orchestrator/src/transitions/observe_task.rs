//! What an agent reports of a task: merged in, never backwards, any number of times.

use domain::task::{ContainerStatus, NetworkBinding, Stop, StopCode, Task, TaskContainer, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::{TaskArn, Timestamp};
use store::Tx;

use super::failed_tasks::record_start;
use super::image_digests;
use super::stop_task::{TaskNotFound, release_host};
use super::task_registrations::follow_registration;

/// Why a task stopped whose essential container ended.
const ESSENTIAL_EXITED: &str = "Essential container in task exited";

/// Why a task stopped of which a container was never started.
const FAILED_TO_START: &str = "Task failed to start";

/// A report: what is absent is not news.
#[derive(Clone, Debug, Default)]
pub struct TaskReport {
    /// PENDING, RUNNING or STOPPED.
    pub status: Option<TaskStatus>,
    /// Why, if the agent knows.
    pub reason: Option<String>,
    /// Containers, in order; one may come twice.
    pub containers: Vec<ContainerReport>,
    /// First pull began.
    pub pull_started_at: Option<Timestamp>,
    /// Last pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// The containers had ended.
    pub execution_stopped_at: Option<Timestamp>,
}

/// The part of a container.
#[derive(Clone, Debug, Default)]
pub struct ContainerReport {
    /// Name in the task definition.
    pub name: String,
    /// Its state.
    pub status: Option<ContainerStatus>,
    /// Exit status.
    pub exit_code: Option<i32>,
    /// Why it failed.
    pub reason: Option<String>,
    /// The runtime's id.
    pub runtime_id: Option<String>,
    /// Digest of the manifest.
    pub image_digest: Option<String>,
    /// Published ports.
    pub network_bindings: Option<Vec<NetworkBinding>>,
}

/// Follows a report.
///
/// # Errors
/// [`TaskNotFound`].
pub fn observe_task(tx: &mut Tx<'_>, arn: &TaskArn, report: &TaskReport) -> Result<(), TaskNotFound> {
    let known = tx.get::<Task>(arn).ok_or(TaskNotFound)?;
    // What is STOPPED has given back everything: later words are of no use.
    if known.last_status == TaskStatus::Stopped {
        return Ok(());
    }
    let now = tx.now();
    let mut task = (*known).clone();
    task.times.connectivity_at.get_or_insert(now);
    task.times.pull_started_at = task.times.pull_started_at.or(report.pull_started_at);
    task.times.pull_stopped_at = task.times.pull_stopped_at.or(report.pull_stopped_at);
    task.times.execution_stopped_at = task.times.execution_stopped_at.or(report.execution_stopped_at);
    for container in &report.containers {
        if let Some(place) = task.containers.iter_mut().find(|it| it.name == container.name) {
            merge(place, container);
        }
    }
    let definition = tx.get::<TaskDefinition>(&task.task_definition);
    if let Some(definition) = &definition {
        image_digests::settle(tx, &task, definition, &report.containers);
    }
    if let Some(stop) = cause(&task, definition.as_deref(), report) {
        task.stop(stop, now);
        task.advance(TaskStatus::Stopping, now);
    }
    if let Some(status) = report.status {
        task.advance(status, now);
        // It ran, although it shall stop by now.
        if status == TaskStatus::Running {
            task.times.started_at.get_or_insert(now);
        }
    }
    let has_ended = |it: &TaskContainer| it.last_status == ContainerStatus::Stopped;
    if task.eni.is_some() && task.last_status == TaskStatus::Stopping && task.containers.iter().all(has_ended)
    {
        // What is left is its network.
        task.advance(TaskStatus::Deprovisioning, now);
    }
    if task.last_status == TaskStatus::Stopped {
        for container in &mut task.containers {
            container.last_status = ContainerStatus::Stopped;
        }
        task.times.execution_stopped_at.get_or_insert(now);
    }
    // Of their end agents tell the time, of their start only that they run: a short task would end before it began.
    if let (Some(started), Some(ended)) = (task.times.started_at, task.times.execution_stopped_at) {
        task.times.execution_stopped_at = Some(ended.max(started));
    }
    if task == *known {
        return Ok(());
    }
    // A change that moved no state is one change for users all the same.
    task.version = task.version.max(known.version + 1);
    let is_stopped = task.last_status == TaskStatus::Stopped;
    let task = tx.put(task);
    if is_stopped {
        release_host(tx, &task);
        record_start(tx, &task);
    }
    follow_registration(tx, arn);
    Ok(())
}

fn merge(place: &mut TaskContainer, report: &ContainerReport) {
    place.last_status = place.last_status.max(report.status.unwrap_or(place.last_status));
    place.exit_code = place.exit_code.or(report.exit_code);
    let reason = report.reason.clone().filter(|it| !it.is_empty());
    place.reason = place.reason.take().or(reason);
    if let Some(id) = &report.runtime_id {
        place.runtime_id = Some(id.clone());
    }
    if let Some(digest) = &report.image_digest {
        place.image_digest = Some(digest.clone());
    }
    if let Some(bindings) = &report.network_bindings {
        place.network_bindings.clone_from(bindings);
    }
}

/// Why the task stops, if it has not been wished before: a container that it cannot do without has ended, or it is
/// STOPPED without anyone's wish. One that never ran failed to start.
fn cause(task: &Task, definition: Option<&TaskDefinition>, report: &TaskReport) -> Option<Stop> {
    let is_essential = |it: &&TaskContainer| {
        definition
            .and_then(|all| all.container(&it.name))
            .is_none_or(|it| it.essential)
    };
    let ended: Vec<&TaskContainer> = task
        .containers
        .iter()
        .filter(|it| it.last_status == ContainerStatus::Stopped)
        .filter(is_essential)
        .collect();
    if ended.is_empty() && report.status != Some(TaskStatus::Stopped) {
        return None;
    }
    let all = task.containers.iter();
    let failed = all
        .filter(|it| it.exit_code.is_none())
        .find_map(|it| it.reason.clone());
    let given = report.reason.clone().filter(|it| !it.is_empty());
    let has_exited = ended.iter().any(|it| it.exit_code.is_some());
    // Others may have run until then, and were stopped with it.
    let has_failed_to_start = task.times.started_at.is_none() && report.status == Some(TaskStatus::Stopped);
    Some(match failed.or(given) {
        Some(reason) if !has_exited || has_failed_to_start => Stop {
            code: StopCode::TaskFailedToStart,
            reason: in_short(reason),
        },
        None if !has_exited && task.times.started_at.is_none() => Stop {
            code: StopCode::TaskFailedToStart,
            reason: FAILED_TO_START.to_owned(),
        },
        _ => Stop {
            code: StopCode::EssentialContainerExited,
            reason: ESSENTIAL_EXITED.to_owned(),
        },
    })
}

/// What the agent says of dependencies stays with the container, as on Amazon.
fn in_short(reason: String) -> String {
    if reason.starts_with("dependency graph:") {
        return FAILED_TO_START.to_owned();
    }
    reason
}
