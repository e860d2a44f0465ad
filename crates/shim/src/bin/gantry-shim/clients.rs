//! The connections to the shim.

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

use serde::Serialize;
use shim::{Answer, MAX_MESSAGE_BYTES, Message, PROTOCOL_VERSION, Reply};

use crate::system;

/// More connections than this are not accepted; the agent has a handful.
const MAX_CLIENTS: usize = 64;

/// Tells connections apart; never reused.
pub type ClientId = u64;

/// All connections.
#[derive(Default)]
pub struct Clients {
    open: Vec<Client>,
    accepted: ClientId,
}

struct Client {
    id: ClientId,
    stream: UnixStream,
    input: Vec<u8>,
    descriptor: Option<OwnedFd>,
    is_subscriber: bool,
}

/// What came over a connection.
pub enum Heard {
    /// Not a whole message yet.
    Nothing,
    /// A message, with the descriptor that came with it.
    Message(Message, Option<OwnedFd>),
    /// The other side has gone, or talks nonsense.
    Gone,
}

impl Clients {
    /// Every open connection with its descriptor.
    pub fn descriptors(&self) -> impl Iterator<Item = (ClientId, RawFd)> + '_ {
        self.open
            .iter()
            .map(|client| (client.id, client.stream.as_raw_fd()))
    }

    /// Takes a connection that waits.
    pub fn accept(&mut self, listener: &UnixListener) {
        let Ok((stream, _)) = listener.accept() else {
            return;
        };
        if self.open.len() >= MAX_CLIENTS || stream.set_nonblocking(true).is_err() {
            return;
        }
        self.accepted += 1;
        self.open.push(Client {
            id: self.accepted,
            stream,
            input: Vec::new(),
            descriptor: None,
            is_subscriber: false,
        });
    }

    /// Reads from a connection that is ready.
    pub fn hear(&mut self, id: ClientId, buffer: &mut [u8]) -> Heard {
        let Some(client) = self.open.iter_mut().find(|client| client.id == id) else {
            return Heard::Gone;
        };
        match system::receive(&client.stream, buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
            Err(_) | Ok((0, _)) => return Heard::Gone,
            Ok((count, descriptor)) => {
                client.input.extend_from_slice(&buffer[..count]);
                client.descriptor = descriptor.or(client.descriptor.take());
            }
        }
        if client.input.len() > MAX_MESSAGE_BYTES {
            return Heard::Gone;
        }
        if client.input.last() != Some(&b'\n') {
            return Heard::Nothing;
        }
        let input = std::mem::take(&mut client.input);
        match serde_json::from_slice(&input) {
            Ok(message) => Heard::Message(message, client.descriptor.take()),
            Err(_) => Heard::Gone,
        }
    }

    /// Closes a connection.
    pub fn drop(&mut self, id: ClientId) {
        self.open.retain(|client| client.id != id);
    }

    /// Answers; one who does not read its answer is dropped.
    pub fn answer(&mut self, id: ClientId, reply: Reply) {
        let line = line(&Answer {
            version: PROTOCOL_VERSION,
            reply,
        });
        self.open
            .retain_mut(|client| client.id != id || client.stream.write_all(&line).is_ok());
    }

    /// From now on this connection is told of exits.
    pub fn subscribe(&mut self, id: ClientId) {
        if let Some(client) = self.open.iter_mut().find(|client| client.id == id) {
            client.is_subscriber = true;
        }
    }

    /// Tells all subscribers; one who does not read is dropped and has to ask anew.
    pub fn publish(&mut self, news: &impl Serialize) {
        let line = line(news);
        self.open
            .retain_mut(|client| !client.is_subscriber || client.stream.write_all(&line).is_ok());
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // The messages hold strings, numbers and paths made from strings: they always have a JSON form.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
