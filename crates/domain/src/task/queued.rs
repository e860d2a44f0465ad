//! Tasks that may wait for a place and be tried again, where RunTask's tags say so. Amazon knows none.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::NetworkConfiguration;
use crate::Timestamp;
use crate::capacity_provider::CapacityProviderStrategyItem;
use crate::placement::{PlacementConstraint, PlacementStrategy};
use crate::tags::Pair;

/// Tag of RunTask: how long its tasks may wait for a place.
pub const WAIT_TAG: &str = "gantry:wait";
/// Tag of RunTask: how often a task that fails is tried again.
pub const RETRIES_TAG: &str = "gantry:retries";
/// Tag of RunTask: what becomes of tasks of the like that are there already.
pub const CONCURRENCY_TAG: &str = "gantry:concurrency";
/// Longest wait.
pub const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Most retries.
pub const RETRIES_MAX: u32 = 10;
/// Wait before the first retry; it doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// Longest wait before a retry.
const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// What the tags of a RunTask ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueuePolicy {
    /// How long a task may wait for a place; not at all without.
    pub wait: Option<Duration>,
    /// How often one that fails is tried again.
    pub retries: u32,
    /// What becomes of others of the like.
    pub concurrency: Concurrency,
}

/// What becomes of tasks of the same `startedBy`, or without one of the same group, that are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concurrency {
    /// They stay, and new ones come.
    #[default]
    Allow,
    /// They stay, and no new one comes.
    Forbid,
    /// They are stopped.
    Replace,
}

impl QueuePolicy {
    /// Reads the tags.
    ///
    /// # Errors
    /// What is wrong with one of them, as a sentence.
    pub fn of(tags: &[Pair]) -> Result<Self, String> {
        let value = |name: &str| {
            let found = tags.iter().find(|it| it.name == name);
            found.map(|it| it.value.as_deref().unwrap_or_default())
        };
        Ok(Self {
            wait: value(WAIT_TAG).map(wait).transpose()?,
            retries: value(RETRIES_TAG).map_or(Ok(0), retries)?,
            concurrency: value(CONCURRENCY_TAG).map_or(Ok(Concurrency::Allow), concurrency)?,
        })
    }

    /// Nothing but what Amazon does.
    pub fn is_amazons(&self) -> bool {
        *self == Self::default()
    }
}

fn wait(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "the tag {WAIT_TAG} is a time from 1s to {}h such as 90s, 10m or 2h, not {text:?}",
            WAIT_MAX.as_secs() / 3600
        )
    };
    let unit = match text.chars().last().ok_or_else(wrong)? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    let count = digits.parse::<u64>().ok().filter(|_| is_number);
    let seconds = count.and_then(|it| it.checked_mul(unit)).ok_or_else(wrong)?;
    let wait = Duration::from_secs(seconds);
    match seconds {
        1.. if wait <= WAIT_MAX => Ok(wait),
        _ => Err(wrong()),
    }
}

fn retries(text: &str) -> Result<u32, String> {
    let number = text.parse::<u32>().ok().filter(|it| *it <= RETRIES_MAX);
    number.ok_or_else(|| format!("the tag {RETRIES_TAG} is a number from 0 to {RETRIES_MAX}, not {text:?}"))
}

fn concurrency(text: &str) -> Result<Concurrency, String> {
    match text {
        "allow" => Ok(Concurrency::Allow),
        "forbid" => Ok(Concurrency::Forbid),
        "replace" => Ok(Concurrency::Replace),
        _ => Err(format!(
            "the tag {CONCURRENCY_TAG} is one of allow, forbid and replace, not {text:?}"
        )),
    }
}

/// What a task that may wait or be tried again needs beside its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// How long it, and each further attempt, may wait for a place, in seconds.
    pub wait_seconds: u64,
    /// Until then it may wait for a place. It is stopped at that time, unless it has got one.
    pub until: Timestamp,
    /// It is not placed before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Why it found no place the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// 1 for the first.
    pub attempt: u32,
    /// How often the like of it is tried again if it fails.
    pub retries_left: u32,
    /// How it is placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// Where it may go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Where it goes best.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placement_strategy: Vec<PlacementStrategy>,
    /// In `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
}

/// How long the next attempt waits after this one: doubled each time, and between half of that and all of it by lot, so
/// that what failed together does not come again together.
pub fn back_off(attempt: u32, lot: u64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let whole = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    let half = whole / 2;
    let half_millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_millis(lot % (half_millis + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(of: &[(&str, &str)]) -> Vec<Pair> {
        of.iter().map(|(name, value)| Pair::new(*name, *value)).collect()
    }

    #[test]
    fn tags_say_how_to_wait() {
        assert!(
            QueuePolicy::of(&tags(&[("team", "a")]))
                .expect("reads")
                .is_amazons()
        );
        let policy = QueuePolicy::of(&tags(&[
            (WAIT_TAG, "10m"),
            (RETRIES_TAG, "3"),
            (CONCURRENCY_TAG, "forbid"),
        ]));
        assert_eq!(
            policy,
            Ok(QueuePolicy {
                wait: Some(Duration::from_secs(600)),
                retries: 3,
                concurrency: Concurrency::Forbid,
            })
        );
        for (name, value) in [
            (WAIT_TAG, ""),
            (WAIT_TAG, "10"),
            (WAIT_TAG, "0s"),
            (WAIT_TAG, "+1s"),
            (WAIT_TAG, "25h"),
            (WAIT_TAG, "99999999999999999999h"),
            (WAIT_TAG, "1ü"),
            (RETRIES_TAG, "-1"),
            (RETRIES_TAG, "11"),
            (CONCURRENCY_TAG, "Forbid"),
        ] {
            let error = QueuePolicy::of(&tags(&[(name, value)])).expect_err(value);
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn attempts_back_off_by_lot_within_bounds() {
        for attempt in 1..40 {
            for lot in [0, 1, 12_345, u64::MAX] {
                let wait = back_off(attempt, lot);
                let whole = Duration::from_secs(1 << (attempt - 1).min(16)).min(BACKOFF_MAX);
                assert!(wait >= whole / 2 && wait <= whole, "{attempt} {lot}: {wait:?}");
            }
        }
    }
}
