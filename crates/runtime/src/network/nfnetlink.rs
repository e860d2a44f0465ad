//! Elements of nftables maps, written straight to the kernel: microseconds, where `nft` takes milliseconds.
//!
//! Only elements: tables, chains and rules are made by `nft`, see `rules`. What the messages are made of is for `conntrack`
//! too.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use super::filters::{Element, Verdict};
use agent::host::TransportProtocol;
use parking_lot::Mutex;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

// linux/netfilter/nfnetlink.h and linux/netfilter/nf_tables.h
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM_NFTABLES: u16 = 10;
const NEW_ELEMENT: u16 = SUBSYSTEM_NFTABLES << 8 | 12;
const DELETE_ELEMENT: u16 = SUBSYSTEM_NFTABLES << 8 | 14;
const ELEMENTS_TABLE: u16 = 1;
const ELEMENTS_SET: u16 = 2;
const ELEMENTS_LIST: u16 = 3;
const LIST_ELEMENT: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_DATA: u16 = 2;
const DATA_VALUE: u16 = 1;
const DATA_VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;
const VERDICT_CHAIN: u16 = 2;
const CODE_ACCEPT: i32 = 1;
const CODE_GOTO: i32 = -4;
pub(super) const NESTED: u16 = 0x8000;
// linux/netlink.h
pub(super) const ERROR: u16 = 2;
pub(super) const REQUEST: u16 = 0x1;
pub(super) const ACK: u16 = 0x4;
const CREATE: u16 = 0x400;
pub(super) const HEADER_BYTES: usize = 16;

/// Sequence number of the one message of a batch that asks for an answer.
const SEQUENCE: u32 = 2;
/// An answer repeats the request, so it is as long as that.
pub(super) const ANSWER_BYTES: usize = 64 * 1024;
/// Answers read before the kernel is held to be confused.
const MAX_ANSWERS: usize = 16;

/// A published port: where it leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Publication {
    pub(super) protocol: TransportProtocol,
    pub(super) host_port: u16,
    pub(super) address: Ipv4Addr,
    pub(super) container_port: u16,
}

/// A socket to the nftables of the network namespace in which it was opened.
pub(super) struct Elements {
    socket: Mutex<OwnedFd>,
}

