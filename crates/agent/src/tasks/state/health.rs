//! The health of a container: when to ask for it, and what an answer means. As Docker does it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::task::HealthCheck;
use crate::host::{HostError, ProcessEnd};

/// While failures do not count, it is asked for at least this often, so that success is soon seen.
const START_INTERVAL: Duration = Duration::from_secs(5);
/// Most of a check's output that is kept, in bytes.
pub const OUTPUT_BYTES: usize = 4096;
/// Exit status of a check that was not executed or not waited for, as Docker has it.
const NO_STATUS: i32 = -1;

/// `healthStatus`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthStatus {
    /// Not known yet.
    #[default]
    Unknown,
    /// The last check succeeded.
    Healthy,
    /// As many checks as are allowed to have failed in a row.
    Unhealthy,
}

/// The health of a container that is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// What it comes to.
    pub status: HealthStatus,
    /// Since when.
    pub since: Timestamp,
    /// Checks that failed in a row.
    pub failures: u32,
    /// The end of the last check's output.
    pub output: String,
    /// Exit status of the last check.
    pub exit_code: Option<i32>,
    /// What is going on.
    pub check: Check,
    /// When the container was started.
    started_at: Instant,
}

/// Whether a check is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The next one begins then.
    Due(Instant),
    /// It is.
    UnderWay,
}

impl Health {
    /// Of a container that has just been started.
    pub fn new(check: &HealthCheck, now: Instant, wall: Timestamp) -> Self {
        Self {
            status: HealthStatus::Unknown,
            since: wall,
            failures: 0,
            output: String::new(),
            exit_code: None,
            check: Check::Due(now + pause(check, HealthStatus::Unknown, Duration::ZERO)),
            started_at: now,
        }
    }

    /// Is as it was before the agent was started again; the next check tells how it is now.
    pub fn resume(&mut self, status: HealthStatus, since: Timestamp, output: &str) {
        self.status = status;
        self.since = since;
        output.clone_into(&mut self.output);
    }

    /// Takes the result of a check. Answers whether the status has changed.
    pub fn checked(
        &mut self,
        check: &HealthCheck,
        result: Result<ProcessEnd, HostError>,
        now: Instant,
        wall: Timestamp,
    ) -> bool {
        // Of a check that was begun before the container was started again.
        if self.check != Check::UnderWay {
            return false;
        }
        let before = self.status;
        let age = now.saturating_duration_since(self.started_at);
        let (exit_code, output) = verdict(check, result);
        if exit_code == 0 {
            self.failures = 0;
            self.status = HealthStatus::Healthy;
        } else if before != HealthStatus::Unknown || age >= check.start_period {
            self.failures = self.failures.saturating_add(1);
            if self.failures >= check.retries {
                self.status = HealthStatus::Unhealthy;
            }
        }
        self.exit_code = Some(exit_code);
        self.output = output;
        self.check = Check::Due(now + pause(check, self.status, age));
        if self.status != before {
            self.since = wall;
        }
        self.status != before
    }
}

/// The time until the next check.
fn pause(check: &HealthCheck, status: HealthStatus, age: Duration) -> Duration {
    if status == HealthStatus::Unknown && age < check.start_period {
        check.interval.min(START_INTERVAL)
    } else {
        check.interval
    }
}

fn verdict(check: &HealthCheck, result: Result<ProcessEnd, HostError>) -> (i32, String) {
    match result {
        Ok(end) if end.is_timed_out => {
            let seconds = check.timeout.as_secs();
            (
                NO_STATUS,
                join(
                    &format!("Health check exceeded timeout ({seconds}s)"),
                    &end.output,
                ),
            )
        }
        Ok(end) => (end.exit_code, join("", &end.output)),
        Err(error) => (NO_STATUS, join("", &error.to_string())),
    }
}

/// The end of what it said, as it can be shown.
fn join(head: &str, output: &str) -> String {
    let output = output.trim_end();
    let start = output.floor_char_boundary(output.len().saturating_sub(OUTPUT_BYTES));
    match (head, &output[start..]) {
        ("", tail) => tail.to_owned(),
        (head, "") => head.to_owned(),
        (head, tail) => format!("{head}: {tail}"),
    }
}
