//! Runs controllers: a queue of keys for each, fed by changes and by time.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use store::{Followed, Store, TransactError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::controllers::code_deploy_deployments::CodeDeployDeployments;
use crate::controllers::deleted_secrets::DeletedSecrets;
use crate::controllers::deleted_task_definitions::DeletedTaskDefinitions;
use crate::controllers::draining_instances::DrainingInstances;
use crate::controllers::draining_targets::DrainingTargets;
use crate::controllers::queued_tasks::QueuedTasks;
use crate::controllers::service_connect_proxies::ServiceConnectProxies;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::controllers::target_use::TargetUse;
use crate::controllers::task_targets::TaskTargets;
use crate::controllers::{Controller, Next, Settings};

/// Most keys of a controller that are looked at side by side: they share the disk's writes.
const RUNS_MAX: usize = 32;
/// All keys are looked at again after this long, in case a change was missed.
const RESYNC: Duration = Duration::from_secs(600);
/// Wait after a failure of the store; it doubles with each further one of the key.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// Longest wait after failures.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Runs all controllers until `shutdown`.
pub async fn run(store: Store, settings: Settings, shutdown: CancellationToken) {
    let services = ServiceDeployments::new(&settings);
    let code_deploy = CodeDeployDeployments::new(&settings);
    tokio::join!(
        drive(
            store.clone(),
            Arc::new(QueuedTasks::new(&settings)),
            shutdown.clone()
        ),
        drive(store.clone(), Arc::new(services), shutdown.clone()),
        drive(store.clone(), Arc::new(code_deploy), shutdown.clone()),
        drive(store.clone(), Arc::new(DeletedSecrets), shutdown.clone()),
        drive(store.clone(), Arc::new(DrainingInstances), shutdown.clone()),
        drive(store.clone(), Arc::new(DrainingTargets), shutdown.clone()),
        drive(store.clone(), Arc::new(TargetUse), shutdown.clone()),
        drive(store.clone(), Arc::new(TaskTargets), shutdown.clone()),
        drive(store.clone(), Arc::new(ServiceConnectProxies), shutdown.clone()),
        drive(store, Arc::new(DeletedTaskDefinitions), shutdown),
    );
}

struct Queue<K> {
    ready: BTreeSet<K>,
    /// When a key becomes ready by time; a key has one time at most.
    times: BTreeMap<K, Instant>,
    running: BTreeSet<K>,
    failures: BTreeMap<K, u32>,
}

impl<K: Ord + Clone> Queue<K> {
    fn new() -> Self {
        let (ready, times, running) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        Self {
            ready,
            times,
            running,
            failures: BTreeMap::new(),
        }
    }

    /// A key that is ready and not being looked at.
    fn take(&mut self) -> Option<K> {
        let key = self.ready.iter().find(|it| !self.running.contains(it))?.clone();
        self.ready.remove(&key);
        self.times.remove(&key);
        self.running.insert(key.clone());
        Some(key)
    }

    fn wake(&mut self, now: Instant) {
        let due: Vec<K> = self
            .times
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.times.remove(&key);
            self.ready.insert(key);
        }
    }

    fn next_time(&self) -> Option<Instant> {
        self.times.values().min().copied()
    }

    fn done(&mut self, key: K, outcome: Result<Next, ()>, now: Instant) {
        self.running.remove(&key);
        match outcome {
            Ok(next) => {
                self.failures.remove(&key);
                match next {
                    Next::AwaitChange => {}
                    Next::After(wait) => drop(self.times.insert(key, now + wait)),
                    Next::Again => drop(self.ready.insert(key)),
                }
            }
            Err(()) => {
                let failures = self.failures.entry(key.clone()).or_default();
                let wait = BACKOFF_FIRST
                    .saturating_mul(1 << (*failures).min(16))
                    .min(BACKOFF_MAX);
                *failures += 1;
                self.times.insert(key, now + wait);
            }
        }
    }
}

/// Runs one controller.
async fn drive<C: Controller>(store: Store, controller: Arc<C>, shutdown: CancellationToken) {
    let mut queue = Queue::new();
    let (all, mut feed) = store.follow_with(|state| controller.all_keys(state));
    queue.ready.extend(all);
    let mut runs = FuturesUnordered::new();
    let mut resync = tokio::time::interval_at(Instant::now() + RESYNC, RESYNC);
    loop {
        while runs.len() < RUNS_MAX
            && let Some(key) = queue.take()
        {
            runs.push(look(store.clone(), Arc::clone(&controller), key));
        }
        let next_time = queue.next_time();
        let timer = async {
            match next_time {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some((key, outcome)) = runs.next() => queue.done(key, outcome, Instant::now()),
            news = feed.next() => match news {
                Followed::Commit(commit) => {
                    let keys = store.read(|state| {
                        let changes = commit.changes.iter();
                        changes.flat_map(|it| controller.keys(state, it)).collect::<Vec<_>>()
                    });
                    queue.ready.extend(keys);
                }
                Followed::Lagged => queue.ready.extend(store.read(|state| controller.all_keys(state))),
            },
            () = timer => queue.wake(Instant::now()),
            _ = resync.tick() => queue.ready.extend(store.read(|state| controller.all_keys(state))),
        }
    }
}

async fn look<C: Controller>(store: Store, controller: Arc<C>, key: C::Key) -> (C::Key, Result<Next, ()>) {
    let mine = key.clone();
    let looked = store
        .transact(move |tx| Ok::<Next, Infallible>(controller.reconcile(tx, &mine)))
        .await;
    let outcome = match looked {
        Ok(next) => Ok(next),
        Err(TransactError::Refused(never)) => match never {},
        Err(TransactError::Unavailable(error)) => {
            tracing::warn!(controller = C::NAME, ?key, %error, "a look failed and is tried again");
            Err(())
        }
    };
    (key, outcome)
}
