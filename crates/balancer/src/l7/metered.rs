//! A client's connection whose bytes are counted, if there is who counts them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::gate::Gate;
use super::sent_frames::SentFrames;
use crate::counters::Counters;

/// A connection with its counters.
pub(super) struct Metered<S> {
    stream: S,
    counters: Option<Arc<Counters>>,
    /// Of HTTP/2.
    frames: Option<(SentFrames, Arc<Gate>)>,
}

impl<S> Metered<S> {
    /// Counts from now on.
    pub(super) fn new(stream: S, counters: Option<Arc<Counters>>) -> Self {
        Self {
            stream,
            counters,
            frames: None,
        }
    }

    /// Tells the gate as well when some of an answer goes out. Only for HTTP/2.
    pub(super) fn telling(self, gate: Arc<Gate>) -> Self {
        let frames = Some((SentFrames::default(), gate));
        Self { frames, ..self }
    }

    fn wrote(&mut self, parts: &[io::IoSlice<'_>], written: usize) {
        if let Some(counters) = &self.counters {
            counters.processed(written);
        }
        let Some((frames, gate)) = &mut self.frames else {
            return;
        };
        let (mut left, mut is_of_answer) = (written, false);
        for part in parts {
            let sent = part.get(..left).unwrap_or(part);
            left -= sent.len();
            is_of_answer |= frames.pass(sent);
        }
        if is_of_answer {
            gate.moved();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if let Some(counters) = &this.counters {
            counters.processed(buf.filled().len() - before);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.wrote(&[io::IoSlice::new(buf)], written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs))?;
        this.wrote(bufs, written);
        Poll::Ready(Ok(written))
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
