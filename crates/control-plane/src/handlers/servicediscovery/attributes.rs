//! What callers note of a service: GetServiceAttributes, UpdateServiceAttributes, DeleteServiceAttributes.

use api::servicediscovery::{self as sd, Error};
use domain::cloud_map::DiscoveryService;

use super::errors::{from_store, invalid_input};
use super::names;
use crate::call::Call;

/// Most attributes of a service.
const ATTRIBUTES_MAX: usize = 30;
/// Longest name of an attribute.
const KEY_MAX: usize = 255;
/// Longest value of an attribute.
const VALUE_MAX: usize = 1024;

/// `GetServiceAttributes`.
///
/// # Errors
/// ServiceNotFound.
pub async fn get_service_attributes(
    call: Call<sd::GetServiceAttributes>,
) -> Result<sd::GetServiceAttributesOutput, Error> {
    let found = call.access().store().read(|state| {
        let known = names::service(state, call.scope(), &call.input().service_id)?;
        Ok::<_, Error>(known.clone())
    })?;
    Ok(sd::GetServiceAttributesOutput {
        service_attributes: Some(sd::ServiceAttributes {
            attributes: Some(found.attributes.clone()),
            resource_owner: Some(found.scope.account.clone()),
            service_arn: Some(found.arn()),
        }),
    })
}

/// `UpdateServiceAttributes`: those given are added or replaced.
///
/// # Errors
/// ServiceNotFound, InvalidInput, ServiceAttributesLimitExceededException.
pub async fn update_service_attributes(
    call: Call<sd::UpdateServiceAttributes>,
) -> Result<sd::UpdateServiceAttributesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    for (key, value) in &input.attributes {
        let is_key = (1..=KEY_MAX).contains(&key.chars().count());
        if !is_key || value.chars().count() > VALUE_MAX {
            return Err(invalid_input(format!(
                "Invalid service attribute {key:?}: names have 1 to {KEY_MAX} characters, values {VALUE_MAX} at most"
            )));
        }
    }
    let updated = call.access().store().transact(move |tx| {
        let known = names::service(tx.state(), &scope, &input.service_id)?;
        let mut service = DiscoveryService::clone(known);
        service.attributes.extend(input.attributes);
        if service.attributes.len() > ATTRIBUTES_MAX {
            return Err(Error::ServiceAttributesLimitExceededException(
                sd::ServiceAttributesLimitExceededException {
                    message: Some(format!("A service can have at most {ATTRIBUTES_MAX} attributes")),
                },
            ));
        }
        tx.put(service);
        Ok(())
    });
    updated.await.map_err(from_store)?;
    Ok(sd::UpdateServiceAttributesOutput {})
}

/// `DeleteServiceAttributes`: what is not there is gone.
///
/// # Errors
/// ServiceNotFound.
pub async fn delete_service_attributes(
    call: Call<sd::DeleteServiceAttributes>,
) -> Result<sd::DeleteServiceAttributesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let deleted = call.access().store().transact(move |tx| {
        let known = names::service(tx.state(), &scope, &input.service_id)?;
        let mut service = DiscoveryService::clone(known);
        service
            .attributes
            .retain(|key, _| !input.attributes.contains(key));
        tx.put(service);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(sd::DeleteServiceAttributesOutput {})
}
