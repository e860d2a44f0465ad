//! How a balancer hands its sockets over to the one that takes its place: by way of its agent, which asks the old one
//! for them, starts the new one, and passes them on.
//!
//! ```text
//!  agent ── "hand over" line ──▶ old          agent ── sockets, what is served ──▶ new, with `--take-over`
//!        ◀─ sockets, what is served ──              ◀─ a byte: it serves ──
//! ```
//!
//! Each socket comes with a byte of its own; another byte ends them, and the text is what is left of the stream.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// What an agent says, as a line, to have sockets handed over.
pub const HAND_OVER: &str = "hand over";
/// How long either side may take for anything, such as to begin.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Listeners, zones and transports of a load balancer are fewer.
const SOCKETS_MAX: usize = 4096;
/// Of the text, in bytes.
const TEXT_MAX: u64 = 64 << 20;
const SOCKET: u8 = b's';
const END: u8 = b'e';
const SERVES: u8 = b'k';

/// What is handed over.
#[derive(Debug)]
pub struct HandOver {
    /// Sockets that listen; who gets them takes connections out of the same queues.
    pub sockets: Vec<OwnedFd>,
    /// What was served last, as JSON.
    pub served: Vec<u8>,
}

impl HandOver {
    /// Sends it and says that it is whole. Blocks, [`DEADLINE`] at most for each part.
    ///
    /// # Errors
    /// The other side is gone, or does not read.
    pub fn send(&self, stream: &mut UnixStream) -> io::Result<()> {
        prepare(stream)?;
        for socket in &self.sockets {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            let sockets = [socket.as_fd()];
            if !control.push(SendAncillaryMessage::ScmRights(&sockets)) {
                return Err(io::Error::other("no room for a socket"));
            }
            sendmsg(
                &*stream,
                &[IoSlice::new(&[SOCKET])],
                &mut control,
                SendFlags::NOSIGNAL,
            )?;
        }
        stream.write_all(&[END])?;
        stream.write_all(&self.served)?;
        stream.shutdown(Shutdown::Write)
    }

    /// Gets one that is whole. Blocks, [`DEADLINE`] at most for each part.
    ///
    /// # Errors
    /// The other side is gone, or says something else.
    pub fn receive(stream: &mut UnixStream) -> io::Result<Self> {
        prepare(stream)?;
        let mut sockets = Vec::new();
        while let Some(socket) = receive_socket(stream)? {
            if sockets.len() == SOCKETS_MAX {
                return Err(io::Error::other("more sockets than a load balancer has"));
            }
            sockets.push(socket);
        }
        let mut served = Vec::new();
        Read::take(stream, TEXT_MAX).read_to_end(&mut served)?;
        Ok(Self { sockets, served })
    }
}

/// Says that what was handed over is served.
///
/// # Errors
/// The other side is gone.
pub fn confirm(stream: &mut UnixStream) -> io::Result<()> {
    stream.write_all(&[SERVES])
}

/// Waits until what was handed over is served.
///
/// # Errors
/// It is not.
pub fn confirmed(stream: &mut UnixStream) -> io::Result<()> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    match byte[0] {
        SERVES => Ok(()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn prepare(stream: &UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))
}

fn receive_socket(stream: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut byte)];
    let got = recvmsg(stream, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut sockets = control.drain().filter_map(|it| match it {
        RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
        _ => None,
    });
    let socket = sockets.next().and_then(|mut it| it.next());
    match (got.bytes, byte[0], socket) {
        (1, SOCKET, Some(socket)) => Ok(Some(socket)),
        (1, END, None) => Ok(None),
        (0, ..) => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests;
