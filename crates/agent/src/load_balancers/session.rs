//! The session by which the control plane says what to serve.

use std::time::Duration;

use domain::served_load_balancer::BalancerReport;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::{Links, LoadBalancers};
use crate::session::handshake::{CONNECT_DEADLINE, Socket, connect};
use crate::session::send;

/// Where the control plane waits for it.
const PATH: &str = "/agent/load-balancers";
/// The control plane pings every 20 seconds; after so long without anything it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How a session ended.
pub enum Ended {
    /// It was one, and is over.
    Served,
    /// There was none.
    Failed(String),
    /// The agent ends.
    Shutdown,
}

impl LoadBalancers {
    /// One session, from its beginning to its end.
    pub(super) async fn session(
        &self,
        links: &mut Links,
        reports: &mut mpsc::Receiver<BalancerReport>,
    ) -> Ended {
        let url = format!("{}{PATH}", self.control_plane.endpoint());
        let query = [
            ("agentHash", "gantry"),
            ("containerInstanceArn", self.container_instance.as_str()),
        ];
        let connecting = connect(&self.control_plane, &url, &query);
        let connected = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Ended::Shutdown,
            it = timeout(CONNECT_DEADLINE, connecting) => it,
        };
        match connected {
            Ok(Ok(socket)) => {
                links.ask_again();
                self.serve(socket, links, reports).await
            }
            Ok(Err(ended)) => Ended::Failed(format!("{ended:?}")),
            Err(_) => Ended::Failed("no connection in time".to_owned()),
        }
    }

    async fn serve(
        &self,
        mut socket: Socket,
        links: &mut Links,
        reports: &mut mpsc::Receiver<BalancerReport>,
    ) -> Ended {
        let mut silent_at = Instant::now() + SILENCE_MAX;
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ended::Shutdown,
                message = socket.next() => {
                    silent_at = Instant::now() + SILENCE_MAX;
                    match message {
                        Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                            Ok(message) => links.follow(message).await,
                            Err(error) => {
                                tracing::warn!(%error, "what is to be served cannot be read");
                            }
                        },
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Ended::Served,
                        Some(Ok(_)) => {}
                    }
                }
                Some(report) = reports.recv() => {
                    let Ok(text) = serde_json::to_string(&report) else { continue };
                    if !send(&mut socket, text).await {
                        return Ended::Served;
                    }
                }
                () = sleep_until(silent_at) => return Ended::Served,
            }
        }
    }
}
