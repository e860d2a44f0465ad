//! What is known of a container.

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::task::Container;
use super::health::Health;
use super::status::{Image, LogStream, Phase, Status};
use crate::host::{ContainerExit, StartedContainer};

/// What is known of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerState {
    /// Its image.
    pub image: Image,
    /// Its log stream.
    pub log_stream: LogStream,
    /// Where it stands.
    pub phase: Phase,
    /// Set once its process was executed.
    pub started: Option<StartedContainer>,
    /// When that was, for time-outs.
    pub started_since: Option<Instant>,
    /// How often its restart policy has started it again.
    pub restart_count: u32,
    /// Its health, if it is checked and was started.
    pub health: Option<Health>,
    /// Set once its process ended.
    pub exit: Option<ContainerExit>,
    /// Why it failed, beginning with the name of the error.
    pub reason: Option<String>,
    /// When it was sent its stop signal; forgotten with the agent.
    pub stop_signalled_at: Option<Timestamp>,
    /// When it was sent SIGKILL; forgotten with the agent.
    pub killed_at: Option<Timestamp>,
    /// The last status the control plane has acknowledged.
    pub acknowledged: Status,
}

impl ContainerState {
    /// A container of which nothing is known.
    pub fn new() -> Self {
        Self {
            image: Image::Absent,
            log_stream: LogStream::Closed,
            phase: Phase::Waiting,
            started: None,
            started_since: None,
            restart_count: 0,
            health: None,
            exit: None,
            reason: None,
            stop_signalled_at: None,
            killed_at: None,
            acknowledged: Status::Pending,
        }
    }

    /// Its status as state changes report it.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Waiting | Phase::Starting(_) => Status::Pending,
            Phase::Running
            // Restarts are no news.
            | Phase::Restartable(_)
            | Phase::Restarting { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. } => Status::Running,
            Phase::Stopped => Status::Stopped,
        }
    }

    /// Notes that its process was executed, for the first time or again.
    pub fn begin_life(&mut self, container: &Container, started: StartedContainer, now: Instant) {
        self.health = container
            .health_check
            .as_ref()
            .map(|it| Health::new(it, now, started.started_at));
        self.started = Some(started);
        self.started_since = Some(now);
    }

    /// Notes its end; `exit` is absent if it never ran or nobody saw how it ended.
    pub fn stop(&mut self, exit: Option<ContainerExit>, reason: Option<String>) {
        let out_of_memory = exit.as_ref().is_some_and(|it| it.is_out_of_memory);
        self.phase = Phase::Stopped;
        self.exit = exit;
        match reason {
            None if out_of_memory => {
                self.reason = Some("OutOfMemoryError: Container killed due to memory usage".to_owned());
            }
            None => {}
            Some(reason) => self.reason = Some(reason),
        }
    }
}

impl Default for ContainerState {
    fn default() -> Self {
        Self::new()
    }
}
