//! Connections: messages one after the other, each with its length before it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Place, Step, Transport};

/// How long a client may take to begin to ask, the first time and then again.
const IDLE: Duration = Duration::from_secs(10);
/// How long it may take to say a message, and to take one.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(5);
/// Pause after a failed accept, such as for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Makes a listener one of tokio's.
pub fn open(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Answers who connects. With too many connections, new ones are closed at once.
pub async fn serve(place: Arc<Place>, listener: TcpListener, stop: CancellationToken) {
    loop {
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(vpc = place.site.vpc_id, %error, "a connection was lost");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let client = place.own(client.ip());
        let share = client.and_then(|it| place.connections.take(it));
        let (Some(client), Some(share)) = (client, share) else {
            continue;
        };
        let (place, stop) = (Arc::clone(&place), stop.clone());
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            let ended = connection(&place, stream, client).await;
            tracing::trace!(?ended, "a connection has ended");
            drop(share);
        }));
    }
}

async fn connection(place: &Place, mut stream: TcpStream, client: Ipv4Addr) -> io::Result<()> {
    loop {
        let count = timeout(IDLE, stream.read_u16()).await??;
        let mut packet = vec![0; usize::from(count)];
        timeout(MESSAGE_DEADLINE, stream.read_exact(&mut packet)).await??;
        if place.admitted(client.into()).is_none() {
            return Ok(());
        }
        let answer = match place.step(&packet, client, Transport::Tcp) {
            Step::Answer(answer) => answer,
            Step::Ask(pending) => place.finish(*pending).await,
            Step::Nothing => return Ok(()),
        };
        let count = u16::try_from(answer.len()).map_err(io::Error::other)?;
        let framed = [count.to_be_bytes().as_slice(), &answer].concat();
        timeout(MESSAGE_DEADLINE, stream.write_all(&framed)).await??;
    }
}
