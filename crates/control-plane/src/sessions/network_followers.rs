//! Which hosts follow networks, and what has changed since each of them looked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::load_balancer::{LoadBalancer, LoadBalancerZone};
use domain::service_connect::ServiceConnectProxy;
use domain::task::{Task, TaskEni, TaskStatus};
use domain::{LoadBalancerArn, TaskArn};
use parking_lot::Mutex;
use store::{Change, Changed, Commit};
use tokio::sync::Notify;

/// The sessions that follow networks, by the id of their host.
#[derive(Default)]
pub struct NetworkFollowers {
    open: Mutex<BTreeMap<String, Arc<NetworkFollower>>>,
    last: AtomicU64,
}

/// What a session has not looked at yet.
#[derive(Default)]
pub struct NetworkFollower {
    number: u64,
    news: Mutex<NetworkNews>,
    arrived: Notify,
}

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkNews {
    /// Everything.
    pub is_all: bool,
    /// The rules of all VPCs: a prefix list has changed.
    pub all_rules: bool,
    /// The rules of these VPCs.
    pub vpcs: BTreeSet<String>,
    /// The interfaces of these owners.
    pub owners: BTreeSet<InterfaceOwner>,
}

/// Who has interfaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InterfaceOwner {
    /// A task, one.
    Task(TaskArn),
    /// A load balancer, one for each of its addresses.
    LoadBalancer(LoadBalancerArn),
    /// A proxy of Service Connect, one: its host and its VPC.
    Proxy(String, String),
}

impl NetworkFollowers {
    /// Opens the session of a host, in place of an older one.
    pub fn open(&self, host_id: &str) -> Arc<NetworkFollower> {
        let follower = Arc::new(NetworkFollower {
            number: self.last.fetch_add(1, Ordering::Relaxed),
            ..NetworkFollower::default()
        });
        follower.look_at_all();
        self.open.lock().insert(host_id.to_owned(), Arc::clone(&follower));
        follower
    }

    /// Closes a session, unless a newer one has its place.
    pub fn close(&self, host_id: &str, follower: &NetworkFollower) {
        let mut open = self.open.lock();
        if open.get(host_id).is_some_and(|it| it.number == follower.number) {
            open.remove(host_id);
        }
    }

    /// Whether a session is the newest of its host.
    pub fn is_open(&self, host_id: &str, follower: &NetworkFollower) -> bool {
        let open = self.open.lock();
        open.get(host_id).is_some_and(|it| it.number == follower.number)
    }

    /// A commit may have changed networks; the store has it.
    pub fn tell(&self, commit: &Commit) {
        if self.open.lock().is_empty() {
            return;
        }
        let news = news(commit);
        if news != NetworkNews::default() {
            self.open.lock().values().for_each(|it| it.look_at(&news));
        }
    }

    /// Commits were missed.
    pub fn miss(&self) {
        self.open.lock().values().for_each(|it| it.look_at_all());
    }
}

impl NetworkFollower {
    fn look_at_all(&self) {
        self.news.lock().is_all = true;
        self.arrived.notify_one();
    }

    fn look_at(&self, news: &NetworkNews) {
        let mut all = self.news.lock();
        all.all_rules |= news.all_rules;
        all.vpcs.extend(news.vpcs.iter().cloned());
        all.owners.extend(news.owners.iter().cloned());
        drop(all);
        self.arrived.notify_one();
    }

    /// Waits until there is something to look at, and gives all of it. Dropping the future loses nothing.
    pub async fn next(&self) -> NetworkNews {
        loop {
            let news = std::mem::take(&mut *self.news.lock());
            if news != NetworkNews::default() {
                return news;
            }
            self.arrived.notified().await;
        }
    }
}

/// What a commit changes in networks.
fn news(commit: &Commit) -> NetworkNews {
    let mut news = NetworkNews::default();
    for change in &commit.changes {
        match change {
            Change::Task(it) if differs(it, eni) => {
                let owner = either(it).map(|it| InterfaceOwner::Task(it.arn.clone()));
                news.owners.extend(owner);
            }
            Change::LoadBalancer(it) if differs(it, of_load_balancer) => {
                let owner = either(it).map(|it| InterfaceOwner::LoadBalancer(it.arn.clone()));
                news.owners.extend(owner);
            }
            Change::ClassicLoadBalancer(it) if differs(it, of_classic) => {
                let owner = either(it).map(|it| InterfaceOwner::LoadBalancer(it.arn.clone()));
                news.owners.extend(owner);
            }
            Change::ServiceConnectProxy(it) => {
                let owner = |it: &Arc<ServiceConnectProxy>| {
                    InterfaceOwner::Proxy(it.host_id.clone(), it.vpc_id.clone())
                };
                news.owners.extend(either(it).map(owner));
            }
            Change::Vpc(it) => news.vpcs.extend(either(it).map(|it| it.id.clone())),
            Change::Subnet(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::SecurityGroup(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::NetworkAcl(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::RouteTable(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::InternetGateway(it) => {
                let gateways = it.before.iter().chain(&it.after);
                news.vpcs.extend(gateways.filter_map(|it| it.vpc_id.clone()));
            }
            Change::NatGateway(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::PrefixList(_) => news.all_rules = true,
            _ => {}
        }
    }
    news
}

/// The network interface of a task, as long as the task has it.
pub fn eni(task: &Task) -> Option<&TaskEni> {
    let is_there = task.last_status != TaskStatus::Stopped;
    task.eni.as_deref().filter(|_| is_there)
}

fn of_load_balancer(it: &LoadBalancer) -> (&[LoadBalancerZone], &[String]) {
    (&it.zones, &it.security_groups)
}

fn of_classic(it: &ClassicLoadBalancer) -> (&[LoadBalancerZone], &[String]) {
    (&it.zones, &it.security_groups)
}

fn differs<'a, R, T: PartialEq>(it: &'a Changed<R>, told: impl Fn(&'a R) -> T) -> bool {
    it.before.as_deref().map(&told) != it.after.as_deref().map(&told)
}

fn either<R>(it: &Changed<R>) -> Option<&Arc<R>> {
    it.after.as_ref().or(it.before.as_ref())
}
