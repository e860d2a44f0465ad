//! What may pass in the VPCs of this host: told by the control plane, put in force by the host.
//!
//! Each session begins with the whole; then come changes in the order of their commits. What cannot be put in force ends
//! the session, so that the next one begins with the whole again. While there is none, all stays as it was.

use std::convert::Infallible;
use std::sync::Arc;

use domain::served_network::NetworksMessage;

use crate::following::{Ended, Following, Patience};
use crate::host::Host;

/// Where the control plane waits for it.
const PATH: &str = "/agent/networks";

/// Who has the host filter.
pub struct Networks {
    /// Whom the session is with. When the agent ends, its rules stay.
    pub following: Following,
    /// What filters.
    pub host: Arc<dyn Host>,
}

impl Networks {
    /// Follows the control plane until shutdown.
    pub async fn run(self) {
        let mut failures = 0;
        loop {
            let Err(ended) = self.session().await;
            if !self.following.goes_on("networks", ended, &mut failures).await {
                return;
            }
        }
    }

    async fn session(&self) -> Result<Infallible, Ended> {
        let mut socket = self.following.connect(PATH).await?;
        let mut patience = Patience::new();
        loop {
            let text = self.following.hear(&mut socket, &mut patience).await?;
            let message: NetworksMessage = serde_json::from_str(text.as_str()).map_err(|error| {
                tracing::warn!(%error, "what may pass in VPCs cannot be read");
                Ended::Failed(error.to_string())
            })?;
            if let Err(error) = self.host.filter_networks(message).await {
                tracing::warn!(%error, "what may pass in VPCs cannot be put in force; it is asked for again");
                return Err(Ended::Failed(error.to_string()));
            }
        }
    }
}
