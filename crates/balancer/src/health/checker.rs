//! When targets are checked: one task for all of them, a heap of what is due, and a bound of checks at one time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::machine::{Failure, Health, Machine, Thresholds};
use super::probe::{Way, probe};
use crate::group::Group;
use crate::plan::HealthCheck;
use crate::report::TargetName;
use crate::shared::Shared;
use crate::target::Target;

/// Checks at one time; more wait for their turn.
const CHECKS_MAX: usize = 256;
/// New targets are checked first within this time, so that many do not begin at once.
const SPREAD: Duration = Duration::from_millis(200);

/// A target that is to be checked.
struct Watched {
    target: Arc<Target>,
    group: Arc<Group>,
    check: Arc<HealthCheck>,
    from: Option<IpAddr>,
    machine: Machine,
    /// Whether it was checked before.
    begun: bool,
}

#[derive(Default)]
struct Inside {
    watched: HashMap<u64, Watched>,
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    /// By the address of the target's memory, which lives as long as it is watched.
    numbers: HashMap<usize, u64>,
    next: u64,
}

/// Checks targets.
#[derive(Clone, Default)]
pub(crate) struct Checker {
    inside: Arc<Mutex<Inside>>,
    changed: Arc<Notify>,
}

/// A target with how it is to be checked.
pub(crate) struct Wanted {
    pub(crate) target: Arc<Target>,
    pub(crate) group: Arc<Group>,
    pub(crate) check: Arc<HealthCheck>,
    /// The address of the node that checks it, if there are several.
    pub(crate) from: Option<IpAddr>,
}

impl Checker {
    /// Checks these targets from now on and no others. Those that were checked before go on where they are.
    pub(crate) fn watch(&self, wanted: Vec<Wanted>, shared: &Shared) {
        let mut inside = self.inside.lock();
        let inside = &mut *inside;
        let now = Instant::now();
        let mut kept = HashMap::with_capacity(wanted.len());
        let mut numbers = HashMap::with_capacity(wanted.len());
        for it in wanted {
            let Wanted {
                target,
                group,
                check,
                from,
            } = it;
            let place = Arc::as_ptr(&target) as usize;
            let known = inside
                .numbers
                .get(&place)
                .and_then(|number| Some((*number, inside.watched.remove(number)?)));
            let (number, machine, begun) = match known {
                Some((number, before)) => (number, before.machine, before.begun),
                None => {
                    inside.next += 1;
                    let wait = shared.dice.below(SPREAD.as_micros() as u64);
                    let wait = Duration::from_micros(wait).min(check.interval);
                    inside.due.push(Reverse((now + wait, inside.next)));
                    (inside.next, Machine::known(target.known()), false)
                }
            };
            numbers.insert(place, number);
            kept.insert(
                number,
                Watched {
                    target,
                    group,
                    check,
                    from,
                    machine,
                    begun,
                },
            );
        }
        inside.watched = kept;
        inside.numbers = numbers;
        self.changed.notify_one();
    }

    /// What is known of all targets that are checked.
    pub(crate) fn healths(&self) -> Vec<(TargetName, Health)> {
        let inside = self.inside.lock();
        let healths = inside
            .watched
            .values()
            .map(|it| (it.target.name.clone(), it.target.shown(it.machine.health())));
        healths.collect()
    }

    /// Checks until it is dropped.
    pub(crate) async fn run(self, shared: Arc<Shared>) {
        let mut checks: JoinSet<(u64, Result<(), Failure>)> = JoinSet::new();
        loop {
            let next = self.begin_due(&mut checks, &shared);
            let is_full = checks.len() >= CHECKS_MAX;
            let due = async {
                match next {
                    Some(due) if !is_full => tokio::time::sleep_until(due).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = due => {}
                Some(ended) = checks.join_next(), if !checks.is_empty() => {
                    if let Ok((number, result)) = ended {
                        self.take(number, result, &shared);
                    }
                }
            }
        }
    }

    /// Begins what is due; answers when something is next.
    fn begin_due(
        &self,
        checks: &mut JoinSet<(u64, Result<(), Failure>)>,
        shared: &Arc<Shared>,
    ) -> Option<Instant> {
        let mut inside = self.inside.lock();
        let now = Instant::now();
        while let Some(Reverse((due, number))) = inside.due.peek().copied() {
            if due > now || checks.len() >= CHECKS_MAX {
                return Some(due);
            }
            inside.due.pop();
            let Some(watched) = inside.watched.get_mut(&number) else {
                continue;
            };
            let (from, to) = (watched.from, watched.target.address());
            let check = watched.check.clone();
            // from half an interval on, the second check is anywhere, so that targets spread out for good
            let again = match std::mem::replace(&mut watched.begun, true) {
                false => check.interval / 2 + check.interval.mul_f64(shared.dice.below(1000) as f64 / 2000.0),
                true => check.interval,
            };
            inside.due.push(Reverse((now + again, number)));
            let shared = shared.clone();
            checks.spawn(async move { (number, probe(Way { from, to }, &check, &shared.target_tls).await) });
        }
        None
    }

    fn take(&self, number: u64, result: Result<(), Failure>, shared: &Shared) {
        let mut inside = self.inside.lock();
        let Some(watched) = inside.watched.get_mut(&number) else {
            return;
        };
        let thresholds = Thresholds {
            first: watched.check.first_threshold,
            healthy: watched.check.healthy_threshold,
            unhealthy: watched.check.unhealthy_threshold,
        };
        let Some(health) = watched.machine.observe(result, thresholds) else {
            return;
        };
        let (group, target) = (watched.group.clone(), watched.target.clone());
        drop(inside);
        group.set_health(&target, health, shared.now_ms());
        target.tell_health(health);
    }
}
