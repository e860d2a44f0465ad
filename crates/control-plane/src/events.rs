//! State changes as events of EventBridge, in one order, durable.
//!
//! ```text
//!  store ──feed, commits_after──▶ follow ──derive──▶ EventLog ──▶ ListEvents
//!    ▲                              └── what is durable there is let go of here
//!    └──────────── Retention ◀──────┘
//! ```
//! An event comes of a commit, never beside it: whatever ends this process, the commits that the log does not tell of
//! are read again, and give the same events under the same numbers.

mod container_instance;
mod derive;
mod follow;
mod record;
mod service;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use store::{CommitId, Retention};
use telemetry::events::{EventFilter, EventLog, EventPage, NewEvent};
use telemetry::history::HistoryError;
use tokio::sync::watch;

pub use follow::keep_events;
pub use record::DETAIL_TYPES;

/// The log of events, and what goes with it.
pub struct Events {
    log: Arc<EventLog>,
    retention: Retention,
    /// Of the last event.
    last: watch::Sender<u64>,
}

impl Events {
    /// Around a log. The retention holds the commits that the log does not tell of yet.
    pub fn new(log: EventLog, retention: Retention) -> Self {
        let (last, _) = watch::channel(log.last_sequence());
        let log = Arc::new(log);
        Self { log, retention, last }
    }

    /// The commit up to which a log tells everything: later ones have to be held for it.
    pub fn told_by(log: &EventLog) -> CommitId {
        CommitId(log.cursor().unwrap_or_default())
    }

    /// Events after that one. Reads the disk.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub fn read(&self, after: u64, filter: &EventFilter, most: usize) -> Result<EventPage, HistoryError> {
        self.log.read(after, filter, most)
    }

    /// Waits for an event after that one.
    pub async fn later_than(&self, after: u64) {
        // An error says that nothing will come any more; its sender lives as long as this.
        let _ = self.last.subscribe().wait_for(|last| *last > after).await;
    }

    /// Adds what commits up to that one came to. Writes to the disk.
    fn add(&self, through: CommitId, events: &[NewEvent]) -> Result<(), HistoryError> {
        let last = self.log.append(through.0, events)?;
        self.last.send_replace(last);
        Ok(())
    }
}
