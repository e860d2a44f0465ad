//! Connections that the kernel tracks. Those of an address go with it: whoever gets it next must not inherit them, for
//! what was let in or translated once stays so.

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{RecvFlags, SendFlags, recv, sendto};

use super::NetworkError;
use super::nfnetlink::{
    ACK, AF_INET, ANSWER_BYTES, ERROR, HEADER_BYTES, NESTED, REQUEST, attribute, message, open_socket,
};

// linux/netfilter/nfnetlink.h and linux/netfilter/nfnetlink_conntrack.h
const SUBSYSTEM: u16 = 1;
const NEW: u16 = SUBSYSTEM << 8;
const GET: u16 = SUBSYSTEM << 8 | 1;
const DELETE: u16 = SUBSYSTEM << 8 | 2;
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const MARK: u16 = 8;
const ID: u16 = 12;
const ZONE: u16 = 18;
const MARK_MASK: u16 = 21;
const FILTER: u16 = 25;
const TUPLE_IP: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
const IP_SOURCE: u16 = 1;
const IP_DESTINATION: u16 = 2;
const PROTOCOL_NUMBER: u16 = 1;
const PROTOCOL_DESTINATION_PORT: u16 = 3;
/// Only the source of a tuple is compared. Kernels before 5.8 do not know filters, and tell of all connections.
const FILTER_SOURCE: u32 = 1;
/// The kind of a type without what says how it is encoded.
const KIND: u16 = 0x3fff;
// linux/netlink.h
const DONE: u16 = 3;
const DUMP: u16 = 0x300;
/// Answers read that nobody waits for any more: a list is tens of kilobytes long at a time.
const LEFT_MAX: usize = 64 * 1024;
/// Connections forgotten with one message to the kernel.
const AT_ONCE: usize = 64;
const UDP: u8 = 17;
/// nfgenmsg, which follows the header.
const FAMILY_BYTES: usize = 4;

/// A connection that is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tracked {
    /// As it began.
    pub(super) original: Tuple,
    /// As answers to it come: the other way round, with addresses translated.
    pub(super) reply: Tuple,
    /// What rules have noted about it; 0 for nothing.
    pub(super) mark: u32,
    /// What names it to the kernel.
    name: Vec<u8>,
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuple {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    /// As in the head of a packet.
    pub(super) protocol: u8,
    /// Of the destination; 0 for protocols without ports.
    pub(super) port: u16,
}

/// Which connections the kernel is to tell.
#[derive(Clone, Copy)]
enum Asked {
    All,
    /// Those whose tuple of this kind has the source.
    From(u16, Ipv4Addr),
    /// Those with this mark, as far as it is looked at.
    Marked {
        mark: u32,
        mask: u32,
    },
}

/// A socket to the connections of the network namespace in which it was opened. It is kept where rules change: when one
/// is closed, the kernel first ends what it still has to do with rules that were replaced, and changes none meanwhile.
#[derive(Clone)]
pub(super) struct Connections(Arc<Mutex<OwnedFd>>);

impl Connections {
    /// Of the network namespace of the calling thread.
    pub(super) fn open() -> io::Result<Self> {
        open_socket().map(|socket| Self(Arc::new(Mutex::new(socket))))
    }

    /// Those that an address has begun, or answers.
    pub(super) fn of(&self, address: Ipv4Addr) -> io::Result<Vec<Tracked>> {
        let begun = self.list(Asked::From(ORIGINAL, address))?;
        let mut found: Vec<Tracked> = begun
            .into_iter()
            .filter(|it| it.original.source == address)
            .collect();
        let answered = self.list(Asked::From(REPLY, address))?;
        let is_other = |it: &Tracked| it.reply.source == address && it.original.source != address;
        found.extend(answered.into_iter().filter(is_other));
        Ok(found)
    }

    /// All of them.
    pub(super) fn all(&self) -> io::Result<Vec<Tracked>> {
        self.list(Asked::All)
    }

