//! A listener at one address, at run time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::counters::{Active, Counters};
use crate::group::{Group, Members};
use crate::plan::ListenerPlan;
use crate::shared::Shared;
use crate::tls::ServerTls;
use crate::upstream::Source;

/// A listener at one address. What it serves changes under its connections.
pub(crate) struct Site {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    pub(crate) zone: Arc<str>,
    /// Cancelled when its connections shall end after what they are doing, those that do nothing at once.
    pub(crate) stop: CancellationToken,
    /// Cancelled when it shall accept no more; when it stops as well.
    pub(crate) closed: CancellationToken,
    serving: RwLock<Arc<Serving>>,
    connections: AtomicUsize,
}

/// What a listener serves, as of now.
pub(crate) struct Serving {
    pub(crate) plan: Arc<ListenerPlan>,
    /// The groups that its actions name.
    pub(crate) groups: HashMap<Arc<str>, Arc<Group>>,
    pub(crate) tls: Option<Arc<ServerTls>>,
    /// What is counted of it: of load balancers nothing.
    pub(crate) counters: Option<Arc<Counters>>,
}

/// A connection counted in.
pub(crate) struct Counted {
    pub(crate) site: Arc<Site>,
    _lives: TaskTrackerToken,
    _active: Option<Active>,
}

impl Site {
    pub(crate) fn new(
        shared: Arc<Shared>,
        address: SocketAddr,
        zone: Arc<str>,
        serving: Arc<Serving>,
    ) -> Arc<Self> {
        let stop = CancellationToken::new();
        Arc::new(Self {
            shared,
            address,
            zone,
            closed: stop.child_token(),
            stop,
            serving: RwLock::new(serving),
            connections: AtomicUsize::new(0),
        })
    }

    /// Ends what it does: connections that do nothing at once, others after what they are doing.
    pub(crate) fn stop(self: &Arc<Self>) {
        self.stop.cancel();
        self.shared.idle.end(self);
    }

    /// What is served now.
    pub(crate) fn serving(&self) -> Arc<Serving> {
        self.serving.read().clone()
    }

    /// Serves something else from the next request on.
    pub(crate) fn serve(&self, serving: Arc<Serving>) {
        *self.serving.write() = serving;
    }

    /// Where connections to targets come from: the address of this node, if there are others.
    pub(crate) fn source(&self, serving: &Serving) -> Source {
        match serving.plan.load_balancer.addresses.len() {
            0 | 1 => Source::Any,
            _ => Source::Node(self.address.ip()),
        }
    }

    /// Counts a connection in; none if there are as many as may be.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Counted> {
        let serving = self.serving();
        let most = serving.plan.load_balancer.limits.connections;
        let mut counted = Counted {
            site: self.clone(),
            _lives: self.shared.connections.token(),
            _active: None,
        };
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        if before >= most {
            return None;
        }
        counted._active = serving.counters.as_ref().map(|it| it.connected());
        Some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.site.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Serving {
    /// The zone whose targets alone may be used from an address in `zone`; none for all.
    pub(crate) fn only_zone<'a>(&self, members: &Members, zone: &'a str) -> Option<&'a str> {
        let crosses = members
            .plan
            .cross_zone
            .unwrap_or(self.plan.load_balancer.cross_zone);
        (!crosses).then_some(zone)
    }
}
