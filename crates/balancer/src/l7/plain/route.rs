//! What was read, and whether it is a request that goes the short way.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use domain::listener::Protocol;
use domain::target_group::ProtocolVersion;
use http::HeaderMap;
use tokio::time::Instant;

use super::request::{Facts, Head};
use crate::group::{Group, Members};
use crate::l7::connection::Client;
use crate::l7::handle::choose_group;
use crate::l7::host::split_port;
use crate::plan::rule::{Action, Condition, RequestView, decide};
use crate::plan::{ListenerPlan, Stickiness};
use crate::site::Serving;

/// Conditions on headers are none of this way's.
static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);

/// What came first after an answer, or at all.
pub(super) enum First {
    /// A request that goes the short way.
    Plain(Plain),
    /// Something else, as it came.
    Other(Vec<u8>),
}

/// A request that goes the short way.
pub(super) struct Plain {
    /// The head as it came, then as the target gets it.
    heads: Vec<u8>,
    /// Where the second begins.
    second: usize,
    /// Whether its answer has no body, whatever its head says.
    pub(super) is_head: bool,
    /// Whether the client asks to close the connection.
    pub(super) closes: bool,
    pub(super) serving: Arc<Serving>,
    pub(super) group: Arc<Group>,
    /// When it was read. Clocks are looked at twice for a request, not for each thing that asks what time it is.
    pub(super) at: Instant,
}

impl Plain {
    /// The head as the target gets it.
    pub(super) fn head(&self) -> &[u8] {
        &self.heads[self.second..]
    }

    /// The head as it came.
    pub(super) fn into_raw(mut self) -> Vec<u8> {
        self.heads.truncate(self.second);
        self.heads
    }

    /// How long the client, and the target, may be silent.
    pub(super) fn idle_time(&self) -> Duration {
        self.serving.plan.load_balancer.idle_timeout
    }
}

/// Looks at what was read; none if it is the end.
pub(super) fn first(client: &Client, bytes: &[u8]) -> Option<First> {
    if bytes.is_empty() {
        return None;
    }
    Some(match plain(client, bytes) {
        Some(plain) => First::Plain(plain),
        None => First::Other(bytes.to_vec()),
    })
}

fn plain(client: &Client, bytes: &[u8]) -> Option<Plain> {
    let serving = client.site.serving();
    let plan = serving.plan.clone();
    let load_balancer = &plan.load_balancer;
    let at = Instant::now();
    if !is_plain(&serving.plan) || client.has_lived(&serving, at) {
        return None;
    }
    let head = Head::read(bytes, load_balancer.desync)?;
    let group = group(client, &serving, &head)?;
    let facts = Facts {
        load_balancer,
        client: client.peer,
        is_tls: client.tls.is_some(),
        port: serving.plan.port,
        host_port: serving.plan.host_port(),
        now_seconds: client.site.shared.now_seconds(),
    };
    let (is_head, closes) = (head.method == "HEAD", head.closes);
    let heads = head.for_target(bytes, &facts, &client.site.shared.dice);
    Some(Plain {
        heads,
        second: bytes.len(),
        is_head,
        closes,
        group,
        serving,
        at,
    })
}

/// The group that the request goes to, if that is all there is to do with it.
fn group(client: &Client, serving: &Serving, head: &Head<'_>) -> Option<Arc<Group>> {
    let (host, _) = split_port(head.host);
    let view = RequestView {
        host,
        path: head.path,
        query: head.query,
        method: head.method,
        headers: &NO_HEADERS,
        source: client.peer.ip(),
    };
    let (_, action) = decide(&serving.plan.rules, &serving.plan.default_action, &view);
    let Action::Forward {
        groups,
        stickiness: None,
    } = action
    else {
        return None;
    };
    let group = choose_group(client, serving, groups, None)?;
    takes_plain(&group.members()).then_some(group)
}

/// Whether a listener adds, removes and records nothing that the short way knows nothing of.
fn is_plain(plan: &ListenerPlan) -> bool {
    let load_balancer = &plan.load_balancer;
    let looks_at_headers = |it: &Condition| matches!(it, Condition::HttpHeader { .. });
    let mut conditions = plan.rules.iter().flat_map(|it| &it.conditions);
    !load_balancer.access_logs
        && !load_balancer.drops_invalid_headers
        && !load_balancer.adds_tls_headers
        && plan.headers.server
        && plan.headers.response.is_empty()
        && !conditions.any(looks_at_headers)
}

/// Whether targets speak HTTP/1.1 in the clear, and clients do not stay with them.
fn takes_plain(members: &Members) -> bool {
    let plan = &members.plan;
    plan.protocol == Protocol::Http
        && plan.resilience.is_none()
        && plan.version == ProtocolVersion::Http1
        && matches!(plan.stickiness, Stickiness::Off | Stickiness::SourceIp)
}
