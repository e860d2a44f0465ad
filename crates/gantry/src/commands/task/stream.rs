//! Opening a stream into a task: asked for at the API, then opened over a websocket.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::gantry;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use wire::stream_channel::StreamMessage;

use crate::client::ask;
use crate::keys::Key;
use crate::plugin;
use crate::running::Running;

/// How long connecting may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(15);
/// How long the agent may take to open the stream; the control plane gives up before.
const OPEN_DEADLINE: Duration = Duration::from_secs(45);

/// A Gantry that serves, and the key for it.
pub struct Reach {
    /// The Gantry.
    pub running: Running,
    /// Its root key.
    pub key: Key,
}

/// What was agreed on, before the stream is opened.
pub struct Agreed {
    /// Id of the task.
    pub task: String,
    /// Name of the container.
    pub container: String,
    url: String,
    token: String,
}

impl Reach {
    /// Asks for a stream, which is good for a minute.
    ///
    /// # Errors
    /// [`crate::client::Refused`] if there is none.
    pub async fn ask(&self, input: &gantry::OpenTaskStreamInput) -> Result<Agreed> {
        let output = ask::<gantry::OpenTaskStream>(&self.running, &self.key, input).await?;
        let arn = output.task_arn.unwrap_or_default();
        Ok(Agreed {
            task: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            container: output.container_name.unwrap_or_default(),
            url: output.stream_url.context("the answer has no stream")?,
            token: output.token_value.context("the answer has no token")?,
        })
    }
}

/// Opens a stream that was agreed on.
///
/// # Errors
/// Why there is none, in the words of the agent.
pub async fn open(agreed: &Agreed) -> Result<WebSocketStream<TcpStream>> {
    let connected = timeout(CONNECT_DEADLINE, plugin::connect(&agreed.url)).await;
    let mut socket = connected.context("no connection in time")??;
    let token = Message::text(agreed.token.clone());
    let opening = async {
        socket.send(token).await?;
        loop {
            match socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => bail!("the control plane closed the connection"),
            }
        }
    };
    let first = timeout(OPEN_DEADLINE, opening).await;
    let first = first.context("the agent did not open the stream in time")??;
    match StreamMessage::decode(&first) {
        Ok(StreamMessage::Opened) => Ok(socket),
        Ok(StreamMessage::Failed(reason)) => bail!("{reason}"),
        _ => bail!("the agent does not open the stream"),
    }
}
