//! Bodies on their way through: nothing is kept but what is on its way.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use super::headers;
use super::record::Exchange;
use crate::target::InFlight;
use crate::upstream::Lease;

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("nothing came in time")]
    Idle,
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

/// Fires when nothing has happened for a while; costs nothing as long as things happen.
struct IdleTimer {
    time: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl IdleTimer {
    fn new(time: Duration) -> Self {
        Self { time, sleep: None }
    }

    fn happened(&mut self) {
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(Instant::now() + self.time);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let time = self.time;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        sleep.as_mut().poll(cx)
    }
}

/// How far the body of a request is.
pub(crate) struct Progress {
    /// When its head came.
    began: Instant,
    /// When its last piece was passed on, in milliseconds from then.
    moved_ms: AtomicU64,
    /// There is room for a piece that the client has not sent.
    awaits_client: AtomicBool,
    /// That is over.
    resumed: Notify,
    /// Bytes that the client has sent.
    pub(crate) received: AtomicU64,
    /// The last byte was passed on.
    pub(crate) finished: AtomicBool,
    /// The client stopped sending.
    pub(crate) stalled: AtomicBool,
    /// The client's connection broke.
    pub(crate) broken: AtomicBool,
}

impl Progress {
    /// Of a request whose head has just come.
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            moved_ms: AtomicU64::new(0),
            awaits_client: AtomicBool::new(false),
            resumed: Notify::new(),
            received: AtomicU64::new(0),
            finished: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        }
    }

    /// A piece goes on, or the end.
    fn moved(&self) {
        let after = self.began.elapsed().as_millis();
        self.moved_ms
            .store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
        if self.awaits_client.swap(false, Ordering::AcqRel) {
            self.resumed.notify_waiters();
        }
    }

    /// Since when the client waits for others; `None` while they wait for it.
    fn client_waits_since(&self) -> Option<Instant> {
        let is_its_turn = self.awaits_client.load(Ordering::Acquire);
        let moved = Duration::from_millis(self.moved_ms.load(Ordering::Relaxed));
        (!is_its_turn).then(|| self.began + moved)
    }
}

/// How long an answer may take to be whole, or a target may take to begin it. As with Envoy's timeout of routes, how long a client takes to send its
/// request is no fault of the target: the time runs from when the last piece has gone on, and stands still while there is
/// room for the next one. So it bounds connecting too, and a target that does not take the request.
#[derive(Clone)]
pub(crate) struct TimeToAnswer {
    /// Without a bound it never ends.
    pub(crate) bound: Option<Duration>,
    /// When the request came, or was sent.
    pub(crate) began: Instant,
    /// Its body, if it has one.
    pub(crate) progress: Option<Arc<Progress>>,
}

impl TimeToAnswer {
    /// Ends when the time is over.
    pub(crate) async fn over(self) {
        let Some(bound) = self.bound else {
            return std::future::pending().await;
        };
        let Some(progress) = &self.progress else {
            return tokio::time::sleep_until(self.began + bound).await;
        };
        loop {
            // Before it is looked whose turn it is: nothing is missed in between.
            let resumed = progress.resumed.notified();
            // another try has time of its own
            match progress.client_waits_since().map(|it| it.max(self.began) + bound) {
                None => resumed.await,
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::time::sleep_until(due).await,
            }
        }
    }
}

/// The body of a request to a target.
pub(crate) enum RequestBody {
    Empty,
    Relay(Box<RequestRelay>),
}

/// A body that comes from the client.
pub(crate) struct RequestRelay {
    body: Incoming,
    idle: IdleTimer,
    progress: Arc<Progress>,
}

impl RequestBody {
    /// The body of a client's request; `idle` is how long the client may pause.
    pub(crate) fn relay(body: Incoming, idle: Duration, progress: Arc<Progress>) -> Self {
        Self::Relay(Box::new(RequestRelay {
            body,
            idle: IdleTimer::new(idle),
            progress,
        }))
    }
}

impl Drop for RequestRelay {
    fn drop(&mut self) {
        // A target that wants no more of it does not wait for the client any more.
        if self.progress.awaits_client.load(Ordering::Acquire) {
            self.progress.moved();
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let relay = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Relay(relay) => relay,
        };
        let Poll::Ready(frame) = Pin::new(&mut relay.body).poll_frame(cx) else {
            if !relay.progress.awaits_client.swap(true, Ordering::AcqRel) {
                // how long the target had no room for more is not the client's time
                relay.idle.happened();
            }
            ready!(relay.idle.poll(cx));
            relay.progress.stalled.store(true, Ordering::Release);
            return Poll::Ready(Some(Err(BodyFault::Idle)));
        };
        relay.progress.moved();
        match &frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                relay.progress.received.fetch_add(length, Ordering::Relaxed);
                if relay.body.is_end_stream() {
                    relay.progress.finished.store(true, Ordering::Release);
                }
            }
            Some(Err(_)) => relay.progress.broken.store(true, Ordering::Release),
            None => relay.progress.finished.store(true, Ordering::Release),
        }
        Poll::Ready(frame.map(|it| it.map_err(BodyFault::Broken)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Relay(relay) => relay.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Relay(relay) => relay.body.size_hint(),
        }
    }
}

