//! Carries out the plan of one task: begins what is planned, waits for something to happen, plans again.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use self::steps::{Done, Step, save};
use super::output::{ContainerEnd, TaskOutput};
use super::plan::{Action, plan};
use super::record::{Progress, Records, TaskRecord};
use super::state::{
    ContainerState, DesiredStatus, HealthStatus, Image, Observation, Phase, Sandbox, TaskState,
};
use super::state_change::{Submission, state_change};
use super::task::Task;
use crate::config::TaskApi;
use crate::credentials::Credentials;
use crate::host::{ContainerSpec, Host};
use crate::image_pulls::ImagePulls;
use crate::log_drivers::{Follower, LogDrivers};
use crate::secrets::Secrets;
use crate::task_endpoint::EndpointIds;

mod steps;

/// Tasks whose sandboxes and containers are being made at the same time.
pub const CONCURRENT_STARTS: usize = 8;
/// How long the end of the agent waits for what the host is just doing.
const WIND_DOWN_DEADLINE: Duration = Duration::from_secs(5);
/// What all tasks share.
pub struct Shared {
    /// The machine.
    pub host: Arc<dyn Host>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Task records.
    pub records: Records,
    /// To the control plane.
    pub submissions: mpsc::Sender<Submission>,
    /// Where images come from.
    pub image_pulls: ImagePulls,
    /// Where output goes.
    pub log_drivers: LogDrivers,
    /// Of the roles of tasks.
    pub credentials: Arc<Credentials>,
    /// What is fetched for tasks.
    pub secrets: Arc<Secrets>,
    /// Whether tasks are told of the AWS APIs.
    pub task_api: TaskApi,
    /// By which containers name themselves.
    pub endpoint_ids: EndpointIds,
    /// Where the last lines of tasks that end go.
    pub outputs: mpsc::Sender<TaskOutput>,
    /// [`CONCURRENT_STARTS`] permits.
    pub starts: Arc<Semaphore>,
    /// The health of some container has changed.
    pub health_news: Notify,
    /// The agent ends; tasks stay.
    pub shutdown: CancellationToken,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The task is over and the control plane knows.
    Finished,
    /// The agent is ending; the task is not.
    Left,
}

/// One task and those who carry it out.
pub struct Worker {
    task: Arc<Task>,
    payload: serde_json::Value,
    state: TaskState,
    shared: Arc<Shared>,
    published: watch::Sender<Published>,
    begun: FuturesUnordered<BoxFuture<'static, Done>>,
    permit: Option<OwnedSemaphorePermit>,
    followers: Vec<Option<Follower>>,
}

/// What others may see of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Its desired status.
    pub desired: DesiredStatus,
    /// There is a record of it.
    pub is_saved: bool,
    /// Health of its containers, by index; `None` for those that are not checked or do not run.
    pub health: Vec<Option<PublishedHealth>>,
    /// Its sandbox.
    pub sandbox: Sandbox,
    /// Its containers, by index.
    pub containers: Vec<ContainerState>,
    /// How far it got.
    pub progress: Progress,
}

/// The health of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedHealth {
    /// What it comes to.
    pub status: HealthStatus,
    /// Since when.
    pub since: Timestamp,
    /// What the check said that made it so.
    pub output: String,
}

impl Published {
    fn is_as_healthy_as(&self, other: &Self) -> bool {
        let statuses = |it: &Self| -> Vec<_> {
            let health = it.health.iter();
            health.map(|it| it.as_ref().map(|it| it.status)).collect()
        };
        statuses(self) == statuses(other)
    }

    /// What a state shows.
    pub fn of(state: &TaskState) -> Self {
        let health = |it: &ContainerState| {
            let health = it.health.as_ref().filter(|_| it.phase != Phase::Stopped)?;
            Some(PublishedHealth {
                status: health.status,
                since: health.since,
                output: health.output.clone(),
            })
        };
        Self {
            desired: state.desired,
            is_saved: state.saved > 0,
            health: state.containers.iter().map(health).collect(),
            sandbox: state.sandbox,
            containers: state.containers.clone(),
            progress: Progress::of(state),
        }
    }
}

impl Worker {
    /// A worker for a task in a state; it does nothing until [`Worker::run`].
    pub fn new(
        task: Arc<Task>,
        payload: serde_json::Value,
        state: TaskState,
        shared: Arc<Shared>,
    ) -> (Self, watch::Receiver<Published>) {
        let (published, seen) = watch::channel(Published::of(&state));
        let followers = task.containers.iter().map(|_| None).collect();
        let begun = FuturesUnordered::new();
        (
            Self {
                task,
                payload,
                state,
                shared,
                published,
                begun,
                permit: None,
                followers,
            },
            seen,
        )
    }

    /// Runs until the task is over or the agent ends.
    pub async fn run(mut self, mut news: mpsc::Receiver<Observation>) -> Ending {
        self.observe(Observation::Tick);
        loop {
            let plan = plan(&self.task, &self.state, Instant::now());
            for action in plan.actions {
                if action == Action::Forget {
                    self.forget().await;
                    return Ending::Finished;
                }
                self.begin(action);
            }
            self.permit = None;
            let wake_at = plan.wake_at;
            let observation = tokio::select! {
                biased;
                () = self.shared.shutdown.cancelled() => {
                    self.wind_down().await;
                    return Ending::Left;
                }
                Some(observation) = news.recv() => observation,
                Some(done) = self.begun.next() => {
                    self.permit = done.permit;
                    done.observation
                }
                () = sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => Observation::Tick,
            };
            self.observe(observation);
        }
    }

