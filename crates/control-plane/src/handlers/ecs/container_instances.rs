//! Container instances.

mod state;

use api::ecs;
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use orchestrator::transitions;

use super::clusters::require_active;
use super::errors::{self, invalid_parameter};
use super::{listing, names, placement, render};
use crate::call::Call;

pub use state::{update_container_agent, update_container_instances_state};

#[cfg(test)]
mod tests;

/// Most container instances of one DescribeContainerInstances.
const DESCRIBED_MAX: usize = 100;

/// `DescribeContainerInstances`.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for none or too many.
pub async fn describe_container_instances(
    call: Call<ecs::DescribeContainerInstances>,
) -> Result<ecs::DescribeContainerInstancesOutput, ecs::Error> {
    let input = call.input();
    let given = &input.container_instances;
    if given.is_empty() || given.len() > DESCRIBED_MAX {
        return Err(invalid_parameter(format!(
            "containerInstances must have 1 to {DESCRIBED_MAX} items."
        )));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arns = given
        .iter()
        .map(|it| names::container_instance(&cluster, it))
        .collect::<Result<Vec<_>, _>>()?;
    let include = input.include.as_deref().unwrap_or_default();
    let words = ["TAGS", "CONTAINER_INSTANCE_HEALTH"];
    listing::require_word("include", include.iter().map(|it| it.as_str()), &words)?;
    call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let (found, failures) = listing::found::<ContainerInstance>(state, &arns);
        let found = found
            .into_iter()
            .map(|it| render::container_instance(state, it, include));
        Ok(ecs::DescribeContainerInstancesOutput {
            container_instances: Some(found.collect()),
            failures: Some(failures),
        })
    })
}

/// `ListContainerInstances`: ACTIVE and DRAINING ones unless told.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for a filter that is no expression, a bad token or page size.
pub async fn list_container_instances(
    call: Call<ecs::ListContainerInstances>,
) -> Result<ecs::ListContainerInstancesOutput, ecs::Error> {
    let input = call.input();
    let filter = placement::filter(input.filter.as_deref())?;
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let status = input.status.as_ref().map(|it| it.as_str());
    let words = [
        "ACTIVE",
        "DRAINING",
        "REGISTERING",
        "DEREGISTERING",
        "REGISTRATION_FAILED",
    ];
    listing::require_word("status", status, &words)?;
    let matches = |it: &ContainerInstance| match status {
        Some(status) => it.status.as_str() == status,
        None => it.status != ContainerInstanceStatus::Inactive,
    };
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let key = call.access().page_key();
    let (arns, next_token) = call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let found = state.container_instances_of_cluster(&cluster).filter(|it| {
            matches(it)
                && filter
                    .as_ref()
                    .is_none_or(|filter| placement::is_meant(state, it, filter))
        });
        let items = found.map(|it| (it.arn.to_string(), it.arn.to_string()));
        listing::list(
            key,
            listing::HUNDRED,
            &wanted,
            &format!("container-instances {cluster} {status:?} {:?}", input.filter),
            items,
        )
    })?;
    Ok(ecs::ListContainerInstancesOutput {
        container_instance_arns: Some(arns),
        next_token,
    })
}

/// `DeregisterContainerInstance`: refused while tasks run there, unless forced; then they are stopped.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException while tasks run; ClientException for an unknown one.
pub async fn deregister_container_instance(
    call: Call<ecs::DeregisterContainerInstance>,
) -> Result<ecs::DeregisterContainerInstanceOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arn = names::container_instance(&cluster, &input.container_instance)?;
    let store = call.access().store();
    store.read(|state| require_active(state, &cluster))?;
    let force = if input.force == Some(true) {
        transitions::Deregistration::Forced
    } else {
        transitions::Deregistration::WhenEmpty
    };
    let deregistered = store
        .transact(move |tx| transitions::deregister_container_instance(tx, &arn, force))
        .await;
    let it = deregistered.map_err(errors::from_store)?;
    tracing::warn!(
        container_instance = %it.arn,
        "deregistered: its host gets no more tasks; start Gantry again there to register it anew"
    );
    let rendered = store.read(|state| render::container_instance(state, &it, &[]));
    Ok(ecs::DeregisterContainerInstanceOutput {
        container_instance: Some(rendered),
    })
}
