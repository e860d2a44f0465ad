//! Scans of images: what is installed in them. There is no database of vulnerabilities to compare that with.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

#[cfg(test)]
mod tests;

/// An image is scanned once in so long a time, as on Amazon.
const INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// A scan that takes longer has been lost.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A scan of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageScan {
    /// When it began.
    pub started_at: Timestamp,
    /// What came of it.
    pub outcome: ScanOutcome,
}

/// What came of a scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScanOutcome {
    /// It goes on.
    InProgress,
    /// The packages of the image are known.
    Complete {
        /// When it ended.
        completed_at: Timestamp,
        /// In the order of their names, each once.
        packages: Vec<ScannedPackage>,
    },
    /// They are not.
    Failed {
        /// In Amazon's words first.
        reason: String,
    },
}

/// A package of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScannedPackage {
    /// `openssl`
    pub name: String,
    /// As the package manager has it.
    pub version: String,
}

impl ImageScan {
    /// One that begins.
    pub fn begun(now: Timestamp) -> Self {
        Self {
            started_at: now,
            outcome: ScanOutcome::InProgress,
        }
    }

    /// Whether it went on when the process that did it ended.
    pub fn is_lost(&self, now: Timestamp) -> bool {
        self.outcome == ScanOutcome::InProgress && self.is_older(LONGEST, now)
    }

    /// Whether another one may begin.
    pub fn may_follow(&self, now: Timestamp) -> bool {
        self.is_lost(now) || self.is_older(INTERVAL, now)
    }

    fn is_older(&self, age: Duration, now: Timestamp) -> bool {
        self.started_at.checked_add(age).is_ok_and(|it| it <= now)
    }
}
