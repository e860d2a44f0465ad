//! CreateLoadBalancer, DescribeLoadBalancers, DeleteLoadBalancer.

use std::sync::Arc;

use api::elb::{self, Error};
use domain::classic_load_balancer::{ClassicListener, ClassicLoadBalancer};
use domain::load_balancer::Scheme;
use orchestrator::transitions::{NewClassicLoadBalancer, create_classic_load_balancer as create};
use store::Tx;

use super::errors::{self, from_store};
use super::limits::LOAD_BALANCERS_MAX;
use super::paging::cut;
use super::{listeners, names, placement, render, tags};
use crate::call::Call;

/// `CreateLoadBalancer`. One that is there with the same settings is answered again.
///
/// # Errors
/// DuplicateLoadBalancerName, TooManyLoadBalancers, InvalidScheme, those of its listeners, subnets and groups, TooManyTags,
/// DuplicateTagKeys, ValidationError.
pub async fn create_load_balancer(
    call: Call<elb::CreateLoadBalancer>,
) -> Result<elb::CreateLoadBalancerOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let name = input.load_balancer_name;
    names::check(&name)?;
    let scheme = scheme(input.scheme.as_deref())?;
    let tags = tags::read(input.tags)?;
    let created = call.access().store().transact(move |tx| {
        let listeners = listeners::read(tx.state(), &scope, &name, &input.listeners)?;
        listeners::check_all(&listeners)?;
        let subnets = input.subnets.unwrap_or_default();
        let zones = input.availability_zones.unwrap_or_default();
        let (zones, vpc_id) = placement::of_new(tx.state(), &scope, &subnets, &zones)?;
        let groups = input.security_groups.unwrap_or_default();
        let security_groups = placement::security_groups(tx.state(), &vpc_id, groups)?;
        let new = NewClassicLoadBalancer {
            scope,
            name,
            scheme,
            vpc_id,
            zones,
            security_groups,
            listeners,
            tags,
        };
        create_or_find(tx, new)
    });
    let created = created.await.map_err(from_store)?;
    Ok(elb::CreateLoadBalancerOutput {
        dns_name: Some(created.dns_name.clone()),
    })
}

fn scheme(given: Option<&str>) -> Result<Scheme, Error> {
    match given {
        None | Some("internet-facing") => Ok(Scheme::InternetFacing),
        Some("internal") => Ok(Scheme::Internal),
        Some(other) => Err(Error::InvalidSchemeException(elb::InvalidSchemeException {
            message: Some(format!(
                "Invalid Scheme: {other}: it must be internal or internet-facing"
            )),
        })),
    }
}

fn create_or_find(tx: &mut Tx<'_>, new: NewClassicLoadBalancer) -> Result<Arc<ClassicLoadBalancer>, Error> {
    let known = tx.state().classic_load_balancer_of_name(&new.scope, &new.name);
    if let Some(it) = known {
        let what = match is_same(it, &new) {
            true if it.tags == new.tags => return Ok(Arc::clone(it)),
            true => "tags",
            false => "parameters",
        };
        return Err(Error::DuplicateAccessPointNameException(
            elb::DuplicateAccessPointNameException {
                message: Some(format!(
                    "Load Balancer named '{}' already exists and it is configured with different {what}.",
                    new.name
                )),
            },
        ));
    }
    if tx.state().classic_load_balancers(&new.scope).count() >= LOAD_BALANCERS_MAX {
        return Err(Error::TooManyAccessPointsException(
            elb::TooManyAccessPointsException {
                message: Some(format!(
                    "Exceeded quota of account {}: {LOAD_BALANCERS_MAX} load balancers",
                    new.scope.account
                )),
            },
        ));
    }
    create(tx, new).map_err(|refusal| errors::zones(&refusal))
}

fn is_same(it: &ClassicLoadBalancer, new: &NewClassicLoadBalancer) -> bool {
    let mut wanted: Vec<&str> = new.zones.iter().map(|it| it.subnet.id.as_str()).collect();
    let mut present: Vec<&str> = it.zones.iter().map(|it| it.subnet_id.as_str()).collect();
    wanted.sort_unstable();
    present.sort_unstable();
    let plain = |it: &ClassicListener| ClassicListener {
        policies: Vec::new(),
        ..it.clone()
    };
    let mut listeners = new.listeners.clone();
    listeners.sort_by_key(|it| it.port);
    it.scheme == new.scheme
        && present == wanted
        && it.security_groups == new.security_groups
        && it.listeners.iter().map(plain).eq(listeners)
}

/// `DescribeLoadBalancers`: all, or those of the names given.
///
/// # Errors
/// LoadBalancerNotFound, ValidationError.
pub async fn describe_load_balancers(
    call: Call<elb::DescribeLoadBalancers>,
) -> Result<elb::DescribeLoadBalancersOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let wanted = input.load_balancer_names.as_deref().unwrap_or_default();
    let mut found = call.access().store().read(|state| match wanted {
        [] => Ok(state.classic_load_balancers(scope).cloned().collect::<Vec<_>>()),
        wanted => wanted
            .iter()
            .map(|name| names::load_balancer(state, scope, name))
            .collect(),
    })?;
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found.dedup();
    let listing = format!("load balancers {wanted:?}");
    let asked = (input.marker.as_deref(), input.page_size);
    let items = found.into_iter().map(|it| (it.name.clone(), it));
    let (found, next_marker) = cut(call.access(), &listing, asked, items)?;
    let store = call.access().store();
    let described = store.read(|state| found.iter().map(|it| render::load_balancer(state, it)).collect());
    Ok(elb::DescribeLoadBalancersOutput {
        load_balancer_descriptions: Some(described),
        next_marker,
    })
}

/// `DeleteLoadBalancer`: with all that it has; its addresses are free again. One that is not there is deleted already.
///
/// # Errors
/// None but that the store fails.
pub async fn delete_load_balancer(
    call: Call<elb::DeleteLoadBalancer>,
) -> Result<elb::DeleteLoadBalancerOutput, Error> {
    let (scope, name) = (call.scope().clone(), call.input().load_balancer_name.clone());
    let deleted = call.access().store().transact(move |tx| {
        let found = tx.state().classic_load_balancer_of_name(&scope, &name).cloned();
        if let Some(it) = found {
            tx.delete::<ClassicLoadBalancer>(&it.arn);
        }
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(elb::DeleteLoadBalancerOutput {})
}
