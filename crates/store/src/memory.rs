//! A store without disk or threads of its own, for tests and simulation.

use std::sync::Arc;

use domain::Timestamp;
use domain::clock::Clock;
use domain::ids::Ids;
use parking_lot::Mutex;

use crate::Store;

/// A clock that stands still until it is moved.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// It shows that time.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves it to that time, back too.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock() = now;
    }

    /// Moves it on.
    pub fn advance(&self, by: std::time::Duration) {
        let mut now = self.0.lock();
        *now = now.saturating_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

/// An empty store in memory with a clock that stands at `now` and the ids of a fixed seed. The same calls in the
/// same order give the same state: transactions run on the thread that asks for them.
pub fn memory_store(now: Timestamp) -> (Store, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(now));
    let store = Store::empty_in_memory(
        Arc::clone(&clock) as Arc<dyn Clock>,
        Arc::new(Ids::seeded([0; 32])),
    );
    (store, clock)
}
