//! The state of a task after a restart of the agent, from its record and what the host still has of it. Pure.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::record::Progress;
use super::state::{DesiredStatus, LogStream, Phase, Sandbox, TaskState};
use super::task::Task;
use crate::host::RecoveredSandbox;

#[cfg(test)]
mod tests;

/// Reason of a container that was running and of which the host knows nothing any more.
const VANISHED: &str = "ContainerVanishedError: No container matching saved ID found";

/// Brings record and host together. `wall` and `now` are the same moment.
pub fn restore(
    task: &Task,
    progress: &Progress,
    found: Option<&RecoveredSandbox>,
    now: Instant,
    wall: Timestamp,
) -> TaskState {
    let mut state = progress.state(task);
    let mut has_vanished = false;
    for (index, container) in task.containers.iter().enumerate() {
        let known = &mut state.containers[index];
        if known.phase == Phase::Stopped {
            continue;
        }
        let on_host = found.and_then(|it| it.containers.iter().find(|it| it.name == container.spec.name));
        match on_host {
            Some(on_host) => {
                let age = wall.duration_since(on_host.started.started_at);
                let since = Duration::try_from(age).ok().and_then(|it| now.checked_sub(it));
                known.begin_life(container, on_host.started.clone(), since.unwrap_or(now));
                let recorded = progress.containers.get(index).and_then(|it| it.health.as_ref());
                if let (Some(health), Some((status, since, output))) = (&mut known.health, recorded)
                    && *since >= on_host.started.started_at
                {
                    health.resume(*status, *since, output);
                }
                known.log_stream = LogStream::Open;
                known.phase = Phase::Running;
                if let Some(exit) = &on_host.exit {
                    state.container_exited(task, index, exit.clone(), None);
                }
            }
            None if known.started.is_some() => {
                known.stop(None, Some(VANISHED.to_owned()));
                has_vanished = true;
            }
            None => {}
        }
    }
    if has_vanished {
        state.desired = DesiredStatus::Stopped;
    }
    state.sandbox = match found {
        None => Sandbox::Absent,
        Some(sandbox) if sandbox.containers.is_empty() => Sandbox::Partial,
        Some(_) => Sandbox::Present,
    };
    state
}
