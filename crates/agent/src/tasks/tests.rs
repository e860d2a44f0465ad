//! The engine over a host in memory, in virtual time.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::clock::Clock;
use domain::ids::Ids;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::record::Records;
use super::state::Status;
use super::state_change::{QUEUE_BOUND, Submission, TaskStateChange};
use super::worker::CONCURRENT_STARTS;
use super::*;
use crate::config::{AgentConfig, CapacityKind, RequestRate, TaskApi};
use crate::control_plane::ControlPlane;
use crate::credentials::Credentials;
use crate::image_pulls::{ImagePulls, PullBehavior};
use crate::log_drivers::LogDrivers;
use crate::secrets::Secrets;
use crate::task_endpoint::EndpointIds;

mod clock;
mod environment;
#[path = "../../tests/agent/fake_host.rs"]
pub mod fake_host;
mod hanging;
mod life;

use fake_host::FakeHost;

/// Stands still, unless a test sets it.
#[derive(Default)]
struct WallClock {
    /// Seconds that it is ahead of the host's.
    ahead: AtomicI64,
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        fake_host::NOW.saturating_add(ahead).unwrap_or(fake_host::NOW)
    }
}

/// Tasks, the host under them, and the place where their state changes arrive.
struct Engine {
    tasks: Arc<Tasks>,
    host: Arc<FakeHost>,
    submissions: mpsc::Receiver<Submission>,
    outputs: mpsc::Receiver<output::TaskOutput>,
    wall: Arc<WallClock>,
    shutdown: CancellationToken,
    folder: Arc<tempfile::TempDir>,
}

async fn engine() -> Engine {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    engine_on(Arc::new(FakeHost::default()), folder).await
}

async fn engine_on(host: Arc<FakeHost>, folder: Arc<tempfile::TempDir>) -> Engine {
    let wall = Arc::new(WallClock::default());
    let clock: Arc<dyn Clock> = wall.clone();
    let config = AgentConfig {
        endpoint: "http://127.0.0.1:1".to_owned(),
        region: "us-east-1".to_owned(),
        cluster: "default".to_owned(),
        access_key_id: String::new(),
        secret_access_key: String::new(),
        state_dir: folder.path().to_owned(),
        attributes: Vec::new(),
        reserved_ports: Vec::new(),
        capacity: CapacityKind::ContainerInstance,
        images: crate::config::ImageSettings::default(),
        version: String::new(),
        task_api: TaskApi::Closed,
        task_metadata_rate: RequestRate::default(),
        introspection: None,
        publishing: Default::default(),
    };
    let records = Records::open(folder.path().join("tasks")).unwrap();
    let shutdown = CancellationToken::new();
    let (sender, submissions) = mpsc::channel(QUEUE_BOUND);
    let control_plane = Arc::new(ControlPlane::new(&config, clock.clone()).unwrap());
    let credentials = Arc::new(Credentials::default());
    let image_pulls = ImagePulls::new(control_plane.clone(), clock.clone(), PullBehavior::Default);
    let (outputs, last_outputs) = mpsc::channel(output::QUEUE_BOUND);
    let secrets = Arc::new(Secrets::new(control_plane.clone(), credentials.clone()));
    let log_drivers = LogDrivers {
        control_plane,
        host: host.clone(),
        records: records.clone(),
        secrets: secrets.clone(),
        ids: Arc::new(Ids::seeded([1; 32])),
        shutdown: shutdown.clone(),
    };
    let shared = Shared {
        credentials,
        task_api: TaskApi::Closed,
        secrets,
        endpoint_ids: EndpointIds::open(folder.path(), &Ids::seeded([4; 32])).unwrap(),
        host: host.clone(),
        clock,
        records,
        submissions: sender,
        image_pulls,
        log_drivers,
        outputs,
        health_news: Notify::new(),
        starts: Arc::new(Semaphore::new(CONCURRENT_STARTS)),
        shutdown: shutdown.clone(),
    };
    let tasks = Tasks::new(Arc::new(shared));
    tasks.recover().await.unwrap();
    Engine {
        tasks,
        host,
        submissions,
        outputs: last_outputs,
        wall,
        shutdown,
        folder,
    }
}

fn arn(id: &str) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task/default/{id}")
}

fn arrival(id: &str, desired: &str) -> Arrival {
    let containers = json!([{"name": "main", "image": "app:1", "essential": true, "stopTimeout": 20}]);
    payload::arrival(json!({"arn": arn(id), "desiredStatus": desired, "containers": containers})).unwrap()
}

