//! How often a task may ask.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::RequestRate;
use crate::host::Caller;

/// Callers of which something is remembered; beyond, those who have not asked for a while are forgotten.
const CALLERS_MAX: usize = 1024;

/// What each caller has left.
pub struct Limits {
    rate: RequestRate,
    callers: Mutex<BTreeMap<Caller, Bucket>>,
}

/// Requests that a caller may still make at once.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Limits {
    /// Nobody has asked yet.
    pub fn new(rate: RequestRate) -> Self {
        Self {
            rate,
            callers: Mutex::default(),
        }
    }

    /// Whether a caller may ask now; if so, it has.
    pub fn admit(&self, caller: &Caller, now: Instant) -> bool {
        let mut callers = self.callers.lock();
        if callers.len() >= CALLERS_MAX && !callers.contains_key(caller) {
            callers.retain(|_, it| it.refilled(self.rate, now).left < f64::from(self.rate.burst));
        }
        let full = Bucket {
            left: f64::from(self.rate.burst),
            at: now,
        };
        let known = callers.get(caller).copied().unwrap_or(full);
        let mut bucket = known.refilled(self.rate, now);
        let is_admitted = bucket.left >= 1.0;
        if is_admitted {
            bucket.left -= 1.0;
        }
        callers.insert(caller.clone(), bucket);
        is_admitted
    }
}

impl Bucket {
    fn refilled(self, rate: RequestRate, now: Instant) -> Self {
        let more = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(rate.per_second);
        Self {
            left: (self.left + more).min(f64::from(rate.burst)),
            at: now,
        }
    }
}
