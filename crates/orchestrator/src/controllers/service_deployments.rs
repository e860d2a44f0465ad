//! Moves each service toward its newest deployment without leaving its health bounds.

mod capacity;
mod plan;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::container_instance::ContainerInstance;
use domain::service::{PropagateTags, Rollout, Service, ServiceStatus};
use domain::task::{DesiredStatus, Stop, StopCode, Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::{ServiceArn, TaskArn};
use store::{Change, State, Tx};

use super::{Controller, Next};
use crate::transitions::{
    EMPTY_CAPACITY_PROVIDER, PlacementFailure, RunTasks, RunTasksRefusal, Where, complete_service_deployment,
    record_event, run_tasks, stop_task,
};
use plan::{Counts, Plan, plan};

/// Most tasks started or stopped by one run.
const STEP_MAX: u32 = 64;
/// A steady state is announced again after this long, as on Amazon.
const STEADY_AGAIN: Duration = Duration::from_secs(6 * 60 * 60);

/// See the module.
pub struct ServiceDeployments {
    /// Wait before placement is tried again.
    pub placement_retry: Duration,
}

impl Controller for ServiceDeployments {
    const NAME: &'static str = "service_deployments";
    type Key = ServiceArn;

    fn keys(&self, state: &State, change: &Change) -> Vec<ServiceArn> {
        match change {
            Change::Service(it) => vec![it.current().arn.clone()],
            Change::Task(it) => it.current().service.clone().into_iter().collect(),
            Change::ContainerInstance(it) => {
                let status = |side: &Option<Arc<ContainerInstance>>| side.as_ref().map(|it| it.status);
                if status(&it.before) == status(&it.after) {
                    return Vec::new();
                }
                let tasks = state.tasks_of_container_instance(&it.current().arn);
                let services: BTreeSet<_> = tasks.filter_map(|it| it.service.clone()).collect();
                services.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn all_keys(&self, state: &State) -> Vec<ServiceArn> {
        let open = state
            .all::<Service>()
            .filter(|it| it.status != ServiceStatus::Inactive);
        open.map(|it| it.arn.clone()).collect()
    }

    fn reconcile(&self, tx: &mut Tx<'_>, arn: &ServiceArn) -> Next {
        let Some(known) = tx
            .get::<Service>(arn)
            .filter(|it| it.status != ServiceStatus::Inactive)
        else {
            return Next::AwaitChange;
        };
        let mut service = (*known).clone();
        let mut counts = Counts::of(&service, &tx.state().service_tally(arn));
        let leaving = tasks_on_draining_instances(tx.state(), &service);
        counts.replace(&leaving, service.deployments.first().map(|it| it.id.as_str()));
        let plan = plan(&service, &counts, STEP_MAX);
        let stopped = stop(tx, &mut service, &plan, &leaving);
        let next = self.start(tx, &mut service, plan.start);
        let has_moved = plan.start > 0 || stopped.count > 0;
        let next = match settle(tx, &mut service, &counts, &plan, next) {
            Next::AwaitChange if plan.is_cut_short && has_moved => Next::Again,
            next => sooner(next, stopped.held_for),
        };
        if service != *known {
            tx.put(service);
        }
        next
    }
}

/// What stopping came to.
#[derive(Default)]
struct Stopped {
    count: usize,
    /// Protected tasks were left alone, the first for so long.
    held_for: Option<Duration>,
}

fn sooner(next: Next, wait: Option<Duration>) -> Next {
    match (next, wait) {
        (next, None) => next,
        (Next::Again, _) => Next::Again,
        (Next::AwaitChange, Some(wait)) => Next::After(wait),
        (Next::After(other), Some(wait)) => Next::After(other.min(wait)),
    }
}

/// Tasks to be replaced because their container instance is DRAINING: they count as those of an older deployment, so
/// that they leave within the service's bounds.
fn tasks_on_draining_instances(state: &State, service: &Service) -> BTreeMap<TaskArn, Arc<Task>> {
    let instances = state.draining_container_instances(&service.cluster);
    let tasks = instances.flat_map(|it| state.tasks_of_container_instance(&it.arn));
    tasks
        .filter(|it| it.service.as_ref() == Some(&service.arn) && is_wanted(it))
        .map(|it| (it.arn.clone(), Arc::clone(it)))
        .collect()
}

fn is_wanted(task: &Task) -> bool {
    task.desired_status == DesiredStatus::Running && task.last_status != TaskStatus::Stopped
}

impl ServiceDeployments {
    fn start(&self, tx: &mut Tx<'_>, service: &mut Service, count: u32) -> Next {
        if count == 0 {
            return Next::AwaitChange;
        }
        let wait = service
            .throttled_until
            .map(|until| Duration::try_from(until.duration_since(tx.now())));
        if let Some(Ok(wait)) = wait
            && !wait.is_zero()
        {
            return Next::After(wait);
        }
        let Some(run) = run(tx.state(), service, count) else {
            return Next::AwaitChange;
        };
        let refusal = match run_tasks(tx, &run) {
            Ok(outcome) => {
                announce_started(tx, service, &outcome.tasks);
                match outcome.failures.first() {
                    None => {
                        service.announced_refusal = None;
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
        if service.announced_refusal.as_ref() != Some(&refusal) {
            record_event(tx, service, refusal.clone());
            service.announced_refusal = Some(refusal);
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

fn run(state: &State, service: &Service, count: u32) -> Option<RunTasks> {
    let primary = service.deployments.first()?;
    let definition = state.get::<TaskDefinition>(&primary.task_definition)?.clone();
    let mut tags = match service.propagate_tags {
        PropagateTags::None => Vec::new(),
        PropagateTags::Service => service.tags.clone(),
        PropagateTags::TaskDefinition => definition.tags.clone(),
    };
    if service.enable_ecs_managed_tags {
        tags.push(domain::tags::Pair::new(
            "aws:ecs:clusterName",
            service.cluster.name(),
        ));
        tags.push(domain::tags::Pair::new("aws:ecs:serviceName", service.arn.name()));
    }
    Some(RunTasks {
        cluster: service.cluster.clone(),
        definition,
        count,
        launch_type: service.launch_type,
        capacity_provider_strategy: service.capacity_provider_strategy.clone(),
        placed: Where::Anywhere,
        placement_constraints: service.placement_constraints.clone(),
        placement_strategy: service.placement_strategy.clone(),
        group: format!("service:{}", service.arn.name()),
        started_by: Some(primary.id.clone()),
        service: Some(service.arn.clone()),
        client_request: None,
        overrides: domain::task::Overrides::default(),
        network: primary.network_configuration.clone(),
        platform_version: service.platform_version.clone(),
        tags,
    })
}

fn announce_started(tx: &mut Tx<'_>, service: &mut Service, tasks: &[Arc<Task>]) {
    if !tasks.is_empty() {
        let message = format!("has started {} tasks: {}.", tasks.len(), names(tasks));
        record_event(tx, service, message);
    }
}

fn names(tasks: &[Arc<Task>]) -> String {
    tasks
        .iter()
        .map(|it| format!("(task {})", it.arn.name()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Protected tasks are left alone, unless the service itself goes.
fn stop(
    tx: &mut Tx<'_>,
    service: &mut Service,
    plan: &Plan,
    leaving: &BTreeMap<TaskArn, Arc<Task>>,
) -> Stopped {
    if plan.stop_old_pending + plan.stop_old_running + plan.stop_primary == 0 {
        return Stopped::default();
    }
    let (chosen, held_for) = choose(tx, service, plan, leaving);
    for task in &chosen {
        let deployment = task.started_by.as_deref().unwrap_or_default();
        let reason = format!("Scaling activity initiated by (deployment {deployment})");
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
    plan: &Plan,
    leaving: &BTreeMap<TaskArn, Arc<Task>>,
) -> (Vec<Arc<Task>>, Option<Duration>) {
    let now = tx.now();
    let primary = service.deployments.first().map(|it| it.id.clone());
    let (mut chosen, mut held_for) = (Vec::new(), None::<Duration>);
    let (mut pending, mut running, mut surplus) =
        (plan.stop_old_pending, plan.stop_old_running, plan.stop_primary);
    let mut tasks: Vec<Arc<Task>> = tx
        .state()
        .tasks_of_service(&service.arn)
        .filter(|it| is_wanted(it))
        .cloned()
        .collect();
    // What does not run yet goes first, then the youngest.
    tasks.sort_by_key(|it| {
        (
            !it.last_status.is_pending(),
            std::cmp::Reverse(it.times.created_at),
        )
    });
    let of_primary = |it: &&Arc<Task>| it.started_by == primary && !leaving.contains_key(&it.arn);
    let of_primary: Vec<Arc<Task>> = tasks.iter().filter(of_primary).cloned().collect();
    let surplus_of_provider = capacity::surplus(service, &of_primary);
    tasks.sort_by_key(|it| !surplus_of_provider.contains(&it.arn));
    for task in tasks {
        let is_kept = task.started_by == primary && !leaving.contains_key(&task.arn);
        let budget = match (is_kept, task.last_status.is_pending()) {
            (true, _) => &mut surplus,
            (false, true) => &mut pending,
            (false, false) => &mut running,
        };
        if *budget == 0 {
            continue;
        }
        if let Some(until) = task.protection(now)
            && service.status == ServiceStatus::Active
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

/// Notes what is reached: a deployment completed, the steady state, the end of a deleted service.
fn settle(tx: &mut Tx<'_>, service: &mut Service, counts: &Counts, plan: &Plan, next: Next) -> Next {
    let now = tx.now();
    if service.status == ServiceStatus::Draining {
        if counts.is_empty() {
            service.status = ServiceStatus::Inactive;
            service.deployments.clear();
        }
        return next;
    }
    if !plan.is_steady {
        service.steady_since = None;
        return next;
    }
    if let Some(primary) = service.deployments.first_mut()
        && primary.rollout == Rollout::InProgress
    {
        primary.rollout = Rollout::Completed;
        primary.updated_at = now;
        let message = format!("(deployment {}) deployment completed.", primary.id);
        record_event(tx, service, message);
        complete_service_deployment(tx, &service.arn);
    }
    service.deployments.truncate(1);
    let since = service
        .steady_since
        .map(|since| Duration::try_from(now.duration_since(since)).unwrap_or_default());
    match since {
        Some(since) if since < STEADY_AGAIN => Next::After(STEADY_AGAIN.saturating_sub(since)),
        _ => {
            service.steady_since = Some(now);
            record_event(tx, service, "has reached a steady state.".to_owned());
            Next::After(STEADY_AGAIN)
        }
    }
}
