//! The feed of durable commits.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::Commit;

/// Commits that a follower may be behind before it has to look at the state again.
pub const FEED_CAPACITY: usize = 4096;

/// What the writer tells followers.
#[derive(Clone)]
pub(crate) enum Message {
    /// A commit is durable and in the view.
    Commit(Arc<Commit>),
    /// The view was loaded anew.
    Reloaded,
}

/// What a follower learns.
#[derive(Clone, Debug)]
pub enum Followed {
    /// The next commit, in order.
    Commit(Arc<Commit>),
    /// Commits were missed: look at the state again. Every commit that is not in the state read after this
    /// answer still comes.
    Lagged,
}

/// Follows the commits of a store.
pub struct Feed(broadcast::Receiver<Message>);

impl Feed {
    pub(crate) fn new(receiver: broadcast::Receiver<Message>) -> Self {
        Self(receiver)
    }

    /// The next news. Waits as long as there is none, also after the store was closed: a follower stops by its
    /// own means. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Followed {
        match self.0.recv().await {
            Ok(Message::Commit(commit)) => Followed::Commit(commit),
            Ok(Message::Reloaded) => Followed::Lagged,
            Err(RecvError::Lagged(_)) => {
                // From now on: what was missed and what is still queued are both in the state by now.
                self.0 = self.0.resubscribe();
                Followed::Lagged
            }
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
