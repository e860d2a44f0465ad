//! How the containers of a task last spoke: kept for whoever asks why it stopped.

use jiff::Timestamp;

use super::state::ContainerState;
use crate::host::{Host, HostError};

/// Lines that are kept of each container, without a log driver too.
pub const LINES: usize = 20;
/// Most bytes of them, so that a whole task fits into one message.
pub const BYTES: usize = 4 * 1024;
/// Outputs that wait to be told.
pub const QUEUE_BOUND: usize = 64;

/// How the containers of a task last spoke, and how they ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOutput {
    /// Long ARN of the task.
    pub task_arn: String,
    /// Those that were started.
    pub containers: Vec<ContainerOutput>,
}

/// The part of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerOutput {
    /// Name in the task definition.
    pub name: String,
    /// Oldest first.
    pub lines: Vec<String>,
    /// How it ended.
    pub end: ContainerEnd,
}

/// How a container ended: what tells a SIGKILL of ours from one of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerEnd {
    /// Its process was executed, the last time; absent if it never was.
    pub started_at: Option<Timestamp>,
    /// Its process ended.
    pub finished_at: Option<Timestamp>,
    /// It was sent its stop signal.
    pub stop_signalled_at: Option<Timestamp>,
    /// It was sent SIGKILL.
    pub killed_at: Option<Timestamp>,
    /// How often its restart policy had started it again.
    pub restart_count: u32,
}

impl ContainerEnd {
    /// What a state says of it.
    pub fn of(state: &ContainerState) -> Self {
        Self {
            started_at: state.started.as_ref().map(|it| it.started_at),
            finished_at: state.exit.as_ref().map(|it| it.finished_at),
            stop_signalled_at: state.stop_signalled_at,
            killed_at: state.killed_at,
            restart_count: state.restart_count,
        }
    }
}

/// The last lines of a container, at most [`LINES`] and [`BYTES`].
///
/// # Errors
/// Any of the host.
pub async fn last_lines(host: &dyn Host, task_id: &str, container: &str) -> Result<Vec<String>, HostError> {
    let lines = host.read_log_end(task_id, container, LINES).await?;
    let mut kept: Vec<String> = Vec::new();
    let mut left = BYTES;
    for line in lines.into_iter().rev().take(LINES) {
        let mut text = line.message;
        text.truncate(text.floor_char_boundary(left));
        left -= text.len();
        kept.push(text);
        if left == 0 {
            break;
        }
    }
    kept.reverse();
    Ok(kept)
}
