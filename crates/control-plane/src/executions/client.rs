//! The plug-in's end of a session: its websocket and the data channel on it.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use wire::data_channel::{
    Channel, DATA_BYTES_MAX, Event, HandshakeComplete, HandshakeRequest, MessageKind, OpenDataChannel,
    PayloadKind, SessionClosed, TERMINATE_SESSION, TerminalSize,
};
use wire::exec_channel::ToAgent;

use super::ending::Ending;
use crate::sessions::Socket;

/// How long the plug-in may take to say who it is, and to answer the handshake.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(15);
/// How long the size of the terminal is waited for after that: plug-ins send it at once.
const SIZE_PATIENCE: Duration = Duration::from_millis(700);
/// How long a frame may take to be taken; a user who has stopped his terminal takes none.
const SEND_DEADLINE: Duration = Duration::from_secs(5 * 60);
/// How long the last frame and the close may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);
/// Plug-ins take it for the version of Amazon's agent, and tell from it that a session can be terminated.
const AGENT_VERSION: &str = "3.3.0.0";

/// What comes over a websocket.
pub type Heard = Option<Result<Message, tokio_tungstenite::tungstenite::Error>>;

/// A plug-in.
pub struct Client {
    socket: Socket,
    channel: Channel,
    clock: Arc<dyn Clock>,
    is_paused: bool,
}

impl Client {
    /// One that has just connected.
    pub fn new(socket: Socket, clock: Arc<dyn Clock>) -> Self {
        Self {
            socket,
            channel: Channel::server(),
            clock,
            is_paused: false,
        }
    }

    /// What it says first. `None` if that is something else.
    pub async fn open(&mut self) -> Option<OpenDataChannel> {
        let message = timeout(HANDSHAKE_DEADLINE, self.socket.next())
            .await
            .ok()??
            .ok()?;
        match message {
            Message::Text(text) => serde_json::from_str(text.as_str()).ok(),
            Message::Binary(bytes) => serde_json::from_slice(&bytes).ok(),
            _ => None,
        }
    }

    /// Agrees on what kind of session it is. What the user has typed meanwhile is for the agent.
    pub async fn shake_hands(&mut self) -> Result<Opening, Ending> {
        let request = HandshakeRequest::terminal(AGENT_VERSION);
        self.send(PayloadKind::HandshakeRequest, json(&request)).await?;
        let mut opening = Opening::default();
        let deadline = Instant::now() + HANDSHAKE_DEADLINE;
        while !opening.has_answered {
            let message = timeout_at(deadline, self.next()).await;
            let message = message.map_err(|_| Ending::ClientSilent)?;
            opening.take(self.hear(message, true).await?)?;
        }
        let complete = HandshakeComplete::default();
        self.send(PayloadKind::HandshakeComplete, json(&complete)).await?;
        let deadline = Instant::now() + SIZE_PATIENCE;
        while opening.size.is_none() {
            // Without a size the terminal has the usual one.
            let Ok(message) = timeout_at(deadline, self.next()).await else {
                break;
            };
            opening.take(self.hear(message, true).await?)?;
        }
        Ok(opening)
    }

