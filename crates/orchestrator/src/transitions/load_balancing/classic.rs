//! Classic load balancers come and go, and instances with them.

use std::sync::Arc;
use std::time::Duration;

use domain::classic_load_balancer::{
    ClassicAttributes, ClassicHealthCheck, ClassicInstance, ClassicListener, ClassicLoadBalancer,
};
use domain::load_balancer::{LoadBalancerKind, LoadBalancerState, Scheme, dns_name};
use domain::tags::Pair;
use domain::{LoadBalancerArn, Scope};
use store::Tx;

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

/// Moves a classic load balancer to other subnets. What it has in a subnet that it stays in, it keeps.
///
/// # Errors
/// An address cannot be had.
pub fn set_classic_zones(
    tx: &mut Tx<'_>,
    it: &ClassicLoadBalancer,
    wishes: &[ZoneWish],
) -> Result<Arc<ClassicLoadBalancer>, ZonesRefusal> {
    let zones = zones(tx, wishes, &it.zones)?;
    Ok(tx.put(ClassicLoadBalancer { zones, ..it.clone() }))
}

/// Registers instances, each with its zone. One that is registered stays as it is; one that drains begins anew.
pub fn register_instances(
    tx: &mut Tx<'_>,
    it: &ClassicLoadBalancer,
    instances: Vec<(String, Option<String>)>,
) -> Arc<ClassicLoadBalancer> {
    let mut changed = it.clone();
    for (id, zone) in instances {
        if changed.registered().any(|it| it.id == id) {
            continue;
        }
        changed.instances.retain(|it| it.id != id);
        changed.instances.push(ClassicInstance::new(id, zone, tx.now()));
    }
    tx.put(changed)
}

/// Deregisters instances. They drain if the attributes say so, else they go at once.
pub fn deregister_instances(
    tx: &mut Tx<'_>,
    it: &ClassicLoadBalancer,
    ids: &[String],
) -> Arc<ClassicLoadBalancer> {
    let mut changed = it.clone();
    match it.attributes.draining_seconds {
        None => changed.instances.retain(|it| !ids.contains(&it.id)),
        Some(_) => {
            let registered = changed.instances.iter_mut();
            for instance in registered.filter(|it| ids.contains(&it.id)) {
                instance.draining_since.get_or_insert(tx.now());
            }
        }
    }
    tx.put(changed)
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
        let mut known = it.instances.iter_mut();
        let known = known.find(|it| it.id == key.id && it.draining_since.is_none());
        if let (Some(instance), Some(port)) = (known, port) {
            instance.health.insert(port, health.clone());
        }
    }
    if it != *before {
        tx.put(it);
    }
    true
}

/// Takes instances away that have drained. How long the next of them still takes, or `None` if none drains.
pub fn forget_drained_instances(tx: &mut Tx<'_>, arn: &LoadBalancerArn) -> Option<Duration> {
    let before = tx.get::<ClassicLoadBalancer>(arn)?;
    let delay = i64::from(before.attributes.draining_seconds.unwrap_or_default()) * 1000;
    let now = tx.now().as_millisecond();
    let left = |it: &ClassicInstance| it.draining_since.map(|it| it.as_millisecond() + delay - now);
    let mut it = ClassicLoadBalancer::clone(&before);
    it.instances.retain(|it| left(it).is_none_or(|left| left > 0));
    let next = it.instances.iter().filter_map(left).min();
    if it != *before {
        tx.put(it);
    }
    Some(Duration::from_millis(u64::try_from(next?).unwrap_or_default()))
}
