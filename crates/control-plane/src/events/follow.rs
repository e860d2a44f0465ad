//! Follows the commits and keeps the log of events.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use store::{Commit, CommitId, Feed, Followed};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::derive::derive;
use crate::control_plane::ControlPlane;

/// Most commits whose events are written together.
const COMMITS_MAX: usize = 1024;
/// From one sync of the disk to the next. What a loss of power takes is told again by the commits.
const SYNC_PERIOD: Duration = Duration::from_secs(1);
/// Syncs from one clean-up to the next: a minute.
const SYNCS_PER_MAINTENANCE: u32 = 60;

/// Writes the events of all commits until shutdown.
pub async fn keep_events(control_plane: Arc<ControlPlane>, shutdown: CancellationToken) {
    let mut feed = control_plane.store.follow();
    let mut keeper = Keeper::new(control_plane).await;
    let mut ticks = tokio::time::interval(SYNC_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut syncs = 0_u32;
    loop {
        let news = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = ticks.tick() => None,
            news = feed.next() => Some(news),
        };
        match news {
            None => {
                syncs = syncs.wrapping_add(1);
                if keeper.is_behind {
                    keeper.catch_up().await;
                }
                keeper.sync(syncs.is_multiple_of(SYNCS_PER_MAINTENANCE)).await;
            }
            Some(Followed::Lagged) => keeper.catch_up().await,
            Some(Followed::Commit(first)) => keeper.follow(first, &mut feed).await,
        }
    }
    keeper.sync(false).await;
}

struct Keeper {
    control_plane: Arc<ControlPlane>,
    /// Everything through this commit is in the log, or comes to nothing.
    told: CommitId,
    /// Commits have been missed, or could not be told.
    is_behind: bool,
}

impl Keeper {
    async fn new(control_plane: Arc<ControlPlane>) -> Self {
        let last = control_plane.store.last_commit();
        // Beyond the last commit it is of another state: somebody has put an older one in its place.
        let cursor = control_plane.events.log.cursor().map(CommitId);
        let cursor = cursor.filter(|it| *it <= last);
        let mut keeper = Self {
            told: cursor.unwrap_or(last),
            is_behind: cursor.is_some(),
            control_plane,
        };
        if cursor.is_none() {
            // From now on none is missed.
            keeper.is_behind = !keeper.write(keeper.told, Vec::new()).await;
        }
        if keeper.is_behind {
            keeper.catch_up().await;
        }
        keeper
    }

    /// Tells a commit and those that have come since.
    async fn follow(&mut self, first: Arc<Commit>, feed: &mut Feed) {
        let mut commits = vec![first];
        let mut has_lagged = false;
        while commits.len() < COMMITS_MAX
            && let Some(next) = feed.next().now_or_never()
        {
            match next {
                Followed::Commit(commit) => commits.push(commit),
                Followed::Lagged => {
                    has_lagged = true;
                    break;
                }
            }
        }
        if !self.is_behind {
            self.tell(&commits).await;
        }
        if has_lagged {
            self.catch_up().await;
        }
    }

    /// Tells what the store has and the log has not.
    async fn catch_up(&mut self) {
        self.is_behind = true;
        let missed = match self.control_plane.store.commits_after(self.told).await {
            Ok(missed) => missed,
            Err(error) => {
                tracing::warn!(%error, "events wait: the commits that they come of cannot be read");
                return;
            }
        };
        if let Some(first) = missed.first().filter(|it| it.id.0 > self.told.0 + 1) {
            tracing::error!(
                after = self.told.0,
                until = first.id.0,
                "the store does not hold these commits any more: their events are lost"
            );
        }
        self.is_behind = false;
        for commits in missed.chunks(COMMITS_MAX) {
            if !self.is_behind {
                self.tell(commits).await;
            }
        }
    }

    async fn tell(&mut self, commits: &[Arc<Commit>]) {
        let news: Vec<_> = commits.iter().filter(|it| it.id > self.told).cloned().collect();
        let Some(through) = news.last().map(|it| it.id) else {
            return;
        };
        match self.write(through, news).await {
            true => self.told = through,
            false => self.is_behind = true,
        }
    }

    /// Writes what commits come to, where nobody waits: of many at once that takes milliseconds.
    async fn write(&self, through: CommitId, commits: Vec<Arc<Commit>>) -> bool {
        let control_plane = Arc::clone(&self.control_plane);
        let writing = tokio::task::spawn_blocking(move || {
            let store = &control_plane.store;
            // One at a time, and written outside: the writer waits for whoever looks at the state.
            let events: Vec<_> = commits
                .iter()
                .flat_map(|commit| store.read(|state| derive(state, commit)).into_events())
                .collect();
            // What comes to nothing is told with the next sync.
            if events.is_empty() && !commits.is_empty() {
                return Ok(());
            }
            control_plane.events.add(through, &events)
        });
        match writing.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "events cannot be written; they are tried again");
                false
            }
            Err(error) => {
                tracing::error!(%error, "writing events failed; they are tried again");
                false
            }
        }
    }

    /// Makes durable what is written, and lets go of the commits that it comes of.
    async fn sync(&mut self, with_maintenance: bool) {
        let (events, told, now) = (
            Arc::clone(&self.control_plane.events),
            self.told,
            self.control_plane.clock.now(),
        );
        let synced = tokio::task::spawn_blocking(move || {
            if events.log.cursor() != Some(told.0) {
                // Commits that came to nothing.
                events.add(told, &[])?;
            }
            let synced = events.log.sync()?;
            if with_maintenance {
                events.log.maintain(now)?;
            }
            Ok::<_, telemetry::history::HistoryError>(synced)
        });
        match synced.await {
            Ok(Ok(Some(through))) => self.control_plane.events.retention.release(CommitId(through)),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::error!(%error, "events are not kept as they should be"),
            Err(error) => tracing::error!(%error, "keeping events failed"),
        }
    }
}
