//! The writer without threads: each transaction runs where it is asked for, and is durable when that returns.

use std::sync::Arc;

use super::{Forming, Job, Shared, SharedEngine, Tip};
use crate::StoreError;
use crate::writer::load::load;

/// Tip and engine under one lock; the lock's order is the order of commits.
pub(crate) struct Direct {
    tip: Tip,
    engine: SharedEngine,
    shared: Arc<Shared>,
    /// The tip is ahead of the engine.
    is_stale: bool,
}

impl Direct {
    pub fn new(tip: Tip, engine: SharedEngine, shared: Arc<Shared>) -> Self {
        let is_stale = false;
        Self {
            tip,
            engine,
            shared,
            is_stale,
        }
    }

    /// Runs one transaction to its end.
    pub fn run(&mut self, job: Box<dyn Job>) {
        if let Err(error) = self.refresh() {
            return job.refuse(error);
        }
        let mut forming = Forming::default();
        forming.push(self.tip.decide(job));
        let outcome = forming.write(&self.engine, &self.shared);
        self.is_stale = outcome.is_err();
        forming.answer(&outcome);
    }

    fn refresh(&mut self) -> Result<(), StoreError> {
        if !self.is_stale {
            return Ok(());
        }
        let (state, _) = load(self.engine.lock().as_mut())?;
        self.shared.replace(state.clone());
        self.tip.replace(state);
        self.is_stale = false;
        Ok(())
    }
}
