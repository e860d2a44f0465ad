//! The session by which the control plane says what to serve.

use std::convert::Infallible;

use domain::served_load_balancer::BalancerReport;
use tokio::sync::mpsc;

use super::{Links, LoadBalancers};
use crate::following::{Ended, Patience};
use crate::session::send;

/// Where the control plane waits for it.
const PATH: &str = "/agent/load-balancers";

impl LoadBalancers {
    /// One session, from its beginning to its end.
    pub(super) async fn session(
        &self,
        links: &mut Links,
        reports: &mut mpsc::Receiver<BalancerReport>,
    ) -> Result<Infallible, Ended> {
        let mut socket = self.following.connect(PATH).await?;
        links.ask_again();
        let mut patience = Patience::new();
        loop {
            tokio::select! {
                biased;
                text = self.following.hear(&mut socket, &mut patience) => {
                    match serde_json::from_str(text?.as_str()) {
                        Ok(message) => links.follow(message).await,
                        Err(error) => tracing::warn!(%error, "what is to be served cannot be read"),
                    }
                }
                Some(report) = reports.recv() => {
                    let Ok(text) = serde_json::to_string(&report) else { continue };
                    if !send(&mut socket, text).await {
                        return Err(Ended::Served);
                    }
                }
            }
        }
    }
}
