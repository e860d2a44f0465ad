//! The balancer of the world's load balancers: it follows what the control plane says, late, and goes on with the last
//! that it has heard while nobody says anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::TaskArn;
use domain::target::{Target, TargetHealth, TargetHealthReason, TargetHealthState, TargetKey, TargetState};

use crate::dice::Dice;

/// How long targets drain: longer than most requests take, and shorter than some.
pub const DELAY_SECONDS: u32 = 30;

/// A target that has changed, or is gone.
pub type Change = (TargetKey, Option<Arc<Target>>);

/// What it has found out.
#[derive(Clone, Debug)]
pub enum News {
    /// How a target is.
    Health(TargetKey, TargetHealth),
    /// Nothing is in flight any more to a target that drains.
    Idle(TargetKey),
}

/// See the module.
pub struct Balancer {
    /// Number of its session with the control plane.
    pub session: u64,
    dice: Dice,
    /// As they were when it heard of them.
    targets: BTreeMap<TargetKey, Arc<Target>>,
    healthy: BTreeMap<TargetKey, bool>,
    in_flight: BTreeMap<u64, Arc<Target>>,
    requests: u64,
    told_health: BTreeMap<TargetKey, bool>,
    /// With the state in which they were.
    told_idle: BTreeMap<TargetKey, TargetState>,
}

fn is_registered(target: &Target) -> bool {
    target.state == TargetState::Registered
}

impl Balancer {
    /// That of a seed; it knows nobody.
    pub fn new(dice: Dice) -> Self {
        Self {
            session: 0,
            dice,
            targets: BTreeMap::new(),
            healthy: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            requests: 0,
            told_health: BTreeMap::new(),
            told_idle: BTreeMap::new(),
        }
    }

    /// A new session begins: these are all targets, and the other side knows nothing.
    pub fn connect(&mut self, targets: Vec<Arc<Target>>) {
        self.session += 1;
        self.targets = targets.into_iter().map(|it| (it.key.clone(), it)).collect();
        self.told_health.clear();
        self.told_idle.clear();
        self.forget_others();
    }

    /// Hears of changes.
    pub fn hear(&mut self, changes: Vec<Change>) {
        for (key, target) in changes {
            match target {
                Some(target) => drop(self.targets.insert(key, target)),
                None => drop(self.targets.remove(&key)),
            }
        }
        self.forget_others();
    }

    /// What is not registered is not checked; what does not drain is not idle.
    fn forget_others(&mut self) {
        let targets = &self.targets;
        let is_checked = |key: &TargetKey| targets.get(key).is_some_and(|it| is_registered(it));
        self.healthy.retain(|key, _| is_checked(key));
        self.told_health.retain(|key, _| is_checked(key));
        self.told_idle
            .retain(|key, _| targets.contains_key(key) && !is_checked(key));
    }

    /// Checks all targets.
    pub fn check(&mut self, is_serving: impl Fn(&TargetKey) -> bool) {
        let registered = self.targets.values().filter(|it| is_registered(it));
        self.healthy = registered
            .map(|it| (it.key.clone(), is_serving(&it.key)))
            .collect();
    }

    /// A request comes: it goes to a healthy target of some group, or to any where none is. Gives its number and how long
    /// it takes.
    pub fn request(&mut self) -> Option<(u64, Duration)> {
        let groups: BTreeSet<_> = self.targets.keys().map(|it| &it.group).collect();
        let groups: Vec<_> = groups.into_iter().collect();
        let group = *self.dice.pick(&groups)?;
        let mine = self
            .targets
            .values()
            .filter(|it| it.key.group == *group && is_registered(it));
        let mine: Vec<_> = mine.collect();
        let healthy = mine.iter().filter(|it| self.healthy.get(&it.key) == Some(&true));
        let healthy: Vec<_> = healthy.copied().collect();
        let target = match healthy.is_empty() {
            true => Arc::clone(self.dice.pick(&mine)?),
            false => Arc::clone(self.dice.pick(&healthy)?),
        };
        self.requests += 1;
        self.in_flight.insert(self.requests, target);
        let longest = if self.dice.percent(5) { 60_000 } else { 3_000 };
        Some((self.requests, self.dice.millis(10, longest)))
    }

    /// A request has been answered.
    pub fn answered(&mut self, request: u64) {
        self.in_flight.remove(&request);
    }

    /// How many requests a task has.
    pub fn in_flight_to(&self, task: &TaskArn) -> usize {
        let in_flight = self.in_flight.values();
        in_flight.filter(|it| it.task.as_ref() == Some(task)).count()
    }

    /// What the control plane does not know yet; it does then, unless the session ends.
    pub fn news(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        for (key, is_healthy) in &self.healthy {
            if self.told_health.get(key) != Some(is_healthy) {
                let health = match is_healthy {
                    true => TargetHealth::healthy(),
                    false => TargetHealth::because(TargetHealthState::Unhealthy, TargetHealthReason::Timeout),
                };
                news.push(News::Health(key.clone(), health));
            }
        }
        self.told_health.clone_from(&self.healthy);
        let busy: BTreeSet<&TargetKey> = self.in_flight.values().map(|it| &it.key).collect();
        let idle = self
            .targets
            .values()
            .filter(|it| !is_registered(it) && !busy.contains(&it.key));
        for target in idle {
            let told = self.told_idle.insert(target.key.clone(), target.state);
            // one that was registered in between is not known to be idle any more
            if told != Some(target.state) {
                news.push(News::Idle(target.key.clone()));
            }
        }
        news
    }
}
