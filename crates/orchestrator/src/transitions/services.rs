//! Services as records. Their tasks are the business of the `service_deployments` controller.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::capacity_provider::{Capacity, CapacityProviderStrategyItem};
use domain::cluster::{Cluster, ClusterStatus};
use domain::lifecycle_hook::LifecycleHook;
use domain::placement::{PlacementConstraint, PlacementStrategy};
use domain::service::{
    DeploymentAlarms, DeploymentConfiguration, DeploymentController, PropagateTags, SERVICE_EVENTS_KEPT,
    Service, ServiceEvent, ServiceStatus,
};
use domain::service_action::{ServiceAction, ServiceActionName};
use domain::service_connect::ServiceConnectConfiguration;
use domain::service_load_balancer::ServiceLoadBalancer;
use domain::service_registry::ServiceRegistry;
use domain::service_scheduling::{AvailabilityZoneRebalancing, Balance, SchedulingStrategy};
use domain::tags::Pair;
use domain::task::NetworkConfiguration;
use domain::task_definition::LaunchType;
use domain::{ServiceArn, TaskDefinitionArn, TaskSetArn};
use store::Tx;

use super::service_connect::{self, ServiceConnectRefusal};
use super::{deployment_lifecycles, service_deployments, task_sets};

/// What CreateService asks for.
#[derive(Clone, Debug)]
pub struct NewService {
    /// Its name.
    pub arn: ServiceArn,
    /// How many tasks.
    pub desired_count: u32,
    /// How many that is, if not as many as are desired.
    pub scheduling_strategy: SchedulingStrategy,
    /// Who decides which of them run what.
    pub deployment_controller: DeploymentController,
    /// On what.
    pub launch_type: LaunchType,
    /// How they are divided, if by a strategy.
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// FARGATE only.
    pub platform_version: Option<String>,
    /// What they run; nothing with the EXTERNAL deployment controller.
    pub task_definition: Option<TaskDefinitionArn>,
    /// Bounds.
    pub deployment_configuration: DeploymentConfiguration,
    /// Who is asked before a deployment leaves a stage.
    pub lifecycle_hooks: Vec<LifecycleHook>,
    /// As given; none of them is watched.
    pub deployment_alarms: DeploymentAlarms,
    /// In `awsvpc`.
    pub network_configuration: Option<NetworkConfiguration>,
    /// Who sends requests to tasks.
    pub load_balancers: Vec<ServiceLoadBalancer>,
    /// ARN of the role by which that is reached, if one was given.
    pub role: Option<String>,
    /// Where tasks are registered with Cloud Map.
    pub service_registries: Vec<ServiceRegistry>,
    /// How it takes part in Service Connect; its namespace is there.
    pub service_connect: Option<ServiceConnectConfiguration>,
    /// For so many seconds from its start, a task may be unhealthy.
    pub health_check_grace_period_seconds: Option<u32>,
    /// Where tasks may go.
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Where they go best.
    pub placement_strategy: Vec<PlacementStrategy>,
    /// Whether tasks move to be spread over availability zones.
    pub availability_zone_rebalancing: AvailabilityZoneRebalancing,
    /// ARN of the caller.
    pub created_by: String,
    /// Whose tags tasks get.
    pub propagate_tags: PropagateTags,
    /// As given.
    pub enable_ecs_managed_tags: bool,
    /// As given.
    pub enable_execute_command: bool,
    /// As given.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: Vec<Pair>,
}

