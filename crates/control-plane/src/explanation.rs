//! Why a task stopped, or what it waits for, in plain words. Pure: from what is recorded to sentences.

mod cause;
mod exit;
mod next_steps;
mod waiting;

use std::collections::BTreeMap;

use domain::task::{ContainerStatus, DesiredStatus, Task, TaskContainer, TaskStatus};
use domain::task_definition::TaskDefinition;

pub use cause::Cause;
pub use exit::meaning;

#[cfg(test)]
mod tests;

/// Seconds between stop signal and SIGKILL, unless the task definition says otherwise.
pub const STOP_TIMEOUT_SECONDS: u32 = 30;

/// What is known of a task.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Its record, from the state or from the history.
    pub task: &'a Task,
    /// What it ran, unless that has been deleted.
    pub definition: Option<&'a TaskDefinition>,
    /// What its service was doing when it stopped the task, where that is known.
    pub service_stop: ServiceStop,
    /// Whether there is a session with the agent of its host.
    pub agent: AgentConnection,
    /// What its agent says that its containers wait for, by name; empty if it was not asked.
    pub waits: &'a BTreeMap<String, Vec<String>>,
}

/// What a service was doing when it stopped a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceStop {
    /// A newer deployment was replacing its tasks.
    Replaced,
    /// It had more tasks than it wanted.
    ScaledIn,
    /// There is no telling any more.
    #[default]
    Unknown,
}

/// Whether the agent of a task's host can be told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentConnection {
    /// It has a session.
    Connected,
    /// It has none.
    Lost,
}

/// What there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The kind of cause; `None` for a task that shall run and has not failed.
    pub cause: Option<Cause>,
    /// In one sentence.
    pub summary: String,
    /// Who decided that it stops, and why.
    pub decision: Option<String>,
    /// The container that ended first, if any has ended.
    pub first_to_end: Option<String>,
    /// What it waits for.
    pub waits_for: Vec<String>,
    /// What to try.
    pub next_steps: Vec<String>,
}

/// Explains a task.
pub fn explain(facts: &Facts<'_>) -> Explanation {
    let task = facts.task;
    let first = first_to_end(facts);
    let first_to_end = first.map(|it| it.name.clone());
    if task.desired_status == DesiredStatus::Running {
        let waits_for = waiting::waits_for(facts);
        return Explanation {
            cause: None,
            summary: waiting::summary(facts, &waits_for),
            decision: None,
            first_to_end,
            next_steps: next_steps::of_waiting(facts, &waits_for),
            waits_for,
        };
    }
    let cause = cause::of(facts, first);
    let waits_for = match task.last_status {
        TaskStatus::Stopped => Vec::new(),
        _ => waiting::waits_for_end(facts),
    };
    Explanation {
        summary: cause::summary(facts, cause, first),
        decision: Some(cause::decision(facts, cause)),
        first_to_end,
        next_steps: next_steps::of(facts, cause, first),
        cause: Some(cause),
        waits_for,
    }
}

/// The container that ended first by its agent's clock. Where the agent tells no times, an essential one that failed
/// goes before others.
fn first_to_end<'a>(facts: &Facts<'a>) -> Option<&'a TaskContainer> {
    let finished = |it: &TaskContainer| it.end.as_ref().and_then(|end| end.finished_at);
    let ended = || {
        let all = facts.task.containers.iter();
        all.filter(|it| it.last_status == ContainerStatus::Stopped)
            .filter(|it| it.exit_code.is_some() || it.reason.is_some())
    };
    // One that never ran has no time: the reason why is what the task ended of.
    if let Some(failed) = ended().find(|it| it.exit_code.is_none()) {
        return Some(failed);
    }
    let timed = ended().filter_map(|it| Some((finished(it)?, it)));
    let by_time = timed.min_by_key(|(at, _)| *at).map(|(_, it)| it);
    by_time.or_else(|| {
        ended().min_by_key(|it| {
            (
                !is_essential(facts, &it.name),
                it.exit_code.is_none_or(|code| code == 0),
            )
        })
    })
}

/// Whether the task ends with a container; so it counts where nothing is known of it.
fn is_essential(facts: &Facts<'_>, name: &str) -> bool {
    let container = facts.definition.and_then(|it| it.container(name));
    container.is_none_or(|it| it.essential)
}

/// Seconds that a container has to end by itself.
pub fn stop_timeout_seconds(definition: Option<&TaskDefinition>, name: &str) -> u32 {
    let container = definition.and_then(|it| it.container(name));
    container
        .and_then(|it| it.stop_timeout_seconds)
        .unwrap_or(STOP_TIMEOUT_SECONDS)
}
