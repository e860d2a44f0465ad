//! PutLifecycleEventHookExecutionStatus: what whoever is asked in a lifecycle event says.

use api::codedeploy::{self, Error};
use orchestrator::transitions::{HookStatusRefusal, WebhookAnswer, put_hook_status};

use super::errors::{from_store, no_deployment};
use super::names;
use crate::call::Call;

/// `PutLifecycleEventHookExecutionStatus`.
///
/// # Errors
/// Those of names, InvalidLifecycleEventHookExecutionId, InvalidLifecycleEventHookExecutionStatus,
/// LifecycleEventAlreadyCompleted.
pub async fn put_lifecycle_event_hook_execution_status(
    call: Call<codedeploy::PutLifecycleEventHookExecutionStatus>,
) -> Result<codedeploy::PutLifecycleEventHookExecutionStatusOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let answer = match input.status.as_ref().map(|it| it.as_str()) {
        Some("Succeeded") => WebhookAnswer::Succeeded,
        Some("Failed") => {
            WebhookAnswer::Failed("PutLifecycleEventHookExecutionStatus said Failed.".to_owned())
        }
        other => {
            return Err(Error::InvalidLifecycleEventHookExecutionStatusException(
                codedeploy::InvalidLifecycleEventHookExecutionStatusException {
                    message: Some(format!(
                        "The status {:?} is not valid: it is one of Succeeded, Failed",
                        other.unwrap_or_default()
                    )),
                },
            ));
        }
    };
    let id = input.lifecycle_event_hook_execution_id.unwrap_or_default();
    let shown = id.clone();
    let put = call.access().store().transact(move |tx| {
        let deployment = input.deployment_id.unwrap_or_default();
        names::check_deployment(&deployment)?;
        let key = (scope, deployment.clone());
        put_hook_status(tx, &key, &id, &answer).map_err(|refusal| refused(refusal, &deployment, &id))
    });
    put.await.map_err(from_store)?;
    Ok(codedeploy::PutLifecycleEventHookExecutionStatusOutput {
        lifecycle_event_hook_execution_id: Some(shown),
    })
}

fn refused(refusal: HookStatusRefusal, deployment: &str, id: &str) -> Error {
    match refusal {
        HookStatusRefusal::DeploymentNotFound => no_deployment(deployment),
        HookStatusRefusal::NotFound => Error::InvalidLifecycleEventHookExecutionIdException(
            codedeploy::InvalidLifecycleEventHookExecutionIdException {
                message: Some(format!(
                    "The lifecycle event hook execution ID {id:?} is not valid"
                )),
            },
        ),
        HookStatusRefusal::Completed => Error::LifecycleEventAlreadyCompletedException(
            codedeploy::LifecycleEventAlreadyCompletedException {
                message: Some(format!(
                    "The lifecycle event hook execution {id} is already completed"
                )),
            },
        ),
    }
}
