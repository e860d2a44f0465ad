//! Telemetry sockets: each publication is acknowledged, which keeps the agent's watchdog content. Health and last
//! output are noted in the state where they change; metrics are not kept yet, since no operation reads them.

use std::sync::Arc;
use std::time::Duration;

use api::acs;
use domain::task::{ContainerEnd, ContainerHealth, HealthStatus};
use domain::{ContainerInstanceArn, TaskArn, Timestamp};
use futures_util::{SinkExt, StreamExt};
use orchestrator::transitions::{self, ContainerOutput, HealthReport, OutputReport};
use serde_json::{Value, json};
use store::{Store, TransactError};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::upgrade::Socket;
use crate::control_plane::ControlPlane;

/// Agents publish every 20 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(180);

/// What an agent published.
#[derive(Debug)]
enum Publication {
    Health(Vec<HealthReport>),
    Output(OutputReport),
    /// To be acknowledged only.
    Other(&'static str),
}

/// Serves the socket until either side ends it.
pub async fn run(
    control_plane: Arc<ControlPlane>,
    instance: ContainerInstanceArn,
    mut socket: Socket,
    shutdown: CancellationToken,
) {
    loop {
        let message = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            message = tokio::time::timeout(SILENCE_MAX, socket.next()) => message,
        };
        let Ok(Some(Ok(message))) = message else { break };
        let Message::Text(text) = message else { continue };
        let Some(publication) = read(text.as_str()) else {
            continue;
        };
        let kind = match &publication {
            Publication::Health(_) => "AckPublishHealth",
            Publication::Output(_) => "AckPublishOutput",
            Publication::Other(kind) => kind,
        };
        if let Err(error) = note(&control_plane.store, instance.name(), publication).await {
            tracing::warn!(%error, container_instance = %instance, "what an agent published is not kept");
        }
        let answer = json!({ "type": kind, "message": { "message": "ok" } });
        if socket.send(Message::text(answer.to_string())).await.is_err() {
            break;
        }
    }
    let _ = socket.close(None).await;
}

async fn note(
    store: &Store,
    host_id: &str,
    publication: Publication,
) -> Result<(), TransactError<std::convert::Infallible>> {
    if matches!(publication, Publication::Other(_)) {
        return Ok(());
    }
    let host_id = host_id.to_owned();
    store
        .transact(move |tx| {
            match &publication {
                Publication::Health(reports) => transitions::observe_health(tx, &host_id, reports),
                Publication::Output(report) => transitions::observe_output(tx, &host_id, report),
                Publication::Other(_) => {}
            }
            Ok(())
        })
        .await
}

/// Agents put signed header lines and an empty line before the message.
fn read(frame: &str) -> Option<Publication> {
    let text = frame.split_once("\r\n\r\n").map_or(frame, |(_, message)| message);
    let frame: Value = serde_json::from_str(text).ok()?;
    let message = frame["message"].to_string();
    let message = message.as_bytes();
    Some(match frame["type"].as_str()? {
        "PublishHealthRequest" => {
            let request: acs::PublishHealthRequest = wire::json::decode(message).ok()?;
            Publication::Health(request.tasks.iter().flatten().filter_map(health).collect())
        }
        "PublishOutputRequest" => {
            let request: acs::PublishOutputRequest = wire::json::decode(message).ok()?;
            Publication::Output(output(request)?)
        }
        "PublishMetricsRequest" => Publication::Other("AckPublishMetric"),
        "PublishInstanceStatusRequest" => Publication::Other("AckPublishInstanceStatus"),
        _ => return None,
    })
}

fn health(task: &acs::TaskHealth) -> Option<HealthReport> {
    let container = |it: &acs::ContainerHealth| {
        let status = match it.health_status.as_deref() {
            Some("HEALTHY") => HealthStatus::Healthy,
            Some("UNHEALTHY") => HealthStatus::Unhealthy,
            _ => HealthStatus::Unknown,
        };
        let since = it
            .status_since
            .and_then(|it| Timestamp::from_millisecond((it * 1000.0) as i64).ok());
        let health = ContainerHealth {
            status,
            since,
            output: it.status_message.clone().unwrap_or_default(),
        };
        Some((it.container_name.clone()?, health))
    };
    Some(HealthReport {
        task: TaskArn::parse(task.task_arn.as_deref()?).ok()?,
        containers: task.containers.iter().flatten().filter_map(container).collect(),
    })
}

fn output(request: acs::PublishOutputRequest) -> Option<OutputReport> {
    let containers = request.containers.unwrap_or_default().into_iter();
    Some(OutputReport {
        task: TaskArn::parse(request.task_arn.as_deref()?).ok()?,
        containers: containers.filter_map(container_output).collect(),
    })
}

fn container_output(it: acs::ContainerOutput) -> Option<ContainerOutput> {
    let time = |millis: Option<i64>| Timestamp::from_millisecond(millis?).ok();
    let end = ContainerEnd {
        started_at: time(it.started_at),
        finished_at: time(it.finished_at),
        stop_signalled_at: time(it.stop_signalled_at),
        killed_at: time(it.killed_at),
        restart_count: it.restart_count.unwrap_or(0).try_into().unwrap_or(0),
    };
    Some(ContainerOutput {
        name: it.container_name?,
        lines: it.lines.unwrap_or_default(),
        end: (end != ContainerEnd::default()).then_some(end),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publications_are_read_behind_their_signature() {
        let task = "arn:aws:ecs:us-east-1:123456789012:task/lab/0123";
        let message = json!({ "type": "PublishHealthRequest", "message": { "tasks": [
            { "taskArn": task, "containers": [{ "containerName": "web", "healthStatus": "UNHEALTHY",
              "statusSince": 1.5, "statusMessage": "refused" }] },
            { "taskArn": "nonsense" },
        ] } });
        let frame = format!("Authorization: AWS4-HMAC-SHA256 x\r\nHost: h\r\n\r\n{message}");
        let Some(Publication::Health(reports)) = read(&frame) else {
            panic!("not read as health");
        };
        assert_eq!(reports.len(), 1);
        let (name, health) = &reports[0].containers[0];
        assert_eq!((name.as_str(), health.status), ("web", HealthStatus::Unhealthy));
        assert_eq!(health.since, Timestamp::from_millisecond(1500).ok());
        assert_eq!(health.output, "refused");
        let metrics = "{\"type\":\"PublishMetricsRequest\",\"message\":{}}";
        assert!(matches!(
            read(metrics),
            Some(Publication::Other("AckPublishMetric"))
        ));
        assert!(read("{\"type\":\"Other\",\"message\":{}}").is_none());
        assert!(read("nonsense").is_none());
    }
}
