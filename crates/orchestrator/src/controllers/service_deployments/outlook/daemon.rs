//! What a DAEMON service wants, has and waits for: container instance by container instance.

use std::sync::Arc;

use domain::ContainerInstanceArn;
use domain::service::Service;
use store::Tx;

use super::super::ServiceDeployments;
use super::super::daemon::Step;
use super::super::daemon::plan::{Claim, Seat};
use super::super::part::Part;
use super::{NAMED_MAX, PartOutlook, ServiceOutlook, Wait, given_up, of_health, throttled};
use crate::transitions::{Considered, Where, consider};

impl ServiceDeployments {
    pub(super) fn look_ahead_at_daemons(&self, tx: &Tx<'_>, outlook: &mut ServiceOutlook) {
        let service = Arc::clone(&outlook.service);
        let Some(mut part) = Part::primary_deployment(&service) else {
            return;
        };
        let step = self.daemon_step(tx, &service, &part);
        part.desired_count = step.plan.desired_count;
        let bounds = service.deployment_configuration;
        outlook.minimum = bounds.lower_bound(part.desired_count);
        outlook.maximum = bounds.upper_bound(part.desired_count);
        outlook.old = step.counts.old;
        let considered = considered(tx, &service, &part, &step);
        outlook
            .waits
            .extend(waits(tx, &service, &part, &step, considered.as_ref()));
        let of_health = of_health(tx.state(), &service, &part, &step.counts, self.healthy_after);
        outlook.waits.extend(of_health);
        outlook.parts.push(PartOutlook {
            id: part.id,
            desired_count: part.desired_count,
            tally: step.counts.primary,
            unproven: step.counts.unproven,
            starts: count(step.plan.start.len()),
            stops: count(step.plan.stop.len()),
            considered,
        });
    }
}

/// What the container instances say that are to get a task now.
fn considered(tx: &Tx<'_>, service: &Service, part: &Part, step: &Step) -> Option<Considered> {
    if step.plan.start.is_empty() {
        return None;
    }
    let mut run = part.run(tx.state(), service, count(step.plan.start.len()))?;
    run.placed = Where::On(step.plan.start.clone());
    Some(consider(tx, &run))
}

fn waits(
    tx: &Tx<'_>,
    service: &Service,
    part: &Part,
    step: &Step,
    considered: Option<&Considered>,
) -> Vec<Wait> {
    if let Some(given_up) = given_up(service, part) {
        return vec![given_up];
    }
    let mut waits = Vec::new();
    match (considered, throttled(tx, service, part)) {
        (None, _) => {}
        (Some(_), Some(throttled)) => waits.push(throttled),
        (Some(it), None) => {
            let refused = it.hosts.iter().filter(|(_, refusals)| !refusals.is_empty());
            let refused = count(refused.count());
            waits.extend((refused > 0).then_some(Wait::Placement { count: refused }));
        }
    }
    let is_kept = |it: &&Seat| {
        let mut wanted = it.wanted();
        it.claim == Claim::One && wanted.any(|task| !task.is_new && !step.plan.stop.contains(&task.arn))
    };
    let kept = count(step.seats.iter().filter(is_kept).count());
    if kept > 0 && !step.plan.is_cut_short {
        waits.push(Wait::Minimum { kept });
    }
    let away = instances(&step.seats, |it| {
        it.claim == Claim::Kept && it.wanted().next().is_none()
    });
    waits.extend((away.0 > 0).then_some(Wait::Agents(away.0, away.1)));
    let last = instances(&step.seats, |it| {
        it.claim == Claim::Last && it.wanted().next().is_some()
    });
    waits.extend((last.0 > 0).then_some(Wait::LastToStop(last.0, last.1)));
    waits
}

/// How many container instances are meant, and the first of them.
fn instances(seats: &[Seat], is_meant: impl Fn(&Seat) -> bool) -> (u32, Vec<ContainerInstanceArn>) {
    let meant = seats
        .iter()
        .filter(|it| is_meant(it))
        .map(|it| it.instance.clone());
    let mut meant: Vec<_> = meant.collect();
    let all = count(meant.len());
    meant.truncate(NAMED_MAX);
    (all, meant)
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
