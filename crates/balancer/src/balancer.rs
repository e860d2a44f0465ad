//! The balancer: what it runs, and how that becomes what a plan says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::listener::Protocol;
use domain::service_connect::ServiceConnectMetrics;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::access_log::AccessLogSink;
use crate::anomaly::PERIOD;
use crate::dice::Dice;
use crate::group::Group;
use crate::health::checker::Checker;
use crate::health::machine::Health;
use crate::l4::claims::Claims;
use crate::l7::cookies::CookieKey;
use crate::l7::idle::IdleConnections;
use crate::plan::{ListenerPlan, Plan};
use crate::report::{Report, Reporter};
use crate::shared::Shared;
use crate::site::{Serving, Site};
use crate::sockets::{SocketSource, watched};
use crate::tls::{self, ServerTls, TargetTls, TlsFault};
use crate::{l4, listener};

mod groups;
mod leaving;
mod places;

use groups::Leaving;
use leaving::Socket;
use places::{SiteKey, Transport, named_groups, nodes_of_groups, places};

/// How long a socket may take to come from its source.
const SOCKET_TIME: Duration = Duration::from_secs(10);
/// Groups with what has to be done for them from time to time.
type LookedAfter = Arc<Mutex<Vec<Arc<Group>>>>;

/// What a balancer needs of its surroundings.
pub struct Surroundings {
    /// Where listening sockets come from.
    pub sockets: Arc<dyn SocketSource>,
    /// Where batches of changes go; a full channel delays them and loses none.
    pub reports: mpsc::Sender<Vec<Report>>,
    /// Wall time, for logs, traces and cookies.
    pub clock: Arc<dyn Clock>,
    /// Where lines of access logs go.
    pub logs: Arc<dyn AccessLogSink>,
    /// Seals cookies: one for all balancers of an installation, kept over restarts.
    pub cookie_key: [u8; 32],
    /// What chance begins with.
    pub seed: u64,
}

