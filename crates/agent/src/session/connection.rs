//! One websocket connection, from the signed upgrade to its end.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{Request, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::WebSocketConfig};

use super::Session;
use super::effects::Effects;
use super::exchange::{Effect, Exchange};
use super::messages::{Dropped, Incoming, decode, exception};
use crate::backoff::random;

/// How long connecting and the upgrade may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(30);
/// A connection without a message for this long, and up to as much again, is given up.
const WATCHDOG: Duration = Duration::from_secs(60);
/// A connection is renewed after this time, and up to [`LIFETIME_JITTER`] more.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
const LIFETIME_JITTER: Duration = Duration::from_secs(5 * 60);
/// How long sending a frame may take.
const WRITE_DEADLINE: Duration = Duration::from_secs(180);
/// How long the other side may take to answer a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// Frames waiting to be sent.
const REPLIES_BOUND: usize = 256;
/// A larger message is no message.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// In order, or torn: to be followed by the next at once.
    Closed,
    /// There was no message for too long.
    Silent,
    /// It was not made, or closed for a reason that calls for patience.
    Failed(String),
    /// The container instance is not registered any more.
    Inactive,
    /// The agent ends.
    Shutdown,
}

/// A connection to be made.
pub struct Connection<'a> {
    session: &'a Session,
    url: String,
    wants_credentials: &'static str,
}

type Socket = WebSocketStream<TcpStream>;

impl<'a> Connection<'a> {
    /// A connection to a URL. The first one of a process asks for the credentials of all tasks.
    pub fn new(session: &'a Session, url: String, has_connected: bool) -> Self {
        let wants_credentials = if has_connected { "false" } else { "true" };
        Self {
            session,
            url,
            wants_credentials,
        }
    }

    /// Makes it and serves it to its end.
    pub async fn run(self, exchange: &mut Exchange, has_connected: &mut bool) -> Ended {
        let connected = tokio::select! {
            biased;
            () = self.session.shutdown.cancelled() => return Ended::Shutdown,
            it = timeout(CONNECT_DEADLINE, self.connect()) => it,
        };
        match connected {
            Ok(Ok(socket)) => {
                *has_connected = true;
                tracing::info!(url = self.url, "connected to the control plane");
                self.serve(socket, exchange).await
            }
            Ok(Err(ended)) => ended,
            Err(_) => Ended::Failed("no connection in time".to_owned()),
        }
    }

