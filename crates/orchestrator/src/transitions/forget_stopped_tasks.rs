//! The end of stopped tasks: they leave the state, once their owner has put them elsewhere.

use domain::TaskArn;
use domain::task::{Task, TaskStatus};
use store::Tx;

/// Forgets those of these tasks that are STOPPED.
pub fn forget_stopped_tasks(tx: &mut Tx<'_>, arns: &[TaskArn]) {
    for arn in arns {
        if tx
            .get::<Task>(arn)
            .is_some_and(|it| it.last_status == TaskStatus::Stopped)
        {
            tx.delete::<Task>(arn);
        }
    }
}
