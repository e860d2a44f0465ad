//! Connections: messages one after the other, each with its length before it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Place, Step, Transport, Turn};

/// How long a client may take to begin to ask, the first time and then again.
const IDLE: Duration = Duration::from_secs(10);
/// How long it may take to say a message, and to take one.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(5);
/// Of the length that goes before each message.
const LENGTH_BYTES: usize = 2;
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
        let mut framed = vec![0; LENGTH_BYTES];
        match answer(place, &packet, client, &mut framed) {
            Step::Answered => {}
            Step::Ask(pending) => framed.extend(place.finish(*pending).await),
            Step::Nothing => return Ok(()),
        }
        let count = u16::try_from(framed.len() - LENGTH_BYTES).map_err(io::Error::other)?;
        framed[..LENGTH_BYTES].copy_from_slice(&count.to_be_bytes());
        timeout(MESSAGE_DEADLINE, stream.write_all(&framed)).await??;
    }
}

fn answer(place: &Place, packet: &[u8], client: Ipv4Addr, out: &mut Vec<u8>) -> Step {
    let names = place.shared.names.read();
    let mut turn = Turn::new(&names);
    let mut is_admitted = false;
    place.admit(&turn, |may_ask| is_admitted = may_ask(client));
    match is_admitted {
        true => place.step(&mut turn, packet, client, Transport::Tcp, out),
        false => Step::Nothing,
    }
}
