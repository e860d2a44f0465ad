//! Follows the store for all sessions: a commit wakes only those whose tasks it changed.

use std::sync::Arc;

use domain::task::Task;
use store::{Change, Feed, Followed};
use tokio_util::sync::CancellationToken;

use super::acs::is_unconfirmed;
use crate::control_plane::ControlPlane;

/// Hands out what the feed tells until `shutdown`. The feed must begin before the first session does.
pub async fn dispatch(control_plane: Arc<ControlPlane>, mut feed: Feed, shutdown: CancellationToken) {
    loop {
        let news = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            news = feed.next() => news,
        };
        match news {
            Followed::Lagged => {
                control_plane.sessions.miss();
                control_plane.balancers.miss();
                control_plane.resolvers.miss();
                control_plane.network_followers.miss();
            }
            Followed::Commit(commit) => {
                // Before the tasks are told: a host is to know what may pass before it starts them.
                control_plane.network_followers.tell(&commit);
                for task in commit.changes.iter().filter_map(news_of) {
                    control_plane.sessions.tell(commit.id, task);
                }
                control_plane.balancers.tell(&control_plane.store, &commit);
                control_plane.resolvers.tell(&commit);
            }
        }
    }
}

/// A task that is new on its host, or shall stop from now on.
fn news_of(change: &Change) -> Option<&Arc<Task>> {
    let Change::Task(change) = change else { return None };
    let task = change.after.as_ref()?;
    let told = |it: &Arc<Task>| (it.wish(), it.host_id.clone());
    let is_news = change.before.as_ref().map(told) != Some(told(task));
    (is_news && is_unconfirmed(task)).then_some(task)
}
