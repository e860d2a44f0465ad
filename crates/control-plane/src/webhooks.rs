//! Lifecycle hooks that are webhooks: called when a deployment reaches their stage, until they have an answer. Those of
//! services, and those of deployments of CodeDeploy.

mod call;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use domain::ServiceArn;
use domain::code_deploy::deployment::CodeDeployDeployment;
use domain::lifecycle_hook::{HookRun, HookStatus, HookTarget};
use domain::service::Service;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use orchestrator::transitions::{self, DeploymentKey, WebhookAnswer};
use serde_json::Value;
use store::{Change, Followed, State, TransactError};
use tokio_util::sync::CancellationToken;

use crate::control_plane::ControlPlane;
use call::{Invocation, Webhooks};

#[cfg(test)]
mod tests;

/// Wait before an answer is noted again that the store did not take.
const NOTE_AGAIN: Duration = Duration::from_secs(1);

/// A hook that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    of: Asker,
    hook_id: String,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asker {
    /// The newest deployment of a service.
    Service(ServiceArn),
    /// A deployment of CodeDeploy.
    CodeDeploy(DeploymentKey),
}

/// Who carries a call to a webhook.
pub trait WebhookClient: Send + Sync + 'static {
    /// Tells the webhook of this URL, and gives what it says.
    fn call(&self, url: &str, told: &Value) -> impl Future<Output = WebhookAnswer> + Send;
}

/// Calls webhooks until shutdown.
pub async fn call_webhooks(control_plane: Arc<ControlPlane>, shutdown: CancellationToken) {
    match Webhooks::new() {
        Ok(webhooks) => call_webhooks_by(control_plane, webhooks, shutdown).await,
        Err(error) => {
            tracing::error!(%error, "no webhook can be called: deployments that have one wait for their time-out");
            shutdown.cancelled().await;
        }
    }
}

/// The same by a client that is given.
pub async fn call_webhooks_by(
    control_plane: Arc<ControlPlane>,
    client: impl WebhookClient,
    shutdown: CancellationToken,
) {
    let webhooks = Arc::new(client);
    let (due, mut feed) = control_plane.store.follow_with(all_due);
    let mut calling: BTreeSet<Due> = BTreeSet::new();
    let mut calls = FuturesUnordered::new();
    let mut found = due;
    loop {
        for due in found.drain(..) {
            if calling.insert(due.clone()) {
                calls.push(answered(Arc::clone(&control_plane), Arc::clone(&webhooks), due));
            }
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            Some(due) = calls.next() => {
                calling.remove(&due);
                found = control_plane.store.read(|state| due_of(state, &due.of));
            }
            news = feed.next() => found = control_plane.store.read(|state| match news {
                Followed::Commit(commit) => {
                    let askers = commit.changes.iter().filter_map(|it| match it {
                        Change::Service(it) => Some(Asker::Service(it.current().arn.clone())),
                        Change::CodeDeployDeployment(it) => Some(asker(it.current())),
                        _ => None,
                    });
                    askers.flat_map(|it| due_of(state, &it)).collect()
                }
                Followed::Lagged => all_due(state),
            }),
        }
    }
}

fn all_due(state: &State) -> Vec<Due> {
    let services = state.all::<Service>().filter(|it| it.lifecycle.is_some());
    let services = services.map(|it| Asker::Service(it.arn.clone()));
    let deployments = state.all_active_code_deploy_deployments().map(|it| asker(it));
    let askers = services.chain(deployments);
    askers.flat_map(|it| due_of(state, &it)).collect()
}

fn asker(deployment: &CodeDeployDeployment) -> Asker {
    Asker::CodeDeploy((deployment.scope.clone(), deployment.id.clone()))
}

/// Webhooks that wait for an answer.
fn due_of(state: &State, of: &Asker) -> Vec<Due> {
    let open = hooks(state, of).into_iter().filter(|it| is_open(it));
    let due = open.map(|it| Due {
        of: of.clone(),
        hook_id: it.id.clone(),
    });
    due.collect()
}

/// Hooks of the current stage.
fn hooks<'a>(state: &'a State, of: &Asker) -> Vec<&'a HookRun> {
    match of {
        Asker::Service(arn) => {
            let known = state.get::<Service>(arn);
            let lifecycle = known.and_then(|it| it.lifecycle.as_ref());
            lifecycle.map_or(Vec::new(), |it| it.hooks.iter().collect())
        }
        Asker::CodeDeploy(key) => {
            let known = state.get::<CodeDeployDeployment>(key);
            let active = known.filter(|it| !it.status.has_ended());
            let hook = active.and_then(|it| it.event()?.hook.as_ref());
            hook.into_iter().collect()
        }
    }
}

fn is_open(run: &HookRun) -> bool {
    run.status == HookStatus::InProgress && matches!(run.hook.target, HookTarget::Webhook(_))
}

/// Waits until a hook is due, calls it, and notes what it says.
async fn answered(control_plane: Arc<ControlPlane>, webhooks: Arc<impl WebhookClient>, due: Due) -> Due {
    let invocation = || control_plane.store.read(|state| Invocation::of(state, &due));
    let Some(known) = invocation() else {
        return due;
    };
    let wait = known.due_at.duration_since(control_plane.clock.now());
    tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
    // Its deployment may have ended meanwhile.
    let Some(known) = invocation() else {
        return due;
    };
    let answer = webhooks.call(&known.url, &known.told).await;
    note(&control_plane, &due, answer).await;
    due
}

async fn note(control_plane: &ControlPlane, due: &Due, answer: WebhookAnswer) {
    loop {
        let (due, answer) = (due.clone(), answer.clone());
        let noted = control_plane.store.transact(move |tx| {
            match &due.of {
                Asker::Service(arn) => transitions::note_webhook_answer(tx, arn, &due.hook_id, &answer),
                Asker::CodeDeploy(key) => {
                    transitions::note_deployment_webhook_answer(tx, key, &due.hook_id, &answer);
                }
            }
            Ok::<(), Infallible>(())
        });
        match noted.await {
            Ok(()) => return,
            Err(TransactError::Refused(never)) => match never {},
            // Until shutdown drops this: nothing else would end the stage before its time-out.
            Err(TransactError::Unavailable(error)) => {
                tracing::warn!(%error, "the answer of a webhook is noted again");
                tokio::time::sleep(NOTE_AGAIN).await;
            }
        }
    }
}
