//! GetInstancesHealthStatus, UpdateInstanceCustomHealthStatus.

use api::servicediscovery::{self as sd, Error};
use domain::cloud_map::{CustomHealth, HealthCheck};
use orchestrator::transitions;

use super::errors::{from_store, invalid_input, no_custom_health};
use super::names;
use super::paging::{Asked, cut};
use crate::call::Call;

/// `GetInstancesHealthStatus`, by id.
///
/// # Errors
/// ServiceNotFound, InstanceNotFound, InvalidInput.
pub async fn get_instances_health_status(
    call: Call<sd::GetInstancesHealthStatus>,
) -> Result<sd::GetInstancesHealthStatusOutput, Error> {
    let input = call.input();
    let (status, next_token) = call.access().store().read(|state| {
        let service = names::service(state, call.scope(), &input.service_id)?;
        let found = match &input.instances {
            None => state.discovery_instances_of(&service.id).collect(),
            Some(ids) => {
                let mut ids = ids.clone();
                ids.sort();
                ids.dedup();
                let found = ids.iter().map(|it| names::instance(state, service, it));
                found.collect::<Result<Vec<_>, Error>>()?
            }
        };
        let asked = Asked {
            listing: format!("health of {} {:?}", service.id, input.instances),
            next_token: input.next_token.as_deref(),
            max_results: input.max_results,
        };
        let statuses = found.into_iter().map(|it| {
            let health = sd::HealthStatus::from(it.health(service).as_str());
            (it.id.clone(), (it.id.clone(), health))
        });
        cut(call.access(), &asked, statuses)
    })?;
    Ok(sd::GetInstancesHealthStatusOutput {
        next_token,
        status: Some(status.into_iter().collect()),
    })
}

/// `UpdateInstanceCustomHealthStatus`.
///
/// # Errors
/// ServiceNotFound, InstanceNotFound, CustomHealthNotFound, InvalidInput.
pub async fn update_instance_custom_health_status(
    call: Call<sd::UpdateInstanceCustomHealthStatus>,
) -> Result<sd::UpdateInstanceCustomHealthStatusOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let health = match input.status.as_str() {
        "HEALTHY" => CustomHealth::Healthy,
        "UNHEALTHY" => CustomHealth::Unhealthy,
        other => return Err(invalid_input(format!("Invalid status {other:?}"))),
    };
    let updated = call.access().store().transact(move |tx| {
        let service = names::service(tx.state(), &scope, &input.service_id)?.clone();
        let instance = names::instance(tx.state(), &service, &input.instance_id)?;
        if service.health_check != Some(HealthCheck::Custom) {
            return Err(no_custom_health());
        }
        let key = (service.id.clone(), instance.id.clone());
        transitions::set_custom_health(tx, &key, health);
        Ok(())
    });
    updated.await.map_err(from_store)?;
    Ok(sd::UpdateInstanceCustomHealthStatusOutput {})
}
