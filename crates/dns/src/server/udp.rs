//! Packets: many with each call, where many wait.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{Pending, Place, Step, Transport, Turn};

mod datagrams;

use datagrams::{Inbox, Outbox};

/// After an error of a socket, such as for want of memory.
const PAUSE: Duration = Duration::from_millis(10);
/// How long answers wait for room to be sent; then they are lost, as any packet may be, and their clients ask again.
const SEND_DEADLINE: Duration = Duration::from_millis(10);

/// Makes a socket one of tokio's.
pub fn open(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
    if !socket.local_addr()?.is_ipv4() {
        return Err(io::Error::other("an address that is none of IPv4"));
    }
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// Answers what arrives. What is known is answered at once; who waits for others holds nobody up.
pub async fn serve(place: Arc<Place>, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
    loop {
        let may_have_more = match receive(&socket, &mut inbox).await {
            Ok(may_have_more) => may_have_more,
            Err(error) => {
                tracing::debug!(vpc = place.site.vpc_id, %error, "nothing was received");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        for (pending, client) in answer(&place, &mut inbox, &mut outbox) {
            let (place, socket) = (Arc::clone(&place), Arc::clone(&socket));
            tokio::spawn(async move {
                let answer = place.finish(pending).await;
                let _sent = socket.try_send_to(&answer, client.into());
            });
        }
        send(&socket, &mut outbox).await;
        if may_have_more {
            // Others have their turn, however much is asked here.
            tokio::task::yield_now().await;
        }
    }
}

/// Takes what waits, or what comes next; says whether more may wait.
async fn receive(socket: &UdpSocket, inbox: &mut Inbox) -> io::Result<bool> {
    loop {
        socket.readable().await?;
        let mut received = false;
        let more = socket.try_io(Interest::READABLE, || {
            let may_have_more = inbox.receive(socket)?;
            received = true;
            match may_have_more {
                true => Ok(()),
                // The same call has found that nothing more waits: that is to be told when it changes.
                false => Err(io::ErrorKind::WouldBlock.into()),
            }
        });
        match more {
            _ if received => return Ok(more.is_ok()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
}

/// Answers those who may ask, all at the same time and out of the same names; says what others have to be asked.
fn answer(place: &Place, inbox: &mut Inbox, outbox: &mut Outbox) -> Vec<(Pending, SocketAddrV4)> {
    let names = place.shared.names.read();
    let mut turn = Turn::new(&names);
    place.admit(&turn, |is_admitted| inbox.retain(|it| is_admitted(*it.ip())));
    let mut pending = Vec::new();
    for (packet, client) in inbox.datagrams() {
        outbox.put(client, |out| {
            let step = place.step(&mut turn, packet, *client.ip(), Transport::Udp, out);
            if let Step::Ask(it) = step {
                pending.push((*it, client));
            }
        });
    }
    pending
}

/// Sends answers, those for which there is room within a deadline.
async fn send(socket: &UdpSocket, outbox: &mut Outbox) {
    if outbox.send(socket).is_ok() {
        return;
    }
    let sending = socket.async_io(Interest::WRITABLE, || outbox.send(socket));
    let in_time = timeout(SEND_DEADLINE, sending).await;
    if !matches!(in_time, Ok(Ok(()))) {
        tracing::debug!("answers were lost: there is no room to send them");
        outbox.clear();
    }
}
