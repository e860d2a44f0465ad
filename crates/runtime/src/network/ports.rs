//! Host ports of published containers: which are free, and keeping them so.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;

use agent::host::{PortMapping, TransportProtocol};
use parking_lot::Mutex;
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketAddrV4, SocketFlags, SocketType, bind, socket_with};

use super::NetworkError;

type Port = (TransportProtocol, u16);

/// The ports in use, each with a bound socket that keeps processes of the host away from it. The socket does not
/// listen: IPv4 traffic never reaches it, and over IPv6 clients are refused at once instead of waiting.
pub(super) struct Ports {
    dynamic: RangeInclusive<u16>,
    taken: Mutex<Taken>,
}

struct Taken {
    /// `None`: ours, but without a socket, since a process got it while no agent ran.
    held: BTreeMap<Port, Option<OwnedFd>>,
    /// Where the search for a free port goes on, so that one just freed rests for a while.
    next: u16,
}

impl Ports {
    pub(super) fn new(dynamic: RangeInclusive<u16>) -> Self {
        let next = *dynamic.start();
        Self {
            dynamic,
            taken: Mutex::new(Taken {
                held: BTreeMap::new(),
                next,
            }),
        }
    }

    /// Takes all the ports or none. Host port 0 gets one of the dynamic range, or as many in a row as are asked for.
    pub(super) fn take(&self, key: &str, asked: &[PortMapping]) -> Result<Vec<PortMapping>, NetworkError> {
        let mut granted: Vec<PortMapping> = Vec::with_capacity(asked.len());
        for mapping in asked {
            match self.take_one(key, *mapping) {
                Ok(mapping) => granted.push(mapping),
                Err(error) => {
                    self.release(&granted);
                    return Err(error);
                }
            }
        }
        Ok(granted)
    }

    fn take_one(&self, key: &str, mapping: PortMapping) -> Result<PortMapping, NetworkError> {
        if mapping.host_port == 0 {
            let host_port = self.take_dynamic(mapping.protocol, mapping.following)?;
            return Ok(PortMapping { host_port, ..mapping });
        }
        let mut taken = Vec::new();
        for single in mapping.single_ports() {
            if let Err(error) = self.take_fixed(key, (single.protocol, single.host_port)) {
                self.release(&taken);
                return Err(error);
            }
            taken.push(single);
        }
        Ok(mapping)
    }

    /// Takes back what an earlier run of the agent had given away. The rules lead there in any case, so a port
    /// that cannot be bound stays the container's.
    pub(super) fn take_again(&self, mapping: &PortMapping) -> io::Result<()> {
        let port = (mapping.protocol, mapping.host_port);
        let socket = bind_fixed(port);
        let (socket, result) = match socket {
            Ok(socket) => (Some(socket), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.taken.lock().held.insert(port, socket);
        result
    }

    pub(super) fn release(&self, mappings: &[PortMapping]) {
        let mut taken = self.taken.lock();
        for mapping in mappings.iter().flat_map(|it| it.single_ports()) {
            taken.held.remove(&(mapping.protocol, mapping.host_port));
        }
    }

    fn take_fixed(&self, key: &str, port: Port) -> Result<(), NetworkError> {
        let mut taken = self.taken.lock();
        let allocated = || NetworkError::PortAllocated {
            key: key.to_owned(),
            port: port.1,
        };
        if taken.held.contains_key(&port) {
            return Err(allocated());
        }
        match bind_fixed(port) {
            Ok(socket) => {
                taken.held.insert(port, Some(socket));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(allocated()),
            Err(source) => Err(NetworkError::PortBind { port: port.1, source }),
        }
    }

    /// Takes a free port and the `following` ones after it.
    fn take_dynamic(&self, protocol: TransportProtocol, following: u16) -> Result<u16, NetworkError> {
        let (first, last) = (*self.dynamic.start(), *self.dynamic.end());
        let mut taken = self.taken.lock();
        let mut row: Vec<(u16, OwnedFd)> = Vec::new();
        for _ in self.dynamic.clone() {
            let port = taken.next;
            taken.next = if port == last { first } else { port + 1 };
            let is_held = taken.held.contains_key(&(protocol, port));
            if is_held
                || row
                    .last()
                    .is_some_and(|(before, _)| before.checked_add(1) != Some(port))
            {
                // A row must not be interrupted; what was bound of it is let go.
                row.clear();
            }
            if is_held {
                continue;
            }
            match bind_strictly((protocol, port)) {
                Ok(socket) => row.push((port, socket)),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => row.clear(),
                Err(source) => return Err(NetworkError::PortBind { port, source }),
            }
            if row.len() == usize::from(following) + 1 {
                let host_port = row[0].0;
                let held = row
                    .into_iter()
                    .map(|(port, socket)| ((protocol, port), Some(socket)));
                taken.held.extend(held);
                return Ok(host_port);
            }
        }
        Err(NetworkError::NoFreePort { first, last })
    }
}

/// Connections that ended a moment ago still block a strict bind; they should not keep a fixed port from its user.
fn bind_fixed(port: Port) -> io::Result<OwnedFd> {
    match bind_strictly(port) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && port.0 == TransportProtocol::Tcp => {
            let socket = open(port.0)?;
            set_socket_reuseaddr(&socket, true)?;
            bind(&socket, &any_address(port))?;
            Ok(socket)
        }
        result => result,
    }
}

/// Nobody else can bind the port while this socket is open.
fn bind_strictly(port: Port) -> io::Result<OwnedFd> {
    let socket = open(port.0)?;
    bind(&socket, &any_address(port))?;
    Ok(socket)
}

fn open(protocol: TransportProtocol) -> io::Result<OwnedFd> {
    let kind = match protocol {
        TransportProtocol::Tcp => SocketType::STREAM,
        TransportProtocol::Udp => SocketType::DGRAM,
    };
    Ok(socket_with(
        AddressFamily::INET,
        kind,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

fn any_address(port: Port) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port.1)
}
