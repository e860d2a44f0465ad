//! Accepting connections.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use domain::load_balancer::LoadBalancerKind;
use rustix::net::{SocketFlags, acceptfrom_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;

use crate::l4;
use crate::l7;
use crate::l7::client_socket::ClientSocket;
use crate::site::Site;

/// How long accepting rests when the process has no more descriptors.
const REST: Duration = Duration::from_millis(20);

/// Accepts connections until the site closes.
pub(crate) async fn accept(site: Arc<Site>, listener: Arc<AsyncFd<OwnedFd>>) {
    // small writes must not wait for each other; connections have it from their listener
    if let Err(error) = rustix::net::sockopt::set_tcp_nodelay(listener.get_ref(), true) {
        tracing::debug!(%error, address = %site.address, "connections wait to fill packets");
    }
    loop {
        let accepted = tokio::select! {
            biased;
            () = site.closed.cancelled() => return,
            accepted = listener.async_io(Interest::READABLE, accept_one) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => begin(&site, stream, peer),
            Err(error) => {
                // connections that were reset before they were accepted, or too many open files
                tracing::debug!(%error, address = %site.address, "no connection accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// The next connection, which does not block, and where it comes from.
fn accept_one(listener: &OwnedFd) -> io::Result<(std::net::TcpStream, SocketAddr)> {
    let (socket, peer) = acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
    let peer = peer.ok_or(io::ErrorKind::NotConnected)?;
    Ok((socket.into(), SocketAddr::try_from(peer)?))
}

fn begin(site: &Arc<Site>, stream: std::net::TcpStream, peer: SocketAddr) {
    let Some(counted) = site.enter() else {
        tracing::debug!(address = %site.address, "as many connections as there may be");
        return;
    };
    // apart: a waiting connection of HTTP shall not hold room for the state of another kind
    match site.serving().plan.protocol.kind() {
        LoadBalancerKind::Application => {
            tokio::spawn(l7::connection::serve(counted, ClientSocket::new(stream), peer));
        }
        LoadBalancerKind::Network => {
            let site = site.clone();
            tokio::spawn(async move {
                let _counted = counted;
                if let Ok(stream) = TcpStream::from_std(stream) {
                    l4::tcp::serve(site, stream, peer).await;
                }
            });
        }
    }
}
