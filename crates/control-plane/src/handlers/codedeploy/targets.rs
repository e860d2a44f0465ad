//! GetDeploymentTarget, BatchGetDeploymentTargets, ListDeploymentTargets: a deployment has one target, its service.

use api::codedeploy::{self, Error};
use domain::Scope;
use domain::code_deploy::ALL_TRAFFIC;
use domain::code_deploy::deployment::{CodeDeployDeployment, DeploymentStatus, LifecycleEvent};
use domain::service::Service;
use store::State;

use super::names;
use crate::call::Call;

/// Most targets of one BatchGetDeploymentTargets.
const BATCH_MAX: usize = 25;

/// `GetDeploymentTarget`.
///
/// # Errors
/// Those of names, DeploymentNotStarted, DeploymentTargetDoesNotExist, DeploymentTargetIdRequired.
pub async fn get_deployment_target(
    call: Call<codedeploy::GetDeploymentTarget>,
) -> Result<codedeploy::GetDeploymentTargetOutput, Error> {
    let input = call.input();
    call.access().store().read(|state| {
        let deployment = started(state, call.scope(), &input.deployment_id)?;
        check(&deployment, &input.target_id)?;
        Ok(codedeploy::GetDeploymentTargetOutput {
            deployment_target: Some(target(state, &deployment)),
        })
    })
}

/// `BatchGetDeploymentTargets`.
///
/// # Errors
/// Those of [`get_deployment_target`], DeploymentTargetListSizeExceeded.
pub async fn batch_get_deployment_targets(
    call: Call<codedeploy::BatchGetDeploymentTargets>,
) -> Result<codedeploy::BatchGetDeploymentTargetsOutput, Error> {
    let input = call.input();
    if input.target_ids.len() > BATCH_MAX {
        return Err(Error::DeploymentTargetListSizeExceededException(
            codedeploy::DeploymentTargetListSizeExceededException {
                message: Some(format!(
                    "The maximum number of targets in one call is {BATCH_MAX}"
                )),
            },
        ));
    }
    call.access().store().read(|state| {
        let deployment = started(state, call.scope(), &input.deployment_id)?;
        let targets = input.target_ids.iter().map(|id| {
            check(&deployment, id)?;
            Ok(target(state, &deployment))
        });
        Ok(codedeploy::BatchGetDeploymentTargetsOutput {
            deployment_targets: Some(targets.collect::<Result<_, Error>>()?),
        })
    })
}

/// `ListDeploymentTargets`.
///
/// # Errors
/// Those of names, DeploymentNotStarted, InvalidTargetFilterName.
pub async fn list_deployment_targets(
    call: Call<codedeploy::ListDeploymentTargets>,
) -> Result<codedeploy::ListDeploymentTargetsOutput, Error> {
    let input = call.input();
    let filters = input.target_filters.clone().unwrap_or_default();
    if let Some(other) = filters.keys().find(|it| *it != "TargetStatus") {
        return Err(Error::InvalidTargetFilterNameException(
            codedeploy::InvalidTargetFilterNameException {
                message: Some(format!(
                    "The target filter {other:?} is not valid: for ECS deployments, it is TargetStatus"
                )),
            },
        ));
    }
    let store = call.access().store();
    let deployment = store.read(|state| started(state, call.scope(), &input.deployment_id))?;
    let mut statuses = filters.values().flatten().peekable();
    let is_wanted = statuses.peek().is_none() || statuses.any(|it| it == status(deployment.status));
    let ids = is_wanted.then(|| deployment.target_id());
    Ok(codedeploy::ListDeploymentTargetsOutput {
        next_token: None,
        target_ids: Some(ids.into_iter().collect()),
    })
}

fn started(state: &State, scope: &Scope, id: &str) -> Result<CodeDeployDeployment, Error> {
    let found = names::deployment(state, scope, id)?;
    match found.status {
        DeploymentStatus::Created => Err(Error::DeploymentNotStartedException(
            codedeploy::DeploymentNotStartedException {
                message: Some(format!("The deployment {id} has not started")),
            },
        )),
        _ => Ok((*found).clone()),
    }
}

