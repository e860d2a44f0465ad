//! What a deployment in stages waits for, or where it goes next. Pure.

use std::time::Duration;

use domain::Timestamp;
use domain::deployment_lifecycle::{DeploymentLifecycle, LifecycleStage};
use domain::deployment_strategy::ALL_TRAFFIC;
use domain::lifecycle_hook::{HookRun, HookStatus};
use domain::service::DeploymentConfiguration;

use super::Next;

/// How the tasks of the two revisions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Only the new revision and the one with the traffic have tasks.
    pub is_reconciled: bool,
    /// The new revision has all its tasks, and they are healthy.
    pub is_scaled_up: bool,
}

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stays where it is.
    Wait(Next),
    /// It enters another stage.
    Enter(LifecycleStage),
    /// It is given up, for this reason.
    GiveUp(String),
}

/// Ends the patience with hooks that have not answered in time.
pub fn expire(lifecycle: &mut DeploymentLifecycle, now: Timestamp) {
    let open = lifecycle.hooks.iter_mut().filter(|it| it.status.is_open());
    for hook in open.filter(|it| it.expires_at <= now) {
        hook.status = HookStatus::TimedOut;
    }
}

/// Looks at a deployment whose hooks have been asked. Hooks decide first, then the stage itself.
pub fn step(
    lifecycle: &DeploymentLifecycle,
    configuration: DeploymentConfiguration,
    observed: Observed,
    now: Timestamp,
) -> Step {
    if let Some(hook) = lifecycle.hooks.iter().find(|it| it.objects()) {
        return Step::GiveUp(format!(
            "Service deployment rolled back because {} lifecycle hook(s) failed. {}",
            lifecycle.stage.as_str(),
            told(hook)
        ));
    }
    let open = lifecycle.hooks.iter().filter(|it| it.status.is_open());
    if let Some(soonest) = open.map(|it| it.expires_at).min() {
        return Step::Wait(Next::After(until(soonest, now)));
    }
    let bakes = |minutes: u32| Duration::from_secs(60 * u64::from(minutes));
    let rest = match lifecycle.stage {
        LifecycleStage::ReconcileService if !observed.is_reconciled => return Step::Wait(Next::AwaitChange),
        LifecycleStage::ScaleUp if !observed.is_scaled_up => return Step::Wait(Next::AwaitChange),
        LifecycleStage::ProductionTrafficShift if lifecycle.production_weight < ALL_TRAFFIC => {
            bakes(configuration.strategy.step_bake_minutes())
        }
        LifecycleStage::BakeTime => bakes(configuration.bake_minutes),
        _ => Duration::ZERO,
    };
    let wait = until(lifecycle.since + rest, now);
    match wait.is_zero() {
        true => Step::Enter(lifecycle.next_stage()),
        false => Step::Wait(Next::After(wait)),
    }
}

fn until(time: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(now)).unwrap_or_default()
}

fn told(hook: &HookRun) -> String {
    let target = hook.hook.target.arn();
    let name = target.as_deref().unwrap_or(&hook.id);
    match (&hook.reason, hook.status) {
        (Some(reason), HookStatus::TimedOut) => {
            format!(
                "{name} did not answer within {} minutes: {reason}",
                hook.hook.minutes()
            )
        }
        (None, HookStatus::TimedOut) => {
            format!("{name} did not answer within {} minutes.", hook.hook.minutes())
        }
        (Some(reason), _) => format!("{name}: {reason}"),
        (None, _) => format!("{name} said no."),
    }
}