    /// The next message, for [`Self::hear`]. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Heard {
        self.socket.next().await
    }

    /// What the plug-in says, acknowledged. Data that cannot be taken now is left unacknowledged: it comes again.
    pub async fn hear(&mut self, message: Heard, takes_data: bool) -> Result<Vec<Event>, Ending> {
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ending::ClientLeft),
            Some(Ok(_)) => return Ok(Vec::new()),
        };
        if !takes_data && is_data(&bytes) {
            return Ok(Vec::new());
        }
        let received = match self.channel.receive(&bytes, id(), self.now_ms()) {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!(%error, "a frame of a plug-in is dropped");
                return Ok(Vec::new());
            }
        };
        for reply in received.replies {
            self.put(reply).await?;
        }
        for event in &received.events {
            match event {
                Event::Pause => self.is_paused = true,
                Event::Resume => self.is_paused = false,
                Event::Data(..) | Event::Closed(_) => {}
            }
        }
        Ok(received.events)
    }

    /// Whether it takes output now.
    pub fn has_room(&self) -> bool {
        !self.is_paused && self.channel.has_room()
    }

    /// Sends output of the command.
    pub async fn output(&mut self, output: &[u8]) -> Result<(), Ending> {
        for part in output.chunks(DATA_BYTES_MAX) {
            self.send(PayloadKind::Output, part.to_vec()).await?;
        }
        Ok(())
    }

    /// Sends again what was not acknowledged.
    pub async fn resend(&mut self) -> Result<(), Ending> {
        let now_ms = self.now_ms();
        match self.channel.due(now_ms) {
            Ok(frames) => {
                for frame in frames {
                    self.put(frame).await?;
                }
                Ok(())
            }
            Err(_) => Err(Ending::ClientSilent),
        }
    }

    /// Says how the session ended, and closes.
    pub async fn close(mut self, session_id: &str, ending: &Ending) {
        let closed = SessionClosed {
            message_id: uuid::Uuid::new_v4().to_string(),
            created_date: self.clock.now().to_string(),
            destination_id: session_id.to_owned(),
            session_id: session_id.to_owned(),
            message_type: MessageKind::ChannelClosed.as_str().to_owned(),
            schema_version: 1,
            output: ending.text(),
            exit_code: ending.exit_code(),
        };
        let frame = Channel::close(&closed, id(), self.now_ms());
        let last = async {
            if self.put(frame).await.is_ok() {
                drop(self.socket.close(None).await);
                // The plug-in closes its side when it has read all; until then its acknowledgements may not be cut off.
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        // It is over either way.
        let _ = timeout(CLOSE_DEADLINE, last).await;
    }

    async fn send(&mut self, kind: PayloadKind, payload: Vec<u8>) -> Result<(), Ending> {
        let frame = self.channel.send(kind, payload, id(), self.now_ms());
        self.put(frame).await
    }

    async fn put(&mut self, frame: Vec<u8>) -> Result<(), Ending> {
        match timeout(SEND_DEADLINE, self.socket.send(Message::binary(frame))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ending::ClientLeft),
            Err(_) => Err(Ending::ClientSilent),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.now().as_millisecond()).unwrap_or_default()
    }
}

/// What a plug-in has said by the end of the handshake.
#[derive(Default)]
pub struct Opening {
    /// Of its terminal.
    pub size: Option<TerminalSize>,
    /// What the user has typed already.
    pub typed: Vec<ToAgent>,
    has_answered: bool,
}

impl Opening {
    fn take(&mut self, events: Vec<Event>) -> Result<(), Ending> {
        for event in events {
            match event {
                Event::Data(Some(PayloadKind::HandshakeResponse), _) => self.has_answered = true,
                Event::Data(Some(PayloadKind::Size), data) => {
                    self.size = serde_json::from_slice(&data).ok().or(self.size);
                }
                other => self.typed.extend(to_agent(other)?),
            }
        }
        Ok(())
    }
}

/// What an event means for the agent, if anything.
pub fn to_agent(event: Event) -> Result<Option<ToAgent>, Ending> {
    match event {
        Event::Data(Some(PayloadKind::Output), data) => Ok(Some(ToAgent::Input(data))),
        Event::Data(Some(PayloadKind::Size), data) => {
            let size: Option<TerminalSize> = serde_json::from_slice(&data).ok();
            Ok(size.map(|it| ToAgent::Size {
                columns: dimension(it.cols),
                rows: dimension(it.rows),
            }))
        }
        Event::Data(Some(PayloadKind::Flag), data) if data == TERMINATE_SESSION.to_be_bytes() => {
            Err(Ending::Terminated)
        }
        Event::Closed(_) => Err(Ending::ClientLeft),
        Event::Data(..) | Event::Pause | Event::Resume => Ok(None),
    }
}

fn dimension(it: u32) -> u16 {
    u16::try_from(it).unwrap_or(u16::MAX)
}

/// Data that would be numbered, by the name in its head.
fn is_data(bytes: &[u8]) -> bool {
    bytes
        .get(4..)
        .is_some_and(|it| it.starts_with(MessageKind::Input.as_str().as_bytes()))
}

/// Ids tell frames apart and are no secret.
fn id() -> [u8; 16] {
    uuid::Uuid::new_v4().into_bytes()
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
