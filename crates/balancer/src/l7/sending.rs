//! Sending a request: to which target, on which connection, and again where that does no harm.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::listener::Protocol;
use domain::target_group::ProtocolVersion;
use http::header::HOST;
use http::request::Parts;
use http::{Method, Request, Response, Uri, Version};
use hyper::body::Incoming;

use super::answer::Fault;
use super::body::{Held, Progress, RequestBody};
use super::cookies::Tag;
use super::forward::Job;
use crate::group::Members;
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

/// Sends the request, to another target or on another connection as long as that is safe.
pub(super) async fn send(
    job: &mut Job<'_>,
    members: &Members,
    mut pinned: Option<Tag>,
    outgoing: Outgoing,
) -> Result<(Response<Incoming>, Held), Fault> {
    let idle = job.serving.plan.load_balancer.idle_timeout;
    let Outgoing {
        parts,
        body,
        progress,
    } = outgoing;
    let mut request = Request::from_parts(parts, body);
    for attempt in 1..=TRIES {
        let in_flight = choose(job, members, pinned).ok_or(Fault::NoTarget)?;
        job.exchange.forwarded(in_flight.target());
        // the last try does not rely on a connection that may be closing
        let waiting = in_flight.target().pool.take().filter(|_| attempt < TRIES);
        let mut lease = match waiting {
            Some(lease) => lease,
            None => match open(job, members, &in_flight).await {
                Ok(lease) => lease,
                Err(ConnectFault::Timeout) => return Err(Fault::Timeout),
                Err(_) if attempt < TRIES && members.all.len() > 1 => {
                    pinned = None;
                    continue;
                }
                Err(_) => return Err(Fault::BadGateway),
            },
        };
        address(&mut request, &lease, &job.host, members.plan.protocol)?;
        let again = replayable(&request, &lease);
        let fault = match answer_in_time(&mut lease, request, idle, progress.as_deref()).await {
            Ok(response) => {
                return Ok((
                    response,
                    Held {
                        lease,
                        in_flight,
                        progress: None,
                        reusable: true,
                    },
                ));
            }
            Err(fault) => fault,
        };
        request = match (fault, again) {
            (Waited::Sent(SendFault::Unsent(request)), _) => *request,
            (Waited::Sent(SendFault::Ended), Some(again)) => again,
            (Waited::Sent(SendFault::Ended), None) => return Err(Fault::BadGateway),
            (Waited::Fault(fault), _) => return Err(fault),
        };
    }
    Err(Fault::BadGateway)
}

fn choose(job: &Job<'_>, members: &Members, pinned: Option<Tag>) -> Option<InFlight> {
    let site = &job.client.site;
    let stays = pinned
        .and_then(|tag| members.by_tag(&tag))
        .and_then(|it| it.enter());
    stays.or_else(|| {
        let zone = job.serving.only_zone(members, &site.zone);
        job.group.pick(zone, &site.shared.dice, site.shared.now_ms())
    })
}

async fn open(job: &Job<'_>, members: &Members, in_flight: &InFlight) -> Result<Lease, ConnectFault> {
    let http2 = members.plan.version != ProtocolVersion::Http1;
    let tls = &job.client.site.shared.target_tls;
    let tls = (members.plan.protocol == Protocol::Https).then(|| tls.config(http2));
    Pool::open(in_flight.target(), tls, http2).await
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
        false => (path, Version::HTTP_11),
        true => {
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

/// The request once more, if the connection may have been closing and it does no harm to send it twice.
fn replayable(request: &Request<RequestBody>, lease: &Lease) -> Option<Request<RequestBody>> {
    let RequestBody::Empty = request.body() else {
        return None;
    };
    if !lease.is_reused() || !is_idempotent(request.method()) {
        return None;
    }
    let mut again = Request::new(RequestBody::Empty);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

enum Waited {
    Sent(SendFault),
    Fault(Fault),
}

/// Waits for the head of an answer, as long as the request still moves or the time is not over.
async fn answer_in_time(
    lease: &mut Lease,
    request: Request<RequestBody>,
    idle: Duration,
    progress: Option<&Progress>,
) -> Result<Response<Incoming>, Waited> {
    let mut sending = std::pin::pin!(lease.send(request));
    let mut received = 0;
    let result = loop {
        if let Ok(result) = tokio::time::timeout(idle, &mut sending).await {
            break result;
        }
        let now = progress.map_or(0, |it| it.received.load(Ordering::Relaxed));
        if now == received {
            return Err(Waited::Fault(Fault::Timeout));
        }
        received = now;
    };
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

/// Whether it does no harm to do a request twice.
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
    )
}
