//! Deployments in stages: the tasks of the new revision come up beside those of the old one, which keep running
//! until hooks and bake times are over. What is left then is a rolling deployment that has nothing to start.

use domain::deployment_lifecycle::{DeploymentLifecycle, LifecycleStage};
use domain::service::{Deployment, Service, ServiceStatus};
use domain::service_deployment::ServiceRevision;
use store::{State, Tally, Tx};

use super::circuit_breaker::{self, Verdict};
use super::hook_tasks;
use super::lifecycle::{Observed, Step, expire, step};
use super::part::{Part, Reach};
use super::plan::{Counts, Plan, plan};
use super::stop::stop;
use super::{Leaving, Next, STEP_MAX, ServiceDeployments, announce_stuck, health};
use crate::transitions::{Where, enter_lifecycle_stage, give_up_service_deployment, traffic_obstacle};

/// What one look at the tasks of a revision came to.
struct Looked {
    plan: Plan,
    next: Next,
    /// No task is left that should not be there.
    is_alone: bool,
}

/// The stages of a service's newest deployment, until only tasks of the old revision are left to be stopped.
pub(super) fn stages(service: &Service) -> Option<DeploymentLifecycle> {
    let lifecycle = service.lifecycle.as_ref()?;
    let is_open = service.status == ServiceStatus::Active && lifecycle.stage != LifecycleStage::CleanUp;
    is_open.then(|| lifecycle.clone())
}

/// The new revision, and the one beside it that has the traffic.
pub(super) fn parts(state: &State, service: &Service, lifecycle: &DeploymentLifecycle) -> Vec<Part> {
    let parts = [green(service, lifecycle), blue(state, service, lifecycle)];
    parts.into_iter().flatten().collect()
}

/// The new revision, which takes the place of all others if none of them has the traffic.
fn green(service: &Service, lifecycle: &DeploymentLifecycle) -> Option<Part> {
    let mut part = Part::primary_deployment(service)?;
    if lifecycle.blue.is_some() {
        part.reach = Reach::Own;
    }
    if !lifecycle.scales_up() {
        part.desired_count = 0;
    }
    Some(part)
}

/// The revision that has the traffic; `None` in a first deployment.
fn blue(state: &State, service: &Service, lifecycle: &DeploymentLifecycle) -> Option<Part> {
    let green = service.deployments.first()?.id.clone();
    let blue = lifecycle.blue.as_deref()?;
    let blue = service.deployments.iter().find(|it| it.id == blue)?;
    Part::deployment(state, service, blue, Reach::AllBut(green))
}

/// Why the traffic that has not shifted yet cannot.
fn obstacle(state: &State, service: &Service, lifecycle: &DeploymentLifecycle) -> Option<String> {
    if !lifecycle.has_traffic_to_shift() {
        return None;
    }
    let newest = service.deployments.first()?;
    let revision = state.get::<ServiceRevision>(&newest.revision)?;
    traffic_obstacle(
        state,
        revision,
        lifecycle.stage < LifecycleStage::PostTestTrafficShift,
    )
}

impl ServiceDeployments {
    pub(super) fn reconcile_stages(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        lifecycle: &DeploymentLifecycle,
        leaving: &Leaving,
    ) -> Next {
        service.steady_since = None;
        if let Some(obstacle) = obstacle(tx.state(), service, lifecycle) {
            let reason = format!("Service deployment failed because {obstacle}");
            give_up_service_deployment(tx, service, &reason);
            return Next::Again;
        }
        let tallies = tx.state().service_tally(&service.arn);
        let green = self.look_at_green(tx, service, lifecycle, &tallies, leaving);
        let Some(green) = green else {
            return Next::Again;
        };
        let blue = self.look_at_blue(tx, service, lifecycle, &tallies, leaving);
        let observed = Observed {
            is_reconciled: blue.as_ref().is_none_or(|it| it.is_alone),
            is_scaled_up: lifecycle.scales_up() && green.plan.is_steady,
        };
        let tasks = self.hook_tasks(tx, service);
        let now = tx.now();
        let Some(lifecycle) = &mut service.lifecycle else {
            return Next::Again;
        };
        expire(lifecycle, now);
        let next = match step(lifecycle, service.deployment_configuration, observed, now) {
            Step::Wait(next) => next,
            Step::Enter(stage) => {
                enter_lifecycle_stage(tx, service, stage);
                Next::Again
            }
            Step::GiveUp(reason) => {
                give_up_service_deployment(tx, service, &reason);
                Next::Again
            }
        };
        next.or(green.next)
            .or(tasks)
            .or(blue.map_or(Next::AwaitChange, |it| it.next))
    }

