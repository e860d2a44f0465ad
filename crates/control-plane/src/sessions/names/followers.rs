//! Which hosts follow the names, and what has changed since each of them looked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::LoadBalancerArn;
use domain::service::Service;
use domain::service_connect::ClientAlias;
use parking_lot::Mutex;
use store::{Change, Changed, Commit};
use tokio::sync::Notify;

use crate::sessions::balancers;

/// What names come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The zone in which all load balancers have their names.
    LoadBalancers,
    /// A VPC, by its id.
    Vpc(String),
    /// A load balancer.
    LoadBalancer(LoadBalancerArn),
    /// A namespace of Cloud Map, by its id.
    Namespace(String),
    /// A service of Cloud Map, by its id.
    Service(String),
    /// A name of Service Connect: the id of its namespace, and what clients look up.
    ClientAlias(String, String),
}

/// The sessions that follow names, by the id of their host.
#[derive(Default)]
pub struct Resolvers {
    open: Mutex<BTreeMap<String, Arc<Follower>>>,
    last: AtomicU64,
}

/// What a session has not looked at yet.
#[derive(Default)]
pub struct Follower {
    number: u64,
    news: Mutex<News>,
    arrived: Notify,
}

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Everything.
    pub is_all: bool,
    /// These.
    pub changed: BTreeSet<Source>,
    /// All names of Service Connect: each depends on others of its name, on VPCs, and on where its service is.
    pub are_client_aliases: bool,
}

impl Resolvers {
    /// Opens the session of a host, in place of an older one.
    pub fn open(&self, host_id: &str) -> Arc<Follower> {
        let follower = Arc::new(Follower {
            number: self.last.fetch_add(1, Ordering::Relaxed),
            ..Follower::default()
        });
        follower.look_at_all();
        self.open.lock().insert(host_id.to_owned(), Arc::clone(&follower));
        follower
    }

    /// Closes a session, unless a newer one has its place.
    pub fn close(&self, host_id: &str, follower: &Follower) {
        let mut open = self.open.lock();
        if open.get(host_id).is_some_and(|it| it.number == follower.number) {
            open.remove(host_id);
        }
    }

    /// Whether a session is the newest of its host.
    pub fn is_open(&self, host_id: &str, follower: &Follower) -> bool {
        let open = self.open.lock();
        open.get(host_id).is_some_and(|it| it.number == follower.number)
    }

    /// A commit may have changed names; the store has it.
    pub fn tell(&self, commit: &Commit) {
        let changed: BTreeSet<Source> = commit.changes.iter().filter_map(source).collect();
        let are_client_aliases = commit.changes.iter().any(concerns_client_aliases);
        if are_client_aliases || !changed.is_empty() {
            let open = self.open.lock();
            open.values()
                .for_each(|it| it.look_at(&changed, are_client_aliases));
        }
    }

    /// Commits were missed.
    pub fn miss(&self) {
        self.open.lock().values().for_each(|it| it.look_at_all());
    }
}

impl Follower {
    fn look_at_all(&self) {
        self.news.lock().is_all = true;
        self.arrived.notify_one();
    }

    fn look_at(&self, changed: &BTreeSet<Source>, are_client_aliases: bool) {
        let mut news = self.news.lock();
        news.changed.extend(changed.iter().cloned());
        news.are_client_aliases |= are_client_aliases;
        drop(news);
        self.arrived.notify_one();
    }

    /// Waits until there is something to look at, and gives all of it. Dropping the future loses nothing.
    pub async fn next(&self) -> News {
        loop {
            let news = std::mem::take(&mut *self.news.lock());
            if news != News::default() {
                return news;
            }
            self.arrived.notified().await;
        }
    }
}

/// Whose names a change may have changed. Most change none.
fn source(change: &Change) -> Option<Source> {
    match change {
        Change::Vpc(it) => either(it).map(|it| Source::Vpc(it.id.clone())),
        Change::LoadBalancer(it) => {
            let is_news =
                it.before.as_deref().map(balancers::told) != it.after.as_deref().map(balancers::told);
            either(it)
                .filter(|_| is_news)
                .map(|it| Source::LoadBalancer(it.arn.clone()))
        }
        // Its names follow the health of its instances.
        Change::ClassicLoadBalancer(it) => either(it).map(|it| Source::LoadBalancer(it.arn.clone())),
        Change::Namespace(it) => either(it).map(|it| Source::Namespace(it.id.clone())),
        Change::DiscoveryService(it) => either(it).map(|it| Source::Service(it.id.clone())),
        Change::DiscoveryInstance(it) => either(it).map(|it| Source::Service(it.service_id.clone())),
        _ => None,
    }
}

/// Whether a name of Service Connect may be another after a change, or be known in other VPCs.
fn concerns_client_aliases(change: &Change) -> bool {
    match change {
        Change::ClientAlias(it) => {
            let told = |it: &ClientAlias| (it.address, it.service.clone());
            it.before.as_deref().map(told) != it.after.as_deref().map(told)
        }
        Change::Vpc(it) => it.before.is_none() || it.after.is_none(),
        Change::Subnet(it) => it.before.is_none() || it.after.is_none(),
        Change::Service(it) => {
            let before = it.before.as_deref().and_then(place);
            let after = it.after.as_deref().and_then(place);
            before != after
        }
        _ => false,
    }
}

/// Where a service is that takes part in Service Connect.
fn place(it: &Service) -> Option<Option<&String>> {
    it.service_connect.as_ref()?;
    let network = it.network_configuration.as_ref();
    Some(network.and_then(|it| it.subnets.first()))
}

fn either<R>(it: &Changed<R>) -> Option<&Arc<R>> {
    it.after.as_ref().or(it.before.as_ref())
}
