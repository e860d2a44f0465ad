//! The move under way: its replacement is waited for, then a task stops where there was one too many.

use std::sync::Arc;

use domain::host::Host;
use domain::service::Service;
use domain::service_action::{ServiceAction, ServiceActionName};
use domain::service_scheduling::{Move, MovedFrom};
use domain::task::{Stop, StopCode, Task, TaskStatus};
use domain::{ContainerInstanceArn, TaskArn};
use placement::{Rules, Withdrawal};
use store::{State, Tx};

use super::super::part::Part;
use super::super::plan::Counts;
use super::super::scale_in::placed;
use super::super::start::names;
use super::super::{Leaving, is_wanted};
use super::{announce_held, is_at_rest};
use crate::transitions::{record_action, record_event, stop_task};

/// Goes on with the move under way, if there is one. As long as its replacement is not healthy, that is not counted: the
/// others are the service. A move that something else comes before is given up; its surplus is scaled in.
pub fn follow(
    tx: &mut Tx<'_>,
    service: &mut Service,
    part: &Part,
    counts: &mut Counts,
    unproven: &std::collections::BTreeSet<TaskArn>,
    leaving: &Leaving,
) {
    let Some(moving) = service.balance.moving.clone() else {
        return;
    };
    let replacement = tx.get::<Task>(&moving.replacement);
    let replacement = replacement.filter(|it| is_wanted(it) && part.has(it));
    let Some(replacement) = replacement.filter(|_| is_at_rest(service) && leaving.is_empty()) else {
        give_up(tx, service, &moving.from);
        return;
    };
    let is_healthy = replacement.last_status == TaskStatus::Running && !unproven.contains(&replacement.arn);
    let healthy = counts.primary.running.saturating_sub(counts.unproven);
    let lower = service.deployment_configuration.lower_bound(part.desired_count);
    if !is_healthy || healthy <= lower {
        uncount(counts, &replacement, unproven.contains(&replacement.arn));
        return;
    }
    match one_to_stop(tx, service, &moving) {
        Ok(task) => {
            stop(tx, service, part, &moving.from, &task);
            service.balance.moving = None;
            counts.primary.running = counts.primary.running.saturating_sub(1);
            counts.primary.stopping += 1;
        }
        Err(protected) => {
            announce_held(tx, service, &part.id, protected);
            give_up(tx, service, &moving.from);
        }
    }
}

fn uncount(counts: &mut Counts, replacement: &Task, is_unproven: bool) {
    match replacement.last_status {
        TaskStatus::Running => counts.primary.running = counts.primary.running.saturating_sub(1),
        _ => counts.primary.pending = counts.primary.pending.saturating_sub(1),
    }
    counts.unproven = counts.unproven.saturating_sub(u32::from(is_unproven));
}

fn give_up(tx: &mut Tx<'_>, service: &mut Service, from: &MovedFrom) {
    match from {
        MovedFrom::Zone(_) => {
            let action = ServiceAction::of(ServiceActionName::ServiceRebalancingStopped);
            record_action(tx, service, "stopped AZ Rebalancing.", action);
        }
        MovedFrom::Host(_) => record_event(tx, service, "stopped instance rebalancing.".to_owned()),
    }
    service.balance.moving = None;
    service.balance.is_uneven = false;
}

/// A task where there is one too many, or how many are protected there.
fn one_to_stop(tx: &Tx<'_>, service: &Service, moving: &Move) -> Result<Arc<Task>, u32> {
    let (state, now) = (tx.state(), tx.now());
    let tasks = state.tasks_of_service(&service.arn);
    let tasks = tasks.filter(|it| {
        is_wanted(it)
            && it.last_status == TaskStatus::Running
            && it.arn != moving.replacement
            && is_at(state, it, &moving.from)
    });
    let mut tasks: Vec<&Arc<Task>> = tasks.collect();
    tasks.sort_by_key(|it| (std::cmp::Reverse(it.times.created_at), &it.arn));
    let rules = Rules::of_service([], &service.placement_strategy);
    let placed = tasks.iter().map(|it| placed(state, it, false)).collect();
    let mut withdrawal = Withdrawal::new(placed, &rules);
    let found = withdrawal.take(|index| tasks[index].protection(now).is_none(), 1);
    let protected = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
    found
        .first()
        .map(|index| Arc::clone(tasks[*index]))
        .ok_or(protected)
}

fn is_at(state: &State, task: &Task, from: &MovedFrom) -> bool {
    match from {
        MovedFrom::Host(id) => task.host_id == *id,
        MovedFrom::Zone(zone) => {
            let host = state.get::<Host>(&task.host_id);
            host.is_some_and(|it| it.availability_zone == *zone)
        }
    }
}

fn stop(tx: &mut Tx<'_>, service: &mut Service, part: &Part, from: &MovedFrom, task: &Arc<Task>) {
    let instance = task
        .container_instance
        .as_ref()
        .map_or("", ContainerInstanceArn::name);
    let names = names(std::slice::from_ref(task));
    let text = match from {
        MovedFrom::Zone(zone) => {
            format!("has stopped 1 running tasks in {zone} due to AZ rebalancing: {names}.")
        }
        MovedFrom::Host(_) => format!(
            "has stopped 1 running tasks on (container-instance {instance}) due to instance rebalancing: {names}."
        ),
    };
    record_event(tx, service, text);
    let stop = Stop {
        code: StopCode::ServiceSchedulerInitiated,
        reason: format!("Scaling activity initiated by (deployment {})", part.id),
    };
    // It has just been found.
    let _ = stop_task(tx, &task.arn, stop);
}
