//! What health checks say of the tasks of a service.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::service::Service;
use domain::service_load_balancer::TaskTarget;
use domain::task::{HealthStatus, Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::{TaskArn, TaskDefinitionArn, Timestamp};
use store::{HealthyContainers, State, TARGETS, Tx};

use super::part::{Part, Reach};
use super::plan::Counts;
use super::{Leaving, Next, is_wanted};

/// Tasks to be replaced because health checks of them fail.
pub fn unhealthy(state: &State, service: &Service, now: Timestamp) -> Leaving {
    let tasks = state.unhealthy_tasks_of_service(&service.arn);
    let tasks = tasks.filter(|it| is_unhealthy(state, it, now));
    tasks.map(|it| (it.arn.clone(), Arc::clone(it))).collect()
}

/// When the next task that is unhealthy may not be so any more.
pub fn grace(state: &State, service: &Service, now: Timestamp) -> Next {
    if service.health_check_grace_period_seconds.is_none() {
        return Next::AwaitChange;
    }
    let tasks = state.unhealthy_tasks_of_service(&service.arn);
    let left = tasks
        .map(|it| grace_left(service, it, now))
        .filter(|it| !it.is_zero());
    left.min().map_or(Next::AwaitChange, Next::After)
}

/// How long a task may still be unhealthy.
fn grace_left(service: &Service, task: &Task, now: Timestamp) -> Duration {
    let seconds = service.health_check_grace_period_seconds.unwrap_or_default();
    left(task, now, Duration::from_secs(seconds.into()))
}

/// Notes how healthy the tasks of a part are that run: one whose checks have not come to anything yet, or that has
/// none and does not run for long yet, does not count as healthy. Gives these, and when the next of the latter will.
pub fn note(
    counts: &mut Counts,
    tx: &Tx<'_>,
    service: &Service,
    part: &Part,
    leaving: &Leaving,
    healthy_after: Duration,
) -> (BTreeSet<TaskArn>, Next) {
    let state = tx.state();
    let runs = |it: &&Arc<Task>| it.last_status == TaskStatus::Running;
    let unhealthy = leaving.values().filter(runs);
    let unhealthy = unhealthy.filter(|it| part.may_stop(it) && is_unhealthy(state, it, tx.now()));
    counts.unhealthy = u32::try_from(unhealthy.count()).unwrap_or(u32::MAX);
    let next_old = note_old(counts, tx, service, part, leaving, healthy_after);
    let (unproven, next) = unproven(tx, service, part, leaving, healthy_after);
    counts.unproven = u32::try_from(unproven.len()).unwrap_or(u32::MAX);
    (unproven, next.or(next_old))
}

/// Running tasks of a part that do not count as healthy yet, and when the next of them does by time alone.
pub fn unproven(
    tx: &Tx<'_>,
    service: &Service,
    part: &Part,
    leaving: &Leaving,
    healthy_after: Duration,
) -> (BTreeSet<TaskArn>, Next) {
    let (mut unproven, mut next) = (BTreeSet::new(), Next::AwaitChange);
    let state = tx.state();
    let Some(definition) = state.get::<TaskDefinition>(&part.task_definition) else {
        return (unproven, next);
    };
    let is_checked = definition.is_health_checked();
    // In the steady state all were healthy when it was reached, and none has started since.
    if !is_checked
        && service.load_balancers.is_empty()
        && service.task_sets.is_empty()
        && (healthy_after.is_zero() || service.steady_since.is_some())
    {
        return (unproven, next);
    }
    let tasks = unsettled(state, service, &part.task_definition, tx.now(), healthy_after);
    for task in tasks.filter(|it| part.has(it)) {
        if leaving.contains_key(&task.arn) || is_proven(state, task, tx.now(), healthy_after) {
            continue;
        }
        unproven.insert(task.arn.clone());
        if !is_checked && task.targets.is_empty() {
            next = next.or(Next::After(left(task, tx.now(), healthy_after)));
        }
    }
    (unproven, next)
}

/// The same of tasks that a part is going to replace: which of them are not known to be healthy.
fn note_old(
    counts: &mut Counts,
    tx: &Tx<'_>,
    service: &Service,
    part: &Part,
    leaving: &Leaving,
    healthy_after: Duration,
) -> Next {
    let mut next = Next::AwaitChange;
    if counts.old.running == 0 && leaving.is_empty() {
        return next;
    }
    let is_old = |it: &&Arc<Task>| !part.has(it) || leaving.contains_key(&it.arn);
    let state = tx.state();
    let runs = |it: &&Arc<Task>| it.last_status == TaskStatus::Running && is_wanted(it);
    let running: Vec<&Arc<Task>> = match part.reach {
        // Tasks of a third revision have no traffic, however long they have run.
        Reach::AllBut(_) => state.tasks_of_service(&service.arn).filter(runs).collect(),
        Reach::All | Reach::Own => {
            let definitions = state.definitions_running_in_service(&service.arn);
            let unsettled = definitions.flat_map(|it| unsettled(state, service, it, tx.now(), healthy_after));
            unsettled.collect()
        }
    };
    for task in running.into_iter().filter(|it| part.may_stop(it)).filter(is_old) {
        let is_proven = is_proven(tx.state(), task, tx.now(), healthy_after);
        if part.may_serve(task) && is_proven {
            continue;
        }
        counts.old_unproven += 1;
        counts.old_unserving += u32::from(is_proven);
        if !task.targets.is_empty() {
            continue;
        }
        let left = left(task, tx.now(), healthy_after);
        if !left.is_zero() {
            next = next.or(Next::After(left));
        }
    }
    next
}

/// Running tasks of older deployments that are not known to be healthy.
pub fn unproven_old(tx: &Tx<'_>, service: &Service, part: &Part, healthy_after: Duration) -> Vec<TaskArn> {
    let (state, now) = (tx.state(), tx.now());
    let definitions = state.definitions_running_in_service(&service.arn);
    let old = definitions.flat_map(|it| unsettled(state, service, it, now, healthy_after));
    let unproven = old.filter(|it| !part.has(it) && !is_proven(state, it, now, healthy_after));
    unproven.map(|it| it.arn.clone()).collect()
}

/// Running tasks of a revision that may not be known to be healthy: all others are.
fn unsettled<'a>(
    state: &'a State,
    service: &Service,
    definition: &TaskDefinitionArn,
    now: Timestamp,
    healthy_after: Duration,
) -> impl Iterator<Item = &'a Arc<Task>> + use<'a> {
    let containers = state
        .get::<TaskDefinition>(definition)
        .map_or(TARGETS, |it| checked(it));
    let since = match containers & !TARGETS {
        0 => now.saturating_sub(healthy_after).unwrap_or(Timestamp::MIN),
        // How long they have run says nothing.
        _ => Timestamp::MAX,
    };
    state.unsettled_tasks(&service.arn, definition, containers, since)
}

