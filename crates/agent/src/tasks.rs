//! The tasks of this host: takes them over, brings news to each, and finds them again after a restart.
//!
//! ```text
//!  payload ──► Tasks ──► Worker (one per task) ──► Host
//!                 ▲          │  plan · state (pure)
//!      host events┘          └──► state changes ──► control plane
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use self::payload::Arrival;
use self::record::Progress;
use self::state::{DesiredStatus, Observation, TaskState};
use self::task::{Task, task_id};
use self::worker::{Ending, Published, PublishedHealth, Shared, Worker};
use crate::credentials::{RoleCredentials, RoleType};
use crate::host::{Caller, HostError, HostEvent, RecoveredSandbox, SandboxNetwork};

pub mod docker_config;
mod inspection;
pub mod output;
pub mod payload;
pub mod plan;
pub mod record;
pub mod recovery;
pub mod state;
pub mod state_change;
pub mod task;
pub mod worker;

#[cfg(test)]
pub mod tests;

/// News a task may have waiting.
const NEWS_BOUND: usize = 64;
/// Finished tasks that are remembered, so that a late payload does not start them again.
const FINISHED_BOUND: usize = 10_000;
/// How long the acknowledgement of a payload waits for its records.
const SAVE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a question waits for the news that its container was started.
const START_PATIENCE: Duration = Duration::from_secs(2);
/// How long the end of the agent waits for the workers.
const CLOSE_DEADLINE: Duration = Duration::from_secs(8);

/// All tasks of this host.
pub struct Tasks {
    shared: Arc<Shared>,
    table: Mutex<Table>,
    workers: TaskTracker,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<String, Entry>,
    finished: VecDeque<String>,
    finished_ids: BTreeSet<String>,
}

#[derive(Clone)]
struct Entry {
    task: Arc<Task>,
    news: mpsc::Sender<Observation>,
    seen: watch::Receiver<Published>,
}

/// The health of a task's containers.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskHealth {
    /// Long ARN of the task.
    pub arn: String,
    /// Of its task definition.
    pub family: String,
    /// Revision of its task definition.
    pub version: String,
    /// By name, those that are checked and run.
    pub containers: Vec<(String, PublishedHealth)>,
}

/// A task as others see it.
pub struct SeenTask {
    /// What does not change.
    pub task: Arc<Task>,
    seen: watch::Receiver<Published>,
}

impl SeenTask {
    /// How far it got.
    pub fn progress(&self) -> Progress {
        self.seen.borrow().progress.clone()
    }

    /// Waits for a while until it is known that a container was started: its process may be quicker than the news.
    pub async fn started(&mut self, index: usize) {
        let is_started = |it: &Published| {
            let container = it.progress.containers.get(index);
            container.is_none_or(|it| it.runtime_id.is_some() || it.has_stopped)
        };
        // Who asks for one that does not start sees that.
        let _ = tokio::time::timeout(START_PATIENCE, self.seen.wait_for(is_started)).await;
    }
}

