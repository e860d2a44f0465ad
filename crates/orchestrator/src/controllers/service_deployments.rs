//! Moves each service toward its newest deployment, or its task sets, without leaving its health bounds.

mod balance;
mod capacity;
mod circuit_breaker;
mod daemon;
mod failure;
mod health;
pub(super) mod hook_tasks;
mod lifecycle;
mod outlook;
mod part;
mod plan;
mod refusal;
mod scale_in;
mod stages;
mod start;
mod stop;
mod task_sets;
mod wake;

#[cfg(test)]
mod tests;

pub use outlook::{PartOutlook, ServiceOutlook, Wait};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::service::{DeploymentController, Rollout, Service, ServiceStatus};
use domain::service_action::{ServiceAction, ServiceActionName};
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{DesiredStatus, Task, TaskStatus};
use domain::{ServiceArn, TaskArn, Timestamp};
use ipnet::Ipv4Net;
use store::{Change, State, Tx};

use super::{Controller, Next, Settings};
use crate::transitions::{Where, complete_service_deployment, record_action, record_event, withdraw};
use circuit_breaker::Verdict;
use part::Part;
use plan::{Counts, Plan, plan};
use stop::stop;

/// Most tasks started or stopped by one run.
const STEP_MAX: u32 = 64;
/// A steady state is announced again after this long, as on Amazon.
const STEADY_AGAIN: Duration = Duration::from_secs(6 * 60 * 60);

/// Why a deployment stands still that has nothing else to wait for, as on Amazon.
const STUCK: &str = "was unable to stop or start tasks during a deployment because of the service deployment \
                     configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";

/// See the module.
pub struct ServiceDeployments {
    /// Wait before placement is tried again.
    pub placement_retry: Duration,
    /// How long a task without health checks has to run before it counts as healthy.
    pub healthy_after: Duration,
    /// Least time between two moves of tasks to balance the container instances of a cluster, and before a move that
    /// found no room is tried again.
    pub rebalance_pause: Duration,
    /// What public addresses of tasks are given of.
    pub public_addresses: Ipv4Net,
}

impl ServiceDeployments {
    /// As it is set.
    pub fn new(settings: &Settings) -> Self {
        Self {
            placement_retry: settings.placement_retry,
            healthy_after: settings.healthy_after,
            rebalance_pause: settings.rebalance_pause,
            public_addresses: settings.public_addresses,
        }
    }
}

impl Controller for ServiceDeployments {
    const NAME: &'static str = "service_deployments";
    type Key = ServiceArn;

    fn keys(&self, state: &State, change: &Change) -> Vec<ServiceArn> {
        wake::services(state, change)
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
        let next = match (service.scheduling_strategy, service.deployment_controller) {
            (SchedulingStrategy::Daemon, _) => self.reconcile_daemon(tx, &mut service),
            (SchedulingStrategy::Replica, DeploymentController::Ecs) => {
                let leaving = leaving(tx.state(), &service, tx.now());
                match stages::stages(&service) {
                    Some(lifecycle) => self.reconcile_stages(tx, &mut service, &lifecycle, &leaving),
                    None => self.reconcile_deployments(tx, &mut service, &leaving),
                }
            }
            (
                SchedulingStrategy::Replica,
                DeploymentController::CodeDeploy | DeploymentController::External,
            ) => {
                let leaving = leaving(tx.state(), &service, tx.now());
                self.reconcile_task_sets(tx, &mut service, &leaving)
            }
        };
        let next = next.or(health::grace(tx.state(), &service, tx.now()));
        if service != *known {
            tx.put(service);
        }
        next
    }
}

