//! A stream into a task: bytes to and from a port in its network, or files of a container as a tar archive.

use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

#[cfg(test)]
mod tests;

/// What is read at once.
const READ_BYTES: usize = 32 * 1024;
/// Pieces that may wait in either direction.
pub const QUEUE_BOUND: usize = 4;
/// How long whoever reads the other end may take for a piece.
const WRITE_DEADLINE: Duration = Duration::from_secs(20 * 60);

/// Which stream is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    /// The task.
    pub task_id: String,
    /// Name of its container, which runs.
    pub container: String,
    /// Where in it.
    pub target: StreamTarget,
}

/// Where a stream ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamTarget {
    /// A TCP port in the container's network, also one that is bound to loopback only.
    Port(u16),
    /// The output is an archive of a file or directory.
    ReadFiles {
        /// In the container.
        path: PathBuf,
        /// If it is a symbolic link, what that leads to.
        follow_link: bool,
    },
    /// The input is an archive, which is unpacked; the output ends when that is done.
    WriteFiles {
        /// In the container.
        path: PathBuf,
        /// Name of what is copied, where `path` is a directory.
        name: String,
        /// Put what is in the directory that is copied into `path`, not the directory itself.
        contents_only: bool,
        /// Files belong to whom the archive says, not to root.
        keep_owners: bool,
    },
}

/// Why there is no stream, or no more, for whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StreamError(pub String);

/// An open stream. Dropping it ends it.
#[derive(Debug)]
pub struct TaskStream {
    /// To the task; dropping it says that there is no more. A closed queue means that no more is taken.
    pub input: mpsc::Sender<Bytes>,
    /// From the task, until it has said all.
    pub output: mpsc::Receiver<Result<Bytes, StreamError>>,
    /// Ends both when it is dropped.
    pub guard: DropGuard,
}

impl TaskStream {
    /// A stream over a TCP connection; each direction ends for itself.
    pub fn of_connection(connection: TcpStream) -> Self {
        // Answers of a few bytes must not wait for more.
        let _ = connection.set_nodelay(true);
        let (read, write) = connection.into_split();
        let (input, inputs) = mpsc::channel(QUEUE_BOUND);
        let (outputs, output) = mpsc::channel(QUEUE_BOUND);
        let end = CancellationToken::new();
        tokio::spawn(end.clone().run_until_cancelled_owned(write_all(write, inputs)));
        tokio::spawn(end.clone().run_until_cancelled_owned(read_all(read, outputs)));
        Self {
            input,
            output,
            guard: end.drop_guard(),
        }
    }
}

async fn write_all(mut write: OwnedWriteHalf, mut inputs: mpsc::Receiver<Bytes>) {
    while let Some(data) = inputs.recv().await {
        let written = tokio::time::timeout(WRITE_DEADLINE, write.write_all(&data)).await;
        // How the connection broke is told by its other direction.
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
    let _ = write.shutdown().await;
}

async fn read_all(mut read: OwnedReadHalf, outputs: mpsc::Sender<Result<Bytes, StreamError>>) {
    loop {
        let Ok(place) = outputs.reserve().await else {
            return;
        };
        let mut buffer = BytesMut::with_capacity(READ_BYTES);
        match read.read_buf(&mut buffer).await {
            Ok(0) => return,
            Ok(_) => place.send(Ok(buffer.freeze())),
            Err(error) => {
                place.send(Err(StreamError(format!("the connection broke: {error}"))));
                return;
            }
        }
    }
}
