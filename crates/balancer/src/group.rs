//! A target group at run time: its targets, those that get traffic, and whose turn it is.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use domain::load_balancer::LoadBalancerKind;
use domain::target_group::Algorithm;
use parking_lot::{Mutex, RwLock};

use crate::anomaly::{self, Anomalies, Standing, WHOLE};
use crate::choice;
use crate::counters::Counters;
use crate::dice::Dice;
use crate::health::machine::Health;
use crate::l7::cookies::{CookieKey, Tag};
use crate::outlier::{Outcome, may_eject_one_more};
use crate::plan::{GroupPlan, Registration, TargetIdentity, TargetPlan};
use crate::report::Reporter;
use crate::target::{InFlight, Target};

#[cfg(test)]
mod tests;

/// How often another target is tried when the chosen one began to drain in between.
const TRIES: usize = 4;

/// A target group.
pub(crate) struct Group {
    current: RwLock<Arc<Members>>,
    /// Whoever changes `current` holds it, so that no change is lost.
    change: Mutex<()>,
    cursor: AtomicUsize,
    /// Some targets get less than others because they are anomalous.
    mitigates: AtomicBool,
    /// What is counted of it: of load balancers nothing.
    pub(crate) counters: Option<Arc<Counters>>,
}

/// The targets of a group, as of now.
pub(crate) struct Members {
    pub(crate) plan: Arc<GroupPlan>,
    pub(crate) all: Vec<Arc<Target>>,
    /// Those that get traffic.
    eligible: Vec<Arc<Target>>,
    /// The same, by zone; targets of zone `all` are in each.
    by_zone: HashMap<Arc<str>, Vec<Arc<Target>>>,
}

/// What of a change concerns others.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) added: Vec<Arc<Target>>,
    pub(crate) removed: Vec<Arc<Target>>,
}

impl Members {
    fn new(plan: Arc<GroupPlan>, all: Vec<Arc<Target>>) -> Self {
        let registered = || all.iter().filter(|it| !it.is_draining());
        let checked = plan.health_check.is_some();
        let healthy: Vec<_> = registered()
            .filter(|it| !checked || it.is_healthy())
            .cloned()
            .collect();
        // fail open: too few healthy ones are worse than trying all
        let percent = (registered().count() * plan.minimum_healthy_percent).div_ceil(100);
        let eligible = match healthy.len() {
            count if count >= plan.minimum_healthy.max(percent) => healthy,
            _ => registered().cloned().collect(),
        };
        let mut by_zone: HashMap<Arc<str>, Vec<Arc<Target>>> = HashMap::new();
        for zone in eligible.iter().filter_map(|it| it.zone.clone()) {
            by_zone.entry(zone).or_default();
        }
        for (zone, members) in &mut by_zone {
            let inside = |it: &&Arc<Target>| it.zone.as_ref().is_none_or(|its| its == zone);
            members.extend(eligible.iter().filter(inside).cloned());
        }
        Self {
            plan,
            all,
            eligible,
            by_zone,
        }
    }

    /// Those that traffic from a zone may go to; none for all zones.
    pub(crate) fn eligible(&self, zone: Option<&str>) -> &[Arc<Target>] {
        match zone {
            None => &self.eligible,
            Some(zone) => match self.by_zone.get(zone) {
                Some(members) => members,
                None if self.by_zone.is_empty() => &self.eligible,
                None => &[],
            },
        }
    }

    /// The target of a cookie, if it gets traffic.
    pub(crate) fn by_tag(&self, tag: &Tag) -> Option<&Arc<Target>> {
        self.eligible.iter().find(|it| it.tag == *tag)
    }
}

impl Group {
    pub(crate) fn new(plan: Arc<GroupPlan>) -> Arc<Self> {
        Arc::new(Self {
            counters: plan.resilience.is_some().then(Arc::default),
            current: RwLock::new(Arc::new(Members::new(plan, Vec::new()))),
            change: Mutex::new(()),
            cursor: AtomicUsize::new(0),
            mitigates: AtomicBool::new(false),
        })
    }

    /// The targets now.
    pub(crate) fn members(&self) -> Arc<Members> {
        self.current.read().clone()
    }

    /// Whether anything is in flight to one of its targets.
    pub(crate) fn is_busy(&self) -> bool {
        self.members().all.iter().any(|it| it.in_flight() > 0)
    }

    /// Ends what its targets still have, as if they were not registered any more.
    pub(crate) fn end(&self) {
        let members = self.members();
        members.all.iter().for_each(|it| retire(it, &members.plan));
    }

