//! What a service wants, has and waits for: what the next look at it would decide, by the code that decides.

mod daemon;

use std::sync::Arc;
use std::time::Duration;

use domain::deployment_lifecycle::DeploymentLifecycle;
use domain::service::{DeploymentController, Rollout, Service};
use domain::service_load_balancer::TaskTarget;
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{DesiredStatus, HealthStatus, StopCode, Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::{ContainerInstanceArn, ServiceArn, Timestamp};
use store::{State, Tally, Tx};

use super::part::Part;
use super::plan::{Counts, Plan, plan};
use super::{Leaving, STEP_MAX, ServiceDeployments, health, is_wanted, stages, tasks_on_draining_instances};
use crate::transitions::{Considered, consider};

/// Most tasks that are named for one reason.
const NAMED_MAX: usize = 5;
/// Most failed tasks that are named.
const FAILED_MAX: usize = 3;

/// The outlook of a service.
#[derive(Clone, Debug)]
pub struct ServiceOutlook {
    /// As it is.
    pub service: Arc<Service>,
    /// Fewest healthy tasks while tasks are replaced.
    pub minimum: u32,
    /// Most tasks meanwhile.
    pub maximum: u32,
    /// The PRIMARY deployment, or each task set.
    pub parts: Vec<PartOutlook>,
    /// Tasks of older deployments, and those that have to be replaced where they are.
    pub old: Tally,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// The last tasks that failed, newest first.
    pub failed: Vec<Arc<Task>>,
}

/// The outlook of a part of a service.
#[derive(Clone, Debug)]
pub struct PartOutlook {
    /// `ecs-svc/…`
    pub id: String,
    /// How many tasks it wants.
    pub desired_count: u32,
    /// Those it has.
    pub tally: Tally,
    /// Running tasks that do not count as healthy yet.
    pub unproven: u32,
    /// Tasks that it would start now, if a host took them.
    pub starts: u32,
    /// Tasks that it would stop now.
    pub stops: u32,
    /// What placement says of the next task, if there is one to place.
    pub considered: Option<Considered>,
}

/// Something that a service waits for. No more than some tasks are named.
#[derive(Clone, Debug)]
pub enum Wait {
    /// A deployment in stages is in this one; the old revision keeps its tasks beside it.
    Stage(Box<DeploymentLifecycle>),
    /// Its deployment was given up; only a new one goes on.
    GivenUp(Option<String>),
    /// Starts that failed one after the other throttle the next.
    Throttled {
        /// The next start.
        until: Timestamp,
        /// How many have failed.
        failed_starts: u32,
    },
    /// No host takes a task.
    Placement {
        /// How many tasks are to be placed.
        count: u32,
    },
    /// Tasks that have been placed and do not run yet.
    Starting(u32, Vec<Arc<Task>>),
    /// Tasks whose health checks have not succeeded yet.
    HealthChecks(u32, Vec<Arc<Task>>),
    /// Tasks that their load balancers do not find healthy.
    Targets(u32, Vec<Arc<Task>>),
    /// Tasks without health checks that have not run for long enough.
    Lifetime(u32, Vec<Arc<Task>>, Duration),
    /// Tasks that shall stop and have not.
    Stopping(u32, Vec<Arc<Task>>),
    /// More tasks would be more than the maximum.
    Maximum {
        /// Tasks that wait.
        missing: u32,
    },
    /// Fewer running tasks would be fewer than the minimum.
    Minimum {
        /// Tasks that are left running.
        kept: u32,
    },
    /// Tasks that would stop, were they not protected.
    Protected(u32, Vec<Arc<Task>>),
    /// Agents of container instances on which a DAEMON service would have a task.
    Agents(u32, Vec<ContainerInstanceArn>),
    /// The other tasks on DRAINING container instances, where tasks of a DAEMON service stop last.
    LastToStop(u32, Vec<ContainerInstanceArn>),
}

impl ServiceDeployments {
    /// The outlook of a service; `None` if there is none. Writes nothing: run it in a transaction that is refused.
    pub fn outlook(&self, tx: &Tx<'_>, arn: &ServiceArn) -> Option<ServiceOutlook> {
        let service = tx.get::<Service>(arn)?;
        let mut leaving = tasks_on_draining_instances(tx.state(), &service);
        leaving.extend(health::unhealthy(tx.state(), &service, tx.now()));
        let bounds = service.deployment_configuration;
        let mut outlook = ServiceOutlook {
            minimum: 0,
            maximum: 0,
            parts: Vec::new(),
            old: Tally::default(),
            waits: Vec::new(),
            failed: failed(tx.state(), &service),
            service: Arc::clone(&service),
        };
        let lifecycle = stages::stages(&service);
        let parts = match service.deployment_controller {
            _ if service.scheduling_strategy == SchedulingStrategy::Daemon => Vec::new(),
            DeploymentController::Ecs => match &lifecycle {
                Some(lifecycle) => stages::parts(tx.state(), &service, lifecycle),
                None => Part::primary_deployment(&service).into_iter().collect(),
            },
            DeploymentController::CodeDeploy | DeploymentController::External => service
                .task_sets
                .iter()
                .map(|it| Part::task_set(&service, it))
                .collect::<Vec<_>>(),
        };
        outlook
            .waits
            .extend(lifecycle.map(|it| Wait::Stage(Box::new(it))));
        if service.scheduling_strategy == SchedulingStrategy::Daemon {
            self.look_ahead_at_daemons(tx, &mut outlook);
        }
        for part in parts {
            outlook.minimum += bounds.lower_bound(part.desired_count);
            outlook.maximum += bounds.upper_bound(part.desired_count);
            self.look_ahead(tx, &mut outlook, &part, &leaving);
        }
        let (count, stopping) = named(tx.state(), &service, |it| {
            it.desired_status == DesiredStatus::Stopped && it.last_status != TaskStatus::Stopped
        });
        if count > 0 {
            outlook.waits.push(Wait::Stopping(count, stopping));
        }
        Some(outlook)
    }

    fn look_ahead(&self, tx: &Tx<'_>, outlook: &mut ServiceOutlook, part: &Part, leaving: &Leaving) {
        let service = Arc::clone(&outlook.service);
        let tallies = tx.state().service_tally(&service.arn);
        let mut counts = Counts::of_part(part, &tallies);
        let healthy_after = match service.deployment_controller {
            DeploymentController::Ecs => self.healthy_after,
            DeploymentController::CodeDeploy | DeploymentController::External => Duration::ZERO,
        };
        health::note(&mut counts, tx, &service, part, leaving, healthy_after);
        counts.replace(leaving, &part.id);
        let plan = plan(
            part.desired_count,
            service.deployment_configuration,
            &counts,
            STEP_MAX,
        );
        let considered = (plan.start > 0)
            .then(|| part.run(tx.state(), &service, plan.start))
            .flatten()
            .map(|run| consider(tx, &run));
        outlook.old.pending += counts.old.pending;
        outlook.old.running += counts.old.running;
        outlook.old.stopping += counts.old.stopping;
        let view = PartOutlook {
            id: part.id.clone(),
            desired_count: part.desired_count,
            tally: counts.primary,
            unproven: counts.unproven,
            starts: plan.start,
            stops: plan.stop_primary + plan.stop_old_pending + plan.stop_old_running,
            considered,
        };
        outlook
            .waits
            .extend(waits(tx, &service, part, &view, &counts, &plan));
        outlook
            .waits
            .extend(of_health(tx.state(), &service, part, &counts, healthy_after));
        outlook.parts.push(view);
    }
}

/// What keeps a plan from being more, or from being carried out.
fn waits(
    tx: &Tx<'_>,
    service: &Service,
    part: &Part,
    view: &PartOutlook,
    counts: &Counts,
    plan: &Plan,
) -> Vec<Wait> {
    if let Some(given_up) = given_up(service, part) {
        return vec![given_up];
    }
    let mut waits = Vec::new();
    let takes = |it: &Considered| it.hosts.iter().any(|(_, refusals)| refusals.is_empty());
    match (&view.considered, throttled(tx, service, part)) {
        (None, _) => {}
        (Some(_), Some(throttled)) => waits.push(throttled),
        (Some(considered), None) if !takes(considered) => {
            waits.push(Wait::Placement { count: plan.start });
        }
        (Some(_), None) => {}
    }
    let total = counts.primary.pending + counts.primary.running;
    let missing = part.desired_count.saturating_sub(total);
    if missing > plan.start && !plan.is_cut_short {
        let missing = missing - plan.start;
        waits.push(Wait::Maximum { missing });
    }
    if counts.old.running > plan.stop_old_running && !plan.is_cut_short {
        let kept = counts.old.running - plan.stop_old_running;
        waits.push(Wait::Minimum { kept });
    }
    if view.stops > 0 {
        let (count, tasks) = named(tx.state(), service, |it| {
            is_wanted(it) && part.may_stop(it) && it.protection(tx.now()).is_some()
        });
        if count > 0 {
            waits.push(Wait::Protected(count, tasks));
        }
    }
    waits
}

fn given_up(service: &Service, part: &Part) -> Option<Wait> {
    let primary = service.deployments.first()?;
    let is_given_up = primary.id == part.id && primary.rollout == Rollout::Failed;
    is_given_up.then(|| Wait::GivenUp(primary.rollout_reason.clone()))
}

fn throttled(tx: &Tx<'_>, service: &Service, part: &Part) -> Option<Wait> {
    let until = part.throttled_until.filter(|it| *it > tx.now())?;
    let of_set = service.task_set(&part.id).map(|it| it.failed_starts);
    let mut others = service.deployments.iter().skip(1);
    let of_other = others.find(|it| it.id == part.id).map(|it| it.starts.failed);
    Some(Wait::Throttled {
        until,
        failed_starts: of_set.or(of_other).unwrap_or(service.failed_starts),
    })
}

/// Tasks on their way to RUNNING, then to being healthy.
fn of_health(
    state: &State,
    service: &Service,
    part: &Part,
    counts: &Counts,
    healthy_after: Duration,
) -> Vec<Wait> {
    let mut waits = Vec::new();
    let (starting, tasks) = named(state, service, |it| {
        is_wanted(it) && part.has(it) && it.last_status.is_pending()
    });
    if starting > 0 {
        waits.push(Wait::Starting(starting, tasks));
    }
    if counts.unproven == 0 {
        return waits;
    }
    let is_served = |it: &Task| it.targets.iter().all(TaskTarget::is_healthy);
    let runs = |it: &Task| is_wanted(it) && part.has(it) && it.last_status == TaskStatus::Running;
    let (unserved, tasks) = named(state, service, |it| runs(it) && !is_served(it));
    if unserved > 0 {
        waits.push(Wait::Targets(unserved, tasks));
    }
    let unproven = counts.unproven.saturating_sub(unserved);
    if unproven == 0 {
        return waits;
    }
    let definition = state.get::<TaskDefinition>(&part.task_definition);
    match definition.filter(|it| it.is_health_checked()) {
        Some(definition) => {
            let (_, tasks) = named(state, service, |it| {
                runs(it) && is_served(it) && it.health(definition) == HealthStatus::Unknown
            });
            waits.push(Wait::HealthChecks(unproven, tasks));
        }
        None => {
            // They are the youngest.
            let (_, mut tasks) = named(state, service, |it| runs(it) && is_served(it));
            tasks.truncate(unproven as usize);
            waits.push(Wait::Lifetime(unproven, tasks, healthy_after));
        }
    }
    waits
}

/// How many tasks of a service are meant, and the youngest of them.
fn named(state: &State, service: &Service, is_meant: impl Fn(&Task) -> bool) -> (u32, Vec<Arc<Task>>) {
    let tasks = state.tasks_of_service(&service.arn);
    let mut tasks: Vec<_> = tasks.filter(|it| is_meant(it)).cloned().collect();
    tasks.sort_by_key(|it| std::cmp::Reverse(it.times.started_at.unwrap_or(it.times.created_at)));
    let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
    tasks.truncate(NAMED_MAX);
    (count, tasks)
}

/// Tasks that ended against their service's will, the last first.
fn failed(state: &State, service: &Service) -> Vec<Arc<Task>> {
    let has_failed = |it: &&Arc<Task>| {
        let code = it.stop.as_ref().map(|it| it.code);
        it.last_status == TaskStatus::Stopped
            && matches!(
                code,
                Some(
                    StopCode::TaskFailedToStart
                        | StopCode::EssentialContainerExited
                        | StopCode::TerminationNotice
                )
            )
    };
    let mut tasks: Vec<_> = state
        .tasks_of_service(&service.arn)
        .filter(has_failed)
        .cloned()
        .collect();
    tasks.sort_by_key(|it| std::cmp::Reverse(it.times.stopped_at));
    tasks.truncate(FAILED_MAX);
    tasks
}
