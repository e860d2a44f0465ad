//! Changes of nftables, written straight to the kernel: microseconds, where a process of `nft` takes milliseconds.
//!
//! Whole tables and what packets enter them by are made by `nft`, see `rules`. What follows from it is here: elements of
//! sets and maps, and rules that are values. What messages are made of here is for `conntrack`; those of nftables are a
//! library's (`batch`).

mod batch;
mod expressions;

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::filters::Step;
use agent::host::TransportProtocol;
use batch::Batch;
use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with, sockopt,
};
use tokio::sync::oneshot;

// linux/netlink.h
pub(super) const ERROR: u16 = 2;
pub(super) const REQUEST: u16 = 0x1;
pub(super) const ACK: u16 = 0x4;
pub(super) const NESTED: u16 = 0x8000;
pub(super) const HEADER_BYTES: usize = 16;

/// An answer repeats the message it is about, so it is as long as that.
pub(super) const ANSWER_BYTES: usize = 64 * 1024;
/// Answers read before the kernel is held to be confused: it tells of each message that fails.
const MAX_ANSWERS: usize = 64 * 1024;
/// Longer transactions are left to `nft`.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// What the kernel keeps of the room for sending.
const OVERHEAD_BYTES: usize = 32;

/// A published port: where it leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Publication {
    pub(super) protocol: TransportProtocol,
    pub(super) host_port: u16,
    pub(super) address: Ipv4Addr,
    pub(super) container_port: u16,
}

/// A socket to the nftables of the network namespace in which it was opened.
#[derive(Clone)]
pub(super) struct Nftables {
    socket: Arc<Mutex<OwnedFd>>,
    batch_bytes_max: usize,
}

impl Nftables {
    pub(super) fn open() -> io::Result<Self> {
        let socket = open_socket()?;
        // Who may not have more room than the host gives everybody makes do with that.
        let _ = sockopt::set_socket_send_buffer_size_force(&socket, BATCH_BYTES_MAX + OVERHEAD_BYTES);
        let room = sockopt::socket_send_buffer_size(&socket)?;
        Ok(Self {
            socket: Arc::new(Mutex::new(socket)),
            batch_bytes_max: room.saturating_sub(OVERHEAD_BYTES).min(BATCH_BYTES_MAX),
        })
    }

    /// Adds to the map `ports` of `table`, all or none.
    pub(super) fn add(&self, table: &str, publications: &[Publication]) -> io::Result<()> {
        self.exchange(&Batch::of_new_ports(table, publications).bytes())
    }

    /// Takes one from the map; one that is not there is no error.
    pub(super) fn remove(&self, table: &str, publication: Publication) -> io::Result<()> {
        match self.exchange(&Batch::of_gone_port(table, publication).bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Takes steps in `table`, all or none. `None` if that is left to `nft`; then none has been taken.
    pub(super) async fn take(&self, table: &str, steps: &[Step<'_>]) -> Option<io::Result<()>> {
        let batch = Batch::of_steps(table, steps)?.bytes();
        if batch.len() > self.batch_bytes_max {
            return None;
        }
        let this = self.clone();
        let (sender, answer) = oneshot::channel();
        // The kernel looks at all that leads to a chain: milliseconds, where tens of thousands of addresses do. Threads that
        // others share may all be waiting for a disk.
        let exchanging = std::thread::Builder::new()
            .name("nftables".to_owned())
            .spawn(move || drop(sender.send(this.exchange(&batch))));
        if let Err(error) = exchanging {
            return Some(Err(error));
        }
        Some(answer.await.unwrap_or_else(|error| Err(io::Error::other(error))))
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
                Err(Errno::AGAIN) => break,
                // More failures than there is room for.
                Err(Errno::NOBUFS) => result = worse(result, Some(Errno::NOBUFS.raw_os_error())),
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

pub(super) const AF_INET: u8 = 2;

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
