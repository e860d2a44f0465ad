//! A session: the data channel on one side, the terminal on the other.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::clock::Clock;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use wire::data_channel::{
    Channel, ClientAction, Event, HandshakeComplete, HandshakeRequest, HandshakeResponse, OpenDataChannel,
    PayloadKind, ProcessedAction, SessionClosed, TERMINATE_SESSION,
};

use super::arguments::Session;
use super::terminal::{self, Raw};
use crate::clock::SystemClock;

/// How long connecting may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(15);
/// How long the server may take to begin the session.
const BEGIN_DEADLINE: Duration = Duration::from_secs(30);
/// How long a frame may take to be sent.
const SEND_DEADLINE: Duration = Duration::from_secs(60);
/// How often is looked for what is late.
const TICK: Duration = Duration::from_millis(500);
/// The signals that a terminal's keys send where it is not raw, and the keys.
const KEYS: [(SignalKind, u8); 2] = [(SignalKind::interrupt(), 0x03), (SignalKind::quit(), 0x1c)];

/// Runs a session to its end; gives the exit status of the command.
pub fn run(session: &Session) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let mut plugin = Plugin::open(session).await?;
        plugin.serve().await
    });
    runtime.shutdown_background();
    let closed = outcome?;
    report(session, &closed);
    Ok(exit_status(&closed))
}

/// As the stock plug-in says it, to people only: what a program reads is the command's output.
fn report(session: &Session, closed: &SessionClosed) {
    if !closed.output.is_empty() {
        eprintln!("\nSessionId: {} : {}", session.session_id, closed.output);
    } else if terminal::is_interactive() {
        println!("\n\nExiting session with sessionId: {}.\n", session.session_id);
    }
}

/// The command's own; 1 if it did not come to one and there is something to explain.
fn exit_status(closed: &SessionClosed) -> u8 {
    match closed.exit_code {
        Some(code) => u8::try_from(code).unwrap_or(1),
        None => u8::from(!closed.output.is_empty()),
    }
}

struct Plugin {
    socket: WebSocketStream<TcpStream>,
    channel: Channel,
    session_id: String,
    running: Option<Running>,
}

/// From the end of the handshake on.
struct Running {
    _raw: Raw,
    input: mpsc::Receiver<Vec<u8>>,
}

impl Plugin {
    async fn open(session: &Session) -> Result<Self> {
        let connected = timeout(CONNECT_DEADLINE, connect(&session.stream_url)).await;
        let socket = connected.context("no connection in time")??;
        let mut plugin = Self {
            socket,
            channel: Channel::client(),
            session_id: session.session_id.clone(),
            running: None,
        };
        let opening = OpenDataChannel {
            message_schema_version: "1.0".to_owned(),
            request_id: uuid::Uuid::new_v4().to_string(),
            token_value: session.token_value.clone(),
            client_id: uuid::Uuid::new_v4().to_string(),
            client_version: super::VERSION.to_owned(),
        };
        let opening = serde_json::to_string(&opening)?;
        plugin.put(Message::text(opening)).await?;
        Ok(plugin)
    }

    /// Until the session is closed.
    async fn serve(&mut self) -> Result<SessionClosed> {
        let mut signals = Signals::new()?;
        let mut tick = tokio::time::interval(TICK);
        let begin_by = tokio::time::Instant::now() + BEGIN_DEADLINE;
        loop {
            let has_room = self.channel.has_room();
            tokio::select! {
                biased;
                message = self.socket.next() => {
                    if let Some(closed) = self.hear(message).await? {
                        return Ok(closed);
                    }
                }
                asked = signals.next() => match asked {
                    Asked::Key(key) => self.send(PayloadKind::Output, vec![key]).await?,
                    Asked::Resize => self.send_size().await?,
                    Asked::End => {
                        self.send(PayloadKind::Flag, TERMINATE_SESSION.to_be_bytes().to_vec()).await?;
                        return Ok(SessionClosed::default());
                    }
                },
                typed = typed(&mut self.running), if has_room => {
                    self.send(PayloadKind::Output, typed).await?;
                }
                _ = tick.tick() => {
                    for frame in self.channel.due(now_ms()).context("the connection is lost")? {
                        self.put(Message::binary(frame)).await?;
                    }
                }
                () = tokio::time::sleep_until(begin_by), if self.running.is_none() => {
                    bail!("the server did not begin the session in time");
                }
            }
        }
    }

