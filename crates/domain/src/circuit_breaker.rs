//! The deployment circuit breaker: how many tasks of a rolling deployment may fail.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>

use serde::{Deserialize, Serialize};

/// Bounds of a threshold in percent, unless it has none.
const BOUNDS: std::ops::RangeInclusive<u64> = 3..=200;

/// When a deployment is given up, and what follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitBreaker {
    /// Whether it looks at all.
    pub enable: bool,
    /// Whether the service goes back to the last revision that it reached.
    pub rollback: bool,
    /// Whether a task that gets healthy sets the count to 0; it does if nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_on_healthy_task: Option<bool>,
    /// As given; half of the desired count, within bounds, if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
}

/// How many failures are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Threshold {
    /// So many.
    Count(u32),
    /// So many percent of the desired count, 3 at least and 200 at most.
    BoundedPercent(u32),
    /// So many percent of the desired count.
    UnboundedPercent(u32),
}

impl Threshold {
    /// What Amazon takes if nothing is given.
    pub const DEFAULT: Self = Self::BoundedPercent(50);

    /// The failures of a deployment of that many tasks that end it: 1 at least.
    pub fn failures(self, desired_count: u32) -> u32 {
        let part = |percent: u32| (u64::from(desired_count) * u64::from(percent)).div_ceil(100);
        let failures = match self {
            Self::Count(count) => u64::from(count),
            Self::BoundedPercent(percent) => part(percent).clamp(*BOUNDS.start(), *BOUNDS.end()),
            Self::UnboundedPercent(percent) => part(percent),
        };
        u32::try_from(failures).unwrap_or(u32::MAX).max(1)
    }
}

impl CircuitBreaker {
    /// The failures of a deployment of that many tasks that end it.
    pub fn threshold(&self, desired_count: u32) -> u32 {
        self.threshold
            .unwrap_or(Threshold::DEFAULT)
            .failures(desired_count)
    }

    /// Whether a task that gets healthy sets the count to 0.
    pub fn resets_on_healthy_task(&self) -> bool {
        self.reset_on_healthy_task.unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::Threshold::{BoundedPercent, Count, UnboundedPercent};
    use super::*;

    #[test]
    fn thresholds_follow_amazons_arithmetic() {
        let cases = [
            (Threshold::DEFAULT, 1, 3),
            (Threshold::DEFAULT, 25, 13),
            (Threshold::DEFAULT, 400, 200),
            (Threshold::DEFAULT, 800, 200),
            (Count(1), 800, 1),
            (Count(700), 1, 700),
            (BoundedPercent(10), 100, 10),
            (BoundedPercent(1), 100, 3),
            (UnboundedPercent(1), 1, 1),
            (UnboundedPercent(50), 5000, 2500),
            (UnboundedPercent(50), 0, 1),
            (UnboundedPercent(u32::MAX), u32::MAX, u32::MAX),
        ];
        for (threshold, desired_count, failures) in cases {
            assert_eq!(
                threshold.failures(desired_count),
                failures,
                "{threshold:?} of {desired_count}"
            );
        }
    }
}
