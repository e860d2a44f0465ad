//! One request from its head to the last byte of its answer: keeps its connection busy and writes its line.

use std::sync::Arc;

use http::StatusCode;
use tokio::time::Instant;

use super::connection::Client;
use super::gate::{Busy, Ticket};
use crate::access_log::Entry;
use crate::counters::{Active, Counters};
use crate::shared::Shared;
use crate::target::Target;

/// What a request that nobody waits for any more is logged with.
const CLIENT_CLOSED: u16 = 460;

/// One request. Dropped before it is finished, the client went away.
pub(crate) struct Exchange {
    busy: Busy,
    is_classic: bool,
    meter: Option<Meter>,
    log: Option<Log>,
}

/// What of it is counted, for Service Connect.
struct Meter {
    counters: Arc<Counters>,
    forwarded: Option<Instant>,
    /// It is a connection of its own by now.
    active: Option<Active>,
}

/// A line of the log whose answer is on its way.
pub(crate) struct Line {
    entry: Entry,
    arn: Arc<str>,
    shared: Arc<Shared>,
}

struct Log {
    entry: Entry,
    client: Arc<Client>,
    arn: Arc<str>,
    began: Instant,
    forwarded: Option<Instant>,
    answered: Option<Instant>,
    has_failed: bool,
}

/// What logs tell of a request from its head.
pub(crate) struct Described {
    /// The first line.
    pub(crate) request: String,
    pub(crate) user_agent: String,
    pub(crate) trace_id: String,
    /// How long the head was, if no guard has counted it.
    pub(crate) head_bytes: u64,
}

impl Exchange {
    /// Begins; `request` tells what logs do, and is asked only if there are some.
    pub(crate) fn new(
        client: &Arc<Client>,
        busy: Busy,
        ticket: &Ticket,
        request: impl FnOnce() -> Described,
    ) -> Box<Self> {
        let serving = client.site.serving();
        let load_balancer = &serving.plan.load_balancer;
        let log = load_balancer.access_logs.then(|| {
            let Described {
                request,
                user_agent,
                trace_id,
                head_bytes,
            } = request();
            let now = client.site.shared.clock.now();
            let tls = client.tls.as_ref();
            let entry = Entry {
                kind: client.kind(),
                ended: now,
                load_balancer: load_balancer.log_name.clone(),
                client: client.peer,
                target: None,
                times_ms: [None; 3],
                status: CLIENT_CLOSED,
                target_status: None,
                received: ticket.head_bytes + head_bytes,
                sent: 0,
                request,
                user_agent,
                cipher: tls.map_or("-", |it| it.cipher),
                tls_version: tls.map_or("-", |it| it.version),
                group: None,
                trace_id,
                connection: client.trace,
                domain: tls.and_then(|it| it.domain.clone()),
                certificate: tls.and_then(|it| it.certificate.clone()),
                priority: None,
                began: now,
                actions: "-",
                redirect: None,
                grade: ticket.grade.name(),
                grade_reason: ticket.reason,
            };
            Log {
                entry,
                client: client.clone(),
                arn: load_balancer.arn.clone(),
                began: Instant::now(),
                forwarded: None,
                answered: None,
                has_failed: false,
            }
        });
        let meter = serving.counters.clone().map(|counters| {
            counters.requested();
            Meter {
                counters,
                forwarded: None,
                active: None,
            }
        });
        Box::new(Self {
            busy,
            is_classic: load_balancer.is_classic,
            meter,
            log,
        })
    }

    /// Whether the client has to take some of the answer before it can go on.
    pub(crate) fn awaits_client(&mut self, is_untaken: bool) {
        self.busy.awaits_client(is_untaken);
    }

    /// Whether it is a classic load balancer that is asked.
    pub(crate) fn is_classic(&self) -> bool {
        self.is_classic
    }

