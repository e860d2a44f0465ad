//! What is known of a task, and how each thing that happens changes it. Pure.

use jiff::Timestamp;
use tokio::time::Instant;

use super::plan::{Action, KILL_GRACE};
use super::task::{Condition, Task};
use crate::host::{ContainerExit, HostError, PulledImage, StartedContainer};

/// `desiredStatus`; it only ever goes from RUNNING to STOPPED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DesiredStatus {
    /// The task is to run.
    Running,
    /// The task is to end.
    Stopped,
}

/// A status as state changes report it, of a task or a container.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Not yet running.
    #[default]
    Pending,
    /// Running.
    Running,
    /// Ended; final.
    Stopped,
}

/// The sandbox of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// The host knows nothing of it.
    Absent,
    /// Asked for.
    Creating,
    /// There is something of it: to be created again before use, to be removed at the end.
    Partial,
    /// Ready for containers.
    Present,
    /// On its way out.
    Removing,
    /// Gone.
    Removed,
}

/// The image of a container.
#[derive(Clone, Debug, PartialEq)]
pub enum Image {
    /// Not asked for yet.
    Absent,
    /// Asked for.
    Pulling,
    /// On the host.
    Present(PulledImage),
}

/// The log stream of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    /// Not asked for yet.
    Closed,
    /// Asked for.
    Opening,
    /// Ready for output.
    Open,
}

/// Where a container stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Not started.
    Waiting,
    /// Asked for. It may end before the host has answered.
    Starting(Option<ContainerExit>),
    /// Its process runs.
    Running,
    /// It was sent its stop signal.
    Stopping {
        /// When SIGKILL follows.
        kill_at: Instant,
    },
    /// It was sent SIGKILL.
    Killing {
        /// When it counts as gone without word from the host.
        give_up_at: Instant,
    },
    /// It ended or will never start.
    Stopped,
}

/// What is known of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerState {
    /// Its image.
    pub image: Image,
    /// Its log stream.
    pub log_stream: LogStream,
    /// Where it stands.
    pub phase: Phase,
    /// Set once its process was executed.
    pub started: Option<StartedContainer>,
    /// When that was, for time-outs.
    pub started_since: Option<Instant>,
    /// Set once its process ended.
    pub exit: Option<ContainerExit>,
    /// Why it failed, beginning with the name of the error.
    pub reason: Option<String>,
    /// The last status the control plane has acknowledged.
    pub acknowledged: Status,
}

/// What is known of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskState {
    /// What the control plane, or an essential container's end, asks for.
    pub desired: DesiredStatus,
    /// Why the task as a whole failed.
    pub reason: Option<String>,
    /// Its sandbox.
    pub sandbox: Sandbox,
    /// One for each of [`Task::containers`].
    pub containers: Vec<ContainerState>,
    /// When the first pull began.
    pub pull_started_at: Option<Timestamp>,
    /// When the last pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// When the first essential container ended.
    pub execution_stopped_at: Option<Timestamp>,
    /// The last status the control plane has acknowledged.
    pub acknowledged: Status,
    /// What is being submitted.
    pub submitting: Option<Report>,
    /// Grows with each change that must survive the agent.
    pub revision: u64,
    /// Revision of the record on disk.
    pub saved: u64,
    /// Revision being written.
    pub saving: Option<u64>,
}

/// What one state change says.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Status of the task.
    pub status: Status,
    /// Containers with news: index and status.
    pub containers: Vec<(usize, Status)>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Time passed.
    Tick,
    /// The control plane wants the task stopped.
    StopRequested,
    /// Answer to [`Action::PullImage`].
    ImagePulled(usize, Result<PulledImage, HostError>),
    /// Answer to [`Action::OpenLogStream`].
    LogStreamOpened(usize, Result<(), String>),
    /// Answer to [`Action::CreateSandbox`].
    SandboxCreated(Result<(), HostError>),
    /// Answer to [`Action::StartContainer`].
    ContainerStarted(usize, Result<StartedContainer, HostError>),
    /// A container's process ended.
    ContainerExited(usize, ContainerExit),
    /// Answer to [`Action::SignalContainer`].
    ContainerSignalled(usize, i32, Result<(), HostError>),
    /// Answer to [`Action::Save`], with the revision written.
    Saved(u64),
    /// Answer to [`Action::Release`].
    Released,
    /// Answer to [`Action::Submit`].
    Acknowledged,
}

impl ContainerState {
    /// A container of which nothing is known.
    pub fn new() -> Self {
        Self {
            image: Image::Absent,
            log_stream: LogStream::Closed,
            phase: Phase::Waiting,
            started: None,
            started_since: None,
            exit: None,
            reason: None,
            acknowledged: Status::Pending,
        }
    }

