//! RegisterInstancesWithLoadBalancer, DeregisterInstancesFromLoadBalancer.

use std::collections::BTreeSet;

use api::elb::{self, Error};
use domain::classic_load_balancer::{ClassicLoadBalancer, INSTANCES_MAX};
use orchestrator::transitions::{
    NewInstance, deregister_instances as deregister, register_instances as register,
};

use super::errors::{from_store, invalid_configuration, no_instance, validation};
use super::{names, render};
use crate::call::Call;
use crate::handlers::instances::instances_of;

/// Ids of instances as they are given, at least one.
fn ids(given: &[elb::Instance]) -> Result<Vec<String>, Error> {
    let ids = given.iter().map(|it| it.instance_id.clone());
    match ids.collect::<Option<Vec<_>>>() {
        Some(ids) if !ids.is_empty() => Ok(ids),
        _ => Err(validation("At least one instance must be specified")),
    }
}

/// `RegisterInstancesWithLoadBalancer`: all or none. One that is registered stays as it is.
///
/// # Errors
/// LoadBalancerNotFound, InvalidInstance.
pub async fn register_instances_with_load_balancer(
    call: Call<elb::RegisterInstancesWithLoadBalancer>,
) -> Result<elb::RegisterInstancesWithLoadBalancerOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_name)?;
        let known = instances_of(tx.state(), &scope);
        let wanted = ids(&input.instances)?.into_iter().map(|id| {
            let zone = known.get(id.as_str()).ok_or_else(|| no_instance(&id))?;
            let zone = zone.map(str::to_owned);
            Ok(NewInstance { id, zone, task: None })
        });
        let wanted = wanted.collect::<Result<Vec<_>, Error>>()?;
        let all: BTreeSet<&str> = it
            .registered()
            .map(|it| it.id.as_str())
            .chain(wanted.iter().map(|it| it.id.as_str()))
            .collect();
        if all.len() > INSTANCES_MAX {
            return Err(invalid_configuration(format!(
                "A load balancer can have at most {INSTANCES_MAX} instances"
            )));
        }
        Ok(register(tx, &it, wanted))
    });
    let changed = changed.await.map_err(from_store)?;
    Ok(elb::RegisterInstancesWithLoadBalancerOutput {
        instances: Some(render::instances(&changed)),
    })
}

/// `DeregisterInstancesFromLoadBalancer`: with connection draining, what is in flight to them may end.
///
/// # Errors
/// LoadBalancerNotFound, InvalidInstance.
pub async fn deregister_instances_from_load_balancer(
    call: Call<elb::DeregisterInstancesFromLoadBalancer>,
) -> Result<elb::DeregisterInstancesFromLoadBalancerOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_name)?;
        let wanted = ids(&input.instances)?;
        check_known(&it, &instances_of(tx.state(), &scope), &wanted)?;
        Ok(deregister(tx, &it, &wanted))
    });
    let changed = changed.await.map_err(from_store)?;
    Ok(elb::DeregisterInstancesFromLoadBalancerOutput {
        instances: Some(render::instances(&changed)),
    })
}

/// Refuses ids of what is neither an instance nor registered.
///
/// # Errors
/// InvalidInstance.
pub fn check_known(
    it: &ClassicLoadBalancer,
    known: &crate::handlers::instances::Instances<'_>,
    wanted: &[String],
) -> Result<(), Error> {
    let is_registered = |id: &str| it.instances.iter().any(|it| it.id == id);
    let mut wanted = wanted.iter();
    match wanted.find(|id| !known.contains_key(id.as_str()) && !is_registered(id)) {
        None => Ok(()),
        Some(stranger) => Err(no_instance(stranger)),
    }
}