    /// A rule decided.
    pub(crate) fn decided(&mut self, priority: u32, actions: &'static str) {
        if let Some(log) = &mut self.log {
            log.entry.priority = Some(priority);
            log.entry.actions = actions;
        }
    }

    /// The client is sent elsewhere.
    pub(crate) fn redirected(&mut self, location: &str) {
        if let Some(log) = &mut self.log {
            log.entry.redirect = Some(location.to_owned());
        }
    }

    /// The trace that it is logged with.
    pub(crate) fn trace_id(&self) -> Option<&str> {
        self.log.as_ref().map(|it| &*it.entry.trace_id)
    }

    /// It goes to a target.
    pub(crate) fn forwarded(&mut self, target: &Target) {
        if let Some(meter) = &mut self.meter {
            meter.forwarded = Some(Instant::now());
        }
        if let Some(log) = &mut self.log {
            log.entry.target = Some(target.address());
            log.entry.group = Some(target.name.group.clone());
            log.forwarded = Some(Instant::now());
        }
    }

    /// A target has answered, and another is tried.
    pub(crate) fn target_refused(&mut self, status: StatusCode) {
        if let Some(meter) = &mut self.meter {
            let after = meter.forwarded.take().map(|it| it.elapsed());
            meter.counters.answered(status, after.unwrap_or_default());
        }
    }

    /// It goes on as a connection of another protocol.
    pub(crate) fn switches(&mut self) {
        if let Some(meter) = &mut self.meter {
            meter.active = Some(meter.counters.active());
        }
        if let Some(log) = &mut self.log {
            log.entry.kind = match log.client.tls {
                Some(_) => "wss",
                None => "ws",
            };
        }
    }

    /// The target has answered.
    pub(crate) fn target_answered(&mut self, status: StatusCode) {
        self.target_refused(status);
        if let Some(log) = &mut self.log {
            log.entry.target_status = Some(status.as_u16());
            log.answered = Some(Instant::now());
        }
    }

    /// The client is being answered.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        if let Some(log) = &mut self.log {
            log.entry.status = status.as_u16();
        }
    }

    /// Something else than the client's going went wrong.
    pub(crate) fn fails(&mut self) {
        if let Some(log) = &mut self.log {
            log.has_failed = true;
        }
    }

    /// The client has sent so much more than the head.
    pub(crate) fn received(&mut self, bytes: u64) {
        if let Some(log) = &mut self.log {
            log.entry.received += bytes;
        }
    }

    /// So much more of a body was sent to the client. What connections of HTTP/1.1 carry, their guards count.
    pub(crate) fn sent(&mut self, bytes: u64) {
        if let Some(log) = self.log.as_mut().filter(|it| it.client.http2) {
            log.entry.sent += bytes;
        }
    }

    /// It is over.
    pub(crate) fn finish(&mut self) {
        let Some(mut log) = self.log.take() else {
            return;
        };
        let shared = log.client.site.shared.clone();
        let between = |from: Option<Instant>, to: Option<Instant>| {
            let passed = to?.checked_duration_since(from?)?;
            u64::try_from(passed.as_millis()).ok()
        };
        let now = Instant::now();
        log.entry.ended = shared.clock.now();
        log.entry.times_ms = [
            between(Some(log.began), log.forwarded),
            between(log.forwarded, log.answered),
            between(log.answered, Some(now)),
        ];
        let line = Line {
            entry: log.entry,
            arn: log.arn,
            shared,
        };
        match log.client.http2 {
            true => line.write(0),
            false => log.client.gate.settle(line),
        }
    }
}

impl Line {
    /// Writes it: so much more than it says was sent.
    pub(crate) fn write(mut self, sent: u64) {
        self.entry.sent += sent;
        self.shared.logs.line(&self.arn, self.entry.line());
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(log) = &mut self.log {
            // unless something else went wrong first, nobody waits any more
            if !log.has_failed {
                log.entry.status = CLIENT_CLOSED;
            }
        }
        self.finish();
    }
}
