//! A request on its way to a target and the answer on its way back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::target_group::ProtocolVersion;
use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST, HeaderValue, UPGRADE};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::answer::{self, Fault};
use super::body::{AnswerBody, Held, Progress, RequestBody};
use super::connection::Client;
use super::cookies::Tag;
use super::handle::has_body;
use super::record::Exchange;
use super::sending::{Outgoing, choose, send};
use super::{headers, sticky, tunnel};
use crate::group::{Group, Members};
use crate::site::Serving;

/// A request that goes to a group.
pub(crate) struct Job<'a> {
    pub(crate) client: &'a Arc<Client>,
    pub(crate) serving: &'a Serving,
    pub(crate) group: Arc<Group>,
    /// How long the client stays with the group, if it does.
    pub(crate) group_stickiness: Option<Duration>,
    pub(crate) host: String,
    /// Servers may read it differently: it is the first and the last of its connection to a target.
    pub(crate) is_ambiguous: bool,
    pub(crate) exchange: Box<Exchange>,
}

/// A request that is to be looked at once more.
pub(crate) struct Again {
    pub(crate) request: Request<Incoming>,
    pub(crate) exchange: Box<Exchange>,
}

/// Forwards a request and answers what comes back.
///
/// # Errors
/// The group has no target, but the rules have changed since the request was given to it: they may lead elsewhere now.
pub(crate) async fn forward(
    mut job: Job<'_>,
    mut request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Again> {
    let members = job.group.members();
    if !speaks(&members, &request) {
        return Ok(answer::fault(Fault::VersionMismatch, job.exchange));
    }
    let shared = &job.client.site.shared;
    let pinned = sticky::target_of(
        shared,
        &members.plan.stickiness,
        &members.plan.arn,
        request.headers(),
    );
    let first = choose(&job, &members, pinned, &[]);
    if first.is_none() && !std::ptr::eq(&*job.client.site.serving(), job.serving) {
        let exchange = job.exchange;
        return Err(Again { request, exchange });
    }
    let asked =
        headers::upgrade(request.headers()).filter(|_| !job.client.http2 && !has_body(request.body()));
    let upgrade = asked.map(|protocol| (hyper::upgrade::on(&mut request), protocol));
    let outgoing = prepare(&job, request, upgrade.as_ref().map(|(_, protocol)| protocol));
    let progress = outgoing.progress.clone();
    Ok(match send(&mut job, &members, (first, pinned), outgoing).await {
        Ok((response, held)) => passed(
            job,
            &members,
            pinned,
            response,
            Held { progress, ..held },
            upgrade,
        ),
        Err(fault) => {
            if let Some(progress) = &progress {
                job.exchange.received(progress.received.load(Ordering::Relaxed));
            }
            answer::fault(fault, job.exchange)
        }
    })
}

/// Whether the group understands the request's version of HTTP.
fn speaks(members: &Members, request: &Request<Incoming>) -> bool {
    let is_http2 = request.version() == Version::HTTP_2;
    let kind = request.headers().get(CONTENT_TYPE);
    let is_grpc = is_http2 && kind.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
    match members.plan.version {
        ProtocolVersion::Http1 => !is_grpc,
        ProtocolVersion::Http2 => is_http2,
        ProtocolVersion::Grpc => is_grpc && request.method() == Method::POST,
    }
}

/// Makes the request ready for a target: only what is the target's business is left.
fn prepare(job: &Job<'_>, request: Request<Incoming>, upgrade: Option<&HeaderValue>) -> Outgoing {
    let site = &job.client.site;
    let load_balancer = &job.serving.plan.load_balancer;
    let (mut parts, body) = request.into_parts();
    headers::strip_hop_by_hop(&mut parts.headers);
    // hyper has told the client to continue by itself
    parts.headers.remove(EXPECT);
    if load_balancer.drops_invalid_headers {
        headers::drop_invalid(&mut parts.headers);
    }
    if job.client.http2 {
        headers::join_cookies(&mut parts.headers);
    }
    let is_tls = job.client.tls.is_some();
    headers::add_forwarded(
        &mut parts.headers,
        load_balancer,
        job.client.peer,
        is_tls,
        job.serving.plan.port,
    );
    if !load_balancer.is_classic {
        let trace = match job.exchange.trace_id() {
            Some(logged) => logged.to_owned(),
            None => headers::trace_id(&parts.headers, &site.shared.dice, site.shared.now_seconds()),
        };
        headers::set_trace_id(&mut parts.headers, &trace);
    }
    if let Some(tls) = job.client.tls.as_ref().filter(|_| load_balancer.adds_tls_headers) {
        let names = &job.serving.plan.headers;
        parts
            .headers
            .insert(names.tls_version.clone(), HeaderValue::from_static(tls.version));
        parts
            .headers
            .insert(names.tls_cipher.clone(), HeaderValue::from_static(tls.cipher));
    }
    if let Ok(value) = HeaderValue::from_str(&job.host) {
        parts.headers.insert(HOST, value);
    }
    if let Some(protocol) = upgrade {
        parts
            .headers
            .insert(CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(UPGRADE, protocol.clone());
    }
    if !has_body(&body) {
        return Outgoing {
            parts,
            body: RequestBody::Empty,
            progress: None,
        };
    }
    let progress = Arc::new(Progress::new());
    let body = RequestBody::relay(body, load_balancer.idle_timeout, progress.clone());
    Outgoing {
        parts,
        body,
        progress: Some(progress),
    }
}

/// Makes the target's answer the client's.
fn passed(
    mut job: Job<'_>,
    members: &Members,
    pinned: Option<Tag>,
    mut response: Response<Incoming>,
    held: Held,
    upgrade: Option<(OnUpgrade, HeaderValue)>,
) -> Response<AnswerBody> {
    job.exchange.target_answered(response.status());
    // that of the client's side is its own matter
    *response.version_mut() = Version::HTTP_11;
    let idle = job.serving.plan.load_balancer.idle_timeout;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return match upgrade {
            Some((client_side, _)) => {
                job.client.gate.decide(true);
                job.exchange.answered(StatusCode::SWITCHING_PROTOCOLS);
                let lives = job.client.site.shared.connections.token();
                tunnel::switch(client_side, response, held, job.exchange, (idle, lives))
            }
            None => answer::fault(Fault::BadGateway, job.exchange),
        };
    }
    let (mut parts, body) = response.into_parts();
    headers::strip_hop_by_hop(&mut parts.headers);
    let shared = &job.client.site.shared;
    let over_tls = job.client.tls.is_some();
    let plan = &members.plan;
    let target = held.in_flight.target().tag;
    sticky::keep_with_target(
        shared,
        &plan.stickiness,
        &plan.arn,
        &target,
        pinned.as_ref(),
        over_tls,
        &mut parts.headers,
    );
    if let Some(duration) = job.group_stickiness {
        let listener = &job.serving.plan.arn;
        sticky::keep_with_group(
            shared,
            listener,
            &plan.arn,
            duration,
            over_tls,
            &mut parts.headers,
        );
    }
    job.exchange.answered(parts.status);
    // with the letters of names as the target wrote them
    Response::from_parts(parts, AnswerBody::relay(body, job.exchange, held, idle))
}
