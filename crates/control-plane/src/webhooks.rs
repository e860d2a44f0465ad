//! Lifecycle hooks that are webhooks: called when a deployment reaches their stage, until they have an answer.

mod call;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use domain::ServiceArn;
use domain::lifecycle_hook::{HookRun, HookStatus, HookTarget};
use domain::service::Service;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use orchestrator::transitions::{self, WebhookAnswer};
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
    service: ServiceArn,
    hook_id: String,
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
                found = control_plane.store.read(|state| due_of(state, &due.service));
            }
            news = feed.next() => found = control_plane.store.read(|state| match news {
                Followed::Commit(commit) => {
                    let services = commit.changes.iter().filter_map(|it| match it {
                        Change::Service(it) => Some(&it.current().arn),
                        _ => None,
                    });
                    services.flat_map(|it| due_of(state, it)).collect()
                }
                Followed::Lagged => all_due(state),
            }),
        }
    }
}

fn all_due(state: &State) -> Vec<Due> {
    let services = state.all::<Service>().filter(|it| it.lifecycle.is_some());
    services.flat_map(|it| due_of(state, &it.arn)).collect()
}

/// Webhooks of a service that wait for an answer.
fn due_of(state: &State, service: &ServiceArn) -> Vec<Due> {
    let known = state.get::<Service>(service);
    let lifecycle = known.and_then(|it| it.lifecycle.as_ref());
    let hooks = lifecycle.iter().flat_map(|it| it.hooks.iter());
    let open = hooks.filter(|it| is_open(it)).map(|it| Due {
        service: service.clone(),
        hook_id: it.id.clone(),
    });
    open.collect()
}

fn is_open(run: &HookRun) -> bool {
    run.status == HookStatus::InProgress && matches!(run.hook.target, HookTarget::Webhook(_))
}

/// Waits until a hook is due, calls it, and notes what it says.
async fn answered(control_plane: Arc<ControlPlane>, webhooks: Arc<impl WebhookClient>, due: Due) -> Due {
    let invocation = || {
        control_plane
            .store
            .read(|state| Invocation::of(state, &due.service, &due.hook_id))
    };
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
            transitions::note_webhook_answer(tx, &due.service, &due.hook_id, &answer);
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
