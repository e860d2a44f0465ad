//! Service deployments and service revisions.

use api::ecs;
use domain::ServiceRevisionArn;
use domain::deployment_lifecycle::LifecycleStage;
use domain::deployment_strategy::{ALL_TRAFFIC, Weight};
use domain::lifecycle_hook::HookRun;
use domain::service::Service;
use domain::service_deployment::{ServiceDeployment, ServiceRevision};
use domain::task_definition::{LaunchType, TaskDefinition};
use store::{State, Tally};

use super::deployment_configuration::{deployment_configuration, percent, target_type};
use super::service::wanted;
use super::{count, named_launch_type, platform_version};
use crate::handlers::ecs::services::{load_balancers, registries, service_connect};
use crate::handlers::ecs::{capacity_providers, network};

/// A service deployment with what its revisions have now.
pub fn service_deployment(state: &State, it: &ServiceDeployment) -> ecs::ServiceDeployment {
    let service = state.get::<Service>(&it.service);
    let lifecycle = service.and_then(|service| service.lifecycle.as_ref().filter(|_| it.is_under_way()));
    // of several revisions before it, one has the traffic
    let blue = service.zip(lifecycle).and_then(|(service, lifecycle)| {
        let mut deployments = service.deployments.iter();
        deployments.find(|it| lifecycle.blue.as_ref() == Some(&it.id))
    });
    let share = |arn: &ServiceRevisionArn, weight: Weight| match *arn == it.target {
        true => percent(weight),
        false if blue.is_none_or(|it| it.revision == *arn) => percent(ALL_TRAFFIC - weight),
        false => percent(0),
    };
    let summary = |arn: &ServiceRevisionArn| {
        let (requested, tally) = service.map_or((0, Tally::default()), |it| counts(state, it, arn));
        ecs::ServiceRevisionSummary {
            arn: Some(arn.to_string()),
            requested_task_count: Some(count(requested)),
            running_task_count: Some(count(tally.running)),
            pending_task_count: Some(count(tally.pending)),
            requested_test_traffic_weight: lifecycle.map(|it| share(arn, it.test_weight)),
            requested_production_traffic_weight: lifecycle.map(|it| share(arn, it.production_weight)),
        }
    };
    ecs::ServiceDeployment {
        service_deployment_arn: Some(it.arn.to_string()),
        service_arn: Some(it.service.to_string()),
        cluster_arn: Some(it.service.cluster().to_string()),
        created_at: Some(it.created_at),
        started_at: Some(it.created_at),
        updated_at: Some(it.updated_at),
        finished_at: it.finished_at,
        stopped_at: it.stopped_at,
        source_service_revisions: Some(it.sources.iter().map(summary).collect()),
        target_service_revision: Some(summary(&it.target)),
        status: Some(ecs::ServiceDeploymentStatus::from(it.status.as_str())),
        status_reason: it.status_reason.clone(),
        rollback: it.rollback.as_ref().map(|it| ecs::Rollback {
            reason: Some(it.reason.clone()),
            service_revision_arn: Some(it.revision.to_string()),
            started_at: Some(it.started_at),
        }),
        deployment_configuration: Some(deployment_configuration(
            it.deployment_configuration,
            &it.lifecycle_hooks,
            &it.deployment_alarms,
        )),
        deployment_circuit_breaker: Some(circuit_breaker(service.map(AsRef::as_ref), it)),
        alarms: Some(ecs::ServiceDeploymentAlarms {
            status: Some(ecs::ServiceDeploymentRollbackMonitorsStatus::Disabled),
            alarm_names: Some(it.deployment_alarms.names.clone()),
            triggered_alarm_names: Some(Vec::new()),
        }),
        lifecycle_stage: lifecycle.map(|it| ecs::ServiceDeploymentLifecycleStage::from(shown(it.stage))),
        lifecycle_hook_details: lifecycle.map(|it| it.hooks.iter().map(hook).collect()),
    }
}

/// What comes before a shift of traffic is a stage for hooks only.
fn shown(stage: LifecycleStage) -> &'static str {
    match stage {
        LifecycleStage::PreProductionTrafficShift => LifecycleStage::ProductionTrafficShift.as_str(),
        stage => stage.as_str(),
    }
}

fn hook(it: &HookRun) -> ecs::DeploymentLifecycleHookDetail {
    ecs::DeploymentLifecycleHookDetail {
        hook_id: Some(it.id.clone()),
        target_type: Some(target_type(&it.hook.target)),
        target_arn: it.hook.target.arn(),
        status: Some(ecs::DeploymentLifecycleHookStatus::from(it.status.as_str())),
        expires_at: Some(it.expires_at),
        timeout_action: Some(ecs::DeploymentLifecycleHookAction::from(
            it.hook.action().as_str(),
        )),
    }
}

