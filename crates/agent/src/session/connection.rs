//! One websocket connection, from the signed upgrade to its end.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::Session;
use super::effects::Effects;
use super::exchange::{Effect, Exchange};
use super::handshake::{CONNECT_DEADLINE, Ended, Socket, connect};
use super::messages::{Dropped, decode};
use crate::backoff::random;

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

/// A connection to be made.
pub struct Connection<'a> {
    session: &'a Session,
    url: String,
    wants_credentials: &'static str,
}

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
        let query = self.query();
        let connecting = connect(&self.session.control_plane, &self.url, &query);
        let connected = tokio::select! {
            biased;
            () = self.session.shutdown.cancelled() => return Ended::Shutdown,
            it = timeout(CONNECT_DEADLINE, connecting) => it,
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

    fn query(&self) -> [(&'static str, &str); 8] {
        let identity = &self.session.identity;
        [
            ("agentHash", "gantry"),
            ("agentVersion", &self.session.config.version),
            ("clusterArn", &identity.cluster),
            ("containerInstanceArn", &identity.container_instance_arn),
            ("dockerVersion", "gantry"),
            ("protocolVersion", "2"),
            ("sendCredentials", self.wants_credentials),
            ("seqNum", "1"),
        ]
    }

    async fn serve(&self, mut socket: Socket, exchange: &mut Exchange) -> Ended {
        let session = self.session;
        let (replies, mut outgoing) = mpsc::channel(REPLIES_BOUND);
        let effects = Effects {
            tasks: session.tasks.clone(),
            replies,
            commands: session.commands.clone(),
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
pub async fn send(socket: &mut Socket, frame: String) -> bool {
    matches!(
        timeout(WRITE_DEADLINE, socket.send(Message::text(frame))).await,
        Ok(Ok(()))
    )
}

/// What a close by the other side means.
pub fn closed(frame: Option<&CloseFrame>) -> Ended {
    match frame.map(|it| it.code) {
        None | Some(CloseCode::Normal | CloseCode::Away | CloseCode::Abnormal | CloseCode::Error) => {
            Ended::Closed
        }
        Some(code) => Ended::Failed(format!("closed with {code}")),
    }
}

/// Closes a connection in order.
pub async fn close(mut socket: Socket, code: CloseCode) {
    let frame = CloseFrame {
        code,
        reason: "".into(),
    };
    // It is over either way.
    let _ = timeout(CLOSE_DEADLINE, socket.close(Some(frame))).await;
}
