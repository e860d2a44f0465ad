//! A target at run time: its health, what it has in flight, its connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::anomaly::{self, Standing};
use crate::choice;
use crate::health::machine::{Failure, Health};
use crate::l7::cookies::Tag;
use crate::outlier;
use crate::plan::TargetPlan;
use crate::report::{Report, Reporter, TargetName};
use crate::upstream::Pool;

const INITIAL: u8 = 0;
const HEALTHY: u8 = 1;
const UNHEALTHY: u8 = 2;

/// A target. It outlives changes of its group's plan, so that nothing in flight is lost.
pub(crate) struct Target {
    pub(crate) name: TargetName,
    pub(crate) zone: Option<Arc<str>>,
    /// What its cookies hold.
    pub(crate) tag: Tag,
    /// Its place among others when flows choose by hash.
    pub(crate) hash: u64,
    /// Connections to it that wait for work.
    pub(crate) pool: Pool,
    /// Cancelled when it is no longer registered: whatever is left is cut off.
    pub(crate) gone: CancellationToken,
    /// Cancelled when its connections end because it is unhealthy, or gone; another takes its place then.
    cut: Mutex<CancellationToken>,
    /// Set while its connections go on although it is unhealthy.
    ending: Mutex<Option<Ending>>,
    /// What was known of it when it was registered.
    known: Mutex<Health>,
    health: AtomicU8,
    /// From when on it ramps up, in milliseconds of the balancer; `u64::MAX` for never.
    ramp_from: AtomicU64,
    /// Set until it is healthy if it was registered while its group was empty.
    is_first: AtomicBool,
    draining: AtomicBool,
    in_flight: AtomicUsize,
    /// How it has fared, where that is kept.
    pub(crate) outlier: outlier::Record,
    /// The same beside its peers.
    pub(crate) anomaly: anomaly::Record,
    reporter: Reporter,
}

/// What ends connections of an unhealthy target after a while.
struct Ending {
    failure: Failure,
    timer: AbortHandle,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.timer.abort();
    }
}

