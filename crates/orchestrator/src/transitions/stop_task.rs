//! The wish that a task stops.

use std::sync::Arc;

use domain::TaskArn;
use domain::host::Host;
use domain::task::{Stop, Task, TaskStatus};
use store::Tx;

use super::task_registrations::follow_registration;

/// There is no such task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskNotFound;

/// Wishes a task stopped; its agent carries it out. A task that shall stop already keeps its first reason.
///
/// Answers the task as it was wished to stop, as StopTask shows it; the task itself is STOPPING from then on, or
/// DEACTIVATING if it has to be deregistered from load balancers or proxies first.
///
/// # Errors
/// [`TaskNotFound`].
pub fn stop_task(tx: &mut Tx<'_>, arn: &TaskArn, stop: Stop) -> Result<Arc<Task>, TaskNotFound> {
    let known = tx.get::<Task>(arn).ok_or(TaskNotFound)?;
    let mut task = (*known).clone();
    if known.last_status == TaskStatus::Stopped || !task.stop(stop, tx.now()) {
        return Ok(known);
    }
    let wished = Arc::new(task.clone());
    let next = match task.has_to_drain() {
        true => TaskStatus::Deactivating,
        false => TaskStatus::Stopping,
    };
    task.advance(next, tx.now());
    // Nobody would ever report a task whose host is gone.
    if tx.get::<Host>(&task.host_id).is_none() {
        task.advance(TaskStatus::Stopped, tx.now());
    }
    tx.put(task);
    follow_registration(tx, arn);
    Ok(wished)
}

/// Gives back what the host promised to a task that has just become STOPPED.
pub(super) fn release_host(tx: &mut Tx<'_>, task: &Task) {
    if let Some(host) = tx.get::<Host>(&task.host_id) {
        let mut host = (*host).clone();
        host.release(&task.promised);
        tx.put(host);
    }
}
