//! The follower ends at any time, in good order or not; the log tells each commit once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::ids::Ids;
use domain::{ClusterArn, Scope, Timestamp};
use store::{Embedded, ManualClock, Store};
use telemetry::events::{EventFilter, EventLog};
use telemetry::history::{HistoryError, HistoryOptions};
use tokio_util::sync::CancellationToken;

use super::super::{Events, keep_events};
use crate::control_plane::ControlPlane;
use crate::fixture::Fixture;

const DEADLINE: Duration = Duration::from_secs(20);

struct World {
    control_plane: Arc<ControlPlane>,
    store: Store,
    keeper: tokio::task::JoinHandle<()>,
    shutdown: CancellationToken,
}

/// Once the last write of a process that was killed has come to its end.
async fn log(folder: &Path, options: &HistoryOptions) -> EventLog {
    loop {
        match EventLog::open(&folder.join("events"), options.clone()) {
            Ok(log) => return log,
            Err(HistoryError::InUse(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Opens what is in the folder, as `gantry up` does, and follows.
async fn open(folder: &Path) -> World {
    let options = HistoryOptions {
        // Each batch begins a segment.
        segment_bytes: 1,
        ..HistoryOptions::new(jiff::SignedDuration::from_hours(720), 1 << 20)
    };
    let opened = tokio::time::timeout(DEADLINE, log(folder, &options)).await;
    let log = opened.expect("is free in time");
    let mut engine = Embedded::open(&folder.join("state.db")).expect("opens");
    let retention = engine.retain_after(Events::told_by(&log));
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let store = Store::open(Box::new(engine), clock, Arc::new(Ids::seeded([1; 32]))).expect("opens");
    let control_plane = Fixture::around(store.clone(), Events::new(log, retention), folder);
    let shutdown = CancellationToken::new();
    let keeper = tokio::spawn(keep_events(Arc::clone(&control_plane), shutdown.clone()));
    World {
        control_plane,
        store,
        keeper,
        shutdown,
    }
}

impl World {
    /// One commit that is one event; its version says which.
    async fn change(&self, version: u64) {
        let changed = self.store.transact(move |tx| {
            tx.put(instance(version));
            Ok::<_, ()>(())
        });
        changed.await.expect("commits");
    }

    async fn wait_for(&self, count: u64) {
        let waited = tokio::time::timeout(DEADLINE, self.control_plane.events.later_than(count - 1));
        waited.await.expect("in time");
    }

    /// Sequence numbers, and what `agentVersion` says of the change.
    fn told(&self) -> Vec<(u64, String)> {
        let page = self
            .control_plane
            .events
            .read(0, &EventFilter::default(), usize::MAX);
        let events = page.expect("reads").events;
        let version = |record: &str| -> String {
            let record: serde_json::Value = serde_json::from_str(record).expect("JSON");
            record["detail"]["versionInfo"]["agentVersion"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        events
            .iter()
            .map(|it| (it.sequence, version(it.event.record.get())))
            .collect()
    }

    fn ids(&self) -> Vec<String> {
        let page = self
            .control_plane
            .events
            .read(0, &EventFilter::default(), usize::MAX);
        let events = page.expect("reads").events;
        let id = |record: &str| -> String {
            let record: serde_json::Value = serde_json::from_str(record).expect("JSON");
            record["id"].as_str().unwrap_or_default().to_owned()
        };
        events.iter().map(|it| id(it.event.record.get())).collect()
    }

    /// The process ends while the follower does whatever it does.
    async fn kill(self) {
        self.keeper.abort();
        let _aborted = self.keeper.await;
        self.store.close().await;
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.keeper.await.expect("ends");
        self.store.close().await;
    }
}

fn instance(version: u64) -> ContainerInstance {
    let cluster = ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "default");
    ContainerInstance {
        arn: cluster.member("0123"),
        host_id: "0123".to_owned(),
        ec2_instance_id: "i-1".to_owned(),
        status: ContainerInstanceStatus::Active,
        attributes: Vec::new(),
        agent_version: version.to_string(),
        agent_hash: String::new(),
        docker_version: String::new(),
        is_external: false,
        registered_at: Timestamp::UNIX_EPOCH,
        version,
        tags: Vec::new(),
    }
}

fn expected(through: u64) -> Vec<(u64, String)> {
    (1..=through).map(|it| (it, it.to_string())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_commit_is_told_once_over_ends_of_all_kinds() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut version = 0;
    for round in 0..6_u64 {
        let world = open(folder.path()).await;
        if round == 0 {
            // Once it has begun, it begins anew nowhere.
            let begun = async {
                while world.control_plane.events.log.cursor().is_none() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(DEADLINE, begun).await.expect("begins");
        }
        for _ in 0..20 {
            version += 1;
            world.change(version).await;
        }
        match round % 3 {
            0 => world.kill().await,
            1 => {
                world.wait_for(version).await;
                world.kill().await;
            }
            _ => world.end().await,
        }
    }
    let world = open(folder.path()).await;
    world.wait_for(version).await;
    assert_eq!(world.told(), expected(version));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_a_loss_of_power_took_come_again_under_their_numbers_and_ids() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = open(folder.path()).await;
    let begun = async {
        while world.control_plane.events.log.cursor().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, begun).await.expect("begins");
    for version in 1..=5 {
        world.change(version).await;
        world.wait_for(version).await;
    }
    let ids = world.ids();
    world.kill().await;
    // The newest segments were never synced.
    let mut segments: Vec<_> = std::fs::read_dir(folder.path().join("events"))
        .expect("lists")
        .filter_map(|it| Some(it.ok()?.path()))
        .filter(|it| it.extension().is_some_and(|it| it == "segment"))
        .collect();
    segments.sort();
    assert!(segments.len() > 4, "{segments:?}");
    for lost in &segments[segments.len() - 3..] {
        std::fs::remove_file(lost).expect("removes");
    }
    let world = open(folder.path()).await;
    world.wait_for(5).await;
    assert_eq!(world.told(), expected(5));
    assert_eq!(world.ids(), ids);
    world.end().await;
}
