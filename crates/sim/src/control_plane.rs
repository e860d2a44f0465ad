//! A control plane as a process: booted from the disk, asked like any other, killed at will.

use std::sync::Arc;
use std::time::Duration;

use control_plane::{
    ControlPlane, Events, FileSystems, InProcess, Kept, MasterKey, ObjectStorage, Refusal, Registry,
    RequestLimits, Settings,
};
use domain::Scope;
use domain::access_key::Principal;
use domain::ids::Ids;
use domain::task::Task;
use serde_json::Value;
use store::{Feed, Memory, Retention, Store};
use telemetry::events::EventLog;
use telemetry::history::{History, HistoryOptions};
use telemetry::logs::Logs;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::VirtualClock;
use crate::disk::{Fuse, Mounted};
use crate::webhooks::FakeWebhooks;

/// How long a stopped task would stay in the history; no world lasts so long.
const HISTORY: jiff::SignedDuration = jiff::SignedDuration::from_hours(720);
/// Bytes of that history.
const HISTORY_BYTES: u64 = 1 << 20;

/// What survives a control plane.
pub struct Remains {
    /// The records.
    pub disk: Memory,
    /// What is not in the store, and plays no part here.
    folder: TempDir,
    seed: u64,
}

/// A control plane that runs.
pub struct Process {
    /// Its state.
    pub store: Store,
    /// Its commits.
    pub feed: Feed,
    /// Lets it die.
    pub fuse: Fuse,
    handlers: InProcess,
    driver: JoinHandle<()>,
    webhooks: JoinHandle<()>,
}

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There was no answer. Whether it was carried out shows only in the state.
    NoAnswer,
    /// An exception.
    Refused(Refusal),
}

impl Remains {
    /// An empty disk.
    ///
    /// # Errors
    /// The machine that simulates has no room for a folder.
    pub fn new(seed: u64) -> std::io::Result<Self> {
        let (disk, folder) = (Memory::default(), tempfile::tempdir()?);
        Ok(Self { disk, folder, seed })
    }

    /// Starts a control plane on what the ones before it left. `number` counts them.
    ///
    /// # Errors
    /// In words: what the disk holds cannot be loaded.
    pub fn boot(&self, number: u64, clock: VirtualClock) -> Result<Process, String> {
        let fuse = Fuse::new();
        let mounted = Mounted {
            disk: self.disk.clone(),
            fuse: fuse.clone(),
        };
        // Each process draws ids of its own, as from the operating system.
        let mut ids = [0; 32];
        ids[..8].copy_from_slice(&self.seed.to_le_bytes());
        ids[8..16].copy_from_slice(&number.to_le_bytes());
        let store = Store::open_direct(Box::new(mounted), Arc::new(clock), Arc::new(Ids::seeded(ids)))
            .map_err(|error| format!("the control plane does not start: {error}"))?;
        let feed = store.follow();
        let kept = self
            .kept()
            .map_err(|error| format!("the folder of the world: {error}"))?;
        let settings = Settings {
            regions: vec!["us-east-1".to_owned()],
            advertised_endpoint: "http://127.0.0.1:4566".to_owned(),
            request_limits: RequestLimits::Off,
            execute_command_idle: Duration::from_secs(1200),
            controllers: orchestrator::Settings::default(),
        };
        let whole = ControlPlane::new(
            store.clone(),
            kept,
            Arc::new(clock),
            settings,
            &MasterKey([7; 32]),
        )
        .map_err(|error| format!("no random bytes: {error}"))?;
        let driver = orchestrator::run(
            store.clone(),
            orchestrator::Settings::default(),
            CancellationToken::new(),
        );
        Ok(Process {
            store,
            feed,
            fuse,
            webhooks: tokio::spawn(control_plane::call_webhooks_by(
                Arc::clone(&whole),
                FakeWebhooks::new(self.seed, number),
                CancellationToken::new(),
            )),
            handlers: InProcess::new(whole, scope()),
            driver: tokio::spawn(driver),
        })
    }

    fn kept(&self) -> Result<Kept, Box<dyn std::error::Error>> {
        let folder = self.folder.path();
        Ok(Kept {
            logs: Arc::new(Logs::open(&folder.join("logs"))?),
            history: Arc::new(History::open(
                &folder.join("history"),
                HistoryOptions::new(HISTORY, HISTORY_BYTES),
            )?),
            registry: Arc::new(Registry::open(&folder.join("registry"), [7; 32])?),
            events: Arc::new(Events::new(
                EventLog::open(
                    &folder.join("events"),
                    HistoryOptions::new(HISTORY, HISTORY_BYTES),
                )?,
                Retention::default(),
            )),
            file_systems: Arc::new(FileSystems::new(folder.join("file-systems"))),
            object_storage: Arc::new(ObjectStorage::new(folder.join("buckets"))),
        })
    }
}

impl Process {
    /// Asks for an operation of ECS.
    ///
    /// # Errors
    /// It is refused, or the control plane dies over it.
    pub async fn ask(&self, principal: Principal, operation: &str, input: &Value) -> Result<Value, Failure> {
        if self.fuse.is_burnt() {
            return Err(Failure::NoAnswer);
        }
        let answer = self.handlers.ask(principal, "ecs", operation, input).await;
        // Killed by the very commit of this call: it is durable, but nobody says so.
        if self.fuse.is_burnt() {
            return Err(Failure::NoAnswer);
        }
        answer.map_err(Failure::Refused)
    }

    /// A task as its agent is sent it.
    pub fn payload(&self, task: &Task) -> Value {
        self.handlers.payload(task)
    }

    /// Ends it at once: what is not durable is lost, and no controller looks at anything any more.
    pub fn bury(self) {
        self.fuse.burn_after(0);
        self.driver.abort();
        self.webhooks.abort();
    }
}

/// Account and region of everything.
pub fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}
