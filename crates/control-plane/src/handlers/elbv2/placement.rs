//! Where load balancers are: subnets and security groups as they are asked for.

use std::net::Ipv4Addr;
use std::sync::Arc;

use api::elbv2::{self, EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnum as Enforcement, Error};
use domain::Scope;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, Scheme};
use domain::security_group::SecurityGroup;
use domain::vpc::{Subnet, Vpc};
use orchestrator::transitions::{ZoneWish, set_zones};
use store::State;

use super::errors::{self, constraint, from_store, invalid_configuration, unbuilt, validation};
use super::{names, render};
use crate::call::Call;

/// Most security groups of a load balancer.
const SECURITY_GROUPS_MAX: usize = 5;

/// Finds the subnets that a load balancer is to be in, and their VPC.
///
/// # Errors
/// ValidationError, SubnetNotFound, InvalidConfigurationRequest, AllocationIdNotFound.
pub fn wishes(
    state: &State,
    scope: &Scope,
    (kind, scheme): (LoadBalancerKind, Scheme),
    subnets: Option<&[String]>,
    mappings: Option<&[elbv2::SubnetMapping]>,
) -> Result<(Vec<ZoneWish>, String), Error> {
    let (subnets, mappings) = (subnets.unwrap_or_default(), mappings.unwrap_or_default());
    if !subnets.is_empty() && !mappings.is_empty() {
        return Err(validation("You can specify subnets or subnet mappings, not both"));
    }
    let mut wishes: Vec<ZoneWish> = Vec::new();
    for id in subnets {
        let subnet = subnet(state, scope, id)?;
        wishes.push(ZoneWish {
            subnet,
            address: None,
        });
    }
    for mapping in mappings {
        wishes.push(of_mapping(state, scope, (kind, scheme), mapping)?);
    }
    let least = match kind {
        LoadBalancerKind::Application => 2,
        LoadBalancerKind::Network => 1,
    };
    for (at, ZoneWish { subnet, .. }) in wishes.iter().enumerate() {
        if wishes[..at].iter().any(|it| it.subnet.id == subnet.id) {
            return Err(validation(format!(
                "The subnet '{}' was specified more than once",
                subnet.id
            )));
        }
        if wishes[..at].iter().any(|it| it.subnet.vpc_id != subnet.vpc_id) {
            return Err(invalid_configuration("All subnets must belong to the same VPC"));
        }
        if wishes[..at]
            .iter()
            .any(|it| it.subnet.availability_zone == subnet.availability_zone)
        {
            return Err(invalid_configuration(
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            ));
        }
    }
    match wishes.first() {
        Some(first) if wishes.len() >= least => {
            let vpc_id = first.subnet.vpc_id.clone();
            Ok((wishes, vpc_id))
        }
        _ if least == 2 => Err(validation(
            "At least two subnets in two different Availability Zones must be specified",
        )),
        _ => Err(validation("At least one subnet must be specified")),
    }
}

fn subnet(state: &State, scope: &Scope, id: &str) -> Result<Subnet, Error> {
    let found = state
        .get::<Subnet>(&id.to_owned())
        .filter(|it| it.scope == *scope);
    found.map(|it| Subnet::clone(it)).ok_or_else(|| {
        Error::SubnetNotFoundException(elbv2::SubnetNotFoundException {
            message: Some(format!("The subnet ID '{id}' does not exist")),
        })
    })
}

fn of_mapping(
    state: &State,
    scope: &Scope,
    (kind, scheme): (LoadBalancerKind, Scheme),
    mapping: &elbv2::SubnetMapping,
) -> Result<ZoneWish, Error> {
    let id = mapping.subnet_id.as_deref().unwrap_or_default();
    let subnet = subnet(state, scope, id)?;
    if mapping.i_pv6_address.is_some() || mapping.source_nat_ipv6_prefix.is_some() {
        return Err(unbuilt("IPv6"));
    }
    if let Some(id) = &mapping.allocation_id {
        return Err(Error::AllocationIdNotFoundException(
            elbv2::AllocationIdNotFoundException {
                message: Some(format!("The allocation ID '{id}' does not exist")),
            },
        ));
    }
    let Some(given) = mapping.private_i_pv4_address.as_deref() else {
        return Ok(ZoneWish {
            subnet,
            address: None,
        });
    };
    if kind != LoadBalancerKind::Network || scheme != Scheme::Internal {
        return Err(invalid_configuration(
            "Private IPv4 addresses can be specified for internal load balancers with type 'network' only",
        ));
    }
    let address: Ipv4Addr = given
        .parse()
        .map_err(|_| validation(format!("The IP address '{given}' is not a valid IPv4 address")))?;
    Ok(ZoneWish {
        subnet,
        address: Some(address),
    })
}

