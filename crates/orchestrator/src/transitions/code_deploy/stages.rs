//! What happens when a deployment enters a stage.

use std::time::Duration;

use domain::Timestamp;
use domain::code_deploy::deployment::{
    CodeDeployDeployment, Creator, DeploymentError, DeploymentStatus, ErrorCode, EventStatus,
};
use domain::code_deploy::stage::Stage;
use domain::lifecycle_hook::{HookRun, HookStatus, HookTimeout, LifecycleHook};
use domain::service::{DeploymentController, Service, ServiceStatus};
use domain::service_load_balancer::{Behind, ServiceLoadBalancer};
use domain::task_set::{Scale, TaskSetStatus};
use store::Tx;

use super::traffic::{Keeping, shift};
use crate::transitions::task_sets::{
    NewTaskSet, TaskSetRefusal, add_task_set, make_primary, remove_task_set,
};

/// Minutes in which a hook has to answer, as on Amazon.
const HOOK_MINUTES: u32 = 60;

/// Enters a stage: the one that it was in is over, hooks of the new one are asked. The caller stores the deployment.
///
/// # Errors
/// Why the deployment cannot go on.
pub(crate) fn enter(
    tx: &mut Tx<'_>,
    deployment: &mut CodeDeployDeployment,
    stage: Stage,
) -> Result<(), DeploymentError> {
    let now = tx.now();
    if let Some(event) = deployment.event_mut()
        && event.status == EventStatus::InProgress
    {
        event.status = EventStatus::Succeeded;
        event.ended_at = Some(now);
    }
    deployment.stage = stage;
    deployment.stage_since = now;
    deployment.is_continued = false;
    deployment.updated_at = now;
    deployment.started_at.get_or_insert(now);
    deployment.status = match stage {
        Stage::ReadyWait => DeploymentStatus::Ready,
        _ => DeploymentStatus::InProgress,
    };
    let hook = asked(tx, deployment, stage, now);
    if let Some(event) = deployment.event_mut() {
        event.status = EventStatus::InProgress;
        event.started_at = Some(now);
        event.hook = hook;
    }
    match stage {
        Stage::Install => install(tx, deployment),
        Stage::AllowTestTraffic => allow_test_traffic(tx, deployment),
        Stage::AllowTraffic => match deployment.creator {
            Creator::User => shift_again(tx, deployment),
            Creator::Rollback => turn_back(tx, deployment),
        },
        Stage::Terminate => terminate(tx, deployment),
        _ => Ok(()),
    }
}

fn asked(tx: &Tx<'_>, deployment: &CodeDeployDeployment, stage: Stage, now: Timestamp) -> Option<HookRun> {
    let target = deployment.hooks.get(&stage)?;
    let hook = LifecycleHook {
        target: target.clone(),
        role_arn: None,
        stages: Vec::new(),
        details: None,
        timeout: Some(HookTimeout {
            minutes: Some(HOOK_MINUTES),
            action: None,
        }),
    };
    Some(HookRun {
        id: tx.ids().uuid(),
        expires_at: now + Duration::from_secs(60 * u64::from(HOOK_MINUTES)),
        hook,
        status: HookStatus::InProgress,
        due_at: now,
        task: None,
        reason: None,
    })
}

/// The replacement task set is made. What earlier deployments have left behind goes, and production traffic is with the
/// PRIMARY task set.
fn install(tx: &mut Tx<'_>, deployment: &mut CodeDeployDeployment) -> Result<(), DeploymentError> {
    let known = tx.get::<Service>(&deployment.service);
    let is_mine = |it: &Service| {
        it.status == ServiceStatus::Active && it.deployment_controller == DeploymentController::CodeDeploy
    };
    let service = known
        .filter(|it| is_mine(it))
        .ok_or_else(|| ecs_error(&TaskSetRefusal::ServiceNotActive))?;
    let primary = service
        .task_sets
        .iter()
        .find(|it| it.status == TaskSetStatus::Primary);
    let primary = primary.ok_or_else(|| ecs_error(&TaskSetRefusal::NotFound))?;
    deployment.original_task_set = Some(primary.id.clone());
    let route = deployment.route.clone();
    shift(tx, &route.production, &route, 0, Keeping::Both)?;
    for left in service
        .task_sets
        .iter()
        .filter(|it| it.status == TaskSetStatus::Active)
    {
        remove_task_set(tx, &service.arn.part(&left.id), true).map_err(|it| ecs_error(&it))?;
    }
    let replacement = &deployment.replacement;
    let new = NewTaskSet {
        service: service.arn.clone(),
        external_id: Some(deployment.id.clone()),
        task_definition: replacement.task_definition.clone(),
        launch_type: replacement.launch_type,
        capacity_provider_strategy: replacement.capacity_provider_strategy.clone(),
        platform_version: replacement.platform_version.clone(),
        network_configuration: replacement.network_configuration.clone(),
        load_balancers: vec![ServiceLoadBalancer {
            behind: Behind::TargetGroup(deployment.route.replacement_group.clone()),
            container: replacement.container_name.clone(),
            container_port: replacement.container_port,
            advanced: None,
        }],
        service_registries: service.service_registries.clone(),
        scale: Scale::WHOLE,
        client_token: None,
        tags: Vec::new(),
    };
    let (_, arn) = add_task_set(tx, new).map_err(|it| ecs_error(&it))?;
    deployment.replacement_task_set = Some(arn.id().to_owned());
    Ok(())
}

