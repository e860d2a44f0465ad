//! The sockets of the resolvers of VPCs: opened here, served by a process of its own, to which they are handed over.
//! They are kept here too, so that what arrives while that process is replaced waits in them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use domain::served_names::HOST;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::NetworkError;
use super::cidr::Cidr;
use super::netns;

/// The address at which every VPC has its resolver too, as on Amazon.
const COMMON: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// The place of the resolver in the range of its VPC, as on Amazon.
const PLACE: u32 = 2;
pub(super) const PORT: u16 = 53;
/// The port of the bridge's address to which the host's rules lead what is asked there: a task may publish port 53.
pub(super) const HOST_PORT: u16 = 51_653;

/// The sockets of this host, by VPC; [`HOST`] is one too.
#[derive(Debug)]
pub(crate) struct Resolvers {
    open: Mutex<BTreeMap<String, Opened>>,
    changed: watch::Sender<()>,
}

/// Those of a VPC.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// Its range.
    pub(crate) cidr: (Ipv4Addr, u8),
    /// UDP ones, and TCP ones that listen.
    pub(crate) sockets: Arc<Vec<OwnedFd>>,
}

impl Default for Resolvers {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            changed: watch::channel(()).0,
        }
    }
}

/// Where tasks of a VPC find its resolver.
pub(super) fn addresses(range: Cidr) -> impl Iterator<Item = Ipv4Addr> {
    range.nth(PLACE).into_iter().chain([COMMON])
}

impl Resolvers {
    /// Opens the sockets of a VPC, whose router must have the addresses. If another process has them, as the one that
    /// an earlier agent has left, they are taken over from that.
    pub(super) async fn open_in_vpc(
        &self,
        vpc_id: &str,
        range: Cidr,
        namespace: PathBuf,
    ) -> Result<(), NetworkError> {
        if self.is_open(vpc_id) {
            return Ok(());
        }
        let bind = move || {
            let mut sockets = Vec::new();
            for address in addresses(range) {
                let failed = |source| NetworkError::Endpoint {
                    address,
                    port: PORT,
                    source,
                };
                match listen(address, PORT) {
                    Ok(bound) => sockets.extend(bound),
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(Vec::new()),
                    Err(error) => return Err(failed(error)),
                }
            }
            Ok(sockets)
        };
        let sockets = netns::inside(namespace, bind).await?;
        if !sockets.is_empty() {
            self.inherit(vpc_id.to_owned(), (range.base(), range.prefix()), sockets);
        }
        Ok(())
    }

    /// Opens the sockets of who is in no VPC: containers on the bridge, which has this address and range, and the host's own
    /// network.
    pub(super) fn open_on_bridge(&self, address: Ipv4Addr, range: Cidr) -> Result<(), NetworkError> {
        if self.is_open(HOST) {
            return Ok(());
        }
        let sockets = listen(address, HOST_PORT).map_err(|source| NetworkError::Endpoint {
            address,
            port: HOST_PORT,
            source,
        })?;
        self.inherit(HOST.to_owned(), (range.base(), range.prefix()), sockets.into());
        Ok(())
    }

    /// Takes sockets over that were opened before, unless the VPC has others here.
    pub(crate) fn inherit(&self, vpc_id: String, cidr: (Ipv4Addr, u8), sockets: Vec<OwnedFd>) -> bool {
        let sockets = Arc::new(sockets);
        let is_inherited = match self.open.lock().entry(vpc_id) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(Opened { cidr, sockets });
                true
            }
        };
        self.changed.send_replace(());
        is_inherited
    }

    /// Drops the sockets of a VPC; they would keep its namespace.
    pub(super) fn close(&self, vpc_id: &str) {
        self.open.lock().remove(vpc_id);
        self.changed.send_replace(());
    }

    /// Whether a VPC has sockets here.
    pub(super) fn is_open(&self, vpc_id: &str) -> bool {
        self.open.lock().contains_key(vpc_id)
    }

    /// All that are open.
    pub(crate) fn all(&self) -> BTreeMap<String, Opened> {
        self.open.lock().clone()
    }

    /// Tells when something has been opened or closed.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

fn listen(address: Ipv4Addr, port: u16) -> io::Result<[OwnedFd; 2]> {
    let packets = UdpSocket::bind((address, port))?;
    let connections = TcpListener::bind((address, port))?;
    packets.set_nonblocking(true)?;
    connections.set_nonblocking(true)?;
    Ok([packets.into(), connections.into()])
}
