//! Which targets fail far more often than their peers, and how little those get until they do not any more. The judgement is
//! pure, over what was counted and the time that is passed in; a request costs one counter.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html>

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::target::AnomalyDetection;
use parking_lot::Mutex;

use crate::outlier::Outcome;

#[cfg(test)]
mod tests;

/// From one judgement to the next, as on Amazon.
pub(crate) const PERIOD: Duration = Duration::from_secs(5);
/// The share of a target that gets as much as any other.
pub(crate) const WHOLE: u32 = 1000;
/// What an anomalous target is left with: from that it is seen when it recovers.
const LEAST: u32 = 10;
/// A target that is still anomalous gets this part of what it got.
const CUT: u32 = 4;
/// What a target that recovers gets more in each period.
const RAISE: f64 = 100.0;
/// Fewer healthy targets have no peers to be compared with, as on Amazon.
const HEALTHY_MIN: usize = 3;
/// Requests that say something about a target that was normal.
const REQUESTS_MIN: f64 = 10.0;
/// How many earlier requests count at most, so that what is new is seen.
const REMEMBERED_MAX: f64 = 100.0;
/// An anomalous target fails so much more of its requests than its peers of theirs.
const MARGIN: f64 = 0.05;
/// And so many times as many.
const TIMES: f64 = 2.0;
/// How many standard deviations that has to be away from chance.
const DEVIATIONS: f64 = 3.0;

/// What was counted in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    /// All that came to something.
    pub(crate) requests: u32,
    /// Those of them that failed: answers of 500 and more, connections that could not be made or broke.
    pub(crate) failures: u32,
}

/// Where a target stands. What it did earlier counts half after each period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standing {
    requests: f64,
    failures: f64,
    is_anomalous: bool,
    /// Of [`WHOLE`].
    share: u32,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            requests: 0.0,
            failures: 0.0,
            is_anomalous: false,
            share: WHOLE,
        }
    }
}

impl Standing {
    /// What is told of it.
    pub(crate) fn shown(&self) -> AnomalyDetection {
        AnomalyDetection {
            is_anomalous: self.is_anomalous,
            is_mitigated: self.share < WHOLE,
        }
    }

    fn with(self, counted: Counted, elapsed: Duration) -> Self {
        let kept = (REMEMBERED_MAX / self.requests.max(REMEMBERED_MAX)) * 0.5_f64.powf(periods(elapsed));
        Self {
            requests: self.requests * kept + f64::from(counted.requests),
            failures: self.failures * kept + f64::from(counted.failures),
            ..self
        }
    }

    /// The part of its requests that failed; none without any.
    fn rate(&self) -> Option<f64> {
        (self.requests >= 1.0).then(|| self.failures / self.requests)
    }

    /// Whether it fails disproportionately often. One that did goes on to for as long as half of that is true.
    fn fails_unlike(&self, peers: &Peers) -> bool {
        let Some(rate) = self.rate() else { return false };
        let base = peers.rate();
        let more = rate - base;
        if self.is_anomalous {
            return more >= MARGIN / 2.0 && rate >= base * TIMES.sqrt();
        }
        self.requests >= REQUESTS_MIN
            && more >= MARGIN
            && rate > base * TIMES
            && more >= DEVIATIONS * peers.deviation(self)
    }

    fn judged(self, is_anomalous: bool, mitigates: bool, elapsed: Duration) -> Self {
        let raised = f64::from(self.share) + RAISE * periods(elapsed);
        Self {
            is_anomalous,
            share: match (mitigates, is_anomalous) {
                (false, _) => WHOLE,
                (true, true) => (self.share / CUT).max(LEAST),
                (true, false) => (raised as u32).min(WHOLE),
            },
            ..self
        }
    }
}

fn periods(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() / PERIOD.as_secs_f64()
}

/// The better half of the targets, taken together: what others are compared with. So at most half are anomalous.
struct Peers {
    requests: f64,
    failures: f64,
}

impl Peers {
    fn of(standings: &[Standing]) -> (Self, Vec<usize>) {
        let mut order: Vec<usize> = (0..standings.len()).collect();
        let rate = |at: &usize| standings[*at].rate().unwrap_or(0.0);
        order.sort_by(|left, right| rate(left).total_cmp(&rate(right)));
        let others = order.split_off(standings.len().div_ceil(2));
        let sum = |of: fn(&Standing) -> f64| order.iter().map(|it| of(&standings[*it])).sum();
        let peers = Self {
            requests: sum(|it| it.requests),
            failures: sum(|it| it.failures),
        };
        (peers, others)
    }

    fn rate(&self) -> f64 {
        self.failures / self.requests.max(1.0)
    }

    /// How far the rates of both may be apart by chance, if they were alike.
    fn deviation(&self, other: &Standing) -> f64 {
        let (own, its) = (self.requests.max(1.0), other.requests);
        let alike = (self.failures + other.failures) / (own + its);
        (alike * (1.0 - alike) * (1.0 / own + 1.0 / its)).sqrt()
    }
}

/// Where the healthy targets of a group stand, after what was counted since the last time.
pub(crate) fn judge(targets: &[(Standing, Counted)], elapsed: Duration, mitigates: bool) -> Vec<Standing> {
    if targets.len() < HEALTHY_MIN {
        return vec![Standing::default(); targets.len()];
    }
    let known = targets.iter().map(|(it, counted)| it.with(*counted, elapsed));
    let known: Vec<Standing> = known.collect();
    let (peers, others) = Peers::of(&known);
    let judged = known.iter().enumerate().map(|(at, it)| {
        let is_anomalous = others.contains(&at) && it.fails_unlike(&peers);
        it.judged(is_anomalous, mitigates, elapsed)
    });
    judged.collect()
}

/// What a group does about anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anomalies {
    /// It does not look for any.
    Ignored,
    /// It says which targets are anomalous.
    Detected,
    /// These get less, too.
    Mitigated,
}

/// What is kept of a target.
#[derive(Default)]
pub(crate) struct Record {
    answered: AtomicU32,
    failed: AtomicU32,
    standing: Mutex<Standing>,
    /// What is lacking to [`WHOLE`].
    lacking: AtomicU32,
}

impl Record {
    /// Takes over what came of a request.
    pub(crate) fn note(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Answered => &self.answered,
            Outcome::Failed => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted since the last time.
    pub(crate) fn take(&self) -> Counted {
        let failures = self.failed.swap(0, Ordering::Relaxed);
        Counted {
            requests: failures.saturating_add(self.answered.swap(0, Ordering::Relaxed)),
            failures,
        }
    }

    /// Where it stands.
    pub(crate) fn standing(&self) -> Standing {
        *self.standing.lock()
    }

    /// Sets where it stands. Whether something else is told of it then.
    pub(crate) fn set(&self, standing: Standing) -> bool {
        self.lacking.store(WHOLE - standing.share, Ordering::Relaxed);
        let before = std::mem::replace(&mut *self.standing.lock(), standing);
        before.shown() != standing.shown()
    }

    /// Its share, of [`WHOLE`].
    pub(crate) fn share(&self) -> u32 {
        WHOLE - self.lacking.load(Ordering::Relaxed)
    }
}
