//! What a plan names: sockets and groups.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::plan::rule::Action;
use crate::plan::{ListenerPlan, LoadBalancerPlan, Plan};

/// What a socket carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Transport {
    Connections,
    Datagrams,
}

/// What a socket is for: a listener that is replaced by another on the same address keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SiteKey {
    pub(super) address: SocketAddr,
    pub(super) transport: Transport,
}

/// The sockets of a listener, with their zones.
pub(super) fn places(listener: &ListenerPlan) -> impl Iterator<Item = (SiteKey, Arc<str>)> {
    let protocol = listener.protocol;
    let transports = [
        (protocol.is_on_tcp(), Transport::Connections),
        (protocol.is_on_udp(), Transport::Datagrams),
    ];
    listener.load_balancer.addresses.iter().flat_map(move |node| {
        let address = SocketAddr::new(node.ip, listener.port);
        let wanted = transports.into_iter().filter(|(wanted, _)| *wanted);
        wanted.map(move |(_, transport)| (SiteKey { address, transport }, node.zone.clone()))
    })
}

fn actions(listener: &ListenerPlan) -> impl Iterator<Item = &Action> {
    listener
        .rules
        .iter()
        .map(|it| &it.action)
        .chain([&listener.default_action])
}

/// The groups that a listener's actions name.
pub(super) fn named_groups(listener: &ListenerPlan) -> impl Iterator<Item = Arc<str>> {
    actions(listener)
        .flat_map(|action| match action {
            Action::Forward { groups, .. } => groups.as_slice(),
            Action::Redirect(_) | Action::FixedResponse { .. } => &[],
        })
        .map(|(arn, _)| arn.clone())
}

/// The groups that any listener names, each with a load balancer whose nodes check its targets.
pub(super) fn nodes_of_groups(plan: &Plan) -> HashMap<Arc<str>, Arc<LoadBalancerPlan>> {
    let named = plan.listeners.iter().flat_map(|listener| {
        let groups = named_groups(listener);
        groups.map(|it| (it, listener.load_balancer.clone()))
    });
    named.collect()
}
