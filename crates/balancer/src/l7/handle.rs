//! One request: what it asks for, which rule takes it, what becomes of it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, SERVER, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, Version};
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use super::answer::{self, Fault};
use super::body::AnswerBody;
use super::connection::Client;
use super::forward::{self, Again, Job};
use super::gate::Ticket;
use super::head::{Grade, HEAD_MAX, LINE_MAX, Refusal};
use super::host::{for_targets, host, split_port};
use super::record::{Described, Exchange};
use super::{headers, redirect, sticky};
use crate::choice;
use crate::group::Group;
use crate::plan::rule::{Action, Redirect, RequestView, decide};
use crate::site::Serving;

/// How often the rules are looked at for one request, when they change between the look and the choice of a target.
const LOOKS: usize = 4;

/// A classic load balancer takes methods of so many letters.
const CLASSIC_METHOD_MAX: usize = 127;

/// Answers a request.
pub(crate) async fn handle(
    client: Arc<Client>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let busy = client.gate.enter();
    let ticket = client.gate.pop();
    let exchange = Exchange::new(&client, busy, &ticket, || described(&client, &ticket, &request));
    let asks_to_close = headers::asks_to_close(request.headers());
    let mut response = answer(&client, &ticket, request, exchange).await;
    if ticket.undecided && response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        client.gate.decide(false);
    }
    let serving = client.site.serving();
    let is_switched = response.status() == http::StatusCode::SWITCHING_PROTOCOLS;
    let is_last =
        asks_to_close || ticket.grade >= Grade::Ambiguous || client.has_lived(&serving, Instant::now());
    if !client.http2 && !is_switched && is_last {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let wanted = &serving.plan.headers;
    if !wanted.server {
        response.headers_mut().remove(SERVER);
    }
    for (name, value) in &wanted.response {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    let status = response.status();
    let head_bytes =
        headers::length(response.headers()) + headers::line_length(":status", status.as_str().as_bytes());
    response.body_mut().begins(head_bytes);
    Ok(response)
}

async fn answer(
    client: &Arc<Client>,
    ticket: &Ticket,
    mut request: Request<Incoming>,
    mut exchange: Box<Exchange>,
) -> Response<AnswerBody> {
    if let Some((refusal, _)) = &ticket.refused {
        return answer::fault(Fault::Refused(*refusal), exchange);
    }
    if let Some(refusal) = too_long(&request).filter(|_| client.http2) {
        return answer::fault(Fault::Refused(refusal), exchange);
    }
    if client.is_astray {
        return answer::fault(Fault::InTheClear, exchange);
    }
    let is_classic = exchange.is_classic();
    if !takes_method(request.method(), is_classic) {
        return answer::fault(Fault::Method, exchange);
    }
    if !is_classic && headers::has_too_many_forwarders(request.headers()) {
        return answer::fault(Fault::TooManyForwarders, exchange);
    }
    let Some(host) = host(client, &request) else {
        return answer::fault(Fault::BadRequest, exchange);
    };
    for _ in 0..LOOKS {
        match by_rules(client, &host, ticket.grade, request, exchange).await {
            Ok(response) => return response,
            Err(again) => Again { request, exchange } = again,
        }
    }
    answer::fault(Fault::NoTarget, exchange)
}

/// Whether a head is longer than one of HTTP/1.1 may be, whose guard has looked at it before.
fn too_long(request: &Request<Incoming>) -> Option<Refusal> {
    let path = request.uri().path_and_query().map_or(0, |it| it.as_str().len());
    if path > LINE_MAX {
        return Some(Refusal::UriTooLong);
    }
    let lines = request.headers().iter();
    let mut lengths = lines.map(|(name, value)| name.as_str().len() + value.len() + ": ".len());
    let all = lengths.try_fold(path, |all, line| (line <= LINE_MAX).then_some(all + line));
    all.is_none_or(|it| it > HEAD_MAX).then_some(Refusal::TooLarge)
}

/// Whether requests of a method are served: a classic load balancer takes all whose names are not too long. None
/// becomes a tunnel.
fn takes_method(method: &Method, is_classic: bool) -> bool {
    match *method {
        Method::CONNECT => false,
        _ if is_classic => method.as_str().len() <= CLASSIC_METHOD_MAX,
        _ => *method != Method::TRACE,
    }
}

/// Does what the rules say, as they are now.
///
/// # Errors
/// They have changed meanwhile, and the group that they led to has no target any more.
async fn by_rules(
    client: &Arc<Client>,
    host: &str,
    grade: Grade,
    request: Request<Incoming>,
    mut exchange: Box<Exchange>,
) -> Result<Response<AnswerBody>, Again> {
    let serving = client.site.serving();
    let (name, port) = split_port(host);
    let view = RequestView {
        host: name,
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        method: request.method().as_str(),
        headers: request.headers(),
        source: client.peer.ip(),
    };
    let (priority, action) = decide(&serving.plan.rules, &serving.plan.default_action, &view);
    Ok(match action {
        Action::FixedResponse {
            status,
            content_type,
            body,
        } => {
            exchange.decided(priority, "fixed-response");
            let body = Bytes::copy_from_slice(body.as_bytes());
            answer::own(*status, content_type.as_deref(), body, exchange)
        }
        Action::Redirect(wanted) => {
            exchange.decided(priority, "redirect");
            let parts = redirect::Parts {
                protocol: if client.tls.is_some() { "https" } else { "http" },
                host: name,
                port: port.unwrap_or(serving.plan.port),
                path: view.path,
                query: view.query,
            };
            redirected(wanted, &parts, exchange)
        }
        Action::Forward { groups, stickiness } => {
            exchange.decided(priority, "forward");
            let kept = stickiness
                .and_then(|_| sticky::group_of(&client.site.shared, &serving.plan.arn, request.headers()));
            let Some(group) = choose_group(client, &serving, groups, kept) else {
                return Ok(answer::fault(Fault::NoTarget, exchange));
            };
            let job = Job {
                client,
                serving: &serving,
                group,
                group_stickiness: *stickiness,
                host: for_targets(host, &serving),
                is_ambiguous: grade >= Grade::Ambiguous,
                exchange,
            };
            forward::forward(job, request).await?
        }
    })
}

/// Sends the client elsewhere.
fn redirected(
    wanted: &Redirect,
    parts: &redirect::Parts<'_>,
    mut exchange: Box<Exchange>,
) -> Response<AnswerBody> {
    let location = redirect::location(wanted, parts);
    exchange.redirected(&location);
    let Ok(value) = HeaderValue::from_str(&location) else {
        return answer::fault(Fault::BadRequest, exchange);
    };
    answer::redirect(wanted.status, value, exchange)
}

/// The group that a request goes to: the one it was with, as long as that has a weight, or one by chance.
pub(super) fn choose_group(
    client: &Client,
    serving: &Serving,
    groups: &[(Arc<str>, u32)],
    kept: Option<super::cookies::Tag>,
) -> Option<Arc<Group>> {
    let shared = &client.site.shared;
    let stays = kept.and_then(|tag| {
        groups
            .iter()
            .find(|(arn, weight)| *weight > 0 && shared.key.tag(arn) == tag)
    });
    let (arn, _) = match (stays, groups) {
        (Some(found), _) => found,
        // no dice for the most frequent case
        (None, [only]) if only.1 > 0 => only,
        (None, _) => &groups[choice::weighted(groups.iter().map(|(_, weight)| *weight), &shared.dice)?],
    };
    serving.groups.get(arn).cloned()
}

/// What logs tell of a request's head.
fn described(client: &Client, ticket: &Ticket, request: &Request<Incoming>) -> Described {
    if let Some((_, line)) = &ticket.refused {
        return Described {
            request: line.clone(),
            user_agent: "-".to_owned(),
            trace_id: "-".to_owned(),
            head_bytes: 0,
        };
    }
    let site = &client.site;
    let shared = &site.shared;
    let trace_id = match site.serving().plan.load_balancer.is_classic {
        true => "-".to_owned(),
        false => headers::trace_id(request.headers(), &shared.dice, shared.now_seconds()),
    };
    let scheme = if client.tls.is_some() { "https" } else { "http" };
    let host = host(client, request).unwrap_or_default();
    let (name, port) = split_port(&host);
    let port = port.unwrap_or(site.address.port());
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let version = match request.version() {
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    };
    Described {
        request: format!("{} {scheme}://{name}:{port}{path} {version}", request.method()),
        user_agent: agent(request.headers()),
        trace_id,
        head_bytes: if client.http2 { head_bytes(request) } else { 0 },
    }
}

/// How long a head of HTTP/2 is, with its first line as the headers that stand for it.
fn head_bytes(request: &Request<Incoming>) -> u64 {
    let uri = request.uri();
    let pseudo = [
        (":method", request.method().as_str()),
        (":scheme", uri.scheme_str().unwrap_or_default()),
        (":authority", uri.authority().map_or("", |it| it.as_str())),
        (":path", uri.path_and_query().map_or("", |it| it.as_str())),
    ];
    let pseudo = pseudo.map(|(name, value)| headers::line_length(name, value.as_bytes()));
    pseudo.iter().sum::<u64>() + headers::length(request.headers())
}

fn agent(headers: &HeaderMap) -> String {
    let agent = headers
        .get(USER_AGENT)
        .map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    agent.unwrap_or_else(|| "-".to_owned())
}

/// Whether the head of a request has a body after it.
pub(crate) fn has_body(body: &Incoming) -> bool {
    !body.is_end_stream()
}
