//! What is going to happen, in the order of time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Events by time; those of the same time come in the order in which they were put.
pub struct Agenda<E> {
    events: BTreeMap<(Instant, u64), E>,
    count: u64,
}

impl<E> Agenda<E> {
    /// Nothing yet.
    pub fn new() -> Self {
        let events = BTreeMap::new();
        Self { events, count: 0 }
    }

    /// Lets an event happen after a while.
    pub fn put(&mut self, after: Duration, event: E) {
        self.count += 1;
        self.events.insert((Instant::now() + after, self.count), event);
    }

    /// When the next event happens.
    pub fn next_time(&self) -> Option<Instant> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next event.
    pub fn take(&mut self) -> Option<E> {
        self.events.pop_first().map(|(_, event)| event)
    }
}
