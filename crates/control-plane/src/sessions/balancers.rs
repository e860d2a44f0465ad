//! Which hosts follow the load balancers, and what has changed since each of them looked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::LoadBalancerArn;
use domain::listener::Listener;
use domain::load_balancer::{LoadBalancer, LoadBalancerState};
use domain::target::Target;
use parking_lot::Mutex;
use store::{Change, Changed, Commit, State};
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
    news: Mutex<News>,
    arrived: Notify,
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
    pub fn open(&self, host_id: &str, account: &str) -> Arc<Follower> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let follower = Arc::new(Follower {
            number,
            account: account.to_owned(),
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

    /// Whether a host serves the load balancers of its account: one host does, that with the lowest id.
    pub fn is_serving(&self, host_id: &str, follower: &Follower) -> bool {
        let open = self.open.lock();
        let mut serving = open.iter().filter(|(_, it)| it.account == follower.account);
        serving.next().is_some_and(|(id, _)| id == host_id)
    }

    /// A commit may have changed load balancers; `state` is that of the commit or a later one.
    pub fn tell(&self, state: &State, commit: &Commit) {
        let open = self.open.lock();
        if open.is_empty() {
            return;
        }
        let changed = changed(state, commit);
        if !changed.is_empty() {
            open.values().for_each(|it| it.look_at(&changed));
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

/// The load balancers whose balancers have to know of a commit.
fn changed(state: &State, commit: &Commit) -> BTreeSet<LoadBalancerArn> {
    let mut arns = BTreeSet::new();
    for change in &commit.changes {
        match change {
            Change::LoadBalancer(it) => {
                let is_news = it.before.as_deref().map(told) != it.after.as_deref().map(told);
                arns.extend(either(it).filter(|_| is_news).map(|it| it.arn.clone()));
            }
            Change::Listener(it) => arns.extend(either(it).map(|it| it.load_balancer.clone())),
            Change::ListenerRule(it) => {
                let listener = either(it).and_then(|it| state.get::<Listener>(&it.listener));
                arns.extend(listener.map(|it| it.load_balancer.clone()));
            }
            Change::TargetGroup(it) => {
                arns.extend(
                    either(it)
                        .into_iter()
                        .flat_map(|it| state.load_balancers_to(&it.arn)),
                );
            }
            Change::Target(it) => {
                let told = |it: &Target| (it.state, it.address, it.zone.clone(), it.registered_at);
                if it.before.as_deref().map(told) != it.after.as_deref().map(told) {
                    arns.extend(
                        either(it)
                            .into_iter()
                            .flat_map(|it| state.load_balancers_to(&it.key.group)),
                    );
                }
            }
            _ => {}
        }
    }
    arns
}

/// A load balancer as its balancer is told of it: without what that itself has reported.
pub fn told(it: &LoadBalancer) -> LoadBalancer {
    LoadBalancer {
        state: LoadBalancerState::Provisioning,
        ..it.clone()
    }
}

fn either<R>(it: &Changed<R>) -> Option<&Arc<R>> {
    it.after.as_ref().or(it.before.as_ref())
}

#[cfg(test)]
mod tests;
