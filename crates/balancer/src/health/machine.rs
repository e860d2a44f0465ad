//! The health of one target: pure, one result of a check after the other.

use std::fmt;

use domain::target::{TargetHealth, TargetHealthReason, TargetHealthState};

#[cfg(test)]
mod tests;

/// Why a check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It took too long.
    Timeout,
    /// No connection, or an answer that is none.
    Connection,
    /// An answer with another code than those that match.
    Code(u16),
}

impl Failure {
    /// Amazon's reason.
    pub fn reason(self) -> TargetHealthReason {
        match self {
            Self::Timeout => TargetHealthReason::Timeout,
            Self::Connection => TargetHealthReason::FailedHealthChecks,
            Self::Code(_) => TargetHealthReason::ResponseCodeMismatch,
        }
    }
}

/// Amazon's description.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("Request timed out"),
            Self::Connection => f.write_str("Health checks failed"),
            Self::Code(code) => write!(f, "Health checks failed with these codes: [{code}]"),
        }
    }
}

/// The health of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Not known yet: `initial`.
    Initial,
    /// `healthy`.
    Healthy,
    /// `unhealthy`, and why at last.
    Unhealthy(Failure),
    /// `unhealthy.draining`: the same, but its connections go on for a while. No check finds this out.
    UnhealthyDraining(Failure),
}

impl Health {
    /// As records have it.
    pub fn record(self) -> TargetHealth {
        match self {
            Self::Initial => TargetHealth::because(
                TargetHealthState::Initial,
                TargetHealthReason::InitialHealthChecking,
            ),
            Self::Healthy => TargetHealth::healthy(),
            Self::Unhealthy(failure) => failed(TargetHealthState::Unhealthy, failure),
            Self::UnhealthyDraining(failure) => failed(TargetHealthState::UnhealthyDraining, failure),
        }
    }
}

fn failed(state: TargetHealthState, failure: Failure) -> TargetHealth {
    TargetHealth {
        state,
        reason: Some(failure.reason()),
        description: Some(failure.to_string()),
    }
}

/// How many results in a row it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Passes after registration.
    pub first: u32,
    /// Passes of an unhealthy target.
    pub healthy: u32,
    /// Failures.
    pub unhealthy: u32,
}

/// The state between checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    health: Health,
    /// Results in a row that speak against `health`.
    streak: u32,
    last_passed: bool,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            health: Health::Initial,
            streak: 0,
            last_passed: false,
        }
    }
}

impl Machine {
    /// One that goes on from a health that is known.
    pub fn known(health: Health) -> Self {
        Self {
            health,
            ..Self::default()
        }
    }

    /// The health now.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Takes a result; answers the health if it changed, or the reason did.
    pub fn observe(&mut self, result: Result<(), Failure>, thresholds: Thresholds) -> Option<Health> {
        let passed = result.is_ok();
        self.streak = if passed == self.last_passed {
            self.streak.saturating_add(1)
        } else {
            1
        };
        self.last_passed = passed;
        let before = self.health;
        self.health = match (self.health, result) {
            (Health::Initial, Ok(())) if self.streak >= thresholds.first => Health::Healthy,
            (Health::Unhealthy(_), Ok(())) if self.streak >= thresholds.healthy => Health::Healthy,
            (Health::Unhealthy(_), Err(failure)) => Health::Unhealthy(failure),
            (_, Err(failure)) if self.streak >= thresholds.unhealthy => Health::Unhealthy(failure),
            (health, _) => health,
        };
        (self.health != before).then_some(self.health)
    }
}
