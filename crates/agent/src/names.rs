//! Names that the resolvers of this host answer: heard from the control plane, told to the process that answers.
//!
//! ```text
//!  control plane ─ session ─▶ Names ─▶ link ─▶ resolver (runtime)
//! ```
//!
//! The process outlives the agent, and goes on with what it was told while nobody tells it anything.

mod link;

use std::convert::Infallible;
use std::sync::Arc;

use domain::served_names::NamesMessage;
use tokio::sync::mpsc;

use crate::following::{Ended, Following, Patience};
use crate::host::Host;
use link::Link;

/// Where the control plane waits for it.
const PATH: &str = "/agent/names";
/// News that wait for the process; the session waits when there are more.
const NEWS_BOUND: usize = 64;
/// Messages that belong together: more than any control plane sends.
const PARTS_MAX: usize = 4096;

/// Who keeps the resolvers of this host informed.
pub struct Names {
    /// Whom the session is with. When the agent ends, the process goes on.
    pub following: Following,
    /// Where the process runs.
    pub host: Arc<dyn Host>,
}

impl Names {
    /// Follows the control plane until shutdown.
    pub async fn run(self) {
        let (news, heard) = mpsc::channel(NEWS_BOUND);
        let link = Link {
            host: Arc::clone(&self.host),
            ids: Arc::clone(&self.following.ids),
            news: heard,
            shutdown: self.following.shutdown.clone(),
        };
        let link = tokio::spawn(link.run());
        let mut failures = 0;
        loop {
            let Err(ended) = self.session(&news).await;
            if !self.following.goes_on("names", ended, &mut failures).await {
                break;
            }
        }
        if let Err(error) = link.await {
            tracing::error!(%error, "what tells the resolver failed");
        }
    }

    /// One session, from its beginning to its end.
    async fn session(&self, news: &mpsc::Sender<Vec<NamesMessage>>) -> Result<Infallible, Ended> {
        let mut socket = self.following.connect(PATH).await?;
        let mut patience = Patience::new();
        let mut parts: Vec<NamesMessage> = Vec::new();
        loop {
            let text = self.following.hear(&mut socket, &mut patience).await?;
            // A difference that is missed is missed until all is told again, as a new session does.
            let unread = |error| Ended::Failed(format!("names cannot be read: {error}"));
            let part: NamesMessage = serde_json::from_str(text.as_str()).map_err(unread)?;
            let has_more = part.has_more;
            parts.push(part);
            if has_more && parts.len() < PARTS_MAX {
                continue;
            }
            // Nobody hears it only when the agent ends.
            let _ = news.send(std::mem::take(&mut parts)).await;
        }
    }
}
