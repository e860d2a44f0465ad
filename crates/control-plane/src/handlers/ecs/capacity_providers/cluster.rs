//! Which capacity providers a cluster has, and its default strategy.

use api::ecs;
use domain::Scope;
use domain::cluster::ClusterCapacity;
use orchestrator::transitions;

use super::strategy;
use crate::call::Call;
use crate::handlers::ecs::errors::{self, invalid_parameter};
use crate::handlers::ecs::{names, render};

/// `PutClusterCapacityProviders`: both lists replace what was, services keep the strategy they have.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException; ResourceInUseException for taking away what tasks or services
/// run on.
pub async fn put_cluster_capacity_providers(
    call: Call<ecs::PutClusterCapacityProviders>,
) -> Result<ecs::PutClusterCapacityProvidersOutput, ecs::Error> {
    let input = call.input();
    let arn = names::cluster(call.scope(), Some(&input.cluster))?;
    let capacity = associations(
        call.scope(),
        &input.capacity_providers,
        &input.default_capacity_provider_strategy,
    )?;
    let store = call.access().store();
    let put = store
        .transact(move |tx| transitions::put_cluster_capacity_providers(tx, &arn, capacity))
        .await;
    let cluster = put.map_err(errors::from_store)?;
    let include = [ecs::ClusterField::Settings, ecs::ClusterField::Configurations];
    Ok(ecs::PutClusterCapacityProvidersOutput {
        cluster: Some(store.read(|state| render::cluster(state, &cluster, &include))),
    })
}

/// Both lists of a request. Whether the capacity providers are there is for the transaction to say.
///
/// # Errors
/// InvalidParameterException.
pub fn associations(
    scope: &Scope,
    providers: &[String],
    strategy: &[ecs::CapacityProviderStrategyItem],
) -> Result<ClusterCapacity, ecs::Error> {
    let mut named: Vec<String> = Vec::new();
    for given in providers {
        let name = names::capacity_provider(scope, given)?;
        if named.contains(&name) {
            return Err(invalid_parameter(format!(
                "The specified capacity providers cannot contain duplicates: {name:?} is there twice."
            )));
        }
        named.push(name);
    }
    let items = strategy::items(scope, strategy)?;
    strategy::require_associated(&named, &items)?;
    Ok(ClusterCapacity {
        providers: named,
        default_strategy: items,
    })
}
