//! Restart policies: whether a container that ended is started again, as the Amazon agent decides it.

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::task::{RestartPolicy, Task};
use super::container::ContainerState;
use super::status::Phase;
use super::{DesiredStatus, TaskState};
use crate::host::{ContainerExit, HostError, StartedContainer};

impl ContainerState {
    /// Whether it is started again after this end: not after an exit code to be ignored, nor if it ran too short.
    /// `seen_at` is when the end was seen, if somebody looked when it happened.
    pub fn may_restart(
        &self,
        policy: Option<&RestartPolicy>,
        exit: &ContainerExit,
        seen_at: Option<Instant>,
    ) -> bool {
        let (Some(policy), Some(started)) = (policy, &self.started) else {
            return false;
        };
        let is_ignored = policy.ignored_exit_codes.contains(&exit.exit_code);
        let by_wall = ran_for(started.started_at, exit.finished_at);
        // The clock of the host may have been set back meanwhile; this one never is.
        let watched = seen_at.zip(self.started_since);
        let watched = watched.map_or(by_wall, |(seen, since)| seen.saturating_duration_since(since));
        !is_ignored && by_wall.max(watched) >= policy.attempt_period
    }

    /// Notes that its start was asked for again.
    pub fn begin_restart(&mut self) {
        if let Phase::Restartable(before) = &self.phase {
            let before = before.clone();
            self.phase = Phase::Restarting { before, early: None };
        }
    }

    /// What waits for a start, or for another one, has none to wait for any more.
    pub fn start_no_more(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Stopped) {
            Phase::Waiting => {}
            Phase::Restartable(exit) => self.stop(Some(exit), None),
            other => self.phase = other,
        }
    }
}

impl TaskState {
    /// Takes the answer to a restart. One that failed leaves the container as it ended.
    pub(super) fn container_restarted(
        &mut self,
        task: &Task,
        index: usize,
        result: Result<StartedContainer, HostError>,
        now: Instant,
    ) {
        self.revision += 1;
        let container = &mut self.containers[index];
        let (before, early) = match std::mem::replace(&mut container.phase, Phase::Running) {
            Phase::Restarting { before, early } => (before, early),
            other => {
                container.phase = other;
                return;
            }
        };
        match result {
            Err(error) => container.stop(Some(before), Some(error.to_string())),
            Ok(started) => {
                container.restart_count += 1;
                container.begin_life(&task.containers[index], started, now);
                if let Some(exit) = early {
                    self.container_exited(task, index, exit, Some(now));
                }
            }
        }
    }

    /// Whether a container is to be started again now.
    pub fn is_restart_due(&self, index: usize) -> bool {
        self.desired == DesiredStatus::Running
            && matches!(self.containers[index].phase, Phase::Restartable(_))
    }
}

fn ran_for(from: Timestamp, to: Timestamp) -> std::time::Duration {
    // A clock that was set back makes it short.
    to.duration_since(from).try_into().unwrap_or_default()
}