fn allow_test_traffic(tx: &mut Tx<'_>, deployment: &mut CodeDeployDeployment) -> Result<(), DeploymentError> {
    let route = deployment.route.clone();
    if let Some(test) = &route.test {
        shift(
            tx,
            test,
            &route,
            domain::code_deploy::ALL_TRAFFIC,
            Keeping::Serving,
        )?;
        deployment.test_share = domain::code_deploy::ALL_TRAFFIC;
    }
    Ok(())
}

/// The next share of production traffic goes to the replacement; with all of it, it is PRIMARY. The caller stores the
/// deployment.
///
/// # Errors
/// Why the deployment cannot go on.
pub(crate) fn shift_again(
    tx: &mut Tx<'_>,
    deployment: &mut CodeDeployDeployment,
) -> Result<(), DeploymentError> {
    let share = deployment.routing.next_share(deployment.production_share);
    let route = deployment.route.clone();
    deployment.production_share = share;
    deployment.stage_since = tx.now();
    deployment.updated_at = tx.now();
    // Traffic moves last: what cannot serve shall not get it.
    if deployment.has_all_traffic() {
        make(tx, deployment, deployment.replacement_task_set.as_deref())?;
    }
    shift(tx, &route.production, &route, share, Keeping::Both)
}

/// All traffic goes to the original task set again, which is PRIMARY.
fn turn_back(tx: &mut Tx<'_>, deployment: &mut CodeDeployDeployment) -> Result<(), DeploymentError> {
    if deployment.replacement_task_set.is_none() {
        // It never came to shifting anything.
        return Ok(());
    }
    let route = deployment.route.clone();
    make(tx, deployment, deployment.original_task_set.as_deref())?;
    shift(tx, &route.production, &route, 0, Keeping::Both)?;
    deployment.production_share = 0;
    if let Some(test) = route.test.as_ref().filter(|_| deployment.test_share > 0) {
        shift(tx, test, &route, 0, Keeping::Serving)?;
        deployment.test_share = 0;
    }
    Ok(())
}

fn make(tx: &mut Tx<'_>, deployment: &CodeDeployDeployment, id: Option<&str>) -> Result<(), DeploymentError> {
    let id = id.ok_or_else(|| ecs_error(&TaskSetRefusal::NotFound))?;
    let made = make_primary(tx, &deployment.service.part(id));
    made.map(|_| ()).map_err(|it| ecs_error(&it))
}

/// The task set without traffic is deleted. Its target group stays in the rules until it has no tasks any more, so that
/// what is in flight to them ends.
fn terminate(tx: &mut Tx<'_>, deployment: &mut CodeDeployDeployment) -> Result<(), DeploymentError> {
    let leaving = match deployment.creator {
        Creator::User => deployment.original_task_set.as_deref(),
        Creator::Rollback => deployment.replacement_task_set.as_deref(),
    };
    let Some(leaving) = leaving else {
        return Ok(());
    };
    match remove_task_set(tx, &deployment.service.part(leaving), true) {
        Ok(_) | Err(TaskSetRefusal::NotFound) => Ok(()),
        Err(refusal) => Err(ecs_error(&refusal)),
    }
}

/// The target group without tasks leaves the rules.
pub(crate) fn leave_rules(tx: &mut Tx<'_>, deployment: &CodeDeployDeployment) {
    let route = deployment.route.clone();
    let share = deployment.production_share;
    // A listener that is gone has nothing to be left.
    let _left = shift(tx, &route.production, &route, share, Keeping::Serving);
}

fn ecs_error(refusal: &TaskSetRefusal) -> DeploymentError {
    let why = match refusal {
        TaskSetRefusal::ServiceNotFound
        | TaskSetRefusal::ServiceNotActive
        | TaskSetRefusal::ServiceNotExternal => {
            "the service is not ACTIVE any more, or not one of the CODE_DEPLOY deployment controller"
        }
        TaskSetRefusal::TooMany => {
            "the service has as many task sets as it may, some of which still stop tasks"
        }
        TaskSetRefusal::IsDraining => "the task set is being deleted",
        TaskSetRefusal::NotFound => "the task set does not exist any more",
        TaskSetRefusal::NotIdempotent | TaskSetRefusal::IsPrimary | TaskSetRefusal::ScaledAboveZero => {
            "the task set cannot be changed"
        }
    };
    DeploymentError {
        code: ErrorCode::EcsUpdateError,
        message: format!("The Amazon ECS service cannot be updated: {why}."),
    }
}