fn check(deployment: &CodeDeployDeployment, given: &str) -> Result<(), Error> {
    if given.is_empty() {
        return Err(Error::DeploymentTargetIdRequiredException(
            codedeploy::DeploymentTargetIdRequiredException {
                message: Some("Deployment target ID must be specified".to_owned()),
            },
        ));
    }
    match given == deployment.target_id() {
        true => Ok(()),
        false => Err(Error::DeploymentTargetDoesNotExistException(
            codedeploy::DeploymentTargetDoesNotExistException {
                message: Some(format!(
                    "The deployment {} has no target {given:?}: its target is {}",
                    deployment.id,
                    deployment.target_id()
                )),
            },
        )),
    }
}

fn status(of: DeploymentStatus) -> &'static str {
    match of {
        DeploymentStatus::Created => "Pending",
        DeploymentStatus::InProgress => "InProgress",
        DeploymentStatus::Ready => "Ready",
        DeploymentStatus::Succeeded => "Succeeded",
        DeploymentStatus::Failed => "Failed",
        DeploymentStatus::Stopped => "Skipped",
    }
}

fn target(state: &State, it: &CodeDeployDeployment) -> codedeploy::DeploymentTarget {
    codedeploy::DeploymentTarget {
        deployment_target_type: Some(codedeploy::DeploymentTargetType::ECSTarget),
        ecs_target: Some(codedeploy::ECSTarget {
            deployment_id: Some(it.id.clone()),
            target_id: Some(it.target_id()),
            target_arn: Some(it.service.to_string()),
            last_updated_at: Some(it.updated_at),
            lifecycle_events: Some(it.events.iter().map(event).collect()),
            status: Some(codedeploy::TargetStatus::from(status(it.status))),
            task_sets_info: Some(task_sets(state, it)),
        }),
        ..codedeploy::DeploymentTarget::default()
    }
}

fn event(it: &LifecycleEvent) -> codedeploy::LifecycleEvent {
    codedeploy::LifecycleEvent {
        lifecycle_event_name: Some(it.stage.as_str().to_owned()),
        start_time: it.started_at,
        end_time: it.ended_at,
        status: Some(codedeploy::LifecycleEventStatus::from(it.status.as_str())),
        diagnostics: it.message.as_ref().map(|message| codedeploy::Diagnostics {
            message: Some(message.clone()),
            ..codedeploy::Diagnostics::default()
        }),
    }
}

/// Those of the two that are still there.
fn task_sets(state: &State, it: &CodeDeployDeployment) -> Vec<codedeploy::ECSTaskSet> {
    let Some(service) = state.get::<Service>(&it.service) else {
        return Vec::new();
    };
    let tallies = state.service_tally(&service.arn);
    let sides = [
        (
            &it.original_task_set,
            codedeploy::TargetLabel::Blue,
            &it.route.original_group,
            ALL_TRAFFIC - it.production_share.min(ALL_TRAFFIC),
        ),
        (
            &it.replacement_task_set,
            codedeploy::TargetLabel::Green,
            &it.route.replacement_group,
            it.production_share,
        ),
    ];
    let known = sides.into_iter().filter_map(|(id, label, group, weight)| {
        let task_set = service.task_set(id.as_deref()?)?;
        let tally = tallies.iter().find(|(id, _)| *id == task_set.id);
        let tally = tally.map(|(_, tally)| *tally).unwrap_or_default();
        Some(codedeploy::ECSTaskSet {
            identifer: Some(task_set.id.clone()),
            task_set_label: Some(label),
            status: Some(task_set.status.as_str().to_owned()),
            desired_count: Some(i64::from(task_set.computed_desired_count(service.desired_count))),
            pending_count: Some(i64::from(tally.pending)),
            running_count: Some(i64::from(tally.running)),
            traffic_weight: Some(f64::from(weight)),
            target_group: Some(codedeploy::TargetGroupInfo {
                name: Some(group.group_name().to_owned()),
            }),
        })
    });
    known.collect()
}