/// The security groups of a load balancer: the default one of the VPC unless others are named.
///
/// # Errors
/// InvalidSecurityGroup, InvalidConfigurationRequest.
pub fn security_groups(
    state: &State,
    vpc_id: &str,
    kind: LoadBalancerKind,
    given: Option<Vec<String>>,
) -> Result<Vec<String>, Error> {
    let default = state
        .get::<Vpc>(&vpc_id.to_owned())
        .map(|it| it.default_security_group.clone());
    let given = given.unwrap_or_default();
    if given.is_empty() {
        return Ok(match kind {
            LoadBalancerKind::Application => default.into_iter().collect(),
            LoadBalancerKind::Network => Vec::new(),
        });
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
    match given.iter().find(|it| !is_own(it)) {
        None => Ok(given),
        Some(unknown) => Err(Error::InvalidSecurityGroupException(
            elbv2::InvalidSecurityGroupException {
                message: Some(format!(
                    "One or more security groups are invalid: '{unknown}' is not a security group of '{vpc_id}'"
                )),
            },
        )),
    }
}

/// `SetSubnets`: it keeps its address in a subnet that it stays in.
///
/// # Errors
/// Those of [`wishes`]; LoadBalancerNotFound, InvalidSubnet.
pub async fn set_subnets(call: Call<elbv2::SetSubnets>) -> Result<elbv2::SetSubnetsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_ip_address_type(input.ip_address_type.as_ref())?;
    if input.enable_prefix_for_ipv6_source_nat.is_some() {
        return Err(unbuilt("IPv6"));
    }
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_arn)?;
        let (subnets, mappings) = (input.subnets.as_deref(), input.subnet_mappings.as_deref());
        let (wishes, vpc_id) = wishes(tx.state(), &scope, (it.kind, it.scheme), subnets, mappings)?;
        if vpc_id != it.vpc_id {
            return Err(invalid_configuration(
                "The subnets must belong to the VPC of the load balancer",
            ));
        }
        set_zones(tx, &it, &wishes).map_err(|refusal| errors::zones(&refusal))
    });
    let changed: Arc<LoadBalancer> = changed.await.map_err(from_store)?;
    Ok(elbv2::SetSubnetsOutput {
        availability_zones: Some(render::zones(&changed)),
        enable_prefix_for_ipv6_source_nat: None,
        ip_address_type: Some(changed.ip_address_type.as_str().into()),
    })
}

/// `SetSecurityGroups`.
///
/// # Errors
/// LoadBalancerNotFound, InvalidSecurityGroup, InvalidConfigurationRequest.
pub async fn set_security_groups(
    call: Call<elbv2::SetSecurityGroups>,
) -> Result<elbv2::SetSecurityGroupsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let enforcement = input
        .enforce_security_group_inbound_rules_on_private_link_traffic
        .as_ref()
        .map(enforces)
        .transpose()?;
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_arn)?;
        if it.kind == LoadBalancerKind::Network && it.security_groups.is_empty() {
            return Err(invalid_configuration(
                "You cannot associate security groups with a load balancer with type 'network' that was created without",
            ));
        }
        if it.kind == LoadBalancerKind::Application && enforcement.is_some() {
            return Err(invalid_configuration(
                "Rules for traffic over PrivateLink can be enforced on load balancers with type 'network' only",
            ));
        }
        if input.security_groups.is_empty() {
            return Err(validation("At least one security group must be specified"));
        }
        let given = Some(input.security_groups);
        let security_groups = security_groups(tx.state(), &it.vpc_id, it.kind, given)?;
        let mut after = LoadBalancer {
            security_groups,
            ..LoadBalancer::clone(&it)
        };
        if let Some(enforces) = enforcement {
            after.attributes.enforces_rules_on_private_link = enforces;
        }
        Ok(tx.put(after))
    });
    let changed = changed.await.map_err(from_store)?;
    Ok(elbv2::SetSecurityGroupsOutput {
        enforce_security_group_inbound_rules_on_private_link_traffic: render::enforcement(&changed)
            .map(Into::into),
        security_group_ids: Some(changed.security_groups.clone()),
    })
}

fn enforces(given: &Enforcement) -> Result<bool, Error> {
    match given {
        Enforcement::On => Ok(true),
        Enforcement::Off => Ok(false),
        other => Err(constraint(
            other.as_str(),
            "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
            "Member must satisfy enum value set: [off, on]",
        )),
    }
}

/// Refuses what is not IPv4.
///
/// # Errors
/// InvalidConfigurationRequest.
pub fn check_ip_address_type(given: Option<&elbv2::IpAddressType>) -> Result<(), Error> {
    match given {
        None | Some(elbv2::IpAddressType::Ipv4) => Ok(()),
        Some(elbv2::IpAddressType::Unmodelled(word)) => {
            let rule = "Member must satisfy enum value set: [ipv4, dualstack, dualstack-without-public-ipv4]";
            Err(constraint(word, "ipAddressType", rule))
        }
        Some(other) => Err(unbuilt(&format!("the IP address type '{}'", other.as_str()))),
    }
}

/// `SetIpAddressType`: IPv4 is all there is.
///
/// # Errors
/// LoadBalancerNotFound, InvalidConfigurationRequest, ValidationError.
pub async fn set_ip_address_type(
    call: Call<elbv2::SetIpAddressType>,
) -> Result<elbv2::SetIpAddressTypeOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    check_ip_address_type(Some(&input.ip_address_type))?;
    let store = call.access().store();
    let it = store.read(|state| names::load_balancer(state, scope, &input.load_balancer_arn))?;
    Ok(elbv2::SetIpAddressTypeOutput {
        ip_address_type: Some(it.ip_address_type.as_str().into()),
    })
}
