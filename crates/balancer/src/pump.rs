//! Bytes both ways between two connections.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::counters::Counters;

/// Memory of each direction, in bytes.
const BUFFER: usize = 16 * 1024;

/// When something happened last.
pub(crate) struct Watch {
    began: Instant,
    last_ms: AtomicU64,
    /// What passes is counted there.
    counters: Option<Arc<Counters>>,
}

/// What both sides have read.
struct Reads {
    watch: Watch,
    bytes: [AtomicU64; 2],
}

/// A connection whose reads are watched.
struct Watched<S> {
    stream: S,
    reads: Arc<Reads>,
    side: usize,
}

/// Passes bytes on until both sides have ended, one breaks, or neither has sent for `idle`. Answers how many bytes came
/// from the first and from the second.
pub(crate) async fn both_ways<A, B>(first: A, second: B, idle: Duration) -> (u64, u64)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let reads = Arc::new(Reads {
        watch: Watch::new(),
        bytes: [AtomicU64::new(0), AtomicU64::new(0)],
    });
    let mut first = Watched {
        stream: first,
        reads: reads.clone(),
        side: 0,
    };
    let mut second = Watched {
        stream: second,
        reads: reads.clone(),
        side: 1,
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional_with_sizes(&mut first, &mut second, BUFFER, BUFFER) => {}
        () = reads.watch.silence(idle) => {}
    }
    (
        reads.bytes[0].load(Ordering::Relaxed),
        reads.bytes[1].load(Ordering::Relaxed),
    )
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            last_ms: AtomicU64::new(0),
            counters: None,
        }
    }

    /// With somebody who counts what passes.
    pub(crate) fn counting(counters: Option<Arc<Counters>>) -> Self {
        Self {
            counters,
            ..Self::new()
        }
    }

    /// So many bytes pass.
    pub(crate) fn pass(&self, bytes: usize) {
        self.touch();
        if let Some(counters) = &self.counters {
            counters.processed(bytes);
        }
    }

    /// Something happens.
    pub(crate) fn touch(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(now, Ordering::Relaxed);
    }

    /// Ends when nothing has happened for this long.
    pub(crate) async fn silence(&self, idle: Duration) {
        loop {
            let due = self.began + Duration::from_millis(self.last_ms.load(Ordering::Relaxed)) + idle;
            if Instant::now() >= due {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.reads.watch.touch();
        let read = (buf.filled().len() - before) as u64;
        this.reads.bytes[this.side].fetch_add(read, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
