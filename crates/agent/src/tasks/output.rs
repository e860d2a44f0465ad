//! How the containers of a task last spoke: kept for whoever asks why it stopped.

use crate::host::{Host, HostError};

/// Lines that are kept of each container, without a log driver too.
pub const LINES: usize = 20;
/// Most bytes of them, so that a whole task fits into one message.
pub const BYTES: usize = 4 * 1024;
/// Outputs that wait to be told.
pub const QUEUE_BOUND: usize = 64;

/// The last lines of the containers of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOutput {
    /// Long ARN of the task.
    pub task_arn: String,
    /// Container name and lines, oldest first.
    pub containers: Vec<(String, Vec<String>)>,
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
