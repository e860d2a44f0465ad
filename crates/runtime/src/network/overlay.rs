//! The parts of a VPC on other hosts: a VXLAN link in the namespace of the VPC, whose tunnel is the host's.
//!
//! ```text
//!  task ─ VPC's namespace ─ vx0 ═══ UDP between hosts ═══ vx0 ─ VPC's namespace ─ task
//! ```
//!
//! Nothing is learned or asked for: the control plane knows which address is where, so a host has one neighbour for
//! each other host and one route for each task there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use futures_util::TryStreamExt;
use rtnetlink::packet_route::link::{InfoData, InfoVxlan, LinkAttribute, LinkInfo};
use rtnetlink::{Handle, LinkVxlan};

use super::host::Host;
use super::{NetworkError, links, netns};

mod paths;

/// What a VPC calls its link to other hosts.
pub(super) const LINK: &str = "vx0";
/// Where hosts listen for each other. Not the usual 4789, which Docker's networks of several hosts use.
pub(super) const PORT: u16 = 4799;
/// Addresses of hosts inside of tunnels: link-local ones that nothing else has.
const TUNNEL_BASE: Ipv4Addr = Ipv4Addr::new(169, 254, 192, 0);
/// All of them.
pub(super) const TUNNELS: &str = "169.254.192.0/18";
/// What a tunnel adds to a packet: heads of Ethernet, VXLAN, UDP and IPv4. Tasks are told what is left, so that hosts need
/// not cut packets up.
const TUNNEL_BYTES: u32 = 50;
/// Bytes of a packet where nobody says otherwise.
const USUAL_MTU: u32 = 1500;
/// Hosts that these addresses are enough for.
const HOSTS_MAX: u16 = 1 << 14;

/// How a VPC reaches its parts on other hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overlay {
    /// Tells the VPC from others on the wire: 24 bits, the same on all hosts.
    pub(super) vni: u32,
    /// This host.
    pub(super) own: OverlayHost,
    /// The others that have something of the VPC, with its addresses there.
    pub(super) others: BTreeMap<OverlayHost, BTreeSet<Ipv4Addr>>,
}

/// A host as others find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OverlayHost {
    /// No two hosts of a control plane have the same; below 16,384.
    pub(super) number: u16,
    /// Its address to other hosts.
    pub(super) address: Ipv4Addr,
}

impl OverlayHost {
    fn checked(self) -> Result<Self, NetworkError> {
        match self.number < HOSTS_MAX {
            true => Ok(self),
            false => Err(NetworkError::InvalidConfig(format!(
                "host number {} is not below {HOSTS_MAX}",
                self.number
            ))),
        }
    }

    /// The one whose end of tunnels has the MAC address.
    fn found(mac: &[u8], address: Ipv4Addr) -> Option<Self> {
        let inner = Ipv4Addr::from(*mac.last_chunk::<4>()?);
        let number = u32::from(inner).checked_sub(u32::from(TUNNEL_BASE))?;
        let number = u16::try_from(number).ok()?;
        let found = Self { number, address }.checked().ok()?;
        (found.mac() == mac).then_some(found)
    }

    /// Its address inside of tunnels.
    fn inner(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(TUNNEL_BASE) + u32::from(self.number))
    }

    /// The MAC address of its end of each tunnel.
    fn mac(self) -> [u8; 6] {
        links::mac_of(self.inner())
    }
}

/// The VXLAN link of a VPC with what leads through it.
pub(super) struct Tunnel {
    vni: u32,
    own: OverlayHost,
    /// In the namespace of the VPC.
    handle: Handle,
    index: u32,
    hosts: BTreeSet<OverlayHost>,
    /// By the address of a task: the address inside of tunnels of the host that has it.
    routes: BTreeMap<Ipv4Addr, Ipv4Addr>,
}

impl Tunnel {
    /// Takes up the link that an earlier run left, if it is as wanted, or makes it.
    pub(super) async fn open(host: &Host, vpc: PathBuf, wanted: &Overlay) -> Result<Self, NetworkError> {
        let own = wanted.own.checked()?;
        let namespace = netns::open(vpc).await?;
        let handle = namespace.handle;
        let index = match existing(&handle).await? {
            Some(link) if link.is_of(wanted) => link.index,
            Some(link) => {
                links::remove(&handle, link.index).await?;
                add(host, &namespace.file, &handle, wanted).await?
            }
            None => add(host, &namespace.file, &handle, wanted).await?,
        };
        links::add_address(&handle, index, own.inner(), 32).await?;
        let mtu = links::mtu_at(&host.links, own.address).await?;
        let mtu = mtu.unwrap_or(USUAL_MTU).saturating_sub(TUNNEL_BYTES);
        links::set_up_with_mtu(&handle, index, mtu).await?;
        Ok(Self {
            vni: wanted.vni,
            own,
            hosts: paths::hosts(&handle, index).await?,
            routes: paths::routes(&handle, index).await?,
            handle,
            index,
        })
    }

