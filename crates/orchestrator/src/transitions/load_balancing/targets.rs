//! Targets are registered, checked, deregistered, and go when they have drained.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::service_load_balancer::TaskTargetState;
use domain::target::{
    AnomalyDetection, Target, TargetHealth, TargetHealthReason, TargetHealthState, TargetKey, TargetState,
};
use domain::target_group::TargetGroup;
use domain::task::Task;
use domain::{TargetGroupArn, TaskArn};
use store::{State, Tx};

use super::target_groups::{GroupUse, forget_targets};

/// Most targets that one transaction brings in line with their groups: with their tasks, some 2 KB each.
pub(super) const CHANGED_AT_ONCE: usize = 250;

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
    /// The task that this is, if its service registers it.
    pub task: Option<TaskArn>,
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
    let used = GroupUse::of(tx.state(), group);
    for NewTarget {
        id,
        port,
        zone,
        address,
        task,
    } in targets
    {
        let key = TargetKey {
            group: group.clone(),
            id,
            port,
        };
        let is_registered = |it: &Arc<Target>| {
            // What a service has registered stays that of its task.
            let is_same = it.task == task || task.is_none();
            it.state == TargetState::Registered && it.zone == zone && is_same
        };
        if tx.get::<Target>(&key).as_ref().is_some_and(is_registered) {
            continue;
        }
        let unused = used.unused(zone.as_deref());
        let target = Target {
            key,
            zone,
            address,
            registered_at: tx.now(),
            state: TargetState::Registered,
            task,
            is_idle: false,
            anomaly: AnomalyDetection::default(),
            health: unused.unwrap_or_else(|| TargetHealth::at_first(true)),
        };
        put(tx, target);
    }
}

/// Deregisters targets of a group. They drain if anything may still be in flight to them, else they go at once.
pub fn deregister_targets(tx: &mut Tx<'_>, targets: &[TargetKey]) {
    let mut uses = GroupUses::default();
    for key in targets {
        let Some(target) = tx.get::<Target>(key) else {
            continue;
        };
        if target.state != TargetState::Registered {
            continue;
        }
        if !uses.has(tx.state(), &target) {
            delete(tx, &target);
            continue;
        }
        let drains = Target {
            state: TargetState::Draining { since: tx.now() },
            anomaly: AnomalyDetection::default(),
            health: TargetHealth::because(
                TargetHealthState::Draining,
                TargetHealthReason::DeregistrationInProgress,
            ),
            ..Target::clone(&target)
        };
        put(tx, drains);
    }
}

/// What uses the groups of some targets, looked up once for each.
#[derive(Default)]
struct GroupUses(BTreeMap<TargetGroupArn, GroupUse>);

impl GroupUses {
    /// Whether something forwards to a target's group from its zone.
    fn has(&mut self, state: &State, target: &Target) -> bool {
        let group = &target.key.group;
        let known = self.0.entry(group.clone());
        let used = known.or_insert_with(|| GroupUse::of(state, group));
        used.unused(target.zone.as_deref()).is_none()
    }
}

/// Takes over what a balancer has found out. Of a target that drains, is not used or is gone, nothing is taken over:
/// the report is older than that.
pub fn target_health(tx: &mut Tx<'_>, changes: &[HealthChange]) {
    let mut uses = GroupUses::default();
    for HealthChange { key, health } in changes {
        let Some(target) = tx.get::<Target>(key) else {
            continue;
        };
        // A balancer says all it knows to every agent that connects.
        let is_known = target.health == *health;
        if is_known || target.state != TargetState::Registered || !uses.has(tx.state(), &target) {
            continue;
        }
        let known = Target {
            health: health.clone(),
            ..Target::clone(&target)
        };
        put(tx, known);
    }
}

/// Takes over whether a target fails more often than its peers. Tasks do not mind.
pub fn target_anomaly(tx: &mut Tx<'_>, key: &TargetKey, anomaly: AnomalyDetection) {
    if let Some(target) = tx.get::<Target>(key)
        && target.anomaly != anomaly
        && target.state == TargetState::Registered
    {
        tx.put(Target {
            anomaly,
            ..Target::clone(&target)
        });
    }
}

/// Nothing is in flight any more to a target that drains.
pub fn target_is_idle(tx: &mut Tx<'_>, key: &TargetKey) {
    if let Some(target) = tx.get::<Target>(key)
        && !target.is_idle
        && matches!(target.state, TargetState::Draining { .. })
    {
        tx.put(Target {
            is_idle: true,
            ..Target::clone(&target)
        });
    }
}

