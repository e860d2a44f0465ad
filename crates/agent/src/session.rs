//! The ACS session: keeps a websocket to the control plane, over which work comes down and acknowledgements go up.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::Ids;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::connection::Connection;
pub(crate) use self::connection::send;
use self::exchange::Exchange;
use self::handshake::Ended;
use self::poll_endpoint::PollEndpoint;
use crate::backoff::{Backoff, random};
use crate::commands::Commands;
use crate::config::AgentConfig;
use crate::control_plane::ControlPlane;
use crate::registration::Identity;
use crate::tasks::Tasks;
use crate::tasks::state_change::Submission;

mod connection;
mod effects;
mod exchange;
pub mod handshake;
mod messages;
mod poll_endpoint;
pub mod telemetry;

#[cfg(fuzzing)]
pub mod fuzzed {
    //! See [`crate::fuzzed`].
    pub use super::exchange::{Effect, Exchange, Present};
    pub use super::messages::{decode, exception as decode_exception};
}

/// Pauses between connections that fail.
const RECONNECT: Backoff = Backoff {
    first: Duration::from_millis(250),
    longest: Duration::from_secs(120),
    factor: 1.5,
    jitter: 0.2,
};
/// A connection that lasted so long was a good one: pauses begin anew, and the next follows at once.
const GOOD_CONNECTION: Duration = Duration::from_secs(60);
/// One that lasted at least this long is followed at once when it is closed in an orderly way.
const SHORT_CONNECTION: Duration = Duration::from_secs(1);
/// Connections that fail one after another before a person is told: a restart of the control plane takes fewer.
const FAILURES_TOLD: u32 = 8;
/// Pause after the control plane said that this container instance is inactive.
const INACTIVE_PAUSE: Duration = Duration::from_secs(3600);

/// All that the session needs.
pub struct Session {
    /// The configuration.
    pub config: AgentConfig,
    /// For signatures and calls.
    pub control_plane: Arc<ControlPlane>,
    /// From the registration.
    pub identity: Identity,
    /// Who does the work.
    pub tasks: Arc<Tasks>,
    /// Who runs commands in containers.
    pub commands: Arc<Commands>,
    /// For attachments.
    pub submissions: mpsc::Sender<Submission>,
    /// For jitter.
    pub ids: Arc<Ids>,
    /// The agent ends.
    pub shutdown: CancellationToken,
}

impl Session {
    /// Connects, again and again, until shutdown.
    pub async fn run(&self) {
        let mut endpoint = PollEndpoint::default();
        let mut failures = 0;
        let mut has_connected = false;
        let mut exchange = Exchange::new(&self.identity.cluster, &self.identity.container_instance_arn);
        while !self.shutdown.is_cancelled() {
            let begun = Instant::now();
            let url = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                it = endpoint.get(&self.control_plane, &self.identity) => it,
            };
            let ended = match url {
                Ok(url) => {
                    let connection = Connection::new(self, url, has_connected);
                    connection.run(&mut exchange, &mut has_connected).await
                }
                Err(text) => Ended::Failed(text),
            };
            let lasted = begun.elapsed();
            if lasted >= GOOD_CONNECTION {
                failures = 0;
            }
            let pause = match &ended {
                Ended::Shutdown => return,
                Ended::Inactive => {
                    tracing::warn!(
                        container_instance = self.identity.container_instance_arn,
                        "this host has been deregistered: it gets no more tasks; start Gantry again to register it anew"
                    );
                    INACTIVE_PAUSE
                }
                Ended::Closed if lasted >= SHORT_CONNECTION => Duration::ZERO,
                Ended::Closed | Ended::Silent | Ended::Failed(_) => {
                    failures += 1;
                    if failures == FAILURES_TOLD {
                        tracing::warn!(
                            ?ended,
                            "no session to the control plane so far: no new tasks until there is"
                        );
                    }
                    RECONNECT.pause(failures, random(&self.ids))
                }
            };
            tracing::info!(
                ?ended,
                ?lasted,
                ?pause,
                "the session to the control plane has ended"
            );
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
