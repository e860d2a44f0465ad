//! Deployments in stages: nobody who is asked is passed over, the new revision is complete before it gets traffic, and
//! bake times are kept.

use std::time::Duration;

use domain::TaskArn;
use domain::Timestamp;
use domain::deployment_lifecycle::{DeploymentLifecycle, LifecycleStage};
use domain::deployment_strategy::{ALL_TRAFFIC, DeploymentStrategy, Weight};
use domain::lifecycle_hook::{HookAction, HookRun, HookStatus, HookTarget};
use domain::service::{Service, ServiceStatus};
use domain::task::TaskStatus;
use store::{Change, Commit};

use super::Replica;

/// Looks at the services of a commit.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    for change in &commit.changes {
        let Change::Service(it) = change else { continue };
        let (Some(before), Some(now)) = (it.before.as_deref(), it.after.as_deref()) else {
            continue;
        };
        look(before, now, after).map_err(|it| format!("service {}: {it}", now.arn.name()))?;
    }
    Ok(())
}

fn look(before: &Service, now: &Service, after: &Replica) -> Result<(), String> {
    let (Some(was), Some(is)) = (&before.lifecycle, &now.lifecycle) else {
        return Ok(());
    };
    let primary = |it: &Service| it.deployments.first().map(|it| it.id.clone());
    let is_same = primary(before) == primary(now) && was.blue == is.blue;
    if !is_same || now.status != ServiceStatus::Active {
        return Ok(());
    }
    for hook in &is.hooks {
        succeeded_in_truth(hook, after)?;
    }
    // Without traffic in the end, it has been given up.
    let is_given_up = is.stage == LifecycleStage::CleanUp && is.production_weight == 0;
    if (is.stage, is.since) == (was.stage, was.since) || is_given_up {
        return Ok(());
    }
    let from = was.stage.as_str();
    if let Some(hook) = was.hooks.iter().find(|it| !agreed(it, is.since, after)) {
        return Err(format!("it leaves {from} although {} {:?}", hook.id, hook.status));
    }
    let (rested, rest) = (is.since.duration_since(was.since), rest(now, was));
    if Duration::try_from(rested).unwrap_or_default() < rest {
        return Err(format!("it leaves {from} after {rested:#}, and not {rest:?}"));
    }
    if was.stage == LifecycleStage::ScaleUp {
        complete(now, is.since, after)?;
    }
    let most = most_traffic(now.deployment_configuration.strategy, was.production_weight);
    match is.production_weight > most {
        true => Err(format!(
            "{} ‰ of the traffic move, and not {most}",
            is.production_weight
        )),
        false => Ok(()),
    }
}

/// Whether a hook lets its deployment go on, by a commit of that time.
fn agreed(hook: &HookRun, now: Timestamp, after: &Replica) -> bool {
    match (hook.status, &hook.hook.target, &hook.task) {
        (HookStatus::Succeeded, _, _) => true,
        // What came of its task may be noted as the stage is left.
        (HookStatus::InProgress, HookTarget::Task(_), Some(task)) if ended_well(task, after) => true,
        (HookStatus::Failed, _, _) => false,
        _ => hook.hook.action() == HookAction::Continue && hook.expires_at <= now,
    }
}

fn ended_well(task: &TaskArn, after: &Replica) -> bool {
    let task = after.tasks.get(task);
    task.is_some_and(|it| {
        it.last_status == TaskStatus::Stopped && it.containers.iter().all(|it| it.exit_code == Some(0))
    })
}

fn succeeded_in_truth(hook: &HookRun, after: &Replica) -> Result<(), String> {
    match &hook.task {
        Some(task) if hook.status == HookStatus::Succeeded && !ended_well(task, after) => Err(format!(
            "{} has succeeded, but its task {} has not",
            hook.id,
            task.name()
        )),
        _ => Ok(()),
    }
}

fn rest(service: &Service, was: &DeploymentLifecycle) -> Duration {
    let configuration = service.deployment_configuration;
    let step = match configuration.strategy {
        DeploymentStrategy::Linear { bake_minutes, .. } | DeploymentStrategy::Canary { bake_minutes, .. } => {
            bake_minutes
        }
        DeploymentStrategy::Rolling | DeploymentStrategy::BlueGreen => 0,
    };
    let minutes = match was.stage {
        LifecycleStage::ProductionTrafficShift if was.production_weight < ALL_TRAFFIC => step,
        LifecycleStage::BakeTime => configuration.bake_minutes,
        _ => 0,
    };
    Duration::from_secs(60 * u64::from(minutes))
}

fn most_traffic(strategy: DeploymentStrategy, before: Weight) -> Weight {
    match strategy {
        DeploymentStrategy::Linear { step, .. } => before + step,
        DeploymentStrategy::Canary { part, .. } if before == 0 => part,
        _ => ALL_TRAFFIC,
    }
}

/// The new revision has all its tasks, and they are healthy.
fn complete(service: &Service, now: Timestamp, after: &Replica) -> Result<(), String> {
    let green = service.deployments.first().map(|it| &it.id);
    let healthy = after.tasks_of(&service.arn);
    let healthy = healthy.filter(|it| it.started_by.as_ref() == green && after.is_healthy(it, now));
    let (healthy, wanted) = (healthy.count(), service.desired_count);
    match healthy == wanted as usize {
        true => Ok(()),
        false => Err(format!(
            "it has scaled up with {healthy} healthy tasks of {wanted}"
        )),
    }
}