    /// Whether it can become what is wanted.
    pub(super) fn suits(&self, wanted: &Overlay) -> bool {
        (self.vni, self.own) == (wanted.vni, wanted.own)
    }

    /// Leads to what is wanted, and to nothing else any more.
    pub(super) async fn lead(&mut self, wanted: &Overlay) -> Result<(), NetworkError> {
        let mut routes = BTreeMap::new();
        for (host, addresses) in &wanted.others {
            let host = host.checked()?;
            // A host can have got another address; its way is replaced then.
            if !self.hosts.contains(&host) {
                paths::add_host(&self.handle, self.index, host).await?;
                self.hosts.insert(host);
            }
            routes.insert(host.inner(), host.inner());
            routes.extend(addresses.iter().map(|it| (*it, host.inner())));
        }
        for (address, through) in &routes {
            if self.routes.get(address) != Some(through) {
                paths::add_route(&self.handle, self.index, *address, *through).await?;
                self.routes.insert(*address, *through);
            }
        }
        let gone: Vec<Ipv4Addr> = self
            .routes
            .keys()
            .filter(|it| !routes.contains_key(it))
            .copied()
            .collect();
        for address in gone {
            links::remove_host_route(&self.handle, self.index, address).await?;
            self.routes.remove(&address);
        }
        let gone: Vec<OverlayHost> = self
            .hosts
            .iter()
            .filter(|it| !wanted.others.contains_key(it))
            .copied()
            .collect();
        for host in gone {
            let is_moved = wanted.others.keys().any(|it| it.number == host.number);
            if !is_moved {
                paths::remove_host(&self.handle, self.index, host).await?;
            }
            self.hosts.remove(&host);
        }
        Ok(())
    }
}

/// Removes the link that an earlier run left, or this one.
pub(super) async fn close(vpc: PathBuf) -> Result<(), NetworkError> {
    let handle = netns::open(vpc).await?.handle;
    match links::index_of(&handle, LINK).await? {
        Some(index) => links::remove(&handle, index).await,
        None => Ok(()),
    }
}

/// The link that is there.
struct Existing {
    index: u32,
    vni: u32,
    local: Ipv4Addr,
    mac: Vec<u8>,
}

impl Existing {
    fn is_of(&self, wanted: &Overlay) -> bool {
        (self.vni, self.local) == (wanted.vni, wanted.own.address) && self.mac == wanted.own.mac()
    }
}

async fn existing(handle: &Handle) -> Result<Option<Existing>, NetworkError> {
    let Some(index) = links::index_of(handle, LINK).await? else {
        return Ok(None);
    };
    let mut answers = handle.link().get().match_index(index).execute();
    let failed = NetworkError::netlink("read the link to other hosts");
    let link = answers.try_next().await.map_err(failed)?;
    let mut found = Existing {
        index,
        vni: 0,
        local: Ipv4Addr::UNSPECIFIED,
        mac: Vec::new(),
    };
    for attribute in link.into_iter().flat_map(|it| it.attributes) {
        match attribute {
            LinkAttribute::Address(mac) => found.mac = mac,
            LinkAttribute::LinkInfo(infos) => {
                let data = infos.into_iter().filter_map(|info| match info {
                    LinkInfo::Data(InfoData::Vxlan(data)) => Some(data),
                    _ => None,
                });
                for it in data.flatten() {
                    match it {
                        InfoVxlan::Id(id) => found.vni = id,
                        InfoVxlan::Local(address) => found.local = address,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Some(found))
}

/// The link is born in the namespace of the VPC; its tunnel stays where it was made, in the host's.
async fn add(host: &Host, namespace: &File, vpc: &Handle, wanted: &Overlay) -> Result<u32, NetworkError> {
    let link = LinkVxlan::new(LINK, wanted.vni)
        .local(wanted.own.address)
        .port(PORT)
        .learning(false)
        .address(wanted.own.mac().to_vec())
        .setns_by_fd(namespace.as_raw_fd())
        .build();
    let failed = NetworkError::netlink("add the link to other hosts");
    host.links.link().add(link).execute().await.map_err(failed)?;
    let missing = || NetworkError::Netlink {
        what: "find the link to other hosts",
        source: std::io::Error::from(std::io::ErrorKind::NotFound),
    };
    links::index_of(vpc, LINK).await?.ok_or_else(missing)
}
