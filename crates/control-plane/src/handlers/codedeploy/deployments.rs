//! CreateDeployment, StopDeployment, ContinueDeployment.

use api::codedeploy::{self, Error};
use domain::Scope;
use domain::service::{Service, ServiceStatus};
use orchestrator::transitions::{
    NewCodeDeployment, WaitType, continue_code_deployment, create_code_deployment, stop_code_deployment,
};
use store::State;

use super::errors::{from_store, invalid_load_balancer_info, of_creation, of_deployment, unsupported_action};
use super::{app_spec, deployment_groups, group_settings, names, replacement, revisions};
use crate::call::Call;

/// Longest description, as on Amazon.
const DESCRIPTION_MAX: usize = 1000;

/// `CreateDeployment`.
///
/// # Errors
/// Those of names; RevisionRequired, InvalidRevision, RevisionDoesNotExist, DescriptionTooLong, DeploymentLimitExceeded,
/// InvalidLoadBalancerInfo, InvalidAlarmConfig, InvalidAutoRollbackConfig.
pub async fn create_deployment(
    call: Call<codedeploy::CreateDeployment>,
) -> Result<codedeploy::CreateDeploymentOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    refuse_others(&input)?;
    let created = call.access().store().transact(move |tx| {
        let new = new_deployment(tx.state(), &scope, &input)?;
        let group = new.group.name.clone();
        let made = create_code_deployment(tx, new).map_err(|refusal| of_creation(refusal, &group))?;
        Ok(made.id.clone())
    });
    Ok(codedeploy::CreateDeploymentOutput {
        deployment_id: Some(created.await.map_err(from_store)?),
    })
}

/// What is for deployments to instances.
fn refuse_others(input: &codedeploy::CreateDeploymentInput) -> Result<(), Error> {
    group_settings::check_alarms(input.override_alarm_configuration.as_ref())?;
    if input.update_outdated_instances_only == Some(true) {
        return Err(Error::InvalidUpdateOutdatedInstancesOnlyValueException(
            codedeploy::InvalidUpdateOutdatedInstancesOnlyValueException {
                message: Some(
                    "For ECS deployment, updateOutdatedInstancesOnly can not be specified".to_owned(),
                ),
            },
        ));
    }
    if input.target_instances.is_some() {
        return Err(Error::InvalidTargetInstancesException(
            codedeploy::InvalidTargetInstancesException {
                message: Some("For ECS deployment, targetInstances can not be specified".to_owned()),
            },
        ));
    }
    check_description(input.description.as_deref())
}

/// Checks the length of a description.
///
/// # Errors
/// DescriptionTooLong.
pub fn check_description(given: Option<&str>) -> Result<(), Error> {
    match given {
        Some(it) if it.chars().count() > DESCRIPTION_MAX => Err(Error::DescriptionTooLongException(
            codedeploy::DescriptionTooLongException {
                message: Some(format!(
                    "The description has more than {DESCRIPTION_MAX} characters"
                )),
            },
        )),
        _ => Ok(()),
    }
}

fn new_deployment(
    state: &State,
    scope: &Scope,
    input: &codedeploy::CreateDeploymentInput,
) -> Result<NewCodeDeployment, Error> {
    let name = input.deployment_group_name.as_deref().unwrap_or_default();
    let group = names::group(state, scope, &input.application_name, name)?;
    let application = names::application(state, scope, &input.application_name)?;
    let revision = revisions::of_deployment(state, &application, input.revision.as_ref())?;
    let spec = app_spec::parse(&revision.content).map_err(replacement::invalid)?;
    let service = state.get::<Service>(&group.service);
    let service = service.filter(|it| it.status == ServiceStatus::Active);
    let service = service.ok_or_else(|| {
        invalid_load_balancer_info(format!(
            "The ECS service {} of the deployment group does not exist any more, or is not ACTIVE",
            group.service.name()
        ))
    })?;
    let config = input.deployment_config_name.as_ref();
    let config = config.unwrap_or(&group.deployment_config_name).clone();
    let routing = deployment_groups::check_config(state, scope, &config, &group.routes)?;
    let auto_rollback = match &input.auto_rollback_configuration {
        Some(given) => group_settings::auto_rollback(given)?,
        None => group.auto_rollback,
    };
    let made_of = replacement::replacement(state, scope, service, &group.routes, &spec)?;
    Ok(NewCodeDeployment {
        description: input.description.clone(),
        revision,
        config: (config, routing),
        auto_rollback,
        hooks: replacement::hooks(state, scope, &made_of, &spec)?,
        replacement: made_of,
        group,
    })
}

/// `StopDeployment`.
///
/// # Errors
/// Those of names, DeploymentAlreadyCompleted.
pub async fn stop_deployment(
    call: Call<codedeploy::StopDeployment>,
) -> Result<codedeploy::StopDeploymentOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let stopped = call.access().store().transact(move |tx| {
        let known = names::deployment(tx.state(), &scope, &input.deployment_id)?;
        let key = (scope, known.id.clone());
        stop_code_deployment(tx, &key, input.auto_rollback_enabled)
            .map_err(|refusal| of_deployment(refusal, &known.id))
    });
    stopped.await.map_err(from_store)?;
    Ok(codedeploy::StopDeploymentOutput {
        status: Some(codedeploy::StopStatus::Succeeded),
        status_message: Some(
            "No more commands will be scheduled for execution in the deployment instances".to_owned(),
        ),
    })
}

/// `ContinueDeployment`: READY_WAIT unless told.
///
/// # Errors
/// Those of names, DeploymentAlreadyCompleted, DeploymentIsNotInReadyState, InvalidDeploymentWaitType.
pub async fn continue_deployment(
    call: Call<codedeploy::ContinueDeployment>,
) -> Result<codedeploy::ContinueDeploymentOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let wait = match input.deployment_wait_type.as_ref().map(|it| it.as_str()) {
        None | Some("READY_WAIT") => WaitType::Ready,
        Some("TERMINATION_WAIT") => WaitType::Termination,
        Some(other) => {
            return Err(Error::InvalidDeploymentWaitTypeException(
                codedeploy::InvalidDeploymentWaitTypeException {
                    message: Some(format!(
                        "The deployment wait type {other:?} is not valid: it is one of READY_WAIT, TERMINATION_WAIT"
                    )),
                },
            ));
        }
    };
    let continued = call.access().store().transact(move |tx| {
        let id = input.deployment_id.unwrap_or_default();
        let known = names::deployment(tx.state(), &scope, &id)?;
        let never_waits = match wait {
            WaitType::Ready => known.blue_green.ready_minutes.is_none(),
            WaitType::Termination => known.blue_green.termination_minutes.is_none(),
        };
        if never_waits && !known.status.has_ended() {
            return Err(unsupported_action(format!(
                "The deployment {id} does not wait for that: its deployment group says so"
            )));
        }
        let key = (scope, id.clone());
        continue_code_deployment(tx, &key, wait).map_err(|refusal| of_deployment(refusal, &id))
    });
    continued.await.map_err(from_store)?;
    Ok(codedeploy::ContinueDeploymentOutput {})
}
