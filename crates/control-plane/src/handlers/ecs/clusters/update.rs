//! UpdateCluster and UpdateClusterSettings.

use api::ecs;
use domain::ClusterArn;
use orchestrator::transitions::{self, ClusterChange, ClusterNotFound};

use super::configuration;
use crate::call::{Authorized, Call};
use crate::handlers::ecs::errors::{self, FromRefusal, cluster_not_found, invalid_parameter};
use crate::handlers::ecs::{names, render};

impl FromRefusal<ClusterNotFound> for ecs::Error {
    fn from_refusal(ClusterNotFound: ClusterNotFound) -> Self {
        cluster_not_found()
    }
}

/// `UpdateCluster`: what is given replaces what was.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException; NamespaceNotFoundException.
pub async fn update_cluster(call: Call<ecs::UpdateCluster>) -> Result<ecs::UpdateClusterOutput, ecs::Error> {
    let input = call.input();
    let arn = names::cluster(call.scope(), Some(&input.cluster))?;
    let given = input.configuration.as_ref();
    let change = ClusterChange {
        settings: input
            .settings
            .as_deref()
            .map(configuration::settings)
            .transpose()?,
        configuration: given.map(|it| configuration::parse(Some(it))).transpose()?,
        service_connect_namespace: None,
    };
    let connect = input.service_connect_defaults.clone();
    Ok(ecs::UpdateClusterOutput {
        cluster: Some(update(call.access(), arn, change, connect).await?),
    })
}

/// `UpdateClusterSettings`: `containerInsights`, and Gantry's `instanceRebalancing`.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for none, another name or another value.
pub async fn update_cluster_settings(
    call: Call<ecs::UpdateClusterSettings>,
) -> Result<ecs::UpdateClusterSettingsOutput, ecs::Error> {
    let input = call.input();
    let arn = names::cluster(call.scope(), Some(&input.cluster))?;
    if input.settings.is_empty() {
        return Err(invalid_parameter("Settings cannot be empty."));
    }
    let change = ClusterChange {
        settings: Some(configuration::settings(&input.settings)?),
        configuration: None,
        service_connect_namespace: None,
    };
    Ok(ecs::UpdateClusterSettingsOutput {
        cluster: Some(update(call.access(), arn, change, None).await?),
    })
}

async fn update(
    access: &Authorized,
    arn: ClusterArn,
    mut change: ClusterChange,
    connect: Option<ecs::ClusterServiceConnectDefaultsRequest>,
) -> Result<ecs::Cluster, ecs::Error> {
    let store = access.store();
    let updated = store
        .transact(move |tx| -> Result<_, ecs::Error> {
            let connect = connect.as_ref();
            change.service_connect_namespace =
                configuration::service_connect_namespace(tx, &arn.scope(), connect)?;
            transitions::update_cluster(tx, &arn, change).map_err(ecs::Error::from_refusal)
        })
        .await;
    let cluster = updated.map_err(errors::from_store)?;
    let include = [
        ecs::ClusterField::Attachments,
        ecs::ClusterField::Settings,
        ecs::ClusterField::Configurations,
    ];
    Ok(store.read(|state| render::cluster(state, &cluster, &include)))
}
