//! Running a process on a terminal in a container.
//!
//! ```text
//!  attach ──Execute + socket──► shim ──joins──► process: makes a terminal, sends its other side over the socket
//!     └─ a task moves bytes between the terminal and the queues of who asked; its end ends the process
//! ```

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::time::Duration;

use agent::host::{AttachSpec, AttachedProcess, HostError, ProcessInput};
use bytes::Bytes;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use rustix::termios::Winsize;
use shim::{ExecuteProcess, ExecutionConsole, ExecutionUser};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

use super::executing::{not_executed, running};
use super::{Inner, runtime_error};

/// How long the terminal may take to come.
const TERMINAL_DEADLINE: Duration = Duration::from_secs(20);
/// Longest life of a process on a terminal; whoever attached it gives up long before.
const LIFE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// What is read at once from a terminal: more than the kernel keeps of one.
const READ_BYTES: usize = 8 * 1024;
/// Messages that may wait in either direction.
const QUEUE_BOUND: usize = 16;
/// How long the rest of its output may take once the process has ended.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// The end of the process, from the shim.
type End = Pin<Box<dyn Future<Output = Result<i32, HostError>> + Send>>;

impl Inner {
    /// Runs a process on a terminal; see [`agent::host::Host::attach`].
    pub async fn attach(&self, process: &AttachSpec) -> Result<AttachedProcess, HostError> {
        let sandbox = self.known_sandbox(&process.task_id)?;
        let runtime_id = running(&sandbox, &process.container)?;
        let request = ExecuteProcess {
            container: process.container.clone(),
            arguments: process.arguments.clone(),
            groups: self.cgroups.process_lists(&process.task_id, &runtime_id),
            timeout_milliseconds: u64::try_from(LIFE_MAX.as_millis()).unwrap_or(u64::MAX),
            output_bytes: 0,
            console: ExecutionConsole::Terminal {
                columns: process.columns,
                rows: process.rows,
            },
            user: ExecutionUser::Root,
            environment: process.environment.clone(),
        };
        let (ours, theirs) = StdUnixStream::pair().map_err(runtime_error)?;
        ours.set_nonblocking(true).map_err(runtime_error)?;
        let ours = UnixStream::from_std(ours).map_err(runtime_error)?;
        let shim = sandbox.shim.clone();
        let mut end: End = Box::pin(async move {
            let ended = shim.execute_on(request, Some(theirs.into())).await;
            ended.map(|(code, ..)| code).map_err(not_executed)
        });
        let waiting = tokio::time::timeout(TERMINAL_DEADLINE, receive(&ours));
        tokio::pin!(waiting);
        let terminal = tokio::select! {
            biased;
            terminal = waiting.as_mut() => terminal,
            // One that ended by itself has sent its terminal before.
            ended = end.as_mut() => {
                end = Box::pin(std::future::ready(Ok(ended?)));
                waiting.await
            }
        };
        let terminal = match terminal {
            Ok(Ok(terminal)) => terminal,
            // Why there is none is about to be told.
            Ok(Err(_)) => return Err(without_terminal(told_soon(end).await)),
            Err(_) => return Err(runtime_error("the terminal did not come in time")),
        };
        // SAFETY: the descriptor is owned by the value, which hands it to nobody else.
        let terminal = unsafe { AsyncFd::register(terminal) }.map_err(runtime_error)?;
        let (input, inputs) = mpsc::channel(QUEUE_BOUND);
        let (outputs, output) = mpsc::channel(QUEUE_BOUND);
        let (told, ended) = oneshot::channel();
        tokio::spawn(serve(terminal, inputs, outputs, end, told));
        Ok(AttachedProcess {
            input,
            output,
            end: ended,
        })
    }
}

/// How a process ended that is ending.
async fn told_soon(end: End) -> Result<i32, HostError> {
    let end = tokio::time::timeout(TERMINAL_DEADLINE, end).await;
    end.unwrap_or_else(|_| Err(runtime_error("the process made no terminal")))
}

