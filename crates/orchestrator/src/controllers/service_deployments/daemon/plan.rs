//! Which container instances get a task of a DAEMON service now, and which tasks of it stop. Pure.

use std::cmp::Reverse;

use domain::service::DeploymentConfiguration;
use domain::{ContainerInstanceArn, TaskArn};

#[cfg(test)]
mod tests;

/// A container instance, and the tasks of the service there that have not stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The container instance.
    pub instance: ContainerInstanceArn,
    /// What it is to have.
    pub claim: Claim,
    /// The service's tasks there.
    pub tasks: Vec<SeatedTask>,
}

/// What a container instance is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// One task.
    One,
    /// One task, but nothing can be started there now: its agent is away. It counts only if it has one.
    Kept,
    /// What is there, as long as other tasks run there: it is DRAINING, and daemons go last.
    Last,
    /// None.
    Nothing,
}

/// A task of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatedTask {
    /// Its name.
    pub arn: TaskArn,
    /// Of the PRIMARY deployment.
    pub is_new: bool,
    /// How it is.
    pub state: SeatedState,
}

/// How a task is; the better, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeatedState {
    /// On its way to STOPPED.
    Stopping,
    /// Its health checks fail.
    Unhealthy,
    /// On its way to RUNNING.
    Pending,
    /// It runs, and has not shown yet that it is healthy.
    Unproven,
    /// It runs.
    Healthy,
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaemonPlan {
    /// How many tasks are wanted.
    pub desired_count: u32,
    /// Where to start one.
    pub start: Vec<ContainerInstanceArn>,
    /// Which to stop.
    pub stop: Vec<TaskArn>,
    /// All is as it should be.
    pub is_steady: bool,
    /// There would be more to do at once.
    pub is_cut_short: bool,
}

impl Seat {
    /// Its tasks that are not to stop.
    pub fn wanted(&self) -> impl Iterator<Item = &SeatedTask> {
        self.tasks.iter().filter(|it| it.state != SeatedState::Stopping)
    }

    fn counts(&self) -> bool {
        match self.claim {
            Claim::One => true,
            Claim::Kept => self.wanted().next().is_some(),
            Claim::Last | Claim::Nothing => false,
        }
    }

    fn is_settled(&self) -> bool {
        let mut wanted = self.wanted();
        match (self.claim, wanted.next()) {
            (Claim::One, None) => false,
            (Claim::One | Claim::Kept, Some(task)) => {
                task.is_new && task.state == SeatedState::Healthy && self.tasks.len() == 1
            }
            (Claim::Kept, None) | (Claim::Last, _) => true,
            (Claim::Nothing, _) => self.tasks.is_empty(),
        }
    }
}

/// Plans the next step. A container instance has one task at a time, so a task is stopped before another one takes its
/// place, as on Amazon, where `maximumPercent` is always 100; no more healthy ones than `minimumHealthyPercent` allows.
/// Never more than `step_max` starts and as many stops.
pub fn plan(seats: &[Seat], bounds: DeploymentConfiguration, step_max: u32) -> DaemonPlan {
    let counted = seats.iter().filter(|it| it.counts());
    let desired_count = u32::try_from(counted.clone().count()).unwrap_or(u32::MAX);
    let healthy = counted.filter(|it| it.wanted().any(|task| task.state == SeatedState::Healthy));
    let healthy = u32::try_from(healthy.count()).unwrap_or(u32::MAX);
    let mut surplus = healthy.saturating_sub(bounds.lower_bound(desired_count));
    let mut plan = DaemonPlan {
        desired_count,
        is_steady: seats.iter().all(Seat::is_settled),
        ..DaemonPlan::default()
    };
    for seat in seats {
        match seat.claim {
            Claim::One => plan.look_at(seat, &mut surplus),
            Claim::Nothing => plan.stop.extend(seat.wanted().map(|it| it.arn.clone())),
            Claim::Kept | Claim::Last => {}
        }
    }
    let most = step_max as usize;
    plan.is_cut_short = plan.start.len() > most || plan.stop.len() > most;
    plan.start.truncate(most);
    plan.stop.truncate(most);
    plan
}

impl DaemonPlan {
    fn look_at(&mut self, seat: &Seat, surplus: &mut u32) {
        if seat.tasks.is_empty() {
            self.start.push(seat.instance.clone());
            return;
        }
        let mut wanted: Vec<&SeatedTask> = seat.wanted().collect();
        wanted.sort_by_key(|it| Reverse((it.is_new, it.state)));
        let Some((best, others)) = wanted.split_first() else {
            return;
        };
        // The one healthy task of a container instance costs health, whatever is beside it.
        let mut may_lose = |task: &SeatedTask| {
            if task.state != SeatedState::Healthy || *surplus > 0 {
                *surplus -= u32::from(task.state == SeatedState::Healthy);
                return true;
            }
            false
        };
        let has_spare = best.state == SeatedState::Healthy;
        let others = others.iter().filter(|it| has_spare || may_lose(it));
        self.stop.extend(others.map(|it| it.arn.clone()));
        let goes = match (best.is_new, best.state) {
            (_, SeatedState::Unhealthy) => true,
            (true, _) => false,
            (false, _) => may_lose(best),
        };
        if goes {
            self.stop.push(best.arn.clone());
        }
    }
}
