//! Sending a request: to which target, on which connection, and again where that does no harm.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::listener::Protocol;
use domain::target_group::ProtocolVersion;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::answer::Fault;
use super::body::{Held, Progress, RequestBody, TimeToAnswer};
use super::cookies::Tag;
use super::forward::Job;
use crate::group::Members;
use crate::outlier::Outcome;
use crate::target::InFlight;
use crate::upstream::{ConnectFault, Lease, Pool, SendFault};

/// How often a request is tried in all, while nothing of it can have had an effect.
const TRIES: usize = 3;

/// A request as it is sent.
pub(super) struct Outgoing {
    pub(super) parts: Parts,
    pub(super) body: RequestBody,
    pub(super) progress: Option<Arc<Progress>>,
}

/// Sends the request to the target that was chosen, to another one or on another connection as long as that is safe.
pub(super) async fn send(
    job: &mut Job<'_>,
    members: &Members,
    (mut first, mut pinned): (Option<InFlight>, Option<Tag>),
    outgoing: Outgoing,
) -> Result<(Response<Incoming>, Held), Fault> {
    let idle = job.serving.plan.load_balancer.idle_timeout;
    let progress = outgoing.progress;
    let mut request = Request::from_parts(outgoing.parts, outgoing.body);
    let resilience = members.plan.resilience.as_ref();
    let time = TimeToAnswer {
        bound: resilience.and_then(|it| it.request_timeout),
        began: Instant::now(),
        progress: progress.clone(),
    };
    let mut tried = Vec::new();
    // that of the last try: whoever has been tried is no reason to say that nobody is there
    let mut failed = None;
    for attempt in 1..=TRIES {
        let chosen = first.take().or_else(|| choose(job, members, pinned, &tried));
        let in_flight = chosen.ok_or(failed.unwrap_or(Fault::NoTarget))?;
        tried.push(in_flight.target().address());
        job.exchange.forwarded(in_flight.target());
        let Some(mut lease) = lease(job, members, &in_flight, attempt, &time).await? else {
            pinned = None;
            failed = Some(Fault::BadGateway);
            continue;
        };
        address(&mut request, &lease, &job.host, members.plan.protocol)?;
        let is_harmless = is_safe(request.method()) && (lease.is_reused() || resilience.is_some());
        let copy = match is_harmless || resilience.is_some() {
            true => copy(&request),
            false => None,
        };
        let answered = within(
            &time,
            answer_in_time(&mut lease, request, idle, progress.as_ref()),
        );
        let fault = match answered.await.unwrap_or(Err(Waited::Fault(Fault::Timeout))) {
            Ok(response) => {
                note(job, &in_flight, Outcome::of(response.status()));
                let is_refused = response.status() == StatusCode::SERVICE_UNAVAILABLE;
                if let (Some(copy), true, true) = (copy, is_refused && attempt < TRIES, resilience.is_some())
                {
                    job.exchange.target_refused(response.status());
                    request = copy;
                    continue;
                }
                let held = Held {
                    lease,
                    in_flight,
                    progress: None,
                    reusable: !job.is_ambiguous,
                    time,
                };
                return Ok((response, held));
            }
            Err(fault) => fault,
        };
        if fault.is_of_target() {
            note(job, &in_flight, Outcome::Failed);
        }
        let is_gone = in_flight.target().gone.is_cancelled();
        let (again, fault) = once_more(fault, copy.filter(|_| is_harmless && !is_gone))?;
        request = again;
        failed = fault.or(failed);
    }
    Err(failed.unwrap_or(Fault::BadGateway))
}

/// What is sent after a try that came to nothing, and what is answered if nobody takes that. A copy is sent again unless
/// the target was cut off after its delay: it may have done all of it.
///
/// # Errors
/// It must not be sent again.
fn once_more(
    fault: Waited,
    copy: Option<Request<RequestBody>>,
) -> Result<(Request<RequestBody>, Option<Fault>), Fault> {
    let fault = match fault {
        Waited::Sent(SendFault::Unsent(request)) => return Ok((*request, None)),
        Waited::Sent(SendFault::Ended) => Fault::TargetClosed,
        Waited::Sent(SendFault::Garbled) => Fault::BadGateway,
        Waited::Fault(fault) => return Err(fault),
    };
    let again = copy.ok_or(fault)?;
    Ok((again, Some(fault)))
}

/// A connection to a target; none if another target is to be tried.
async fn lease(
    job: &Job<'_>,
    members: &Members,
    in_flight: &InFlight,
    attempt: usize,
    time: &TimeToAnswer,
) -> Result<Option<Lease>, Fault> {
    // the last try does not rely on a connection that may be closing
    let may_wait = attempt < TRIES && !job.is_ambiguous;
    if let Some(waiting) = may_wait.then(|| in_flight.target().pool.take()).flatten() {
        return Ok(Some(waiting));
    }
    let opened = within(time, open(job, members, in_flight)).await;
    let fault = match opened.ok_or(Fault::Timeout)? {
        Ok(lease) => return Ok(Some(lease)),
        Err(ConnectFault::Timeout) => Fault::Timeout,
        Err(_) => Fault::BadGateway,
    };
    note(job, in_flight, Outcome::Failed);
    let is_resilient = members.plan.resilience.is_some();
    let has_others = fault == Fault::BadGateway && members.all.len() > 1;
    match attempt < TRIES && (is_resilient || has_others) {
        true => Ok(None),
        false => Err(fault),
    }
}