impl Engine {
    async fn accept(&self, arrivals: Vec<Arrival>) {
        self.tasks.accept(arrivals).await.await;
    }

    /// The next state change; it is acknowledged.
    async fn change(&mut self) -> TaskStateChange {
        let submission = self.unacknowledged_change().await;
        submission.acknowledged.send(()).unwrap();
        submission.change
    }

    async fn unacknowledged_change(&mut self) -> Submission {
        let next = tokio::time::timeout(Duration::from_secs(3600), self.submissions.recv());
        next.await.expect("a state change in time").unwrap()
    }

    async fn forgotten(&self, id: &str) {
        while self.tasks.knows(&arn(id)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until the record says that RUNNING was acknowledged.
    async fn recorded_as_running(&self, id: &str) {
        let file = self.folder.path().join("tasks").join(id).join("task.json");
        let is_recorded = || {
            let record: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).ok()?).ok()?;
            Some(record["progress"]["acknowledged"] == "RUNNING")
        };
        let wait = async {
            while is_recorded() != Some(true) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(3600), wait)
            .await
            .expect("a record in time");
    }

    /// The agent ends and another starts; the host goes on meanwhile.
    async fn restart(self) -> Self {
        self.shutdown.cancel();
        self.tasks.close().await;
        engine_on(self.host, self.folder).await
    }
}

fn exit_code(change: &TaskStateChange) -> Option<i32> {
    change.containers[0].exit_code
}

