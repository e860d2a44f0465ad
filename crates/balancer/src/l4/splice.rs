//! Bytes from one socket to another. Small ones are read and written, since a pipe costs more calls; many in a row go
//! through a pipe without being copied. A connection on which nothing happens holds no memory.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use rustix::net::Shutdown;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::{AsyncRead as _, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use crate::counters::Counters;
use crate::pump::Watch;

/// What is read at once, in bytes.
const BUFFER: usize = 16 * 1024;
/// So many full reads in a row are bulk.
const BULK_AFTER: u32 = 4;
/// What a pipe holds, in bytes.
const PIPE: usize = 256 * 1024;
/// A pipe that so many times in a row got no more than a read would have is given back.
const SMALL_AFTER: u32 = 8;

thread_local! {
    static ROOM: RefCell<Box<[u8; BUFFER]>> = RefCell::new(Box::new([0; BUFFER]));
}

/// Passes bytes both ways until both sides have ended, one breaks, or neither has sent for `idle`. What
/// passes is counted, if there is who counts it.
pub(super) async fn both_ways(
    first: &mut TcpStream,
    second: &mut TcpStream,
    idle: Duration,
    counters: Option<Arc<Counters>>,
) -> io::Result<()> {
    let watch = Watch::counting(counters);
    let (from_first, to_first) = first.split();
    let (from_second, to_second) = second.split();
    let copying = async {
        tokio::try_join!(
            one_way(from_first, to_second, &watch),
            one_way(from_second, to_first, &watch)
        )
        .map(|_| ())
    };
    tokio::select! {
        biased;
        result = copying => result,
        () = watch.silence(idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// How reading goes on.
enum Next {
    Small,
    Bulk,
    End,
}

async fn one_way(mut from: ReadHalf<'_>, to: WriteHalf<'_>, watch: &Watch) -> io::Result<()> {
    let to: &TcpStream = to.as_ref();
    loop {
        let next = match small(&mut from, to, watch).await? {
            Next::Bulk => bulk(from.as_ref(), to, watch).await?,
            next => next,
        };
        if let Next::End = next {
            // one side may end while the other still sends
            let _ = rustix::net::shutdown(to, Shutdown::Write);
            return Ok(());
        }
    }
}

/// Reads and writes until there is much or nothing more.
async fn small(from: &mut ReadHalf<'_>, to: &TcpStream, watch: &Watch) -> io::Result<Next> {
    let mut full = 0;
    loop {
        let (read, left) = shuttle(from, to).await?;
        if read == 0 {
            return Ok(Next::End);
        }
        watch.pass(read);
        write_all(to, &left).await?;
        full = if read == BUFFER { full + 1 } else { 0 };
        if full >= BULK_AFTER {
            return Ok(Next::Bulk);
        }
    }
}

/// Reads once and writes as much of it as fits: how much was read, and what is left. It polls, since that remembers a
/// short read: there is nothing more, and nobody has to ask for it.
async fn shuttle(from: &mut ReadHalf<'_>, to: &TcpStream) -> io::Result<(usize, Vec<u8>)> {
    std::future::poll_fn(|cx| {
        ROOM.with_borrow_mut(|room| {
            let mut part = ReadBuf::new(&mut room[..]);
            ready!(Pin::new(&mut *from).poll_read(cx, &mut part))?;
            let read = part.filled();
            let written = match to.try_write(read) {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Poll::Ready(Err(error)),
            };
            Poll::Ready(Ok((read.len(), read[written..].to_vec())))
        })
    })
    .await
}

async fn write_all(to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        to.writable().await?;
        match to.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Moves bytes through a pipe until there are few or no more.
async fn bulk(from: &TcpStream, to: &TcpStream, watch: &Watch) -> io::Result<Next> {
    let Ok((output, input)) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK) else {
        // no more descriptors: reading and writing need none
        return Ok(Next::Small);
    };
    // what a user may have in pipes is bounded; a smaller one does as well
    let _ = fcntl_setpipe_size(&input, PIPE);
    let mut few = 0;
    loop {
        let moved = from.async_io(Interest::READABLE, || push(from, &input)).await?;
        if moved == 0 {
            return Ok(Next::End);
        }
        watch.pass(moved);
        let mut left = moved;
        while left > 0 {
            let written = to
                .async_io(Interest::WRITABLE, || pull(&output, to, left))
                .await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            left -= written;
        }
        few = if moved <= BUFFER { few + 1 } else { 0 };
        if few >= SMALL_AFTER {
            return Ok(Next::Small);
        }
    }
}

fn push(from: &TcpStream, pipe: &OwnedFd) -> io::Result<usize> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    Ok(splice(from, None, pipe, None, PIPE, flags)?)
}

fn pull(pipe: &OwnedFd, to: &TcpStream, most: usize) -> io::Result<usize> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    Ok(splice(pipe, None, to, None, most, flags)?)
}