    /// Its status as state changes report it.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Waiting | Phase::Starting(_) => Status::Pending,
            Phase::Running | Phase::Stopping { .. } | Phase::Killing { .. } => Status::Running,
            Phase::Stopped => Status::Stopped,
        }
    }

    /// Notes its end; `exit` is absent if it never ran or nobody saw how it ended.
    pub fn stop(&mut self, exit: Option<ContainerExit>, reason: Option<String>) {
        let out_of_memory = exit.as_ref().is_some_and(|it| it.is_out_of_memory);
        self.phase = Phase::Stopped;
        self.exit = exit;
        match reason {
            None if out_of_memory => {
                self.reason = Some("OutOfMemoryError: Container killed due to memory usage".to_owned());
            }
            None => {}
            Some(reason) => self.reason = Some(reason),
        }
    }
}

impl Default for ContainerState {
    fn default() -> Self {
        Self::new()
    }
}

impl TaskState {
    /// A task that has just arrived.
    pub fn new(task: &Task, desired: DesiredStatus) -> Self {
        Self {
            desired,
            reason: None,
            sandbox: Sandbox::Absent,
            containers: vec![ContainerState::new(); task.containers.len()],
            pull_started_at: None,
            pull_stopped_at: None,
            execution_stopped_at: None,
            acknowledged: Status::Pending,
            submitting: None,
            revision: 1,
            saved: 0,
            saving: None,
        }
    }

    /// Every container has ended or will never start.
    pub fn has_ended(&self) -> bool {
        self.desired == DesiredStatus::Stopped && self.containers.iter().all(|it| it.phase == Phase::Stopped)
    }

    /// Every container was started, or is one whose end the task survives.
    pub fn was_running(&self, task: &Task) -> bool {
        let mut pairs = task.containers.iter().zip(&self.containers);
        !task.containers.is_empty()
            && pairs.all(|(container, it)| {
                it.started.is_some() || !container.is_essential && it.phase == Phase::Stopped
            })
    }

    /// Notes that an action has begun, so that it is not planned again.
    pub fn begin(&mut self, action: &Action, task: &Task, now: Instant, wall: Timestamp) {
        match action {
            Action::PullImage(index) => {
                self.pull_started_at.get_or_insert(wall);
                self.containers[*index].image = Image::Pulling;
            }
            Action::OpenLogStream(index) => self.containers[*index].log_stream = LogStream::Opening,
            Action::CreateSandbox => self.sandbox = Sandbox::Creating,
            Action::StartContainer(index) => self.containers[*index].phase = Phase::Starting(None),
            Action::SignalContainer(index, libc::SIGKILL) => {
                self.containers[*index].phase = Phase::Killing {
                    give_up_at: now + KILL_GRACE,
                };
            }
            Action::SignalContainer(index, _) => {
                let kill_at = now + task.containers[*index].stop_timeout;
                self.containers[*index].phase = Phase::Stopping { kill_at };
            }
            Action::Save(revision) => self.saving = Some(*revision),
            Action::Release => self.sandbox = Sandbox::Removing,
            Action::Submit(report) => self.submitting = Some(report.clone()),
            Action::Forget => {}
        }
    }

    /// Applies what happened, and all that follows from it without doing anything.
    pub fn observe(&mut self, task: &Task, observation: Observation, now: Instant, wall: Timestamp) {
        match observation {
            Observation::Tick => {}
            Observation::StopRequested => self.want_stopped(),
            Observation::ImagePulled(index, result) => {
                self.pull_stopped_at = Some(wall);
                match result {
                    Ok(image) => self.containers[index].image = Image::Present(image),
                    Err(error) => self.refuse(index, error.to_string()),
                }
            }
            Observation::LogStreamOpened(index, result) => match result {
                Ok(()) => self.containers[index].log_stream = LogStream::Open,
                Err(text) => self.fail(text),
            },
            Observation::SandboxCreated(Ok(())) => self.sandbox = Sandbox::Present,
            Observation::SandboxCreated(Err(error)) => {
                self.sandbox = Sandbox::Partial;
                self.fail(error.to_string());
            }
            Observation::ContainerStarted(index, result) => self.container_started(index, result, now),
            Observation::ContainerExited(index, exit) => self.container_exited(index, exit),
            Observation::ContainerSignalled(index, signal, Err(_)) if signal != libc::SIGKILL => {
                // It cannot be asked, so it is killed.
                if let Phase::Stopping { kill_at } = &mut self.containers[index].phase {
                    *kill_at = now;
                }
            }
            Observation::ContainerSignalled(..) => {}
            Observation::Saved(revision) => {
                self.saved = revision;
                self.saving = None;
            }
            Observation::Released => self.sandbox = Sandbox::Removed,
            Observation::Acknowledged => self.acknowledge(),
        }
        self.settle(task, now, wall);
    }

    /// Notes a reason why the task as a whole cannot run.
    pub fn fail(&mut self, reason: String) {
        for container in self.containers.iter_mut().filter(|it| it.started.is_none()) {
            container.reason.get_or_insert_with(|| reason.clone());
        }
        self.reason.get_or_insert(reason);
        self.want_stopped();
    }

