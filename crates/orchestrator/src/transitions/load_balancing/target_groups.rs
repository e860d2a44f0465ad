//! Target groups go with their targets, unless something forwards to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::TargetGroupArn;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::target::{Target, TargetHealth};
use domain::target_group::TargetGroup;
use store::{State, Tx};

use super::targets::{CHANGED_AT_ONCE, delete};

/// Whether a listener or a rule forwards to a group.
pub fn is_target_group_in_use(state: &State, group: &TargetGroupArn) -> bool {
    state.rules_to(group).next().is_some()
}

/// What uses a group: the load balancers that forward to it.
pub(super) enum GroupUse {
    /// Nothing forwards to it.
    Nobody,
    /// Its targets get traffic wherever they are.
    AllZones,
    /// Its targets in these zones get traffic.
    Zones(BTreeSet<String>),
}

impl GroupUse {
    /// That of a group at present.
    pub(super) fn of(state: &State, group: &TargetGroupArn) -> Self {
        let mut zones = None;
        for load_balancer in state.load_balancers_to(group) {
            let zones: &mut BTreeSet<String> = zones.get_or_insert_default();
            match state.get::<LoadBalancer>(&load_balancer) {
                Some(it) if it.kind == LoadBalancerKind::Application => {
                    zones.extend(it.zones.iter().map(|it| it.name.clone()));
                }
                // With cross-zone load balancing, a network one reaches targets in zones that it is not in.
                Some(_) | None => return Self::AllZones,
            }
        }
        zones.map_or(Self::Nobody, Self::Zones)
    }

    /// Why a target of the group in this zone (`None`: in all of them) gets no traffic; `None` if it does.
    pub(super) fn unused(&self, zone: Option<&str>) -> Option<TargetHealth> {
        match (self, zone) {
            (Self::Nobody, _) => Some(TargetHealth::at_first(false)),
            (Self::Zones(zones), Some(zone)) if !zones.contains(zone) => Some(TargetHealth::outside_zones()),
            (Self::AllZones | Self::Zones(_), _) => None,
        }
    }
}

/// Deletes a group and its targets; of very many the controller `target_use` sees to the rest. `false`: something forwards
/// to it, and it stays.
pub fn delete_target_group(tx: &mut Tx<'_>, group: &TargetGroupArn) -> bool {
    if is_target_group_in_use(tx.state(), group) {
        return false;
    }
    tx.delete::<TargetGroup>(group);
    forget_targets(tx, group);
    true
}

/// Takes targets of a group away that is gone, some at a time. `false`: there may be more.
pub(super) fn forget_targets(tx: &mut Tx<'_>, group: &TargetGroupArn) -> bool {
    let some = tx.state().targets_of(group).take(CHANGED_AT_ONCE);
    let some: Vec<Arc<Target>> = some.cloned().collect();
    for target in &some {
        delete(tx, target);
    }
    some.len() < CHANGED_AT_ONCE
}