/// What has to be healthy for a task to be so.
fn checked(definition: &TaskDefinition) -> HealthyContainers {
    let containers = definition.containers.iter().enumerate();
    let checked = containers.filter(|(_, it)| it.essential && it.is_health_checked());
    checked.fold(TARGETS, |bits, (place, _)| {
        let place = u32::try_from(place).ok();
        // One without a bit of its own asks for what no task has: so all are looked at.
        bits | place
            .filter(|it| *it < TARGETS.trailing_zeros())
            .map_or(HealthyContainers::MAX, |it| 1 << it)
    })
}

/// Whether a running task is known to be healthy: by its checks and those of load balancers, or without any by how long
/// it has run.
pub fn is_proven(state: &State, task: &Task, now: Timestamp, healthy_after: Duration) -> bool {
    let definition = state.get::<TaskDefinition>(&task.task_definition);
    if !task.targets.iter().all(TaskTarget::is_healthy) {
        return false;
    }
    match definition.filter(|it| it.is_health_checked()) {
        Some(definition) => task.health(definition) == HealthStatus::Healthy,
        None if !task.targets.is_empty() => true,
        None => left(task, now, healthy_after).is_zero(),
    }
}

/// How long a task still has to run until it has run for so long.
fn left(task: &Task, now: Timestamp, required: Duration) -> Duration {
    let since = task.times.started_at.unwrap_or(now);
    let lived = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    required.saturating_sub(lived)
}

/// Whether health checks of a task fail, of its containers or of a load balancer, and it has no grace any more.
pub fn is_unhealthy(state: &State, task: &Task, now: Timestamp) -> bool {
    let definition = state.get::<TaskDefinition>(&task.task_definition);
    let fails = task.targets.iter().any(TaskTarget::is_unhealthy)
        || definition.is_some_and(|it| it.is_health_checked() && task.health(it) == HealthStatus::Unhealthy);
    let service = task.service.as_ref().and_then(|it| state.get::<Service>(it));
    fails && service.is_none_or(|it| grace_left(it, task, now).is_zero())
}
