//! What all parts of one balancer share.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::access_log::AccessLogSink;
use crate::dice::Dice;
use crate::l4::claims::Claims;
use crate::l7::cookies::CookieKey;
use crate::l7::idle::IdleConnections;
use crate::report::Reporter;
use crate::tls::TargetTls;

/// What all parts of one balancer share.
pub(crate) struct Shared {
    pub(crate) dice: Dice,
    pub(crate) key: CookieKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) began: Instant,
    pub(crate) reporter: Reporter,
    pub(crate) target_tls: TargetTls,
    pub(crate) logs: Arc<dyn AccessLogSink>,
    pub(crate) claims: Claims,
    /// Clients' connections, also those that speak another protocol by now, and flows: who leaves waits for them.
    pub(crate) connections: TaskTracker,
    /// Those of clients that nothing comes from.
    pub(crate) idle: Arc<IdleConnections>,
}

impl Shared {
    /// Milliseconds since the balancer began.
    pub(crate) fn now_ms(&self) -> u64 {
        self.ms_at(Instant::now())
    }

    /// The same at another time.
    pub(crate) fn ms_at(&self, at: Instant) -> u64 {
        let elapsed: Duration = at.duration_since(self.began);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    /// Seconds since 1970.
    pub(crate) fn now_seconds(&self) -> u64 {
        u64::try_from(self.clock.now().as_second()).unwrap_or(0)
    }
}
