//! Task sets as records: made, scaled and swapped by a deployment controller from outside. Their tasks are the
//! business of the `service_deployments` controller.

use std::sync::Arc;

use domain::capacity_provider::CapacityProviderStrategyItem;
use domain::service::{DeploymentController, Service, ServiceStatus};
use domain::service_load_balancer::ServiceLoadBalancer;
use domain::service_registry::ServiceRegistry;
use domain::tags::Pair;
use domain::task::NetworkConfiguration;
use domain::task_definition::LaunchType;
use domain::task_set::{Scale, Stability, TASK_SETS_MAX, TaskSet, TaskSetStatus};
use domain::{ServiceArn, TaskDefinitionArn, TaskSetArn, Timestamp};
use store::{State, Tx};

use super::services::record_event;

#[cfg(test)]
mod tests;

/// What CreateTaskSet asks for.
#[derive(Clone, Debug)]
pub struct NewTaskSet {
    /// Its service.
    pub service: ServiceArn,
    /// What the caller calls it.
    pub external_id: Option<String>,
    /// What its tasks run.
    pub task_definition: TaskDefinitionArn,
    /// On what.
    pub launch_type: LaunchType,
    /// How they are divided, if by a strategy.
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// FARGATE only.
    pub platform_version: Option<String>,
    /// In `awsvpc`.
    pub network_configuration: Option<NetworkConfiguration>,
    /// Who sends requests to its tasks.
    pub load_balancers: Vec<ServiceLoadBalancer>,
    /// Where its tasks are registered with Cloud Map.
    pub service_registries: Vec<ServiceRegistry>,
    /// Its share of the service's desired count.
    pub scale: Scale,
    /// As given.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: Vec<Pair>,
}

/// Why a task set stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskSetRefusal {
    /// No such service.
    ServiceNotFound,
    /// It is being deleted, or gone.
    ServiceNotActive,
    /// It deploys by itself.
    ServiceNotExternal,
    /// No such task set.
    NotFound,
    /// One of the client token exists and differs.
    NotIdempotent,
    /// The service has as many as it may.
    TooMany,
    /// It serves production, and the deletion is not forced.
    IsPrimary,
    /// It is scaled above 0, and the deletion is not forced.
    ScaledAboveZero,
    /// It is being deleted.
    IsDraining,
}

/// A service whose task sets may be managed.
///
/// # Errors
/// There is none, it is not ACTIVE, or its deployment controller is not EXTERNAL.
pub fn external_service<'a>(state: &'a State, arn: &ServiceArn) -> Result<&'a Arc<Service>, TaskSetRefusal> {
    let known = active_service(state, arn)?;
    match known.deployment_controller {
        DeploymentController::External => Ok(known),
        DeploymentController::CodeDeploy | DeploymentController::Ecs => {
            Err(TaskSetRefusal::ServiceNotExternal)
        }
    }
}

/// A service whose task sets may be changed, by whomever its deployment controller is.
fn active_service<'a>(state: &'a State, arn: &ServiceArn) -> Result<&'a Arc<Service>, TaskSetRefusal> {
    let known = state.get::<Service>(arn);
    let known = known.ok_or(TaskSetRefusal::ServiceNotFound)?;
    match known.status {
        ServiceStatus::Active => Ok(known),
        ServiceStatus::Draining | ServiceStatus::Inactive => Err(TaskSetRefusal::ServiceNotActive),
    }
}

/// The first task set of a service whose deployment controller is CODE_DEPLOY: what CreateService says. The caller
/// stores the service.
pub(super) fn begin(tx: &mut Tx<'_>, service: &mut Service) {
    let Some(task_definition) = service.task_definition.clone() else {
        return;
    };
    let before = service.clone();
    let new = NewTaskSet {
        service: service.arn.clone(),
        external_id: None,
        task_definition,
        launch_type: service.launch_type,
        capacity_provider_strategy: service.capacity_provider_strategy.clone(),
        platform_version: service.platform_version.clone(),
        network_configuration: service.network_configuration.clone(),
        load_balancers: service.load_balancers.clone(),
        service_registries: service.service_registries.clone(),
        scale: Scale::WHOLE,
        client_token: None,
        tags: Vec::new(),
    };
    let mut task_set = made(tx, new);
    task_set.status = TaskSetStatus::Primary;
    service.task_sets = vec![task_set];
    note_computed_counts(tx, service, &before);
}

