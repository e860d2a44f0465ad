//! Many datagrams with one call: those that wait, and the answers to them.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};

/// Datagrams of one call.
pub const DATAGRAMS: usize = 32;
/// No question is longer; what is longer is cut, and then no question.
const QUESTION_MAX: usize = 4096;
/// Answers are seldom longer, all together and each.
const ANSWER_TYPICAL: usize = 128;

/// What arrived.
#[derive(Debug)]
pub struct Inbox {
    /// A place for each datagram.
    places: Vec<u8>,
    arrived: Vec<Arrived>,
}

/// What stands in one of the places.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    place: usize,
    bytes: usize,
    client: SocketAddrV4,
}

impl Inbox {
    /// One with room for all that one call brings.
    pub fn new() -> Self {
        Self {
            places: vec![0; DATAGRAMS * QUESTION_MAX],
            arrived: Vec::with_capacity(DATAGRAMS),
        }
    }

    /// Takes what waits at a socket, in the place of what was there before; says whether more may wait.
    ///
    /// # Errors
    /// Nothing waits, or nothing can be received.
    pub fn receive(&mut self, socket: impl AsFd) -> io::Result<bool> {
        self.arrived.clear();
        // Made anew, as they may not be held while others run on this thread.
        let mut headers = MultiHeaders::<SockaddrIn>::preallocate(DATAGRAMS, None);
        let mut places = self.places.chunks_exact_mut(QUESTION_MAX);
        let mut places: [_; DATAGRAMS] =
            std::array::from_fn(|_| [IoSliceMut::new(places.next().unwrap_or_default())]);
        let socket = socket.as_fd().as_raw_fd();
        let received = recvmmsg(
            socket,
            &mut headers,
            places.iter_mut(),
            MsgFlags::MSG_DONTWAIT,
            None,
        )?;
        for (place, it) in received.enumerate() {
            let Some(client) = it.address else { continue };
            self.arrived.push(Arrived {
                place,
                bytes: it.bytes,
                client: SocketAddrV4::new(client.ip(), client.port()),
            });
        }
        Ok(self.arrived.len() == DATAGRAMS)
    }

    /// Drops what others have sent than those clients.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(SocketAddrV4) -> bool) {
        self.arrived.retain(|it| is_wanted(it.client));
    }

    /// What is there, and who has sent it.
    pub fn datagrams(&self) -> impl Iterator<Item = (&[u8], SocketAddrV4)> {
        self.arrived.iter().filter_map(|it| {
            let start = it.place * QUESTION_MAX;
            let bytes = self.places.get(start..start + it.bytes)?;
            Some((bytes, it.client))
        })
    }
}

/// What is to be sent.
#[derive(Debug)]
pub struct Outbox {
    /// All answers, one after the other.
    bytes: Vec<u8>,
    answers: Vec<Answer>,
    /// Answers that are sent already.
    sent: usize,
}

/// Where an answer is, and for whom.
#[derive(Clone, Copy, Debug)]
struct Answer {
    start: usize,
    end: usize,
    client: SocketAddrV4,
}

impl Outbox {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(DATAGRAMS * ANSWER_TYPICAL),
            answers: Vec::with_capacity(DATAGRAMS),
            sent: 0,
        }
    }

    /// Puts in what is written, if it is something.
    pub fn put(&mut self, client: SocketAddrV4, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let end = self.bytes.len();
        if end > start {
            self.answers.push(Answer { start, end, client });
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.answers.clear();
        self.sent = 0;
    }

    /// Sends all, or all but those that cannot be sent.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`]: there is no room now for the rest, which stays in here.
    pub fn send(&mut self, socket: impl AsFd) -> io::Result<()> {
        let socket = socket.as_fd().as_raw_fd();
        self.send_with(|bytes, answers| {
            let mut headers = MultiHeaders::<SockaddrIn>::preallocate(answers.len(), None);
            let slices = answers.iter().map(|it| [IoSlice::new(&bytes[it.start..it.end])]);
            let slices: Vec<_> = slices.collect();
            let clients: Vec<_> = answers
                .iter()
                .map(|it| Some(SockaddrIn::from(it.client)))
                .collect();
            let none: [ControlMessage<'_>; 0] = [];
            let sent = sendmmsg(
                socket,
                &mut headers,
                &slices,
                &clients,
                none,
                MsgFlags::MSG_DONTWAIT,
            )?;
            Ok(sent.count())
        })
    }

    /// The same by a call that sends the first of some answers and says of how many that is true.
    fn send_with(&mut self, mut call: impl FnMut(&[u8], &[Answer]) -> io::Result<usize>) -> io::Result<()> {
        while let Some(rest) = self.answers.get(self.sent..).filter(|it| !it.is_empty()) {
            match call(&self.bytes, &rest[..rest.len().min(DATAGRAMS)]) {
                // none at all is nothing that happens, and would never end
                Ok(count) => self.sent += count.max(1),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(error),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    // It is the first that cannot: its client asks again.
                    tracing::debug!(client = %rest[0].client, %error, "an answer was not sent");
                    self.sent += 1;
                }
            }
        }
        self.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
