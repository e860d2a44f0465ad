//! Subnets, zones and security groups of classic load balancers.

use std::sync::Arc;

use api::elb::{self, Error};
use domain::Scope;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::security_group::SecurityGroup;
use domain::vpc::{Subnet, Vpc};
use orchestrator::transitions::{ZoneWish, set_classic_zones};
use store::{State, TransactError};

use super::errors::{self, from_store, invalid_configuration, validation};
use super::{names, render};
use crate::call::Call;

/// Most security groups of a load balancer.
const SECURITY_GROUPS_MAX: usize = 5;

/// Where a new load balancer is to be: in subnets, or in zones of the default VPC. Also the VPC.
///
/// # Errors
/// ValidationError, SubnetNotFound, InvalidConfigurationRequest.
pub fn of_new(
    state: &State,
    scope: &Scope,
    subnets: &[String],
    zones: &[String],
) -> Result<(Vec<ZoneWish>, String), Error> {
    let found: Result<Vec<Subnet>, Error> = match (subnets, zones) {
        ([], []) => {
            return Err(validation(
                "Either AvailabilityZones or SubnetIds must be specified",
            ));
        }
        (subnets, []) => subnets.iter().map(|id| subnet(state, scope, id)).collect(),
        ([], zones) => {
            let vpc = state.vpcs(scope).find(|it| it.is_default);
            let vpc = vpc.map_or("", |it| it.id.as_str());
            zones.iter().map(|zone| of_zone(state, vpc, zone)).collect()
        }
        _ => {
            return Err(validation(
                "Only one of SubnetIds or AvailabilityZones may be specified",
            ));
        }
    };
    let found = found?;
    let vpc_id = found.first().map(|it| it.vpc_id.clone()).unwrap_or_default();
    Ok((wishes(&vpc_id, found)?, vpc_id))
}

fn wishes(vpc_id: &str, subnets: Vec<Subnet>) -> Result<Vec<ZoneWish>, Error> {
    let mut wishes: Vec<ZoneWish> = Vec::new();
    for subnet in subnets {
        if wishes.iter().any(|it| it.subnet.id == subnet.id) {
            continue;
        }
        if subnet.vpc_id != vpc_id {
            return Err(invalid_configuration(
                "All subnets of a load balancer must belong to the same VPC.",
            ));
        }
        let zone = &subnet.availability_zone;
        if wishes.iter().any(|it| it.subnet.availability_zone == *zone) {
            return Err(invalid_configuration(
                "ELB cannot be attached to multiple subnets in the same AZ.",
            ));
        }
        wishes.push(ZoneWish {
            subnet,
            address: None,
        });
    }
    Ok(wishes)
}

fn subnet(state: &State, scope: &Scope, id: &str) -> Result<Subnet, Error> {
    let found = state
        .get::<Subnet>(&id.to_owned())
        .filter(|it| it.scope == *scope);
    found.map(|it| Subnet::clone(it)).ok_or_else(|| {
        Error::SubnetNotFoundException(elb::SubnetNotFoundException {
            message: Some(format!("The subnet ID '{id}' does not exist")),
        })
    })
}

/// The first subnet of a VPC in a zone.
fn of_zone(state: &State, vpc_id: &str, zone: &str) -> Result<Subnet, Error> {
    let mut subnets = state.all::<Subnet>();
    let found = subnets.find(|it| it.vpc_id == vpc_id && it.availability_zone == zone);
    found
        .map(|it| Subnet::clone(it))
        .ok_or_else(|| validation(format!("Invalid availability zone: '{zone}'")))
}

/// The security groups of a load balancer: the default one of the VPC unless others are named.
///
/// # Errors
/// InvalidSecurityGroup, InvalidConfigurationRequest.
pub fn security_groups(state: &State, vpc_id: &str, given: Vec<String>) -> Result<Vec<String>, Error> {
    let vpc = state.get::<Vpc>(&vpc_id.to_owned());
    let default: Vec<String> = vpc.iter().map(|it| it.default_security_group.clone()).collect();
    if given.is_empty() {
        return Ok(default);
    }
    if given.len() > SECURITY_GROUPS_MAX {
        return Err(invalid_configuration(format!(
            "A load balancer can have at most {SECURITY_GROUPS_MAX} security groups"
        )));
    }
    let is_own = |id: &String| {
        let group = state.get::<SecurityGroup>(id);
        group.is_some_and(|it| it.vpc_id == vpc_id)
    };
    if given.iter().all(is_own) {
        return Ok(given);
    }
    Err(Error::InvalidSecurityGroupException(
        elb::InvalidSecurityGroupException {
            message: Some("One or more of the specified security groups do not exist.".to_owned()),
        },
    ))
}

/// `ApplySecurityGroupsToLoadBalancer`.
///
/// # Errors
/// LoadBalancerNotFound, InvalidSecurityGroup, InvalidConfigurationRequest.
pub async fn apply_security_groups_to_load_balancer(
    call: Call<elb::ApplySecurityGroupsToLoadBalancer>,
) -> Result<elb::ApplySecurityGroupsToLoadBalancerOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_name)?;
        if input.security_groups.is_empty() {
            return Err(validation("At least one security group must be specified"));
        }
        let security_groups = security_groups(tx.state(), &it.vpc_id, input.security_groups)?;
        Ok(tx.put(ClassicLoadBalancer {
            security_groups,
            ..ClassicLoadBalancer::clone(&it)
        }))
    });
    let changed = changed.await.map_err(from_store)?;
    Ok(elb::ApplySecurityGroupsToLoadBalancerOutput {
        security_groups: Some(changed.security_groups.clone()),
    })
}