/// What UpdateService changes; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct ServiceChange {
    /// How many tasks.
    pub desired_count: Option<u32>,
    /// What they run.
    pub task_definition: Option<TaskDefinitionArn>,
    /// Bounds.
    pub deployment_configuration: Option<DeploymentConfiguration>,
    /// Who is asked; from the next stage on.
    pub lifecycle_hooks: Option<Vec<LifecycleHook>>,
    /// As given.
    pub deployment_alarms: Option<DeploymentAlarms>,
    /// In `awsvpc`.
    pub network_configuration: Option<NetworkConfiguration>,
    /// Who sends requests to tasks.
    pub load_balancers: Option<Vec<ServiceLoadBalancer>>,
    /// Where tasks are registered with Cloud Map.
    pub service_registries: Option<Vec<ServiceRegistry>>,
    /// How it takes part in Service Connect.
    pub service_connect: Option<ServiceConnectConfiguration>,
    /// For so many seconds from its start, a task may be unhealthy; holds at once, without a new deployment.
    pub health_check_grace_period_seconds: Option<u32>,
    /// Where tasks may go; holds for the next task, without a new deployment.
    pub placement_constraints: Option<Vec<PlacementConstraint>>,
    /// Where they go best; likewise.
    pub placement_strategy: Option<Vec<PlacementStrategy>>,
    /// Whether tasks move to be spread over availability zones.
    pub availability_zone_rebalancing: Option<AvailabilityZoneRebalancing>,
    /// On what; takes a platform version away that no longer means anything.
    pub capacity: Option<Capacity>,
    /// FARGATE only.
    pub platform_version: Option<String>,
    /// Whose tags tasks get; holds for the next task, without a new deployment.
    pub propagate_tags: Option<PropagateTags>,
    /// Likewise.
    pub enable_ecs_managed_tags: Option<bool>,
    /// Holds for the next task, without a new deployment.
    pub enable_execute_command: Option<bool>,
    /// A new deployment even if nothing changed.
    pub force_new_deployment: bool,
}

/// Why a service stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceRefusal {
    /// No such cluster, or INACTIVE.
    ClusterNotFound,
    /// No such service, or INACTIVE.
    NotFound,
    /// It is being deleted, or was deleted a while ago.
    NotActive,
    /// One of the name exists and differs.
    NotIdempotent,
    /// One of the name is still DRAINING.
    StillDraining,
    /// It has a desired count above 0, and the deletion is not forced.
    ScaledAboveZero,
    /// It has task sets, and the deletion is not forced.
    HasTaskSets,
    /// What it says of Service Connect cannot be had.
    ServiceConnect(ServiceConnectRefusal),
}

/// `CreateService`: equal to the one that is there, it is that one.
///
/// # Errors
/// See [`ServiceRefusal`].
pub fn create_service(tx: &mut Tx<'_>, it: NewService) -> Result<Arc<Service>, ServiceRefusal> {
    let cluster = it.arn.cluster();
    let known = tx
        .get::<Cluster>(&cluster)
        .filter(|it| it.status == ClusterStatus::Active);
    known.ok_or(ServiceRefusal::ClusterNotFound)?;
    match tx.get::<Service>(&it.arn) {
        Some(known) if known.status == ServiceStatus::Draining => return Err(ServiceRefusal::StillDraining),
        Some(known) if known.status == ServiceStatus::Active => {
            return if is_same(&known, &it) {
                Ok(known)
            } else {
                Err(ServiceRefusal::NotIdempotent)
            };
        }
        _ => {}
    }
    let now = tx.now();
    let mut service = Service {
        cluster,
        status: ServiceStatus::Active,
        desired_count: it.desired_count,
        scheduling_strategy: it.scheduling_strategy,
        deployment_controller: it.deployment_controller,
        launch_type: it.launch_type,
        capacity_provider_strategy: it.capacity_provider_strategy,
        launch_type_before_strategy: None,
        platform_version: it.platform_version,
        deployment_configuration: it.deployment_configuration,
        lifecycle_hooks: it.lifecycle_hooks,
        deployment_alarms: it.deployment_alarms,
        lifecycle: None,
        deployments: Vec::new(),
        task_sets: Vec::new(),
        task_definition: it.task_definition,
        network_configuration: it.network_configuration,
        load_balancers: it.load_balancers,
        role: it.role,
        service_registries: it.service_registries,
        service_connect: it.service_connect,
        health_check_grace_period_seconds: it.health_check_grace_period_seconds,
        placement_constraints: it.placement_constraints,
        placement_strategy: it.placement_strategy,
        availability_zone_rebalancing: it.availability_zone_rebalancing,
        balance: Balance::default(),
        created_at: now,
        created_by: it.created_by,
        propagate_tags: it.propagate_tags,
        enable_ecs_managed_tags: it.enable_ecs_managed_tags,
        enable_execute_command: it.enable_execute_command,
        client_token: it.client_token,
        failed_starts: 0,
        throttled_until: None,
        steady_since: None,
        event_count: tx.get::<Service>(&it.arn).map_or(0, |it| it.event_count),
        announced_refusal: None,
        announced_protection: BTreeSet::new(),
        tags: it.tags,
        arn: it.arn,
    };
    service_connect::publish(tx, &service).map_err(ServiceRefusal::ServiceConnect)?;
    match service.deployment_controller {
        DeploymentController::CodeDeploy => task_sets::begin(tx, &mut service),
        DeploymentController::Ecs | DeploymentController::External => {
            service_deployments::begin(tx, &mut service);
        }
    }
    tx.put(service.clone());
    Ok(Arc::new(service))
}

