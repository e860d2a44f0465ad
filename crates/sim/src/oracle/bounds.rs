//! What the scheduler itself does to a service stays within its bounds. What users and faults do is not its doing.

use std::collections::{BTreeMap, BTreeSet};

use domain::service::{DeploymentConfiguration, DeploymentController, Service, ServiceStatus};
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{DesiredStatus, StopCode, Task, TaskStatus};
use domain::{ServiceArn, Timestamp};
use store::{Change, Changed, Commit};

use super::Replica;
use super::replica::is_wanted;

/// What one commit does to a service.
#[derive(Default)]
struct Doing<'a> {
    /// Deployments of which tasks are started.
    started: BTreeSet<&'a str>,
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
        let started_by = it.current().started_by.as_deref();
        doing.started.extend(started_by.filter(|_| it.before.is_none()));
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
        let is_ecs = service.deployment_controller == DeploymentController::Ecs;
        if is_ecs && service.scheduling_strategy == SchedulingStrategy::Replica {
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

/// Whether a task is protected at that time.
pub fn is_protected(task: &Task, now: Timestamp) -> bool {
    task.protected_until.is_some_and(|until| until > now)
}

/// A task that its service stops with this change, as it was, and when.
pub fn stopped(change: &Changed<Task>) -> Option<(&Task, Timestamp)> {
    let (before, after) = (change.before.as_deref()?, change.after.as_deref()?);
    let is_news = before.desired_status == DesiredStatus::Running
        && after.desired_status == DesiredStatus::Stopped
        && after.stop.as_ref()?.code == StopCode::ServiceSchedulerInitiated;
    is_news.then_some((before, after.times.stopping_at?))
}

fn within(service: &Service, doing: &Doing<'_>, after: &Replica) -> Result<(), String> {
    let (bounds, desired) = (service.deployment_configuration, service.desired_count);
    room(service, doing, after)?;
    for (task, now) in &doing.stopped {
        if is_protected(task, *now) && !after.is_unhealthy(task) {
            return Err(format!("the protected task {} is stopped", task.arn.name()));
        }
    }
    beside(service, doing, after)?;
    // Where two revisions stand beside each other, what is of neither has no traffic.
    let lifecycle = service.lifecycle.as_ref();
    let blue = lifecycle.and_then(|it| it.blue.as_ref().filter(|blue| it.keeps(blue)));
    let green = service.deployments.first().map(|it| &it.id);
    let may_serve =
        |it: &Task| blue.is_none() || it.started_by.as_ref() == blue || it.started_by.as_ref() == green;
    let costs = |(task, now): &&(&Task, Timestamp)| may_serve(task) && after.is_healthy(task, *now);
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

/// What is started stays below the maximum: that of the service, and in stages that of each revision.
fn room(service: &Service, doing: &Doing<'_>, after: &Replica) -> Result<(), String> {
    let (bounds, desired) = (service.deployment_configuration, service.desired_count);
    let wanted = || after.tasks_of(&service.arn).filter(|it| is_wanted(it));
    let within = |count: usize, most: u32| match count > most as usize {
        true => Err(format!("{count} tasks after a start, where {most} may be")),
        false => Ok(()),
    };
    if doing.started.is_empty() {
        return Ok(());
    }
    if service.lifecycle.is_none() {
        return within(wanted().count(), most(bounds, desired));
    }
    doing.started.iter().try_for_each(|id| {
        let mine: Vec<_> = wanted()
            .filter(|it| it.started_by.as_deref() == Some(id))
            .collect();
        match mine.iter().any(|it| after.is_leaving(it)) {
            true => within(mine.len(), most(bounds, desired)),
            false => within(mine.len(), desired),
        }
    })
}

/// The revision that has the traffic keeps as many healthy tasks as if there were no other.
fn beside(service: &Service, doing: &Doing<'_>, after: &Replica) -> Result<(), String> {
    let lifecycle = service.lifecycle.as_ref();
    let blue = lifecycle.and_then(|it| it.blue.as_ref().filter(|blue| it.keeps(blue)));
    let is_blue = |it: &Task| blue.is_some() && it.started_by.as_ref() == blue;
    let costs = |(task, now): &&(&Task, Timestamp)| is_blue(task) && after.is_healthy(task, *now);
    let Some((_, now)) = doing.stopped.iter().find(costs) else {
        return Ok(());
    };
    let healthy = after.tasks_of(&service.arn);
    let healthy = healthy
        .filter(|it| is_blue(it) && after.is_healthy(it, *now))
        .count();
    let fewest = fewest(service.deployment_configuration, service.desired_count);
    match healthy < fewest as usize {
        true => Err(format!(
            "{healthy} healthy tasks of the revision with the traffic, where {fewest} must be"
        )),
        false => Ok(()),
    }
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
