//! The state of a task after a restart of the agent, from its record and what the host still has of it. Pure.

use tokio::time::Instant;

use super::record::Progress;
use super::state::{DesiredStatus, LogStream, Phase, Sandbox, TaskState};
use super::task::Task;
use crate::host::RecoveredSandbox;

#[cfg(test)]
mod tests;

/// Reason of a container that was running and of which the host knows nothing any more.
const VANISHED: &str = "ContainerVanishedError: No container matching saved ID found";

/// Brings record and host together.
pub fn restore(
    task: &Task,
    progress: &Progress,
    found: Option<&RecoveredSandbox>,
    now: Instant,
) -> TaskState {
    let mut state = progress.state(task);
    let mut has_vanished = false;
    for (container, known) in task.containers.iter().zip(&mut state.containers) {
        if known.phase == Phase::Stopped {
            continue;
        }
        let on_host = found.and_then(|it| it.containers.iter().find(|it| it.name == container.spec.name));
        match on_host {
            Some(on_host) => {
                known.started = Some(on_host.started.clone());
                known.started_since = Some(now);
                known.log_stream = LogStream::Open;
                match &on_host.exit {
                    Some(exit) => known.stop(Some(exit.clone()), None),
                    None => known.phase = Phase::Running,
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
