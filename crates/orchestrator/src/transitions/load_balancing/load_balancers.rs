//! Load balancers come and go; their addresses are taken out of their subnets with them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use domain::listener::Listener;
use domain::load_balancer::{
    IpAddressType, LoadBalancer, LoadBalancerAttributes, LoadBalancerKind, LoadBalancerState,
    LoadBalancerZone, Scheme, dns_name,
};
use domain::tags::Pair;
use domain::vpc::Subnet;
use domain::{LoadBalancerArn, Scope, TargetGroupArn};
use store::{State, Tx};

use super::listeners::delete_listener;
use super::targets::follow_use;
use crate::transitions::free_address;

/// What a new load balancer is like; names and combinations have been checked.
#[derive(Clone, Debug)]
pub struct NewLoadBalancer {
    /// Account and region.
    pub scope: Scope,
    /// Not taken yet.
    pub name: String,
    /// What it speaks.
    pub kind: LoadBalancerKind,
    /// Whom it serves.
    pub scheme: Scheme,
    /// Of the subnets.
    pub vpc_id: String,
    /// Where it is to be.
    pub zones: Vec<ZoneWish>,
    /// Of the VPC.
    pub security_groups: Vec<String>,
    /// In the order given.
    pub tags: Vec<Pair>,
}

/// A subnet, and the address that is wanted there.
#[derive(Clone, Debug)]
pub struct ZoneWish {
    /// Which subnet.
    pub subnet: Subnet,
    /// Any that is free if `None`.
    pub address: Option<Ipv4Addr>,
}

/// Why a load balancer cannot be in a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZonesRefusal {
    /// All addresses of this subnet are taken.
    NoFreeAddress(String),
    /// Somebody has this address.
    AddressInUse(Ipv4Addr),
    /// This address is not of the subnet, or Amazon's own.
    AddressOutside(Ipv4Addr),
}

/// Creates a load balancer. It is `provisioning` until a balancer says that it serves it.
///
/// # Errors
/// An address cannot be had.
pub fn create_load_balancer(
    tx: &mut Tx<'_>,
    new: NewLoadBalancer,
) -> Result<Arc<LoadBalancer>, ZonesRefusal> {
    let id = tx.ids().hex_16();
    let zones = zones(tx, &new.zones, &[])?;
    let load_balancer = LoadBalancer {
        arn: LoadBalancerArn::new(&new.scope, &[new.kind.arn_word(), &new.name, &id]),
        dns_name: dns_name(new.kind, new.scheme, &new.name, &id, &new.scope.region),
        name: new.name,
        kind: new.kind,
        scheme: new.scheme,
        ip_address_type: IpAddressType::Ipv4,
        vpc_id: new.vpc_id,
        zones,
        security_groups: new.security_groups,
        state: LoadBalancerState::Provisioning,
        attributes: LoadBalancerAttributes {
            chosen_addresses: chosen(&new.zones).collect(),
            ..LoadBalancerAttributes::new(new.kind)
        },
        created_at: tx.now(),
        tags: new.tags,
    };
    Ok(tx.put(load_balancer))
}

/// Moves a load balancer to other subnets. What it has in a subnet that it stays in, it keeps.
///
/// # Errors
/// An address cannot be had.
pub fn set_zones(
    tx: &mut Tx<'_>,
    load_balancer: &LoadBalancer,
    wishes: &[ZoneWish],
) -> Result<Arc<LoadBalancer>, ZonesRefusal> {
    let zones = zones(tx, wishes, &load_balancer.zones)?;
    let mut moved = LoadBalancer {
        zones,
        ..load_balancer.clone()
    };
    let kept = load_balancer.attributes.chosen_addresses.iter().copied();
    let chosen: BTreeSet<IpAddr> = kept.chain(chosen(wishes)).collect();
    moved.attributes.chosen_addresses = moved.addresses().filter(|it| chosen.contains(it)).collect();
    let moved = tx.put(moved);
    let groups: Vec<_> = target_groups_behind(tx.state(), &moved.arn).into_iter().collect();
    follow_use(tx, &groups);
    Ok(moved)
}

