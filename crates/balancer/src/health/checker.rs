//! When targets are checked: one task for all of them, a heap of what is due, and a bound of checks at one time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
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
const CHECKS_MAX: usize = 512;
/// Of these, checks of targets that did not answer the last time: each takes as long as it may, and those that do
/// answer are not to wait for them.
const SILENT_CHECKS_MAX: usize = 384;
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
    /// Whether it did not answer the last time.
    is_silent: bool,
}

#[derive(Default)]
struct Inside {
    watched: HashMap<u64, Watched>,
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Silent ones that are due and wait for their turn.
    waiting: VecDeque<u64>,
    /// By the address of the target's memory, which lives as long as it is watched.
    numbers: HashMap<usize, u64>,
    next: u64,
}

/// The checks at one time.
#[derive(Default)]
struct Checks {
    running: JoinSet<Ended>,
    /// How many of them are of silent targets.
    silent: usize,
}

/// A check, and whether its target was silent before.
struct Ended {
    number: u64,
    was_silent: bool,
    result: Result<(), Failure>,
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
            let (number, machine, begun, is_silent) = match known {
                Some((number, before)) => (number, before.machine, before.begun, before.is_silent),
                None => {
                    inside.next += 1;
                    let wait = shared.dice.below(SPREAD.as_micros() as u64);
                    let wait = Duration::from_micros(wait).min(check.interval);
                    inside.due.push(Reverse((now + wait, inside.next)));
                    (inside.next, Machine::known(target.known()), false, false)
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
                    is_silent,
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
        let mut checks = Checks::default();
        loop {
            let next = self.begin_due(&mut checks, &shared);
            let is_full = checks.running.len() >= CHECKS_MAX;
            let due = async {
                match next {
                    Some(due) if !is_full => tokio::time::sleep_until(due).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = due => {}
                Some(ended) = checks.running.join_next(), if !checks.running.is_empty() => {
                    let Ok(ended) = ended else { continue };
                    checks.silent -= usize::from(ended.was_silent);
                    self.take(ended.number, ended.result, &shared);
                }
            }
        }
    }

    /// Begins what is due; answers when something is next.
    fn begin_due(&self, checks: &mut Checks, shared: &Arc<Shared>) -> Option<Instant> {
        let mut inside = self.inside.lock();
        while checks.has_room(true) {
            let Some(number) = inside.waiting.pop_front() else {
                break;
            };
            inside.begin(number, checks, shared);
        }
        let now = Instant::now();
        while let Some(Reverse((due, number))) = inside.due.peek().copied() {
            if due > now || !checks.has_room(false) {
                return Some(due);
            }
            inside.due.pop();
            let is_silent = inside.watched.get(&number).is_some_and(|it| it.is_silent);
            match checks.has_room(is_silent) {
                true => inside.begin(number, checks, shared),
                false => inside.waiting.push_back(number),
            }
        }
        None
    }

    fn take(&self, number: u64, result: Result<(), Failure>, shared: &Shared) {
        let mut inside = self.inside.lock();
        let Some(watched) = inside.watched.get_mut(&number) else {
            return;
        };
        watched.is_silent = result == Err(Failure::Timeout);
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

impl Checks {
    fn has_room(&self, is_silent: bool) -> bool {
        self.running.len() < CHECKS_MAX && !(is_silent && self.silent >= SILENT_CHECKS_MAX)
    }
}

impl Inside {
    /// Begins a check, and says when the next one is due.
    fn begin(&mut self, number: u64, checks: &mut Checks, shared: &Arc<Shared>) {
        let Some(watched) = self.watched.get_mut(&number) else {
            return;
        };
        let way = Way {
            from: watched.from,
            to: watched.target.address(),
        };
        let (check, was_silent) = (watched.check.clone(), watched.is_silent);
        // from half an interval on, the second check is anywhere, so that targets spread out for good
        let again = match std::mem::replace(&mut watched.begun, true) {
            false => check.interval / 2 + check.interval.mul_f64(shared.dice.below(1000) as f64 / 2000.0),
            true => check.interval,
        };
        self.due.push(Reverse((Instant::now() + again, number)));
        checks.silent += usize::from(was_silent);
        let shared = shared.clone();
        checks.running.spawn(async move {
            Ended {
                number,
                was_silent,
                result: probe(way, &check, &shared.target_tls).await,
            }
        });
    }
}