/// Takes over what came of a try.
fn note(job: &Job<'_>, in_flight: &InFlight, outcome: Outcome) {
    let now_ms = job.client.site.shared.now_ms();
    job.group.note(in_flight.target(), outcome, now_ms);
}

/// What a future gives in time; none after it.
async fn within<T>(time: &TimeToAnswer, work: impl Future<Output = T>) -> Option<T> {
    if time.bound.is_none() {
        return Some(work.await);
    }
    tokio::select! {
        biased;
        given = work => Some(given),
        () = time.clone().over() => None,
    }
}

/// Chooses a target and counts the request in: the one that its client stays with, if that gets traffic.
pub(super) fn choose(
    job: &Job<'_>,
    members: &Members,
    pinned: Option<Tag>,
    tried: &[SocketAddr],
) -> Option<InFlight> {
    let site = &job.client.site;
    let stays = pinned
        .and_then(|tag| members.by_tag(&tag))
        .and_then(|it| it.enter());
    stays.or_else(|| {
        let zone = job.serving.only_zone(members, &site.zone);
        let (dice, now_ms) = (&site.shared.dice, site.shared.now_ms());
        match members.plan.resilience {
            Some(_) => job.group.pick_other(zone, tried, dice, now_ms),
            None => job.group.pick(zone, dice, now_ms),
        }
    })
}

async fn open(job: &Job<'_>, members: &Members, in_flight: &InFlight) -> Result<Lease, ConnectFault> {
    let http2 = members.plan.version != ProtocolVersion::Http1;
    let site = &job.client.site;
    let tls = &site.shared.target_tls;
    let tls = (members.plan.protocol == Protocol::Https).then(|| tls.config(http2));
    Pool::open(site.source(job.serving), in_flight.target(), tls, http2).await
}

/// Writes the request's URL as the connection's version of HTTP has it.
fn address(
    request: &mut Request<RequestBody>,
    lease: &Lease,
    host: &str,
    protocol: Protocol,
) -> Result<(), Fault> {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |it| it.as_str())
        .to_owned();
    let (uri, version) = match lease.is_http2() {
        false => {
            let has_length = request.headers().contains_key(CONTENT_LENGTH);
            if !has_length && !matches!(request.body(), RequestBody::Empty) {
                // else a body that goes with GET would be left out
                let chunked = HeaderValue::from_static("chunked");
                request.headers_mut().insert(TRANSFER_ENCODING, chunked);
            }
            (path, Version::HTTP_11)
        }
        true => {
            request.headers_mut().remove(TRANSFER_ENCODING);
            let scheme = if protocol == Protocol::Https {
                "https"
            } else {
                "http"
            };
            request.headers_mut().remove(HOST);
            (format!("{scheme}://{host}{path}"), Version::HTTP_2)
        }
    };
    *request.version_mut() = version;
    *request.uri_mut() = uri.parse::<Uri>().map_err(|_| Fault::BadRequest)?;
    Ok(())
}

/// The request once more, if it has no body.
fn copy(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let RequestBody::Empty = request.body() else {
        return None;
    };
    let mut again = Request::new(RequestBody::Empty);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    *again.headers_mut() = request.headers().clone();
    // the letters of names
    *again.extensions_mut() = request.extensions().clone();
    Some(again)
}

enum Waited {
    Sent(SendFault),
    Fault(Fault),
}

impl Waited {
    /// Whether it is the target that has failed.
    fn is_of_target(&self) -> bool {
        matches!(
            self,
            Self::Sent(SendFault::Ended | SendFault::Garbled) | Self::Fault(Fault::Timeout)
        )
    }
}

/// Waits for the head of an answer. A target may be silent for the idle time, counted from the last piece of the request;
/// while the client's next piece is awaited, only how long the client may be silent counts.
async fn answer_in_time(
    lease: &mut Lease,
    request: Request<RequestBody>,
    idle: Duration,
    progress: Option<&Arc<Progress>>,
) -> Result<Response<Incoming>, Waited> {
    let silence = TimeToAnswer {
        bound: Some(idle),
        began: Instant::now(),
        progress: progress.cloned(),
    };
    let sending = lease.send(request);
    let result = within(&silence, sending)
        .await
        .ok_or(Waited::Fault(Fault::Timeout))?;
    match (result, progress) {
        (Ok(response), _) => Ok(response),
        (Err(_), Some(progress)) if progress.stalled.load(Ordering::Acquire) => {
            Err(Waited::Fault(Fault::ClientSlow))
        }
        (Err(_), Some(progress)) if progress.broken.load(Ordering::Acquire) => {
            Err(Waited::Fault(Fault::ClientGone))
        }
        (Err(fault), _) => Err(Waited::Sent(fault)),
    }
}

/// Whether it does no harm to do a request twice: it changes nothing (RFC 9110, 9.2.1). What a target did with another before
/// its connection ended, nobody knows; its answer may differ when it does it again.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
