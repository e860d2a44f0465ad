//! How many tasks a part of a service starts and stops now. Pure arithmetic.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::TaskArn;
use domain::service::DeploymentConfiguration;
use domain::task::{Task, TaskStatus};
use store::Tally;

use super::part::{Part, Reach};

/// Tasks of the newest deployment and of all older ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of the PRIMARY deployment.
    pub primary: Tally,
    /// Of the others.
    pub old: Tally,
    /// Running tasks of the PRIMARY deployment whose health checks have not succeeded yet.
    pub unproven: u32,
    /// Running tasks of the others that are not known to be healthy.
    pub old_unproven: u32,
    /// Those of them that never will be, as they are of neither revision of a deployment in stages.
    pub old_unserving: u32,
    /// Running tasks that are UNHEALTHY, to be replaced.
    pub unhealthy: u32,
}

/// What to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tasks of the PRIMARY deployment to start.
    pub start: u32,
    /// Tasks of the PRIMARY deployment to stop.
    pub stop_primary: u32,
    /// Tasks of older deployments to stop that do not run yet.
    pub stop_old_pending: u32,
    /// Tasks of older deployments to stop that run.
    pub stop_old_running: u32,
    /// Of all these stops, how many may be of tasks that are known to be healthy.
    pub spare: u32,
    /// All is as it should be.
    pub is_steady: bool,
    /// There would be more to do at once.
    pub is_cut_short: bool,
    /// Tasks are to be replaced, and the bounds let none start and none stop.
    pub is_stuck: bool,
}

impl Counts {
    /// Sums up a service's tally, as its PRIMARY deployment sees it.
    pub fn of(primary: &str, tallies: &[(String, Tally)]) -> Self {
        let mut counts = Self::default();
        for (deployment, tally) in tallies {
            let sum = if deployment == primary {
                &mut counts.primary
            } else {
                &mut counts.old
            };
            sum.pending += tally.pending;
            sum.running += tally.running;
            sum.stopping += tally.stopping;
        }
        counts
    }

    /// Those of a part, and of the parts that it takes the place of.
    pub fn of_part(part: &Part, tallies: &[(String, Tally)]) -> Self {
        match &part.reach {
            Reach::All => Self::of(&part.id, tallies),
            Reach::AllBut(other) => {
                let tallies: Vec<_> = tallies.iter().filter(|(id, _)| id != other).cloned().collect();
                Self::of(&part.id, &tallies)
            }
            Reach::Own => Self::of_task_set(&part.id, tallies),
        }
    }

    /// Those of one task set, which leaves others alone.
    pub fn of_task_set(id: &str, tallies: &[(String, Tally)]) -> Self {
        let mine = tallies.iter().find(|(of, _)| of == id);
        Self {
            primary: mine.map(|(_, tally)| *tally).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Counts tasks of the part itself that have to be replaced where they are as old ones.
    pub fn replace(&mut self, leaving: &BTreeMap<TaskArn, Arc<Task>>, part: &str) {
        let mine = leaving.values();
        for task in mine.filter(|it| it.started_by.as_deref() == Some(part)) {
            let (from, to) = match task.last_status {
                TaskStatus::Running => (&mut self.primary.running, &mut self.old.running),
                status if status.is_pending() => (&mut self.primary.pending, &mut self.old.pending),
                // It stops by itself.
                _ => continue,
            };
            *from = from.saturating_sub(1);
            *to += 1;
        }
    }

    /// No task is left that is not STOPPED.
    pub fn is_empty(&self) -> bool {
        self.primary == Tally::default() && self.old == Tally::default()
    }
}

/// Plans the next step. Of the PRIMARY deployment, running tasks whose health checks have not succeeded yet count
/// for nothing; of the others they count, as long as no healthy one is stopped for them. Never more than `step_max` starts and as many stops.
pub fn plan(desired: u32, bounds: DeploymentConfiguration, counts: &Counts, step_max: u32) -> Plan {
    let Counts { primary, old, .. } = *counts;
    let primary_total = primary.pending + primary.running;
    let old_total = old.pending + old.running;
    let missing = desired.saturating_sub(primary_total);
    let room = if old_total == 0 {
        missing
    } else {
        bounds
            .upper_bound(desired)
            .saturating_sub(primary_total + old_total)
    };
    let start = missing.min(room);
    let stop_primary = primary_total.saturating_sub(desired);
    // Of the primary's surplus, what does not run goes first: only the rest costs health.
    let primary_running_after =
        primary.running - stop_primary.saturating_sub(primary.pending).min(primary.running);
    let old_unproven = counts.old_unproven.min(old.running);
    let healthy = primary_running_after.saturating_sub(counts.unproven) + old.running - old_unproven;
    let least = bounds.lower_bound(desired);
    // The minimum holds for old tasks that run, and again for those that are known to be healthy: the others go first.
    let surplus = (healthy + old_unproven).saturating_sub(least);
    let surplus = surplus.min(healthy.saturating_sub(least) + old_unproven);
    // Where there is no room for replacements, what is unhealthy makes room.
    let in_the_way = counts.unhealthy.min(missing - start);
    let stop_old_running = old.running.min(surplus.max(in_the_way));
    let whole = Plan {
        start,
        stop_primary,
        stop_old_pending: old.pending,
        stop_old_running,
        ..Plan::default()
    };
    let mut left = step_max;
    let mut take = |count: u32| {
        let taken = count.min(left);
        left -= taken;
        taken
    };
    let stop_old_pending = take(whole.stop_old_pending);
    let stop_old_running = take(whole.stop_old_running);
    let stop_primary = take(whole.stop_primary);
    let cut = Plan {
        start: start.min(step_max),
        stop_primary,
        stop_old_pending,
        stop_old_running,
        ..Plan::default()
    };
    let is_steady = whole == Plan::default()
        && old == Tally::default()
        && primary.running == desired
        && counts.unproven == 0
        && primary.pending == 0
        && primary.stopping == 0;
    let old_waiting = old_unproven.saturating_sub(counts.old_unserving);
    let is_at_rest = primary.pending + primary.stopping + old.stopping + counts.unproven + old_waiting == 0;
    let healthy_before = primary.running.saturating_sub(counts.unproven) + old.running - old_unproven;
    Plan {
        spare: healthy_before.saturating_sub(least),
        is_steady,
        is_cut_short: cut != whole,
        is_stuck: missing > 0 && is_at_rest && whole == Plan::default(),
        ..cut
    }
}