/// The body of an answer to a client.
pub(crate) enum AnswerBody {
    /// Of our own. The connection is busy until it is taken.
    Ready(Option<Bytes>, Option<Box<Exchange>>),
    /// A target's.
    Relay(Box<AnswerRelay>),
}

/// A body that comes from a target.
pub(crate) struct AnswerRelay {
    pub(crate) body: Incoming,
    pub(crate) exchange: Box<Exchange>,
    idle: IdleTimer,
    /// What is given back at the end.
    lease: Option<Lease>,
    in_flight: Option<InFlight>,
    /// The request's body, if it had one: the connection is of use again only when it is through.
    progress: Option<Arc<Progress>>,
    /// Whether the connection may serve again.
    reusable: bool,
    /// Fires when the answer has to have passed.
    deadline: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// What an answer holds on to until it has passed.
pub(crate) struct Held {
    pub(crate) lease: Lease,
    pub(crate) in_flight: InFlight,
    pub(crate) progress: Option<Arc<Progress>>,
    pub(crate) reusable: bool,
    /// How long it may take.
    pub(crate) time: TimeToAnswer,
}

impl AnswerBody {
    /// The body of a target's answer.
    pub(crate) fn relay(body: Incoming, mut exchange: Box<Exchange>, held: Held, idle: Duration) -> Self {
        exchange.awaits_client(true);
        let mut relay = AnswerRelay {
            body,
            exchange,
            idle: IdleTimer::new(idle),
            lease: Some(held.lease),
            in_flight: Some(held.in_flight),
            progress: held.progress,
            reusable: held.reusable,
            deadline: None,
        };
        if held.time.bound.is_some() {
            relay.deadline = Some(Box::pin(held.time.over()));
        }
        Self::Relay(Box::new(relay))
    }

    /// The head goes to the client, so many bytes long.
    pub(crate) fn begins(&mut self, head_bytes: u64) {
        match self {
            Self::Ready(_, None) => {}
            Self::Ready(bytes, Some(exchange)) => {
                exchange.sent(head_bytes + bytes.as_ref().map_or(0, Bytes::len) as u64);
                // now: whether anybody reads the body, as nobody does after HEAD, makes no difference
                exchange.finish();
            }
            Self::Relay(relay) => {
                relay.exchange.sent(head_bytes);
                if relay.body.is_end_stream() {
                    relay.end();
                }
            }
        }
    }
}

impl AnswerRelay {
    fn end(&mut self) {
        let sent = self
            .progress
            .as_ref()
            .is_none_or(|it| it.finished.load(Ordering::Acquire));
        if let (Some(lease), Some(in_flight)) = (self.lease.take(), self.in_flight.take())
            && sent
            && self.reusable
            && !in_flight.target().is_draining()
        {
            lease.give_back(&in_flight.target().pool);
        }
        if let Some(progress) = &self.progress {
            self.exchange.received(progress.received.load(Ordering::Relaxed));
        }
        self.exchange.finish();
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let relay = match self.get_mut() {
            Self::Ready(bytes, exchange) => {
                *exchange = None;
                return Poll::Ready(bytes.take().map(|it| Ok(Frame::data(it))));
            }
            Self::Relay(relay) => relay,
        };
        relay.exchange.awaits_client(false);
        let Poll::Ready(frame) = Pin::new(&mut relay.body).poll_frame(cx) else {
            let deadline = relay.deadline.as_mut();
            if !deadline.is_some_and(|it| it.as_mut().poll(cx).is_ready()) {
                ready!(relay.idle.poll(cx));
            }
            relay.exchange.fails();
            return Poll::Ready(Some(Err(BodyFault::Idle)));
        };
        relay.idle.happened();
        relay.exchange.awaits_client(true);
        match &frame {
            Some(Ok(frame)) => {
                let data = frame.data_ref().map_or(0, Bytes::len) as u64;
                relay
                    .exchange
                    .sent(data + frame.trailers_ref().map_or(0, headers::length));
                // nobody asks for more behind trailers
                if frame.is_trailers() || relay.body.is_end_stream() {
                    relay.end();
                }
            }
            Some(Err(_)) => relay.exchange.fails(),
            None => relay.end(),
        }
        Poll::Ready(frame.map(|it| it.map_err(BodyFault::Broken)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ready(bytes, _) => bytes.is_none(),
            Self::Relay(relay) => relay.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ready(bytes, _) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Relay(relay) => relay.body.size_hint(),
        }
    }
}
