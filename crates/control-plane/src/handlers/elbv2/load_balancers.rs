//! CreateLoadBalancer, DescribeLoadBalancers, DeleteLoadBalancer.

use std::sync::Arc;

use api::elbv2::{self, Error};
use domain::Scope;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, Scheme};
use orchestrator::transitions::{
    DeleteLoadBalancerRefusal, NewLoadBalancer, create_load_balancer as create,
    delete_load_balancer as delete,
};
use store::{State, Tx};

use super::errors::{self, from_store, in_use, no_load_balancer, not_permitted, unbuilt, validation};
use super::limits::LOAD_BALANCERS_MAX;
use super::paging::{Wanted, cut};
use super::{names, placement, render, tags};
use crate::call::Call;

/// Most names or ARNs that one description may ask for.
const NAMES_MAX: usize = 20;

/// `CreateLoadBalancer`. One that is there with the same settings is answered again.
///
/// # Errors
/// DuplicateLoadBalancerName, TooManyLoadBalancers, InvalidConfigurationRequest, SubnetNotFound, InvalidSubnet,
/// InvalidSecurityGroup, TooManyTags, DuplicateTagKeys, ValidationError.
pub async fn create_load_balancer(
    call: Call<elbv2::CreateLoadBalancer>,
) -> Result<elbv2::CreateLoadBalancerOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    names::check_name("The load balancer", &input.name)?;
    if input.name.starts_with("internal-") {
        return Err(validation(format!(
            "The load balancer name '{}' cannot begin with 'internal-'",
            input.name
        )));
    }
    let kind = kind(input.r#type.as_ref())?;
    let scheme = scheme(input.scheme.as_ref())?;
    check_unbuilt(&input)?;
    let tags = tags::read(input.tags.clone())?;
    let created = call.access().store().transact(move |tx| {
        let (subnets, mappings) = (input.subnets.as_deref(), input.subnet_mappings.as_deref());
        let (zones, vpc_id) = placement::wishes(tx.state(), &scope, (kind, scheme), subnets, mappings)?;
        let groups = input.security_groups.clone();
        let security_groups = placement::security_groups(tx.state(), &vpc_id, kind, groups)?;
        let new = NewLoadBalancer {
            scope,
            name: input.name,
            kind,
            scheme,
            vpc_id,
            zones,
            security_groups,
            tags,
        };
        create_or_find(tx, new)
    });
    let created = created.await.map_err(from_store)?;
    Ok(elbv2::CreateLoadBalancerOutput {
        load_balancers: Some(vec![render::load_balancer(&created)]),
    })
}

fn create_or_find(tx: &mut Tx<'_>, new: NewLoadBalancer) -> Result<Arc<LoadBalancer>, Error> {
    if let Some(it) = tx.state().load_balancer_of_name(&new.scope, &new.name) {
        if is_same(it, &new) {
            return Ok(Arc::clone(it));
        }
        return Err(Error::DuplicateLoadBalancerNameException(
            elbv2::DuplicateLoadBalancerNameException {
                message: Some(format!(
                    "A load balancer with the same name '{}' exists, but with different settings",
                    new.name
                )),
            },
        ));
    }
    let of_kind = tx
        .state()
        .load_balancers(&new.scope)
        .filter(|it| it.kind == new.kind);
    if of_kind.count() >= LOAD_BALANCERS_MAX {
        return Err(Error::TooManyLoadBalancersException(
            elbv2::TooManyLoadBalancersException {
                message: Some(format!(
                    "The maximum number of load balancers has been reached: {LOAD_BALANCERS_MAX}"
                )),
            },
        ));
    }
    create(tx, new).map_err(|refusal| errors::zones(&refusal))
}

fn is_same(it: &LoadBalancer, new: &NewLoadBalancer) -> bool {
    let zones = new.zones.iter().map(|it| it.subnet.id.as_str());
    let mut wanted: Vec<&str> = zones.collect();
    let mut present: Vec<&str> = it.zones.iter().map(|it| it.subnet_id.as_str()).collect();
    wanted.sort_unstable();
    present.sort_unstable();
    it.kind == new.kind
        && it.scheme == new.scheme
        && present == wanted
        && it.security_groups == new.security_groups
        && it.tags == new.tags
}

fn kind(given: Option<&elbv2::LoadBalancerTypeEnum>) -> Result<LoadBalancerKind, Error> {
    match given {
        None | Some(elbv2::LoadBalancerTypeEnum::Application) => Ok(LoadBalancerKind::Application),
        Some(elbv2::LoadBalancerTypeEnum::Network) => Ok(LoadBalancerKind::Network),
        Some(elbv2::LoadBalancerTypeEnum::Gateway) => Err(unbuilt("a load balancer with type 'gateway'")),
        Some(other) => Err(errors::constraint(
            other.as_str(),
            "type",
            "Member must satisfy enum value set: [network, application, gateway]",
        )),
    }
}

