//! Which zones of a load balancer its name leads to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use domain::TargetGroupArn;
use domain::load_balancer::{LoadBalancer, LoadBalancerZone};
use domain::target::{Target, TargetHealthState, TargetState};
use domain::target_group::{CrossZone, MinimumHealthy, TargetGroup};
use store::State;

/// What its name stands for: addresses of zones with too few healthy targets are left out, as long as there are others.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health.html>
pub fn resolved(state: &State, it: &LoadBalancer) -> Vec<IpAddr> {
    let groups = zonal_groups(state, it);
    let serves = |zone: &&LoadBalancerZone| groups.iter().all(|group| is_enough(state, group, zone));
    let mut zones: Vec<&LoadBalancerZone> = it.zones.iter().filter(serves).collect();
    if zones.is_empty() {
        zones = it.zones.iter().collect();
    }
    zones.iter().flat_map(|it| it.addresses.iter().copied()).collect()
}

/// What the name of a load balancer depends on of a target.
pub fn told(it: &Target) -> (Option<&str>, bool, bool) {
    (it.zone.as_deref(), is_registered(it), is_healthy(it))
}

/// Groups whose zones keep to themselves. Where every zone uses all targets, all zones are alike: no zone is to be
/// preferred. Nor is one for a group without targets, as the other of a blue/green deployment.
fn zonal_groups<'a>(state: &'a State, it: &LoadBalancer) -> Vec<&'a TargetGroup> {
    let listeners = state.listeners_of(&it.arn);
    let rules = listeners.flat_map(|listener| state.rules_of(&listener.arn));
    let arns: BTreeSet<&TargetGroupArn> = rules.flat_map(|it| it.action.target_groups()).collect();
    let groups = arns
        .into_iter()
        .filter_map(|arn| state.get::<TargetGroup>(arn).map(AsRef::as_ref));
    let is_zonal = |group: &&TargetGroup| match group.attributes.cross_zone {
        CrossZone::On => false,
        CrossZone::Off => true,
        CrossZone::AsLoadBalancer => !it.attributes.is_cross_zone,
    };
    let has_targets = |group: &&TargetGroup| state.targets_of(&group.arn).any(|it| is_registered(it));
    groups.filter(is_zonal).filter(has_targets).collect()
}

fn is_enough(state: &State, group: &TargetGroup, zone: &LoadBalancerZone) -> bool {
    let MinimumHealthy { count, percentage } = group.attributes.dns_failover;
    let (mut registered, mut healthy) = (0_u64, 0_u64);
    for it in state.targets_of(&group.arn) {
        let is_there = it.zone.as_deref().is_none_or(|own| own == zone.name);
        if is_there && is_registered(it) {
            registered += 1;
            healthy += u64::from(is_healthy(it));
        }
    }
    let is_part_enough = |percentage| healthy * 100 >= registered * u64::from(percentage);
    count.is_none_or(|count| healthy >= u64::from(count)) && percentage.is_none_or(is_part_enough)
}

fn is_registered(it: &Target) -> bool {
    it.state == TargetState::Registered
}

fn is_healthy(it: &Target) -> bool {
    it.health.state == TargetHealthState::Healthy
}

#[cfg(test)]
mod tests;
