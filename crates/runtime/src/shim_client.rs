//! Talking to a task's shim.

use std::fs::File;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use shim::{
    Answer, ContainerStatus, ExecuteProcess, ExecutionEnding, Exited, FailedStep, MAX_MESSAGE_BYTES, Message,
    PROTOCOL_VERSION, Reply, Request, Sharing, StartContainer, Started,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;

use crate::shim_process;

/// Longest wait for an answer; a start is limited by the shim itself to less.
const DEADLINE: Duration = Duration::from_secs(60);

/// Why a shim did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ShimError {
    /// It cannot be reached, or went away.
    #[error("the shim of the task cannot be reached: {0}")]
    Connection(#[from] io::Error),
    /// It did not answer in time.
    #[error("the shim of the task does not answer")]
    Timeout,
    /// It said something else than was asked.
    #[error("the shim of the task refused: {0}")]
    Refused(String),
    /// The program of a process in a container was not executed.
    #[error("{0}")]
    Execute(String),
    /// The container could not be started.
    #[error("{message}")]
    Start {
        /// Where it failed.
        step: FailedStep,
        /// Why.
        message: String,
    },
}

/// A task's shim, by its socket.
#[derive(Clone, Debug)]
pub struct ShimClient {
    directory: PathBuf,
}

/// The connection over which a shim tells of exits.
#[derive(Debug)]
pub struct Subscription {
    lines: BufReader<UnixStream>,
}

impl ShimClient {
    /// The shim of the task in `directory`.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// Starts a container on a detached mount.
    ///
    /// # Errors
    /// [`ShimError`].
    pub async fn start(&self, container: StartContainer, root: OwnedFd) -> Result<Started, ShimError> {
        match self.ask(Request::Start(container), Some(root), DEADLINE).await?.0 {
            Reply::Started(started) => Ok(started),
            Reply::StartFailed { step, message } => Err(ShimError::Start { step, message }),
            other => Err(unexpected(other)),
        }
    }

    /// Makes what the containers share.
    ///
    /// # Errors
    /// [`ShimError`].
    pub async fn share(&self, sharing: Sharing) -> Result<(), ShimError> {
        self.ask_done(Request::Share(sharing)).await
    }

    /// Starts a container again on a detached mount.
    ///
    /// # Errors
    /// [`ShimError`].
    pub async fn restart(&self, container: &str, root: OwnedFd) -> Result<Started, ShimError> {
        let container = container.to_owned();
        match self
            .ask(Request::Restart { container }, Some(root), DEADLINE)
            .await?
            .0
        {
            Reply::Started(started) => Ok(started),
            Reply::StartFailed { step, message } => Err(ShimError::Start { step, message }),
            other => Err(unexpected(other)),
        }
    }

    /// Runs a process in a container to its end: exit status, output, and how it came to its end.
    ///
    /// # Errors
    /// [`ShimError`].
    pub async fn execute(
        &self,
        process: ExecuteProcess,
    ) -> Result<(i32, String, ExecutionEnding), ShimError> {
        self.execute_on(process, None).await
    }

    /// The same for a process with a terminal, which comes over `socket`. Dropping the future kills the process.
    ///
    /// # Errors
    /// [`ShimError`].
    pub async fn execute_on(
        &self,
        process: ExecuteProcess,
        socket: Option<OwnedFd>,
    ) -> Result<(i32, String, ExecutionEnding), ShimError> {
        let deadline = DEADLINE.saturating_add(Duration::from_millis(process.timeout_milliseconds));
        match self.ask(Request::Execute(process), socket, deadline).await?.0 {
            Reply::Executed {
                exit_code,
                output,
                ending,
            } => Ok((exit_code, output, ending)),
            Reply::NotExecuted { message } => Err(ShimError::Execute(message)),
            other => Err(unexpected(other)),
        }
    }

    /// Sends a signal to a container's first process.
    ///
    /// # Errors
    /// [`ShimError`].
    pub async fn signal(&self, container: &str, signal: i32) -> Result<(), ShimError> {
        let request = Request::Signal {
            container: container.to_owned(),
            signal,
        };
        self.ask_done(request).await
    }

    /// Kills all containers and ends the shim.
    ///
    /// # Errors
    /// [`ShimError`].
    pub async fn shut_down(&self) -> Result<(), ShimError> {
        self.ask_done(Request::Shutdown).await
    }

    /// All containers as they are, and news of them from then on.
    ///
    /// # Errors
    /// [`ShimError`].
    pub async fn subscribe(&self) -> Result<(Vec<ContainerStatus>, Subscription), ShimError> {
        match self.ask(Request::Subscribe, None, DEADLINE).await? {
            (Reply::Containers(statuses), lines) => Ok((statuses, Subscription { lines })),
            (other, _) => Err(unexpected(other)),
        }
    }

    async fn ask_done(&self, request: Request) -> Result<(), ShimError> {
        match self.ask(request, None, DEADLINE).await?.0 {
            Reply::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    async fn ask(
        &self,
        request: Request,
        descriptor: Option<OwnedFd>,
        deadline: Duration,
    ) -> Result<(Reply, BufReader<UnixStream>), ShimError> {
        let asked = async {
            let folder = File::open(&self.directory)?;
            let stream = UnixStream::connect(shim_process::short_path(&folder)).await?;
            let mut line = serde_json::to_vec(&Message {
                version: PROTOCOL_VERSION,
                request,
            })
            .map_err(io::Error::other)?;
            line.push(b'\n');
            send(&stream, &line, descriptor).await?;
            let mut lines = BufReader::new(stream);
            let answer: Answer = read_line(&mut lines).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok((answer.reply, lines))
        };
        let answered: io::Result<_> = tokio::time::timeout(deadline, asked)
            .await
            .map_err(|_| ShimError::Timeout)?;
        Ok(answered?)
    }
}

impl Subscription {
    /// The next exit; `None` once the shim has gone.
    pub async fn next(&mut self) -> Option<Exited> {
        read_line(&mut self.lines).await.ok().flatten()
    }
}

async fn read_line<T: serde::de::DeserializeOwned>(
    lines: &mut BufReader<UnixStream>,
) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    lines
        .take(MAX_MESSAGE_BYTES as u64)
        .read_until(b'\n', &mut line)
        .await?;
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&line).map(Some).map_err(io::Error::other)
}

/// Sends a message whole, with a descriptor beside its first byte.
async fn send(stream: &UnixStream, line: &[u8], descriptor: Option<OwnedFd>) -> io::Result<()> {
    let mut sent = 0;
    while sent < line.len() {
        stream.writable().await?;
        let descriptors: Vec<_> = descriptor.iter().filter(|_| sent == 0).map(AsFd::as_fd).collect();
        let result = stream.try_io(tokio::io::Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if !descriptors.is_empty() {
                ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
            }
            let parts = [IoSlice::new(&line[sent..])];
            Ok(rustix::net::sendmsg(
                stream,
                &parts,
                &mut ancillary,
                SendFlags::NOSIGNAL,
            )?)
        });
        match result {
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn unexpected(reply: Reply) -> ShimError {
    match reply {
        Reply::Refused { message } => ShimError::Refused(message),
        other => ShimError::Refused(format!("unexpected answer {other:?}")),
    }
}