fn is_same(known: &Service, it: &NewService) -> bool {
    let is_daemon = it.scheduling_strategy == SchedulingStrategy::Daemon;
    (known.desired_count == it.desired_count || is_daemon)
        && known.scheduling_strategy == it.scheduling_strategy
        && known.availability_zone_rebalancing == it.availability_zone_rebalancing
        && known.deployment_controller == it.deployment_controller
        && known.launch_type == it.launch_type
        && known.capacity_provider_strategy == it.capacity_provider_strategy
        && known.platform_version == it.platform_version
        && known.task_definition == it.task_definition
        && known.deployment_configuration == it.deployment_configuration
        && known.lifecycle_hooks == it.lifecycle_hooks
        && known.deployment_alarms == it.deployment_alarms
        && known.network_configuration == it.network_configuration
        && known.load_balancers == it.load_balancers
        && known.role == it.role
        && known.service_registries == it.service_registries
        && known.service_connect == it.service_connect
        && known.health_check_grace_period_seconds == it.health_check_grace_period_seconds
        && known.placement_constraints == it.placement_constraints
        && known.placement_strategy == it.placement_strategy
        && known.propagate_tags == it.propagate_tags
        && known.enable_ecs_managed_tags == it.enable_ecs_managed_tags
        && known.enable_execute_command == it.enable_execute_command
}

/// `UpdateService`: what tasks are made of starts a new deployment, what only counts them does not.
///
/// # Errors
/// See [`ServiceRefusal`].
pub fn update_service(
    tx: &mut Tx<'_>,
    arn: &ServiceArn,
    change: &ServiceChange,
) -> Result<Arc<Service>, ServiceRefusal> {
    let known = tx.get::<Service>(arn).ok_or(ServiceRefusal::NotFound)?;
    if known.status != ServiceStatus::Active {
        return Err(ServiceRefusal::NotActive);
    }
    let mut service = changed(&known, change);
    let is_new_deployment = change.force_new_deployment || makes_other_tasks(&service, &known);
    if is_new_deployment {
        service_connect::publish(tx, &service).map_err(ServiceRefusal::ServiceConnect)?;
    }
    match service.deployment_controller {
        DeploymentController::Ecs if is_new_deployment => service_deployments::begin(tx, &mut service),
        DeploymentController::Ecs => {}
        DeploymentController::CodeDeploy | DeploymentController::External => {
            task_sets::note_computed_counts(tx, &mut service, &known);
        }
    }
    tx.put(service.clone());
    Ok(Arc::new(service))
}

/// The service as the change wants it.
fn changed(known: &Service, change: &ServiceChange) -> Service {
    let mut service = known.clone();
    service.desired_count = change.desired_count.unwrap_or(service.desired_count);
    if let Some(it) = &change.task_definition {
        service.task_definition = Some(it.clone());
    }
    if let Some(it) = change.deployment_configuration {
        service.deployment_configuration = it;
    }
    if let Some(it) = &change.lifecycle_hooks {
        service.lifecycle_hooks.clone_from(it);
    }
    if let Some(it) = &change.deployment_alarms {
        service.deployment_alarms.clone_from(it);
    }
    if let Some(it) = &change.network_configuration {
        service.network_configuration = Some(it.clone());
    }
    if let Some(it) = &change.load_balancers {
        service.load_balancers.clone_from(it);
    }
    if let Some(it) = &change.service_registries {
        service.service_registries.clone_from(it);
    }
    if let Some(it) = &change.service_connect {
        service.service_connect = Some(it.clone());
    }
    service.health_check_grace_period_seconds = change
        .health_check_grace_period_seconds
        .or(service.health_check_grace_period_seconds);
    if let Some(it) = &change.placement_constraints {
        service.placement_constraints.clone_from(it);
    }
    if let Some(it) = &change.placement_strategy {
        service.placement_strategy.clone_from(it);
    }
    service.availability_zone_rebalancing = change
        .availability_zone_rebalancing
        .unwrap_or(service.availability_zone_rebalancing);
    if let Some(it) = &change.capacity {
        if known.capacity_provider_strategy.is_empty() {
            service.launch_type_before_strategy = Some(known.launch_type);
        }
        service.launch_type = it.launch_type;
        service.capacity_provider_strategy.clone_from(&it.strategy);
        let version = service.platform_version.take();
        service.platform_version = version.filter(|_| it.launch_type == LaunchType::Fargate);
    }
    if let Some(it) = &change.platform_version {
        service.platform_version = Some(it.clone());
    }
    service.propagate_tags = change.propagate_tags.unwrap_or(service.propagate_tags);
    service.enable_ecs_managed_tags = change
        .enable_ecs_managed_tags
        .unwrap_or(service.enable_ecs_managed_tags);
    service.enable_execute_command = change
        .enable_execute_command
        .unwrap_or(service.enable_execute_command);
    service
}

