//! Hands messages on between two websockets. Each direction has one message in hand and reads the next when that one
//! is taken, so that whoever reads slowly holds up who writes.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::sessions::Socket;

/// How often one who is told nothing is told that the other is there.
const PING: Duration = Duration::from_secs(30);
/// How long a message may take to be taken.
const SEND_DEADLINE: Duration = Duration::from_secs(20 * 60);
/// How long the reason of an end may take to come when nothing is taken any more.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long the closes may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// How one direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// Nothing more comes.
    Closed,
    /// Nothing more is taken.
    NotTaken,
}

/// Hands on until one closes; then the other is closed. On the left is the user, on the right the agent.
pub async fn relay(left: Socket, right: Socket) {
    let (mut to_left, mut from_left) = left.split();
    let (mut to_right, mut from_right) = right.split();
    let back = hand_on(&mut from_right, &mut to_left);
    let mut back = Box::pin(back);
    let over = tokio::select! {
        over = hand_on(&mut from_left, &mut to_right) => Some(over),
        _ = back.as_mut() => None,
    };
    if over == Some(Over::NotTaken) {
        // Whoever takes nothing any more may have said why.
        let _ = timeout(LAST_WORDS, back.as_mut()).await;
    }
    drop(back);
    let closing = async {
        // They are over either way.
        let _ = tokio::join!(to_left.close(), to_right.close());
    };
    let _ = timeout(CLOSE_DEADLINE, closing).await;
}

async fn hand_on(from: &mut SplitStream<Socket>, to: &mut SplitSink<Socket, Message>) -> Over {
    loop {
        let message = match timeout(PING, from.next()).await {
            Ok(Some(Ok(Message::Binary(bytes)))) => Message::Binary(bytes),
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return Over::Closed,
            Ok(Some(Ok(_))) => continue,
            Err(_) => Message::Ping(Vec::new().into()),
        };
        if !matches!(timeout(SEND_DEADLINE, to.send(message)).await, Ok(Ok(()))) {
            return Over::NotTaken;
        }
    }
}
