//! Load balancers, listeners, rules, target groups and targets as records.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::listener::Listener;
use domain::listener_rule::ListenerRule;
use domain::load_balancer::LoadBalancer;
use domain::target::{Target, TargetKey};
use domain::target_group::TargetGroup;
use domain::{ListenerArn, ListenerRuleArn, LoadBalancerArn, TargetGroupArn};

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

impl Record for LoadBalancer {
    type Key = LoadBalancerArn;
    const TABLE: &'static str = "load_balancer";

    fn key(&self) -> LoadBalancerArn {
        self.arn.clone()
    }

    fn key_text(key: &LoadBalancerArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<LoadBalancerArn, Arc<Self>> {
        &state.load_balancers
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<LoadBalancerArn, Arc<Self>> {
        &mut state.load_balancers
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::LoadBalancer(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::LoadBalancer(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.addresses_of_zones(before.map(|it| &it.zones), after.map(|it| &it.zones));
    }
}

impl Record for ClassicLoadBalancer {
    type Key = LoadBalancerArn;
    const TABLE: &'static str = "classic_load_balancer";

    fn key(&self) -> LoadBalancerArn {
        self.arn.clone()
    }

    fn key_text(key: &LoadBalancerArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<LoadBalancerArn, Arc<Self>> {
        &state.classic_load_balancers
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<LoadBalancerArn, Arc<Self>> {
        &mut state.classic_load_balancers
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ClassicLoadBalancer(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ClassicLoadBalancer(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.addresses_of_zones(before.map(|it| &it.zones), after.map(|it| &it.zones));
    }
}

impl Record for Listener {
    type Key = ListenerArn;
    const TABLE: &'static str = "listener";

    fn key(&self) -> ListenerArn {
        self.arn.clone()
    }

    fn key_text(key: &ListenerArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<ListenerArn, Arc<Self>> {
        &state.listeners
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<ListenerArn, Arc<Self>> {
        &mut state.listeners
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Listener(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Listener(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for ListenerRule {
    type Key = ListenerRuleArn;
    const TABLE: &'static str = "listener_rule";

    fn key(&self) -> ListenerRuleArn {
        self.arn.clone()
    }

    fn key_text(key: &ListenerRuleArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<ListenerRuleArn, Arc<Self>> {
        &state.listener_rules
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<ListenerRuleArn, Arc<Self>> {
        &mut state.listener_rules
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ListenerRule(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ListenerRule(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.listener_rule(before, after);
    }
}

impl Record for TargetGroup {
    type Key = TargetGroupArn;
    const TABLE: &'static str = "target_group";

    fn key(&self) -> TargetGroupArn {
        self.arn.clone()
    }

    fn key_text(key: &TargetGroupArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<TargetGroupArn, Arc<Self>> {
        &state.target_groups
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<TargetGroupArn, Arc<Self>> {
        &mut state.target_groups
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::TargetGroup(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::TargetGroup(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for Target {
    type Key = TargetKey;
    const TABLE: &'static str = "target";

    fn key(&self) -> TargetKey {
        self.key.clone()
    }

    fn key_text(key: &TargetKey) -> String {
        format!("{} {} {}", key.group, key.port, key.id)
    }

    fn table(state: &State) -> &BTreeMap<TargetKey, Arc<Self>> {
        &state.targets
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<TargetKey, Arc<Self>> {
        &mut state.targets
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Target(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Target(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.target(before, after);
    }
}
