//! Tasks of a service are stopped, and that is announced.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use domain::service::{Service, ServiceStatus};
use domain::task::{Stop, StopCode, Task, TaskStatus};
use store::Tx;

use super::part::Part;
use super::plan::Plan;
use super::start::names;
use super::{Leaving, Next, capacity, health, is_wanted};
use crate::transitions::{count_failure, record_event, stop_task};

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
) -> Stopped {
    if plan.stop_old_pending + plan.stop_old_running + plan.stop_primary == 0 {
        return Stopped::default();
    }
    let (chosen, held_for) = choose(tx, service, part, plan, leaving);
    for task in &chosen {
        let deployment = task.started_by.as_deref().unwrap_or_default();
        let is_unhealthy = health::is_unhealthy(tx.state(), task);
        let reason = if is_unhealthy {
            health::FAILED.to_owned()
        } else {
            format!("Scaling activity initiated by (deployment {deployment})")
        };
        if is_unhealthy {
            let message = format!("(task {}) failed container health checks.", task.arn.name());
            record_event(tx, service, message);
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
    let count = chosen.len();
    announce_stopped(tx, service, chosen);
    Stopped { count, held_for }
}

fn choose(
    tx: &Tx<'_>,
    service: &Service,
    part: &Part,
    plan: &Plan,
    leaving: &Leaving,
) -> (Vec<Arc<Task>>, Option<Duration>) {
    let now = tx.now();
    let (mut chosen, mut held_for) = (Vec::new(), None::<Duration>);
    let (mut pending, mut running, mut surplus) =
        (plan.stop_old_pending, plan.stop_old_running, plan.stop_primary);
    let mut tasks: Vec<Arc<Task>> = tx
        .state()
        .tasks_of_service(&service.arn)
        .filter(|it| is_wanted(it) && part.may_stop(it))
        .cloned()
        .collect();
    // What is unhealthy goes first, then what does not run yet, then the youngest.
    tasks.sort_by_cached_key(|it| {
        (
            !health::is_unhealthy(tx.state(), it),
            !it.last_status.is_pending(),
            Reverse(it.times.created_at),
        )
    });
    let is_kept = |it: &Arc<Task>| part.has(it) && !leaving.contains_key(&it.arn);
    let kept: Vec<Arc<Task>> = tasks.iter().filter(|it| is_kept(it)).cloned().collect();
    let surplus_of_provider = capacity::surplus(part, &kept);
    tasks.sort_by_key(|it| !surplus_of_provider.contains(&it.arn));
    for task in tasks {
        let budget = match (is_kept(&task), task.last_status.is_pending()) {
            (true, _) => &mut surplus,
            (false, true) => &mut pending,
            (false, false) => &mut running,
        };
        if *budget == 0 {
            continue;
        }
        if let Some(until) = task.protection(now)
            && service.status == ServiceStatus::Active
            && !health::is_unhealthy(tx.state(), &task)
        {
            let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            held_for = Some(held_for.map_or(wait, |it| it.min(wait)));
            continue;
        }
        *budget -= 1;
        chosen.push(task);
    }
    (chosen, held_for)
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
        record_event(tx, service, message);
    }
    if !pending.is_empty() {
        let message = format!("has stopped {} pending tasks.", pending.len());
        record_event(tx, service, message);
    }
}
