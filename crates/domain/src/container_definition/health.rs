//! Order of start, health and restarts of a container.

use serde::{Deserialize, Serialize};

/// What has to happen to another container first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The other container.
    pub container_name: String,
    /// What has to happen to it.
    pub condition: DependencyCondition,
}

/// State that a dependency has to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyCondition {
    /// Started.
    Start,
    /// Exited, whatever the code.
    Complete,
    /// Exited with 0.
    Success,
    /// Its health check succeeds.
    Healthy,
}

impl DependencyCondition {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Complete => "COMPLETE",
            Self::Success => "SUCCESS",
            Self::Healthy => "HEALTHY",
        }
    }
}

/// How the health of a container is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// `CMD` with a program, `CMD-SHELL` with a line, or `NONE`.
    pub command: Vec<String>,
    /// Seconds between checks.
    pub interval_seconds: u32,
    /// Seconds until a check counts as failed.
    pub timeout_seconds: u32,
    /// Failures in a row that make it UNHEALTHY.
    pub retries: u32,
    /// Seconds after the start in which failures do not count.
    pub start_period_seconds: Option<u32>,
}

/// Whether a container starts again where it exits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// It does.
    pub enabled: bool,
    /// Exit codes after which it does not.
    pub ignored_exit_codes: Option<Vec<i32>>,
    /// Seconds that it must have run; by default 300.
    pub restart_attempt_period_seconds: Option<u32>,
}
