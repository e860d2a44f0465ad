//! The one writer: decides on the tip, makes durable, publishes, answers.
//!
//! ```text
//!  queue ──▶ Tip::decide ──▶ Slot (the batch that forms while the last is written) ──▶ engine ──▶ view ──▶ answers
//!            thread "store-decide"                         thread "store-append"
//! ```

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use crate::engine::{Batch, Engine, Entry};
use crate::feed::Message;
use crate::{Commit, FEED_CAPACITY, State, StoreError};

pub(crate) mod direct;
mod job;
pub(crate) mod load;
pub(crate) mod threads;
mod tip;

pub(crate) use job::{Answer, Job, Verdict, job};
pub(crate) use tip::Tip;

/// Commits applied to the view before readers get a turn.
const VIEW_SLICE: usize = 64;

/// What everyone outside sees.
pub(crate) struct Shared {
    pub view: RwLock<State>,
    pub feed: broadcast::Sender<Message>,
}

impl Shared {
    pub fn new(view: State) -> Self {
        let (feed, _) = broadcast::channel(FEED_CAPACITY);
        let view = RwLock::new(view);
        Self { view, feed }
    }

    /// Shows durable commits to everyone.
    fn publish(&self, commits: &[Arc<Commit>]) {
        for slice in commits.chunks(VIEW_SLICE) {
            let mut view = self.view.write();
            for commit in slice {
                for change in &commit.changes {
                    change.any().apply(&mut view);
                }
                view.committed(commit.id);
                // Under the lock: a follower that starts now has either seen the commit or gets it.
                // An error says that nobody follows.
                let _ = self.feed.send(Message::Commit(Arc::clone(commit)));
            }
        }
    }

    /// Shows a state that was loaded anew.
    fn replace(&self, state: State) {
        let mut view = self.view.write();
        let old = std::mem::replace(&mut *view, state);
        let _ = self.feed.send(Message::Reloaded);
        drop(view);
        // Freeing a large state takes a while; readers need not wait for it.
        drop(old);
    }
}

/// The engine, taken in turn by who writes and who loads.
pub(crate) type SharedEngine = Arc<Mutex<Box<dyn Engine>>>;

/// Decided transactions that become durable together.
#[derive(Default)]
struct Forming {
    commits: Vec<Arc<Commit>>,
    batch: Batch,
    bytes: usize,
    answers: Vec<Answer>,
}

impl Forming {
    fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    fn push(&mut self, decided: tip::Decided) {
        if let Some(written) = decided.written {
            self.commits.push(written.commit);
            self.batch.entries.push(written.entry);
            self.batch.at = decided.at;
            self.bytes += written.bytes;
        }
        self.answers.push(decided.answer);
    }

    /// Makes it durable and shows it, without answering yet.
    fn write(&self, engine: &SharedEngine, shared: &Shared) -> Result<(), StoreError> {
        if self.commits.is_empty() {
            return Ok(());
        }
        engine.lock().append(&self.batch)?;
        shared.publish(&self.commits);
        Ok(())
    }

    fn answer(self, outcome: &Result<(), StoreError>) {
        for answer in self.answers {
            answer(outcome.clone());
        }
    }
}

/// Commit ids of one batch, for the log.
fn span(entries: &[Entry]) -> (u64, u64) {
    let id = |entry: Option<&Entry>| entry.map_or(0, |it| it.commit.0);
    (id(entries.first()), id(entries.last()))
}
