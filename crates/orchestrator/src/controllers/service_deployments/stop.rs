//! Tasks of a service are stopped, and that is announced.

use std::sync::Arc;
use std::time::Duration;

use domain::service::Service;
use domain::task::{Stop, StopCode, Task, TaskStatus};
use store::Tx;

use super::part::Part;
use super::plan::Plan;
use super::scale_in::{Candidate, Chosen, choose};
use super::start::names;
use super::{Leaving, Next, health};
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
    let Chosen { candidates, held_for } = choose(tx.state(), tx.now(), service, part, plan, leaving);
    for Candidate {
        task, is_unhealthy, ..
    } in &candidates
    {
        let deployment = task.started_by.as_deref().unwrap_or_default();
        let reason = if *is_unhealthy {
            health::FAILED.to_owned()
        } else {
            format!("Scaling activity initiated by (deployment {deployment})")
        };
        if *is_unhealthy {
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
    let count = candidates.len();
    announce_stopped(tx, service, candidates.into_iter().map(|it| it.task).collect());
    Stopped { count, held_for }
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