/// Why the tasks could not be found again.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The host cannot say what runs.
    #[error("the host cannot say what runs")]
    Host(#[from] HostError),
    /// The records cannot be read.
    #[error("the task records cannot be read")]
    Records(#[from] io::Error),
}

impl Tasks {
    /// No tasks yet.
    pub fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            table: Mutex::default(),
            workers: TaskTracker::new(),
        })
    }

    /// Finds the tasks of before, and from then on takes the host's events. To be called once, first.
    ///
    /// # Errors
    /// If host or records cannot be read; nothing has been changed then.
    pub async fn recover(self: &Arc<Self>) -> Result<(), RecoverError> {
        let events = self.shared.host.take_events();
        let found = self.shared.host.recover().await?;
        let records = self.shared.records.load_all()?;
        let found: BTreeMap<String, RecoveredSandbox> =
            found.into_iter().map(|it| (it.task_id.clone(), it)).collect();
        let known: BTreeSet<&str> = records.iter().map(|it| task_id(&it.arn)).collect();
        for stray in found.keys().filter(|it| !known.contains(it.as_str())) {
            self.remove_stray(stray.clone());
        }
        for record in records {
            let (task, refusal) = payload::read(&record.arn, &record.payload);
            let mut state = recovery::restore(
                &task,
                &record.progress,
                found.get(task_id(&record.arn)),
                Instant::now(),
                self.shared.clock.now(),
            );
            if let Some(reason) = refusal {
                state.fail(reason.to_string());
            }
            tracing::info!(task = %record.arn, desired = ?state.desired, sandbox = ?state.sandbox, "found again");
            self.start(task, record.payload, state);
        }
        self.workers.spawn(dispatch(self.clone(), events));
        Ok(())
    }

    /// Takes over the tasks of a payload, stops before starts. The future ends when there are records of them.
    pub async fn accept(
        self: &Arc<Self>,
        mut arrivals: Vec<Arrival>,
    ) -> impl Future<Output = ()> + Send + 'static {
        arrivals.sort_by_key(|it| it.desired != DesiredStatus::Stopped);
        let mut seen = Vec::new();
        for arrival in arrivals {
            let entry = self.entry(task_id(&arrival.arn));
            let is_stop = arrival.desired == DesiredStatus::Stopped;
            if !is_stop && !self.has_finished(task_id(&arrival.arn)) {
                for (kind, credentials) in &arrival.credentials {
                    self.shared
                        .credentials
                        .put(&arrival.arn, *kind, credentials.clone());
                }
            }
            match entry {
                Some(entry) if is_stop => tell(&entry, Observation::StopRequested).await,
                Some(entry) => seen.push(entry.seen),
                None if !is_stop && self.has_finished(task_id(&arrival.arn)) => {
                    tracing::info!(task = %arrival.arn, "a late payload does not start a finished task again");
                }
                None => seen.extend(self.arrive(arrival)),
            }
        }
        async move {
            join_all(seen.into_iter().map(|it| worker::saved(it, SAVE_PATIENCE))).await;
        }
    }

    /// Takes over new credentials of a task that is here.
    pub fn renew(&self, arn: &str, kind: RoleType, credentials: RoleCredentials) {
        if self.knows(arn) {
            self.shared.credentials.put(arn, kind, credentials);
        }
    }

    /// Stops a task; one that is not known is left to whoever asked.
    pub async fn stop(&self, arn: &str) {
        if let Some(entry) = self.entry(task_id(arn)) {
            tell(&entry, Observation::StopRequested).await;
        }
    }

    /// Reports a task STOPPED that the control plane believes to be here and of which nothing is known.
    pub fn settle_unknown(self: &Arc<Self>, arn: &str, reason: &str) {
        if self.entry(task_id(arn)).is_none() && !self.has_finished(task_id(arn)) {
            tracing::warn!(task = arn, "the control plane expects a task that is not here");
            let mut state = TaskState::new(&Task::unrunnable(arn), DesiredStatus::Stopped);
            state.fail(reason.to_owned());
            self.start(Task::unrunnable(arn), serde_json::Value::Null, state);
        }
    }

    /// ARNs of the tasks that are to run.
    pub fn desired_running(&self) -> Vec<String> {
        let table = self.table.lock();
        let running = table
            .entries
            .values()
            .filter(|it| it.seen.borrow().desired == DesiredStatus::Running);
        running.map(|it| it.task.arn.clone()).collect()
    }

    /// Images of the tasks that are here.
    pub fn images(&self) -> Vec<String> {
        let table = self.table.lock();
        let containers = table.entries.values().flat_map(|it| &it.task.containers);
        containers.map(|it| it.image.clone()).collect()
    }

    /// The health of all containers that have a check, by task; tasks without are left out.
    pub fn health(&self) -> Vec<TaskHealth> {
        let table = self.table.lock();
        let entries = table.entries.values().map(|it| {
            let seen = it.seen.borrow();
            let containers = it.task.containers.iter().zip(&seen.health);
            TaskHealth {
                arn: it.task.arn.clone(),
                family: it.task.family.clone(),
                version: it.task.version.clone(),
                containers: containers
                    .filter_map(|(container, health)| Some((container.spec.name.clone(), health.clone()?)))
                    .collect(),
            }
        });
        entries.filter(|it| !it.containers.is_empty()).collect()
    }

    /// The tasks that a caller may be one of: one, or in the host's network all that are there.
    pub fn of_caller(&self, caller: &Caller) -> Vec<SeenTask> {
        let table = self.table.lock();
        let seen = |it: &Entry| SeenTask {
            task: it.task.clone(),
            seen: it.seen.clone(),
        };
        match caller {
            Caller::Task(id) => table.entries.get(id).map(seen).into_iter().collect(),
            Caller::HostNetwork => {
                let all = table.entries.values();
                let in_host_network = all.filter(|it| it.task.network == SandboxNetwork::Host);
                in_host_network.map(seen).collect()
            }
        }
    }

    /// All tasks that are here, running or on their way out.
    pub fn all(&self) -> Vec<SeenTask> {
        let table = self.table.lock();
        let entries = table.entries.values();
        let seen = entries.map(|it| SeenTask {
            task: it.task.clone(),
            seen: it.seen.clone(),
        });
        seen.collect()
    }

    /// Ends when the health of some container has changed since the last time.
    pub async fn health_news(&self) {
        self.shared.health_news.notified().await;
    }

    /// Whether a task is here, running or on its way out.
    pub fn knows(&self, arn: &str) -> bool {
        self.table.lock().entries.contains_key(task_id(arn))
    }

    /// Waits for the workers after the shutdown was asked for. Tasks go on running.
    pub async fn close(&self) {
        self.workers.close();
        if tokio::time::timeout(CLOSE_DEADLINE, self.workers.wait())
            .await
            .is_err()
        {
            tracing::warn!("some tasks were left in the middle of a step");
        }
    }

    fn arrive(self: &Arc<Self>, arrival: Arrival) -> Option<watch::Receiver<Published>> {
        let mut state = TaskState::new(&arrival.task, arrival.desired);
        if let Some(refusal) = arrival.refusal {
            tracing::warn!(task = %arrival.arn, %refusal, "refused");
            state.fail(refusal.to_string());
        }
        self.start(arrival.task, arrival.payload, state)
    }

    fn start(
        self: &Arc<Self>,
        task: Task,
        payload: serde_json::Value,
        state: TaskState,
    ) -> Option<watch::Receiver<Published>> {
        let task = Arc::new(task);
        let (worker, seen) = Worker::new(task.clone(), payload, state, self.shared.clone());
        let (news, inbox) = mpsc::channel(NEWS_BOUND);
        let entry = Entry {
            task: task.clone(),
            news,
            seen: seen.clone(),
        };
        if self.table.lock().entries.insert(task.id.clone(), entry).is_some() {
            tracing::error!(task = %task.arn, "two tasks of one id");
        }
        let tasks = self.clone();
        self.workers.spawn(async move {
            if worker.run(inbox).await == Ending::Finished {
                tasks.shared.credentials.forget(&task.arn);
                tasks.shared.secrets.forget(&task.arn);
                tasks.table.lock().finish(&task.id);
            }
        });
        Some(seen)
    }

    fn remove_stray(&self, task_id: String) {
        let host = self.shared.host.clone();
        tracing::warn!(task = task_id, "removing a sandbox that no record knows");
        self.workers.spawn(async move {
            if let Err(error) = host.remove_sandbox(&task_id).await {
                tracing::error!(task = task_id, %error, "cannot remove a sandbox");
            }
        });
    }

    fn entry(&self, task_id: &str) -> Option<Entry> {
        self.table.lock().entries.get(task_id).cloned()
    }

    fn has_finished(&self, task_id: &str) -> bool {
        self.table.lock().finished_ids.contains(task_id)
    }
}

