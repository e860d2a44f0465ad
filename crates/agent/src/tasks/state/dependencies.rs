//! Whether what a container depends on is fulfilled, can be, or never will.

use std::time::Duration;

use tokio::time::Instant;

use super::super::task::{Condition, Dependency, Task};
use super::container::ContainerState;
use super::health::HealthStatus;
use super::status::Phase;

/// How a dependency stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The dependant may start.
    Met,
    /// Not yet.
    Open,
    /// Never, for this reason.
    Impossible(&'static str),
}

/// How a dependency on a container stands.
pub fn outlook(on: &ContainerState, condition: Condition) -> Outlook {
    let has_stopped = on.phase == Phase::Stopped;
    let has_started = on.started.is_some();
    let health = on.health.as_ref().map(|it| it.status);
    match condition {
        Condition::Start if has_started => Outlook::Met,
        Condition::Complete if has_stopped && has_started => Outlook::Met,
        Condition::Success if has_stopped && on.exit.as_ref().is_some_and(|it| it.exit_code == 0) => {
            Outlook::Met
        }
        Condition::Healthy if !has_stopped && health == Some(HealthStatus::Healthy) => Outlook::Met,
        Condition::Healthy if health == Some(HealthStatus::Unhealthy) => {
            Outlook::Impossible("because dependency is unhealthy")
        }
        _ if has_stopped && !has_started => Outlook::Impossible("because dependency will never start"),
        Condition::Success if has_stopped => Outlook::Impossible("as dependency did not exit successfully."),
        _ if has_stopped => Outlook::Impossible("because dependency has stopped already"),
        _ => Outlook::Open,
    }
}

/// Why a container that waits will never start, if that is so, in the words of the Amazon agent.
pub fn obstacle(task: &Task, states: &[ContainerState], index: usize, now: Instant) -> Option<String> {
    let target = &task.containers[index].spec.name;
    task.containers[index].depends_on.iter().find_map(|it| {
        let (on, state) = (&task.containers[it.on], &states[it.on]);
        let name = &on.spec.name;
        match outlook(state, it.condition) {
            Outlook::Met => None,
            Outlook::Impossible(why) => Some(format!(
                "dependency graph: failed to resolve container ordering dependency [{name}] for target [{target}] {why}"
            )),
            Outlook::Open if has_timed_out(state, on.start_timeout, now) => Some(format!(
                "dependency graph: container ordering dependency [{name}] for target [{target}] has timed out."
            )),
            Outlook::Open => None,
        }
    })
}

/// When a dependency's time is up.
pub fn start_deadline(on: &ContainerState, timeout: Option<Duration>) -> Option<Instant> {
    Some(on.started_since? + timeout?)
}

fn has_timed_out(on: &ContainerState, timeout: Option<Duration>, now: Instant) -> bool {
    start_deadline(on, timeout).is_some_and(|deadline| now >= deadline)
}

/// Whether a container has still to be stopped after this one of its dependants.
pub fn holds_up_stop(dependant: &ContainerState) -> bool {
    dependant.phase != Phase::Stopped
}

/// The dependencies of a container that are not met yet.
pub fn open<'a>(
    task: &'a Task,
    states: &'a [ContainerState],
    index: usize,
) -> impl Iterator<Item = &'a Dependency> {
    let all = task.containers[index].depends_on.iter();
    all.filter(|it| outlook(&states[it.on], it.condition) != Outlook::Met)
}