fn without_terminal(ended: Result<i32, HostError>) -> HostError {
    let never = "the process ended before it had a terminal";
    ended.err().unwrap_or_else(|| runtime_error(never))
}

/// The descriptor that comes over a socket.
async fn receive(socket: &UnixStream) -> io::Result<OwnedFd> {
    socket
        .async_io(Interest::READABLE, || {
            let mut byte = [0];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut byte)];
            rustix::net::recvmsg(socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
            let descriptor = ancillary.drain().find_map(|it| match it {
                RecvAncillaryMessage::ScmRights(mut all) => all.next(),
                _ => None,
            });
            descriptor.ok_or_else(|| io::Error::other("the process made no terminal"))
        })
        .await
}

/// Moves bytes until the process has ended or nobody is interested any more; then `end` is dropped, which kills it.
async fn serve(
    terminal: AsyncFd<OwnedFd>,
    mut inputs: mpsc::Receiver<ProcessInput>,
    outputs: mpsc::Sender<Bytes>,
    mut end: End,
    told: oneshot::Sender<Result<i32, HostError>>,
) {
    let mut waiting = Bytes::new();
    let mut is_readable = true;
    let ended = loop {
        tokio::select! {
            biased;
            ended = end.as_mut() => break ended,
            input = inputs.recv(), if waiting.is_empty() => match input {
                None => return,
                Some(ProcessInput::Data(data)) => waiting = data,
                Some(ProcessInput::Size { columns, rows }) => resize(&terminal, columns, rows),
            },
            written = write(&terminal, &waiting), if !waiting.is_empty() => match written {
                Ok(count) => drop(waiting.split_to(count)),
                // Nobody has the terminal open: the process is about to end.
                Err(_) => waiting.clear(),
            },
            read = read(&terminal, &outputs), if is_readable => match read {
                Read::Some => {}
                Read::Ended => is_readable = false,
                Read::Unwanted => return,
            },
        }
    };
    // What it wrote last is still in the terminal; a process that it left behind does not hold this up.
    let drain = async {
        while let Some(data) = read_now(&terminal) {
            if outputs.send(data).await.is_err() {
                return;
            }
        }
    };
    drop(tokio::time::timeout(DRAIN_DEADLINE, drain).await);
    drop(outputs);
    // Nobody may wait for it.
    drop(told.send(ended));
}

enum Read {
    Some,
    /// No process has the terminal open.
    Ended,
    /// Nobody takes output.
    Unwanted,
}

async fn read(terminal: &AsyncFd<OwnedFd>, outputs: &mpsc::Sender<Bytes>) -> Read {
    let Ok(place) = outputs.reserve().await else {
        return Read::Unwanted;
    };
    let mut buffer = [0; READ_BYTES];
    let read = terminal.async_io(Interest::READABLE, |it| Ok(rustix::io::read(it, &mut buffer)?));
    match read.await {
        Ok(count) if count > 0 => {
            place.send(Bytes::copy_from_slice(&buffer[..count]));
            Read::Some
        }
        _ => Read::Ended,
    }
}

/// What is there already.
fn read_now(terminal: &AsyncFd<OwnedFd>) -> Option<Bytes> {
    let mut buffer = [0; READ_BYTES];
    let count = rustix::io::read(terminal.get_ref(), &mut buffer).ok()?;
    (count > 0).then(|| Bytes::copy_from_slice(&buffer[..count]))
}

async fn write(terminal: &AsyncFd<OwnedFd>, data: &[u8]) -> io::Result<usize> {
    let written = terminal.async_io(Interest::WRITABLE, |it| Ok(rustix::io::write(it, data)?));
    written.await
}

/// The kernel tells the processes of the terminal by SIGWINCH.
fn resize(terminal: &AsyncFd<OwnedFd>, columns: u16, rows: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    if let Err(error) = rustix::termios::tcsetwinsize(terminal.get_ref(), size) {
        tracing::debug!(%error, "a terminal keeps its size");
    }
}
