//! Delivers state changes: at least once, several tasks at a time, one at a time for each task.

use std::sync::Arc;
use std::time::Duration;

use api::ecs;
use domain::ids::Ids;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::client::ClientError;

use crate::backoff::{Backoff, random};
use crate::control_plane::{CallError, ControlPlane};
use crate::host::PortMapping;
use crate::tasks::record::protocol;
use crate::tasks::state::Status;
use crate::tasks::state_change::{ContainerStateChange, Submission, TaskStateChange};

/// Calls at the same time.
const CONCURRENT_CALLS: usize = 16;
/// A change that could not be delivered for so long is given up, as Amazon's agent gives it up.
const PATIENCE: Duration = Duration::from_secs(72 * 3600);
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(5),
    factor: 2.0,
    jitter: 0.5,
};

/// Delivers what comes out of the queue until shutdown. Each task has at most one change in the queue.
pub async fn deliver(
    control_plane: Arc<ControlPlane>,
    cluster: String,
    ids: Arc<Ids>,
    mut queue: mpsc::Receiver<Submission>,
    shutdown: CancellationToken,
) {
    let calls = Arc::new(Semaphore::new(CONCURRENT_CALLS));
    let mut deliveries = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            Some(_) = deliveries.join_next() => {}
            submission = queue.recv() => {
                let Some(submission) = submission else { return };
                let (control_plane, calls, ids) = (control_plane.clone(), calls.clone(), ids.clone());
                let input = input(&cluster, &submission.change);
                deliveries.spawn(async move {
                    until_acknowledged(&control_plane, &calls, &ids, &input).await;
                    // Nobody waits any more if the worker has left.
                    let _ = submission.acknowledged.send(());
                });
            }
        }
    }
}

async fn until_acknowledged(
    control_plane: &ControlPlane,
    calls: &Semaphore,
    ids: &Ids,
    input: &ecs::SubmitTaskStateChangeInput,
) {
    let task = input.task.as_deref().unwrap_or_default();
    let begun = Instant::now();
    for failures in 1.. {
        let result = {
            let _permit = calls.acquire().await;
            control_plane.call::<ecs::SubmitTaskStateChange>(input).await
        };
        match result {
            Ok(_) => {
                tracing::debug!(task, status = input.status, "state change acknowledged");
                return;
            }
            Err(CallError::Answer(ClientError::Service(ecs::Error::InvalidParameterException(error)))) => {
                tracing::error!(
                    task,
                    ?error,
                    "the control plane will never take this state change"
                );
                return;
            }
            Err(error) if begun.elapsed() >= PATIENCE => {
                tracing::error!(task, %error, "giving up a state change");
                return;
            }
            Err(error) => {
                let pause = BACKOFF.pause(failures, random(ids));
                tracing::warn!(task, %error, ?pause, "state change not delivered yet");
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// The input of the call that tells of a change.
pub fn input(cluster: &str, change: &TaskStateChange) -> ecs::SubmitTaskStateChangeInput {
    let attachments = change.attached.iter().map(|arn| ecs::AttachmentStateChange {
        attachment_arn: arn.clone(),
        status: "ATTACHED".to_owned(),
    });
    ecs::SubmitTaskStateChangeInput {
        attachments: Some(attachments.collect::<Vec<_>>()).filter(|it| !it.is_empty()),
        cluster: Some(cluster.to_owned()),
        containers: Some(change.containers.iter().map(container).collect()),
        execution_stopped_at: change.execution_stopped_at,
        managed_agents: None,
        pull_started_at: change.pull_started_at,
        pull_stopped_at: change.pull_stopped_at,
        reason: change.reason.clone(),
        status: change.status.map(|it| word(it).to_owned()),
        task: Some(change.task_arn.clone()),
    }
}

fn container(change: &ContainerStateChange) -> ecs::ContainerStateChange {
    let bindings = change.network_bindings.iter().map(binding);
    ecs::ContainerStateChange {
        container_name: Some(change.name.clone()),
        exit_code: change.exit_code,
        image_digest: change.image_digest.clone(),
        network_bindings: Some(bindings.collect::<Vec<_>>()).filter(|it| !it.is_empty()),
        reason: change.reason.clone(),
        runtime_id: change.runtime_id.clone(),
        status: Some(word(change.status).to_owned()),
    }
}

/// A range is told as two ranges, and not by its first ports.
fn binding(it: &PortMapping) -> ecs::NetworkBinding {
    let range = |first: u16| format!("{first}-{}", first.saturating_add(it.following));
    let is_range = it.following > 0;
    let port = |it: u16| (!is_range).then(|| i32::from(it));
    ecs::NetworkBinding {
        bind_ip: Some("0.0.0.0".to_owned()),
        container_port: port(it.container_port),
        host_port: port(it.host_port),
        container_port_range: is_range.then(|| range(it.container_port)),
        host_port_range: is_range.then(|| range(it.host_port)),
        protocol: Some(ecs::TransportProtocol::from(protocol(it.protocol))),
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Pending => "PENDING",
        Status::Running => "RUNNING",
        Status::Stopped => "STOPPED",
    }
}
