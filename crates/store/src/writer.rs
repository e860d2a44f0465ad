//! The one writer: decides on the tip, makes durable, publishes, answers.
//!
//! ```text
//!  all that is queued ──▶ tip ──▶ engine ──▶ view, feed ──▶ answers
//!                        one batch: one fsync
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio::sync::broadcast;

use crate::engine::{Batch, Engine};
use crate::feed::Message;
use crate::{Commit, CommitId, FEED_CAPACITY, State, StoreError};

mod job;
mod load;
mod past;
pub(crate) mod thread;
mod tip;

pub(crate) use job::{Answer, Job, Verdict, job};
pub(crate) use load::load;
pub(crate) use tip::Tip;

/// Most transactions of one batch.
const BATCH_CAPACITY: usize = 1024;
/// Most bytes of one batch, but for its last commit.
const BATCH_BYTES: usize = 1024 * 1024;
/// Time after which a batch is written, however much is still queued: the first in it waits for all of it.
const BATCH_TIME: Duration = Duration::from_millis(2);
/// Commits applied to the view before readers get a turn.
const VIEW_SLICE: usize = 64;
/// Time between two attempts to load from an engine that failed.
const RELOAD_INTERVAL: Duration = Duration::from_millis(100);

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

/// Tip and engine.
pub(crate) struct Writer {
    tip: Tip,
    engine: Box<dyn Engine>,
    shared: Arc<Shared>,
    failure: Option<Failure>,
}

/// The tip is ahead of the engine.
struct Failure {
    error: StoreError,
    /// No load before that time.
    retry_at: Instant,
}

impl Writer {
    pub fn new(tip: Tip, engine: Box<dyn Engine>, shared: Arc<Shared>) -> Self {
        let failure = None;
        Self {
            tip,
            engine,
            shared,
            failure,
        }
    }

    /// Runs transactions until there is none or the batch is full, makes them durable together, and answers.
    pub fn run(&mut self, jobs: impl Iterator<Item = Box<dyn Job>>) {
        let started = Instant::now();
        let mut forming = Forming::default();
        for job in jobs {
            match self.recover() {
                Ok(()) => forming.push(self.tip.decide(job)),
                Err(error) => job.refuse(error),
            }
            if forming.is_full() || started.elapsed() >= BATCH_TIME {
                break;
            }
        }
        let outcome = self.store(&forming);
        forming.answer(&outcome);
    }

    /// The durable commits after that one, as far as the engine still has them.
    pub fn commits_after(&mut self, after: CommitId) -> Result<Vec<Arc<Commit>>, StoreError> {
        self.recover()?;
        past::commits(self.engine.commits_after(after)?)
    }

    fn store(&mut self, forming: &Forming) -> Result<(), StoreError> {
        if forming.commits.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.engine.append(&forming.batch) {
            let commits = forming.commits.len();
            tracing::error!(commits, %error, "commits could not be made durable");
            let retry_at = Instant::now();
            self.failure = Some(Failure {
                error: error.clone(),
                retry_at,
            });
            return Err(error);
        }
        self.shared.publish(&forming.commits);
        Ok(())
    }

    /// After a failure, drops the tip and starts again from what the engine holds.
    fn recover(&mut self) -> Result<(), StoreError> {
        let Some(failure) = &mut self.failure else {
            return Ok(());
        };
        if Instant::now() < failure.retry_at {
            return Err(failure.error.clone());
        }
        let loaded = load(self.engine.as_mut());
        // Counts from the end: loading a large state must not become all that is done.
        failure.retry_at = Instant::now() + RELOAD_INTERVAL;
        let (state, loaded) = loaded.inspect_err(|error| failure.error = error.clone())?;
        tracing::warn!(
            commit = loaded.last_commit.0,
            "the store was loaded again after a failure"
        );
        self.shared.replace(state.clone());
        self.tip.replace(state);
        self.failure = None;
        Ok(())
    }
}

/// Decided transactions that become durable together.
#[derive(Default)]
struct Forming {
    commits: Vec<Arc<Commit>>,
    batch: Batch,
    bytes: usize,
    answers: Vec<Answer>,
}

impl Forming {
    fn is_full(&self) -> bool {
        self.answers.len() >= BATCH_CAPACITY || self.bytes >= BATCH_BYTES
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

    fn answer(self, outcome: &Result<(), StoreError>) {
        for answer in self.answers {
            answer(outcome.clone());
        }
    }
}