/// `CreateTaskSet`: the service with the new task set, and its ARN. A call that is repeated gives the one that it made.
///
/// # Errors
/// See [`TaskSetRefusal`].
pub fn create_task_set(
    tx: &mut Tx<'_>,
    it: NewTaskSet,
) -> Result<(Arc<Service>, TaskSetArn), TaskSetRefusal> {
    external_service(tx.state(), &it.service)?;
    add_task_set(tx, it)
}

/// The same, whatever the deployment controller is.
pub(super) fn add_task_set(
    tx: &mut Tx<'_>,
    it: NewTaskSet,
) -> Result<(Arc<Service>, TaskSetArn), TaskSetRefusal> {
    let known = Arc::clone(active_service(tx.state(), &it.service)?);
    let mut sets = known.task_sets.iter();
    let earlier = sets.find(|known| it.client_token.is_some() && known.client_token == it.client_token);
    if let Some(earlier) = earlier {
        let arn = it.service.part(&earlier.id);
        return match is_same(earlier, &it) {
            true => Ok((known, arn)),
            false => Err(TaskSetRefusal::NotIdempotent),
        };
    }
    if known.task_sets.len() >= TASK_SETS_MAX {
        return Err(TaskSetRefusal::TooMany);
    }
    let service_arn = it.service.clone();
    let task_set = made(tx, it);
    let arn = service_arn.part(&task_set.id);
    let mut service = (*known).clone();
    service.task_sets.push(task_set);
    note_computed_counts(tx, &mut service, &known);
    tx.put(service.clone());
    Ok((Arc::new(service), arn))
}

fn made(tx: &Tx<'_>, it: NewTaskSet) -> TaskSet {
    let (id, now) = (tx.ids().deployment(), tx.now());
    TaskSet {
        id,
        status: TaskSetStatus::Active,
        scale: it.scale,
        external_id: it.external_id,
        task_definition: it.task_definition,
        launch_type: it.launch_type,
        capacity_provider_strategy: it.capacity_provider_strategy,
        platform_version: it.platform_version,
        network_configuration: it.network_configuration,
        load_balancers: it.load_balancers,
        service_registries: it.service_registries,
        client_token: it.client_token,
        created_at: now,
        updated_at: now,
        stability: Stability::Stabilizing,
        stability_at: now,
        failed_starts: 0,
        throttled_until: None,
        announced_refusal: None,
        tags: it.tags,
    }
}

fn is_same(known: &TaskSet, it: &NewTaskSet) -> bool {
    known.external_id == it.external_id
        && known.task_definition == it.task_definition
        && known.launch_type == it.launch_type
        && known.capacity_provider_strategy == it.capacity_provider_strategy
        && known.platform_version == it.platform_version
        && known.network_configuration == it.network_configuration
        && known.load_balancers == it.load_balancers
        && known.service_registries == it.service_registries
        && known.scale == it.scale
}

/// `UpdateTaskSet`: another share.
///
/// # Errors
/// See [`TaskSetRefusal`].
pub fn update_task_set(
    tx: &mut Tx<'_>,
    arn: &TaskSetArn,
    scale: Scale,
) -> Result<Arc<Service>, TaskSetRefusal> {
    let known = Arc::clone(external_service(tx.state(), &arn.service())?);
    let mut service = (*known).clone();
    let task_set = service.task_set_mut(arn.id()).ok_or(TaskSetRefusal::NotFound)?;
    if task_set.status == TaskSetStatus::Draining {
        return Err(TaskSetRefusal::IsDraining);
    }
    if task_set.scale != scale {
        task_set.scale = scale;
        task_set.updated_at = tx.now();
    }
    note_computed_counts(tx, &mut service, &known);
    tx.put(service.clone());
    Ok(Arc::new(service))
}

/// `DeleteTaskSet`: its tasks stop, then it is gone.
///
/// # Errors
/// See [`TaskSetRefusal`]. One that is DRAINING already is left to it.
pub fn delete_task_set(
    tx: &mut Tx<'_>,
    arn: &TaskSetArn,
    force: bool,
) -> Result<Arc<Service>, TaskSetRefusal> {
    external_service(tx.state(), &arn.service())?;
    remove_task_set(tx, arn, force)
}

