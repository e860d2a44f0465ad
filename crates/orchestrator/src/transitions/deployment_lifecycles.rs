//! Deployments in stages: which revision keeps the traffic, and what their hooks answer.

use domain::deployment_lifecycle::{DeploymentLifecycle, LifecycleStage};
use domain::deployment_strategy::{ALL_TRAFFIC, DeploymentStrategy};
use domain::lifecycle_hook::{HookAction, HookRun, HookStatus, HookTarget, LifecycleHook};
use domain::service::{Rollout, Service};
use domain::service_deployment::{ServiceDeployment, ServiceDeploymentStatus, ServiceRevision};
use domain::task::{Stop, StopCode};
use domain::{ServiceArn, ServiceDeploymentArn, Timestamp};
use std::time::Duration;
use store::Tx;

use super::services::record_event;
use super::stop_task::stop_task;
use super::traffic::{self, Shares};

/// Why a deployment is not continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContinueRefusal {
    /// There is no such service deployment.
    NotFound,
    /// It has no such hook now, or one that waits for nobody.
    NotAwaited(ServiceDeploymentStatus),
}

/// What a webhook has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// The deployment may go on.
    Succeeded,
    /// It may not.
    Failed(String),
    /// It wants to be asked again.
    InProgress {
        /// After so long.
        wait: Duration,
        /// And to be told this then, if it is to be told something else than before.
        details: Option<String>,
    },
}

/// Where a deployment begins that a service begins now; `None` for a rolling one. Before it is put in front.
pub(super) fn first(service: &Service, now: Timestamp) -> Option<DeploymentLifecycle> {
    if service.deployment_configuration.strategy == DeploymentStrategy::Rolling {
        return None;
    }
    let blue = with_the_traffic(service);
    let has_others = service.deployments.iter().any(|it| Some(&it.id) != blue.as_ref());
    Some(DeploymentLifecycle {
        stage: match blue.is_some() && has_others {
            true => LifecycleStage::ReconcileService,
            false => LifecycleStage::PreScaleUp,
        },
        since: now,
        blue,
        test_weight: 0,
        production_weight: 0,
        hooks: Vec::new(),
    })
}

/// The deployment whose tasks serve now.
fn with_the_traffic(service: &Service) -> Option<String> {
    let newest = service.deployments.first();
    let serves = match &service.lifecycle {
        // Beside a first deployment there is none, so it has what traffic there is.
        Some(it) if it.production_weight < ALL_TRAFFIC && it.stage != LifecycleStage::CleanUp => {
            return it.blue.clone().or_else(|| newest.map(|it| it.id.clone()));
        }
        Some(_) => newest,
        None => {
            let mut deployments = service.deployments.iter();
            let completed = deployments.find(|it| it.rollout == Rollout::Completed);
            completed.or(newest.filter(|it| it.rollout == Rollout::InProgress))
        }
    };
    serves.map(|it| it.id.clone())
}

/// Begins the first stage.
pub(super) fn begin(tx: &mut Tx<'_>, service: &mut Service, lifecycle: DeploymentLifecycle) {
    let stage = lifecycle.stage;
    service.lifecycle = Some(lifecycle);
    enter_lifecycle_stage(tx, service, stage);
}

/// Nothing is asked any more, and no revision is kept beside another. Tasks that are hooks stop.
pub(super) fn abandon(tx: &mut Tx<'_>, service: &mut Service) {
    if let Some(lifecycle) = service.lifecycle.take() {
        stop_hooks(tx, &lifecycle.hooks);
    }
}

/// The traffic goes back to the old revision, and the new one is cleaned up.
pub(super) fn turn_back(tx: &mut Tx<'_>, service: &mut Service) {
    let now = tx.now();
    if let Some(lifecycle) = &mut service.lifecycle {
        stop_hooks(tx, &lifecycle.hooks);
        lifecycle.stage = LifecycleStage::CleanUp;
        lifecycle.since = now;
        lifecycle.test_weight = 0;
        lifecycle.production_weight = 0;
    }
}

/// Stops the tasks of hooks that have not answered yet: their deployment has ended.
pub(super) fn stop_hooks(tx: &mut Tx<'_>, hooks: &[HookRun]) {
    let open = hooks.iter().filter(|it| it.status.is_open());
    for task in open.filter_map(|it| it.task.as_ref()) {
        let stop = Stop {
            code: StopCode::ServiceSchedulerInitiated,
            reason: "The deployment whose lifecycle hook this is has ended.".to_owned(),
        };
        // It may have left the state.
        let _ = stop_task(tx, task, stop);
    }
}

