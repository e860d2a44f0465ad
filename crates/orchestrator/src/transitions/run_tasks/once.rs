//! A RunTask that is repeated starts nothing anew.

use std::sync::Arc;
use std::time::Duration;

use domain::TaskArn;
use domain::task::{QueuePolicy, Task};
use store::Tx;

use super::{RunTasks, RunTasksOutcome, RunTasksRefusal};
use crate::transitions::run_queued_tasks;

/// How long a client token is known, or as long as its tasks are, if that is less.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html>
const CLIENT_TOKEN_KNOWN: Duration = Duration::from_secs(24 * 60 * 60);

/// Why no tasks are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTasksOnceRefusal {
    /// There is nowhere to place them.
    Nowhere(RunTasksRefusal),
    /// Another call in the cluster had the same client token; it started these tasks.
    ClientTokenTaken(Vec<TaskArn>),
}

/// As [`run_queued_tasks`], but a call that is repeated gives the tasks that it started at first.
///
/// # Errors
/// As there, or the client token is another call's; nothing is changed.
pub fn run_tasks_once(
    tx: &mut Tx<'_>,
    run: &RunTasks,
    policy: &QueuePolicy,
) -> Result<RunTasksOutcome, RunTasksOnceRefusal> {
    let tasks = started_before(tx, run);
    if tasks
        .iter()
        .any(|it| it.client_request.as_deref() != run.client_request.as_ref())
    {
        let arns = tasks.iter().map(|it| it.arn.clone());
        return Err(RunTasksOnceRefusal::ClientTokenTaken(arns.collect()));
    }
    // A call that started none is tried anew.
    if tasks.is_empty() {
        return run_queued_tasks(tx, run, policy).map_err(RunTasksOnceRefusal::Nowhere);
    }
    let failures = Vec::new();
    Ok(RunTasksOutcome { tasks, failures })
}

fn started_before(tx: &Tx<'_>, run: &RunTasks) -> Vec<Arc<Task>> {
    let Some(request) = &run.client_request else {
        return Vec::new();
    };
    let oldest = tx.now() - CLIENT_TOKEN_KNOWN;
    let started = tx.state().tasks_of_client_token(&run.cluster, &request.token);
    started
        .filter(|it| it.times.created_at > oldest)
        .cloned()
        .collect()
}