/// What the circuit breaker has counted, and what it does.
fn circuit_breaker(
    service: Option<&Service>,
    it: &ServiceDeployment,
) -> ecs::ServiceDeploymentCircuitBreaker {
    use ecs::ServiceDeploymentRollbackMonitorsStatus::{Disabled, Monitoring, MonitoringComplete, Triggered};
    let breaker = it.deployment_configuration.circuit_breaker;
    let counted = || {
        let mut deployments = service?.deployments.iter();
        let mine = deployments.find(|deployment| deployment.revision == it.target);
        mine.map(|it| it.failed_tasks)
    };
    let (status, failures) = match it.circuit_breaker_failures {
        Some(failures) => (Triggered, failures),
        None if !breaker.enable => (Disabled, 0),
        None if it.is_under_way() => (Monitoring, counted().unwrap_or_default()),
        None => (MonitoringComplete, 0),
    };
    let desired_count = service.map_or(0, |it| it.desired_count);
    ecs::ServiceDeploymentCircuitBreaker {
        status: Some(status),
        failure_count: Some(count(failures)),
        threshold: Some(count(breaker.threshold(desired_count))),
    }
}

/// Tasks wanted of a revision, and those that it has.
pub fn counts(state: &State, service: &Service, revision: &ServiceRevisionArn) -> (u32, Tally) {
    let mut sum = Tally::default();
    let mut requested = 0;
    let tallies = state.service_tally(&service.arn);
    for (index, deployment) in service.deployments.iter().enumerate() {
        if deployment.revision != *revision {
            continue;
        }
        requested = requested.max(wanted(service, index));
        for (_, tally) in tallies.iter().filter(|(id, _)| *id == deployment.id) {
            sum.running += tally.running;
            sum.pending += tally.pending;
        }
    }
    (requested, sum)
}

/// The line of a listing.
pub fn service_deployment_brief(it: &ServiceDeployment) -> ecs::ServiceDeploymentBrief {
    ecs::ServiceDeploymentBrief {
        service_deployment_arn: Some(it.arn.to_string()),
        service_arn: Some(it.service.to_string()),
        cluster_arn: Some(it.service.cluster().to_string()),
        created_at: Some(it.created_at),
        started_at: Some(it.created_at),
        finished_at: it.finished_at,
        target_service_revision_arn: Some(it.target.to_string()),
        status: Some(ecs::ServiceDeploymentStatus::from(it.status.as_str())),
        status_reason: it.status_reason.clone(),
    }
}

/// Which group each load balancer of a revision uses, if there are any.
fn resolved(it: &ServiceRevision) -> Option<ecs::ResolvedConfiguration> {
    let places = it.load_balancers.iter().zip(&it.target_groups);
    // Of a classic one there is nothing to tell.
    let places = places.filter(|(_, behind)| behind.target_group().is_some());
    let resolved = places.map(|(it, group)| {
        let rule = it.advanced.as_ref().map(|it| &it.production_listener_rule);
        ecs::ServiceRevisionLoadBalancer {
            target_group_arn: group.target_group().map(ToString::to_string),
            production_listener_rule: rule.map(|it| it.as_str().to_owned()),
        }
    });
    let resolved: Vec<_> = resolved.collect();
    (!resolved.is_empty()).then_some(ecs::ResolvedConfiguration {
        load_balancers: Some(resolved),
    })
}

/// A service revision.
pub fn service_revision(state: &State, it: &ServiceRevision) -> ecs::ServiceRevision {
    let images = |definition: &TaskDefinition| {
        let containers = definition.containers.iter();
        let images = containers.map(|container| ecs::ContainerImage {
            container_name: Some(container.name.clone()),
            image: Some(container.image.clone()),
            image_digest: it.image_digests.get(&container.name).cloned(),
        });
        images.collect()
    };
    let definition = state.get::<TaskDefinition>(&it.task_definition);
    ecs::ServiceRevision {
        service_revision_arn: Some(it.arn.to_string()),
        service_arn: Some(it.service.to_string()),
        cluster_arn: Some(it.service.cluster().to_string()),
        task_definition: Some(it.task_definition.to_string()),
        launch_type: named_launch_type(it.launch_type, &it.capacity_provider_strategy),
        capacity_provider_strategy: capacity_providers::render_strategy(&it.capacity_provider_strategy),
        platform_version: platform_version(it.platform_version.as_deref()),
        platform_family: (it.launch_type == LaunchType::Fargate).then(|| "Linux".to_owned()),
        load_balancers: Some(it.load_balancers.iter().map(load_balancers::render).collect()),
        resolved_configuration: resolved(it),
        service_registries: Some(it.service_registries.iter().map(registries::render).collect()),
        service_connect_configuration: it.service_connect.as_ref().map(service_connect::render),
        network_configuration: it.network_configuration.as_ref().map(network::render),
        container_images: definition.map(|it| images(it)),
        guard_duty_enabled: Some(false),
        created_at: Some(it.created_at),
        ..ecs::ServiceRevision::default()
    }
}
