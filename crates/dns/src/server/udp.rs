//! Packets.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::{Place, Step, Transport};

/// No question is longer.
const PACKET_MAX: usize = 4096;
/// After an error of a socket, such as for want of memory.
const PAUSE: Duration = Duration::from_millis(10);

/// Makes a socket one of tokio's.
pub fn open(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// Answers what arrives. What is known is answered at once; who waits for others holds nobody up.
pub async fn serve(place: Arc<Place>, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let mut buffer = vec![0; PACKET_MAX];
    loop {
        let (count, client) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                // Also that an answer did not reach its client.
                tracing::debug!(vpc = place.site.vpc_id, %error, "nothing was received");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(address) = place.admitted(client.ip()) else {
            continue;
        };
        let Some(packet) = buffer.get(..count) else {
            continue;
        };
        match place.step(packet, address, Transport::Udp) {
            // One that cannot be sent now is lost, as any packet may be: the client asks again.
            Step::Answer(answer) => _ = socket.try_send_to(&answer, client),
            Step::Ask(pending) => {
                let (place, socket) = (Arc::clone(&place), Arc::clone(&socket));
                tokio::spawn(async move {
                    let answer = place.finish(*pending).await;
                    let _sent = socket.try_send_to(&answer, client);
                });
            }
            Step::Nothing => {}
        }
    }
}
