//! The writer on two threads: one decides, the other writes what the first has decided meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{mpsc, watch};

use super::load::load;
use super::{Forming, Job, Shared, SharedEngine, Tip, span};
use crate::StoreError;
use crate::engine::{Load, Rest};

/// Transactions that may wait for the writer; then callers wait for room.
pub(crate) const QUEUE_CAPACITY: usize = 4096;
/// Most transactions of one batch.
const BATCH_CAPACITY: usize = 1024;
/// Most bytes of one batch, but for its last commit.
const BATCH_BYTES: usize = 1024 * 1024;
/// Quiet time before the engine may do upkeep.
const IDLE_AFTER: Duration = Duration::from_millis(20);
/// Time between two attempts to load from an engine that failed.
const RELOAD_INTERVAL: Duration = Duration::from_millis(100);

/// What the writer is asked.
pub(crate) enum Request {
    Run(Box<dyn Job>),
    Close,
}

/// Where to ask, and how to learn that the writer has ended.
pub(crate) struct Queue {
    pub requests: mpsc::Sender<Request>,
    pub ended: watch::Receiver<bool>,
}

/// What the two threads share.
#[derive(Default)]
struct Slot {
    inner: Mutex<SlotState>,
    /// The batch or the phase has changed.
    changed: Condvar,
}

#[derive(Default)]
struct SlotState {
    forming: Forming,
    is_writing: bool,
    phase: Phase,
}

#[derive(Default)]
enum Phase {
    #[default]
    Running,
    /// A batch could not be made durable: the tip is ahead of the engine.
    Failed(StoreError),
    /// No more transactions come.
    Closing,
}

/// Starts the writer.
pub(crate) fn start(tip: Tip, engine: SharedEngine, shared: Arc<Shared>) -> Result<Queue, StoreError> {
    let (requests, receiver) = mpsc::channel(QUEUE_CAPACITY);
    let (end, ended) = watch::channel(false);
    let slot = Arc::new(Slot::default());
    let appender = Appender {
        slot: Arc::clone(&slot),
        engine: Arc::clone(&engine),
        shared: Arc::clone(&shared),
    };
    let decider = Decider {
        tip,
        slot,
        engine,
        shared,
        retry_at: None,
    };
    let cannot = |error: std::io::Error| StoreError::Io {
        doing: "start the store's threads",
        cause: error.to_string(),
    };
    let spawn = std::thread::Builder::new().name("store-append".into());
    let appending = spawn.spawn(move || appender.run()).map_err(cannot)?;
    let decide = move || {
        decider.run(receiver);
        if appending.join().is_err() {
            tracing::error!("the store's writer ended by a panic");
        }
        end.send_replace(true);
    };
    std::thread::Builder::new()
        .name("store-decide".into())
        .spawn(decide)
        .map_err(cannot)?;
    Ok(Queue { requests, ended })
}

struct Decider {
    tip: Tip,
    slot: Arc<Slot>,
    engine: SharedEngine,
    shared: Arc<Shared>,
    /// No load before that time.
    retry_at: Option<Instant>,
}

impl Decider {
    fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.blocking_recv() {
            match request {
                Request::Run(job) => self.decide(job),
                // What is queued already is still carried out.
                Request::Close => requests.close(),
            }
        }
        self.slot.inner.lock().phase = Phase::Closing;
        self.slot.changed.notify_all();
    }

    fn decide(&mut self, job: Box<dyn Job>) {
        if let Err(error) = self.wait_for_room().or_else(|error| self.reload(error)) {
            return job.refuse(error);
        }
        let decided = self.tip.decide(job);
        let mut slot = self.slot.inner.lock();
        if let Phase::Failed(error) = &slot.phase {
            let error = error.clone();
            drop(slot);
            // It stands on commits that are lost.
            return (decided.answer)(Err(error));
        }
        if decided.written.is_none() && slot.forming.is_empty() && !slot.is_writing {
            drop(slot);
            // All that it saw is durable.
            return (decided.answer)(Ok(()));
        }
        slot.forming.push(decided);
        drop(slot);
        self.slot.changed.notify_all();
    }

    fn wait_for_room(&self) -> Result<(), StoreError> {
        let mut slot = self.slot.inner.lock();
        loop {
            if let Phase::Failed(error) = &slot.phase {
                return Err(error.clone());
            }
            if slot.forming.answers.len() < BATCH_CAPACITY && slot.forming.bytes < BATCH_BYTES {
                return Ok(());
            }
            self.slot.changed.wait(&mut slot);
        }
    }

    /// Drops the tip and starts again from what the engine holds.
    fn reload(&mut self, failure: StoreError) -> Result<(), StoreError> {
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(failure);
        }
        let loaded = load(self.engine.lock().as_mut());
        // Counts from the end: loading a large state must not become all that is done.
        self.retry_at = Some(Instant::now() + RELOAD_INTERVAL);
        let (state, loaded) = loaded?;
        tracing::warn!(
            commit = loaded.last_commit.0,
            "the store was loaded again after a failure"
        );
        self.shared.replace(state.clone());
        self.tip.replace(state);
        self.slot.inner.lock().phase = Phase::Running;
        Ok(())
    }
}

struct Appender {
    slot: Arc<Slot>,
    engine: SharedEngine,
    shared: Arc<Shared>,
}

impl Appender {
    fn run(self) {
        // Nothing is left over by the last run.
        let mut rest = Rest::More;
        while let Some(next) = self.next(rest) {
            let Some(forming) = next else {
                rest = self.engine.lock().tend(Load::Idle);
                continue;
            };
            let outcome = forming.write(&self.engine, &self.shared);
            let left = match &outcome {
                Ok(()) => None,
                Err(error) => {
                    let (first, last) = span(&forming.batch.entries);
                    tracing::error!(first, last, %error, "commits could not be made durable");
                    Some(self.fail(error.clone()))
                }
            };
            forming.answer(&outcome);
            if let Some(left) = left {
                left.answer(&outcome);
                continue;
            }
            rest = self.engine.lock().tend(Load::Busy);
        }
    }

    /// The next batch; inside, `None` if there is none for a while; outside, if none comes any more.
    #[expect(
        clippy::option_option,
        reason = "the two kinds of nothing are told apart at the one call"
    )]
    fn next(&self, rest: Rest) -> Option<Option<Forming>> {
        let mut slot = self.slot.inner.lock();
        slot.is_writing = false;
        loop {
            if !slot.forming.is_empty() {
                let forming = std::mem::take(&mut slot.forming);
                slot.is_writing = true;
                self.slot.changed.notify_all();
                return Some(Some(forming));
            }
            if matches!(slot.phase, Phase::Closing) {
                return None;
            }
            match rest {
                Rest::Done => self.slot.changed.wait(&mut slot),
                Rest::More if self.slot.changed.wait_for(&mut slot, IDLE_AFTER).timed_out() => {
                    return Some(None);
                }
                Rest::More => {}
            }
        }
    }

    /// Stops deciding on the tip. Returns what was decided on top of what failed.
    fn fail(&self, error: StoreError) -> Forming {
        let mut slot = self.slot.inner.lock();
        slot.phase = Phase::Failed(error);
        let left = std::mem::take(&mut slot.forming);
        self.slot.changed.notify_all();
        left
    }
}
