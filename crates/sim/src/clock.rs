//! Wall time of a world: it stands on the runtime's paused clock, which jumps to whatever happens next.

use std::time::Duration;

use domain::Timestamp;
use domain::clock::Clock;
use tokio::time::Instant;

/// Second at which every world begins.
const BEGINNING: i64 = 1_700_000_000;

/// The clock of a world. Only read inside its runtime.
#[derive(Clone, Copy)]
pub struct VirtualClock(Instant);

impl VirtualClock {
    /// The world begins now.
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Time since the world began.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let beginning = Timestamp::from_second(BEGINNING).unwrap_or(Timestamp::UNIX_EPOCH);
        beginning.saturating_add(self.elapsed()).unwrap_or(Timestamp::MAX)
    }
}
