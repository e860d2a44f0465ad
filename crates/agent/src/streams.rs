//! Carries a stream over a websocket, as either end does it: the agent for the task, the command line for its user.
//!
//! ```text
//!  input ◀── websocket: what the other end says     output ──▶ websocket: what this end says, then its end
//! ```

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use wire::stream_channel::{DATA_BYTES_MAX, StreamMessage};

use crate::host::{StreamError, TaskStream};

#[cfg(test)]
mod tests;

/// The control plane pings every 30 seconds; after so long without anything it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// How long a message may take to be taken. One who reads slowly holds the stream up until then.
const SEND_DEADLINE: Duration = Duration::from_secs(20 * 60);
/// How long the reason of an end may take to come when nothing is taken any more.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long the close may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// How a stream ended that was not carried to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The other end says why.
    #[error("{0}")]
    Failed(String),
    /// This end failed.
    #[error(transparent)]
    Here(#[from] StreamError),
    /// The connection is lost.
    #[error("the connection to the control plane is lost")]
    Lost,
}

/// Carries a stream until both ends have said all, and closes the websocket.
///
/// # Errors
/// [`Broken`]; the other end is told.
pub async fn carry<S>(socket: WebSocketStream<S>, stream: TaskStream) -> Result<(), Broken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let TaskStream { input, output, guard } = stream;
    let (mut sink, source) = socket.split();
    let all = All::default();
    let hearing = hear(source, input, &all);
    tokio::pin!(hearing);
    let ended = tokio::select! {
        broken = hearing.as_mut() => Err(broken),
        said = say(&mut sink, output, &all) => match said {
            // Whoever failed says why before it goes, and what it said may not have been heard yet.
            Err(Broken::Lost) => Err(timeout(LAST_WORDS, hearing).await.unwrap_or(Broken::Lost)),
            said => said,
        },
    };
    let ended = match ended {
        // The other end was the last to hear all, and has closed.
        Err(Broken::Lost) if all.is_over() => Ok(()),
        ended => ended,
    };
    drop(guard);
    // It is over either way.
    let _ = timeout(CLOSE_DEADLINE, sink.close()).await;
    ended
}

/// Tells why there is no stream, and closes the websocket.
pub async fn refuse<S>(mut socket: WebSocketStream<S>, reason: &str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let closing = async {
        let message = Message::binary(StreamMessage::Failed(reason).encode());
        let _ = socket.send(message).await;
        let _ = socket.close(None).await;
    };
    let _ = timeout(CLOSE_DEADLINE, closing).await;
}

/// What is over.
#[derive(Default)]
struct All {
    /// The other end has said all, or nobody takes any more of it.
    heard: CancellationToken,
    /// This end has.
    said: CancellationToken,
}

impl All {
    fn is_over(&self) -> bool {
        self.heard.is_cancelled() && self.said.is_cancelled()
    }
}

type Sink<S> = SplitSink<WebSocketStream<S>, Message>;

/// Takes what the other end says, and goes on listening when it has said all: that is how its going away is noticed.
async fn hear<S>(
    mut source: SplitStream<WebSocketStream<S>>,
    input: mpsc::Sender<bytes::Bytes>,
    all: &All,
) -> Broken
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut input = Some(input);
    loop {
        let bytes = match timeout(SILENCE_MAX, source.next()).await {
            Ok(Some(Ok(Message::Binary(bytes)))) => bytes,
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) | Err(_) => return Broken::Lost,
            Ok(Some(Ok(_))) => continue,
        };
        match StreamMessage::decode(&bytes) {
            Ok(StreamMessage::Data(_)) => {
                let Some(to) = &input else { continue };
                // The first byte is the kind of the message.
                if to.send(bytes.slice(1..)).await.is_err() {
                    input = None;
                    all.heard.cancel();
                }
            }
            Ok(StreamMessage::End) => {
                input = None;
                all.heard.cancel();
            }
            Ok(StreamMessage::Failed(reason)) => return Broken::Failed(reason.to_owned()),
            Ok(StreamMessage::Opened) => {}
            Err(error) => tracing::debug!(%error, "a message of a stream is dropped"),
        }
    }
}

/// Says what this end says, and waits for the other end to have said all.
async fn say<S>(
    sink: &mut Sink<S>,
    mut output: mpsc::Receiver<Result<bytes::Bytes, StreamError>>,
    all: &All,
) -> Result<(), Broken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(data) = output.recv().await {
        match data {
            Ok(data) => {
                for part in data.chunks(DATA_BYTES_MAX) {
                    send(sink, &StreamMessage::Data(part)).await?;
                }
            }
            Err(error) => {
                send(sink, &StreamMessage::Failed(&error.0)).await?;
                return Err(Broken::Here(error));
            }
        }
    }
    send(sink, &StreamMessage::End).await?;
    all.said.cancel();
    all.heard.cancelled().await;
    Ok(())
}

async fn send<S>(sink: &mut Sink<S>, message: &StreamMessage<'_>) -> Result<(), Broken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sent = timeout(SEND_DEADLINE, sink.send(Message::binary(message.encode()))).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        _ => Err(Broken::Lost),
    }
}
