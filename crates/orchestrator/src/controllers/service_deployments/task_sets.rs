//! Services with the EXTERNAL deployment controller: each task set gets the share of tasks that it is scaled to.

use std::time::Duration;

use domain::service::{Service, ServiceStatus};
use domain::task_set::{Stability, TaskSetStatus};
use store::{Tally, Tx};

use super::part::Part;
use super::plan::{Counts, plan};
use super::stop::stop;
use super::{Leaving, Next, STEP_MAX, ServiceDeployments, announce_steady, health};
use crate::transitions::{Where, record_steady_task_set};

/// What one look at a task set came to.
struct Looked {
    next: Next,
    /// Most starts or stops that the other task sets may still make.
    left: u32,
    has_moved: bool,
    is_cut_short: bool,
    is_steady: bool,
}

impl ServiceDeployments {
    pub(super) fn reconcile_task_sets(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        leaving: &Leaving,
    ) -> Next {
        let tallies = tx.state().service_tally(&service.arn);
        let (mut next, mut left) = (Next::AwaitChange, STEP_MAX);
        let (mut has_moved, mut is_cut_short) = (false, false);
        let mut is_steady = !service.task_sets.is_empty();
        let ids: Vec<String> = service.task_sets.iter().map(|it| it.id.clone()).collect();
        for id in ids {
            let Some(looked) = self.look_at(tx, service, &id, &tallies, leaving, left) else {
                continue;
            };
            next = next.or(looked.next);
            left = looked.left;
            has_moved |= looked.has_moved;
            is_cut_short |= looked.is_cut_short;
            is_steady &= looked.is_steady;
        }
        service
            .task_sets
            .retain(|it| it.status != TaskSetStatus::Draining || tallies.iter().any(|(id, _)| *id == it.id));
        match (service.status, is_steady) {
            (ServiceStatus::Active, true) => next = next.or(announce_steady(tx, service)),
            (ServiceStatus::Active, false) => service.steady_since = None,
            _ if tallies.is_empty() => {
                service.status = ServiceStatus::Inactive;
                service.task_sets.clear();
            }
            _ => {}
        }
        match next {
            Next::AwaitChange if is_cut_short && has_moved => Next::Again,
            next => next,
        }
    }

    fn look_at(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        id: &str,
        tallies: &[(String, Tally)],
        leaving: &Leaving,
        step_max: u32,
    ) -> Option<Looked> {
        let mut part = Part::task_set(service, service.task_set(id)?);
        let mut counts = Counts::of_task_set(id, tallies);
        // A task set is stable as soon as all its tasks run.
        let (_, proven) = health::note(&mut counts, tx, service, &part, leaving, Duration::ZERO);
        counts.replace(leaving, id);
        let plan = plan(
            part.desired_count,
            service.deployment_configuration,
            &counts,
            step_max,
        );
        let stopped = stop(tx, service, &part, &plan, leaving, Duration::ZERO);
        let next = self.start(tx, service, &mut part, plan.start, Where::Anywhere);
        let stability = match plan.is_steady {
            true => Stability::SteadyState,
            false => Stability::Stabilizing,
        };
        let now = tx.now();
        let task_set = service.task_set_mut(id)?;
        task_set.announced_refusal = part.announced_refusal;
        if task_set.status != TaskSetStatus::Draining && task_set.stability != stability {
            task_set.stability = stability;
            task_set.stability_at = now;
            if plan.is_steady {
                record_steady_task_set(tx, service, id);
            }
        }
        let stops = plan.stop_primary + plan.stop_old_pending + plan.stop_old_running;
        Some(Looked {
            next: next.or(stopped.next()).or(proven),
            left: step_max.saturating_sub(plan.start.max(stops)),
            has_moved: plan.start > 0 || stopped.count > 0,
            is_cut_short: plan.is_cut_short,
            is_steady: plan.is_steady,
        })
    }
}
