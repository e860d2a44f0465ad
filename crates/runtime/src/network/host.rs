//! The host's own part: forwarding, the table of rules, the bridge.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use agent::host::{PortMapping, TransportProtocol};
use rtnetlink::Handle;
use tokio::sync::OnceCell;

use super::cidr::Cidr;
use super::names::Names;
use super::nfnetlink::{Nftables, Publication};
use super::records::Records;
use super::{NetworkError, conntrack, links, netns, rules};

/// Links between the host and its VPCs have addresses from here, which ECS uses for the same purpose.
const UPLINK_RANGE: (Ipv4Addr, u8) = (Ipv4Addr::new(169, 254, 172, 0), 22);

/// The network namespace in which the agent runs.
pub(super) struct Host {
    pub(super) names: Names,
    pub(super) links: Handle,
    pub(super) uplinks: Cidr,
    bridge_range: Cidr,
    nftables: Nftables,
    rules: OnceCell<()>,
    bridge: OnceCell<u32>,
    /// Other hosts whose tunnels may end here. Locked while that changes, across awaits.
    hosts: tokio::sync::Mutex<BTreeSet<Ipv4Addr>>,
    records: Records,
}

impl Host {
    pub(super) fn open(names: Names, bridge_range: Cidr, records: Records) -> Result<Self, NetworkError> {
        let failed = |source| NetworkError::Netlink {
            what: "open a netlink socket",
            source,
        };
        Ok(Self {
            names,
            links: netns::open_links().map_err(failed)?,
            uplinks: Cidr::new(UPLINK_RANGE)?,
            bridge_range,
            nftables: Nftables::open().map_err(failed)?,
            rules: OnceCell::new(),
            bridge: OnceCell::new(),
            hosts: records.hosts()?.into(),
            records,
        })
    }

    /// Forwarding and the static rules, once. The ports that are `published` already stay so without a gap.
    pub(super) async fn ensure_rules(&self, published: &[Publication]) -> Result<(), NetworkError> {
        let load = || async {
            netns::write_setting("net/ipv4/ip_forward", "1")?;
            let mut script = rules::host(&self.names, self.bridge_range, self.uplinks, published);
            script.push_str(&rules::hosts(&self.names, &*self.hosts.lock().await));
            rules::load(rules::spawn()?, &script).await
        };
        self.rules.get_or_try_init(load).await.copied()
    }

    /// The bridge, once. Answers its index.
    pub(super) async fn ensure_bridge(&self, address: Ipv4Addr) -> Result<u32, NetworkError> {
        self.bridge
            .get_or_try_init(|| self.make_bridge(address))
            .await
            .copied()
    }

    async fn make_bridge(&self, address: Ipv4Addr) -> Result<u32, NetworkError> {
        self.ensure_rules(&[]).await?;
        let name = self.names.bridge();
        match links::add_bridge(&self.links, &name, links::mac_of(address)).await {
            Err(error) if !error.is_existing() => return Err(error),
            _ => {}
        }
        let source = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let index = links::index_of(&self.links, &name)
            .await?
            .ok_or_else(|| NetworkError::Netlink {
                what: "find the bridge",
                source: source(),
            })?;
        if let Some(other) = links::overlapping_route(&self.links, self.bridge_range, index).await? {
            tracing::warn!(bridge = name, range = %self.bridge_range, %other, "the bridge's range overlaps a route of the host");
        }
        links::add_address(&self.links, index, address, self.bridge_range.prefix()).await?;
        links::set_up(&self.links, index).await?;
        // Ports are published on 127.0.0.1 too; the chain `guard` keeps containers from abusing this.
        netns::write_setting(&format!("net/ipv4/conf/{name}/route_localnet"), "1")?;
        Ok(index)
    }

    /// Opens the ports of a container, all or none.
    pub(super) fn publish(&self, address: Ipv4Addr, ports: &[PortMapping]) -> Result<(), NetworkError> {
        let publications: Vec<Publication> = publications(address, ports).collect();
        if publications.is_empty() {
            return Ok(());
        }
        self.nftables
            .add(self.names.table(), &publications)
            .map_err(|error| NetworkError::Rules(format!("publish ports: {error}")))
    }

