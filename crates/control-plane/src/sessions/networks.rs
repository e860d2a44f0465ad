//! Tells a host what may pass in VPCs: first everything, then what has changed, in the order of the commits.

mod news;
mod served;
#[cfg(test)]
mod tests;
mod told;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::followers::{Follower, Followers};
use super::upgrade::{Agent, Socket};
use crate::control_plane::ControlPlane;

pub use news::NetworkNews;
use told::Told;

/// The sessions that follow networks.
pub type NetworkFollowers = Followers<NetworkNews>;

/// After a message, commits are gathered for so long: the first of them does not wait. With what a change takes until it is
/// in force, that is less than 10 ms.
const GATHERING: Duration = Duration::from_millis(5);
/// Both sides ping when they have nothing else to say.
const PING: Duration = Duration::from_secs(20);
/// After so long without anything the host is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a message may take to be written.
const SEND_DEADLINE: Duration = Duration::from_secs(30);

struct Session {
    control_plane: Arc<ControlPlane>,
    host_id: String,
    socket: Socket,
    told: Told,
    heard_at: Instant,
}

/// The session is over.
struct Over;

/// Runs a session until either side ends it, or a newer one of the same host takes its place.
pub async fn run(
    control_plane: Arc<ControlPlane>,
    agent: Agent,
    socket: Socket,
    shutdown: CancellationToken,
) {
    let host_id = agent.instance.name().to_owned();
    let follower = control_plane.network_followers.open(&host_id);
    let mut session = Session {
        control_plane: Arc::clone(&control_plane),
        host_id: host_id.clone(),
        socket,
        told: Told::new(agent.instance.scope(), &host_id),
        heard_at: Instant::now(),
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        Err(Over) = session.serve(&follower) => {}
    }
    control_plane.network_followers.close(&host_id, &follower);
    // It is over either way.
    let _ = timeout(SEND_DEADLINE, session.socket.close(None)).await;
}

impl Session {
    async fn serve(&mut self, follower: &Follower<NetworkNews>) -> Result<(), Over> {
        let mut ping = tokio::time::interval(PING);
        loop {
            tokio::select! {
                biased;
                message = self.socket.next() => {
                    self.heard_at = Instant::now();
                    match message {
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over),
                        Some(Ok(_)) => {}
                    }
                }
                news = follower.next() => {
                    self.tell(&news).await?;
                    tokio::time::sleep(GATHERING).await;
                }
                _ = ping.tick() => {
                    let is_open = self.control_plane.network_followers.is_open(&self.host_id, follower);
                    if self.heard_at.elapsed() > SILENCE_MAX || !is_open {
                        return Err(Over);
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                }
            }
        }
    }

    async fn tell(&mut self, news: &NetworkNews) -> Result<(), Over> {
        let (control_plane, told) = (&self.control_plane, &mut self.told);
        let serving = control_plane.balancers.serving(told.account());
        let message = control_plane
            .store
            .read(|state| told.message(state, serving.as_deref(), news));
        let Some(message) = message else { return Ok(()) };
        let text = serde_json::to_string(&message).map_err(|error| {
            tracing::error!(%error, "networks cannot be told to a host");
            Over
        })?;
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match timeout(SEND_DEADLINE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over),
        }
    }
}
