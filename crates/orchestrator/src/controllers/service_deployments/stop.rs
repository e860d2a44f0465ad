//! Tasks of a service are stopped, and that is announced.

use std::sync::Arc;
use std::time::Duration;

use domain::TaskArn;
use domain::service::Service;
use domain::service_action::{ServiceAction, ServiceActionName};
use domain::task::{Stop, StopCode, Task, TaskStatus};
use store::Tx;

use super::failure::Failure;
use super::part::{Part, Reach};
use super::plan::Plan;
use super::scale_in::{Choosing, Chosen, choose};
use super::start::names;
use super::{Leaving, Next};
use crate::transitions::{count_failure, record_action, record_event, stop_task};

/// What stopping came to.
#[derive(Default)]
pub(super) struct Stopped {
    /// So many tasks shall stop now.
    pub count: usize,
    /// Protected tasks were left alone, the first for so long.
    held_for: Option<Duration>,
}

impl Stopped {
    /// When there may be more to stop.
    pub fn next(&self) -> Next {
        self.held_for.map_or(Next::AwaitChange, Next::After)
    }
}

/// Stops tasks as a plan for a part has it. Protected tasks are left alone, unless the service itself goes.
pub(super) fn stop(
    tx: &mut Tx<'_>,
    service: &mut Service,
    part: &Part,
    plan: &Plan,
    leaving: &Leaving,
    healthy_after: Duration,
) -> Stopped {
    if plan.is_steady {
        match part.reach {
            Reach::All => service.announced_protection.clear(),
            _ => drop(service.announced_protection.remove(&part.id)),
        }
    }
    if plan.stop_old_pending + plan.stop_old_running + plan.stop_primary == 0 {
        return Stopped::default();
    }
    let choosing = Choosing {
        now: tx.now(),
        healthy_after,
        leaving,
    };
    let Chosen { candidates, held } = choose(tx.state(), &choosing, service, part, plan);
    let count = candidates.len();
    let tasks = candidates.into_iter().map(|it| it.task).collect();
    stop_tasks(tx, service, tasks);
    let held_for = held.map(|it| {
        announce_held(tx, service, it.started_by);
        it.wait
    });
    Stopped { count, held_for }
}

/// Says that protection keeps tasks of a deployment or task set: of each once, until all is as it should be. Several may be
/// held at one time, and must not take turns.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>
fn announce_held(tx: &mut Tx<'_>, service: &mut Service, started_by: String) {
    if service.announced_protection.contains(&started_by) {
        return;
    }
    let message = format!(
        "was unable to reach steady state because task set ({started_by}) was unable to scale in. Reason: The number of \
         protected tasks are more than the desired count of tasks."
    );
    record_event(tx, service, message);
    let Service {
        announced_protection,
        deployments,
        task_sets,
        ..
    } = service;
    announced_protection.insert(started_by);
    let is_there =
        |id: &String| deployments.iter().any(|it| it.id == *id) || task_sets.iter().any(|it| it.id == *id);
    announced_protection.retain(is_there);
}

/// Stops just these tasks of a service; returns how many there were.
pub(super) fn stop_each(tx: &mut Tx<'_>, service: &mut Service, tasks: &[TaskArn]) -> usize {
    let tasks: Vec<Arc<Task>> = tasks.iter().filter_map(|it| tx.get::<Task>(it)).collect();
    let count = tasks.len();
    stop_tasks(tx, service, tasks);
    count
}

fn stop_tasks(tx: &mut Tx<'_>, service: &mut Service, tasks: Vec<Arc<Task>>) {
    for task in &tasks {
        let deployment = task.started_by.as_deref().unwrap_or_default();
        let failure = Failure::of(tx, task);
        let reason = match &failure {
            Some(it) => it.stop_reason.clone(),
            None => format!("Scaling activity initiated by (deployment {deployment})"),
        };
        if let Some(it) = failure {
            record_event(tx, service, it.event);
            count_failure(service, task, tx.now());
        }
        // They have just been found.
        let _ = stop_task(
            tx,
            &task.arn,
            Stop {
                code: StopCode::ServiceSchedulerInitiated,
                reason,
            },
        );
    }
    announce_stopped(tx, service, tasks);
}

fn announce_stopped(tx: &mut Tx<'_>, service: &mut Service, stopped: Vec<Arc<Task>>) {
    let (running, pending): (Vec<_>, Vec<_>) = stopped
        .into_iter()
        .partition(|it| it.last_status == TaskStatus::Running);
    if !running.is_empty() {
        let message = format!(
            "has stopped {} running tasks: {}.",
            running.len(),
            names(&running)
        );
        let action = ServiceAction {
            tasks: running.iter().map(|it| it.arn.to_string()).collect(),
            ..ServiceAction::of(ServiceActionName::TasksStopped)
        };
        record_action(tx, service, &message, action);
    }
    if !pending.is_empty() {
        let message = format!("has stopped {} pending tasks.", pending.len());
        record_event(tx, service, message);
    }
}
