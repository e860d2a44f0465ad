//! Targets that fail time and again get nothing for a while: pure, over counts and times that the caller gives.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html>

use parking_lot::Mutex;

#[cfg(test)]
mod tests;

/// Failures in a row that eject a target.
const FAILURES_MAX: u32 = 5;
/// How long it gets nothing, in milliseconds.
const EJECTION_MS: u64 = 30_000;

/// What came of a request or a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The target answered.
    Answered,
    /// It could not be reached, broke off, took too long or answered with a status of 500 or more.
    Failed,
}

impl Outcome {
    /// What an answer of that status is.
    pub(crate) fn of(status: http::StatusCode) -> Self {
        match status.is_server_error() {
            true => Self::Failed,
            false => Self::Answered,
        }
    }
}

/// How a target has fared.
#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<Failures>);

#[derive(Debug, Default)]
struct Failures {
    in_a_row: u32,
    ejected_until_ms: u64,
}

impl Record {
    /// Whether it gets nothing now.
    pub(crate) fn is_ejected(&self, now_ms: u64) -> bool {
        self.0.lock().ejected_until_ms > now_ms
    }

    /// Takes over what came of something. `may_be_ejected` is asked only if it has failed as often as it may.
    pub(crate) fn note(&self, outcome: Outcome, now_ms: u64, may_be_ejected: impl FnOnce() -> bool) {
        {
            let mut failures = self.0.lock();
            if outcome == Outcome::Answered {
                failures.in_a_row = 0;
                return;
            }
            failures.in_a_row = failures.in_a_row.saturating_add(1);
            if failures.in_a_row < FAILURES_MAX || failures.ejected_until_ms > now_ms {
                return;
            }
        }
        // looks at the others, so none is locked meanwhile
        if may_be_ejected() {
            *self.0.lock() = Failures {
                in_a_row: 0,
                ejected_until_ms: now_ms + EJECTION_MS,
            };
        }
    }
}

/// Whether one more of so many targets may be ejected: half of them stay.
pub(crate) fn may_eject_one_more(count: usize, ejected: usize) -> bool {
    (ejected + 1) * 2 <= count
}