    /// Takes a plan over; targets that it names still are the same objects.
    pub(crate) fn update(&self, plan: Arc<GroupPlan>, key: &CookieKey, reporter: &Reporter) -> Changed {
        let _guard = self.change.lock();
        let before = self.members();
        let mut known: HashMap<_, _> = before.all.iter().map(|it| (identity(it), it.clone())).collect();
        let same = before.plan.protocol == plan.protocol && before.plan.version == plan.version;
        if !same {
            known.clear();
        }
        let was_empty = before.all.iter().all(|it| it.is_draining());
        let mut changed = Changed::default();
        let mut all = Vec::with_capacity(plan.targets.len());
        for wanted in &plan.targets {
            let target = known.remove(&wanted.identity()).unwrap_or_else(|| {
                let target = Target::new(&plan.arn, wanted, tag(key, &plan.arn, wanted), reporter.clone());
                if let Health::UnhealthyDraining(failure) = wanted.known {
                    // as another process has left it
                    target.drain_unhealthy(failure, plan.unhealthy_draining);
                }
                if was_empty {
                    target.set_first();
                }
                changed.added.push(target.clone());
                target
            });
            let drains = wanted.registration == Registration::Draining;
            if target.is_draining() && !drains {
                target.begin_anew(wanted.known);
            }
            target.set_draining(drains);
            all.push(target);
        }
        let kept = |target: &Arc<Target>| all.iter().any(|it| Arc::ptr_eq(it, target));
        changed.removed = match same {
            true => known.into_values().collect(),
            false => before.all.iter().filter(|it| !kept(it)).cloned().collect(),
        };
        *self.current.write() = Arc::new(Members::new(plan, all));
        for target in &changed.removed {
            retire(target, &before.plan);
        }
        changed
    }

    /// Takes the health of one of its targets over, and what that means for its connections.
    pub(crate) fn set_health(&self, target: &Arc<Target>, health: Health, now_ms: u64) {
        let _guard = self.change.lock();
        let members = self.members();
        let ramp_from = match health {
            Health::Healthy if !target.is_healthy() && ramps(&members, target, now_ms) => now_ms,
            _ => u64::MAX,
        };
        let was_unhealthy = target.is_unhealthy();
        target.set_health(health, ramp_from);
        let is_network = members.plan.protocol.kind() == LoadBalancerKind::Network;
        if let Health::Unhealthy(failure) = health
            && is_network
            && !was_unhealthy
        {
            match members.plan.ends_unhealthy_connections {
                true => target.cut_connections(),
                false => target.drain_unhealthy(failure, members.plan.unhealthy_draining),
            }
        }
        *self.current.write() = Arc::new(Members::new(members.plan.clone(), members.all.clone()));
    }

    /// Chooses a target for a request and counts it in; none if there is none.
    pub(crate) fn pick(&self, zone: Option<&str>, dice: &Dice, now_ms: u64) -> Option<InFlight> {
        for _ in 0..TRIES {
            let members = self.members();
            let eligible = members.eligible(zone);
            let index = self.choose(&members.plan, eligible, dice, now_ms)?;
            if let Some(entered) = eligible[index].enter() {
                return Some(entered);
            }
        }
        None
    }

    /// Chooses a target for a request or connection that has not failed with these yet, and counts it in: one that was not
    /// ejected if there is one, any other if not, and one of these again as a last resort.
    pub(crate) fn pick_other(
        &self,
        zone: Option<&str>,
        tried: &[SocketAddr],
        dice: &Dice,
        now_ms: u64,
    ) -> Option<InFlight> {
        for _ in 0..TRIES {
            let members = self.members();
            let eligible = members.eligible(zone);
            let is_fresh = |it: &&Arc<Target>| !tried.contains(&it.address());
            let is_sound = |it: &&Arc<Target>| !it.outlier.is_ejected(now_ms);
            let mut left: Vec<_> = eligible
                .iter()
                .filter(is_fresh)
                .filter(is_sound)
                .cloned()
                .collect();
            if left.is_empty() {
                left = eligible.iter().filter(is_fresh).cloned().collect();
            }
            let left = if left.is_empty() { eligible } else { &left };
            let index = self.choose(&members.plan, left, dice, now_ms)?;
            if let Some(entered) = left[index].enter() {
                return Some(entered);
            }
        }
        None
    }

