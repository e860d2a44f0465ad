//! RunTask whose tasks may wait for a place, and be tried again: tasks without a host.

use std::sync::Arc;

use domain::TaskArn;
use domain::task::{Concurrency, DesiredStatus, QueuePolicy, Queued, Stop, StopCode, Task, back_off};
use domain::task_definition::TaskDefinition;
use ipnet::Ipv4Net;
use store::Tx;

use super::run_tasks::{
    PlacementFailure, RunTasks, RunTasksOutcome, RunTasksRefusal, Where, run_tasks, unplaced,
};
use super::stop_task;

/// A task of which nothing more is to be said than that it waits has no host.
pub const NO_HOST: &str = "";
/// Reason of the failure that another task stands in the way.
pub const CONCURRENCY: &str = "CONCURRENCY";

/// `RunTask` as its tags want it: what finds no place waits for one.
///
/// # Errors
/// As [`run_tasks`], but for what may wait.
pub fn run_queued_tasks(
    tx: &mut Tx<'_>,
    run: &RunTasks,
    policy: &QueuePolicy,
) -> Result<RunTasksOutcome, RunTasksRefusal> {
    if let Some(blocked) = make_way(tx, run, policy.concurrency) {
        return Ok(blocked);
    }
    let mut outcome = match (run_tasks(tx, run), policy.wait) {
        (Err(refusal), None) => return Err(refusal),
        (Err(refusal), Some(_)) => RunTasksOutcome {
            failures: vec![nowhere(run, &refusal)],
            ..RunTasksOutcome::default()
        },
        (Ok(outcome), _) => outcome,
    };
    if policy.retries > 0 {
        for task in &mut outcome.tasks {
            let queued = queued(tx, run, policy, None);
            *task = tx.put(Task {
                queued: Some(Box::new(queued)),
                ..(**task).clone()
            });
        }
    }
    if policy.wait.is_some() {
        let refusal = outcome.failures.first().map(|it| it.reason.clone());
        outcome.failures.clear();
        for _ in outcome.tasks.len()..run.count as usize {
            let queued = queued(tx, run, policy, refusal.clone());
            let task = waiting(tx, run, queued);
            outcome.tasks.push(tx.put(task));
        }
    }
    Ok(outcome)
}

fn nowhere(run: &RunTasks, refusal: &RunTasksRefusal) -> PlacementFailure {
    let reason = match refusal {
        RunTasksRefusal::NoContainerInstances => "No Container Instances were found in your cluster.",
        RunTasksRefusal::NoSecurityGroup(_) => "RESOURCE:ENI",
    };
    PlacementFailure {
        arn: Some(run.cluster.to_string()),
        reason: reason.to_owned(),
        detail: None,
        in_event: String::new(),
    }
}

/// Deals with tasks of the like that are there already. Gives the outcome if no new one may come.
fn make_way(tx: &mut Tx<'_>, run: &RunTasks, concurrency: Concurrency) -> Option<RunTasksOutcome> {
    if concurrency == Concurrency::Allow {
        return None;
    }
    let is_alike = |it: &&Arc<Task>| match &run.started_by {
        Some(_) => it.started_by == run.started_by,
        None => it.group == run.group,
    };
    let there: Vec<Arc<Task>> = tx
        .state()
        .tasks_of_cluster(&run.cluster)
        .filter(|it| it.service.is_none())
        .filter(|it| it.desired_status == DesiredStatus::Running || is_tried_again(it))
        .filter(is_alike)
        .cloned()
        .collect();
    match concurrency {
        Concurrency::Forbid if !there.is_empty() => {
            let failures = there.iter().map(|it| PlacementFailure {
                arn: Some(it.arn.to_string()),
                reason: CONCURRENCY.to_owned(),
                detail: Some(
                    "A task of the like has not stopped, and gantry:concurrency is forbid.".to_owned(),
                ),
                in_event: String::new(),
            });
            Some(RunTasksOutcome {
                failures: failures.collect(),
                ..RunTasksOutcome::default()
            })
        }
        Concurrency::Allow | Concurrency::Forbid => None,
        Concurrency::Replace => {
            for task in there {
                let stop = Stop {
                    code: StopCode::UserInitiated,
                    reason: "Replaced by another RunTask (gantry:concurrency)".to_owned(),
                };
                // It has just been found.
                let _ = stop_task(tx, &task.arn, stop);
                give_up_attempts(tx, &task.arn);
            }
            None
        }
    }
}

/// What has failed and is tried again is there as much as what runs.
pub(crate) fn is_tried_again(task: &Task) -> bool {
    let retries_left = task.queued.as_ref().map_or(0, |it| it.retries_left);
    retries_left > 0 && has_failed(task)
}

