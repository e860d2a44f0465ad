//! Services with the DAEMON scheduling strategy: one task on each container instance that meets the constraints.

pub(super) mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::Host;
use domain::service::{Service, ServiceStatus};
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{Task, TaskStatus};
use domain::{ContainerInstanceArn, TaskArn};
use store::{State, Tx};

use super::circuit_breaker::{self, Verdict};
use super::part::Part;
use super::plan::{Counts, Plan};
use super::stop::stop_each;
use super::{Leaving, Next, STEP_MAX, ServiceDeployments, health, is_wanted, settle};
use crate::transitions::{Where, eligible};
use plan::{Claim, DaemonPlan, Seat, SeatedState, SeatedTask, plan};

impl ServiceDeployments {
    pub(super) fn reconcile_daemon(&self, tx: &mut Tx<'_>, service: &mut Service) -> Next {
        // There is one until the service is INACTIVE.
        let Some(mut part) = Part::primary_deployment(service) else {
            return Next::AwaitChange;
        };
        let Step {
            counts, plan, proven, ..
        } = self.daemon_step(tx, service, &part);
        match circuit_breaker::look(tx, service, &counts) {
            Verdict::GoesOn => {}
            Verdict::GivenUp => return Next::Again,
            Verdict::WasGivenUp => return Next::AwaitChange,
        }
        if service.status == ServiceStatus::Active {
            service.desired_count = plan.desired_count;
        }
        let stopped = stop_each(tx, service, &plan.stop);
        let starts = u32::try_from(plan.start.len()).unwrap_or(u32::MAX);
        let has_moved = starts > 0 || stopped > 0;
        let next = self.start(tx, service, &mut part, starts, Where::On(plan.start));
        service.announced_refusal = part.announced_refusal;
        let whole = Plan {
            is_steady: plan.is_steady,
            ..Plan::default()
        };
        match settle(tx, service, &counts, &whole, next) {
            Next::AwaitChange if plan.is_cut_short && has_moved => Next::Again,
            next => next.or(proven),
        }
    }

    /// What is to be done now, and why.
    pub(super) fn daemon_step(&self, tx: &Tx<'_>, service: &Service, part: &Part) -> Step {
        let mut counts = Counts::of(&part.id, &tx.state().service_tally(&service.arn));
        let (mut unproven, proven) = health::unproven(tx, service, part, &Leaving::new(), self.healthy_after);
        counts.unproven = u32::try_from(unproven.len()).unwrap_or(u32::MAX);
        unproven.extend(health::unproven_old(tx, service, part, self.healthy_after));
        counts.replace(&health::unhealthy(tx.state(), service, tx.now()), &part.id);
        let seats = seats(tx, service, part, &unproven);
        let plan = plan(&seats, service.deployment_configuration, STEP_MAX);
        Step {
            counts,
            seats,
            plan,
            proven,
        }
    }
}

/// A step of a DAEMON service, and what it was planned from.
pub(super) struct Step {
    /// Its tasks.
    pub counts: Counts,
    /// Where they are or are to be.
    pub seats: Vec<Seat>,
    /// What to do.
    pub plan: DaemonPlan,
    /// When the next running task has shown that it is healthy.
    pub proven: Next,
}

/// Container instances that have or are to have a task, by ARN.
fn seats(tx: &Tx<'_>, service: &Service, part: &Part, unproven: &BTreeSet<TaskArn>) -> Vec<Seat> {
    let state = tx.state();
    let mut tasks: BTreeMap<ContainerInstanceArn, Vec<SeatedTask>> = BTreeMap::new();
    let of_service = state.tasks_of_service(&service.arn);
    for task in of_service.filter(|it| it.last_status != TaskStatus::Stopped) {
        if let Some(instance) = &task.container_instance {
            let seated = SeatedTask {
                arn: task.arn.clone(),
                is_new: part.has(task),
                state: seated_state(tx, task, unproven),
            };
            tasks.entry(instance.clone()).or_default().push(seated);
        }
    }
    let mut claims = claims(state, service, part);
    for arn in tasks
        .keys()
        .filter(|it| !claims.contains_key(it))
        .cloned()
        .collect::<Vec<_>>()
    {
        let claim = claim_of_other(state, service, &arn);
        claims.insert(arn, claim);
    }
    let seats = claims.into_iter().map(|(instance, claim)| Seat {
        tasks: tasks.remove(&instance).unwrap_or_default(),
        instance,
        claim,
    });
    seats.collect()
}

/// What the ACTIVE container instances are to have that meet the constraints.
fn claims(state: &State, service: &Service, part: &Part) -> BTreeMap<ContainerInstanceArn, Claim> {
    let Some(run) = part
        .run(state, service, 0)
        .filter(|_| service.status == ServiceStatus::Active)
    else {
        return BTreeMap::new();
    };
    let eligible = eligible(state, &run).into_iter();
    let active = eligible.filter(|(_, it)| it.status == ContainerInstanceStatus::Active);
    let claim = |host: &Host| {
        if host.is_connected {
            Claim::One
        } else {
            Claim::Kept
        }
    };
    active.map(|(host, it)| (it.arn.clone(), claim(host))).collect()
}

/// A DRAINING container instance keeps its daemons until nothing else runs there.
fn claim_of_other(state: &State, service: &Service, arn: &ContainerInstanceArn) -> Claim {
    let instance = state.get::<ContainerInstance>(arn);
    let draining = instance.filter(|it| it.status == ContainerInstanceStatus::Draining);
    let is_open = service.status == ServiceStatus::Active;
    match draining {
        Some(it)
            if is_open
                && state
                    .tasks_of_host(&it.host_id)
                    .any(|task| !is_daemon(state, task)) =>
        {
            Claim::Last
        }
        _ => Claim::Nothing,
    }
}

fn is_daemon(state: &State, task: &Task) -> bool {
    let service = task.service.as_ref().and_then(|it| state.get::<Service>(it));
    service.is_some_and(|it| it.scheduling_strategy == SchedulingStrategy::Daemon)
}

fn seated_state(tx: &Tx<'_>, task: &Arc<Task>, unproven: &BTreeSet<TaskArn>) -> SeatedState {
    match task.last_status {
        _ if !is_wanted(task) => SeatedState::Stopping,
        status if status.is_pending() => SeatedState::Pending,
        TaskStatus::Running if health::is_unhealthy(tx.state(), task, tx.now()) => SeatedState::Unhealthy,
        TaskStatus::Running if unproven.contains(&task.arn) => SeatedState::Unproven,
        TaskStatus::Running => SeatedState::Healthy,
        _ => SeatedState::Stopping,
    }
}