fn put(tx: &mut Tx<'_>, target: Target) {
    // A task in a zone that its load balancer does not serve never becomes healthy: it fails, as on Amazon.
    let health = match target.health == TargetHealth::outside_zones() {
        true => TargetHealthState::Unhealthy,
        false => target.health.state,
    };
    tell_task(tx, &target, health);
    tx.put(target);
}

/// It is gone at once.
pub(super) fn delete(tx: &mut Tx<'_>, target: &Target) {
    tell_task(tx, target, TargetHealthState::Unused);
    tx.delete::<Target>(&target.key);
}

/// The task that is this target knows its health: so whoever looks at tasks need not look at targets.
fn tell_task(tx: &mut Tx<'_>, target: &Target, health: TargetHealthState) {
    let Some(known) = target.task.as_ref().and_then(|it| tx.get::<Task>(it)) else {
        return;
    };
    let place = known
        .targets
        .iter()
        .position(|it| it.is_registered() && it.key().as_ref() == Some(&target.key));
    let Some(place) = place else { return };
    let mut task = Task::clone(&known);
    task.targets[place].state = TaskTargetState::Registered {
        id: target.key.id.clone(),
        port: target.key.port,
        health,
    };
    if task != *known {
        tx.put(task);
    }
}

/// How long it takes until a target that was deregistered may go down: nothing is in flight to it, or its delay is over.
pub fn until_drained(tx: &Tx<'_>, key: &TargetKey, task: &TaskArn) -> Duration {
    let target = tx.get::<Target>(key);
    let target = target.filter(|it| it.task.as_ref() == Some(task) && !it.is_idle);
    target.map_or(Duration::ZERO, |it| delay_left(tx, &it))
}

/// The rest of the delay of a target that drains; nothing of one that does not.
fn delay_left(tx: &Tx<'_>, target: &Target) -> Duration {
    let TargetState::Draining { since } = target.state else {
        return Duration::ZERO;
    };
    let group = tx.get::<TargetGroup>(&target.key.group);
    let delay = group.map_or(0, |it| it.attributes.deregistration_delay_seconds);
    let due = since.as_millisecond() + i64::from(delay) * 1000;
    Duration::from_millis(u64::try_from(due - tx.now().as_millisecond()).unwrap_or_default())
}

/// Takes a target away whose delay is over. How long that still takes, or `None` if there is nothing to wait for.
pub fn forget_drained_target(tx: &mut Tx<'_>, key: &TargetKey) -> Option<Duration> {
    let target = tx.get::<Target>(key)?;
    if !matches!(target.state, TargetState::Draining { .. }) {
        return None;
    }
    let left = delay_left(tx, &target);
    if left.is_zero() {
        delete(tx, &target);
        return None;
    }
    Some(left)
}

/// Something forwards to groups that did not before, or no longer, or from other zones: their targets are checked from now
/// on, or unused.
///
/// Of very many targets the controller `target_use` sees to the rest: a commit has a limit.
pub(super) fn follow_use(tx: &mut Tx<'_>, groups: &[TargetGroupArn]) {
    let mut left = CHANGED_AT_ONCE;
    for group in groups {
        left = follow_group_use(tx, group, left);
    }
}

/// The same for one group, for at most so many targets. Gives how many more there might have been.
fn follow_group_use(tx: &mut Tx<'_>, group: &TargetGroupArn, most: usize) -> usize {
    let used = GroupUse::of(tx.state(), group);
    let unused = |it: &Target| used.unused(it.zone.as_deref());
    let differs = |it: &&Arc<Target>| match unused(it) {
        None => it.health.state == TargetHealthState::Unused,
        Some(unused) => it.health != unused,
    };
    let targets = tx.state().targets_of(group).filter(differs).take(most);
    let targets: Vec<Arc<Target>> = targets.cloned().collect();
    for target in &targets {
        match target.state {
            TargetState::Registered => {
                let known = Target {
                    health: unused(target).unwrap_or_else(|| TargetHealth::at_first(true)),
                    anomaly: AnomalyDetection::default(),
                    ..Target::clone(target)
                };
                put(tx, known);
            }
            // Nothing can be in flight to it any more.
            TargetState::Draining { .. } => delete(tx, target),
        }
    }
    most - targets.len()
}

/// Brings the health of a group's targets in line with whether something forwards to it, or takes them away if it is gone,
/// some at a time. `false`: there may be more.
pub fn follow_target_use(tx: &mut Tx<'_>, group: &TargetGroupArn) -> bool {
    if tx.get::<TargetGroup>(group).is_none() {
        return forget_targets(tx, group);
    }
    follow_group_use(tx, group, CHANGED_AT_ONCE) > 0
}