impl Table {
    fn finish(&mut self, task_id: &str) {
        self.entries.remove(task_id);
        if self.finished_ids.insert(task_id.to_owned()) {
            self.finished.push_back(task_id.to_owned());
        }
        if self.finished.len() > FINISHED_BOUND
            && let Some(oldest) = self.finished.pop_front()
        {
            self.finished_ids.remove(&oldest);
        }
    }
}

/// Brings each event of the host to its task.
async fn dispatch(tasks: Arc<Tasks>, mut events: mpsc::Receiver<HostEvent>) {
    let shutdown = tasks.shared.shutdown.clone();
    loop {
        let event = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            event = events.recv() => event,
        };
        let Some(HostEvent::ContainerExited {
            task_id,
            container,
            exit,
        }) = event
        else {
            return;
        };
        let Some(entry) = tasks.entry(&task_id) else {
            continue;
        };
        match entry.task.position(&container) {
            Some(index) => tell(&entry, Observation::ContainerExited(index, exit)).await,
            None => tracing::warn!(
                task = task_id,
                container,
                "a container that is not in the task has ended"
            ),
        }
    }
}

async fn tell(entry: &Entry, observation: Observation) {
    // A worker that is gone has nothing more to hear.
    let _ = entry.news.send(observation).await;
}
