//! Which tasks of a service go when there are too many of some kind.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::container_instance::ContainerInstance;
use domain::host::Host;
use domain::service::{Service, ServiceStatus};
use domain::task::Task;
use domain::task_definition::LaunchType;
use placement::{Placed, Rules, Withdrawal, Worth};
use store::State;

use super::part::Part;
use super::plan::Plan;
use super::{Leaving, capacity, health, is_wanted};

/// A task in question.
pub struct Candidate {
    /// Itself.
    pub task: Arc<Task>,
    /// Of the part, to be kept unless there are too many.
    pub is_kept: bool,
    /// Its health checks fail.
    pub is_unhealthy: bool,
    /// It is known to be healthy.
    costs_health: bool,
    /// How many deployments are newer than its own.
    age: usize,
    /// It has to be left alone for so long.
    protected_for: Option<Duration>,
}

/// What was found.
#[derive(Default)]
pub struct Chosen {
    /// Tasks to stop.
    pub candidates: Vec<Candidate>,
    /// There would be more, but for protection.
    pub held: Option<Held>,
}

/// A protected task that would have gone; of several, the one whose protection ends first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// So long.
    pub wait: Duration,
    /// Its deployment or task set.
    pub started_by: String,
}

/// What a choice goes by, beside the state.
pub struct Choosing<'a> {
    /// The time.
    pub now: Timestamp,
    /// How long a task without health checks has to run before it counts as healthy.
    pub healthy_after: Duration,
    /// Tasks that have to be replaced where they are.
    pub leaving: &'a Leaving,
}

/// Chooses as many tasks as a plan for a part has it.
pub fn choose(state: &State, choosing: &Choosing<'_>, service: &Service, part: &Part, plan: &Plan) -> Chosen {
    let tasks = state.tasks_of_service(&service.arn);
    let tasks = tasks.filter(|it| is_wanted(it) && part.may_stop(it));
    let mut candidates: Vec<Candidate> = tasks
        .map(|it| candidate(state, choosing, service, part, it))
        .collect();
    // The youngest goes first, where nothing else decides.
    candidates.sort_by(|a, b| order(&a.task).cmp(&order(&b.task)));
    let rules = rules(service, part);
    let placed = candidates
        .iter()
        .map(|it| placed(state, &it.task, it.is_unhealthy))
        .collect();
    let mut choice = Choice {
        withdrawal: Withdrawal::new(placed, &rules),
        candidates: &candidates,
        chosen: vec![false; candidates.len()],
        spare: plan.spare,
        held: None,
    };
    choice.old(|it| it.task.last_status.is_pending(), plan.stop_old_pending);
    choice.old(|it| !it.task.last_status.is_pending(), plan.stop_old_running);
    choice.surplus(part, plan.stop_primary);
    let Choice { chosen, held, .. } = choice;
    let candidates = candidates.into_iter().zip(chosen);
    Chosen {
        candidates: candidates.filter(|(_, it)| *it).map(|(it, _)| it).collect(),
        held,
    }
}

fn order(task: &Task) -> impl Ord + use<'_> {
    (Reverse(task.times.created_at), &task.arn)
}

/// FARGATE spreads over zones by itself.
fn rules(service: &Service, part: &Part) -> Rules {
    match part.launch_type {
        LaunchType::Fargate => Rules::of_service([], &[]),
        LaunchType::Ec2 | LaunchType::External => Rules::of_service([], &service.placement_strategy),
    }
}

fn candidate(
    state: &State,
    choosing: &Choosing<'_>,
    service: &Service,
    part: &Part,
    task: &Arc<Task>,
) -> Candidate {
    let Choosing {
        now,
        healthy_after,
        leaving,
    } = *choosing;
    let is_unhealthy = health::is_unhealthy(state, task, now);
    let mut deployments = service.deployments.iter();
    let until = task.protection(now);
    let until = until.filter(|_| service.status == ServiceStatus::Active && !is_unhealthy);
    Candidate {
        task: Arc::clone(task),
        is_kept: part.has(task) && !leaving.contains_key(&task.arn),
        is_unhealthy,
        costs_health: !task.last_status.is_pending()
            && part.may_serve(task)
            && health::is_proven(state, task, now, healthy_after),
        age: deployments
            .position(|it| task.started_by.as_ref() == Some(&it.id))
            .unwrap_or(usize::MAX),
        protected_for: until.map(|it| Duration::try_from(it.duration_since(now)).unwrap_or_default()),
    }
}

