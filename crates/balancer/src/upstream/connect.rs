//! Making connections to targets, in the clear or within TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long making a connection may take, as Amazon's do.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The same with the address of a client, before TLS: it is the client that hears when a target is not there, and the
/// target sits in the same VPC. Lost packets are sent again within this time.
const CLIENT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a port is looked for on the address that a connection shall come from.
const TRIES: usize = 4;

/// Where a connection to a target comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// Any address of this host.
    Any,
    /// This address, at any port: that of the node that connects, if it is not the only one.
    Node(IpAddr),
    /// This address and port, which are a client's.
    Client(SocketAddr),
}

/// A connection to a target.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFault {
    #[error("no connection in time")]
    Timeout,
    #[error("no connection: {0}")]
    Refused(io::Error),
    #[error("no TLS: {0}")]
    Tls(io::Error),
}

/// Connects. `tls` is how to speak TLS, if that is spoken.
pub(crate) async fn connect(
    from: Source,
    address: SocketAddr,
    tls: Option<&Arc<rustls::ClientConfig>>,
) -> Result<Stream, ConnectFault> {
    let made = tokio::time::timeout(CONNECT_TIMEOUT, async {
        let plain = plain(from, address).await.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => ConnectFault::Timeout,
            _ => ConnectFault::Refused(error),
        })?;
        // small writes must not wait for each other
        let _ = plain.set_nodelay(true);
        let Some(tls) = tls else {
            return Ok(Stream::Plain(plain));
        };
        let name = ServerName::IpAddress(address.ip().into());
        let secure = TlsConnector::from(tls.clone()).connect(name, plain).await;
        secure
            .map(|it| Stream::Tls(Box::new(it)))
            .map_err(ConnectFault::Tls)
    });
    made.await.unwrap_or(Err(ConnectFault::Timeout))
}

/// An address of a node that has no port left, or is not this host's, is no reason not to connect. With a client's there
/// is no other way: the target is promised to see it.
async fn plain(from: Source, address: SocketAddr) -> io::Result<TcpStream> {
    let from = match from {
        Source::Client(client) => {
            let socket = client_socket(Type::STREAM, client)?;
            let connecting = TcpSocket::from_std_stream(socket.into()).connect(address);
            return tokio::time::timeout(CLIENT_CONNECT_TIMEOUT, connecting).await?;
        }
        Source::Node(from) if from.is_ipv4() == address.is_ipv4() => from,
        Source::Node(_) | Source::Any => return TcpStream::connect(address).await,
    };
    for _ in 0..TRIES {
        let Ok(socket) = bound(from) else { break };
        match socket.connect(address).await {
            // the port leads to this target already
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
            connected => return connected,
        }
    }
    TcpStream::connect(address).await
}

/// A socket at some port, which it may share with those that lead elsewhere: there are as many for each target then.
fn bound(from: IpAddr) -> io::Result<TcpSocket> {
    let socket = match from {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(from, 0))?;
    Ok(socket)
}

/// A socket with the address and port of a client, which are not this host's. The client may have connections to several
/// addresses of this load balancer, each of which leads to another target.
///
/// # Errors
/// This process may not do so, or what else the kernel says.
pub(crate) fn client_socket(kind: Type, client: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(client), kind, None)?;
    socket.set_ip_transparent_v4(true)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&client.into())?;
    Ok(socket)
}

impl Stream {
    /// What was agreed on within TLS.
    pub(crate) fn speaks_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests;
