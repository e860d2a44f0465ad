//! What is known of a task, and how each thing that happens changes it. Pure.

mod container;
mod dependencies;
mod health;
mod observation;
mod restarts;
mod status;

use jiff::Timestamp;
use tokio::time::Instant;

pub use container::ContainerState;
pub use dependencies::{holds_up_stop, open, start_deadline};
pub use health::{Check, HealthStatus, OUTPUT_BYTES};
pub use observation::Observation;
pub use status::{DesiredStatus, Image, LogStream, Phase, Sandbox, Status};

use super::plan::{Action, KILL_GRACE};
use super::task::Task;
use crate::host::{ContainerExit, HostError, StartedContainer};

/// What is known of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskState {
    /// What the control plane, or an essential container's end, asks for.
    pub desired: DesiredStatus,
    /// The control plane has asked for its end; forgotten with the agent.
    pub is_asked_to_stop: bool,
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

impl TaskState {
    /// A task that has just arrived.
    pub fn new(task: &Task, desired: DesiredStatus) -> Self {
        Self {
            desired,
            is_asked_to_stop: false,
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

    /// Every container was started, or is one whose end the task survives. A task that failed to start never was.
    pub fn was_running(&self, task: &Task) -> bool {
        let mut pairs = task.containers.iter().zip(&self.containers);
        self.reason.is_none()
            && !task.containers.is_empty()
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
            Action::RestartContainer(index) => self.containers[*index].begin_restart(),
            Action::CheckHealth(index) => {
                if let Some(health) = &mut self.containers[*index].health {
                    health.check = Check::UnderWay;
                }
            }
            Action::SignalContainer(index, libc::SIGKILL) => {
                self.containers[*index].killed_at = Some(wall);
                self.containers[*index].phase = Phase::Killing {
                    give_up_at: now + KILL_GRACE,
                };
            }
            Action::SignalContainer(index, _) => {
                let kill_at = now + task.containers[*index].stop_timeout;
                self.containers[*index].stop_signalled_at = Some(wall);
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
            Observation::StopRequested => {
                self.is_asked_to_stop = true;
                self.want_stopped();
            }
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
            Observation::ContainerStarted(index, result) => self.container_started(task, index, result, now),
            Observation::ContainerRestarted(index, result) => {
                self.container_restarted(task, index, result, now);
            }
            Observation::ContainerExited(index, exit) => {
                self.container_exited(task, index, exit, Some(now));
            }
            Observation::HealthChecked(index, result) => {
                let check = task.containers[index].health_check.as_ref();
                if let (Some(check), Some(health)) = (check, &mut self.containers[index].health)
                    && health.checked(check, result, now, wall)
                {
                    self.revision += 1;
                }
            }
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
        let essential_end = task.containers.iter().zip(&self.containers);
        let mut essential_end =
            essential_end.filter(|(it, state)| it.is_essential && state.phase == Phase::Stopped);
        if let Some((_, first)) = essential_end.next() {
            let ended_at = first.exit.as_ref().map_or(wall, |exit| exit.finished_at);
            self.execution_stopped_at.get_or_insert(ended_at);
            self.want_stopped();
        }
        if self.desired == DesiredStatus::Running {
            self.refuse_the_unstartable(task, now);
        }
        if self.desired == DesiredStatus::Stopped {
            for container in &mut self.containers {
                container.start_no_more();
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

    fn container_started(
        &mut self,
        task: &Task,
        index: usize,
        result: Result<StartedContainer, HostError>,
        now: Instant,
    ) {
        let started = match result {
            Ok(started) => started,
            Err(error) => return self.refuse(index, error.to_string()),
        };
        self.revision += 1;
        let container = &mut self.containers[index];
        container.begin_life(&task.containers[index], started, now);
        match std::mem::replace(&mut container.phase, Phase::Running) {
            Phase::Starting(Some(exit)) => self.container_exited(task, index, exit, Some(now)),
            Phase::Starting(None) => {}
            other => container.phase = other,
        }
    }

    /// A container's process has ended: that is its end, unless its restart policy starts it again.
    /// `seen_at` is when that was seen, if somebody looked when it happened.
    pub fn container_exited(
        &mut self,
        task: &Task,
        index: usize,
        exit: ContainerExit,
        seen_at: Option<Instant>,
    ) {
        let policy = task.containers[index].restart_policy.as_ref();
        let container = &mut self.containers[index];
        let may_restart =
            self.desired == DesiredStatus::Running && container.may_restart(policy, &exit, seen_at);
        match &mut container.phase {
            Phase::Starting(early) | Phase::Restarting { early, .. } => *early = Some(exit),
            Phase::Restartable(_) => {}
            Phase::Running if may_restart => container.phase = Phase::Restartable(exit),
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
        for index in 0..task.containers.len() {
            if self.containers[index].phase != Phase::Waiting {
                continue;
            }
            if let Some(reason) = dependencies::obstacle(task, &self.containers, index, now) {
                self.refuse(index, reason.clone());
                self.reason.get_or_insert(reason);
                self.want_stopped();
            }
        }
    }
}