fn chosen(wishes: &[ZoneWish]) -> impl Iterator<Item = IpAddr> + '_ {
    wishes.iter().filter_map(|it| it.address.map(IpAddr::V4))
}

/// The groups that a load balancer forwards to.
pub fn target_groups_behind(state: &State, load_balancer: &LoadBalancerArn) -> BTreeSet<TargetGroupArn> {
    let listeners = state.listeners_of(load_balancer);
    let rules = listeners.flat_map(|it| state.rules_of(&it.arn));
    rules.flat_map(|it| it.action.target_groups()).cloned().collect()
}

/// The zones of a load balancer that is in these subnets; those that are `kept` keep their addresses.
pub(super) fn zones(
    tx: &Tx<'_>,
    wishes: &[ZoneWish],
    kept: &[LoadBalancerZone],
) -> Result<Vec<LoadBalancerZone>, ZonesRefusal> {
    let mut zones = Vec::new();
    for ZoneWish { subnet, address } in wishes {
        let kept = kept.iter().find(|it| it.subnet_id == subnet.id);
        let is_kept = |it: &&LoadBalancerZone| {
            address.is_none_or(|address| it.addresses.contains(&IpAddr::V4(address)))
        };
        if let Some(zone) = kept.filter(is_kept) {
            zones.push(zone.clone());
            continue;
        }
        let address = match address {
            None => free_address(tx, subnet).ok_or_else(|| ZonesRefusal::NoFreeAddress(subnet.id.clone()))?,
            Some(it) => wanted_address(tx.state(), subnet, *it)?,
        };
        zones.push(LoadBalancerZone {
            name: subnet.availability_zone.clone(),
            subnet_id: subnet.id.clone(),
            addresses: vec![IpAddr::V4(address)],
        });
    }
    zones.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(zones)
}

fn wanted_address(state: &State, subnet: &Subnet, address: Ipv4Addr) -> Result<Ipv4Addr, ZonesRefusal> {
    if !subnet.may_assign(address) {
        return Err(ZonesRefusal::AddressOutside(address));
    }
    match state.addresses_in_use(&subnet.id).contains(&address) {
        true => Err(ZonesRefusal::AddressInUse(address)),
        false => Ok(address),
    }
}

/// Why a load balancer is not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteLoadBalancerRefusal {
    /// Its attributes forbid it.
    Protected,
    /// It is a target of a group.
    IsTarget,
}

/// Deletes a load balancer with its listeners and their rules; target groups stay. Its addresses are free again.
///
/// # Errors
/// It is protected, or another load balancer's target.
pub fn delete_load_balancer(
    tx: &mut Tx<'_>,
    load_balancer: &LoadBalancer,
) -> Result<(), DeleteLoadBalancerRefusal> {
    if load_balancer.attributes.is_deletion_protected {
        return Err(DeleteLoadBalancerRefusal::Protected);
    }
    if tx.state().is_target(load_balancer.arn.as_str()) {
        return Err(DeleteLoadBalancerRefusal::IsTarget);
    }
    let listeners: Vec<Arc<Listener>> = tx.state().listeners_of(&load_balancer.arn).cloned().collect();
    for listener in listeners {
        delete_listener(tx, &listener.arn);
    }
    tx.delete::<LoadBalancer>(&load_balancer.arn);
    Ok(())
}

/// A balancer serves it: its addresses answer.
pub fn load_balancer_is_served(tx: &mut Tx<'_>, arn: &LoadBalancerArn) {
    set_state(tx, arn, LoadBalancerState::Active);
}

/// A balancer cannot serve it. A later one may.
pub fn load_balancer_has_failed(tx: &mut Tx<'_>, arn: &LoadBalancerArn, reason: impl Into<String>) {
    let reason = reason.into();
    set_state(tx, arn, LoadBalancerState::Failed { reason });
}

fn set_state(tx: &mut Tx<'_>, arn: &LoadBalancerArn, state: LoadBalancerState) {
    // A balancer says it again to every agent that connects.
    if let Some(it) = tx.get::<LoadBalancer>(arn).filter(|it| it.state != state) {
        tx.put(LoadBalancer {
            state,
            ..LoadBalancer::clone(&it)
        });
    }
}
