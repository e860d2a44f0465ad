//! How many requests an account may make: Amazon's token buckets, one for each kind of operation.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>

mod quotas;

use std::collections::HashMap;

use domain::{Scope, Timestamp};
use parking_lot::Mutex;
use wire::error::CommonError;

use quotas::{QUOTAS, Quota};

#[cfg(test)]
mod tests;

/// Which limits hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestLimits {
    /// None.
    #[default]
    Off,
    /// Those that Amazon publishes for ECS; operations that it does not list are free.
    Amazon,
}

/// The buckets of all accounts. Accounts come from access keys that were verified, so their number is bounded.
pub struct Buckets {
    limits: RequestLimits,
    of_scope: Mutex<HashMap<Scope, Vec<Bucket>>>,
}

impl Buckets {
    /// All of them full.
    pub fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            of_scope: Mutex::default(),
        }
    }

    /// Takes a token for a request that came at `now`.
    ///
    /// # Errors
    /// ThrottlingException "Rate exceeded" if there is none; SDKs try such a request again later.
    pub fn admit(
        &self,
        scope: &Scope,
        service: &str,
        operation: &str,
        now: Timestamp,
    ) -> Result<(), CommonError> {
        if self.limits == RequestLimits::Off || service != "ecs" {
            return Ok(());
        }
        let Some(kind) = QUOTAS.iter().position(|it| it.operations.contains(&operation)) else {
            return Ok(());
        };
        let mut of_scope = self.of_scope.lock();
        let buckets = of_scope
            .entry(scope.clone())
            .or_insert_with(|| QUOTAS.iter().map(|quota| Bucket::full(quota, now)).collect());
        match buckets[kind].take(&QUOTAS[kind], now) {
            Admission::Admitted => Ok(()),
            Admission::Throttled => Err(CommonError {
                status: 400,
                json_code: "ThrottlingException",
                query_code: "Throttling",
                message: "Rate exceeded".to_owned(),
            }),
        }
    }
}

/// Whether a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Admitted,
    Throttled,
}

/// Tokens, counted in thousandths so that a millisecond's refill is a whole number.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    millitokens: u64,
    /// Milliseconds since the epoch.
    filled_at: i64,
}

impl Bucket {
    fn full(quota: &Quota, now: Timestamp) -> Self {
        Self {
            millitokens: quota.capacity * 1000,
            filled_at: now.as_millisecond(),
        }
    }

    fn take(&mut self, quota: &Quota, now: Timestamp) -> Admission {
        let now = now.as_millisecond();
        // A clock that was set back refills nothing, and refills again from there.
        let elapsed = u64::try_from(now.saturating_sub(self.filled_at)).unwrap_or(0);
        self.filled_at = now;
        let refill = elapsed.saturating_mul(quota.refill_per_second);
        self.millitokens = self.millitokens.saturating_add(refill).min(quota.capacity * 1000);
        match self.millitokens.checked_sub(1000) {
            Some(rest) => {
                self.millitokens = rest;
                Admission::Admitted
            }
            None => Admission::Throttled,
        }
    }
}
