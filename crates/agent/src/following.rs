//! Sessions in which the control plane tells this host what it follows: how each is made, heard and made again.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::Ids;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, random};
use crate::control_plane::ControlPlane;
use crate::session::handshake::{CONNECT_DEADLINE, Socket, connect};

/// Pauses between connections that fail.
pub const RECONNECT: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(10),
    factor: 2.0,
    jitter: 0.2,
};
/// The control plane pings every 20 seconds; after so long without anything it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Who follows the control plane.
#[derive(Clone)]
pub struct Following {
    /// Whom sessions are with.
    pub control_plane: Arc<ControlPlane>,
    /// Whose host it is.
    pub container_instance: String,
    /// For jitter.
    pub ids: Arc<Ids>,
    /// The agent ends; what follows the control plane goes on as it was told.
    pub shutdown: CancellationToken,
}

/// How a session ended.
pub enum Ended {
    /// It was one, and is over.
    Served,
    /// There was none, or it was of no use.
    Failed(String),
    /// The agent ends.
    Shutdown,
}

/// Until when something has to be heard.
pub struct Patience(Instant);

impl Patience {
    pub fn new() -> Self {
        Self(Instant::now() + SILENCE_MAX)
    }
}

impl Following {
    /// Connects to a path of the control plane.
    ///
    /// # Errors
    /// How it ended before it began.
    pub async fn connect(&self, path: &str) -> Result<Socket, Ended> {
        let url = format!("{}{path}", self.control_plane.endpoint());
        let query = [
            ("agentHash", "gantry"),
            ("containerInstanceArn", self.container_instance.as_str()),
        ];
        let connecting = connect(&self.control_plane, &url, &query);
        let connected = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Err(Ended::Shutdown),
            it = timeout(CONNECT_DEADLINE, connecting) => it,
        };
        match connected {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(ended)) => Err(Ended::Failed(format!("{ended:?}"))),
            Err(_) => Err(Ended::Failed("no connection in time".to_owned())),
        }
    }

    /// The next text of a session. Dropping the future loses nothing.
    ///
    /// # Errors
    /// How the session ended.
    pub async fn hear(&self, socket: &mut Socket, patience: &mut Patience) -> Result<Utf8Bytes, Ended> {
        loop {
            let message = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(Ended::Shutdown),
                message = socket.next() => message,
                () = sleep_until(patience.0) => return Err(Ended::Served),
            };
            *patience = Patience::new();
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ended::Served),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Pauses after a session; whether there is to be another. `what` it was about, `failures` one after the other.
    pub async fn goes_on(&self, what: &str, ended: Ended, failures: &mut u32) -> bool {
        match ended {
            Ended::Shutdown => return false,
            Ended::Served => *failures = 0,
            Ended::Failed(text) => tracing::debug!(text, "no session for {what}"),
        }
        *failures += 1;
        let pause = RECONNECT.pause(*failures, random(&self.ids));
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}
