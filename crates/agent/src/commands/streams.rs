//! Streams into tasks: to a port, or files. Ordered as commands are, over the session; carried over a websocket of their
//! own.

use std::path::PathBuf;
use std::sync::Arc;

use api::{acs, gantry};
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;
use wire::stream_channel::StreamMessage;

use super::Commands;
use crate::host::{StreamSpec, StreamTarget};
use crate::streams::{carry, refuse};
use crate::tasks::task::task_id;

#[cfg(test)]
mod tests;

/// A stream to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOrder {
    /// Id of the session.
    pub session_id: String,
    /// Shows the control plane that it was this agent that was asked.
    pub token: String,
    /// Where to.
    pub stream: StreamSpec,
}

impl StreamOrder {
    /// Reads a message; `None` if something is missing.
    pub fn read(message: acs::OpenStreamMessage) -> Option<Self> {
        let target = wire::json::decode(message.target?.as_bytes()).ok()?;
        Some(Self {
            session_id: message.session_id?,
            token: message.token?,
            stream: StreamSpec {
                task_id: task_id(&message.task_arn?).to_owned(),
                container: message.container_name?,
                target: read_target(target)?,
            },
        })
    }
}

/// Exactly one of the members says where to.
fn read_target(target: gantry::StreamTarget) -> Option<StreamTarget> {
    match (target.port, target.read_files, target.write_files) {
        (Some(port), None, None) => {
            let port = u16::try_from(port).ok().filter(|it| *it > 0)?;
            Some(StreamTarget::Port(port))
        }
        (None, Some(files), None) => Some(StreamTarget::ReadFiles {
            path: PathBuf::from(files.path),
            follow_link: files.follow_link.unwrap_or_default(),
        }),
        (None, None, Some(files)) => Some(StreamTarget::WriteFiles {
            path: PathBuf::from(files.path),
            name: files.name.unwrap_or_default(),
            contents_only: files.contents_only.unwrap_or_default(),
            keep_owners: files.keep_owners.unwrap_or_default(),
        }),
        _ => None,
    }
}

impl Commands {
    /// Begins a stream and returns. What comes of it is told over its own websocket.
    pub fn stream(self: &Arc<Self>, order: StreamOrder) {
        let Ok(place) = Arc::clone(&self.stream_places).try_acquire_owned() else {
            tracing::warn!(
                session = order.session_id,
                "too many streams are open: one more is left out"
            );
            return;
        };
        let commands = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = commands.shutdown.cancelled() => {}
                () = commands.serve_stream(&order) => {}
            }
            drop(place);
        });
    }

    async fn serve_stream(&self, order: &StreamOrder) {
        let Some(mut socket) = self.dial(&order.session_id, &order.token).await else {
            return;
        };
        let stream = match self.host.open_stream(&order.stream).await {
            Ok(stream) => stream,
            Err(error) => return refuse(socket, &error.0).await,
        };
        let opened = Message::binary(StreamMessage::Opened.encode());
        if socket.send(opened).await.is_err() {
            return;
        }
        if let Err(broken) = carry(socket, stream).await {
            tracing::debug!(session = order.session_id, %broken, "a stream is over");
        }
    }
}