    /// Those with a mark, of which the bits of the mask count.
    pub(super) fn marked(&self, mark: u32, mask: u32) -> io::Result<Vec<Tracked>> {
        let mut found = self.list(Asked::Marked { mark, mask })?;
        found.retain(|it| it.mark & mask == mark);
        Ok(found)
    }

    /// Forgets them. One that has ended meanwhile is no error.
    pub(super) fn forget(&self, connections: &[Tracked]) -> io::Result<()> {
        for some in connections.chunks(AT_ONCE) {
            let mut out = Vec::new();
            for it in some {
                // The last one is acknowledged, so that there is an answer.
                message(&mut out, DELETE, REQUEST | ACK, 0, AF_INET, 0, |out| {
                    out.extend_from_slice(&it.name);
                });
            }
            let socket = self.ask(&out)?;
            let mut answered = 0;
            while answered < some.len() {
                let answer = receive(&socket)?;
                for (kind, body) in messages(&answer) {
                    answered += usize::from(kind == ERROR);
                    match error_of(kind, body) {
                        Some(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn list(&self, asked: Asked) -> io::Result<Vec<Tracked>> {
        let mut request = Vec::new();
        message(
            &mut request,
            GET,
            REQUEST | DUMP,
            0,
            AF_INET,
            0,
            |out| match asked {
                Asked::All => {}
                Asked::From(tuple, address) => filter(out, tuple, address),
                Asked::Marked { mark, mask } => {
                    attribute(out, MARK, |out| out.extend_from_slice(&mark.to_be_bytes()));
                    attribute(out, MARK_MASK, |out| out.extend_from_slice(&mask.to_be_bytes()));
                }
            },
        );
        let socket = self.ask(&request)?;
        let mut found = Vec::new();
        loop {
            let answer = receive(&socket)?;
            for (kind, body) in messages(&answer) {
                match kind {
                    DONE => return Ok(found),
                    NEW => found.extend(body.get(FAMILY_BYTES..).and_then(tracked)),
                    _ => {
                        if let Some(error) = error_of(kind, body) {
                            return Err(error);
                        }
                    }
                }
            }
        }
    }

    /// Nobody else asks until the answer is read. What is left of one that somebody has given up is read first.
    fn ask(&self, bytes: &[u8]) -> io::Result<MutexGuard<'_, OwnedFd>> {
        let socket = self.0.lock();
        for _ in 0..LEFT_MAX {
            match receive(&socket) {
                // More had been told than there is room for.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Err(_) => break,
                Ok(_) => {}
            }
        }
        sendto(&*socket, bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        Ok(socket)
    }

    /// Forgets all connections of addresses.
    pub(super) fn forget_all(&self, addresses: &[Ipv4Addr]) -> Result<(), NetworkError> {
        let forget = |address: &Ipv4Addr| self.forget(&self.of(*address)?);
        addresses
            .iter()
            .try_for_each(forget)
            .map_err(NetworkError::netlink_io("forget the connections of an address"))
    }

    /// The same for connections with a mark, of which the bits of the mask count.
    pub(super) fn forget_marked(&self, mark: u32, mask: u32) -> Result<(), NetworkError> {
        self.marked(mark, mask)
            .and_then(|found| self.forget(&found))
            .map_err(NetworkError::netlink_io("forget the connections of a mark"))
    }
}

/// The kernel answers while it is asked, and goes on with a list while it is read: there is nothing to wait for.
fn receive(socket: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut answer = vec![0; ANSWER_BYTES];
    let (length, _) = recv(socket, &mut answer, RecvFlags::DONTWAIT)?;
    answer.truncate(length);
    Ok(answer)
}

/// Forgets all connections of addresses in the network namespace of the calling thread.
pub(super) fn forget_all(addresses: &[Ipv4Addr]) -> Result<(), NetworkError> {
    let connections = Connections::open().map_err(NetworkError::netlink_io("open a netlink socket"))?;
    connections.forget_all(addresses)
}

/// The same for what was sent to UDP ports of these own addresses, and led nowhere else.
pub(super) fn forget_untranslated(own: &[Ipv4Addr], ports: &BTreeSet<u16>) -> Result<(), NetworkError> {
    let forget = || {
        let connections = Connections::open()?;
        let mut found = connections.all()?;
        found.retain(|it| {
            let Tracked { original, reply, .. } = it;
            let is_here = reply.source == original.destination && own.contains(&reply.source);
            is_here && original.protocol == UDP && ports.contains(&original.port)
        });
        connections.forget(&found)
    };
    forget().map_err(NetworkError::netlink_io("forget the connections of a port"))
}

/// The same for datagrams that were sent to these ports and led to an address.
pub(super) fn forget_translated(address: Ipv4Addr, ports: &BTreeSet<u16>) -> Result<(), NetworkError> {
    let forget = || {
        let connections = Connections::open()?;
        let mut found = connections.of(address)?;
        found.retain(|it| {
            let Tracked { original, reply, .. } = it;
            let is_led = reply.source == address && original.destination != address;
            is_led && original.protocol == UDP && ports.contains(&original.port)
        });
        connections.forget(&found)
    };
    forget().map_err(NetworkError::netlink_io("forget the connections of a port"))
}

/// Connections whose tuple has the source.
fn filter(out: &mut Vec<u8>, tuple: u16, address: Ipv4Addr) {
    attribute(out, tuple | NESTED, |out| {
        attribute(out, TUPLE_IP | NESTED, |out| {
            attribute(out, IP_SOURCE, |out| out.extend_from_slice(&address.octets()));
        });
    });
    attribute(out, FILTER | NESTED, |out| {
        attribute(out, tuple, |out| {
            out.extend_from_slice(&FILTER_SOURCE.to_ne_bytes())
        });
    });
}

/// Kinds and bodies of the messages of a datagram.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let body = bytes.get(HEADER_BYTES..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// The error of a message, if it is one; 0 is an acknowledgement.
fn error_of(kind: u16, body: &[u8]) -> Option<io::Error> {
    let code = i32::from_ne_bytes(*body.first_chunk::<4>()?);
    (kind == ERROR && code != 0).then(|| io::Error::from_raw_os_error(-code))
}

/// Kinds and values of attributes, which follow each other.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let header = bytes.first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & KIND;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn value(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes)
        .find(|(its, _)| *its == kind)
        .map(|(_, value)| value)
}

fn tracked(bytes: &[u8]) -> Option<Tracked> {
    let mut name = Vec::new();
    for (kind, value) in attributes(bytes).filter(|(kind, _)| matches!(*kind, ORIGINAL | ZONE | ID)) {
        let nested = if kind == ORIGINAL { NESTED } else { 0 };
        attribute(&mut name, kind | nested, |out| out.extend_from_slice(value));
    }
    let mark = value(bytes, MARK).and_then(|it| it.first_chunk::<4>());
    Some(Tracked {
        mark: mark.map_or(0, |it| u32::from_be_bytes(*it)),
        original: tuple(value(bytes, ORIGINAL)?)?,
        reply: tuple(value(bytes, REPLY)?)?,
        name,
    })
}

fn tuple(bytes: &[u8]) -> Option<Tuple> {
    let ip = value(bytes, TUPLE_IP)?;
    let address = |kind| Some(Ipv4Addr::from(*value(ip, kind)?.first_chunk::<4>()?));
    let protocol = value(bytes, TUPLE_PROTOCOL)?;
    let port = value(protocol, PROTOCOL_DESTINATION_PORT).and_then(|it| it.first_chunk::<2>());
    Some(Tuple {
        source: address(IP_SOURCE)?,
        destination: address(IP_DESTINATION)?,
        protocol: *value(protocol, PROTOCOL_NUMBER)?.first()?,
        port: port.map_or(0, |it| u16::from_be_bytes(*it)),
    })
}
