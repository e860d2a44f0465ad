//! Bytes both ways between two connections.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Memory of each direction, in bytes.
const BUFFER: usize = 16 * 1024;

/// What a connection has read, and when last.
struct Watch {
    began: Instant,
    last_ms: AtomicU64,
    bytes: [AtomicU64; 2],
}

/// A connection whose reads are watched.
struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
    side: usize,
}

/// Passes bytes on until both sides have ended, one breaks, or neither has sent for `idle`. Answers how many bytes came
/// from the first and from the second.
pub(crate) async fn both_ways<A, B>(first: A, second: B, idle: Duration) -> (u64, u64)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let watch = Arc::new(Watch {
        began: Instant::now(),
        last_ms: AtomicU64::new(0),
        bytes: [AtomicU64::new(0), AtomicU64::new(0)],
    });
    let mut first = Watched { stream: first, watch: watch.clone(), side: 0 };
    let mut second = Watched { stream: second, watch: watch.clone(), side: 1 };
    tokio::select! {
        _ = tokio::io::copy_bidirectional_with_sizes(&mut first, &mut second, BUFFER, BUFFER) => {}
        () = watch.silence(idle) => {}
    }
    (watch.bytes[0].load(Ordering::Relaxed), watch.bytes[1].load(Ordering::Relaxed))
}

impl Watch {
    async fn silence(&self, idle: Duration) {
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
        let now = u64::try_from(this.watch.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        this.watch.last_ms.store(now, Ordering::Relaxed);
        let read = (buf.filled().len() - before) as u64;
        this.watch.bytes[this.side].fetch_add(read, Ordering::Relaxed);
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
