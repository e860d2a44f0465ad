//! Which hosts follow the load balancers, and what has changed since each of them looked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::certificate::Certificate;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::load_balancer::{LoadBalancer, LoadBalancerState};
use domain::served_load_balancer::ServedLoadBalancer;
use domain::service::Service;
use domain::service_connect::ServiceConnectProxy;
use domain::target::Target;
use domain::task::{Task, TaskStatus};
use domain::{LoadBalancerArn, Scope};
use parking_lot::Mutex;
use store::{Change, Changed, Commit, Store};
use tokio::sync::Notify;

/// The sessions that follow load balancers, by the id of their host.
#[derive(Default)]
pub struct Balancers {
    open: Mutex<BTreeMap<String, Arc<Follower>>>,
    last: AtomicU64,
}

/// What a session has not looked at yet.
#[derive(Default)]
pub struct Follower {
    number: u64,
    account: String,
    /// The number of its host.
    host: u16,
    news: Mutex<News>,
    arrived: Notify,
    /// What the host was told last of each load balancer.
    told: Mutex<BTreeMap<LoadBalancerArn, Arc<ServedLoadBalancer>>>,
}

/// Load balancers to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// All of them.
    pub is_all: bool,
    /// These.
    pub changed: BTreeSet<LoadBalancerArn>,
}