/// How a load balancer moves.
enum Move {
    ToSubnets(Vec<String>),
    ToZones(Vec<String>),
    OutOfSubnets(Vec<String>),
    OutOfZones(Vec<String>),
}

/// The subnets that a load balancer is in after a move.
fn moved(state: &State, scope: &Scope, it: &ClassicLoadBalancer, to: &Move) -> Result<Vec<ZoneWish>, Error> {
    let stays = |zone: &domain::load_balancer::LoadBalancerZone| match to {
        Move::ToSubnets(_) | Move::ToZones(_) => true,
        Move::OutOfSubnets(subnets) => !subnets.contains(&zone.subnet_id),
        Move::OutOfZones(zones) => !zones.contains(&zone.name),
    };
    let kept = it.zones.iter().filter(|it| stays(it));
    let mut subnets = kept
        .map(|it| subnet(state, scope, &it.subnet_id))
        .collect::<Result<Vec<_>, Error>>()?;
    match to {
        Move::ToSubnets(more) => {
            for id in more {
                subnets.push(subnet(state, scope, id)?);
            }
        }
        Move::ToZones(zones) => {
            for zone in zones
                .iter()
                .filter(|zone| !it.zones.iter().any(|it| it.name == **zone))
            {
                subnets.push(of_zone(state, &it.vpc_id, zone)?);
            }
        }
        Move::OutOfSubnets(_) | Move::OutOfZones(_) if subnets.is_empty() => {
            return Err(invalid_configuration(
                "A load balancer must stay in one subnet, and in one Availability Zone, at least.",
            ));
        }
        Move::OutOfSubnets(_) | Move::OutOfZones(_) => {}
    }
    wishes(&it.vpc_id, subnets)
}

async fn change<O: wire::Operation>(
    call: &Call<O>,
    name: String,
    to: Move,
) -> Result<Arc<ClassicLoadBalancer>, Error> {
    let scope = call.scope().clone();
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &name)?;
        let wishes = moved(tx.state(), &scope, &it, &to)?;
        set_classic_zones(tx, &it, &wishes).map_err(|refusal| errors::zones(&refusal))
    });
    let changed: Result<_, TransactError<Error>> = changed.await;
    changed.map_err(from_store)
}

/// `AttachLoadBalancerToSubnets`.
///
/// # Errors
/// LoadBalancerNotFound, SubnetNotFound, InvalidSubnet, InvalidConfigurationRequest.
pub async fn attach_load_balancer_to_subnets(
    call: Call<elb::AttachLoadBalancerToSubnets>,
) -> Result<elb::AttachLoadBalancerToSubnetsOutput, Error> {
    let input = call.input().clone();
    let changed = change(&call, input.load_balancer_name, Move::ToSubnets(input.subnets)).await?;
    Ok(elb::AttachLoadBalancerToSubnetsOutput {
        subnets: Some(render::subnets(&changed)),
    })
}

/// `DetachLoadBalancerFromSubnets`: one that it is not in does not matter.
///
/// # Errors
/// LoadBalancerNotFound, InvalidConfigurationRequest.
pub async fn detach_load_balancer_from_subnets(
    call: Call<elb::DetachLoadBalancerFromSubnets>,
) -> Result<elb::DetachLoadBalancerFromSubnetsOutput, Error> {
    let input = call.input().clone();
    let changed = change(&call, input.load_balancer_name, Move::OutOfSubnets(input.subnets)).await?;
    Ok(elb::DetachLoadBalancerFromSubnetsOutput {
        subnets: Some(render::subnets(&changed)),
    })
}

/// `EnableAvailabilityZonesForLoadBalancer`: in the first subnet of its VPC there.
///
/// # Errors
/// LoadBalancerNotFound, InvalidSubnet, ValidationError.
pub async fn enable_availability_zones_for_load_balancer(
    call: Call<elb::EnableAvailabilityZonesForLoadBalancer>,
) -> Result<elb::EnableAvailabilityZonesForLoadBalancerOutput, Error> {
    let input = call.input().clone();
    let to = Move::ToZones(input.availability_zones);
    let changed = change(&call, input.load_balancer_name, to).await?;
    Ok(elb::EnableAvailabilityZonesForLoadBalancerOutput {
        availability_zones: Some(render::zones(&changed)),
    })
}

/// `DisableAvailabilityZonesForLoadBalancer`: instances there get nothing any more.
///
/// # Errors
/// LoadBalancerNotFound, InvalidConfigurationRequest.
pub async fn disable_availability_zones_for_load_balancer(
    call: Call<elb::DisableAvailabilityZonesForLoadBalancer>,
) -> Result<elb::DisableAvailabilityZonesForLoadBalancerOutput, Error> {
    let input = call.input().clone();
    let to = Move::OutOfZones(input.availability_zones);
    let changed = change(&call, input.load_balancer_name, to).await?;
    Ok(elb::DisableAvailabilityZonesForLoadBalancerOutput {
        availability_zones: Some(render::zones(&changed)),
    })
}