/// Enters a stage: traffic shifts, and its hooks are asked. The caller stores the service.
pub(crate) fn enter_lifecycle_stage(tx: &mut Tx<'_>, service: &mut Service, stage: LifecycleStage) {
    let (now, strategy) = (tx.now(), service.deployment_configuration.strategy);
    let asked = service
        .lifecycle_hooks
        .iter()
        .filter(|it| it.stages.contains(&stage));
    let hooks: Vec<HookRun> = asked.map(|it| ask(tx, it, now)).collect();
    let deployment = service.deployments.first().map(|it| it.id.clone());
    let waiting: Vec<String> = hooks
        .iter()
        .filter(|it| it.status == HookStatus::AwaitingAction)
        .map(|it| it.id.clone())
        .collect();
    let Some(lifecycle) = &mut service.lifecycle else {
        return;
    };
    match stage {
        LifecycleStage::TestTrafficShift => lifecycle.test_weight = ALL_TRAFFIC,
        LifecycleStage::ProductionTrafficShift => {
            lifecycle.production_weight = strategy.next_weight(lifecycle.production_weight);
        }
        _ => {}
    }
    lifecycle.stage = stage;
    lifecycle.since = now;
    lifecycle.hooks = hooks;
    let shares = Shares {
        production: lifecycle.production_weight,
        test: lifecycle.test_weight,
    };
    if matches!(
        stage,
        LifecycleStage::TestTrafficShift | LifecycleStage::ProductionTrafficShift
    ) {
        shift_traffic(tx, service, shares);
    }
    for id in waiting {
        let message = format!(
            "(deployment {}) is paused at {}: continue it with ContinueServiceDeployment and the hook {id}.",
            deployment.as_deref().unwrap_or_default(),
            stage.as_str()
        );
        record_event(tx, service, message);
    }
}

/// The listeners give the newest deployment its shares.
fn shift_traffic(tx: &mut Tx<'_>, service: &Service, shares: Shares) {
    let newest = service.deployments.first().map(|it| it.revision.clone());
    let Some(revision) = newest.and_then(|it| tx.get::<ServiceRevision>(&it)) else {
        return;
    };
    // A first deployment has the production traffic from its first task on: nobody else could take it.
    let is_first = service.lifecycle.as_ref().is_some_and(|it| it.blue.is_none());
    let production = if is_first { ALL_TRAFFIC } else { shares.production };
    traffic::shift(tx, &revision, Shares { production, ..shares });
}

fn ask(tx: &Tx<'_>, hook: &LifecycleHook, now: Timestamp) -> HookRun {
    let (kind, status) = match hook.target {
        HookTarget::Pause => ("pause", HookStatus::AwaitingAction),
        HookTarget::Webhook(_) | HookTarget::Task(_) => ("hook", HookStatus::InProgress),
    };
    let patience = Duration::from_secs(60 * u64::from(hook.minutes()));
    HookRun {
        id: format!("ecs-{kind}-{}", tx.ids().service_deployment()),
        hook: hook.clone(),
        status,
        expires_at: now + patience,
        due_at: now,
        task: None,
        reason: None,
    }
}

/// `ContinueServiceDeployment`: answers a hook that pauses the deployment.
///
/// # Errors
/// See [`ContinueRefusal`].
pub fn continue_service_deployment(
    tx: &mut Tx<'_>,
    arn: &ServiceDeploymentArn,
    hook_id: &str,
    action: HookAction,
) -> Result<(), ContinueRefusal> {
    let known = tx
        .get::<ServiceDeployment>(arn)
        .ok_or(ContinueRefusal::NotFound)?;
    let refusal = ContinueRefusal::NotAwaited(known.status);
    if !known.is_under_way() {
        return Err(refusal);
    }
    let answered = answer(tx, &known.service, hook_id, |it| {
        if it.status != HookStatus::AwaitingAction {
            return false;
        }
        it.status = match action {
            HookAction::Continue => HookStatus::Succeeded,
            HookAction::Rollback => HookStatus::Failed,
        };
        it.reason = (action == HookAction::Rollback)
            .then(|| "ContinueServiceDeployment was called with the action ROLLBACK.".to_owned());
        true
    });
    if answered { Ok(()) } else { Err(refusal) }
}

/// Notes what a webhook has answered; one that is not asked any more is not heard.
pub fn note_webhook_answer(tx: &mut Tx<'_>, service: &ServiceArn, hook_id: &str, given: &WebhookAnswer) {
    let now = tx.now();
    answer(tx, service, hook_id, |it| heard(it, given, now));
}

/// Notes an answer at the hook that gave it; `false` if none is waited for.
pub(super) fn heard(run: &mut HookRun, given: &WebhookAnswer, now: Timestamp) -> bool {
    if run.status != HookStatus::InProgress {
        return false;
    }
    match given {
        WebhookAnswer::Succeeded => run.status = HookStatus::Succeeded,
        WebhookAnswer::Failed(reason) => {
            run.status = HookStatus::Failed;
            run.reason = Some(reason.clone());
        }
        WebhookAnswer::InProgress { wait, details } => {
            run.due_at = now + *wait;
            if details.is_some() {
                run.hook.details.clone_from(details);
            }
        }
    }
    true
}

/// Changes a hook of a service's current stage. Answers whether it did.
fn answer(
    tx: &mut Tx<'_>,
    service: &ServiceArn,
    hook_id: &str,
    change: impl FnOnce(&mut HookRun) -> bool,
) -> bool {
    let Some(known) = tx.get::<Service>(service) else {
        return false;
    };
    let mut service = (*known).clone();
    let hooks = service.lifecycle.iter_mut().flat_map(|it| it.hooks.iter_mut());
    let changed = hooks.into_iter().find(|it| it.id == hook_id).is_some_and(change);
    if changed {
        tx.put(service);
    }
    changed
}
