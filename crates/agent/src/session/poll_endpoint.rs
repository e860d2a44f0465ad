//! Where to connect, as `DiscoverPollEndpoint` says, asked twice a day at most.

use std::time::Duration;

use api::ecs;
use tokio::time::Instant;

use crate::control_plane::ControlPlane;
use crate::registration::Identity;

/// How long an answer is good.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// Which socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channel {
    /// Work: ACS.
    #[default]
    Work,
    /// Health: TCS.
    Telemetry,
}

/// The last answer.
#[derive(Debug, Default)]
pub struct PollEndpoint {
    channel: Channel,
    known: Option<(String, Instant)>,
}

impl PollEndpoint {
    /// The place of a socket, not asked for yet.
    pub fn new(channel: Channel) -> Self {
        Self { channel, known: None }
    }

    /// The URL without query. An old answer is better than none.
    ///
    /// # Errors
    /// The call failed and there is no older answer.
    pub async fn get(&mut self, control_plane: &ControlPlane, identity: &Identity) -> Result<String, String> {
        if let Some((url, at)) = &self.known
            && at.elapsed() < LIFETIME
        {
            return Ok(url.clone());
        }
        let input = ecs::DiscoverPollEndpointInput {
            cluster: Some(identity.cluster.clone()),
            container_instance: Some(identity.container_instance_arn.clone()),
        };
        match (
            control_plane.call::<ecs::DiscoverPollEndpoint>(&input).await,
            &self.known,
        ) {
            (Ok(output), _) => {
                let endpoint = match self.channel {
                    Channel::Work => output.endpoint,
                    Channel::Telemetry => output.telemetry_endpoint,
                };
                let endpoint = endpoint.filter(|it| !it.is_empty());
                let endpoint = endpoint.ok_or_else(|| "DiscoverPollEndpoint names no endpoint".to_owned())?;
                let url = format!("{}/ws", endpoint.trim_end_matches('/'));
                self.known = Some((url.clone(), Instant::now()));
                Ok(url)
            }
            (Err(error), Some((url, _))) => {
                tracing::warn!(error = error.text(), "keeping the poll endpoint of before");
                Ok(url.clone())
            }
            (Err(error), None) => Err(error.text()),
        }
    }
}