/// Why there is no balancer.
#[derive(Debug, thiserror::Error)]
pub enum BalancerError {
    /// TLS cannot be spoken at all.
    #[error("TLS with targets: {0}")]
    Tls(#[from] rustls::Error),
    /// There are as many open files as may be.
    #[error("connections cannot be watched: {0}")]
    Watching(#[from] std::io::Error),
}

/// Runs load balancers. Dropping it stops everything at once; [`Balancer::stop`] lets requests end.
pub struct Balancer {
    shared: Arc<Shared>,
    sockets: Arc<dyn SocketSource>,
    groups: HashMap<Arc<str>, Arc<Group>>,
    leaving: Vec<Leaving>,
    sites: BTreeMap<SiteKey, Running>,
    checker: Checker,
    /// Wakes idle connections, also those of a balancer that leaves.
    waking: AbortHandle,
    /// Groups that [`look_after`] sees to.
    looked_after: LookedAfter,
    background: Vec<AbortHandle>,
}

/// Listeners by where they listen, each with the zone of that place.
type WantedSites = BTreeMap<SiteKey, (Arc<str>, Arc<Serving>)>;

/// A site and what serves its socket.
struct Running {
    site: Arc<Site>,
    socket: Socket,
    task: JoinHandle<()>,
}

impl Balancer {
    /// A balancer that does nothing yet. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// [`BalancerError`].
    pub fn new(surroundings: Surroundings) -> Result<Self, BalancerError> {
        let reporter = Reporter::default();
        let shared = Arc::new(Shared {
            dice: Dice::new(surroundings.seed),
            key: CookieKey::new(surroundings.cookie_key),
            clock: surroundings.clock,
            began: Instant::now(),
            reporter: reporter.clone(),
            claims: Claims::default(),
            target_tls: TargetTls::new()?,
            logs: surroundings.logs,
            connections: TaskTracker::new(),
            idle: IdleConnections::new()?,
        });
        let checker = Checker::default();
        let looked_after = LookedAfter::default();
        let background = vec![
            tokio::spawn(reporter.run(surroundings.reports)).abort_handle(),
            tokio::spawn(checker.clone().run(shared.clone())).abort_handle(),
            tokio::spawn(look_after(looked_after.clone())).abort_handle(),
        ];
        Ok(Self {
            sockets: surroundings.sockets,
            groups: HashMap::new(),
            leaving: Vec::new(),
            sites: BTreeMap::new(),
            checker,
            waking: tokio::spawn(shared.idle.clone().run()).abort_handle(),
            shared,
            looked_after,
            background,
        })
    }

    /// Becomes what `plan` says. Connections whose listener is still there live on and see the change with their next
    /// request; those of a listener that is gone end after what they are doing. Listeners that failed are tried again.
    pub async fn apply(&mut self, plan: Plan) {
        let used = nodes_of_groups(&plan);
        let coming = self.bring_groups(plan.groups);
        let mut wanted = BTreeMap::new();
        for listener in plan.listeners {
            let listener = Arc::new(listener);
            let tls = match self.tls_of(&listener) {
                Ok(tls) => tls,
                Err(error) => {
                    self.tell_all_failed(&listener, &error.to_string());
                    continue;
                }
            };
            let groups = named_groups(&listener)
                .filter_map(|arn| Some((arn.clone(), self.groups.get(&arn)?.clone())))
                .collect();
            let counted = named_groups(&listener).find_map(|arn| self.groups.get(&arn));
            let serving = Arc::new(Serving {
                counters: counted.and_then(|it| it.counters.clone()),
                plan: listener.clone(),
                groups,
                tls,
            });
            for (key, zone) in places(&listener) {
                wanted.insert(key, (zone, serving.clone()));
            }
        }
        let (ending, wanted) = self.switch_sites(wanted);
        self.settle_groups(coming, &used);
        self.open_sites(ending, wanted).await;
    }

    /// How a listener speaks TLS: as before if nothing of that has changed, so that clients' sessions can be resumed.
    fn tls_of(&self, listener: &ListenerPlan) -> Result<Option<Arc<ServerTls>>, TlsFault> {
        let before = self
            .sites
            .values()
            .map(|it| it.site.serving())
            .find(|it| it.plan.arn == listener.arn);
        match before.filter(|it| tls::is_same(&it.plan, listener)) {
            Some(serving) => Ok(serving.tls.clone()),
            None => tls::server(listener),
        }
    }

    /// Lets listeners that stay do what is wanted of them now. Answers what ends of the others, and what is to be opened.
    fn switch_sites(&mut self, mut wanted: WantedSites) -> (Vec<JoinHandle<()>>, WantedSites) {
        let before = std::mem::take(&mut self.sites);
        let mut ending = Vec::new();
        for (key, running) in before {
            match wanted.remove(&key) {
                Some((_, serving)) if fits(&running, &serving) => {
                    if running.site.serving().plan.arn != serving.plan.arn {
                        self.shared.reporter.tell(bound(&key, &serving.plan));
                    }
                    running.site.serve(serving);
                    self.sites.insert(key, running);
                    continue;
                }
                Some(changed) => {
                    wanted.insert(key, changed);
                }
                None => {}
            }
            running.site.stop();
            ending.push(running.task);
        }
        (ending, wanted)
    }

    async fn open_sites(&mut self, ending: Vec<JoinHandle<()>>, wanted: WantedSites) {
        // their sockets are closed before others are opened in their place
        for task in ending {
            let _ = task.await;
        }
        let mut binding = JoinSet::new();
        for (key, (zone, serving)) in wanted {
            let site = Site::new(self.shared.clone(), key.address, zone, serving);
            let sockets = self.sockets.clone();
            binding.spawn(async move {
                let binding = bind(&site, key.transport, &*sockets);
                let result = tokio::time::timeout(SOCKET_TIME, binding).await;
                let result = result.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
                (key, site, result)
            });
        }
        while let Some(Ok((key, site, result))) = binding.join_next().await {
            let plan = site.serving().plan.clone();
            let report = match result {
                Ok((socket, task)) => {
                    let report = bound(&key, &plan);
                    self.sites.insert(key, Running { site, socket, task });
                    report
                }
                Err(error) => Report::ListenerFailed {
                    listener: plan.arn.clone(),
                    address: key.address,
                    reason: error.to_string(),
                },
            };
            self.shared.reporter.tell(report);
        }
    }

    /// All that was reported and still holds, for whoever has not heard it or forgotten: listeners that listen, the
    /// health of targets that is known, draining targets with nothing in flight, targets that are anomalous.
    pub fn standing(&self) -> Vec<Report> {
        let listening = self
            .sites
            .iter()
            .map(|(key, it)| bound(key, &it.site.serving().plan));
        let healths = self.checker.healths().into_iter();
        let known = healths.filter(|(_, health)| *health != Health::Initial);
        let known = known.map(|(target, health)| Report::TargetHealth { target, health });
        let targets = self.groups.values().flat_map(|it| it.members().all.clone());
        let idle = targets.filter(|it| it.is_draining() && it.in_flight() == 0);
        let idle = idle.map(|it| Report::TargetIdle {
            target: it.name.clone(),
        });
        let targets = self.groups.values().flat_map(|it| it.members().all.clone());
        let anomalous = targets.filter_map(|it| {
            let anomaly = it.anomaly.standing().shown();
            (!anomaly.is_normal()).then(|| Report::TargetAnomaly {
                target: it.name.clone(),
                anomaly,
            })
        });
        listening.chain(known).chain(idle).chain(anomalous).collect()
    }

    /// What was counted of each client alias of Service Connect, by the name of its group, since that is there.
    pub fn counted(&self) -> Vec<(Arc<str>, ServiceConnectMetrics)> {
        let counted = self.groups.iter().filter_map(|(arn, group)| {
            let counters = group.counters.as_ref()?;
            Some((arn.clone(), counters.read()))
        });
        counted.collect()
    }

    /// Connections of clients that wait together.
    #[cfg(test)]
    pub(crate) fn idle_connections(&self) -> usize {
        self.shared.idle.count()
    }

    /// Connections of clients.
    #[cfg(test)]
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.len()
    }

    fn tell_all_failed(&self, listener: &ListenerPlan, reason: &str) {
        for (key, _) in places(listener) {
            self.shared.reporter.tell(Report::ListenerFailed {
                listener: listener.arn.clone(),
                address: key.address,
                reason: reason.to_owned(),
            });
        }
    }

    /// Accepts nothing any more; what is under way goes on in the background.
    pub fn stop(&mut self) {
        for running in std::mem::take(&mut self.sites).into_values() {
            running.site.stop();
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.stop();
        self.waking.abort();
        for task in &self.background {
            task.abort();
        }
    }
}

/// Closes connections to targets that wait too long, and looks for anomalies.
async fn look_after(groups: LookedAfter) {
    let mut last = Instant::now();
    loop {
        tokio::time::sleep(PERIOD).await;
        let now = Instant::now();
        let groups = groups.lock().clone();
        for group in groups {
            for target in &group.members().all {
                target.pool.sweep(now);
            }
            group.look_for_anomalies(now - last);
        }
        last = now;
    }
}

fn bound(key: &SiteKey, plan: &ListenerPlan) -> Report {
    Report::ListenerBound {
        listener: plan.arn.clone(),
        address: key.address,
    }
}

/// Gets the socket and begins to serve it.
async fn bind(
    site: &Arc<Site>,
    transport: Transport,
    sockets: &dyn SocketSource,
) -> std::io::Result<(Socket, JoinHandle<()>)> {
    match transport {
        Transport::Connections => {
            let socket = sockets.connections(site.address).await?;
            socket.set_nonblocking(true)?;
            let socket = Arc::new(watched(socket.into())?);
            let kept = Socket::Connections(Arc::downgrade(&socket));
            Ok((kept, tokio::spawn(listener::accept(site.clone(), socket))))
        }
        Transport::Datagrams => {
            let socket = sockets.datagrams(site.address).await?;
            socket.set_nonblocking(true)?;
            let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
            let kept = Socket::Datagrams(Arc::downgrade(&socket));
            Ok((kept, tokio::spawn(l4::udp::serve(site.clone(), socket))))
        }
    }
}

/// Whether a site can serve this without a new socket.
fn fits(running: &Running, serving: &Serving) -> bool {
    let before = running.site.serving();
    let kind = |it: Protocol| (it.kind(), it.is_encrypted());
    !running.task.is_finished() && kind(before.plan.protocol) == kind(serving.plan.protocol)
}