    /// Forgets who has sent datagrams to UDP ports while nobody had published them: the kernel would lead them to the host
    /// for as long as they go on.
    pub(super) async fn forget_waiting(&self, ports: &[PortMapping]) -> Result<(), NetworkError> {
        let ports = udp_ports(ports);
        if ports.is_empty() {
            return Ok(());
        }
        let own = links::addresses(&self.links).await?;
        let forgetting = tokio::task::spawn_blocking(move || conntrack::forget_untranslated(&own, &ports));
        forgetting.await.map_err(|_| NetworkError::Interrupted)?
    }

    /// Forgets who sends datagrams to UDP ports that are published no more: whoever publishes them next is to get these.
    pub(super) async fn forget_led(
        &self,
        address: Ipv4Addr,
        ports: &[PortMapping],
    ) -> Result<(), NetworkError> {
        let ports = udp_ports(ports);
        if ports.is_empty() {
            return Ok(());
        }
        let forgetting = tokio::task::spawn_blocking(move || conntrack::forget_translated(address, &ports));
        forgetting.await.map_err(|_| NetworkError::Interrupted)?
    }

    /// Forgets the connections of addresses that are behind a link. Where the host's way to one is another, somebody else
    /// has it there: another VPC of an equal range, or a network of the host's own.
    pub(super) async fn forget_behind(
        &self,
        link: &str,
        mut addresses: Vec<Ipv4Addr>,
    ) -> Result<(), NetworkError> {
        let Some(index) = links::index_of(&self.links, link).await? else {
            return Ok(());
        };
        let mut others = BTreeSet::new();
        for address in &addresses {
            if links::link_towards(&self.links, *address).await? != Some(index) {
                others.insert(*address);
            }
        }
        addresses.retain(|it| !others.contains(it));
        let forgetting = tokio::task::spawn_blocking(move || conntrack::forget_all(&addresses));
        forgetting.await.map_err(|_| NetworkError::Interrupted)?
    }

    /// Closes them; doing so again is no error.
    pub(super) fn unpublish(&self, address: Ipv4Addr, ports: &[PortMapping]) -> Result<(), NetworkError> {
        for publication in publications(address, ports) {
            self.nftables
                .remove(self.names.table(), publication)
                .map_err(|error| NetworkError::Rules(format!("withdraw a port: {error}")))?;
        }
        Ok(())
    }

    /// Lets tunnels of these hosts end here too.
    pub(super) async fn let_hosts_in(&self, addresses: BTreeSet<Ipv4Addr>) -> Result<(), NetworkError> {
        self.ensure_rules(&[]).await?;
        let mut hosts = self.hosts.lock().await;
        let new: BTreeSet<Ipv4Addr> = addresses.difference(&hosts).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        rules::load(rules::spawn()?, &rules::hosts(&self.names, &new)).await?;
        hosts.extend(new);
        self.records.save_hosts(&hosts)
    }

    /// Lets tunnels of other hosts than these end here no more.
    pub(super) async fn shut_others_out(&self, addresses: &BTreeSet<Ipv4Addr>) -> Result<(), NetworkError> {
        let mut hosts = self.hosts.lock().await;
        let gone: BTreeSet<Ipv4Addr> = hosts.difference(addresses).copied().collect();
        if gone.is_empty() {
            return Ok(());
        }
        if self.rules.initialized() {
            rules::load(rules::spawn()?, &rules::gone_hosts(&self.names, &gone)).await?;
        }
        hosts.retain(|it| !gone.contains(it));
        self.records.save_hosts(&hosts)
    }

    /// Removes the bridge and the rules.
    pub(super) async fn remove(&self) -> Result<(), NetworkError> {
        if let Some(index) = links::index_of(&self.links, &self.names.bridge()).await? {
            links::remove(&self.links, index).await?;
        }
        let table = self.names.table();
        rules::load(
            rules::spawn()?,
            &format!("add table ip {table}\ndelete table ip {table}\n"),
        )
        .await
    }
}

/// The host's ports among these for datagrams.
fn udp_ports(ports: &[PortMapping]) -> BTreeSet<u16> {
    let single = ports.iter().flat_map(|it| it.single_ports());
    let udp = single.filter(|it| it.protocol == TransportProtocol::Udp);
    udp.map(|it| it.host_port).collect()
}

/// Where the ports of a container lead.
pub(super) fn publications(address: Ipv4Addr, ports: &[PortMapping]) -> impl Iterator<Item = Publication> {
    let single = ports.iter().flat_map(|it| it.single_ports());
    single.map(move |port| Publication {
        protocol: port.protocol,
        host_port: port.host_port,
        address,
        container_port: port.container_port,
    })
}
