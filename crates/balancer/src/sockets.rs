//! Where listening sockets come from.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use async_trait::async_trait;
use parking_lot::Mutex;
use rustix::net::{SocketType, getsockname, sockopt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has the runtime tell when there is something to read or accept. Needs a tokio runtime around it.
///
/// # Errors
/// The kernel watches no more descriptors.
pub(crate) fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(unsafe_code, reason = "tokio has no other way to watch a descriptor")]
    // SAFETY: it is open, owned by nobody else, and never closed but with what it is registered as
    let watched = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
    Ok(watched?)
}

/// Gives bound sockets. An agent that alone may configure a host's network hands them over; [`BindingSockets`] binds by
/// itself.
#[async_trait]
pub trait SocketSource: Send + Sync + 'static {
    /// A socket that listens for connections.
    ///
    /// # Errors
    /// Whatever binding says, such as that the port is taken.
    async fn connections(&self, address: SocketAddr) -> io::Result<std::net::TcpListener>;

    /// A socket that takes datagrams.
    ///
    /// # Errors
    /// Whatever binding says.
    async fn datagrams(&self, address: SocketAddr) -> io::Result<std::net::UdpSocket>;
}

/// Binds sockets in this process's own network.
#[derive(Debug, Default, Clone, Copy)]
pub struct BindingSockets;

#[async_trait]
impl SocketSource for BindingSockets {
    async fn connections(&self, address: SocketAddr) -> io::Result<std::net::TcpListener> {
        std::net::TcpListener::bind(address)
    }

    async fn datagrams(&self, address: SocketAddr) -> io::Result<std::net::UdpSocket> {
        std::net::UdpSocket::bind(address)
    }
}

/// Sockets that another process has listened on, and others that are bound when they are asked for.
#[derive(Debug, Default)]
pub struct InheritedSockets(Mutex<HashMap<(SocketAddr, SocketType), OwnedFd>>);

impl InheritedSockets {
    /// Takes sockets over; those that are no IP sockets are closed.
    pub fn new(sockets: Vec<OwnedFd>) -> Self {
        let known = sockets.into_iter().filter_map(|it| {
            let address = SocketAddr::try_from(getsockname(&it).ok()?).ok()?;
            Some(((address, sockopt::socket_type(&it).ok()?), it))
        });
        Self(Mutex::new(known.collect()))
    }

    /// Closes those that nobody has asked for.
    pub fn close_others(&self) {
        self.0.lock().clear();
    }

    fn take(&self, address: SocketAddr, kind: SocketType) -> Option<OwnedFd> {
        self.0.lock().remove(&(address, kind))
    }
}

#[async_trait]
impl SocketSource for InheritedSockets {
    async fn connections(&self, address: SocketAddr) -> io::Result<std::net::TcpListener> {
        match self.take(address, SocketType::STREAM) {
            Some(socket) => Ok(socket.into()),
            None => BindingSockets.connections(address).await,
        }
    }

    async fn datagrams(&self, address: SocketAddr) -> io::Result<std::net::UdpSocket> {
        match self.take(address, SocketType::DGRAM) {
            Some(socket) => Ok(socket.into()),
            None => BindingSockets.datagrams(address).await,
        }
    }
}
