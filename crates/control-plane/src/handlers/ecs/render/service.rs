//! A service with its deployments, task sets and events.

use api::ecs;
use domain::ServiceRevisionArn;
use domain::service::{Deployment, DeploymentController, Rollout, Service, ServiceEvent, ServiceStatus};
use domain::service_deployment::ServiceRevision;
use domain::task_definition::LaunchType;
use domain::task_set::TaskSet;
use store::{State, Tally};

use super::deployment_configuration::deployment_configuration;
use super::service_deployment::counts as revision_counts;
use super::{count, named_launch_type, platform_version, task_set};
use crate::handlers::ecs::services::{load_balancers, registries, service_connect};
use crate::handlers::ecs::{capacity_providers, network, placement, tags};

/// A service; tags are shown only when asked for.
pub fn service(state: &State, it: &Service, with_tags: bool) -> ecs::Service {
    let tallies = state.service_tally(&it.arn);
    let of = |id: &str| {
        tallies
            .iter()
            .find(|(of, _)| of == id)
            .map(|(_, tally)| *tally)
            .unwrap_or_default()
    };
    let running: u32 = tallies.iter().map(|(_, tally)| tally.running).sum();
    let pending: u32 = tallies.iter().map(|(_, tally)| tally.pending).sum();
    let deployments = it.deployments.iter().enumerate();
    let deployments = deployments
        .map(|(index, deployment)| self::deployment((state, it), index, deployment, of(&deployment.id)));
    let account = it.arn.scope().account;
    ecs::Service {
        service_arn: Some(it.arn.to_string()),
        service_name: Some(it.arn.name().to_owned()),
        cluster_arn: Some(it.cluster.to_string()),
        load_balancers: Some(it.load_balancers.iter().map(load_balancers::render).collect()),
        health_check_grace_period_seconds: grace_period(it),
        service_registries: Some(it.service_registries.iter().map(registries::render).collect()),
        status: Some(it.status.as_str().to_owned()),
        desired_count: Some(count(it.desired_count)),
        running_count: Some(count(running)),
        pending_count: Some(count(pending)),
        launch_type: named_launch_type(it.launch_type, &it.capacity_provider_strategy),
        capacity_provider_strategy: capacity_providers::render_strategy(&it.capacity_provider_strategy),
        platform_version: it.platform_version.clone(),
        platform_family: (it.launch_type == LaunchType::Fargate).then(|| "Linux".to_owned()),
        task_definition: it.task_definition.as_ref().map(ToString::to_string),
        deployment_configuration: Some(deployment_configuration(
            it.deployment_configuration,
            &it.lifecycle_hooks,
            &it.deployment_alarms,
        )),
        deployments: Some(deployments.collect()),
        task_sets: task_sets(it, &tallies, with_tags),
        current_service_deployment: current_deployment(state, it),
        current_service_revisions: Some(current_revisions(state, it)),
        role_arn: Some(it.role.clone().unwrap_or_else(|| {
            format!("arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")
        })),
        events: Some(state.service_events(&it.arn).map(|it| event(it)).collect()),
        created_at: Some(it.created_at),
        created_by: Some(it.created_by.clone()),
        placement_constraints: Some(
            it.placement_constraints
                .iter()
                .map(placement::render_constraint)
                .collect(),
        ),
        placement_strategy: Some(
            it.placement_strategy
                .iter()
                .map(placement::render_strategy)
                .collect(),
        ),
        network_configuration: it.network_configuration.as_ref().map(network::render),
        scheduling_strategy: Some(it.scheduling_strategy.as_str().into()),
        deployment_controller: Some(ecs::DeploymentController {
            r#type: ecs::DeploymentControllerType::from(it.deployment_controller.as_str()),
        }),
        tags: with_tags.then(|| tags::render(&it.tags)),
        enable_ecs_managed_tags: Some(it.enable_ecs_managed_tags),
        propagate_tags: Some(ecs::PropagateTags::from(it.propagate_tags.as_str())),
        enable_execute_command: Some(it.enable_execute_command),
        availability_zone_rebalancing: Some(it.availability_zone_rebalancing.as_str().into()),
        resource_management_type: Some(ecs::ResourceManagementType::Customer),
    }
}

fn event(it: &ServiceEvent) -> ecs::ServiceEvent {
    ecs::ServiceEvent {
        id: Some(it.id.clone()),
        created_at: Some(it.created_at),
        message: Some(it.message.clone()),
    }
}

