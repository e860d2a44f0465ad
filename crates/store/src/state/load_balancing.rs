//! Questions about load balancers, and the indexes that answer them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;

use domain::arn::{Arn, Resource};
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::listener::Listener;
use domain::listener_rule::ListenerRule;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, LoadBalancerZone};
use domain::target::{Target, TargetKey, TargetState};
use domain::target_group::TargetGroup;
use domain::{ListenerArn, ListenerRuleArn, LoadBalancerArn, Scope, TargetGroupArn};

use super::{Indexes, State};
use crate::Record;

/// What is found by other means than a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LoadBalancingIndexes {
    /// Rules, default ones too, that forward to a group.
    uses: BTreeSet<(TargetGroupArn, ListenerRuleArn)>,
    /// Rules by listener and priority; the default one is last.
    by_priority: BTreeMap<(ListenerArn, u32), Arc<ListenerRule>>,
    /// Targets that are deregistered and still there.
    draining: BTreeSet<TargetKey>,
    /// How many targets there are by id and port.
    targets_by_place: BTreeMap<(String, u16), usize>,
}

/// The place of the default rule: behind all others.
const LAST: u32 = u32::MAX;

impl Indexes {
    /// The addresses of a load balancer are as taken as those of tasks.
    pub(crate) fn addresses_of_zones(
        &mut self,
        before: Option<&Vec<LoadBalancerZone>>,
        after: Option<&Vec<LoadBalancerZone>>,
    ) {
        for (subnet, address) in before.into_iter().flat_map(|it| addresses(it)) {
            if let IpAddr::V4(address) = address {
                self.addresses.give_back(subnet, address);
            }
        }
        for (subnet, address) in after.into_iter().flat_map(|it| addresses(it)) {
            if let IpAddr::V4(address) = address {
                self.addresses.take(subnet, address);
            }
        }
    }

    pub(crate) fn listener_rule(
        &mut self,
        before: Option<&Arc<ListenerRule>>,
        after: Option<&Arc<ListenerRule>>,
    ) {
        let indexes = &mut self.load_balancing;
        let place = |it: &ListenerRule| (it.listener.clone(), it.priority.map_or(LAST, u32::from));
        if let Some(it) = before {
            for group in it.action.target_groups() {
                indexes.uses.remove(&(group.clone(), it.arn.clone()));
            }
            // Another rule may have taken its place within the same transaction.
            let place = place(it);
            if indexes.by_priority.get(&place).is_some_and(|at| at.arn == it.arn) {
                indexes.by_priority.remove(&place);
            }
        }
        if let Some(it) = after {
            for group in it.action.target_groups() {
                indexes.uses.insert((group.clone(), it.arn.clone()));
            }
            indexes.by_priority.insert(place(it), Arc::clone(it));
        }
    }

    pub(crate) fn target(&mut self, before: Option<&Arc<Target>>, after: Option<&Arc<Target>>) {
        let indexes = &mut self.load_balancing;
        let is_draining = |it: &&Arc<Target>| matches!(it.state, TargetState::Draining { .. });
        if let Some(it) = before.filter(is_draining) {
            indexes.draining.remove(&it.key);
        }
        if let Some(it) = after.filter(is_draining) {
            indexes.draining.insert(it.key.clone());
        }
        if let Some(it) = after {
            *indexes.targets_by_place.entry(place(it)).or_default() += 1;
        }
        if let Some(it) = before
            && let Some(count) = indexes.targets_by_place.get_mut(&place(it))
        {
            *count -= 1;
            if *count == 0 {
                indexes.targets_by_place.remove(&place(it));
            }
        }
    }
}

fn place(target: &Target) -> (String, u16) {
    (target.key.id.clone(), target.key.port)
}

fn addresses(zones: &[LoadBalancerZone]) -> impl Iterator<Item = (&str, IpAddr)> {
    zones.iter().flat_map(|zone| {
        let addresses = zone.addresses.iter();
        addresses.map(|address| (zone.subnet_id.as_str(), *address))
    })
}