/// Whether the tasks of a service are to be others than before.
fn makes_other_tasks(service: &Service, known: &Service) -> bool {
    service.task_definition != known.task_definition
        || service.network_configuration != known.network_configuration
        || service.load_balancers != known.load_balancers
        || service.service_registries != known.service_registries
        || service.service_connect != known.service_connect
        || service.launch_type != known.launch_type
        || service.capacity_provider_strategy != known.capacity_provider_strategy
        || service.platform_version != known.platform_version
}

/// `DeleteService`: its tasks stop, then it is INACTIVE.
///
/// # Errors
/// See [`ServiceRefusal`].
pub fn delete_service(
    tx: &mut Tx<'_>,
    arn: &ServiceArn,
    force: bool,
) -> Result<Arc<Service>, ServiceRefusal> {
    let known = tx
        .get::<Service>(arn)
        .filter(|it| it.status != ServiceStatus::Inactive);
    let known = known.ok_or(ServiceRefusal::NotFound)?;
    if known.status == ServiceStatus::Draining {
        return Ok(known);
    }
    let is_daemon = known.scheduling_strategy == SchedulingStrategy::Daemon;
    if known.desired_count > 0 && !is_daemon && !force {
        return Err(ServiceRefusal::ScaledAboveZero);
    }
    let is_external = known.deployment_controller == DeploymentController::External;
    if is_external && !known.task_sets.is_empty() && !force {
        return Err(ServiceRefusal::HasTaskSets);
    }
    service_deployments::end(tx, arn, "The service was deleted.");
    let mut service = Service {
        desired_count: 0,
        status: ServiceStatus::Draining,
        ..(*known).clone()
    };
    deployment_lifecycles::abandon(tx, &mut service);
    for it in &mut service.task_sets {
        task_sets::drain(it, tx.now());
    }
    tx.put(service.clone());
    Ok(Arc::new(service))
}

/// Adds an event; the oldest goes when there are more than Amazon keeps. The caller stores the service.
pub fn record_event(tx: &mut Tx<'_>, service: &mut Service, message: String) {
    let message = format!("(service {}) {message}", service.arn.name());
    record_text(tx, service, message, None);
}

/// The same of what EventBridge tells too.
pub(crate) fn record_action(tx: &mut Tx<'_>, service: &mut Service, message: &str, action: ServiceAction) {
    let message = format!("(service {}) {message}", service.arn.name());
    record_text(tx, service, message, Some(action));
}

/// One of its task sets has become steady.
pub(crate) fn record_steady_task_set(tx: &mut Tx<'_>, service: &mut Service, id: &str) {
    let name = service.arn.name();
    let message = format!("(service {name}, taskSet {id}) updated state to STEADY_STATE.");
    let number = id.rsplit('/').next().unwrap_or_default();
    let arn: TaskSetArn = service.arn.part(number);
    let action = ServiceAction {
        task_sets: vec![arn.to_string()],
        ..ServiceAction::of(ServiceActionName::TasksetSteadyState)
    };
    record_text(tx, service, message, Some(action));
}

fn record_text(tx: &mut Tx<'_>, service: &mut Service, message: String, action: Option<ServiceAction>) {
    let sequence = service.event_count;
    service.event_count += 1;
    let event = ServiceEvent {
        service: service.arn.clone(),
        sequence,
        id: tx.ids().uuid(),
        created_at: tx.now(),
        message,
        action,
    };
    tx.put(event);
    if let Some(oldest) = sequence.checked_sub(SERVICE_EVENTS_KEPT) {
        tx.delete::<ServiceEvent>(&(service.arn.clone(), oldest));
    }
}
