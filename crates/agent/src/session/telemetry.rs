//! The TCS session: tells the control plane how healthy containers are, and how they last spoke.
//!
//! A frame upward is signed header lines, an empty line, and the message. There is a connection only while there is
//! something to tell.

use std::sync::Arc;
use std::time::Duration;

use api::acs;
use domain::clock::Clock;
use domain::ids::Ids;
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;

use super::connection::{close, closed, send};
use super::handshake::{CONNECT_DEADLINE, Ended, Socket, connect, signed};
use super::messages::encode;
use super::poll_endpoint::{Channel, PollEndpoint};
use crate::backoff::{Backoff, random};
use crate::config::AgentConfig;
use crate::control_plane::ControlPlane;
use crate::registration::Identity;
use crate::tasks::output::{ContainerOutput, TaskOutput};
use crate::tasks::state::HealthStatus;
use crate::tasks::{TaskHealth, Tasks};

/// Health is told again after this time, as Amazon's agent does it.
const INTERVAL: Duration = Duration::from_secs(20);
/// Tasks in one message.
const TASKS_MAX: usize = 10;
/// A connection that hears nothing for so long is given up: each message is acknowledged.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// A connection is renewed after this time.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
const RECONNECT: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
    factor: 2.0,
    jitter: 0.2,
};

/// All that the session needs.
pub struct Telemetry {
    /// The configuration.
    pub config: AgentConfig,
    /// For signatures and calls.
    pub control_plane: Arc<ControlPlane>,
    /// From the registration.
    pub identity: Identity,
    /// Whose health it is.
    pub tasks: Arc<Tasks>,
    /// For message ids and jitter.
    pub ids: Arc<Ids>,
    /// For the times of messages.
    pub clock: Arc<dyn Clock>,
    /// The agent ends.
    pub shutdown: CancellationToken,
}