/// Absent where the service deploys by itself.
fn task_sets(it: &Service, tallies: &[(String, Tally)], with_tags: bool) -> Option<Vec<ecs::TaskSet>> {
    let render = |one: &TaskSet| {
        let mine = tallies.iter().find(|(id, _)| *id == one.id);
        task_set(
            it,
            one,
            mine.map(|(_, tally)| *tally).unwrap_or_default(),
            with_tags,
        )
    };
    match it.deployment_controller {
        DeploymentController::Ecs => None,
        DeploymentController::CodeDeploy | DeploymentController::External => {
            Some(it.task_sets.iter().map(render).collect())
        }
    }
}

/// It reads back as 0 with a load balancer, and not at all without one.
fn grace_period(it: &Service) -> Option<i32> {
    let default = (!it.load_balancers.is_empty()).then_some(0);
    it.health_check_grace_period_seconds.or(default).map(count)
}

/// The service deployment that is under way, or the last one.
fn current_deployment(state: &State, it: &Service) -> Option<String> {
    let all = state.deployments_of_service(&it.arn);
    all.first().map(|it| it.arn.to_string())
}

fn current_revisions(state: &State, it: &Service) -> Vec<ecs::ServiceCurrentRevisionSummary> {
    let mut seen: Vec<&ServiceRevisionArn> = Vec::new();
    for deployment in &it.deployments {
        if !seen.contains(&&deployment.revision) {
            seen.push(&deployment.revision);
        }
    }
    let summary = |arn: &ServiceRevisionArn| {
        let (requested, tally) = revision_counts(state, it, arn);
        ecs::ServiceCurrentRevisionSummary {
            arn: Some(arn.to_string()),
            requested_task_count: Some(count(requested)),
            running_task_count: Some(count(tally.running)),
            pending_task_count: Some(count(tally.pending)),
        }
    };
    seen.into_iter().map(summary).collect()
}

/// Tasks wanted of a deployment: a new one in stages has none before SCALE_UP, the one beside it all until CLEAN_UP.
pub fn wanted(service: &Service, index: usize) -> u32 {
    let Some(deployment) = service.deployments.get(index) else {
        return 0;
    };
    let is_wanted = match &service.lifecycle {
        Some(it) if index == 0 => it.scales_up() && deployment.rollout != Rollout::Failed,
        Some(it) => it.keeps(&deployment.id),
        None => index == 0 && deployment.rollout != Rollout::Failed,
    };
    match service.status {
        ServiceStatus::Active if is_wanted => service.desired_count,
        _ => 0,
    }
}

fn deployment(
    (state, service): (&State, &Service),
    index: usize,
    it: &Deployment,
    tally: Tally,
) -> ecs::Deployment {
    let is_primary = index == 0;
    let revision = state.get::<ServiceRevision>(&it.revision);
    let connect = revision.and_then(|it| it.service_connect.as_ref());
    let resources = revision.map_or(&[][..], |it| &it.service_connect_resources);
    // What it was made with, whatever the service has become since.
    let (launch_type, strategy, version) = match revision {
        Some(it) => (
            it.launch_type,
            &it.capacity_provider_strategy,
            &it.platform_version,
        ),
        None => (
            service.launch_type,
            &service.capacity_provider_strategy,
            &service.platform_version,
        ),
    };
    let desired_count = wanted(service, index);
    let reason = it.rollout_reason.clone().unwrap_or_else(|| match it.rollout {
        Rollout::InProgress => format!("ECS deployment {} in progress.", it.id),
        Rollout::Completed => format!("ECS deployment {} completed.", it.id),
        Rollout::Failed => format!("ECS deployment {} failed.", it.id),
    });
    ecs::Deployment {
        id: Some(it.id.clone()),
        status: Some(if is_primary { "PRIMARY" } else { "ACTIVE" }.to_owned()),
        task_definition: Some(it.task_definition.to_string()),
        desired_count: Some(count(desired_count)),
        pending_count: Some(count(tally.pending)),
        running_count: Some(count(tally.running)),
        failed_tasks: Some(count(it.failed_tasks)),
        created_at: Some(it.created_at),
        updated_at: Some(it.updated_at),
        launch_type: named_launch_type(launch_type, strategy),
        capacity_provider_strategy: capacity_providers::render_strategy(strategy),
        platform_version: platform_version(version.as_deref()),
        platform_family: (launch_type == LaunchType::Fargate).then(|| "Linux".to_owned()),
        network_configuration: it.network_configuration.as_ref().map(network::render),
        rollout_state: Some(ecs::DeploymentRolloutState::from(it.rollout.as_str())),
        rollout_state_reason: Some(reason),
        service_connect_configuration: connect.map(service_connect::render),
        service_connect_resources: service_connect::render_resources(resources),
        ..ecs::Deployment::default()
    }
}
