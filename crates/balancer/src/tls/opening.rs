//! Whether a client begins with TLS at all: seen in the first bytes that the handshake reads, so that it costs no read of
//! its own.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a handshake begins with: the kind of its record.
const HANDSHAKE: u8 = 22;
/// Set in the first byte of a greeting of SSL 2, which is no text either.
const NOT_ASCII: u8 = 0x80;

/// A client's connection to a listener of HTTPS.
pub(crate) struct Opening<S> {
    stream: S,
    seen: Seen,
}

/// What is known of its first bytes.
enum Seen {
    Nothing,
    /// They may be TLS, or nobody wants to know.
    Tls,
    /// These came, in the clear. Nothing more is read for the handshake.
    Clear(Vec<u8>),
}

impl<S> Opening<S> {
    /// One whose first bytes are looked at, if that is of interest.
    pub(crate) fn new(stream: S, is_looked_at: bool) -> Self {
        let seen = match is_looked_at {
            true => Seen::Nothing,
            false => Seen::Tls,
        };
        Self { stream, seen }
    }

    /// The connection, and what it began with in the clear; none if it began with TLS or nothing.
    pub(crate) fn into_clear(self) -> Option<(S, Vec<u8>)> {
        match self.seen {
            Seen::Clear(bytes) => Some((self.stream, bytes)),
            Seen::Nothing | Seen::Tls => None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        match &this.seen {
            Seen::Tls => return Pin::new(&mut this.stream).poll_read(cx, buf),
            Seen::Clear(_) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            Seen::Nothing => ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?,
        }
        let Some(first) = buf.filled().get(before) else {
            return Poll::Ready(Ok(()));
        };
        if *first == HANDSHAKE || *first & NOT_ASCII != 0 {
            this.seen = Seen::Tls;
            return Poll::Ready(Ok(()));
        }
        this.seen = Seen::Clear(buf.filled()[before..].to_vec());
        buf.set_filled(before);
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
