//! A client's socket. The runtime watches it only once something has to be waited for: a client that asks at once, is
//! answered at once and leaves costs seven calls of the kernel and not nine.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// What a client is read from and written to, in the clear.
pub(crate) enum ClientSocket {
    Unwatched(Unwatched),
    Watched(TcpStream),
}

pub(crate) struct Unwatched {
    /// None if it could not be watched: it is of no use any more.
    socket: Option<std::net::TcpStream>,
    /// All that had come was read: what comes next, were it the end, has to be waited for.
    is_drained: bool,
}

impl ClientSocket {
    /// One that is not watched; it must not block.
    pub(crate) fn new(socket: std::net::TcpStream) -> Self {
        Self::Unwatched(Unwatched {
            socket: Some(socket),
            is_drained: false,
        })
    }

    /// Has the runtime watch it from now on.
    ///
    /// # Errors
    /// The kernel watches no more sockets; the socket is closed.
    pub(crate) fn watched(&mut self) -> io::Result<&mut TcpStream> {
        if let Self::Unwatched(unwatched) = self {
            let socket = unwatched.socket.take().ok_or(io::ErrorKind::NotConnected)?;
            *self = Self::Watched(TcpStream::from_std(socket)?);
        }
        match self {
            Self::Watched(socket) => Ok(socket),
            Self::Unwatched(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Has the runtime watch it no longer.
    ///
    /// # Errors
    /// It is of no use any more.
    pub(crate) fn into_unwatched(self) -> io::Result<std::net::TcpStream> {
        match self {
            Self::Unwatched(it) => it.socket.ok_or_else(|| io::ErrorKind::NotConnected.into()),
            Self::Watched(socket) => socket.into_std(),
        }
    }

    /// Calls the kernel, if the socket is not known to be unable to; none if it would have to wait.
    ///
    /// # Errors
    /// As the call has them.
    pub(crate) fn write_at_once<T>(
        &self,
        call: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let called = match self {
            Self::Unwatched(it) => match &it.socket {
                Some(socket) => call(socket.as_fd()),
                None => Err(io::ErrorKind::NotConnected.into()),
            },
            Self::Watched(socket) => socket.try_io(Interest::WRITABLE, || call(socket.as_fd())),
        };
        unless_waiting(called)
    }
}

/// Nothing if a call would have to wait.
fn unless_waiting<T>(called: io::Result<T>) -> io::Result<Option<T>> {
    match called {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Self::Unwatched(it) = this
            && !it.is_drained
            && let Some(mut socket) = it.socket.as_ref()
            && let Some(read) = unless_waiting(socket.read(buf.initialize_unfilled()))?
        {
            buf.advance(read);
            it.is_drained = buf.remaining() > 0;
            return Poll::Ready(Ok(()));
        }
        Pin::new(this.watched()?).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Self::Unwatched(it) = this
            && let Some(mut socket) = it.socket.as_ref()
            && let Some(written) = unless_waiting(socket.write(buf))?
        {
            return Poll::Ready(Ok(written));
        }
        Pin::new(this.watched()?).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Self::Unwatched(it) = this
            && let Some(mut socket) = it.socket.as_ref()
            && let Some(written) = unless_waiting(socket.write_vectored(bufs))?
        {
            return Poll::Ready(Ok(written));
        }
        Pin::new(this.watched()?).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // a socket holds nothing back
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unwatched(it) => {
                let ended = it.socket.as_ref().map(|it| it.shutdown(Shutdown::Write));
                Poll::Ready(ended.unwrap_or(Ok(())))
            }
            Self::Watched(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