impl Balancers {
    /// Opens the session of a host, in place of an older one. Everybody looks again: who serves what may be another now.
    pub fn open(&self, host_id: &str, account: &str, host: u16) -> Arc<Follower> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let follower = Arc::new(Follower {
            number,
            account: account.to_owned(),
            host,
            ..Follower::default()
        });
        let mut open = self.open.lock();
        open.insert(host_id.to_owned(), Arc::clone(&follower));
        open.values().for_each(|it| it.look_at_all());
        follower
    }

    /// Closes a session, unless a newer one has its place.
    pub fn close(&self, host_id: &str, follower: &Follower) {
        let mut open = self.open.lock();
        if open.get(host_id).is_some_and(|it| it.number == follower.number) {
            open.remove(host_id);
            open.values().for_each(|it| it.look_at_all());
        }
    }

    /// Whether a session is the newest of its host.
    pub fn is_open(&self, host_id: &str, follower: &Follower) -> bool {
        let open = self.open.lock();
        open.get(host_id).is_some_and(|it| it.number == follower.number)
    }

    /// Whether a host serves the load balancers of its account.
    pub fn is_serving(&self, host_id: &str, follower: &Follower) -> bool {
        self.serving(&follower.account).is_some_and(|it| it == host_id)
    }

    /// The host that serves the load balancers of an account: the one that was there first, so that none that joins takes
    /// them away.
    pub fn serving(&self, account: &str) -> Option<String> {
        let open = self.open.lock();
        let of_account = open.iter().filter(|(_, it)| it.account == account);
        let first = of_account.min_by_key(|(id, it)| (it.host, *id));
        first.map(|(id, _)| id.clone())
    }

    /// What the host that serves a load balancer was told last of it; `None` if no host was told of it.
    pub fn told(&self, arn: &LoadBalancerArn) -> Option<Arc<ServedLoadBalancer>> {
        let open = self.open.lock();
        open.values().find_map(|it| it.told.lock().get(arn).cloned())
    }

    /// A commit may have changed load balancers; the store has it.
    pub fn tell(&self, store: &Store, commit: &Commit) {
        if self.open.lock().is_empty() {
            return;
        }
        let changed = changed(store, commit);
        if !changed.is_empty() {
            self.open.lock().values().for_each(|it| it.look_at(&changed));
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

    fn look_at(&self, changed: &BTreeSet<LoadBalancerArn>) {
        self.news.lock().changed.extend(changed.iter().cloned());
        self.arrived.notify_one();
    }

    /// The host has been told of these load balancers, and that it does not serve those any more.
    pub fn has_told(
        &self,
        changed: impl IntoIterator<Item = Arc<ServedLoadBalancer>>,
        gone: &[LoadBalancerArn],
    ) {
        let mut told = self.told.lock();
        gone.iter().for_each(|it| drop(told.remove(it)));
        told.extend(changed.into_iter().map(|it| (it.load_balancer.arn.clone(), it)));
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

/// The load balancers whose balancers have to know of a commit. Most commits touch none: the state is asked only for
/// those that use a target group, or show a certificate.
fn changed(store: &Store, commit: &Commit) -> BTreeSet<LoadBalancerArn> {
    let (mut arns, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let (mut certificates, mut scopes) = (BTreeSet::new(), BTreeSet::new());
    for change in &commit.changes {
        match change {
            Change::LoadBalancer(it) => {
                let is_news = it.before.as_deref().map(told) != it.after.as_deref().map(told);
                arns.extend(either(it).filter(|_| is_news).map(|it| it.arn.clone()));
            }
            Change::ClassicLoadBalancer(it) => {
                let is_news = it.before.as_deref().map(told_classic) != it.after.as_deref().map(told_classic);
                arns.extend(either(it).filter(|_| is_news).map(|it| it.arn.clone()));
            }
            Change::Listener(it) => arns.extend(either(it).map(|it| it.load_balancer.clone())),
            Change::ListenerRule(it) => {
                arns.extend(either(it).and_then(|it| it.listener.load_balancer().ok()));
            }
            Change::TargetGroup(it) => groups.extend(either(it).map(|it| it.arn.clone())),
            Change::Target(it) => {
                let told = |it: &Target| (it.state, it.address, it.zone.clone(), it.registered_at);
                let is_news = it.before.as_deref().map(told) != it.after.as_deref().map(told);
                groups.extend(either(it).filter(|_| is_news).map(|it| it.key.group.clone()));
            }
            Change::Certificate(it) => {
                // its tags are nobody's business here
                let shown = |it: &Certificate| (it.shown(), it.key.clone());
                let is_news = it.before.as_deref().map(shown) != it.after.as_deref().map(shown);
                certificates.extend(either(it).filter(|_| is_news).map(|it| it.arn.clone()));
            }
            it => scopes.extend(concerns_proxies(it)),
        }
    }
    if !groups.is_empty() || !certificates.is_empty() {
        arns.extend(store.read(|state| {
            let using = groups.iter().flat_map(|it| state.load_balancers_to(it));
            let showing = certificates.iter().flat_map(|it| state.load_balancers_with(it));
            using.chain(showing).collect::<Vec<_>>()
        }));
    }
    if !scopes.is_empty() {
        arns.extend(store.read(|state| {
            let proxies = state.all::<ServiceConnectProxy>();
            let proxies = proxies.filter(|it| scopes.contains(&it.scope));
            let proxies = proxies.map(|it| ServiceConnectProxy::arn_in(&it.scope, &it.vpc_id));
            proxies.collect::<BTreeSet<_>>()
        }));
        arns.extend(gone_proxies(commit));
    }
    arns
}

/// Proxies that a commit has taken away.
fn gone_proxies(commit: &Commit) -> impl Iterator<Item = LoadBalancerArn> + '_ {
    commit.changes.iter().filter_map(|change| match change {
        Change::ServiceConnectProxy(it) if it.after.is_none() => {
            let it = either(it)?;
            Some(ServiceConnectProxy::arn_in(&it.scope, &it.vpc_id))
        }
        _ => None,
    })
}

/// The scope whose proxies of Service Connect have to look again after a change.
fn concerns_proxies(change: &Change) -> Option<Scope> {
    match change {
        Change::ClientAlias(it) => either(it).map(|it| it.scope.clone()),
        Change::ServiceConnectProxy(it) => either(it).map(|it| it.scope.clone()),
        Change::Task(it) => {
            let is_news = it.before.as_deref().and_then(endpoint) != it.after.as_deref().and_then(endpoint);
            either(it).filter(|_| is_news).map(|it| it.arn.scope())
        }
        // With the last subnet of a service, its names go.
        Change::Subnet(it) => {
            let gone = it.before.as_ref().filter(|_| it.after.is_none());
            gone.map(|it| it.scope.clone())
        }
        // Its traffic may have gone from one revision to the next.
        Change::Service(it) => {
            let is_news = it.before.as_deref().and_then(offering) != it.after.as_deref().and_then(offering);
            either(it).filter(|_| is_news).map(|it| it.arn.scope())
        }
        _ => None,
    }
}

/// What a proxy of Service Connect is told of a task comes from this; `None` if it is told nothing.
fn endpoint(it: &Task) -> Option<impl PartialEq + '_> {
    let connect = it.service_connect.as_ref()?;
    let is_known = matches!(it.last_status, TaskStatus::Running | TaskStatus::Deactivating);
    let containers = it.containers.iter();
    let containers = containers.map(|it| {
        let health = it.health.as_ref().map(|it| it.status);
        (&it.name, health, &it.network_bindings)
    });
    is_known.then(|| {
        (
            it.last_status,
            it.desired_status,
            &connect.endpoints,
            it.eni.as_ref().map(|it| (&it.subnet_id, it.address)),
            containers.collect::<Vec<_>>(),
        )
    })
}

/// The same of a service: which deployment has its traffic, and in which VPC it is.
fn offering(it: &Service) -> Option<impl PartialEq + '_> {
    it.service_connect.as_ref()?;
    let lifecycle = it.lifecycle.as_ref();
    let traffic = lifecycle.map(|it| (it.production_weight, it.stage, &it.blue));
    let newest = it.deployments.first().filter(|_| lifecycle.is_some());
    Some((traffic, newest.map(|it| &it.id), it.connected_subnets()))
}

/// A load balancer as its balancer is told of it: without what that itself has reported.
pub fn told(it: &LoadBalancer) -> LoadBalancer {
    LoadBalancer {
        state: LoadBalancerState::Provisioning,
        ..it.clone()
    }
}

/// The same of a classic one.
fn told_classic(it: &ClassicLoadBalancer) -> ClassicLoadBalancer {
    let mut told = it.clone();
    told.state = LoadBalancerState::Provisioning;
    for instance in &mut told.instances {
        instance.health.clear();
        instance.idle.clear();
        // Whose tasks they are is the services' matter.
        instance.tasks.clear();
    }
    told
}

fn either<R>(it: &Changed<R>) -> Option<&Arc<R>> {
    it.after.as_ref().or(it.before.as_ref())
}

#[cfg(test)]
mod tests;
