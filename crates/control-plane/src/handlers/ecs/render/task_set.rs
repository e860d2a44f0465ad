//! A task set of a service.

use api::ecs;
use domain::service::{DeploymentController, Service};
use domain::task_definition::LaunchType;
use domain::task_set::TaskSet;
use store::Tally;

use super::{count, named_launch_type, platform_version};
use crate::handlers::ecs::services::{load_balancers, registries};
use crate::handlers::ecs::{capacity_providers, network, tags};

/// A task set with its counts; tags are shown only when asked for.
pub fn task_set(service: &Service, it: &TaskSet, tally: Tally, with_tags: bool) -> ecs::TaskSet {
    let arn: domain::TaskSetArn = service.arn.part(&it.id);
    ecs::TaskSet {
        id: Some(it.id.clone()),
        task_set_arn: Some(arn.to_string()),
        service_arn: Some(service.arn.to_string()),
        cluster_arn: Some(service.cluster.to_string()),
        // Only of those that CodeDeploy has made.
        started_by: (service.deployment_controller == DeploymentController::CodeDeploy
            && it.external_id.is_some())
        .then(|| "CODE_DEPLOY".to_owned()),
        external_id: it.external_id.clone(),
        status: Some(it.status.as_str().to_owned()),
        task_definition: Some(it.task_definition.to_string()),
        computed_desired_count: Some(count(it.computed_desired_count(service.desired_count))),
        pending_count: Some(count(tally.pending)),
        running_count: Some(count(tally.running)),
        created_at: Some(it.created_at),
        updated_at: Some(it.updated_at),
        launch_type: named_launch_type(it.launch_type, &it.capacity_provider_strategy),
        capacity_provider_strategy: capacity_providers::render_strategy(&it.capacity_provider_strategy),
        platform_version: platform_version(it.platform_version.as_deref()),
        platform_family: (it.launch_type == LaunchType::Fargate).then(|| "Linux".to_owned()),
        network_configuration: it.network_configuration.as_ref().map(network::render),
        load_balancers: Some(it.load_balancers.iter().map(load_balancers::render).collect()),
        service_registries: Some(it.service_registries.iter().map(registries::render).collect()),
        scale: Some(ecs::Scale {
            value: Some(it.scale.percent()),
            unit: Some(ecs::ScaleUnit::Percent),
        }),
        stability_status: Some(ecs::StabilityStatus::from(it.stability.as_str())),
        stability_status_at: Some(it.stability_at),
        tags: with_tags.then(|| tags::render(&it.tags)),
        ..ecs::TaskSet::default()
    }
}
