//! What the hooks of deployments answer.

use domain::code_deploy::deployment::CodeDeployDeployment;
use domain::lifecycle_hook::HookRun;
use store::Tx;

use super::DeploymentKey;
use crate::transitions::deployment_lifecycles::{WebhookAnswer, heard};

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookStatusRefusal {
    /// There is no such deployment.
    DeploymentNotFound,
    /// It has no such hook.
    NotFound,
    /// The hook has answered.
    Completed,
}

/// `PutLifecycleEventHookExecutionStatus`.
///
/// # Errors
/// See [`HookStatusRefusal`].
pub fn put_hook_status(
    tx: &mut Tx<'_>,
    key: &DeploymentKey,
    hook_id: &str,
    given: &WebhookAnswer,
) -> Result<(), HookStatusRefusal> {
    let now = tx.now();
    let known = tx.get::<CodeDeployDeployment>(key);
    let mut deployment = (*known.ok_or(HookStatusRefusal::DeploymentNotFound)?).clone();
    let has_ended = deployment.status.has_ended();
    let run = run_mut(&mut deployment, hook_id).ok_or(HookStatusRefusal::NotFound)?;
    if has_ended || !heard(run, given, now) {
        return Err(HookStatusRefusal::Completed);
    }
    tx.put(deployment);
    Ok(())
}

/// Notes what a webhook has answered; one that is not asked any more is not heard.
pub fn note_deployment_webhook_answer(
    tx: &mut Tx<'_>,
    key: &DeploymentKey,
    hook_id: &str,
    given: &WebhookAnswer,
) {
    // Whoever called may have been answered through PutLifecycleEventHookExecutionStatus before.
    let _ = put_hook_status(tx, key, hook_id, given);
}

fn run_mut<'a>(deployment: &'a mut CodeDeployDeployment, id: &str) -> Option<&'a mut HookRun> {
    let runs = deployment.events.iter_mut().filter_map(|it| it.hook.as_mut());
    runs.into_iter().find(|it| it.id == id)
}
