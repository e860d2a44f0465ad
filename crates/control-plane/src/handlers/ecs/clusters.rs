//! Clusters.

mod configuration;
mod update;

use api::ecs;
use domain::ClusterArn;
use domain::cluster::{Cluster, ClusterStatus};
use orchestrator::transitions::{self, NewCluster};
use store::State;

use super::errors::{self, FromRefusal, invalid_parameter};
use super::{capacity_providers, listing, names, render, tags};
use crate::call::Call;

pub use configuration::render as render_configuration;
pub use update::{update_cluster, update_cluster_settings};

#[cfg(test)]
mod tests;

/// Most clusters of one DescribeClusters.
const DESCRIBED_MAX: usize = 100;

/// `CreateCluster`: one that is there is returned unchanged, one that was deleted is made anew.
///
/// # Errors
/// InvalidParameterException; NamespaceNotFoundException.
pub async fn create_cluster(call: Call<ecs::CreateCluster>) -> Result<ecs::CreateClusterOutput, ecs::Error> {
    let input = call.input();
    let name = input.cluster_name.as_deref();
    if name.is_some_and(|it| !names::is_name(it)) {
        return Err(invalid_parameter(
            "Cluster name must contain only letters, numbers, hyphens and underscores, 255 at most.",
        ));
    }
    let settings = input.settings.as_deref().filter(|it| !it.is_empty());
    let mut new = NewCluster {
        arn: names::cluster(call.scope(), name)?,
        settings: settings.map(configuration::settings).transpose()?,
        configuration: configuration::parse(input.configuration.as_ref())?,
        capacity: capacity_providers::associations(
            call.scope(),
            input.capacity_providers.as_deref().unwrap_or_default(),
            input
                .default_capacity_provider_strategy
                .as_deref()
                .unwrap_or_default(),
        )?,
        service_connect_namespace: None,
        tags: tags::parse(input.tags.as_deref())?,
        principal: call.caller().arn(),
    };
    let connect = input.service_connect_defaults.clone();
    let store = call.access().store();
    let created = store
        .transact(move |tx| -> Result<_, ecs::Error> {
            let state = tx.state();
            transitions::require_capacity_providers(state, &new.arn.scope(), &new.capacity)
                .map_err(ecs::Error::from_refusal)?;
            refuse_other_capacity(state, &new)?;
            let scope = new.arn.scope();
            let namespace = configuration::service_connect_namespace(tx, &scope, connect.as_ref())?;
            new.service_connect_namespace = namespace.filter(|it| !it.is_empty());
            transitions::create_cluster(tx, new).map_err(ecs::Error::from_refusal)
        })
        .await;
    let cluster = created.map_err(errors::from_store)?;
    let include = [
        ecs::ClusterField::Attachments,
        ecs::ClusterField::Settings,
        ecs::ClusterField::Configurations,
        ecs::ClusterField::Tags,
    ];
    Ok(ecs::CreateClusterOutput {
        cluster: Some(store.read(|state| render::cluster(state, &cluster, &include))),
    })
}

/// An ACTIVE cluster cannot get other capacity providers this way.
/// <https://github.com/hashicorp/terraform/issues/24615>
fn refuse_other_capacity(state: &State, new: &NewCluster) -> Result<(), ecs::Error> {
    let known = state.get::<Cluster>(&new.arn);
    let known = known.filter(|it| it.status == ClusterStatus::Active);
    match known {
        Some(known) if !new.capacity.is_empty() && known.capacity != new.capacity => Err(invalid_parameter(
            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
        )),
        _ => Ok(()),
    }
}

/// `DescribeClusters`: one of another account or region is not here, which is no error.
///
/// # Errors
/// InvalidParameterException for what can name no cluster, or too many.
pub async fn describe_clusters(
    call: Call<ecs::DescribeClusters>,
) -> Result<ecs::DescribeClustersOutput, ecs::Error> {
    let input = call.input();
    let given = input.clusters.as_deref().unwrap_or_default();
    if given.len() > DESCRIBED_MAX {
        return Err(invalid_parameter(format!(
            "clusters can have at most {DESCRIBED_MAX} items."
        )));
    }
    let scope = call.scope();
    let is_elsewhere = |it: &&String| ClusterArn::parse(it).is_ok_and(|arn| arn.scope() != *scope);
    let (elsewhere, given_here): (Vec<&String>, Vec<&String>) = given.iter().partition(is_elsewhere);
    let arns = match given {
        [] => vec![names::cluster(scope, None)?],
        _ => {
            let arns = given_here.into_iter().map(|it| names::cluster(scope, Some(it)));
            arns.collect::<Result<Vec<_>, _>>()?
        }
    };
    let include = input.include.as_deref().unwrap_or_default();
    let words = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"];
    listing::require_word("include", include.iter().map(ecs::ClusterField::as_str), &words)?;
    let (clusters, failures) = call.access().store().read(|state| {
        let (found, mut failures) = listing::found::<Cluster>(state, &arns);
        failures.extend(elsewhere.into_iter().map(render::missing));
        let clusters = found.into_iter().map(|it| render::cluster(state, it, include));
        (clusters.collect(), failures)
    });
    Ok(ecs::DescribeClustersOutput {
        clusters: Some(clusters),
        failures: Some(failures),
    })
}

/// `ListClusters`: the ACTIVE ones.
///
/// # Errors
/// InvalidParameterException for a bad token or page size.
pub async fn list_clusters(call: Call<ecs::ListClusters>) -> Result<ecs::ListClustersOutput, ecs::Error> {
    let input = call.input();
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let scope = call.scope();
    let key = call.access().page_key();
    let (arns, next_token) = call.access().store().read(|state| {
        let active = state
            .all::<Cluster>()
            .filter(|it| it.status == ClusterStatus::Active && it.arn.scope() == *scope);
        let items = active.map(|it| (it.arn.to_string(), it.arn.to_string()));
        listing::list(
            key,
            listing::HUNDRED,
            &wanted,
            &format!("clusters {scope:?}"),
            items,
        )
    })?;
    Ok(ecs::ListClustersOutput {
        cluster_arns: Some(arns),
        next_token,
    })
}

/// `DeleteCluster`: refused while anything is in it.
///
/// # Errors
/// ClusterNotFoundException; ClusterContains…Exception.
pub async fn delete_cluster(call: Call<ecs::DeleteCluster>) -> Result<ecs::DeleteClusterOutput, ecs::Error> {
    let arn = names::cluster(call.scope(), Some(&call.input().cluster))?;
    let store = call.access().store();
    let deleted = store
        .transact(move |tx| transitions::delete_cluster(tx, &arn))
        .await;
    let cluster = deleted.map_err(errors::from_store)?;
    Ok(ecs::DeleteClusterOutput {
        cluster: Some(store.read(|state| render::cluster(state, &cluster, &[]))),
    })
}

/// An ACTIVE cluster.
///
/// # Errors
/// ClusterNotFoundException.
pub fn require_active(state: &State, arn: &ClusterArn) -> Result<(), ecs::Error> {
    match state.get::<Cluster>(arn) {
        Some(cluster) if cluster.status == ClusterStatus::Active => Ok(()),
        Some(_) => Err(errors::cluster_inactive()),
        None => Err(errors::cluster_not_found()),
    }
}