impl ServiceDeployments {
    fn reconcile_deployments(&self, tx: &mut Tx<'_>, service: &mut Service, leaving: &Leaving) -> Next {
        // There is one until the service is INACTIVE.
        let Some(mut part) = Part::primary_deployment(service) else {
            return Next::AwaitChange;
        };
        let mut counts = Counts::of(&part.id, &tx.state().service_tally(&service.arn));
        let (unproven, proven) = health::note(&mut counts, tx, service, &part, leaving, self.healthy_after);
        counts.replace(leaving, &part.id);
        balance::follow(tx, service, &part, &mut counts, &unproven, leaving);
        match circuit_breaker::look(tx, service, &counts) {
            Verdict::GoesOn => {}
            Verdict::GivenUp => return Next::Again,
            Verdict::WasGivenUp => return Next::AwaitChange,
        }
        let plan = plan(
            part.desired_count,
            service.deployment_configuration,
            &counts,
            STEP_MAX,
        );
        // The replacement of a move is not counted.
        let is_steady = plan.is_steady && service.balance.moving.is_none();
        let plan = Plan { is_steady, ..plan };
        let stopped = stop(tx, service, &part, &plan, leaving, self.healthy_after);
        let next = self.start(tx, service, &mut part, plan.start, Where::Anywhere);
        service.announced_refusal.clone_from(&part.announced_refusal);
        let has_moved = plan.start > 0 || stopped.count > 0;
        match settle(tx, service, &counts, &plan, next) {
            Next::AwaitChange if plan.is_cut_short && has_moved => Next::Again,
            next if is_steady => next.or(self.rebalance(tx, service, &part)),
            next => next.or(stopped.next()).or(proven),
        }
    }
}

/// Tasks that have to be replaced where they are.
type Leaving = BTreeMap<TaskArn, Arc<Task>>;

fn leaving(state: &State, service: &Service, now: Timestamp) -> Leaving {
    let mut leaving = tasks_on_draining_instances(state, service);
    leaving.extend(health::unhealthy(state, service, now));
    leaving
}

/// Tasks to be replaced because their container instance is DRAINING: they count as those of an older deployment, so
/// that they leave within the service's bounds.
fn tasks_on_draining_instances(state: &State, service: &Service) -> Leaving {
    let instances = state.draining_container_instances(&service.cluster);
    let instances =
        instances.filter(|it| state.tasks_of_service_on_host(&service.arn, &it.host_id).wanted > 0);
    let tasks = instances.flat_map(|it| state.tasks_of_container_instance(&it.arn));
    tasks
        .filter(|it| it.service.as_ref() == Some(&service.arn) && is_wanted(it))
        .map(|it| (it.arn.clone(), Arc::clone(it)))
        .collect()
}

fn is_wanted(task: &Task) -> bool {
    task.desired_status == DesiredStatus::Running && task.last_status != TaskStatus::Stopped
}

/// Notes what is reached: a deployment completed, the steady state, the end of a deleted service.
fn settle(tx: &mut Tx<'_>, service: &mut Service, counts: &Counts, plan: &Plan, next: Next) -> Next {
    let now = tx.now();
    if service.status == ServiceStatus::Draining {
        if counts.is_empty() {
            service.status = ServiceStatus::Inactive;
            service.deployments.clear();
            withdraw(tx, &service.arn);
        }
        return next;
    }
    if !plan.is_steady {
        service.steady_since = None;
        if plan.is_stuck && service.deployments.len() > 1 {
            let mut announced = service.announced_refusal.take();
            announce_stuck(tx, service, &mut announced);
            service.announced_refusal = announced;
        }
        return next;
    }
    if let Some(primary) = service.deployments.first_mut()
        && primary.rollout == Rollout::InProgress
    {
        primary.rollout = Rollout::Completed;
        primary.rollout_reason = None;
        primary.updated_at = now;
        let message = format!("(deployment {}) deployment completed.", primary.id);
        record_event(tx, service, message);
        complete_service_deployment(tx, &service.arn);
        service.lifecycle = None;
    }
    service.deployments.truncate(1);
    announce_steady(tx, service)
}

/// Says that the bounds let nothing move: once, until something does.
fn announce_stuck(tx: &mut Tx<'_>, service: &mut Service, announced: &mut Option<String>) {
    if announced.as_deref() != Some(STUCK) {
        record_event(tx, service, STUCK.to_owned());
        *announced = Some(STUCK.to_owned());
    }
}

/// Says that all is as it should be: once, and again after a while.
fn announce_steady(tx: &mut Tx<'_>, service: &mut Service) -> Next {
    let now = tx.now();
    let since = service
        .steady_since
        .map(|since| Duration::try_from(now.duration_since(since)).unwrap_or_default());
    match since {
        Some(since) if since < STEADY_AGAIN => Next::After(STEADY_AGAIN.saturating_sub(since)),
        _ => {
            service.steady_since = Some(now);
            let action = ServiceAction::of(ServiceActionName::ServiceSteadyState);
            record_action(tx, service, "has reached a steady state.", action);
            Next::After(STEADY_AGAIN)
        }
    }
}
