//! What the guard of a connection and the handler of its requests know of each other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::head::{Grade, Refusal};
use super::record::Line;

/// What was found out about the head of a request; heads and requests are in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) grade: Grade,
    pub(crate) reason: &'static str,
    /// Why it is refused, with its first line as it came.
    pub(crate) refused: Option<(Refusal, String)>,
    /// How long it was, in bytes; 0 if nobody has counted.
    pub(crate) head_bytes: u64,
    /// The guard waits for [`Gate::decide`].
    pub(crate) undecided: bool,
}

impl Ticket {
    pub(crate) fn passed(grade: Grade, reason: &'static str) -> Self {
        Self {
            grade,
            reason,
            refused: None,
            head_bytes: 0,
            undecided: false,
        }
    }

    pub(crate) fn refused(refusal: Refusal, line: String) -> Self {
        let (grade, reason) = refusal.classification();
        Self {
            refused: Some((refusal, line)),
            ..Self::passed(grade, reason)
        }
    }
}

/// The answer to a request for another protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Open,
    Changed,
    Refused,
}

struct Inside {
    tickets: VecDeque<Ticket>,
    decision: Decision,
    waker: Option<Waker>,
    last_done: Instant,
    /// Lines of answers that may be on their way, as many as what hyper holds back has room for.
    lines: Vec<Line>,
    /// How much of what was written is told, in bytes.
    told: u64,
    /// Nothing is written any more.
    is_over: bool,
}

/// Shared by the guard of a connection and the handler of its requests.
pub(crate) struct Gate {
    inside: Mutex<Inside>,
    busy: AtomicUsize,
    /// Requests whose answers the client has to take before they can go on.
    untaken: AtomicUsize,
    /// When an answer went on for the last time, in milliseconds from `began`.
    moved_ms: AtomicU64,
    began: Instant,
    /// What the client was sent, in bytes.
    written: AtomicU64,
}

/// A request is being handled; until it is dropped, the connection is not idle.
pub(crate) struct Busy {
    gate: Arc<Gate>,
    is_untaken: bool,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        let inside = Inside {
            tickets: VecDeque::new(),
            decision: Decision::Open,
            waker: None,
            last_done: Instant::now(),
            lines: Vec::new(),
            told: 0,
            is_over: false,
        };
        Arc::new(Self {
            inside: Mutex::new(inside),
            busy: AtomicUsize::new(0),
            untaken: AtomicUsize::new(0),
            moved_ms: AtomicU64::new(0),
            began: Instant::now(),
            written: AtomicU64::new(0),
        })
    }

    pub(crate) fn push(&self, ticket: Ticket) {
        self.inside.lock().tickets.push_back(ticket);
    }

    /// The ticket of the next request; one that passes without if the connection has no guard.
    pub(crate) fn pop(&self) -> Ticket {
        let ticket = self.inside.lock().tickets.pop_front();
        ticket.unwrap_or_else(|| Ticket::passed(Grade::Compliant, ""))
    }

    /// Counts a request in.
    pub(crate) fn enter(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy {
            gate: self.clone(),
            is_untaken: false,
        }
    }

    /// Some of an answer has gone on.
    pub(crate) fn moved(&self) {
        let after = self.began.elapsed().as_millis();
        let after = u64::try_from(after).unwrap_or(u64::MAX);
        self.moved_ms.store(after, Ordering::Relaxed);
    }

    /// Since when nothing goes on because the client takes nothing of any answer, or has them all.
    pub(crate) fn awaits_client_since(&self) -> Option<Instant> {
        let is_its_turn = self.untaken.load(Ordering::Relaxed) >= self.busy.load(Ordering::Relaxed);
        let moved = Duration::from_millis(self.moved_ms.load(Ordering::Relaxed));
        is_its_turn.then(|| self.last_done().max(self.began + moved))
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// When the last request ended.
    pub(crate) fn last_done(&self) -> Instant {
        self.inside.lock().last_done
    }

    /// So much more went to the client.
    pub(crate) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Takes a line that is whole but for what was sent: it is written when all of that has gone, or nothing more can.
    pub(crate) fn settle(&self, line: Line) {
        let mut inside = self.inside.lock();
        inside.lines.push(line);
        if inside.is_over {
            self.tell(&mut inside);
        }
    }

    /// All that was to be written has gone.
    pub(crate) fn flushed(&self) {
        self.tell(&mut self.inside.lock());
    }

    /// Nothing is written any more.
    pub(crate) fn over(&self) {
        let mut inside = self.inside.lock();
        inside.is_over = true;
        self.tell(&mut inside);
    }

    fn tell(&self, inside: &mut Inside) {
        // few answers go together: the first has it all
        for line in std::mem::take(&mut inside.lines) {
            let written = self.written.load(Ordering::Relaxed);
            line.write(written - inside.told);
            inside.told = written;
        }
    }

    /// Says whether the connection speaks another protocol from now on.
    pub(crate) fn decide(&self, changes: bool) {
        let mut inside = self.inside.lock();
        inside.decision = if changes {
            Decision::Changed
        } else {
            Decision::Refused
        };
        if let Some(waker) = inside.waker.take() {
            waker.wake();
        }
    }

    /// Whether the connection speaks another protocol, once that is decided.
    pub(crate) fn poll_decision(&self, cx: &Context<'_>) -> Poll<bool> {
        let mut inside = self.inside.lock();
        match inside.decision {
            Decision::Open => {
                inside.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Decision::Changed => Poll::Ready(true),
            Decision::Refused => {
                inside.decision = Decision::Open;
                Poll::Ready(false)
            }
        }
    }
}

impl Busy {
    /// Whether the client has to take some of the answer before it can go on.
    pub(crate) fn awaits_client(&mut self, is_untaken: bool) {
        if self.is_untaken == is_untaken {
            return;
        }
        self.is_untaken = is_untaken;
        self.gate.moved();
        match is_untaken {
            true => self.gate.untaken.fetch_add(1, Ordering::Relaxed),
            false => self.gate.untaken.fetch_sub(1, Ordering::Relaxed),
        };
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.awaits_client(false);
        self.gate.inside.lock().last_done = Instant::now();
        self.gate.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
