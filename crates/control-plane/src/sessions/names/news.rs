//! What hosts that follow names have to look at after a commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::listener_rule::ListenerRule;
use domain::service::Service;
use domain::service_connect::ClientAlias;
use domain::{LoadBalancerArn, TargetGroupArn};
use store::{Change, Changed, Commit};

use super::zones;
use crate::sessions::balancers;
use crate::sessions::followers::News;

/// What names come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The zone in which all load balancers have their names.
    LoadBalancers,
    /// A VPC, by its id.
    Vpc(String),
    /// A load balancer.
    LoadBalancer(LoadBalancerArn),
    /// A namespace of Cloud Map, by its id.
    Namespace(String),
    /// A service of Cloud Map, by its id.
    Service(String),
    /// A name of Service Connect: the id of its namespace, and what clients look up.
    ClientAlias(String, String),
}

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameNews {
    /// Everything.
    pub is_all: bool,
    /// These.
    pub changed: BTreeSet<Source>,
    /// Load balancers of these: their names follow the health of targets.
    pub target_groups: BTreeSet<TargetGroupArn>,
    /// All names of Service Connect: each depends on others of its name, on VPCs, and on where its service is.
    pub are_client_aliases: bool,
}

impl News for NameNews {
    fn all() -> Self {
        Self {
            is_all: true,
            ..Self::default()
        }
    }

    fn of(commit: &Commit) -> Self {
        Self {
            is_all: false,
            changed: commit.changes.iter().filter_map(source).collect(),
            target_groups: commit.changes.iter().filter_map(target_group).collect(),
            are_client_aliases: commit.changes.iter().any(concerns_client_aliases),
        }
    }

    fn add(&mut self, others: &Self) {
        self.is_all |= others.is_all;
        self.changed.extend(others.changed.iter().cloned());
        self.target_groups.extend(others.target_groups.iter().cloned());
        self.are_client_aliases |= others.are_client_aliases;
    }
}

/// Whose names a change may have changed. Most change none.
fn source(change: &Change) -> Option<Source> {
    match change {
        Change::Vpc(it) => either(it).map(|it| Source::Vpc(it.id.clone())),
        Change::LoadBalancer(it) => {
            let is_news =
                it.before.as_deref().map(balancers::told) != it.after.as_deref().map(balancers::told);
            either(it)
                .filter(|_| is_news)
                .map(|it| Source::LoadBalancer(it.arn.clone()))
        }
        Change::ListenerRule(it) => {
            let groups = |it: &ListenerRule| it.action.target_groups().cloned().collect::<Vec<_>>();
            let is_news = it.before.as_deref().map(groups) != it.after.as_deref().map(groups);
            let listener = either(it).filter(|_| is_news)?.arn.listener().ok()?;
            listener.load_balancer().ok().map(Source::LoadBalancer)
        }
        // Its names follow the health of its instances.
        Change::ClassicLoadBalancer(it) => either(it).map(|it| Source::LoadBalancer(it.arn.clone())),
        Change::Namespace(it) => either(it).map(|it| Source::Namespace(it.id.clone())),
        Change::DiscoveryService(it) => either(it).map(|it| Source::Service(it.id.clone())),
        Change::DiscoveryInstance(it) => either(it).map(|it| Source::Service(it.service_id.clone())),
        _ => None,
    }
}

/// Of which group a change may have moved the names of load balancers.
fn target_group(change: &Change) -> Option<TargetGroupArn> {
    match change {
        Change::Target(it) => {
            let is_news = it.before.as_deref().map(zones::told) != it.after.as_deref().map(zones::told);
            either(it).filter(|_| is_news).map(|it| it.key.group.clone())
        }
        Change::TargetGroup(it) => {
            let is_news =
                it.before.as_deref().map(|it| &it.attributes) != it.after.as_deref().map(|it| &it.attributes);
            either(it).filter(|_| is_news).map(|it| it.arn.clone())
        }
        _ => None,
    }
}

/// Whether a name of Service Connect may be another after a change, or be known in other VPCs.
fn concerns_client_aliases(change: &Change) -> bool {
    match change {
        Change::ClientAlias(it) => {
            let told = |it: &ClientAlias| (it.address, it.service.clone());
            it.before.as_deref().map(told) != it.after.as_deref().map(told)
        }
        Change::Vpc(it) => it.before.is_none() || it.after.is_none(),
        Change::Subnet(it) => it.before.is_none() || it.after.is_none(),
        Change::Service(it) => {
            let before = it.before.as_deref().and_then(Service::connected_subnets);
            let after = it.after.as_deref().and_then(Service::connected_subnets);
            before != after
        }
        _ => false,
    }
}

fn either<R>(it: &Changed<R>) -> Option<&Arc<R>> {
    it.after.as_ref().or(it.before.as_ref())
}
