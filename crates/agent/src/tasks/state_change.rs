//! What the control plane is told of a task, and the queue to whoever tells it.

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::state::{Image, Report, Status, TaskState};
use super::task::Task;
use crate::host::PortMapping;

/// State changes that may wait to be taken over for delivery.
pub const QUEUE_BOUND: usize = 256;
/// Longer reasons are cut, as the API takes no more.
const REASON_CHARACTERS: usize = 1024;

/// One `SubmitTaskStateChange`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskStateChange {
    /// Long ARN.
    pub task_arn: String,
    /// `None`: news of attachments only.
    pub status: Option<Status>,
    /// Why the task failed.
    pub reason: Option<String>,
    /// Containers with news.
    pub containers: Vec<ContainerStateChange>,
    /// Attachments that are now ATTACHED.
    pub attached: Vec<String>,
    /// When the first pull began.
    pub pull_started_at: Option<Timestamp>,
    /// When the last pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// When the first essential container ended.
    pub execution_stopped_at: Option<Timestamp>,
}

/// News of one container.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerStateChange {
    /// Name in the task definition.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// Set once it was started.
    pub runtime_id: Option<String>,
    /// Set once its process ended.
    pub exit_code: Option<i32>,
    /// Why it failed.
    pub reason: Option<String>,
    /// Digest of the image manifest.
    pub image_digest: Option<String>,
    /// Ports published on the host.
    pub network_bindings: Vec<PortMapping>,
}

/// A state change on its way.
#[derive(Debug)]
pub struct Submission {
    /// What to say.
    pub change: TaskStateChange,
    /// Answered once the control plane has acknowledged it, or will never take it.
    pub acknowledged: oneshot::Sender<()>,
}

/// Hands a state change over and waits until it is acknowledged; for ever, if delivery has ended.
pub async fn submit(queue: mpsc::Sender<Submission>, change: TaskStateChange) {
    let (acknowledged, answer) = oneshot::channel();
    if queue.send(Submission { change, acknowledged }).await.is_err() || answer.await.is_err() {
        std::future::pending().await
    }
}

/// The full text of a report.
pub fn state_change(task: &Task, state: &TaskState, report: &Report) -> TaskStateChange {
    let containers = report.containers.iter().map(|(index, status)| {
        let known = &state.containers[*index];
        let is_stopped = *status == Status::Stopped;
        ContainerStateChange {
            name: task.containers[*index].spec.name.clone(),
            status: *status,
            runtime_id: known.started.as_ref().map(|it| it.runtime_id.clone()),
            exit_code: known.exit.as_ref().filter(|_| is_stopped).map(|it| it.exit_code),
            reason: known.reason.as_deref().filter(|_| is_stopped).map(cut),
            image_digest: match &known.image {
                Image::Present(image) => image.manifest_digest.clone(),
                Image::Absent | Image::Pulling => None,
            },
            network_bindings: known
                .started
                .as_ref()
                .map(|it| it.port_mappings.clone())
                .unwrap_or_default(),
        }
    });
    let is_stopped = report.status == Status::Stopped;
    let is_running = report.status == Status::Running && state.acknowledged < Status::Running;
    TaskStateChange {
        task_arn: task.arn.clone(),
        status: Some(report.status),
        reason: state.reason.as_deref().filter(|_| is_stopped).map(cut),
        containers: containers.collect(),
        attached: task
            .attachment_arn
            .iter()
            .filter(|_| is_running)
            .cloned()
            .collect(),
        pull_started_at: state.pull_started_at,
        pull_stopped_at: state.pull_stopped_at,
        execution_stopped_at: state.execution_stopped_at.filter(|_| is_stopped),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(REASON_CHARACTERS).collect()
}
