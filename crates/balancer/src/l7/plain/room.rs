//! Reading and writing without memory of the connection's own, and waiting with an end.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::client_stream::ClientStream;

/// What is read at once, in bytes: more than 64 KiB, since as much as that is often sent behind a head.
const ROOM: usize = 128 * 1024;
/// A part so long is not copied behind the head that it follows.
const LONG: usize = 4 * 1024;

thread_local! {
    static SHARED: RefCell<Box<[u8; ROOM]>> = RefCell::new(Box::new([0; ROOM]));
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Memory for something that is written at once, empty.
pub(super) fn scratch() -> Vec<u8> {
    SCRATCH.take()
}

/// Keeps memory for the next.
fn give_back(mut memory: Vec<u8>) {
    if memory.capacity() <= ROOM {
        memory.clear();
        SCRATCH.set(memory);
    }
}

/// Reads once and has `take` look at it at once; nothing is the end of the stream.
pub(super) fn read_with<S, T>(
    stream: &mut S,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8], &mut Context<'_>) -> T,
) -> Poll<io::Result<T>>
where
    S: AsyncRead + Unpin,
{
    SHARED.with_borrow_mut(|room| {
        let mut part = ReadBuf::new(&mut room[..]);
        ready!(Pin::new(stream).poll_read(cx, &mut part))?;
        Poll::Ready(Ok(take(part.filled(), cx)))
    })
}

/// What follows a head, if not nothing.
pub(super) enum Part<'a> {
    One(&'a [u8]),
    /// Nothing comes after it, and the connection ends.
    Last(&'a [u8]),
}

/// Writes as much as fits of a head and what follows it, and answers the rest.
pub(super) fn push<S>(
    stream: &mut S,
    cx: &mut Context<'_>,
    mut head: Vec<u8>,
    part: Part<'_>,
) -> io::Result<Vec<u8>>
where
    S: ClientStream,
{
    let (mut part, is_last) = match part {
        Part::One(part) => (part, false),
        Part::Last(part) => (part, true),
    };
    if !head.is_empty() && part.len() < LONG {
        head.extend_from_slice(part);
        part = &[];
    }
    let written = match (head.is_empty(), part.is_empty()) {
        (true, true) => return Ok(Vec::new()),
        (false, true) if is_last => Poll::Ready(stream.write_last(cx, &head)),
        (false, true) => Pin::new(stream).poll_write(cx, &head),
        (true, false) if is_last => Poll::Ready(stream.write_last(cx, part)),
        (true, false) => Pin::new(stream).poll_write(cx, part),
        (false, false) => {
            let both = [IoSlice::new(&head), IoSlice::new(part)];
            Pin::new(stream).poll_write_vectored(cx, &both)
        }
    };
    let written = match written {
        Poll::Ready(written) => written?,
        Poll::Pending => 0,
    };
    match written.checked_sub(head.len()) {
        Some(more) => {
            give_back(head);
            Ok(part[more..].to_vec())
        }
        None => {
            head.drain(..written);
            head.extend_from_slice(part);
            Ok(head)
        }
    }
}

/// Waits for something, but for no longer than `time`.
pub(super) async fn within<T>(
    timer: Pin<&mut Sleep>,
    time: Duration,
    wanted: impl Future<Output = T>,
) -> Option<T> {
    until(timer, || Instant::now() + time, wanted).await
}

/// Waits for something until `end`, which is asked for once, if it is not there already. The timer is set only when it
/// fires too early: mostly, it never does.
pub(super) async fn until<T>(
    mut timer: Pin<&mut Sleep>,
    end: impl Fn() -> Instant,
    wanted: impl Future<Output = T>,
) -> Option<T> {
    let mut wanted = pin!(wanted);
    let mut due = None;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(found) = wanted.as_mut().poll(cx) {
            return Poll::Ready(Some(found));
        }
        let due = *due.get_or_insert_with(&end);
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= due {
                return Poll::Ready(None);
            }
            timer.as_mut().reset(due);
        }
    })
    .await
}