    async fn connect(&self) -> Result<Socket, Ended> {
        let failed = |error: &dyn std::fmt::Display| Ended::Failed(error.to_string());
        let request = self.upgrade()?;
        let host = request
            .uri()
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let port = request.uri().port_u16().unwrap_or(80);
        let stream = TcpStream::connect((host, port)).await.map_err(|it| failed(&it))?;
        stream.set_nodelay(true).map_err(|it| failed(&it))?;
        let limits = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX));
        let upgraded = tokio_tungstenite::client_async_with_config(request, stream, Some(limits)).await;
        match upgraded {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(answer)) => {
                let body = String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default()).into_owned();
                match exception(&body) {
                    Some(Incoming::Exception(name, _)) if name == "InactiveInstanceException" => {
                        Err(Ended::Inactive)
                    }
                    _ => Err(Ended::Failed(format!(
                        "upgrade refused: {} {body}",
                        answer.status()
                    ))),
                }
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// The signed request for the upgrade.
    fn upgrade(&self) -> Result<Request<()>, Ended> {
        let failed = |text: String| Ended::Failed(text);
        let rest = self.url.strip_prefix("http://");
        let rest = rest.ok_or_else(|| failed(format!("endpoint {} is not http", self.url)))?;
        let uri: Uri = format!("ws://{rest}?{}", self.query())
            .parse()
            .map_err(|it| failed(format!("endpoint {}: {it}", self.url)))?;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let request = Request::builder()
            .method("GET")
            .uri(uri)
            .header("host", host)
            .body(());
        let (mut parts, ()) = request.map_err(|it| failed(it.to_string()))?.into_parts();
        self.session.control_plane.sign_ecs(&mut parts, b"");
        let mut request = Request::from_parts(parts, ());
        let key = generate_key();
        let headers = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", &key),
        ];
        for (name, value) in headers {
            let value = value.parse().map_err(|_| failed(format!("header {name}")))?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }

    fn query(&self) -> String {
        let identity = &self.session.identity;
        let pairs = [
            ("agentHash", "gantry"),
            ("agentVersion", &self.session.config.version),
            ("clusterArn", &identity.cluster),
            ("containerInstanceArn", &identity.container_instance_arn),
            ("dockerVersion", "gantry"),
            ("protocolVersion", "2"),
            ("sendCredentials", self.wants_credentials),
            ("seqNum", "1"),
        ];
        let pair =
            |(name, value): (&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        pairs.map(pair).join("&")
    }

    async fn serve(&self, mut socket: Socket, exchange: &mut Exchange) -> Ended {
        let session = self.session;
        let (replies, mut outgoing) = mpsc::channel(REPLIES_BOUND);
        let effects = Effects {
            tasks: session.tasks.clone(),
            replies,
            submissions: session.submissions.clone(),
            shutdown: session.shutdown.clone(),
        };
        let renew_at = Instant::now() + LIFETIME + LIFETIME_JITTER.mul_f64(random(&session.ids));
        let mut silent_at = self.next_watchdog();
        loop {
            tokio::select! {
                biased;
                () = session.shutdown.cancelled() => {
                    close(socket, CloseCode::Away).await;
                    return Ended::Shutdown;
                }
                Some(frame) = outgoing.recv() => {
                    if !send(&mut socket, frame).await {
                        return Ended::Closed;
                    }
                }
                frame = socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => {
                        silent_at = self.next_watchdog();
                        match receive(&text, exchange, &effects, &mut socket).await {
                            None => {}
                            Some(Ended::Inactive) => {
                                close(socket, CloseCode::Normal).await;
                                return Ended::Inactive;
                            }
                            Some(ended) => return ended,
                        }
                    }
                    Some(Ok(Message::Close(frame))) => return closed(frame.as_ref()),
                    // Pings are answered by the library and are no sign of life in this protocol.
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::debug!(%error, "the connection was torn");
                        return Ended::Closed;
                    }
                    None => return Ended::Closed,
                },
                () = sleep_until(silent_at) => return Ended::Silent,
                () = sleep_until(renew_at) => {
                    close(socket, CloseCode::Normal).await;
                    return Ended::Closed;
                }
            }
        }
    }

    fn next_watchdog(&self) -> Instant {
        Instant::now() + WATCHDOG + WATCHDOG.mul_f64(random(&self.session.ids))
    }
}

/// Does what a message asks for. Gives the end of the connection, if that follows.
async fn receive(
    text: &str,
    exchange: &mut Exchange,
    effects: &Effects,
    socket: &mut Socket,
) -> Option<Ended> {
    let message = match decode(text) {
        Ok(message) => message,
        Err(dropped @ Dropped::Undecodable(_)) => {
            tracing::warn!(%dropped, "a message from the control plane is dropped");
            return None;
        }
        Err(dropped @ Dropped::Unknown(_)) => {
            tracing::debug!(%dropped, "a message from the control plane is dropped");
            return None;
        }
    };
    for effect in exchange.receive(message, &effects.tasks) {
        match effect {
            Effect::Inactive => return Some(Ended::Inactive),
            Effect::Reply(frame) => {
                if !send(socket, frame).await {
                    return Some(Ended::Closed);
                }
            }
            other => effects.carry_out(other).await,
        }
    }
    None
}

/// Whether a frame was sent.
async fn send(socket: &mut Socket, frame: String) -> bool {
    matches!(
        timeout(WRITE_DEADLINE, socket.send(Message::text(frame))).await,
        Ok(Ok(()))
    )
}

fn closed(frame: Option<&CloseFrame>) -> Ended {
    match frame.map(|it| it.code) {
        None | Some(CloseCode::Normal | CloseCode::Away | CloseCode::Abnormal | CloseCode::Error) => {
            Ended::Closed
        }
        Some(code) => Ended::Failed(format!("closed with {code}")),
    }
}

async fn close(mut socket: Socket, code: CloseCode) {
    let frame = CloseFrame {
        code,
        reason: "".into(),
    };
    // It is over either way.
    let _ = timeout(CLOSE_DEADLINE, socket.close(Some(frame))).await;
}
