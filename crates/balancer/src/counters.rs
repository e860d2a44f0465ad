//! What a proxy of Service Connect counts of a client alias. Load balancers count nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::service_connect::ServiceConnectMetrics;
use http::StatusCode;

/// Counters of a client alias. Each stands for itself: nothing is concluded from two of them.
#[derive(Default)]
pub(crate) struct Counters {
    active_connections: AtomicU64,
    new_connections: AtomicU64,
    processed_bytes: AtomicU64,
    requests: AtomicU64,
    /// 2XX to 5XX.
    target_answers: [AtomicU64; 4],
    target_responses: AtomicU64,
    target_response_microseconds: AtomicU64,
    target_response_microseconds_max: AtomicU64,
}

/// A connection of a client; it is counted out when dropped.
pub(crate) struct Active(Arc<Counters>);

impl Counters {
    /// A client has connected.
    pub(crate) fn connected(self: &Arc<Self>) -> Active {
        add(&self.new_connections, 1);
        self.active()
    }

    /// A connection that was counted already goes on as something else.
    pub(crate) fn active(self: &Arc<Self>) -> Active {
        add(&self.active_connections, 1);
        Active(self.clone())
    }

    /// A request has come.
    pub(crate) fn requested(&self) {
        add(&self.requests, 1);
    }

    /// So much has passed on a client's connection.
    pub(crate) fn processed(&self, bytes: usize) {
        add(&self.processed_bytes, bytes as u64);
    }

    /// A target has answered with this status, so long after it was asked.
    pub(crate) fn answered(&self, status: StatusCode, after: Duration) {
        let class = usize::from(status.as_u16() / 100);
        if let Some(counter) = class.checked_sub(2).and_then(|it| self.target_answers.get(it)) {
            add(counter, 1);
        }
        let microseconds = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        add(&self.target_responses, 1);
        add(&self.target_response_microseconds, microseconds);
        let longest = &self.target_response_microseconds_max;
        longest.fetch_max(microseconds, Ordering::Relaxed);
    }

    /// As of now.
    pub(crate) fn read(&self) -> ServiceConnectMetrics {
        let of = |it: &AtomicU64| it.load(Ordering::Relaxed);
        ServiceConnectMetrics {
            active_connections: of(&self.active_connections),
            new_connections: of(&self.new_connections),
            processed_bytes: of(&self.processed_bytes),
            requests: of(&self.requests),
            target_answers: std::array::from_fn(|class| of(&self.target_answers[class])),
            target_responses: of(&self.target_responses),
            target_response_microseconds: of(&self.target_response_microseconds),
            target_response_microseconds_max: of(&self.target_response_microseconds_max),
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active_connections.fetch_sub(1, Ordering::Relaxed);
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}