/// The same, whatever the deployment controller is.
pub(super) fn remove_task_set(
    tx: &mut Tx<'_>,
    arn: &TaskSetArn,
    force: bool,
) -> Result<Arc<Service>, TaskSetRefusal> {
    let known = active_service(tx.state(), &arn.service())?;
    let mut service = (**known).clone();
    let task_set = service.task_set_mut(arn.id()).ok_or(TaskSetRefusal::NotFound)?;
    let was_primary = match task_set.status {
        TaskSetStatus::Draining => return Ok(Arc::new(service)),
        TaskSetStatus::Primary if !force => return Err(TaskSetRefusal::IsPrimary),
        TaskSetStatus::Active if !force && !task_set.scale.is_zero() => {
            return Err(TaskSetRefusal::ScaledAboveZero);
        }
        status => status == TaskSetStatus::Primary,
    };
    drain(task_set, tx.now());
    if was_primary {
        // Without a primary task set, a service says nothing of what tasks are made of.
        service.task_definition = None;
        service.launch_type = LaunchType::Ec2;
        service.capacity_provider_strategy.clear();
        service.platform_version = None;
        service.network_configuration = None;
        service.load_balancers.clear();
        service.service_registries.clear();
    }
    tx.put(service.clone());
    Ok(Arc::new(service))
}

/// The tasks of a task set shall stop.
pub(super) fn drain(task_set: &mut TaskSet, now: Timestamp) {
    if task_set.status == TaskSetStatus::Draining {
        return;
    }
    task_set.status = TaskSetStatus::Draining;
    task_set.stability = Stability::Stabilizing;
    task_set.stability_at = now;
    task_set.updated_at = now;
}

/// `UpdateServicePrimaryTaskSet`: the one that was PRIMARY is ACTIVE, and the service says what the new one says.
///
/// # Errors
/// See [`TaskSetRefusal`].
pub fn update_service_primary_task_set(
    tx: &mut Tx<'_>,
    arn: &TaskSetArn,
) -> Result<Arc<Service>, TaskSetRefusal> {
    external_service(tx.state(), &arn.service())?;
    make_primary(tx, arn)
}

/// The same, whatever the deployment controller is.
pub(super) fn make_primary(tx: &mut Tx<'_>, arn: &TaskSetArn) -> Result<Arc<Service>, TaskSetRefusal> {
    let known = active_service(tx.state(), &arn.service())?;
    let mut service = (**known).clone();
    let chosen = service
        .task_set(arn.id())
        .ok_or(TaskSetRefusal::NotFound)?
        .clone();
    if chosen.status == TaskSetStatus::Draining {
        return Err(TaskSetRefusal::IsDraining);
    }
    let now = tx.now();
    for it in &mut service.task_sets {
        let status = match it.status {
            TaskSetStatus::Draining => continue,
            _ if it.id == chosen.id => TaskSetStatus::Primary,
            _ => TaskSetStatus::Active,
        };
        if it.status != status {
            it.status = status;
            it.updated_at = now;
        }
    }
    service.task_definition = Some(chosen.task_definition);
    service.launch_type = chosen.launch_type;
    service.capacity_provider_strategy = chosen.capacity_provider_strategy;
    service.platform_version = chosen.platform_version;
    service.network_configuration = chosen.network_configuration;
    service.load_balancers = chosen.load_balancers;
    service.service_registries = chosen.service_registries;
    tx.put(service.clone());
    Ok(Arc::new(service))
}

/// Announces the computed desired counts that differ from before. The caller stores the service.
pub(super) fn note_computed_counts(tx: &mut Tx<'_>, service: &mut Service, before: &Service) {
    let now = tx.now();
    let of = |service: &Service, id: &str| {
        let task_set = service.task_set(id);
        task_set.map_or(0, |it| it.computed_desired_count(service.desired_count))
    };
    let ids: Vec<String> = service.task_sets.iter().map(|it| it.id.clone()).collect();
    for id in ids {
        let count = of(service, &id);
        if count == of(before, &id) {
            continue;
        }
        let message = format!("updated computedDesiredCount for taskSet {id} to {count}.");
        record_event(tx, service, message);
        if let Some(it) = service.task_set_mut(&id) {
            it.updated_at = now;
            it.stability = Stability::Stabilizing;
            it.stability_at = now;
        }
    }
}
