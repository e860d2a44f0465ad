//! A stream from its token to its end.

use std::sync::Arc;
use std::time::Duration;

use api::acs;
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use wire::stream_channel::StreamMessage;

use super::relay::relay;
use super::table::Wanted;
use crate::control_plane::ControlPlane;
use crate::sessions::{Order, Socket};

/// How long the user may take to show the token.
const TOKEN_DEADLINE: Duration = Duration::from_secs(15);
/// How long the agent may take to connect.
const JOIN_DEADLINE: Duration = Duration::from_secs(15);
/// How long the reason of a refusal may take to be taken.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(5);

/// Serves a websocket that has just been opened.
pub async fn run(control_plane: &Arc<ControlPlane>, session_id: &str, mut socket: Socket) {
    let Ok(Some(Ok(Message::Text(token)))) = timeout(TOKEN_DEADLINE, socket.next()).await else {
        return refuse(socket, "the token of the stream did not come").await;
    };
    let now = control_plane.clock.now();
    let (wanted, place) = match control_plane.streams.claim(session_id, token.as_str(), now) {
        Ok(Some(claimed)) => claimed,
        Ok(None) => {
            let text = "the stream is not there, or its token is not valid (any more)";
            return refuse(socket, text).await;
        }
        Err(refusal) => return refuse(socket, &refusal.to_string()).await,
    };
    tracing::info!(
        target: "audit",
        session = session_id,
        task = %wanted.task,
        container = wanted.container,
        caller = wanted.caller,
        to = describe(&wanted),
        "a stream into a task begins"
    );
    match join(control_plane, session_id, &wanted).await {
        Ok(agent) => relay(socket, agent).await,
        Err(reason) => refuse(socket, &reason).await,
    }
    tracing::info!(target: "audit", session = session_id, "a stream into a task is over");
    drop(place);
}

fn describe(wanted: &Wanted) -> String {
    let target = &wanted.target;
    match (target.port, &target.read_files, &target.write_files) {
        (Some(port), ..) => format!("port {port}"),
        (_, Some(files), _) => format!("read {}", files.path),
        (.., Some(files)) => format!("write {}", files.path),
        _ => String::new(),
    }
}

/// Asks the agent for its end.
async fn join(control_plane: &ControlPlane, session_id: &str, wanted: &Wanted) -> Result<Socket, String> {
    let executions = &control_plane.executions;
    let expected = executions.expect(session_id, &wanted.host_id);
    let (token, arrival) = expected.map_err(|it| it.to_string())?;
    let target = String::from_utf8(wire::json::encode(&wanted.target)).map_err(|it| it.to_string())?;
    let message = acs::OpenStreamMessage {
        message_id: Some(uuid::Uuid::new_v4().to_string()),
        session_id: Some(session_id.to_owned()),
        token: Some(token),
        task_arn: Some(wanted.task.to_string()),
        container_name: Some(wanted.container.clone()),
        target: Some(target),
    };
    if control_plane
        .sessions
        .order(&wanted.host_id, Order::Stream(message))
        && let Ok(Ok(socket)) = timeout(JOIN_DEADLINE, arrival).await
    {
        return Ok(socket);
    }
    executions.forget(session_id);
    Err("the agent of the task's container instance cannot be reached".to_owned())
}

async fn refuse(mut socket: Socket, reason: &str) {
    let closing = async {
        let message = Message::binary(StreamMessage::Failed(reason).encode());
        let _ = socket.send(message).await;
        let _ = socket.close(None).await;
    };
    let _ = timeout(REFUSAL_DEADLINE, closing).await;
}