    fn observe(&mut self, observation: Observation) {
        match &observation {
            Observation::Tick | Observation::Saved(_) => {}
            other => tracing::debug!(task = %self.task.arn, observation = ?other, "observed"),
        }
        self.state
            .observe(&self.task, observation, Instant::now(), self.shared.clock.now());
        let seen = Published::of(&self.state);
        let is_health_news = !seen.is_as_healthy_as(&self.published.borrow());
        self.published.send_if_modified(|it| {
            let is_news = *it != seen;
            *it = seen;
            is_news
        });
        if is_health_news {
            self.shared.health_news.notify_one();
        }
        self.follow_output();
    }

    fn begin(&mut self, action: Action) {
        self.state
            .begin(&action, &self.task, Instant::now(), self.shared.clock.now());
        let step = Step {
            shared: self.shared.clone(),
            task: self.task.clone(),
        };
        let future: BoxFuture<'static, Done> = match action {
            Action::Save(revision) => Box::pin(step.save(revision, self.record())),
            Action::PullImage(index) => Box::pin(step.pull_image(index)),
            Action::OpenLogStream(index) => Box::pin(step.open_log_stream(index)),
            Action::CreateSandbox => Box::pin(step.create_sandbox(self.permit.take())),
            Action::StartContainer(index) => {
                let spec = self.spec(index);
                Box::pin(step.start_container(index, spec, self.permit.take()))
            }
            Action::RestartContainer(index) => {
                let spec = self.spec(index);
                Box::pin(step.restart_container(index, spec, self.permit.take()))
            }
            Action::CheckHealth(index) => Box::pin(step.check_health(index)),
            Action::SignalContainer(index, signal) => Box::pin(step.signal_container(index, signal)),
            Action::Release => {
                let followers = self.followers.iter_mut().filter_map(Option::take).collect();
                let ends = self.state.containers.iter().map(ContainerEnd::of).collect();
                Box::pin(step.release(followers, ends))
            }
            Action::Submit(report) => Box::pin(step.submit(state_change(&self.task, &self.state, &report))),
            Action::Forget => return,
        };
        self.begun.push(future);
    }

    /// A container as the host is asked for it, its image known.
    fn spec(&self, index: usize) -> ContainerSpec {
        let mut spec = self.task.containers[index].spec.clone();
        if let Image::Present(image) = &self.state.containers[index].image {
            spec.image_id.clone_from(&image.image_id);
        }
        spec
    }

    /// Each container that was started has its output followed until the sandbox goes.
    fn follow_output(&mut self) {
        if self.state.sandbox != Sandbox::Present {
            return;
        }
        for index in 0..self.task.containers.len() {
            let Some(started) = &self.state.containers[index].started else {
                continue;
            };
            if self.followers[index].is_none() {
                let drivers = &self.shared.log_drivers;
                self.followers[index] = drivers.follow(&self.task, index, &started.runtime_id);
            }
            if self.state.containers[index].phase == Phase::Stopped
                && let Some(follower) = &self.followers[index]
            {
                follower.finish();
            }
        }
    }

    fn record(&self) -> TaskRecord {
        TaskRecord {
            arn: self.task.arn.clone(),
            payload: self.payload.clone(),
            progress: Progress::of(&self.state),
        }
    }

    async fn forget(&mut self) {
        if let Err(error) = self.shared.records.remove(&self.task.id).await {
            // It says that STOPPED was acknowledged, so the next start of the agent removes it.
            tracing::warn!(task = %self.task.arn, %error, "cannot remove the record of a stopped task");
            save(&self.shared, &self.task, self.record()).await;
        }
    }

    /// Lets the host finish what it has begun, for a while, and saves how far that got.
    async fn wind_down(&mut self) {
        let deadline = Instant::now() + WIND_DOWN_DEADLINE;
        while self.is_host_busy() {
            let Ok(Some(done)) = timeout_at(deadline, self.begun.next()).await else {
                break;
            };
            self.observe(done.observation);
        }
        for follower in self.followers.iter_mut().flatten() {
            // It ends after the batch on its way.
            let _ = timeout_at(deadline, follower.finished()).await;
        }
        if self.state.saved < self.state.revision {
            save(&self.shared, &self.task, self.record()).await;
        }
    }

    fn is_host_busy(&self) -> bool {
        let is_starting = self
            .state
            .containers
            .iter()
            .any(|it| matches!(it.phase, Phase::Starting(_) | Phase::Restarting { .. }));
        is_starting
            || self.state.saving.is_some()
            || matches!(self.state.sandbox, Sandbox::Creating | Sandbox::Removing)
    }
}

/// Waits until there is a record of a task, for a while.
pub async fn saved(mut seen: watch::Receiver<Published>, patience: Duration) {
    // A worker that is already over has nothing left to save.
    let _ = timeout(patience, seen.wait_for(|it| it.is_saved)).await;
}