impl Telemetry {
    /// Tells what there is to tell until shutdown.
    pub async fn run(&self, mut outputs: mpsc::Receiver<TaskOutput>) {
        let mut endpoint = PollEndpoint::new(Channel::Telemetry);
        let mut failures = 0;
        let mut waiting = None;
        loop {
            if waiting.is_none() && self.tasks.health().is_empty() {
                tokio::select! {
                    biased;
                    () = self.shutdown.cancelled() => return,
                    output = outputs.recv() => waiting = output,
                    () = self.tasks.health_news() => {}
                }
                continue;
            }
            let ended = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                it = self.connection(&mut endpoint, &mut waiting, &mut outputs) => it,
            };
            let pause = match &ended {
                Ended::Shutdown => return,
                Ended::Closed => {
                    failures = 0;
                    Duration::ZERO
                }
                Ended::Silent | Ended::Inactive | Ended::Failed(_) => {
                    failures += 1;
                    RECONNECT.pause(failures, random(&self.ids))
                }
            };
            tracing::debug!(?ended, ?pause, "the telemetry session has ended");
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// One connection, as long as there is something to tell.
    async fn connection(
        &self,
        endpoint: &mut PollEndpoint,
        waiting: &mut Option<TaskOutput>,
        outputs: &mut mpsc::Receiver<TaskOutput>,
    ) -> Ended {
        let url = match endpoint.get(&self.control_plane, &self.identity).await {
            Ok(url) => url,
            Err(text) => return Ended::Failed(text),
        };
        let query = self.query();
        let mut socket = match timeout(CONNECT_DEADLINE, connect(&self.control_plane, &url, &query)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(ended)) => return ended,
            Err(_) => return Ended::Failed("no connection in time".to_owned()),
        };
        let renew_at = Instant::now() + LIFETIME;
        let mut silent_at = Instant::now() + SILENCE_MAX;
        let mut publish_at = Instant::now();
        loop {
            if let Some(output) = waiting.take() {
                let frame = encode("PublishOutputRequest", &output_message(&output));
                if !self.publish(&mut socket, &url, frame).await {
                    *waiting = Some(output);
                    return Ended::Failed("a message was not sent".to_owned());
                }
            }
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => {
                    close(socket, CloseCode::Away).await;
                    return Ended::Shutdown;
                }
                () = sleep_until(renew_at) => {
                    close(socket, CloseCode::Normal).await;
                    return Ended::Closed;
                }
                frame = socket.next() => match frame {
                    Some(Ok(Message::Close(frame))) => return closed(frame.as_ref()),
                    Some(Ok(_)) => silent_at = Instant::now() + SILENCE_MAX,
                    Some(Err(_)) | None => return Ended::Failed("the connection was torn".to_owned()),
                },
                output = outputs.recv() => *waiting = output,
                () = self.tasks.health_news() => publish_at = Instant::now(),
                () = sleep_until(publish_at) => {
                    publish_at = Instant::now() + INTERVAL;
                    let health = self.tasks.health();
                    if health.is_empty() {
                        close(socket, CloseCode::Normal).await;
                        return Ended::Closed;
                    }
                    for frame in self.health_frames(&health) {
                        if !self.publish(&mut socket, &url, frame).await {
                            return Ended::Failed("a message was not sent".to_owned());
                        }
                    }
                }
                () = sleep_until(silent_at) => return Ended::Silent,
            }
        }
    }

    fn health_frames(&self, health: &[TaskHealth]) -> Vec<String> {
        let message_id = self.ids.uuid();
        let count = health.len().div_ceil(TASKS_MAX);
        let frame = |(at, tasks): (usize, &[TaskHealth])| {
            let message = acs::PublishHealthRequest {
                metadata: Some(acs::MetricsMetadata {
                    cluster: Some(self.identity.cluster.clone()),
                    container_instance: Some(self.identity.container_instance_arn.clone()),
                    message_id: Some(message_id.clone()),
                    fin: Some(at + 1 == count),
                    ..acs::MetricsMetadata::default()
                }),
                tasks: Some(tasks.iter().map(|it| self.task(it)).collect()),
                timestamp: Some(seconds(self.clock.now())),
            };
            encode("PublishHealthRequest", &message)
        };
        health.chunks(TASKS_MAX).enumerate().map(frame).collect()
    }

    fn task(&self, it: &TaskHealth) -> acs::TaskHealth {
        let containers = it.containers.iter().map(|(name, health)| acs::ContainerHealth {
            container_name: Some(name.clone()),
            health_status: Some(word(health.status).to_owned()),
            status_message: Some(health.output.clone()),
            status_since: Some(seconds(health.since)),
        });
        acs::TaskHealth {
            cluster_arn: Some(self.identity.cluster.clone()),
            containers: Some(containers.collect()),
            task_arn: Some(it.arn.clone()),
            task_definition_family: Some(it.family.clone()),
            task_definition_version: Some(it.version.clone()),
        }
    }

    /// Whether a message was sent, behind the signature that the protocol asks for.
    async fn publish(&self, socket: &mut Socket, url: &str, message: String) -> bool {
        let Ok(parts) = signed(&self.control_plane, url, &self.query(), message.as_bytes()) else {
            return false;
        };
        let header = |name: &str| {
            let value = parts.headers.get(name).and_then(|it| it.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let frame = format!(
            "Authorization: {}\r\nX-Amz-Date: {}\r\nHost: {}\r\n\r\n{message}",
            header("authorization"),
            header("x-amz-date"),
            header("host"),
        );
        send(socket, frame).await
    }

    fn query(&self) -> [(&'static str, &str); 5] {
        [
            ("agentHash", "gantry"),
            ("agentVersion", &self.config.version),
            ("cluster", &self.identity.cluster),
            ("containerInstance", &self.identity.container_instance_arn),
            ("dockerVersion", "gantry"),
        ]
    }
}

fn output_message(it: &TaskOutput) -> acs::PublishOutputRequest {
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    let container = |it: &ContainerOutput| acs::ContainerOutput {
        container_name: Some(it.name.clone()),
        lines: Some(it.lines.clone()),
        started_at: millis(it.end.started_at),
        finished_at: millis(it.end.finished_at),
        stop_signalled_at: millis(it.end.stop_signalled_at),
        killed_at: millis(it.end.killed_at),
        restart_count: i32::try_from(it.end.restart_count).ok(),
    };
    acs::PublishOutputRequest {
        containers: Some(it.containers.iter().map(container).collect()),
        task_arn: Some(it.task_arn.clone()),
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_second() as f64 + f64::from(at.subsec_millisecond()) / 1000.0
}

fn word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Unknown => "UNKNOWN",
        HealthStatus::Healthy => "HEALTHY",
        HealthStatus::Unhealthy => "UNHEALTHY",
    }
}
