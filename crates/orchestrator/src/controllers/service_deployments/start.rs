//! Tasks of a service are started, and what comes of it is announced.

use std::sync::Arc;
use std::time::Duration;

use domain::service::Service;
use domain::task::Task;
use store::Tx;

use super::part::Part;
use super::{Next, ServiceDeployments};
use crate::transitions::{
    EMPTY_CAPACITY_PROVIDER, PlacementFailure, RunTasks, RunTasksRefusal, Where, record_event, run_tasks,
};

impl ServiceDeployments {
    /// Starts tasks of a part. What it announces of a refusal is noted in the part.
    pub(super) fn start(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        part: &mut Part,
        count: u32,
        placed: Where,
    ) -> Next {
        if count == 0 {
            return Next::AwaitChange;
        }
        let wait = part
            .throttled_until
            .map(|until| Duration::try_from(until.duration_since(tx.now())));
        if let Some(Ok(wait)) = wait
            && !wait.is_zero()
        {
            return Next::After(wait);
        }
        let Some(run) = part.run(tx.state(), service, count) else {
            return Next::AwaitChange;
        };
        let run = RunTasks { placed, ..run };
        let refusal = match run_tasks(tx, &run) {
            Ok(outcome) => {
                announce_started(tx, service, &outcome.tasks);
                match outcome.failures.first() {
                    None => {
                        part.announced_refusal = None;
                        return Next::AwaitChange;
                    }
                    Some(closest) => closest_matching(closest),
                }
            }
            Err(RunTasksRefusal::NoContainerInstances) => {
                "was unable to place a task because no container instance met all of its requirements. \
                 Reason: No Container Instances were found in your cluster."
                    .to_owned()
            }
            Err(RunTasksRefusal::NoAddress) => {
                "was unable to place a task. Reason: the subnets of the service have no free address."
                    .to_owned()
            }
        };
        // Said once, until something else is to be said.
        if part.announced_refusal.as_ref() != Some(&refusal) {
            record_event(tx, service, refusal.clone());
            part.announced_refusal = Some(refusal);
        }
        Next::After(self.placement_retry)
    }
}

fn closest_matching(closest: &PlacementFailure) -> String {
    if closest.reason == EMPTY_CAPACITY_PROVIDER {
        return "was unable to place a task because no container instance met all of its requirements. \
                Reason: No Container Instances were found in your capacity provider. For more information, see the \
                Troubleshooting section of the Amazon ECS Developer Guide."
            .to_owned();
    }
    let id = closest.arn.rsplit('/').next().unwrap_or_default();
    format!(
        "was unable to place a task because no container instance met all of its requirements. \
         The closest matching (container-instance {id}) {}. For more information, see the Troubleshooting section \
         of the Amazon ECS Developer Guide.",
        closest.in_event
    )
}

fn announce_started(tx: &mut Tx<'_>, service: &mut Service, tasks: &[Arc<Task>]) {
    if !tasks.is_empty() {
        let message = format!("has started {} tasks: {}.", tasks.len(), names(tasks));
        record_event(tx, service, message);
    }
}

/// Tasks, as events name them.
pub(super) fn names(tasks: &[Arc<Task>]) -> String {
    tasks
        .iter()
        .map(|it| format!("(task {})", it.arn.name()))
        .collect::<Vec<_>>()
        .join(" ")
}
