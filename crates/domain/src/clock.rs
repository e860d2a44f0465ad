//! The source of time, passed to whatever needs it.

use crate::Timestamp;

/// Wall time. Durations are measured elsewhere, on the monotonic clock.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}