    /// Draws the conclusions that need no action.
    pub fn settle(&mut self, task: &Task, now: Instant, wall: Timestamp) {
        self.give_up_on_the_unkillable(now);
        if self.desired == DesiredStatus::Running {
            self.refuse_the_unstartable(task, now);
        }
        let essential_end = task.containers.iter().zip(&self.containers);
        let mut essential_end =
            essential_end.filter(|(it, state)| it.is_essential && state.phase == Phase::Stopped);
        if let Some((_, first)) = essential_end.next() {
            let ended_at = first.exit.as_ref().map_or(wall, |exit| exit.finished_at);
            self.execution_stopped_at.get_or_insert(ended_at);
            self.want_stopped();
        }
        if self.desired == DesiredStatus::Stopped {
            for container in &mut self.containers {
                if container.phase == Phase::Waiting {
                    container.phase = Phase::Stopped;
                }
            }
            if self.has_ended() {
                self.execution_stopped_at.get_or_insert(wall);
            }
        }
    }

    fn want_stopped(&mut self) {
        if self.desired == DesiredStatus::Running {
            self.desired = DesiredStatus::Stopped;
            self.revision += 1;
        }
    }

    /// A container that will never run. Its task ends if it is essential.
    fn refuse(&mut self, index: usize, reason: String) {
        let container = &mut self.containers[index];
        if container.phase != Phase::Stopped {
            container.stop(None, Some(reason));
            self.revision += 1;
        }
    }

    fn container_started(&mut self, index: usize, result: Result<StartedContainer, HostError>, now: Instant) {
        let started = match result {
            Ok(started) => started,
            Err(error) => return self.refuse(index, error.to_string()),
        };
        self.revision += 1;
        let container = &mut self.containers[index];
        container.started = Some(started);
        container.started_since = Some(now);
        match std::mem::replace(&mut container.phase, Phase::Running) {
            Phase::Starting(Some(exit)) => container.stop(Some(exit), None),
            Phase::Starting(None) => {}
            other => container.phase = other,
        }
    }

    fn container_exited(&mut self, index: usize, exit: ContainerExit) {
        let container = &mut self.containers[index];
        match &mut container.phase {
            Phase::Starting(early) => *early = Some(exit),
            Phase::Stopped if container.exit.is_some() || container.started.is_none() => {}
            _ => {
                container.stop(Some(exit), None);
                self.revision += 1;
            }
        }
    }

    fn acknowledge(&mut self) {
        let Some(report) = self.submitting.take() else {
            return;
        };
        self.acknowledged = self.acknowledged.max(report.status);
        for (index, status) in report.containers {
            let container = &mut self.containers[index];
            container.acknowledged = container.acknowledged.max(status);
        }
        self.revision += 1;
    }

    fn give_up_on_the_unkillable(&mut self, now: Instant) {
        for container in &mut self.containers {
            if matches!(container.phase, Phase::Killing { give_up_at } if now >= give_up_at) {
                let reason =
                    "ContainerRuntimeTimeoutError: Could not transition to stopped; no end after SIGKILL";
                container.stop(None, Some(reason.to_owned()));
                self.revision += 1;
            }
        }
    }

    /// Ends the task if a container waits for something that cannot happen any more.
    fn refuse_the_unstartable(&mut self, task: &Task, now: Instant) {
        for (index, container) in task.containers.iter().enumerate() {
            if self.containers[index].phase != Phase::Waiting {
                continue;
            }
            let blocked = container.depends_on.iter().find_map(|dependency| {
                let on = &task.containers[dependency.on];
                let state = &self.containers[dependency.on];
                let reason = match outlook(state, dependency.condition) {
                    Outlook::Met => return None,
                    Outlook::Impossible => "has stopped already",
                    Outlook::Open if has_timed_out(state, on.start_timeout, now) => {
                        "did not fulfil its condition within its startTimeout"
                    }
                    Outlook::Open => return None,
                };
                let (dependency, target) = (&on.spec.name, &container.spec.name);
                Some(format!(
                    "dependency graph: container ordering dependency [{dependency}] for target [{target}] {reason}."
                ))
            });
            if let Some(reason) = blocked {
                self.refuse(index, reason);
                self.want_stopped();
            }
        }
    }
}

/// Whether a dependency is fulfilled, can be, or never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The dependant may start.
    Met,
    /// Not yet.
    Open,
    /// Never.
    Impossible,
}

/// How a dependency on a container stands.
pub fn outlook(on: &ContainerState, condition: Condition) -> Outlook {
    let has_stopped = on.phase == Phase::Stopped;
    match condition {
        Condition::Start if on.started.is_some() => Outlook::Met,
        Condition::Complete if has_stopped && on.started.is_some() => Outlook::Met,
        Condition::Success if on.exit.as_ref().is_some_and(|it| it.exit_code == 0) => Outlook::Met,
        _ if has_stopped => Outlook::Impossible,
        _ => Outlook::Open,
    }
}

/// When a dependency's time is up.
pub fn start_deadline(on: &ContainerState, timeout: Option<std::time::Duration>) -> Option<Instant> {
    Some(on.started_since? + timeout?)
}

fn has_timed_out(on: &ContainerState, timeout: Option<std::time::Duration>, now: Instant) -> bool {
    start_deadline(on, timeout).is_some_and(|deadline| now >= deadline)
}
