//! What the scheduler itself does to a service stays within its bounds. What users and faults do is not its doing.

use std::collections::BTreeMap;

use domain::service::{DeploymentConfiguration, DeploymentController, Service, ServiceStatus};
use domain::task::{DesiredStatus, HealthStatus, StopCode, Task, TaskStatus};
use domain::{ServiceArn, Timestamp};
use store::{Change, Changed, Commit};

use super::Replica;
use super::replica::is_wanted;

/// What one commit does to a service.
#[derive(Default)]
struct Doing<'a> {
    started: u32,
    /// Tasks that the scheduler wishes stopped, as they were before.
    stopped: Vec<(&'a Task, Timestamp)>,
}

/// Looks at what a commit starts and stops.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    let mut doings: BTreeMap<&ServiceArn, Doing<'_>> = BTreeMap::new();
    for change in &commit.changes {
        let Change::Task(it) = change else { continue };
        let Some(service) = &it.current().service else {
            continue;
        };
        let doing = doings.entry(service).or_default();
        doing.started += u32::from(it.before.is_none());
        doing.stopped.extend(stopped(it));
    }
    for (arn, doing) in doings {
        let Some(service) = after
            .services
            .get(arn)
            .filter(|it| it.status == ServiceStatus::Active)
        else {
            continue;
        };
        if service.deployment_controller == DeploymentController::Ecs {
            within(service, &doing, after).map_err(|it| format!("service {}: {it}", arn.name()))?;
        }
    }
    Ok(())
}

/// Most tasks of a service; rounds down. Reckoned anew, so that the scheduler's own arithmetic is in question too.
pub fn most(bounds: DeploymentConfiguration, desired: u32) -> u32 {
    (desired * bounds.maximum_percent / 100).max(desired)
}

/// Fewest healthy tasks of a service; rounds up.
pub fn fewest(bounds: DeploymentConfiguration, desired: u32) -> u32 {
    (desired * bounds.minimum_healthy_percent).div_ceil(100)
}

fn is_protected(task: &Task, now: Timestamp) -> bool {
    task.protected_until.is_some_and(|until| until > now)
}

fn stopped(change: &Changed<Task>) -> Option<(&Task, Timestamp)> {
    let (before, after) = (change.before.as_deref()?, change.after.as_deref()?);
    let is_news = before.desired_status == DesiredStatus::Running
        && after.desired_status == DesiredStatus::Stopped
        && after.stop.as_ref()?.code == StopCode::ServiceSchedulerInitiated;
    is_news.then_some((before, after.times.stopping_at?))
}

fn within(service: &Service, doing: &Doing<'_>, after: &Replica) -> Result<(), String> {
    let (bounds, desired) = (service.deployment_configuration, service.desired_count);
    let wanted = after.tasks_of(&service.arn).filter(|it| is_wanted(it)).count();
    let most = match &service.lifecycle {
        // Each of the two revisions has all its tasks, and one that was given up may still go.
        Some(_) => 3 * desired,
        None => most(bounds, desired),
    };
    if doing.started > 0 && wanted > most as usize {
        return Err(format!("{wanted} tasks after a start, where {most} may be"));
    }
    for (task, now) in &doing.stopped {
        let is_unhealthy = after.health(task) == HealthStatus::Unhealthy;
        if is_protected(task, *now) && !is_unhealthy {
            return Err(format!("the protected task {} is stopped", task.arn.name()));
        }
    }
    let costs = |(task, now): &&(&Task, Timestamp)| after.is_healthy(task, *now);
    let Some((_, now)) = doing.stopped.iter().find(costs) else {
        return Ok(());
    };
    let healthy = after
        .tasks_of(&service.arn)
        .filter(|it| after.is_healthy(it, *now))
        .count();
    let fewest = fewest(bounds, desired);
    if healthy < fewest as usize {
        return Err(format!(
            "{healthy} healthy tasks after healthy ones are stopped, where {fewest} must be: {}",
            told(service, after, *now)
        ));
    }
    Ok(())
}

/// The tasks of a service that were wanted until now, as they are after a commit.
fn told(service: &Service, after: &Replica, now: Timestamp) -> String {
    let open = after
        .tasks_of(&service.arn)
        .filter(|it| it.last_status < TaskStatus::Stopped);
    let open = open.filter(|it| is_wanted(it) || it.times.stopping_at == Some(now));
    let told = open.map(|it| {
        let name = &it.arn.name()[..4];
        let what = match (is_wanted(it), after.is_healthy(it, now)) {
            (false, _) => "stopped now",
            (true, true) => "healthy",
            (true, false) => it.last_status.as_str(),
        };
        let protected = if is_protected(it, now) { ", protected" } else { "" };
        format!("{name} {what}{protected}")
    });
    told.collect::<Vec<_>>().join("; ")
}
