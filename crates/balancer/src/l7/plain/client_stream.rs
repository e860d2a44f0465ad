//! A client's connection, as answers are written to it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::{SendFlags, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::l7::client_socket::ClientSocket;
use crate::tls::Opening;

/// What a client is read from and written to.
pub(crate) trait ClientStream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Writes the last part of the last answer and says how much of it fits. A socket that takes all of it ends.
    ///
    /// # Errors
    /// As writing has them.
    fn write_last(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(self).poll_write(cx, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Ok(0),
        }
    }

    /// Whether what comes next, or the end, is told without being asked for.
    fn is_watched(&self) -> bool {
        true
    }

    /// Has it told from now on.
    ///
    /// # Errors
    /// The kernel watches no more sockets.
    fn watch(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ClientStream for ClientSocket {
    /// The end goes out with the bytes: alone it would be a packet more, a tenth of what a short connection costs.
    fn write_last(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        let sent = self.write_at_once(|socket| {
            let sent = rustix::net::send(socket, bytes, flags)?;
            if sent == bytes.len() {
                // sends what was held back as well
                rustix::net::shutdown(socket, Shutdown::Write)?;
            }
            Ok(sent)
        });
        Ok(sent?.unwrap_or(0))
    }

    fn is_watched(&self) -> bool {
        matches!(self, Self::Watched(_))
    }

    fn watch(&mut self) -> io::Result<()> {
        self.watched().map(drop)
    }
}

impl ClientStream for TlsStream<Opening<TcpStream>> {}
