//! The steps of a task's plan, each as a future that ends with what was observed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::output::{ContainerEnd, ContainerOutput, TaskOutput, last_lines};
use super::super::record::TaskRecord;
use super::super::state::{OUTPUT_BYTES, Observation};
use super::super::state_change::{TaskStateChange, submit};
use super::super::task::Task;
use super::Shared;
use crate::host::{ContainerSpec, HostError, ProcessSpec, SandboxNetwork};
use crate::log_drivers::Follower;
use crate::task_endpoint::add_endpoint;

/// How long the end of a task waits for the last of its output to be shipped.
const LOG_DRAIN_DEADLINE: Duration = Duration::from_secs(30);
/// How long the host may take for each step. Pulling is bounded by what the largest images need on slow lines.
const PULL_DEADLINE: Duration = Duration::from_secs(2 * 3600);
const CREATE_DEADLINE: Duration = Duration::from_secs(4 * 60);
const START_DEADLINE: Duration = Duration::from_secs(3 * 60);
/// How much longer than its own time the host may take for a process in a container.
const EXECUTE_GRACE: Duration = Duration::from_secs(30);
const SIGNAL_DEADLINE: Duration = Duration::from_secs(30);
const REMOVE_DEADLINE: Duration = Duration::from_secs(60);
/// Attempts at saving a record or removing a sandbox, with this pause before the second, doubled each time.
const ATTEMPTS: u32 = 6;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(100);

/// A step of one task.
pub struct Step {
    /// What all tasks share.
    pub shared: Arc<Shared>,
    /// The task.
    pub task: Arc<Task>,
}

/// What came of a step, with the permit to start that it had.
pub struct Done {
    /// What was observed.
    pub observation: Observation,
    /// To be used for the next start, or given back.
    pub permit: Option<OwnedSemaphorePermit>,
}

impl Done {
    fn plain(observation: Observation) -> Self {
        Self {
            observation,
            permit: None,
        }
    }
}

impl Step {
    /// Writes the record.
    pub async fn save(self, revision: u64, record: TaskRecord) -> Done {
        save(&self.shared, &self.task, record).await;
        Done::plain(Observation::Saved(revision))
    }

    /// Makes an image present.
    pub async fn pull_image(self, index: usize) -> Done {
        let pull = async {
            let container = &self.task.containers[index];
            let mut pull = self.shared.image_pulls.of(&container.image, &self.task.arn).await;
            if container.registry_login.is_some() {
                let values = self.shared.secrets.values(&self.task).await;
                let values = values.map_err(HostError::ResourceInitialization)?;
                // It is for the registry in the name, also where that is the account's own.
                pull.credentials = values[index].registry.clone();
            }
            self.shared.host.pull_image(&pull).await
        };
        let result = within(PULL_DEADLINE, HostError::CannotPullContainer, pull).await;
        Done::plain(Observation::ImagePulled(index, result))
    }

    /// Prepares the log driver of a container.
    pub async fn open_log_stream(self, index: usize) -> Done {
        let result = self.shared.log_drivers.open(&self.task, index).await;
        Done::plain(Observation::LogStreamOpened(index, result))
    }

    /// Makes the sandbox, when it is this task's turn.
    pub async fn create_sandbox(self, permit: Option<OwnedSemaphorePermit>) -> Done {
        // Fetched before anything is made: without them the task never starts.
        if let Err(text) = self.shared.secrets.values(&self.task).await {
            return Done {
                observation: Observation::SandboxCreated(Err(HostError::ResourceInitialization(text))),
                permit,
            };
        }
        if let Err(text) = self.write_router_files().await {
            return Done {
                observation: Observation::SandboxCreated(Err(HostError::ResourceInitialization(text))),
                permit,
            };
        }
        let permit = self.start_permit(permit).await;
        let sandbox = self.task.sandbox();
        let create = self.shared.host.create_sandbox(&sandbox);
        let result = within(CREATE_DEADLINE, HostError::ResourceInitialization, create).await;
        Done {
            observation: Observation::SandboxCreated(result),
            permit,
        }
    }

    /// What its log router reads, if it has one.
    ///
    /// # Errors
    /// A reason in Amazon's words.
    async fn write_router_files(&self) -> Result<(), String> {
        let Some(firelens) = self.task.firelens.clone() else {
            return Ok(());
        };
        let mut external = None;
        if let Some(object) = &firelens.external {
            let read = self.shared.secrets.object(&self.task, object).await;
            let read = read.map_err(|error| {
                let (key, bucket) = (&object.key, &object.bucket);
                format!(
                    "Unable to download firelens s3 config file: unable to download s3 config {key} from bucket {bucket}: {error}"
                )
            })?;
            external = Some(read);
        }
        let files = self.shared.records.router_files(&self.task.id);
        let written = tokio::task::spawn_blocking(move || files.write(&firelens, external.as_deref())).await;
        let written = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        written.map_err(|error| format!("unable to initialize firelens resource: {error}"))
    }

