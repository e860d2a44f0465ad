//! The tip: the state with every decided transaction, durable or not yet.

use std::sync::Arc;

use domain::Timestamp;
use domain::clock::Clock;
use domain::ids::Ids;

use super::{Answer, Job, Verdict};
use crate::tx::Written;
use crate::{State, StoreError, Tx};

/// The writer's own state, clock and ids.
pub(crate) struct Tip {
    state: State,
    /// Time of the last transaction.
    at: Timestamp,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
}

/// A transaction that has run.
pub(super) struct Decided {
    /// What it wrote, if anything.
    pub written: Option<Written>,
    /// Its time.
    pub at: Timestamp,
    /// For when everything that it saw and wrote is durable.
    pub answer: Answer,
}

impl Tip {
    pub fn new(state: State, at: Timestamp, clock: Arc<dyn Clock>, ids: Arc<Ids>) -> Self {
        Self {
            state,
            at,
            clock,
            ids,
        }
    }

    /// Starts again from what the engine holds.
    pub fn replace(&mut self, state: State) {
        self.state = state;
    }

    /// Runs one transaction.
    pub(super) fn decide(&mut self, job: Box<dyn Job>) -> Decided {
        self.at = self.at.max(self.clock.now());
        let at = self.at;
        let mut tx = Tx::new(&mut self.state, &self.ids, at);
        let (written, answer) = match job.run(&mut tx) {
            Verdict::Keep(answer) => match tx.keep() {
                Ok(written) => (written, answer),
                Err(error) => (None, unable(answer, error)),
            },
            Verdict::Undo(answer) => {
                tx.undo();
                (None, answer)
            }
        };
        Decided { written, at, answer }
    }
}

/// The answer of a transaction that could not be kept, once what it saw is durable.
fn unable(answer: Answer, error: StoreError) -> Answer {
    Box::new(move |durable| answer(durable.and(Err(error))))
}
