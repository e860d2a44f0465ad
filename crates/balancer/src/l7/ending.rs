//! How connections end whose clients do not read, or do not stop sending.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Sleep;

/// How much of what a client still sends is thrown away so that it can read why it was refused, in bytes.
const LINGER_BYTES: usize = 256 * 1024;
/// And for how long.
const LINGER_TIME: Duration = Duration::from_secs(2);
/// How much is thrown away at once, in bytes.
const READ: usize = 4 * 1024;

/// What may end a connection from our side.
#[derive(Default)]
pub(super) struct Ending {
    /// Runs while a client does not read.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs after the last byte was written, with how much is still thrown away.
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Ending {
    /// Passes the result of a write on; one that waits for longer than `idle` fails.
    pub(super) fn watch_write(
        &mut self,
        cx: &mut Context<'_>,
        idle: Duration,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timer = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Whether the last byte was written.
    pub(super) fn lingers(&self) -> bool {
        self.linger.is_some()
    }

    /// Lets a client that still sends read the last answer: closing with unread bytes would reset the connection.
    pub(super) fn poll_linger<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<()> {
        let (timer, left) = self
            .linger
            .get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER_TIME)), LINGER_BYTES));
        let mut room = [std::mem::MaybeUninit::uninit(); READ];
        while *left > 0 {
            let mut part = ReadBuf::uninit(&mut room);
            match Pin::new(&mut *stream).poll_read(cx, &mut part) {
                Poll::Ready(Ok(())) if !part.filled().is_empty() => {
                    *left = left.saturating_sub(part.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return timer.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}