    /// The new revision. `None` once its deployment has been given up.
    fn look_at_green(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        lifecycle: &DeploymentLifecycle,
        tallies: &[(String, Tally)],
        leaving: &Leaving,
    ) -> Option<Looked> {
        let mut part = green(service, lifecycle)?;
        // What there is stays as it is until the first stages are over.
        if !lifecycle.scales_up() {
            return Some(Looked {
                plan: Plan::default(),
                next: Next::AwaitChange,
                is_alone: true,
            });
        }
        self.look_at_part(tx, service, &mut part, tallies, leaving)
    }

    /// The revision that has the traffic; `None` in a first deployment.
    fn look_at_blue(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        lifecycle: &DeploymentLifecycle,
        tallies: &[(String, Tally)],
        leaving: &Leaving,
    ) -> Option<Looked> {
        let mut part = blue(tx.state(), service, lifecycle)?;
        let looked = self.look_at_part(tx, service, &mut part, tallies, leaving);
        if looked.as_ref().is_some_and(|it| it.is_alone) {
            let green = service.deployments.first().map(|it| it.id.clone());
            let is_kept = |it: &Deployment| Some(&it.id) == green.as_ref() || it.id == part.id;
            service.deployments.retain(is_kept);
        }
        looked
    }

    /// Starts and stops tasks of one revision. `None` if it is the new one and its deployment has been given up.
    fn look_at_part(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        part: &mut Part,
        tallies: &[(String, Tally)],
        leaving: &Leaving,
    ) -> Option<Looked> {
        let mut counts = Counts::of_part(part, tallies);
        let (_, proven) = health::note(&mut counts, tx, service, part, leaving, self.healthy_after);
        let is_alone = counts.old == Tally::default();
        counts.replace(leaving, &part.id);
        let is_new = service.deployments.first().is_some_and(|it| it.id == part.id);
        if is_new && circuit_breaker::look(tx, service, &counts) != Verdict::GoesOn {
            return None;
        }
        let plan = plan(
            part.desired_count,
            service.deployment_configuration,
            &counts,
            STEP_MAX,
        );
        let stopped = stop(tx, service, part, &plan, leaving, self.healthy_after);
        let next = self.start(tx, service, part, plan.start, Where::Anywhere);
        if plan.is_stuck && part.reach != Reach::Own {
            announce_stuck(tx, service, &mut part.announced_refusal);
        }
        // Each of the two has its own, lest they contradict each other without end.
        let beside = service.deployments.iter_mut().skip(1).find(|it| it.id == part.id);
        match beside {
            Some(it) => it.starts.announced_refusal.clone_from(&part.announced_refusal),
            None => service.announced_refusal.clone_from(&part.announced_refusal),
        }
        let has_moved = plan.start > 0 || stopped.count > 0;
        let next = match next {
            Next::AwaitChange if plan.is_cut_short && has_moved => Next::Again,
            next => next.or(stopped.next()).or(proven),
        };
        Some(Looked { plan, next, is_alone })
    }

    /// Starts tasks that are hooks, and hears of those that have ended.
    fn hook_tasks(&self, tx: &mut Tx<'_>, service: &mut Service) -> Next {
        let hooks = service.lifecycle.as_ref().map_or(0, |it| it.hooks.len());
        let mut next = Next::AwaitChange;
        for index in 0..hooks {
            let looked = hook_tasks::look(tx, service, index, self.public_addresses);
            if looked == hook_tasks::Looked::FoundNoRoom {
                next = Next::After(self.placement_retry);
            }
        }
        next
    }
}