/// It did not start, or an essential container ended other than with 0. One that found no place is not tried again.
fn has_failed(task: &Task) -> bool {
    let code = task.stop.as_ref().map(|it| it.code);
    let is_failure = |it: &domain::task::TaskContainer| it.exit_code.is_none_or(|code| code != 0);
    match code {
        Some(StopCode::TaskFailedToStart) => task.host_id != NO_HOST,
        Some(StopCode::EssentialContainerExited) => task.containers.iter().any(is_failure),
        _ => false,
    }
}

fn give_up_attempts(tx: &mut Tx<'_>, arn: &TaskArn) {
    if let Some(task) = tx.get::<Task>(arn).filter(|it| is_tried_again(it)) {
        tx.put(Task {
            queued: None,
            ..(*task).clone()
        });
    }
}

fn queued(tx: &Tx<'_>, run: &RunTasks, policy: &QueuePolicy, refusal: Option<String>) -> Queued {
    let wait = policy.wait.unwrap_or_default();
    Queued {
        wait_seconds: wait.as_secs(),
        until: tx.now() + wait,
        not_before: None,
        refusal,
        attempt: 1,
        retries_left: policy.retries,
        capacity_provider_strategy: run.capacity_provider_strategy.clone(),
        placement_constraints: run.placement_constraints.clone(),
        placement_strategy: run.placement_strategy.clone(),
        network_configuration: run.network.clone(),
    }
}

fn waiting(tx: &Tx<'_>, run: &RunTasks, queued: Queued) -> Task {
    Task {
        service: None,
        queued: Some(Box::new(queued)),
        ..unplaced(tx, run)
    }
}

/// The RunTask of one queued task. `None` if what it runs is not known any more.
fn run_of(tx: &Tx<'_>, task: &Task, queued: &Queued) -> Option<RunTasks> {
    Some(RunTasks {
        cluster: task.cluster(),
        definition: tx.get::<TaskDefinition>(&task.task_definition)?,
        count: 1,
        launch_type: task.launch_type,
        capacity_provider_strategy: queued.capacity_provider_strategy.clone(),
        placed: Where::Anywhere,
        placement_constraints: queued.placement_constraints.clone(),
        placement_strategy: queued.placement_strategy.clone(),
        group: task.group.clone(),
        started_by: task.started_by.clone(),
        service: None,
        overrides: task.overrides.clone(),
        network: queued.network_configuration.clone(),
        public_addresses: None,
        platform_version: task.platform_version.clone(),
        targets: Vec::new(),
        registration: None,
        endpoints: Vec::new(),
        enable_execute_command: task.enable_execute_command,
        client_request: task.client_request.as_deref().cloned(),
        tags: task.tags.clone(),
    })
}

/// Looks for a place for a task that waits. Answers whether it has one.
pub(crate) fn place_queued_task(
    tx: &mut Tx<'_>,
    task: &Task,
    queued: &Queued,
    public_addresses: Ipv4Net,
) -> bool {
    let run = run_of(tx, task, queued).map(|run| RunTasks {
        public_addresses: Some(public_addresses),
        ..run
    });
    let refusal = match &run {
        None => "its task definition was deleted".to_owned(),
        Some(run) => match run_tasks(tx, run) {
            Err(refusal) => nowhere(run, &refusal).reason,
            Ok(outcome) => match (outcome.tasks.first(), outcome.failures.first()) {
                (Some(placed), _) => {
                    take_place(tx, task, queued, placed);
                    return true;
                }
                (None, failure) => failure.map(|it| it.reason.clone()).unwrap_or_default(),
            },
        },
    };
    if queued.refusal.as_ref() != Some(&refusal) {
        tx.put(Task {
            queued: Some(Box::new(Queued {
                refusal: Some(refusal),
                ..queued.clone()
            })),
            ..task.clone()
        });
    }
    false
}

/// The waiting task takes the place of one that was just made for it, and that was never seen.
fn take_place(tx: &mut Tx<'_>, task: &Task, queued: &Queued, placed: &Arc<Task>) {
    tx.delete::<Task>(&placed.arn);
    let left = (queued.retries_left > 0).then(|| {
        Box::new(Queued {
            refusal: None,
            not_before: None,
            ..queued.clone()
        })
    });
    tx.put(Task {
        arn: task.arn.clone(),
        version: task.version + 1,
        times: task.times.clone(),
        queued: left,
        ..(**placed).clone()
    });
}

/// Makes another attempt of a task that has failed, after a while.
pub(crate) fn retry_task(tx: &mut Tx<'_>, task: &Task, queued: &Queued) {
    tx.put(Task {
        queued: None,
        ..task.clone()
    });
    let Some(run) = run_of(tx, task, queued) else {
        return;
    };
    let not_before = tx.now() + back_off(queued.attempt, tx.ids().seed());
    let next = Queued {
        until: not_before + std::time::Duration::from_secs(queued.wait_seconds),
        not_before: Some(not_before),
        refusal: None,
        attempt: queued.attempt + 1,
        retries_left: queued.retries_left - 1,
        ..queued.clone()
    };
    let next = waiting(tx, &run, next);
    tx.put(next);
}
