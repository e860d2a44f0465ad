//! Lines of the access log, until the agent takes them.

use std::collections::VecDeque;

use balancer::access_log::AccessLogSink;
use domain::served_load_balancer::BalancerNews;
use parking_lot::Mutex;
use tokio::sync::Notify;

#[cfg(test)]
mod tests;

/// Bytes of lines that wait while no agent takes them; the oldest go when there are more.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of lines that an agent is told at once.
const TOLD_BYTES: usize = 128 * 1024;

/// Lines that wait.
#[derive(Default)]
pub struct AccessLog {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
}

impl AccessLog {
    /// Until there are lines. Dropping the future loses nothing.
    pub async fn ready(&self) {
        loop {
            let more = self.more.notified();
            if !self.waiting.lock().lines.is_empty() {
                return;
            }
            more.await;
        }
    }

    /// Takes lines out, as many as may be told at once.
    pub fn news(&self) -> Vec<BalancerNews> {
        let mut waiting = self.waiting.lock();
        if waiting.dropped > 0 {
            tracing::warn!(
                lines = waiting.dropped,
                "lines of the access log were dropped: no agent took them"
            );
            waiting.dropped = 0;
        }
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while bytes < TOLD_BYTES {
            let Some(line) = waiting.lines.pop_front() else {
                break;
            };
            bytes += line.len();
            lines.push(line);
        }
        waiting.bytes -= bytes;
        match lines.is_empty() {
            true => Vec::new(),
            false => vec![BalancerNews::Logged { lines }],
        }
    }
}

impl AccessLogSink for AccessLog {
    fn line(&self, _load_balancer: &str, line: String) {
        let mut waiting = self.waiting.lock();
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        while waiting.bytes > WAITING_BYTES_MAX {
            let Some(oldest) = waiting.lines.pop_front() else {
                break;
            };
            waiting.bytes -= oldest.len();
            waiting.dropped += 1;
        }
        drop(waiting);
        self.more.notify_one();
    }
}
