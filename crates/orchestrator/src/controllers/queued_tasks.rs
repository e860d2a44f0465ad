//! Places tasks that wait, stops those that have waited for long enough, tries those again that have failed.

use std::sync::Arc;
use std::time::Duration;

use domain::TaskArn;
use domain::host::Host;
use domain::task::{DesiredStatus, Queued, Stop, StopCode, Task, TaskStatus};
use ipnet::Ipv4Net;
use store::{Change, State, Tx};

use super::{Controller, Next, Settings};
use crate::transitions::{NO_HOST, is_tried_again, place_queued_task, retry_task, stop_task};

#[cfg(test)]
mod tests;

/// Most waiting tasks, the oldest, that look for a place when there is news of room. Each that finds one is news.
const WOKEN_MAX: usize = 256;

/// See the module.
pub struct QueuedTasks {
    /// What public addresses of tasks are given of.
    pub public_addresses: Ipv4Net,
}

impl QueuedTasks {
    /// As it is set.
    pub fn new(settings: &Settings) -> Self {
        Self {
            public_addresses: settings.public_addresses,
        }
    }
}

impl Controller for QueuedTasks {
    const NAME: &'static str = "queued_tasks";
    type Key = TaskArn;

    fn keys(&self, state: &State, change: &Change) -> Vec<TaskArn> {
        match change {
            Change::Task(it) => {
                let waited = it.before.as_ref().is_some_and(|it| it.host_id == NO_HOST);
                let after = it.after.iter();
                let mut keys = match after.clone().any(|it| waited && it.host_id != NO_HOST) {
                    true => waiting(state),
                    false => Vec::new(),
                };
                keys.extend(after.filter(|it| it.queued.is_some()).map(|it| it.arn.clone()));
                keys
            }
            Change::Host(it) if has_more(it.before.as_ref(), it.after.as_ref()) => waiting(state),
            Change::ContainerInstance(_) => waiting(state),
            _ => Vec::new(),
        }
    }

    fn all_keys(&self, state: &State) -> Vec<TaskArn> {
        state.queued_tasks().cloned().collect()
    }

    fn reconcile(&self, tx: &mut Tx<'_>, arn: &TaskArn) -> Next {
        let Some(task) = tx.get::<Task>(arn) else {
            return Next::AwaitChange;
        };
        let Some(queued) = task.queued.clone() else {
            return Next::AwaitChange;
        };
        if task.last_status == TaskStatus::Stopped {
            if is_tried_again(&task) {
                retry_task(tx, &task, &queued);
            }
            return Next::AwaitChange;
        }
        match (task.host_id == NO_HOST, task.desired_status) {
            (true, DesiredStatus::Running) => self.wait(tx, &task, &queued),
            _ => Next::AwaitChange,
        }
    }
}

impl QueuedTasks {
    /// Room is news, so nobody looks for it again and again.
    fn wait(&self, tx: &mut Tx<'_>, task: &Task, queued: &Queued) -> Next {
        let left =
            |until: domain::Timestamp| Duration::try_from(until.duration_since(tx.now())).unwrap_or_default();
        let before = queued.not_before.map(left).unwrap_or_default();
        if !before.is_zero() {
            return Next::After(before);
        }
        let left = left(queued.until);
        if place_queued_task(tx, task, queued, self.public_addresses) {
            return Next::AwaitChange;
        }
        if !left.is_zero() {
            return Next::After(left);
        }
        let refusal = tx
            .get::<Task>(&task.arn)
            .and_then(|it| it.queued.clone()?.refusal);
        let stop = Stop {
            code: StopCode::TaskFailedToStart,
            reason: refusal.unwrap_or_default(),
        };
        // It has just been read.
        let _ = stop_task(tx, &task.arn, stop);
        Next::AwaitChange
    }
}

/// Whether a host may take what it did not take before.
fn has_more(before: Option<&Arc<Host>>, after: Option<&Arc<Host>>) -> bool {
    let Some(after) = after else { return false };
    before.is_none_or(|before| {
        before.total != after.total
            || before.task_count > after.task_count
            || (!before.is_connected && after.is_connected)
    })
}

fn waiting(state: &State) -> Vec<TaskArn> {
    let mut oldest: Vec<_> = state.tasks_of_host(NO_HOST).collect();
    oldest.sort_by_key(|it| it.times.created_at);
    oldest.truncate(WOKEN_MAX);
    oldest.into_iter().map(|it| it.arn.clone()).collect()
}