    /// Starts a container, when it is this task's turn.
    pub async fn start_container(
        self,
        index: usize,
        mut spec: ContainerSpec,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Done {
        match self.shared.secrets.values(&self.task).await {
            Ok(values) => {
                self.add_endpoint(&mut spec).await;
                let files = &self.task.containers[index].environment_files;
                files.extend(&mut spec.environment, &values[index].file_environment);
                spec.environment.extend(values[index].environment.clone());
                let files = self.shared.records.router_files(&self.task.id);
                files.equip(&self.task, index, &values, &mut spec);
            }
            Err(text) => {
                let result = Err(HostError::ResourceInitialization(text));
                return Done {
                    observation: Observation::ContainerStarted(index, result),
                    permit,
                };
            }
        }
        let permit = self.start_permit(permit).await;
        let start = self.shared.host.start_container(&spec);
        let result = within(START_DEADLINE, HostError::CannotStartContainer, start).await;
        Done {
            observation: Observation::ContainerStarted(index, result),
            permit,
        }
    }

    async fn add_endpoint(&self, spec: &mut ContainerSpec) {
        let shared = &self.shared;
        let in_host_network = match self.task.network {
            SandboxNetwork::Host => timeout(SIGNAL_DEADLINE, shared.host.endpoint_in_host_network()).await,
            _ => Ok(None),
        };
        let in_host_network = in_host_network.unwrap_or_default();
        add_endpoint(
            &self.task,
            shared.task_api,
            &shared.endpoint_ids,
            in_host_network,
            spec,
        );
    }

    /// Starts a container again, when it is this task's turn.
    pub async fn restart_container(
        self,
        index: usize,
        spec: ContainerSpec,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Done {
        let permit = self.start_permit(permit).await;
        let restart = self.shared.host.restart_container(&spec);
        let result = within(START_DEADLINE, HostError::CannotStartContainer, restart).await;
        Done {
            observation: Observation::ContainerRestarted(index, result),
            permit,
        }
    }

    /// Runs the health check of a container.
    pub async fn check_health(self, index: usize) -> Done {
        let container = &self.task.containers[index];
        let result = match &container.health_check {
            None => Err(HostError::CannotExecute("there is no health check".to_owned())),
            Some(check) => {
                let process = ProcessSpec {
                    task_id: self.task.id.clone(),
                    container: container.spec.name.clone(),
                    arguments: check.arguments.clone(),
                    timeout: check.timeout,
                    output_bytes: OUTPUT_BYTES,
                };
                let run = self.shared.host.execute(&process);
                within(check.timeout + EXECUTE_GRACE, HostError::CannotExecute, run).await
            }
        };
        Done::plain(Observation::HealthChecked(index, result))
    }

    /// Sends a signal.
    pub async fn signal_container(self, index: usize, signal: i32) -> Done {
        let name = &self.task.containers[index].spec.name;
        let sent = self.shared.host.signal_container(&self.task.id, name, signal);
        let result = within(SIGNAL_DEADLINE, HostError::ContainerRuntime, sent).await;
        Done::plain(Observation::ContainerSignalled(index, signal, result))
    }

    /// Ships the last of the output, then removes the sandbox with it.
    pub async fn release(self, followers: Vec<Follower>, ends: Vec<ContainerEnd>) -> Done {
        let deadline = Instant::now() + LOG_DRAIN_DEADLINE;
        for mut follower in followers {
            follower.finish();
            if timeout_at(deadline, follower.finished()).await.is_err() {
                tracing::warn!(task = %self.task.arn, "output not shipped in time is lost");
            }
        }
        self.keep_output(ends).await;
        let mut pause = ATTEMPT_PAUSE;
        for attempt in 1..=ATTEMPTS {
            let removal = self.shared.host.remove_sandbox(&self.task.id);
            let Err(error) = within(REMOVE_DEADLINE, HostError::ContainerRuntime, removal).await else {
                break;
            };
            tracing::error!(task = %self.task.arn, %error, attempt, "cannot remove a sandbox");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Done::plain(Observation::Released)
    }

    /// Hands over how its containers last spoke and ended, before the host forgets it.
    async fn keep_output(&self, ends: Vec<ContainerEnd>) {
        let mut containers = Vec::new();
        for (container, end) in self.task.containers.iter().zip(ends) {
            let name = &container.spec.name;
            let read = last_lines(self.shared.host.as_ref(), &self.task.id, name);
            // One that never ran has never spoken.
            let lines = match timeout(SIGNAL_DEADLINE, read).await {
                Ok(Ok(lines)) => lines,
                Ok(Err(_)) | Err(_) => Vec::new(),
            };
            if end.started_at.is_some() || !lines.is_empty() {
                containers.push(ContainerOutput {
                    name: name.clone(),
                    lines,
                    end,
                });
            }
        }
        if containers.is_empty() {
            return;
        }
        let output = TaskOutput {
            task_arn: self.task.arn.clone(),
            containers,
        };
        if self.shared.outputs.try_send(output).is_err() {
            tracing::debug!(task = %self.task.arn, "its last output is not told: too many wait");
        }
    }

    /// Tells the control plane.
    pub async fn submit(self, change: TaskStateChange) -> Done {
        submit(self.shared.submissions.clone(), change).await;
        Done::plain(Observation::Acknowledged)
    }

    /// The permit at hand, or one that has become free.
    async fn start_permit(&self, at_hand: Option<OwnedSemaphorePermit>) -> Option<OwnedSemaphorePermit> {
        match at_hand {
            Some(permit) => Some(permit),
            None => self.shared.starts.clone().acquire_owned().await.ok(),
        }
    }
}

/// Writes a record, with a few attempts.
pub async fn save(shared: &Shared, task: &Task, record: TaskRecord) {
    let mut pause = ATTEMPT_PAUSE;
    for attempt in 1..=ATTEMPTS {
        let Err(error) = shared.records.save(&task.id, record.clone()).await else {
            return;
        };
        tracing::error!(task = %task.arn, %error, attempt, "cannot save the record of a task");
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// What the host answers, or its error if it takes too long.
async fn within<T>(
    deadline: Duration,
    error: fn(String) -> HostError,
    call: impl Future<Output = Result<T, HostError>>,
) -> Result<T, HostError> {
    let late = || error(format!("timed out after waiting {}s", deadline.as_secs()));
    timeout(deadline, call).await.unwrap_or_else(|_| Err(late()))
}
