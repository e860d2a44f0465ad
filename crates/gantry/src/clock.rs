//! The one place where the time is asked for.

use domain::Timestamp;
use domain::clock::Clock;

/// Time of this machine.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
