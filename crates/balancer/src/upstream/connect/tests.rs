//! How long a connection is tried.

use std::net::{Ipv4Addr, SocketAddr, TcpStream as StdStream};

use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

use super::*;

/// A socket that takes no connection any more, with what fills its queue.
fn full() -> (Socket, SocketAddr, Vec<StdStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    socket.bind(&any.into()).expect("bound");
    socket.listen(0).expect("listens");
    let address = socket.local_addr().expect("an address");
    let address = address.as_socket().expect("of IPv4");
    let within = Duration::from_millis(200);
    let fill = std::iter::from_fn(|| StdStream::connect_timeout(&address, within).ok());
    let held = fill.take(16).collect();
    (socket, address, held)
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_silent_to_a_client_is_given_up_soon() {
    let (_socket, address, held) = full();
    assert!(held.len() < 16, "the queue has an end");
    for (from, seconds) in [
        (Source::Client((Ipv4Addr::new(127, 0, 0, 2), 4000).into()), 3),
        (Source::Node(Ipv4Addr::new(127, 0, 0, 2).into()), 10),
    ] {
        let began = Instant::now();
        let fault = connect(from, address, None).await.err();
        assert!(matches!(fault, Some(ConnectFault::Timeout)), "{fault:?}");
        assert_eq!(began.elapsed().as_secs(), seconds, "{from:?}");
    }
}
