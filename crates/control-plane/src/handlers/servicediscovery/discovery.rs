//! DiscoverInstances, DiscoverInstancesRevision.

use std::sync::Arc;

use api::servicediscovery::{self as sd, Error};
use domain::Scope;
use domain::cloud_map::{DiscoveryService, HealthFilter, Wanted, discovered};
use store::State;

use super::errors::{invalid_input, no_namespace, no_service};
use super::paging::size;
use crate::call::Call;

/// Most instances of one answer.
const INSTANCES_MAX: i32 = 1000;

/// The service of that name, which only DNS takes without regard to case. The namespace is named by its `HttpName`,
/// which tells apart those of the same name.
fn service<'a>(
    state: &'a State,
    scope: &Scope,
    namespace: &str,
    name: &str,
) -> Result<&'a Arc<DiscoveryService>, Error> {
    let namespace = state
        .namespace_of_http_name(scope, namespace)
        .ok_or_else(no_namespace)?;
    let mut known = state.discovery_services_of_name(&namespace.id, name);
    let is_it = |it: &Arc<DiscoveryService>| namespace.zone().is_some() || it.name == name;
    known.find(|it| is_it(it)).ok_or_else(no_service)
}

/// Nothing is shared between accounts.
fn check_owner(scope: &Scope, owner: Option<&String>) -> Result<(), Error> {
    match owner.is_none_or(|it| *it == scope.account) {
        true => Ok(()),
        false => Err(no_namespace()),
    }
}

fn health(given: Option<&sd::HealthStatusFilter>) -> Result<HealthFilter, Error> {
    match given.map_or("HEALTHY_OR_ELSE_ALL", sd::HealthStatusFilter::as_str) {
        "ALL" => Ok(HealthFilter::All),
        "HEALTHY" => Ok(HealthFilter::Healthy),
        "UNHEALTHY" => Ok(HealthFilter::Unhealthy),
        "HEALTHY_OR_ELSE_ALL" => Ok(HealthFilter::HealthyOrElseAll),
        other => Err(invalid_input(format!("Invalid health status filter {other:?}"))),
    }
}

/// `DiscoverInstances`. When there are more than are wanted, they take turns.
///
/// # Errors
/// NamespaceNotFound, ServiceNotFound, InvalidInput.
pub async fn discover_instances(
    call: Call<sd::DiscoverInstances>,
) -> Result<sd::DiscoverInstancesOutput, Error> {
    let input = call.input();
    check_owner(call.scope(), input.owner_account.as_ref())?;
    let most = size(input.max_results, INSTANCES_MAX)?;
    let wanted = Wanted {
        query: input.query_parameters.clone().unwrap_or_default(),
        optional: input.optional_parameters.clone().unwrap_or_default(),
        health: health(input.health_status.as_ref())?,
    };
    let (namespace_name, service_name) = (&input.namespace_name, &input.service_name);
    call.access().store().read(|state| {
        let service = service(state, call.scope(), namespace_name, service_name)?;
        let instances = state.discovery_instances_of(&service.id).map(|it| &**it);
        let mut found = discovered(service, instances, &wanted);
        if found.len() > most {
            let turn = call.now().as_nanosecond().unsigned_abs() % found.len() as u128;
            found.rotate_left(usize::try_from(turn).unwrap_or_default());
            found.truncate(most);
        }
        let shown = found.into_iter().map(|it| sd::HttpInstanceSummary {
            attributes: Some(it.attributes.clone()),
            health_status: Some(sd::HealthStatus::from(it.health(service).as_str())),
            instance_id: Some(it.id.clone()),
            namespace_name: Some(namespace_name.clone()),
            service_name: Some(service_name.clone()),
        });
        Ok(sd::DiscoverInstancesOutput {
            instances: Some(shown.collect()),
            instances_revision: Some(revision(service)),
        })
    })
}

fn revision(service: &DiscoveryService) -> i64 {
    i64::try_from(service.instances_revision).unwrap_or(i64::MAX)
}

/// `DiscoverInstancesRevision`.
///
/// # Errors
/// NamespaceNotFound, ServiceNotFound.
pub async fn discover_instances_revision(
    call: Call<sd::DiscoverInstancesRevision>,
) -> Result<sd::DiscoverInstancesRevisionOutput, Error> {
    let input = call.input();
    check_owner(call.scope(), input.owner_account.as_ref())?;
    call.access().store().read(|state| {
        let service = service(state, call.scope(), &input.namespace_name, &input.service_name)?;
        Ok(sd::DiscoverInstancesRevisionOutput {
            instances_revision: Some(revision(service)),
        })
    })
}
