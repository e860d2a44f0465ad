//! Classic load balancers come and go, and instances with them.

use std::sync::Arc;
use std::time::Duration;

use domain::classic_load_balancer::{
    ClassicAttributes, ClassicHealthCheck, ClassicInstance, ClassicListener, ClassicLoadBalancer,
};
use domain::load_balancer::{LoadBalancerKind, LoadBalancerState, Scheme, dns_name};
use domain::tags::Pair;
use domain::target::TargetKey;
use domain::{LoadBalancerArn, Scope, TaskArn, Timestamp};
use store::{State, Tx};

use super::load_balancers::{ZoneWish, ZonesRefusal, zones};
use super::targets::HealthChange;

/// What a new classic load balancer is like; it has been checked.
#[derive(Clone, Debug)]
pub struct NewClassicLoadBalancer {
    /// Account and region.
    pub scope: Scope,
    /// Not taken yet.
    pub name: String,
    /// Whom it serves.
    pub scheme: Scheme,
    /// Of the subnets.
    pub vpc_id: String,
    /// Where it is to be.
    pub zones: Vec<ZoneWish>,
    /// Of the VPC.
    pub security_groups: Vec<String>,
    /// At least one.
    pub listeners: Vec<ClassicListener>,
    /// In the order given.
    pub tags: Vec<Pair>,
}

/// Creates a classic load balancer.
///
/// # Errors
/// An address cannot be had.
pub fn create_classic_load_balancer(
    tx: &mut Tx<'_>,
    new: NewClassicLoadBalancer,
) -> Result<Arc<ClassicLoadBalancer>, ZonesRefusal> {
    let id = tx.ids().hex_16();
    let kind = LoadBalancerKind::Application;
    let port = new.listeners.first().map_or(80, |it| it.instance_port);
    let zones = zones(tx, &new.zones, &[])?;
    let mut load_balancer = ClassicLoadBalancer {
        arn: ClassicLoadBalancer::new_arn(&new.scope, &new.name, &id),
        dns_name: dns_name(kind, new.scheme, &new.name, &id, &new.scope.region),
        name: new.name,
        scheme: new.scheme,
        vpc_id: new.vpc_id,
        zones,
        security_groups: new.security_groups,
        state: LoadBalancerState::Provisioning,
        listeners: new.listeners,
        instances: Vec::new(),
        health_check: ClassicHealthCheck::new(port),
        policies: Vec::new(),
        attributes: ClassicAttributes::default(),
        created_at: tx.now(),
        tags: new.tags,
    };
    load_balancer.listeners.sort_by_key(|it| it.port);
    Ok(tx.put(load_balancer))
}

/// Moves a classic load balancer to other subnets. What it has in a subnet that it stays in, it keeps. Of instances in a
/// zone that it leaves nothing is known any more, and nothing can be in flight to them: those that drained there are gone.
///
/// # Errors
/// An address cannot be had.
pub fn set_classic_zones(
    tx: &mut Tx<'_>,
    it: &ClassicLoadBalancer,
    wishes: &[ZoneWish],
) -> Result<Arc<ClassicLoadBalancer>, ZonesRefusal> {
    let zones = zones(tx, wishes, &it.zones)?;
    let mut moved = ClassicLoadBalancer { zones, ..it.clone() };
    let mut instances = std::mem::take(&mut moved.instances);
    instances.retain_mut(|instance| {
        let stays = moved.is_in_zone_of(instance);
        if !stays {
            instance.health.clear();
        }
        stays || instance.draining_since.is_none()
    });
    moved.instances = instances;
    Ok(tx.put(moved))
}

/// An instance that is to be registered; it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInstance {
    /// `i-…`
    pub id: String,
    /// Where it is, if that is known.
    pub zone: Option<String>,
    /// The task whose service registers it, if one does.
    pub task: Option<TaskArn>,
}

/// Registers instances. One that is registered stays as it is. One that drains begins anew, but for a task it drains on:
/// other tasks on it still stop, and are to get nothing. Whose service that is registers it again once it has drained.
pub fn register_instances(
    tx: &mut Tx<'_>,
    it: &ClassicLoadBalancer,
    instances: Vec<NewInstance>,
) -> Arc<ClassicLoadBalancer> {
    let mut changed = it.clone();
    for NewInstance { id, zone, task } in instances {
        let known = changed.instances.iter().position(|it| it.id == id);
        let place = match known {
            Some(place) if changed.instances[place].draining_since.is_none() || task.is_some() => place,
            _ => {
                // Tasks that it drained for do not wait longer: their port gets traffic again with all others.
                known.map(|it| changed.instances.remove(it));
                changed.instances.push(ClassicInstance::new(id, zone, tx.now()));
                changed.instances.len() - 1
            }
        };
        changed.instances[place].tasks.extend(task);
    }
    tx.put(changed)
}

