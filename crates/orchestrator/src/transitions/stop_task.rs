//! The wish that a task stops.

use std::sync::Arc;

use domain::TaskArn;
use domain::host::Host;
use domain::task::{Stop, Task, TaskStatus};
use store::Tx;

/// There is no such task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskNotFound;

/// Wishes a task stopped; its agent carries it out. A task that shall stop already keeps its first reason.
///
/// Answers the task as it was wished to stop, as StopTask shows it; the task itself is STOPPING from then on, since
/// there is nothing that it has to be deregistered from first.
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
    task.advance(TaskStatus::Stopping, tx.now());
    // Nobody would ever report a task whose host is gone.
    if tx.get::<Host>(&task.host_id).is_none() {
        task.advance(TaskStatus::Stopped, tx.now());
    }
    tx.put(task);
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
