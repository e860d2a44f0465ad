//! Targets are registered, checked, deregistered, and go when they have drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::TargetGroupArn;
use domain::target::{Target, TargetHealth, TargetHealthReason, TargetHealthState, TargetKey, TargetState};
use domain::target_group::TargetGroup;
use store::Tx;

use super::target_groups::is_target_group_in_use;

/// Most targets that one transaction brings in line with the use of their groups: some 400 bytes each.
const FOLLOWED_AT_ONCE: usize = 1000;

/// A target that is to be registered; it has been checked against its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTarget {
    /// An address, `i-…`, or the ARN of a load balancer.
    pub id: String,
    /// Where it gets requests.
    pub port: u16,
    /// `None` is every zone.
    pub zone: Option<String>,
    /// Where it can be reached, if that is known.
    pub address: Option<SocketAddr>,
}

/// What a balancer has found out about a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthChange {
    /// Which target.
    pub key: TargetKey,
    /// How it is.
    pub health: TargetHealth,
}

/// Registers targets with a group. One that is registered stays as it is; one that drains is taken back, and begins
/// anew.
pub fn register_targets(tx: &mut Tx<'_>, group: &TargetGroupArn, targets: Vec<NewTarget>) {
    let is_in_use = is_target_group_in_use(tx.state(), group);
    for NewTarget {
        id,
        port,
        zone,
        address,
    } in targets
    {
        let key = TargetKey {
            group: group.clone(),
            id,
            port,
        };
        let is_registered = |it: &Arc<Target>| it.state == TargetState::Registered && it.zone == zone;
        if tx.get::<Target>(&key).as_ref().is_some_and(is_registered) {
            continue;
        }
        tx.put(Target {
            key,
            zone,
            address,
            registered_at: tx.now(),
            state: TargetState::Registered,
            health: TargetHealth::at_first(is_in_use),
        });
    }
}

/// Deregisters targets of a group. They drain if anything may still be in flight to them, else they go at once.
pub fn deregister_targets(tx: &mut Tx<'_>, targets: &[TargetKey]) {
    for key in targets {
        let Some(target) = tx.get::<Target>(key) else {
            continue;
        };
        if target.state != TargetState::Registered {
            continue;
        }
        if !is_target_group_in_use(tx.state(), &key.group) {
            tx.delete::<Target>(key);
            continue;
        }
        tx.put(Target {
            state: TargetState::Draining { since: tx.now() },
            health: TargetHealth::because(
                TargetHealthState::Draining,
                TargetHealthReason::DeregistrationInProgress,
            ),
            ..Target::clone(&target)
        });
    }
}

/// Takes over what a balancer has found out. Of a target that drains, is not used or is gone, nothing is taken over:
/// the report is older than that.
pub fn target_health(tx: &mut Tx<'_>, changes: &[HealthChange]) {
    for HealthChange { key, health } in changes {
        let Some(target) = tx.get::<Target>(key) else {
            continue;
        };
        if target.state != TargetState::Registered || !is_target_group_in_use(tx.state(), &key.group) {
            continue;
        }
        tx.put(Target {
            health: health.clone(),
            ..Target::clone(&target)
        });
    }
}

/// Takes a target away whose delay is over. How long that still takes, or `None` if there is nothing to wait for.
pub fn forget_drained_target(tx: &mut Tx<'_>, key: &TargetKey) -> Option<Duration> {
    let target = tx.get::<Target>(key)?;
    let TargetState::Draining { since } = target.state else {
        return None;
    };
    let group = tx.get::<TargetGroup>(&key.group);
    let delay = group.map_or(0, |it| it.attributes.deregistration_delay_seconds);
    let due = since.as_millisecond() + i64::from(delay) * 1000;
    let left = u64::try_from(due - tx.now().as_millisecond()).unwrap_or_default();
    if left > 0 {
        return Some(Duration::from_millis(left));
    }
    tx.delete::<Target>(key);
    None
}

/// Something forwards to groups that did not before, or no longer: their targets are checked from now on, or unused.
///
/// Of very many targets the controller `target_use` sees to the rest: a commit has a limit.
pub(super) fn follow_use(tx: &mut Tx<'_>, groups: &[TargetGroupArn]) {
    let mut left = FOLLOWED_AT_ONCE;
    for group in groups {
        left = follow_group_use(tx, group, left);
    }
}

/// The same for one group, for at most so many targets. Gives how many more there might have been.
fn follow_group_use(tx: &mut Tx<'_>, group: &TargetGroupArn, most: usize) -> usize {
    let is_in_use = is_target_group_in_use(tx.state(), group);
    let differs = |it: &&Arc<Target>| (it.health.state == TargetHealthState::Unused) == is_in_use;
    let targets = tx.state().targets_of(group).filter(differs).take(most);
    let targets: Vec<Arc<Target>> = targets.cloned().collect();
    for target in &targets {
        match target.state {
            TargetState::Registered => drop(tx.put(Target {
                health: TargetHealth::at_first(is_in_use),
                ..Target::clone(target)
            })),
            // Nothing can be in flight to it any more.
            TargetState::Draining { .. } => tx.delete::<Target>(&target.key),
        }
    }
    most - targets.len()
}

/// Brings the health of a group's targets in line with whether something forwards to it, some at a time. `false`: there
/// may be more.
pub fn follow_target_use(tx: &mut Tx<'_>, group: &TargetGroupArn) -> bool {
    follow_group_use(tx, group, FOLLOWED_AT_ONCE) > 0
}
