//! Telemetry sockets: each publication is acknowledged, which keeps the agent's watchdog content. What they publish is
//! not kept yet: no operation reads metrics or health.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::upgrade::Socket;

/// Agents publish every 20 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(180);

/// Serves the socket until either side ends it.
pub async fn run(mut socket: Socket, shutdown: CancellationToken) {
    loop {
        let message = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            message = tokio::time::timeout(SILENCE_MAX, socket.next()) => message,
        };
        let Ok(Some(Ok(message))) = message else { break };
        let Message::Text(text) = message else { continue };
        if let Some(answer) = answer(text.as_str())
            && socket.send(Message::text(answer)).await.is_err()
        {
            break;
        }
    }
    let _ = socket.close(None).await;
}

/// Agents put signed header lines and an empty line before the message.
fn answer(frame: &str) -> Option<String> {
    let text = frame.split_once("\r\n\r\n").map_or(frame, |(_, message)| message);
    let message: Value = serde_json::from_str(text).ok()?;
    let kind = match message["type"].as_str()? {
        "PublishMetricsRequest" => "AckPublishMetric",
        "PublishHealthRequest" => "AckPublishHealth",
        "PublishInstanceStatusRequest" => "AckPublishInstanceStatus",
        _ => return None,
    };
    Some(json!({ "type": kind, "message": { "message": "ok" } }).to_string())
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn publications_are_acknowledged_behind_their_signature() {
        let frame = "Authorization: AWS4-HMAC-SHA256 x\r\nHost: h\r\n\r\n{\"type\":\"PublishHealthRequest\",\"message\":{}}";
        assert!(answer(frame).is_some_and(|it| it.contains("AckPublishHealth")));
        assert_eq!(answer("{\"type\":\"Other\",\"message\":{}}"), None);
        assert_eq!(answer("nonsense"), None);
    }
}
