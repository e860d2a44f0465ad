//! A process in a container with somebody to talk to.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::HostError;

/// A process to run on a terminal in a container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachSpec {
    /// Its task.
    pub task_id: String,
    /// Name of the container.
    pub container: String,
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// Added over the container's environment: `name=value`.
    pub environment: Vec<String>,
    /// Columns of the terminal to begin with.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// What a process is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessInput {
    /// Typed on its terminal.
    Data(Bytes),
    /// The terminal's new size.
    Size {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
}

/// A process that runs. It is killed when `input` or `output` is dropped before it has ended.
#[derive(Debug)]
pub struct AttachedProcess {
    /// To it. A full queue means that it does not read.
    pub input: mpsc::Sender<ProcessInput>,
    /// From it. It waits while nobody takes its output.
    pub output: mpsc::Receiver<Bytes>,
    /// Its exit status, 128 + signal if a signal ended it; told when all its output has been.
    pub end: oneshot::Receiver<Result<i32, HostError>>,
}