fn scheme(given: Option<&elbv2::LoadBalancerSchemeEnum>) -> Result<Scheme, Error> {
    match given {
        None | Some(elbv2::LoadBalancerSchemeEnum::InternetFacing) => Ok(Scheme::InternetFacing),
        Some(elbv2::LoadBalancerSchemeEnum::Internal) => Ok(Scheme::Internal),
        Some(other) => Err(errors::constraint(
            other.as_str(),
            "scheme",
            "Member must satisfy enum value set: [internet-facing, internal]",
        )),
    }
}

fn check_unbuilt(input: &elbv2::CreateLoadBalancerInput) -> Result<(), Error> {
    placement::check_ip_address_type(input.ip_address_type.as_ref())?;
    if input.customer_owned_ipv4_pool.is_some() {
        return Err(unbuilt("CustomerOwnedIpv4Pool"));
    }
    if input.ipam_pools.is_some() {
        return Err(unbuilt("IpamPools"));
    }
    match input.enable_prefix_for_ipv6_source_nat {
        None | Some(elbv2::EnablePrefixForIpv6SourceNatEnum::Off) => Ok(()),
        Some(_) => Err(unbuilt("IPv6")),
    }
}

/// `DescribeLoadBalancers`: all, or those of the ARNs or names given.
///
/// # Errors
/// LoadBalancerNotFound, ValidationError.
pub async fn describe_load_balancers(
    call: Call<elbv2::DescribeLoadBalancers>,
) -> Result<elbv2::DescribeLoadBalancersOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let (arns, names) = (
        input.load_balancer_arns.as_deref().unwrap_or_default(),
        input.names.as_deref().unwrap_or_default(),
    );
    if arns.len().max(names.len()) > NAMES_MAX {
        return Err(validation(format!(
            "At most {NAMES_MAX} load balancers can be specified"
        )));
    }
    let found = call.access().store().read(|state| match (arns, names) {
        ([], []) => Ok(state.load_balancers(scope).cloned().collect()),
        (arns, []) => by_arn(state, scope, arns),
        ([], names) => by_name(state, scope, names),
        _ => Err(validation(
            "Load balancer names and load balancer ARNs cannot be specified at the same time",
        )),
    })?;
    let wanted = Wanted {
        listing: &format!("load balancers {arns:?} {names:?}"),
        marker: input.marker.as_deref(),
        page_size: input.page_size,
    };
    let found = found.into_iter().map(|it| (it.arn.to_string(), it)).collect();
    let (found, next_marker) = cut(call.access(), &wanted, found)?;
    Ok(elbv2::DescribeLoadBalancersOutput {
        load_balancers: Some(found.iter().map(|it| render::load_balancer(it)).collect()),
        next_marker,
    })
}

fn by_arn(state: &State, scope: &Scope, arns: &[String]) -> Result<Vec<Arc<LoadBalancer>>, Error> {
    let found = arns
        .iter()
        .map(|arn| match names::load_balancer(state, scope, arn) {
            Err(Error::LoadBalancerNotFoundException(_)) => {
                Err(no_load_balancer("One or more load balancers not found"))
            }
            other => other,
        });
    let mut found = found.collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|left, right| left.arn.cmp(&right.arn));
    found.dedup();
    Ok(found)
}

fn by_name(state: &State, scope: &Scope, names: &[String]) -> Result<Vec<Arc<LoadBalancer>>, Error> {
    let missing: Vec<&str> = names
        .iter()
        .filter(|it| state.load_balancer_of_name(scope, it).is_none())
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        return Err(no_load_balancer(format!(
            "Load balancers '[{}]' not found",
            missing.join(", ")
        )));
    }
    let found = names
        .iter()
        .filter_map(|it| state.load_balancer_of_name(scope, it));
    let mut found: Vec<_> = found.cloned().collect();
    found.sort_by(|left, right| left.arn.cmp(&right.arn));
    found.dedup();
    Ok(found)
}

/// `DeleteLoadBalancer`: with its listeners and rules. One that is not there is deleted already.
///
/// # Errors
/// OperationNotPermitted, ResourceInUse, ValidationError.
pub async fn delete_load_balancer(
    call: Call<elbv2::DeleteLoadBalancer>,
) -> Result<elbv2::DeleteLoadBalancerOutput, Error> {
    let (scope, arn) = (call.scope().clone(), call.input().load_balancer_arn.clone());
    let deleted = call.access().store().transact(move |tx| {
        let it = match names::load_balancer(tx.state(), &scope, &arn) {
            Err(Error::LoadBalancerNotFoundException(_)) => return Ok(()),
            other => other?,
        };
        delete(tx, &it).map_err(|refusal| match refusal {
            DeleteLoadBalancerRefusal::Protected => not_permitted(format!(
                "Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
            )),
            DeleteLoadBalancerRefusal::IsTarget => in_use(format!(
                "Load balancer '{arn}' is currently in use as a target of a target group"
            )),
        })
    });
    deleted.await.map_err(from_store)?;
    Ok(elbv2::DeleteLoadBalancerOutput {})
}