impl Target {
    pub(crate) fn new(group: &Arc<str>, plan: &TargetPlan, tag: Tag, reporter: Reporter) -> Arc<Self> {
        let hash = u64::from_be_bytes(std::array::from_fn(|index| tag[index]));
        let gone = CancellationToken::new();
        Arc::new(Self {
            cut: Mutex::new(gone.child_token()),
            name: TargetName {
                group: group.clone(),
                id: plan.id.clone(),
                address: plan.address,
            },
            zone: plan.zone.clone(),
            tag,
            hash,
            pool: Pool::default(),
            gone,
            ending: Mutex::new(None),
            known: Mutex::new(checked(plan.known)),
            health: AtomicU8::new(code(plan.known)),
            ramp_from: AtomicU64::new(u64::MAX),
            is_first: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            outlier: outlier::Record::default(),
            anomaly: anomaly::Record::default(),
            reporter,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.name.address
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.health.load(Ordering::Relaxed) == HEALTHY
    }

    pub(crate) fn is_unhealthy(&self) -> bool {
        self.health.load(Ordering::Relaxed) == UNHEALTHY
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// How many requests and connections it has now.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Takes its health over without telling anybody. From then on its connections do not end because it was unhealthy.
    pub(crate) fn set_health(&self, health: Health, ramp_from: u64) {
        if health == Health::Healthy {
            *self.ending.lock() = None;
        }
        self.ramp_from.store(ramp_from, Ordering::Relaxed);
        self.health.store(code(health), Ordering::Relaxed);
    }

    /// What was known of it when it was registered, from which its checks go on.
    pub(crate) fn known(&self) -> Health {
        *self.known.lock()
    }

    /// It is registered again after it began to drain: what was found out before does not count any more.
    pub(crate) fn begin_anew(&self, known: Health) {
        *self.known.lock() = checked(known);
        *self.ending.lock() = None;
        self.anomaly.set(Standing::default());
        self.set_health(known, u64::MAX);
    }

    /// What ends its connections.
    pub(crate) fn cut(&self) -> CancellationToken {
        self.cut.lock().clone()
    }

    /// Ends its connections.
    pub(crate) fn cut_connections(&self) {
        let next = self.gone.child_token();
        std::mem::replace(&mut *self.cut.lock(), next).cancel();
    }

    /// It is unhealthy: its connections are ended after this time if it still is, or never after none.
    pub(crate) fn drain_unhealthy(self: &Arc<Self>, failure: Failure, time: Duration) {
        if time.is_zero() {
            return self.tell_health(Health::Unhealthy(failure));
        }
        let target = Arc::downgrade(self);
        let timer = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(target) = target.upgrade() {
                target.end_unhealthy();
            }
        });
        *self.ending.lock() = Some(Ending {
            failure,
            timer: timer.abort_handle(),
        });
        self.tell_health(Health::Unhealthy(failure));
    }

    fn end_unhealthy(&self) {
        let mut ending = self.ending.lock();
        if let Some(ended) = ending.take() {
            self.cut_connections();
            self.reporter.tell(Report::TargetHealth {
                target: self.name.clone(),
                health: Health::Unhealthy(ended.failure),
            });
        }
    }

    /// Tells its health, of which a check has found out something new.
    pub(crate) fn tell_health(&self, health: Health) {
        let mut ending = self.ending.lock();
        match (health, ending.as_mut()) {
            (Health::Unhealthy(failure), Some(ending)) => ending.failure = failure,
            _ => *ending = None,
        }
        self.reporter.tell(Report::TargetHealth {
            target: self.name.clone(),
            health: shown(health, ending.as_ref()),
        });
    }

    /// What is told of it, where checks have found out that.
    pub(crate) fn shown(&self, health: Health) -> Health {
        shown(health, self.ending.lock().as_ref())
    }

    /// Begins or ends draining; tells if nothing is in flight already.
    pub(crate) fn set_draining(&self, draining: bool) {
        let before = self.draining.swap(draining, Ordering::SeqCst);
        if !draining || before {
            return;
        }
        self.pool.clear();
        if self.in_flight() == 0 {
            self.tell_idle();
        }
    }

    /// It was registered while its group was empty.
    pub(crate) fn set_first(&self) {
        self.is_first.store(true, Ordering::Relaxed);
    }

    /// Whether it was, and has not been healthy since; from now on it has.
    pub(crate) fn take_first(&self) -> bool {
        self.is_first.swap(false, Ordering::Relaxed)
    }

    /// Its share of 1,000 while it warms up.
    pub(crate) fn share(&self, now_ms: u64, ramp_ms: u64) -> u32 {
        let from = self.ramp_from.load(Ordering::Relaxed);
        if from == u64::MAX {
            return 1000;
        }
        choice::slow_start_share(now_ms.saturating_sub(from), ramp_ms)
    }

    /// Counts something in; none if it drains. The count goes up before draining is looked at, and draining is set
    /// before the count is looked at: one of both sees the other.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<InFlight> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let entered = InFlight(self.clone());
        (!self.is_draining()).then_some(entered)
    }

    /// Takes over where it stands among its peers; tells if something else is shown of it then.
    pub(crate) fn set_standing(&self, standing: Standing) {
        if self.anomaly.set(standing) {
            self.reporter.tell(Report::TargetAnomaly {
                target: self.name.clone(),
                anomaly: standing.shown(),
            });
        }
    }

    fn tell_idle(&self) {
        self.reporter.tell(Report::TargetIdle {
            target: self.name.clone(),
        });
    }
}

fn shown(health: Health, ending: Option<&Ending>) -> Health {
    match (health, ending) {
        (Health::Unhealthy(failure), Some(_)) => Health::UnhealthyDraining(failure),
        _ => health,
    }
}

/// What a check would have found out.
fn checked(known: Health) -> Health {
    match known {
        Health::UnhealthyDraining(failure) => Health::Unhealthy(failure),
        known => known,
    }
}

fn code(health: Health) -> u8 {
    match health {
        Health::Initial => INITIAL,
        Health::Healthy => HEALTHY,
        Health::Unhealthy(_) | Health::UnhealthyDraining(_) => UNHEALTHY,
    }
}

/// A request or connection that a target has; counted out when dropped.
pub(crate) struct InFlight(Arc<Target>);

impl InFlight {
    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let before = self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        if before == 1 && self.0.is_draining() {
            self.0.tell_idle();
        }
    }
}

#[cfg(test)]
mod tests;