impl State {
    /// Records whose ARNs begin with `first`, which is that of none, by ARN.
    fn beginning_with<Q: Resource + 'static, R: Record<Key = Arn<Q>>>(
        &self,
        first: Arn<Q>,
    ) -> impl Iterator<Item = &Arc<R>> + use<'_, Q, R> {
        let range = R::table(self).range::<Arn<Q>, _>((Bound::Excluded(&first), Bound::Unbounded));
        range
            .take_while(move |(arn, _)| arn.as_str().starts_with(first.as_str()))
            .map(|(_, record)| record)
    }

    /// Load balancers of a scope, by kind and name.
    pub fn load_balancers(&self, scope: &Scope) -> impl Iterator<Item = &Arc<LoadBalancer>> + use<'_> {
        self.beginning_with(LoadBalancerArn::new(scope, &[""]))
    }

    /// The load balancer of that name, of either kind.
    pub fn load_balancer_of_name(&self, scope: &Scope, name: &str) -> Option<&Arc<LoadBalancer>> {
        [LoadBalancerKind::Application, LoadBalancerKind::Network]
            .into_iter()
            .find_map(|kind| {
                let first = LoadBalancerArn::new(scope, &[kind.arn_word(), name, ""]);
                self.beginning_with(first).next()
            })
    }

    /// Classic load balancers of a scope, by name.
    pub fn classic_load_balancers(
        &self,
        scope: &Scope,
    ) -> impl Iterator<Item = &Arc<ClassicLoadBalancer>> + use<'_> {
        self.beginning_with(ClassicLoadBalancer::beginning_of_arn(scope, ""))
    }

    /// The classic load balancer of that name.
    pub fn classic_load_balancer_of_name(
        &self,
        scope: &Scope,
        name: &str,
    ) -> Option<&Arc<ClassicLoadBalancer>> {
        self.beginning_with(ClassicLoadBalancer::beginning_of_arn(scope, name))
            .next()
            .filter(|_| !name.is_empty())
    }

    /// Listeners of a load balancer, by ARN.
    pub fn listeners_of(
        &self,
        load_balancer: &LoadBalancerArn,
    ) -> impl Iterator<Item = &Arc<Listener>> + use<'_> {
        self.beginning_with(load_balancer.listener(""))
    }

    /// Rules of a listener in the order they are tried, the default one last.
    pub fn rules_of(
        &self,
        listener: &ListenerArn,
    ) -> impl DoubleEndedIterator<Item = &Arc<ListenerRule>> + use<'_> {
        let range = (listener.clone(), 0)..=(listener.clone(), LAST);
        let rules = self.indexes.load_balancing.by_priority.range(range);
        rules.map(|(_, rule)| rule)
    }

    /// The rule of a listener that is tried last.
    pub fn default_rule_of(&self, listener: &ListenerArn) -> Option<&Arc<ListenerRule>> {
        let rules = &self.indexes.load_balancing.by_priority;
        rules.get(&(listener.clone(), LAST))
    }

    /// The rule of a listener with that priority.
    pub fn rule_of_priority(&self, listener: &ListenerArn, priority: u16) -> Option<&Arc<ListenerRule>> {
        let rules = &self.indexes.load_balancing.by_priority;
        rules.get(&(listener.clone(), u32::from(priority)))
    }

    /// Target groups of a scope, by name.
    pub fn target_groups(&self, scope: &Scope) -> impl Iterator<Item = &Arc<TargetGroup>> + use<'_> {
        self.beginning_with(TargetGroupArn::new(scope, &[""]))
    }

    /// The target group of that name.
    pub fn target_group_of_name(&self, scope: &Scope, name: &str) -> Option<&Arc<TargetGroup>> {
        self.beginning_with(TargetGroupArn::of(scope, name, "")).next()
    }

    /// Rules that forward to a group, default ones too.
    pub fn rules_to(&self, group: &TargetGroupArn) -> impl Iterator<Item = &ListenerRuleArn> + use<'_> {
        let group = group.clone();
        let first = ListenerRuleArn::new(&group.scope(), &[""]);
        let uses = self.indexes.load_balancing.uses.range((group.clone(), first)..);
        uses.take_while(move |(to, _)| *to == group).map(|(_, rule)| rule)
    }

    /// Load balancers with a rule that forwards to a group.
    pub fn load_balancers_to(&self, group: &TargetGroupArn) -> BTreeSet<LoadBalancerArn> {
        let rules = self.rules_to(group);
        rules
            .filter_map(|it| it.listener().ok()?.load_balancer().ok())
            .collect()
    }

    /// Targets of a group, draining ones too, by id and port.
    pub fn targets_of(&self, group: &TargetGroupArn) -> impl Iterator<Item = &Arc<Target>> + use<'_> {
        let group = group.clone();
        let first = TargetKey {
            group: group.clone(),
            id: String::new(),
            port: 0,
        };
        let targets = self.targets.range(first..);
        targets
            .take_while(move |(key, _)| key.group == group)
            .map(|(_, target)| target)
    }

    /// Targets that are deregistered and still there.
    pub fn draining_targets(&self) -> impl Iterator<Item = &TargetKey> + use<'_> {
        self.indexes.load_balancing.draining.iter()
    }

    /// Whether anything is registered by this id, with whatever group.
    pub fn is_target(&self, id: &str) -> bool {
        let places = &self.indexes.load_balancing.targets_by_place;
        let all = (id.to_owned(), 0)..=(id.to_owned(), u16::MAX);
        places.range(all).next().is_some()
    }

    /// The same at a port.
    pub fn is_target_at(&self, id: &str, port: u16) -> bool {
        let places = &self.indexes.load_balancing.targets_by_place;
        places.contains_key(&(id.to_owned(), port))
    }
}
