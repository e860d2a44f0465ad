//! Commands that users run in containers. The control plane orders one over the session; the agent dials a websocket
//! back for it and carries the terminal over that.
//!
//! ```text
//!  session: ExecuteCommandMessage ──► attach to the container ◀──► websocket to the control plane
//! ```

use std::sync::Arc;
use std::time::Duration;

use api::acs;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use wire::exec_channel::{FromAgent, ToAgent};

use crate::control_plane::ControlPlane;
use crate::host::{AttachSpec, AttachedProcess, Host, HostError, ProcessInput};
use crate::session::handshake::{CONNECT_DEADLINE, Socket, connect};
use crate::tasks::task::task_id;

mod streams;

pub use streams::StreamOrder;

/// Where the control plane waits for the agent.
const PATH: &str = "/agent/exec";
/// Commands that may run at once on this host; the control plane lets fewer run in each container.
const COMMANDS_MAX: usize = 256;
/// Streams that may be open at once on this host.
const STREAMS_MAX: usize = 256;
/// The control plane pings every 30 seconds; after so long without anything it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// How long a message may take to be taken. One who reads slowly holds the command up until then.
const SEND_DEADLINE: Duration = Duration::from_secs(20 * 60);
/// How long the close may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
/// As Amazon's agent tells programs what terminal they have.
const ENVIRONMENT: [&str; 2] = ["TERM=xterm-256color", "LANG=C.UTF-8"];

/// A command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Id of the session.
    pub session_id: String,
    /// Shows the control plane that it was this agent that was asked.
    pub token: String,
    /// Where and what.
    pub process: AttachSpec,
}

impl Order {
    /// Reads a message; `None` if something is missing.
    pub fn read(message: acs::ExecuteCommandMessage) -> Option<Self> {
        let dimension = |it: Option<i32>, default| {
            let it = it.and_then(|it| u16::try_from(it).ok());
            it.filter(|it| *it > 0).unwrap_or(default)
        };
        Some(Self {
            session_id: message.session_id?,
            token: message.token?,
            process: AttachSpec {
                task_id: task_id(&message.task_arn?).to_owned(),
                container: message.container_name?,
                arguments: message.command?,
                environment: ENVIRONMENT.map(str::to_owned).to_vec(),
                columns: dimension(message.columns, 80),
                rows: dimension(message.rows, 24),
            },
        })
    }
}

/// Who runs commands.
pub struct Commands {
    control_plane: Arc<ControlPlane>,
    host: Arc<dyn Host>,
    container_instance: String,
    places: Arc<Semaphore>,
    stream_places: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Commands {
    /// None runs yet.
    pub fn new(
        control_plane: Arc<ControlPlane>,
        host: Arc<dyn Host>,
        container_instance: String,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            control_plane,
            host,
            container_instance,
            places: Arc::new(Semaphore::new(COMMANDS_MAX)),
            stream_places: Arc::new(Semaphore::new(STREAMS_MAX)),
            shutdown,
        })
    }

    /// Begins a command and returns. What comes of it is told over its own websocket.
    pub fn begin(self: &Arc<Self>, order: Order) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::warn!(
                session = order.session_id,
                "too many commands run: one more is left out"
            );
            return;
        };
        let commands = Arc::clone(self);
        tokio::spawn(async move {
            let session = order.session_id.clone();
            tokio::select! {
                biased;
                () = commands.shutdown.cancelled() => {}
                () = commands.run(order) => {}
            }
            tracing::debug!(session, "the session of a command is over");
            drop(place);
        });
    }

    /// A websocket to whoever waits for a session at the control plane.
    async fn dial(&self, session_id: &str, token: &str) -> Option<Socket> {
        let url = format!("{}{PATH}", self.control_plane.endpoint());
        let query = [
            ("containerInstanceArn", self.container_instance.as_str()),
            ("sessionId", session_id),
            ("token", token),
        ];
        match timeout(CONNECT_DEADLINE, connect(&self.control_plane, &url, &query)).await {
            Ok(Ok(socket)) => Some(socket),
            other => {
                let error = other.map(|it| it.err());
                tracing::warn!(session = session_id, ?error, "cannot connect for a session");
                None
            }
        }
    }

    async fn run(&self, order: Order) {
        let Some(mut socket) = self.dial(&order.session_id, &order.token).await else {
            return;
        };
        let last = match self.host.attach(&order.process).await {
            Ok(process) => carry(&mut socket, process).await,
            Err(error) => Some(FromAgent::Failed(error.to_string())),
        };
        if let Some(last) = last {
            send(&mut socket, &last).await;
        }
        // It is over either way.
        let _ = timeout(CLOSE_DEADLINE, socket.close(None)).await;
    }
}

/// Carries messages until the process has ended or the control plane has gone; in the latter case there is nothing more
/// to say, and dropping the process kills it.
async fn carry(socket: &mut Socket, mut process: AttachedProcess) -> Option<FromAgent> {
    let mut waiting: Option<ProcessInput> = None;
    let mut silent_at = Instant::now() + SILENCE_MAX;
    loop {
        tokio::select! {
            place = process.input.reserve(), if waiting.is_some() => {
                // Without a place it has ended; its end is told when its output has been.
                let input = waiting.take();
                if let (Ok(place), Some(input)) = (place, input) {
                    place.send(input);
                }
            }
            output = process.output.recv() => match output {
                Some(data) => {
                    if !send(socket, &FromAgent::Output(data.to_vec())).await {
                        return None;
                    }
                    // A slow reader took its time, and that is a sign of life.
                    silent_at = Instant::now() + SILENCE_MAX;
                }
                None => return Some(end(&mut process.end).await),
            },
            message = socket.next(), if waiting.is_none() => {
                silent_at = Instant::now() + SILENCE_MAX;
                match message {
                    Some(Ok(Message::Binary(bytes))) => waiting = input(&bytes),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            },
            () = tokio::time::sleep_until(silent_at), if waiting.is_none() => return None,
        }
    }
}

fn input(bytes: &[u8]) -> Option<ProcessInput> {
    match ToAgent::decode(bytes) {
        Ok(ToAgent::Input(data)) => Some(ProcessInput::Data(data.into())),
        Ok(ToAgent::Size { columns, rows }) => Some(ProcessInput::Size { columns, rows }),
        // A terminal has no end of input.
        Ok(ToAgent::EndOfInput) => None,
        Err(error) => {
            tracing::debug!(%error, "a message about a command is dropped");
            None
        }
    }
}

async fn end(end: &mut oneshot::Receiver<Result<i32, HostError>>) -> FromAgent {
    match end.await {
        Ok(Ok(code)) => FromAgent::Exited(code),
        Ok(Err(error)) => FromAgent::Failed(error.to_string()),
        Err(_) => FromAgent::Failed("the host lost the process".to_owned()),
    }
}

/// Whether the message was taken.
async fn send(socket: &mut Socket, message: &FromAgent) -> bool {
    let sent = timeout(SEND_DEADLINE, socket.send(Message::binary(message.encode()))).await;
    matches!(sent, Ok(Ok(())))
}
