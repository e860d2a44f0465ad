//! CreateCapacityProvider, UpdateCapacityProvider and DeleteCapacityProvider.

use api::ecs;
use domain::CapacityProviderArn;
use domain::capacity_provider::{CapacityProvider, CapacityProviderStatus, is_fargate};
use orchestrator::transitions::{self, CapacityProviderRefusal};
use store::TransactError;

use super::{IN_USE, NOT_FOUND, parse};
use crate::call::Call;
use crate::handlers::ecs::errors::{self, client, unsupported};
use crate::handlers::ecs::{names, render, tags};

/// `CreateCapacityProvider` of an Auto Scaling group. There are no groups yet: the one that is named is kept unseen.
///
/// # Errors
/// ClientException in Amazon's words; UnsupportedFeatureException for managed instances.
pub async fn create_capacity_provider(
    call: Call<ecs::CreateCapacityProvider>,
) -> Result<ecs::CreateCapacityProviderOutput, ecs::Error> {
    let input = call.input();
    parse::name(&input.name)?;
    let group = match (
        &input.auto_scaling_group_provider,
        &input.managed_instances_provider,
    ) {
        (Some(group), None) => parse::group(group)?,
        (None, Some(_)) => return Err(unsupported("managedInstancesProvider")),
        _ => {
            return Err(client(
                "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified.",
            ));
        }
    };
    refuse_cluster(input.cluster.as_deref())?;
    let new = CapacityProvider {
        arn: CapacityProviderArn::of(call.scope(), &input.name),
        status: CapacityProviderStatus::Active,
        update_status: None,
        auto_scaling_group: group,
        tags: tags::parse(input.tags.as_deref())?,
    };
    let created = call
        .access()
        .store()
        .transact(move |tx| transitions::create_capacity_provider(tx, new))
        .await;
    let created = created.map_err(errors::from_store)?;
    Ok(ecs::CreateCapacityProviderOutput {
        capacity_provider: Some(render::capacity_provider(&created, true)),
    })
}

/// Only those of managed instances belong to a cluster.
fn refuse_cluster(given: Option<&str>) -> Result<(), ecs::Error> {
    match given {
        None => Ok(()),
        Some(_) => Err(client(
            "The cluster parameter is only supported for capacity providers of managed instances.",
        )),
    }
}

/// `UpdateCapacityProvider`: members that are not given stay.
///
/// # Errors
/// ClientException; UnsupportedFeatureException for managed instances.
pub async fn update_capacity_provider(
    call: Call<ecs::UpdateCapacityProvider>,
) -> Result<ecs::UpdateCapacityProviderOutput, ecs::Error> {
    let input = call.input();
    let name = names::capacity_provider(call.scope(), &input.name)?;
    if is_fargate(&name) {
        return Err(client(format!(
            "The specified capacity provider is reserved and cannot be updated: {name}."
        )));
    }
    let change = match (
        &input.auto_scaling_group_provider,
        &input.managed_instances_provider,
    ) {
        (Some(change), None) => parse::change(change)?,
        (None, Some(_)) => return Err(unsupported("managedInstancesProvider")),
        _ => {
            return Err(client(
                "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified.",
            ));
        }
    };
    refuse_cluster(input.cluster.as_deref())?;
    let arn = CapacityProviderArn::of(call.scope(), &name);
    let updated = call
        .access()
        .store()
        .transact(move |tx| transitions::update_capacity_provider(tx, &arn, change))
        .await;
    let updated = updated.map_err(refused)?;
    Ok(ecs::UpdateCapacityProviderOutput {
        capacity_provider: Some(render::capacity_provider(&updated, true)),
    })
}

/// `DeleteCapacityProvider`: only one that no cluster has.
///
/// # Errors
/// ClientException.
pub async fn delete_capacity_provider(
    call: Call<ecs::DeleteCapacityProvider>,
) -> Result<ecs::DeleteCapacityProviderOutput, ecs::Error> {
    let input = call.input();
    let name = names::capacity_provider(call.scope(), &input.capacity_provider)?;
    if is_fargate(&name) {
        return Err(client(format!(
            "The specified capacity provider is reserved and cannot be deleted: {name}. Disassociate it from the cluster \
             instead."
        )));
    }
    refuse_cluster(input.cluster.as_deref())?;
    let arn = CapacityProviderArn::of(call.scope(), &name);
    let deleted = call
        .access()
        .store()
        .transact(move |tx| transitions::delete_capacity_provider(tx, &arn))
        .await;
    let deleted = deleted.map_err(refused)?;
    Ok(ecs::DeleteCapacityProviderOutput {
        capacity_provider: Some(render::capacity_provider(&deleted, true)),
    })
}

/// Neither operation models ResourceInUseException.
fn refused(error: TransactError<CapacityProviderRefusal>) -> ecs::Error {
    match error {
        TransactError::Refused(CapacityProviderRefusal::InUse(_)) => client(format!(
            "{IN_USE} Disassociate it from all clusters with PutClusterCapacityProviders first."
        )),
        TransactError::Refused(CapacityProviderRefusal::NotFound(_)) => client(NOT_FOUND),
        other => errors::from_store(other),
    }
}