#[tokio::test(start_paused = true)]
async fn a_task_is_started_reported_stopped_and_forgotten() {
    let mut engine = engine().await;
    engine.accept(vec![arrival("1", "RUNNING")]).await;
    let change = engine.change().await;
    assert_eq!(
        (change.status, change.containers[0].status),
        (Some(Status::Running), Status::Running)
    );
    assert_eq!(change.containers[0].image_digest.as_deref(), Some("sha256:m"));
    assert_eq!(engine.tasks.desired_running(), [arn("1")]);

    engine.accept(vec![arrival("1", "STOPPED")]).await;
    let change = engine.change().await;
    assert_eq!(
        (change.status, exit_code(&change)),
        (Some(Status::Stopped), Some(143))
    );
    assert!(
        engine.host.world.lock().sandboxes.is_empty(),
        "what it held is free when STOPPED is reported"
    );
    engine.forgotten("1").await;
    assert_eq!(
        std::fs::read_dir(engine.folder.path().join("tasks"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ignores_sigterm_is_killed_after_its_stop_timeout() {
    let mut engine = engine().await;
    engine.host.world.lock().stubborn.insert("main".to_owned());
    engine.accept(vec![arrival("1", "RUNNING")]).await;
    engine.change().await;
    let begun = Instant::now();
    engine.tasks.stop(&arn("1")).await;
    let change = engine.change().await;
    assert_eq!(exit_code(&change), Some(137));
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(20) && took < Duration::from_secs(21),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn starts_are_bounded_and_all_tasks_run() {
    let mut engine = engine().await;
    engine.host.world.lock().start_time = Duration::from_millis(100);
    let arrivals = (0..50).map(|it| arrival(&format!("t{it}"), "RUNNING")).collect();
    engine.accept(arrivals).await;
    for _ in 0..50 {
        assert_eq!(engine.change().await.status, Some(Status::Running));
    }
    assert_eq!(engine.host.world.lock().starting_max, CONCURRENT_STARTS);
}

#[tokio::test(start_paused = true)]
async fn failures_are_reported_with_their_reasons() {
    let mut engine = engine().await;
    engine.host.world.lock().missing_images.insert("app:1".to_owned());
    engine.accept(vec![arrival("1", "RUNNING")]).await;
    let change = engine.change().await;
    let reason = "CannotPullContainerError: manifest for app:1 not found";
    assert_eq!(change.containers[0].reason.as_deref(), Some(reason));
    assert_eq!((change.status, exit_code(&change)), (Some(Status::Stopped), None));

    let containers = json!([{"name": "main", "image": "app:2", "command": ["no-such-command"]}]);
    let wrong = json!({"arn": arn("2"), "desiredStatus": "RUNNING", "containers": containers});
    engine.accept(vec![payload::arrival(wrong).unwrap()]).await;
    let change = engine.change().await;
    assert!(
        change.containers[0]
            .reason
            .as_deref()
            .unwrap()
            .starts_with("CannotStartContainerError: exec")
    );

    let unsupported = json!({"arn": arn("3"), "proxyConfiguration": {"type": "APPMESH"}, "containers": [{"name": "a", "image": "b"}]});
    engine.accept(vec![payload::arrival(unsupported).unwrap()]).await;
    let change = engine.change().await;
    let reason = "ResourceInitializationError: proxyConfiguration is not supported by this agent";
    assert_eq!(
        (change.status, change.reason.as_deref()),
        (Some(Status::Stopped), Some(reason))
    );
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_comes_again_changes_nothing() {
    let mut engine = engine().await;
    engine.accept(vec![arrival("1", "RUNNING")]).await;
    engine.change().await;
    engine.accept(vec![arrival("1", "RUNNING")]).await;
    engine.tasks.stop(&arn("1")).await;
    assert_eq!(engine.change().await.status, Some(Status::Stopped));
    engine.forgotten("1").await;
    engine.accept(vec![arrival("1", "RUNNING")]).await;
    assert!(!engine.tasks.knows(&arn("1")), "it does not run a second time");
    let starts = engine
        .host
        .world
        .lock()
        .calls
        .iter()
        .filter(|it| it.starts_with("start"))
        .count();
    assert_eq!(starts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_for_an_unknown_task_is_answered() {
    let mut engine = engine().await;
    engine.accept(vec![arrival("1", "STOPPED")]).await;
    let change = engine.change().await;
    assert_eq!(
        (change.status, change.containers[0].status),
        (Some(Status::Stopped), Status::Stopped)
    );
    engine
        .tasks
        .settle_unknown(&arn("2"), "ContainerVanishedError: lost");
    let change = engine.change().await;
    assert_eq!(
        (change.status, change.reason.as_deref()),
        (Some(Status::Stopped), Some("ContainerVanishedError: lost"))
    );
    assert_eq!(engine.host.world.lock().calls, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_tasks_again_with_what_happened_meanwhile() {
    let mut engine = engine().await;
    engine
        .accept(vec![arrival("1", "RUNNING"), arrival("2", "RUNNING")])
        .await;
    engine.change().await;
    engine.change().await;
    engine.recorded_as_running("1").await;
    engine.recorded_as_running("2").await;
    engine.shutdown.cancel();
    engine.tasks.close().await;
    assert_eq!(
        engine.host.world.lock().sandboxes.len(),
        2,
        "tasks go on without the agent"
    );
    engine.host.exit("1", "main", 42).await;

    let mut engine = engine.restart().await;
    let change = engine.change().await;
    assert_eq!(
        (change.task_arn.as_str(), exit_code(&change)),
        (arn("1").as_str(), Some(42))
    );
    assert_eq!(engine.tasks.desired_running(), [arn("2")]);
    engine.host.exit("2", "main", 0).await;
    let change = engine.change().await;
    assert_eq!(
        (change.task_arn, change.status),
        (arn("2"), Some(Status::Stopped))
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_not_acknowledged_is_submitted_again_after_a_restart() {
    let mut engine = engine().await;
    engine.accept(vec![arrival("1", "RUNNING")]).await;
    assert_eq!(
        engine.unacknowledged_change().await.change.status,
        Some(Status::Running)
    );
    let mut engine = engine.restart().await;
    assert_eq!(engine.change().await.status, Some(Status::Running));
    engine.host.exit("1", "main", 5).await;
    assert_eq!(exit_code(&engine.unacknowledged_change().await.change), Some(5));
    let mut engine = engine.restart().await;
    let change = engine.change().await;
    assert_eq!(
        (change.status, exit_code(&change)),
        (Some(Status::Stopped), Some(5)),
        "though its sandbox is gone"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reboot_ends_tasks_and_strays_are_removed() {
    let mut engine = engine().await;
    engine.accept(vec![arrival("1", "RUNNING")]).await;
    engine.change().await;
    engine.recorded_as_running("1").await;
    engine.shutdown.cancel();
    engine.tasks.close().await;
    engine.host.reboot();
    engine
        .host
        .world
        .lock()
        .sandboxes
        .insert("stray".to_owned(), BTreeMap::new());
    let mut engine = engine.restart().await;
    let change = engine.change().await;
    assert_eq!(change.status, Some(Status::Stopped));
    assert!(
        change.containers[0]
            .reason
            .as_deref()
            .unwrap()
            .starts_with("ContainerVanishedError")
    );
    engine
        .host
        .until("the stray is gone", |it| it.sandboxes.is_empty())
        .await;
}