/// Where a task is and what it is worth.
pub fn placed<'a>(state: &'a State, task: &Task, is_unhealthy: bool) -> Placed<'a> {
    let container_instance: Option<&Arc<ContainerInstance>> = match &task.container_instance {
        Some(arn) => state.get(arn),
        None => state.container_instances_of_host(&task.host_id).next(),
    };
    let worth = match (task.last_status.is_pending(), is_unhealthy) {
        (true, _) => Worth::Starting,
        (false, true) => Worth::Unhealthy,
        (false, false) => Worth::Healthy,
    };
    Placed {
        host: state.get::<Host>(&task.host_id).map(|it| &**it),
        container_instance: container_instance.map(|it| &**it),
        worth,
    }
}

struct Choice<'a> {
    withdrawal: Withdrawal<'a>,
    candidates: &'a [Candidate],
    chosen: Vec<bool>,
    /// So many more of those chosen may be healthy.
    spare: u32,
    held: Option<Held>,
}

impl Choice<'_> {
    /// Those that shall not stay: what is unhealthy, then what is of the oldest deployment.
    fn old(&mut self, is_meant: impl Fn(&Candidate) -> bool, count: u32) {
        let is_meant = |it: &Candidate| !it.is_kept && is_meant(it);
        let mut left = count - self.take(|it| is_meant(it) && it.is_unhealthy, count);
        let meant = self.candidates.iter().filter(|it| is_meant(it));
        let mut ages: Vec<usize> = meant.map(|it| it.age).collect();
        ages.sort_unstable();
        ages.dedup();
        for age in ages.into_iter().rev() {
            left -= self.take(|it| is_meant(it) && it.age == age, left);
        }
        self.note_held(is_meant, left);
    }

    /// Those of which there are too many; the ratio of capacity providers is kept.
    fn surplus(&mut self, part: &Part, count: u32) {
        let mut left = count;
        let kept: Vec<&Task> = self
            .candidates
            .iter()
            .filter(|it| it.is_kept)
            .map(|it| &*it.task)
            .collect();
        for (provider, surplus) in capacity::surplus(part, &kept) {
            let is_meant =
                |it: &Candidate| it.is_kept && it.task.capacity_provider.as_ref() == Some(&provider);
            left -= self.take(is_meant, surplus.min(left));
        }
        left -= self.take(|it| it.is_kept, left);
        self.note_held(|it| it.is_kept, left);
    }

    /// Of those meant, first what costs no health. No healthy task goes for one that would cost nothing and is
    /// protected.
    fn take(&mut self, is_meant: impl Fn(&Candidate) -> bool, count: u32) -> u32 {
        let cheap = self.withdraw(|it| is_meant(it) && !it.costs_health, count);
        let dear = self.withdraw(
            |it| is_meant(it) && it.costs_health,
            (count - cheap).min(self.spare),
        );
        self.spare -= dear;
        cheap + dear
    }

    fn withdraw(&mut self, is_meant: impl Fn(&Candidate) -> bool, count: u32) -> u32 {
        let candidates = self.candidates;
        let may_go = |index: usize| {
            let it = &candidates[index];
            it.protected_for.is_none() && is_meant(it)
        };
        let taken = self.withdrawal.take(may_go, count);
        for index in &taken {
            self.chosen[*index] = true;
        }
        u32::try_from(taken.len()).unwrap_or(count)
    }

    fn note_held(&mut self, is_meant: impl Fn(&Candidate) -> bool, missing: u32) {
        if missing == 0 {
            return;
        }
        let meant = self.candidates.iter().filter(|it| is_meant(it));
        let held = meant.filter_map(|it| {
            Some(Held {
                wait: it.protected_for?,
                started_by: it.task.started_by.clone().unwrap_or_default(),
            })
        });
        self.held = held.chain(self.held.take()).min();
    }
}
