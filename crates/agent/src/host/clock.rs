//! How right the clock of a host is.

use jiff::Timestamp;

/// What the kernel was told of the clock by whoever keeps it right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockDrift {
    /// Somebody keeps it right.
    pub is_synchronized: bool,
    /// Most that it is wrong by, in milliseconds.
    pub error_bound_ms: f64,
    /// When that was.
    pub reference: Timestamp,
}
