//! Where listening sockets come from.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;

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