    /// Takes over what came of something that a target was chosen for.
    pub(crate) fn note(&self, target: &Target, outcome: Outcome, now_ms: u64) {
        target.anomaly.note(outcome);
        // Only groups with resilience are counted.
        if self.counters.is_none() {
            return;
        }
        let members = self.members();
        target.outlier.note(outcome, now_ms, || {
            let registered = members.all.iter().filter(|it| !it.is_draining());
            let ejected = registered
                .clone()
                .filter(|it| it.outlier.is_ejected(now_ms))
                .count();
            may_eject_one_more(registered.count(), ejected)
        });
    }

    /// Looks for targets that fail more often than their peers, in what was counted in this time.
    pub(crate) fn look_for_anomalies(&self, elapsed: Duration) {
        let _guard = self.change.lock();
        let members = self.members();
        let anomalies = members.plan.anomalies;
        let is_compared =
            |it: &Arc<Target>| anomalies != Anomalies::Ignored && it.is_healthy() && !it.is_draining();
        let (compared, others): (Vec<_>, Vec<_>) = members.all.iter().partition(|it| is_compared(it));
        let counted = compared
            .iter()
            .map(|it| (it.anomaly.standing(), it.anomaly.take()));
        let counted: Vec<_> = counted.collect();
        let judged = anomaly::judge(&counted, elapsed, anomalies == Anomalies::Mitigated);
        for (target, standing) in compared.iter().zip(judged) {
            target.set_standing(standing);
        }
        for target in others {
            target.anomaly.take();
            target.set_standing(Standing::default());
        }
        let mut shares = compared.iter().map(|it| it.anomaly.share());
        self.mitigates
            .store(shares.any(|it| it < WHOLE), Ordering::Relaxed);
    }

    fn choose(&self, plan: &GroupPlan, eligible: &[Arc<Target>], dice: &Dice, now_ms: u64) -> Option<usize> {
        let count = eligible.len();
        if count == 0 {
            return None;
        }
        let next = || self.cursor.fetch_add(1, Ordering::Relaxed) % count;
        match plan.algorithm {
            Algorithm::RoundRobin => {
                let ramp_ms = plan.slow_start.as_millis() as u64;
                choice::turns(count, next, |index| eligible[index].share(now_ms, ramp_ms), dice)
            }
            Algorithm::LeastOutstandingRequests => {
                choice::least(count, next(), |index| eligible[index].in_flight())
            }
            Algorithm::WeightedRandom if self.mitigates.load(Ordering::Relaxed) => {
                let shares = eligible.iter().map(|it| it.anomaly.share());
                choice::weighted(shares, dice)
            }
            Algorithm::WeightedRandom => Some(dice.below(count as u64) as usize),
        }
    }

    /// Chooses a target for a flow by its hash and counts it in; none of those that were tried already.
    pub(crate) fn pick_by_hash(
        &self,
        zone: Option<&str>,
        hash: u64,
        tried: &[SocketAddr],
    ) -> Option<InFlight> {
        for _ in 0..TRIES {
            let members = self.members();
            let eligible = members.eligible(zone);
            let left = || eligible.iter().filter(|it| !tried.contains(&it.address()));
            let index = choice::by_hash(hash, left().map(|it| it.hash))?;
            if let Some(entered) = left().nth(index).and_then(|it| it.enter()) {
                return Some(entered);
            }
        }
        None
    }
}

/// Whether a target that gets healthy warms up: another one has to be warm, and targets that were registered together in
/// an empty group all begin at once
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html>).
fn ramps(members: &Members, target: &Target, now_ms: u64) -> bool {
    let ramp_ms = members.plan.slow_start.as_millis() as u64;
    let is_warm = |it: &Target| it.is_healthy() && it.share(now_ms, ramp_ms) >= choice::WHOLE_SHARE;
    let mut others = members.all.iter().filter(|it| it.name != target.name);
    !target.take_first() && ramp_ms > 0 && others.any(|it| is_warm(it))
}

/// Ends what a target that is no longer registered still has, unless its group lets that live on.
fn retire(target: &Target, plan: &GroupPlan) {
    target.pool.clear();
    if plan.protocol.kind() == LoadBalancerKind::Application || plan.ends_connections_after_delay {
        target.gone.cancel();
    }
}

/// As [`TargetPlan::identity`].
fn identity(target: &Target) -> TargetIdentity {
    (target.name.id.clone(), target.name.address, target.zone.clone())
}

fn tag(key: &CookieKey, group: &str, plan: &TargetPlan) -> Tag {
    key.tag(&format!("{group} {} {}", plan.id, plan.address))
}