/// Deregisters instances. They drain if the attributes say so and anything can be in flight to them, else they go at once.
pub fn deregister_instances(
    tx: &mut Tx<'_>,
    it: &ClassicLoadBalancer,
    ids: &[String],
) -> Arc<ClassicLoadBalancer> {
    let mut changed = it.clone();
    let drains = it.attributes.draining_seconds.is_some();
    changed.instances.retain_mut(|instance| {
        if !ids.contains(&instance.id) {
            return true;
        }
        let stays = drains && (instance.draining_since.is_some() || can_be_busy(it, instance));
        if stays {
            instance.draining_since.get_or_insert(tx.now());
        }
        stays
    });
    tx.put(changed)
}

/// Whether anything can be in flight to an instance that is registered: some listener has checked it, and leads there.
fn can_be_busy(it: &ClassicLoadBalancer, instance: &ClassicInstance) -> bool {
    it.is_in_zone_of(instance) && !it.listeners.is_empty() && !instance.health.is_empty()
}

/// Takes over whether a balancer serves a classic load balancer. `false` if there is none of that ARN.
pub fn classic_load_balancer_state(tx: &mut Tx<'_>, arn: &LoadBalancerArn, state: LoadBalancerState) -> bool {
    let Some(it) = tx.get::<ClassicLoadBalancer>(arn) else {
        return false;
    };
    if it.state != state {
        tx.put(ClassicLoadBalancer {
            state,
            ..ClassicLoadBalancer::clone(&it)
        });
    }
    true
}

/// Takes over what a balancer has found out about instances behind its listeners. `false` if there is no classic load
/// balancer of that ARN.
pub fn instance_health(tx: &mut Tx<'_>, arn: &LoadBalancerArn, changes: &[HealthChange]) -> bool {
    let Some(before) = tx.get::<ClassicLoadBalancer>(arn) else {
        return false;
    };
    let mut it = ClassicLoadBalancer::clone(&before);
    for HealthChange { key, health } in changes {
        let port = it.port_of_group(&key.group);
        let mut known = it.instances.iter();
        let known = known.position(|it| it.id == key.id && it.draining_since.is_none());
        // of one in another zone nothing is taken over: the report is older than that
        if let (Some(place), Some(port)) = (known, port)
            && it.is_in_zone_of(&it.instances[place])
        {
            it.instances[place].health.insert(port, health.clone());
        }
    }
    if it != *before {
        tx.put(it);
    }
    true
}

/// Nothing is in flight any more, behind these listeners, to instances that drain. One of which that is so behind all
/// listeners is gone: nobody waits for the rest of the time.
pub fn instances_are_idle(tx: &mut Tx<'_>, arn: &LoadBalancerArn, keys: &[TargetKey]) {
    let Some(before) = tx.get::<ClassicLoadBalancer>(arn).filter(|_| !keys.is_empty()) else {
        return;
    };
    let mut it = ClassicLoadBalancer::clone(&before);
    for key in keys {
        let Some(port) = it.port_of_group(&key.group) else {
            continue;
        };
        let mut draining = it.instances.iter_mut();
        let draining = draining.find(|it| it.id == key.id && it.draining_since.is_some());
        let Some(instance) = draining else { continue };
        instance.idle.insert(port);
        let idle = instance.clone();
        if it.is_idle(&idle) {
            it.instances.retain(|it| it.id != key.id);
        }
    }
    if it != *before {
        tx.put(it);
    }
}

/// How long it takes until an instance that was deregistered for a task has drained: nothing is in flight to it, or the
/// time of the load balancer is over.
pub fn until_instance_drained(
    state: &State,
    scope: &Scope,
    (name, id): (&str, &str),
    task: &TaskArn,
    now: Timestamp,
) -> Duration {
    let Some(it) = state.classic_load_balancer_of_name(scope, name) else {
        return Duration::ZERO;
    };
    let instance = it.instance(id).filter(|it| it.tasks.contains(task));
    let left = instance.and_then(|instance| drain_left(it, instance, now));
    left.unwrap_or_default()
}

/// The rest of the time that an instance drains for; `None` of one that does not.
fn drain_left(it: &ClassicLoadBalancer, instance: &ClassicInstance, now: Timestamp) -> Option<Duration> {
    let delay = i64::from(it.attributes.draining_seconds.unwrap_or_default()) * 1000;
    let due = instance.draining_since?.as_millisecond() + delay;
    Some(Duration::from_millis(
        u64::try_from(due - now.as_millisecond()).unwrap_or_default(),
    ))
}

/// Takes instances away that have drained: their time is over, or the last listener with anything in flight to them is
/// gone. How long the next of them still takes, or `None` if none drains.
pub fn forget_drained_instances(tx: &mut Tx<'_>, arn: &LoadBalancerArn) -> Option<Duration> {
    let before = tx.get::<ClassicLoadBalancer>(arn)?;
    let now = tx.now();
    let left = |it: &ClassicInstance| drain_left(&before, it, now);
    let mut it = ClassicLoadBalancer::clone(&before);
    it.instances
        .retain(|it| left(it).is_none_or(|left| !left.is_zero() && !before.is_idle(it)));
    let next = it.instances.iter().filter_map(left).min();
    if it != *before {
        tx.put(it);
    }
    next
}
