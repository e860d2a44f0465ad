//! Task sets: each has its share of the desired count, no more, and does not lose healthy tasks below its minimum.

use std::collections::BTreeMap;

use domain::service::{DeploymentController, Service, ServiceStatus};
use domain::task::{Task, TaskStatus};
use domain::task_set::{TaskSet, TaskSetStatus};
use domain::{ServiceArn, Timestamp};
use store::{Change, Commit};

use super::Replica;
use super::bounds::{fewest, is_protected, most, stopped};
use super::replica::is_wanted;

/// What a commit does to one task set.
#[derive(Default)]
struct Doing<'a> {
    started: u32,
    stopped: Vec<(&'a Task, Timestamp)>,
}

/// Looks at what a commit starts and stops.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    let mut doings: BTreeMap<(&ServiceArn, &str), Doing<'_>> = BTreeMap::new();
    for change in &commit.changes {
        let Change::Task(it) = change else { continue };
        let task = it.current();
        let (Some(service), Some(set)) = (&task.service, &task.started_by) else {
            continue;
        };
        let is_external = |it: &Service| it.deployment_controller == DeploymentController::External;
        if !after.services.get(service).is_some_and(|it| is_external(it)) {
            continue;
        }
        let doing = doings.entry((service, set)).or_default();
        doing.started += u32::from(it.before.is_none());
        doing.stopped.extend(stopped(it));
    }
    for ((arn, id), doing) in doings {
        let service = after.services.get(arn);
        let Some(service) = service.filter(|it| it.status == ServiceStatus::Active) else {
            continue;
        };
        let set = service.task_set(id);
        within(service, id, set, &doing, after)
            .map_err(|it| format!("service {}, task set {id}: {it}", arn.name()))?;
    }
    Ok(())
}

/// `computedDesiredCount`, reckoned anew: the share of the desired count, rounded up.
pub fn computed(set: &TaskSet, desired: u32) -> u32 {
    if set.status == TaskSetStatus::Draining {
        return 0;
    }
    let share = f64::from(desired) * set.scale.percent() / 100.0;
    (0..=desired)
        .find(|it| f64::from(*it) >= share - 1e-9)
        .unwrap_or(desired)
}

/// Whether a task of a task set does its work: such tasks count as soon as they run, unless a health check says nothing
/// good of them.
fn serves(task: &Task, after: &Replica) -> bool {
    let started = task.times.started_at.unwrap_or_default();
    // Time proves them at once.
    let soon = started + std::time::Duration::from_secs(3600);
    after.is_healthy(task, soon)
}

fn within(
    service: &Service,
    id: &str,
    set: Option<&TaskSet>,
    doing: &Doing<'_>,
    after: &Replica,
) -> Result<(), String> {
    let mine = || {
        after
            .tasks_of(&service.arn)
            .filter(|it| it.started_by.as_deref() == Some(id))
    };
    let wants = set.map_or(0, |it| computed(it, service.desired_count));
    let bounds = service.deployment_configuration;
    let wanted = mine().filter(|it| is_wanted(it));
    let (leaving, staying): (Vec<_>, Vec<_>) = wanted.partition(|it| after.is_leaving(it));
    let count = leaving.len() + staying.len();
    let most = match leaving.is_empty() {
        true => wants,
        false => most(bounds, wants),
    };
    if doing.started > 0 && count > most as usize {
        return Err(format!("{count} tasks after a start, where {most} may be"));
    }
    for (task, now) in &doing.stopped {
        if is_protected(task, *now) && !after.is_unhealthy(task) {
            return Err(format!("the protected task {} is stopped", task.arn.name()));
        }
    }
    let costs =
        |(task, _): &&(&Task, Timestamp)| task.last_status == TaskStatus::Running && serves(task, after);
    if !doing.stopped.iter().any(|it| costs(&it)) {
        return Ok(());
    }
    let (healthy, fewest) = (
        mine().filter(|it| serves(it, after)).count(),
        fewest(bounds, wants),
    );
    match healthy < fewest as usize {
        true => Err(format!(
            "{healthy} healthy tasks after healthy ones are stopped, where {fewest} must be"
        )),
        false => Ok(()),
    }
}