impl Elements {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self {
            socket: Mutex::new(open_socket()?),
        })
    }

    /// Adds to the map `ports` of `table`, all or none.
    pub(super) fn add(&self, table: &str, publications: &[Publication]) -> io::Result<()> {
        self.exchange(&batch(NEW_ELEMENT, CREATE, table, publications))
    }

    /// Takes one from the map; one that is not there is no error.
    pub(super) fn remove(&self, table: &str, publication: Publication) -> io::Result<()> {
        match self.exchange(&batch(DELETE_ELEMENT, 0, table, &[publication])) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Takes elements out of sets and maps of `table` and puts others in, all or none.
    pub(super) fn change(&self, table: &str, removed: &[Element], added: &[Element]) -> io::Result<()> {
        match changes(table, removed, added) {
            Some(batch) => self.exchange(&batch),
            None => Ok(()),
        }
    }

    /// The kernel works during the send, so its answer is there when that returns.
    fn exchange(&self, batch: &[u8]) -> io::Result<()> {
        let socket = self.socket.lock();
        sendto(&*socket, batch, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut answer = vec![0; ANSWER_BYTES];
        let mut result = None;
        for _ in 0..MAX_ANSWERS {
            // Read on to the end: what is left would be taken for the answer to the next batch.
            match recv(&*socket, &mut answer, RecvFlags::DONTWAIT) {
                Ok((length, _)) => result = worse(result, read_answers(&answer[..length])),
                Err(rustix::io::Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        match result {
            None => Err(io::Error::other("no answer from nfnetlink")),
            Some(0) => Ok(()),
            Some(code) => Err(io::Error::from_raw_os_error(code)),
        }
    }
}

/// A socket to the netfilter of the network namespace of the calling thread.
pub(super) fn open_socket() -> io::Result<OwnedFd> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(NETFILTER),
    )?;
    Ok(socket)
}

fn worse(before: Option<i32>, now: Option<i32>) -> Option<i32> {
    match (before, now) {
        (Some(code), _) if code != 0 => Some(code),
        (before, None) => before,
        (_, now) => now,
    }
}

/// The first error number among the messages of a datagram; 0 is an acknowledgement.
fn read_answers(mut bytes: &[u8]) -> Option<i32> {
    let mut result = None;
    while let Some(header) = bytes.first_chunk::<HEADER_BYTES>() {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let Some(message) = bytes.get(..length.max(HEADER_BYTES)) else {
            break;
        };
        if kind == ERROR
            && let Some(code) = message[HEADER_BYTES..].first_chunk::<4>()
        {
            result = worse(result, Some(-i32::from_ne_bytes(*code)));
        }
        let Some(rest) = bytes.get(length.max(HEADER_BYTES).next_multiple_of(4)..) else {
            break;
        };
        bytes = rest;
    }
    result
}

fn batch(kind: u16, flags: u16, table: &str, publications: &[Publication]) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    message(&mut out, BATCH_BEGIN, REQUEST, 1, 0, SUBSYSTEM_NFTABLES, |_| {});
    message(
        &mut out,
        kind,
        REQUEST | ACK | flags,
        SEQUENCE,
        AF_INET,
        0,
        |out| {
            attribute(out, ELEMENTS_TABLE, |out| text(out, table));
            attribute(out, ELEMENTS_SET, |out| text(out, super::rules::PORTS));
            attribute(out, ELEMENTS_LIST | NESTED, |out| {
                for publication in publications {
                    attribute(out, LIST_ELEMENT | NESTED, |out| element(out, kind, *publication));
                }
            });
        },
    );
    message(&mut out, BATCH_END, REQUEST, 3, 0, SUBSYSTEM_NFTABLES, |_| {});
    out
}

/// `None` if there is nothing to change. Each message has elements of one set; the last one asks for an answer.
fn changes(table: &str, removed: &[Element], added: &[Element]) -> Option<Vec<u8>> {
    let of_sets = |kind, elements| {
        let sets = <[Element]>::chunk_by(elements, |one, other| one.set == other.set);
        sets.map(move |it| (kind, it))
    };
    let mut groups = of_sets(DELETE_ELEMENT, removed)
        .chain(of_sets(NEW_ELEMENT, added))
        .peekable();
    groups.peek()?;
    let mut out = Vec::with_capacity(1024);
    message(&mut out, BATCH_BEGIN, REQUEST, 1, 0, SUBSYSTEM_NFTABLES, |_| {});
    while let Some((kind, elements)) = groups.next() {
        let create = if kind == NEW_ELEMENT { CREATE } else { 0 };
        let ack = if groups.peek().is_none() { ACK } else { 0 };
        let flags = REQUEST | create | ack;
        message(&mut out, kind, flags, SEQUENCE, AF_INET, 0, |out| {
            attribute(out, ELEMENTS_TABLE, |out| text(out, table));
            attribute(out, ELEMENTS_SET, |out| text(out, &elements[0].set));
            attribute(out, ELEMENTS_LIST | NESTED, |out| {
                for it in elements {
                    attribute(out, LIST_ELEMENT | NESTED, |out| address(out, kind, it));
                }
            });
        });
    }
    message(&mut out, BATCH_END, REQUEST, 3, 0, SUBSYSTEM_NFTABLES, |_| {});
    Some(out)
}

/// An address, and in a map what becomes of it.
fn address(out: &mut Vec<u8>, kind: u16, element: &Element) {
    attribute(out, ELEMENT_KEY | NESTED, |out| {
        attribute(out, DATA_VALUE, |out| {
            out.extend_from_slice(&element.address.octets())
        });
    });
    let Some(verdict) = element.verdict.as_ref().filter(|_| kind == NEW_ELEMENT) else {
        return;
    };
    attribute(out, ELEMENT_DATA | NESTED, |out| {
        attribute(out, DATA_VERDICT | NESTED, |out| match verdict {
            Verdict::Accept => attribute(out, VERDICT_CODE, |out| {
                out.extend_from_slice(&CODE_ACCEPT.to_be_bytes())
            }),
            Verdict::Goto(chain) => {
                attribute(out, VERDICT_CODE, |out| {
                    out.extend_from_slice(&CODE_GOTO.to_be_bytes())
                });
                attribute(out, VERDICT_CHAIN, |out| text(out, chain));
            }
        });
    });
}

pub(super) const AF_INET: u8 = 2;

/// `protocol . port : address . port`; each part of a concatenation fills whole registers of four bytes.
fn element(out: &mut Vec<u8>, kind: u16, publication: Publication) {
    let protocol = match publication.protocol {
        TransportProtocol::Tcp => 6,
        TransportProtocol::Udp => 17,
    };
    let [high, low] = publication.host_port.to_be_bytes();
    attribute(out, ELEMENT_KEY | NESTED, |out| {
        attribute(out, DATA_VALUE, |out| {
            out.extend_from_slice(&[protocol, 0, 0, 0, high, low, 0, 0])
        });
    });
    if kind == DELETE_ELEMENT {
        return;
    }
    let [high, low] = publication.container_port.to_be_bytes();
    attribute(out, ELEMENT_DATA | NESTED, |out| {
        attribute(out, DATA_VALUE, |out| {
            out.extend_from_slice(&publication.address.octets());
            out.extend_from_slice(&[high, low, 0, 0]);
        });
    });
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

pub(super) fn message(
    out: &mut Vec<u8>,
    kind: u16,
    flags: u16,
    sequence: u32,
    family: u8,
    resource: u16,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(&flags.to_ne_bytes());
    out.extend_from_slice(&sequence.to_ne_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[family, 0]);
    out.extend_from_slice(&resource.to_be_bytes());
    body(out);
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_ne_bytes());
}

pub(super) fn attribute(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&kind.to_ne_bytes());
    body(out);
    let length = (out.len() - start) as u16;
    out[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
}