    async fn hear(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<Option<SessionClosed>> {
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_)) | Err(_)) | None => bail!("the server closed the connection"),
            Some(Ok(_)) => return Ok(None),
        };
        // What is no frame is passed over: it comes again if it was one.
        let Ok(received) = self.channel.receive(&bytes, id(), now_ms()) else {
            return Ok(None);
        };
        for reply in received.replies {
            self.put(Message::binary(reply)).await?;
        }
        for event in received.events {
            match event {
                Event::Data(Some(PayloadKind::Output), data) => {
                    let mut output = std::io::stdout();
                    output
                        .write_all(&data)
                        .and_then(|()| output.flush())
                        .context("cannot write")?;
                }
                Event::Data(Some(PayloadKind::HandshakeRequest), data) => self.answer(&data).await?,
                Event::Data(Some(PayloadKind::HandshakeComplete), data) => self.begin(&data).await?,
                Event::Closed(closed) => return Ok(Some(closed)),
                Event::Data(..) | Event::Pause | Event::Resume => {}
            }
        }
        Ok(None)
    }

    async fn answer(&mut self, request: &[u8]) -> Result<()> {
        let request: HandshakeRequest =
            serde_json::from_slice(request).context("the server's handshake cannot be read")?;
        let actions: Vec<ProcessedAction> = request.requested_client_actions.iter().map(process).collect();
        let errors: Vec<String> = actions
            .iter()
            .filter(|it| !it.error.is_empty())
            .map(|it| it.error.clone())
            .collect();
        let response = HandshakeResponse {
            client_version: super::VERSION.to_owned(),
            processed_client_actions: Some(actions),
            errors: Some(errors),
        };
        self.send(PayloadKind::HandshakeResponse, serde_json::to_vec(&response)?)
            .await
    }

    async fn begin(&mut self, complete: &[u8]) -> Result<()> {
        let complete: HandshakeComplete = serde_json::from_slice(complete).unwrap_or_default();
        if terminal::is_interactive() {
            println!("\nStarting session with SessionId: {}", self.session_id);
        }
        if !complete.customer_message.is_empty() {
            println!("{}", complete.customer_message);
        }
        self.send_size().await?;
        self.running = Some(Running {
            _raw: Raw::new(),
            input: terminal::input(),
        });
        Ok(())
    }

    async fn send_size(&mut self) -> Result<()> {
        let size = serde_json::to_vec(&terminal::size())?;
        self.send(PayloadKind::Size, size).await
    }

    async fn send(&mut self, kind: PayloadKind, payload: Vec<u8>) -> Result<()> {
        let frame = self.channel.send(kind, payload, id(), now_ms());
        self.put(Message::binary(frame)).await
    }

    async fn put(&mut self, message: Message) -> Result<()> {
        let sent = timeout(SEND_DEADLINE, self.socket.send(message)).await;
        sent.context("the server takes nothing")?
            .context("the connection is lost")
    }
}

/// Opens a websocket.
pub async fn connect(url: &str) -> Result<WebSocketStream<TcpStream>> {
    let uri: http::Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
    match uri.scheme_str() {
        Some("ws") => {}
        Some("wss") => bail!("{url} is encrypted, which Gantry does not speak: use Amazon's plug-in"),
        _ => bail!("{url} is no websocket"),
    }
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.with_context(|| format!("cannot reach {host}:{port}"))?;
    stream.set_nodelay(true)?;
    let upgraded = tokio_tungstenite::client_async(url, stream).await;
    let (socket, _) = upgraded.with_context(|| format!("{host}:{port} opens no session"))?;
    Ok(socket)
}

/// What becomes of an action of the handshake.
fn process(action: &ClientAction) -> ProcessedAction {
    let session_type = action.action_parameters["SessionType"]
        .as_str()
        .unwrap_or_default();
    let (action_status, error) = match (action.action_type.as_str(), session_type) {
        ("SessionType", "Standard_Stream") => (1, String::new()),
        ("SessionType", other) => (2, format!("Unknown session type {other}")),
        (other, _) => (3, format!("Unsupported action {other}")),
    };
    ProcessedAction {
        action_type: action.action_type.clone(),
        action_status,
        action_result: serde_json::Value::Null,
        error,
    }
}

/// The next piece of input, once there is a session for it.
async fn typed(running: &mut Option<Running>) -> Vec<u8> {
    let typed = match running {
        Some(running) => running.input.recv().await,
        None => None,
    };
    match typed {
        Some(typed) => typed,
        // Nothing will ever come.
        None => std::future::pending().await,
    }
}

/// What signals ask for.
enum Asked {
    Key(u8),
    Resize,
    End,
}

struct Signals {
    keys: Vec<(Signal, u8)>,
    resize: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let keys = KEYS.into_iter().map(|(kind, key)| Ok((signal(kind)?, key)));
        Ok(Self {
            keys: keys.collect::<Result<_>>()?,
            resize: signal(SignalKind::window_change())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        let [(interrupt, interrupt_key), (quit, quit_key)] = &mut self.keys[..] else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => Asked::Key(*interrupt_key),
            _ = quit.recv() => Asked::Key(*quit_key),
            _ = self.resize.recv() => Asked::Resize,
            _ = self.terminate.recv() => Asked::End,
            _ = self.hang_up.recv() => Asked::End,
        }
    }
}

fn now_ms() -> u64 {
    u64::try_from(SystemClock.now().as_millisecond()).unwrap_or_default()
}

/// Ids tell frames apart and are no secret.
fn id() -> [u8; 16] {
    uuid::Uuid::new_v4().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_is_the_commands() {
        let closed = |exit_code, output: &str| SessionClosed {
            exit_code,
            output: output.to_owned(),
            ..SessionClosed::default()
        };
        assert_eq!(exit_status(&closed(Some(0), "")), 0);
        assert_eq!(exit_status(&closed(Some(137), "")), 137);
        assert_eq!(exit_status(&closed(Some(-1), "")), 1);
        assert_eq!(
            exit_status(&closed(None, "")),
            0,
            "as Amazon's servers end sessions"
        );
        assert_eq!(exit_status(&closed(None, "Unable to start command")), 1);
    }

    #[test]
    fn only_terminals_are_agreed_upon() {
        let request = HandshakeRequest::terminal("3.3.0.0");
        assert_eq!(process(&request.requested_client_actions[0]).action_status, 1);
        for (kind, parameters, status) in [
            ("SessionType", serde_json::json!({ "SessionType": "Port" }), 2),
            ("SessionType", serde_json::json!(null), 2),
            ("KMSEncryption", serde_json::json!({ "KMSKeyId": "k" }), 3),
        ] {
            let action = ClientAction {
                action_type: kind.to_owned(),
                action_parameters: parameters,
            };
            let processed = process(&action);
            assert_eq!(processed.action_status, status, "{kind}");
            assert!(!processed.error.is_empty(), "{kind}");
        }
    }
}
