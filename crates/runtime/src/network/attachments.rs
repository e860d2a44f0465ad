//! Making and unmaking what hangs on the network: one attachment at a time for each key, any number of keys at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use agent::host::{Eni, PortMapping};
use domain::served_names::HOST;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::addresses::Addresses;
use super::endpoint::{self, Endpoint, Place};
use super::host::{Host, publications};
use super::links::{self, LOOPBACK_INDEX, Pair, TASK_INTERFACE, UPLINK_INDEX};
use super::netns::{self, Namespace};
use super::ports::Ports;
use super::preserving::Preserving;
use super::records::{Attachment, Interface, Kind, Port, Records, Stage};
use super::resolvers::Resolvers;
use super::vpc::Vpcs;
use super::{NetworkError, names};

/// Work on one key takes milliseconds; with the first VPC and a loaded host, perhaps a second.
const WORK_DEADLINE: Duration = Duration::from_secs(20);
/// Names tried for the host's end of a container's link, see `vpc`.
const MAX_NAME_ATTEMPTS: u32 = 8;

/// What a caller asks for.
pub(super) enum Wanted {
    Task(Interface),
    Bridge(Vec<PortMapping>),
    Isolated,
    LoadBalancer(Interface, Vec<Ipv4Addr>),
}

impl Wanted {
    pub(super) fn task(eni: &Eni) -> Result<Self, NetworkError> {
        Ok(Self::Task(Interface::try_from(eni)?))
    }

    pub(super) fn load_balancer(eni: &Eni, others: &[Ipv4Addr]) -> Result<Self, NetworkError> {
        Ok(Self::LoadBalancer(Interface::try_from(eni)?, others.to_vec()))
    }
}

/// Holds the attachment of a key. It is locked while that is made or unmade, across awaits: that is its purpose.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Attachment>>>;

/// All attachments of the host with what they are made of.
pub(super) struct Attachments {
    pub(super) records: Records,
    pub(super) host: Host,
    pub(super) vpcs: Vpcs,
    pub(super) ports: Ports,
    pub(super) addresses: Addresses,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) resolvers: Arc<Resolvers>,
    pub(super) slots: Mutex<BTreeMap<String, Slot>>,
}

impl Attachments {
    /// Takes up what an earlier run of the agent left: keeps what is whole, removes the rest.
    pub(super) async fn take_up(&self) -> Result<(), NetworkError> {
        let mut published = Vec::new();
        let mut namespaces = BTreeSet::new();
        let mut vpcs = BTreeMap::new();
        for attachment in self.records.attachments()? {
            let path = self.records.namespace(&attachment.key);
            if attachment.stage != Stage::Ready || !netns::is_bound(&path) {
                self.unmake(&attachment).await?;
                continue;
            }
            if let Kind::Bridge { address, .. } = &attachment.kind {
                self.addresses.take_again(*address);
            }
            if let Some((address, ports)) = attachment.kind.published() {
                let ports = mappings(ports);
                for port in ports.iter().flat_map(|it| it.single_ports()) {
                    let port = &port;
                    if let Err(error) = self.ports.take_again(port) {
                        tracing::warn!(key = attachment.key, port = port.host_port, %error, "a published port was taken by a process of the host meanwhile");
                    }
                }
                published.extend(publications(address, &ports));
            }
            namespaces.insert(path);
            if let Some(it) = attachment.kind.interface() {
                let preserving: &mut BTreeSet<_> = vpcs.entry(it.vpc_id.clone()).or_default();
                preserving.extend(Preserving::of(&attachment.kind));
            }
            self.join_endpoint(&attachment);
            self.slots
                .lock()
                .insert(attachment.key.clone(), Slot::new(Some(attachment).into()));
        }
        namespaces.extend(
            self.records
                .vpcs()?
                .iter()
                .map(|vpc| self.records.vpc_namespace(&vpc.vpc_id)),
        );
        for path in self.records.all_namespaces()? {
            if !namespaces.contains(&path) {
                netns::forget(&path)?;
            }
        }
        if self.slots.lock().is_empty() {
            return Ok(());
        }
        self.host.ensure_rules(&published).await?;
        for (vpc_id, preserving) in vpcs {
            self.vpcs.filter_again(&self.host, &vpc_id, preserving).await?;
            self.vpcs.open_endpoint(&vpc_id).await;
        }
        Ok(())
    }

    /// The attachment of the key, made if it is not there.
    pub(super) async fn attach(&self, key: &str, wanted: Wanted) -> Result<Attachment, NetworkError> {
        let slot = Arc::clone(self.slots.lock().entry(key.to_owned()).or_default());
        let attached = self.fill(key, &slot, wanted).await;
        if attached.is_err() {
            self.drop_if_unused(key, &slot);
        }
        attached
    }

    async fn fill(&self, key: &str, slot: &Slot, wanted: Wanted) -> Result<Attachment, NetworkError> {
        let mut held = lock(slot).await?;
        if let Some(existing) = held.as_mut() {
            if let Wanted::LoadBalancer(interface, others) = &wanted {
                let readdressing = timeout(WORK_DEADLINE, self.readdress(existing, interface, others)).await;
                readdressing.unwrap_or(Err(NetworkError::Deadline("other addresses")))?;
                return Ok(existing.clone());
            }
            return match is_same(&existing.kind, &wanted) {
                true => Ok(existing.clone()),
                false => Err(NetworkError::AttachedOtherwise(key.to_owned())),
            };
        }
        let kind = self.reserve(key, wanted)?;
        let mut attachment = Attachment {
            key: key.to_owned(),
            stage: Stage::Making,
            kind,
        };
        let made = timeout(WORK_DEADLINE, self.make(&mut attachment)).await;
        if let Err(error) = made.unwrap_or(Err(NetworkError::Deadline("attaching to the network"))) {
            if let Err(left) = self.unmake(&attachment).await {
                tracing::warn!(key, error = %left, "a failed attachment could not be removed; the next start will");
            }
            return Err(error);
        }
        *held = Some(attachment.clone());
        Ok(attachment)
    }

    /// Removes the attachment of the key and, if that is a task, those of its containers.
    pub(super) async fn detach(&self, key: &str) -> Result<(), NetworkError> {
        let below = format!("{key}/");
        let is_meant = |other: &&String| *other == key || other.starts_with(&below);
        let keys: Vec<String> = self.slots.lock().keys().filter(is_meant).cloned().collect();
        for key in keys {
            let Some(slot) = self.slots.lock().get(&key).cloned() else {
                continue;
            };
            let mut held = lock(&slot).await?;
            if let Some(attachment) = &*held {
                self.unmake(attachment).await?;
                *held = None;
            }
            drop(held);
            self.drop_if_unused(&key, &slot);
        }
        Ok(())
    }

    /// Opens the endpoint of tasks for who is in the host's own network, unless it is open, and answers its address.
    pub(super) async fn endpoint_in_host_network(&self) -> Result<SocketAddr, NetworkError> {
        let gateway = self.addresses.gateway();
        self.host.ensure_bridge(gateway).await?;
        self.open_resolver_on_bridge();
        self.endpoint.open_on_bridge(gateway)?;
        Ok(SocketAddr::from((gateway, endpoint::HOST_PORT)))
    }

    /// Where it cannot be had, containers do with the name servers of their host.
    fn open_resolver_on_bridge(&self) {
        let range = self.addresses.range();
        if let Err(error) = self.resolvers.open_on_bridge(self.addresses.gateway(), range) {
            tracing::warn!(%error, "tasks in network modes bridge and host do not know names of VPCs");
        }
    }

    /// The resolver of who is in no VPC, if it is open.
    pub(super) fn resolver_of_host(&self) -> Option<Ipv4Addr> {
        self.resolvers.is_open(HOST).then(|| self.addresses.gateway())
    }

    /// Address of a container on the bridge.
    pub(super) async fn bridge_address(&self, key: &str) -> Result<Option<Ipv4Addr>, NetworkError> {
        let Some(slot) = self.slots.lock().get(key).cloned() else {
            return Ok(None);
        };
        let held = lock(&slot).await?;
        Ok(held.as_ref().and_then(|it| match it.kind {
            Kind::Bridge { address, .. } => Some(address),
            _ => None,
        }))
    }

    fn drop_if_unused(&self, key: &str, slot: &Slot) {
        let mut slots = self.slots.lock();
        // Two: the map's and the caller's. More: someone else waits for it.
        let is_idle = Arc::strong_count(slot) == 2 && slot.try_lock().is_ok_and(|held| held.is_none());
        if is_idle {
            slots.remove(key);
        }
    }

    /// Detaches whatever is not `live`, by key or by task.
    pub(super) async fn keep_only(&self, live: &BTreeSet<&str>) -> Result<(), NetworkError> {
        let keys: Vec<String> = self.slots.lock().keys().cloned().collect();
        for key in keys {
            let task = key.split('/').next().unwrap_or(&key);
            if !live.contains(key.as_str()) && !live.contains(task) {
                self.detach(&key).await?;
            }
        }
        let slots: Vec<Slot> = self.slots.lock().values().cloned().collect();
        let mut used = BTreeSet::new();
        for slot in slots {
            let held = slot.lock().await;
            let interface = held.as_ref().and_then(|it| it.kind.interface());
            used.extend(interface.map(|it| it.vpc_id.clone()));
        }
        self.vpcs.drop_others(&self.host, &used).await
    }

    fn reserve(&self, key: &str, wanted: Wanted) -> Result<Kind, NetworkError> {
        match wanted {
            Wanted::Task(interface) => Ok(Kind::Task(interface)),
            Wanted::Isolated => Ok(Kind::Isolated),
            Wanted::LoadBalancer(interface, others) => Ok(Kind::LoadBalancer {
                interface,
                others,
                ports: Vec::new(),
                preserving: None,
            }),
            Wanted::Bridge(asked) => {
                let ports = self.ports.take(key, &asked)?;
                let address = self
                    .addresses
                    .take()
                    .inspect_err(|_| self.ports.release(&ports))?;
                Ok(Kind::Bridge {
                    address,
                    ports: ports.iter().map(Port::from).collect(),
                })
            }
        }
    }

    /// The record comes first and last: a namespace without one does not happen, nor one that is whole but unready.
    async fn make(&self, attachment: &mut Attachment) -> Result<(), NetworkError> {
        self.records.save(attachment)?;
        let path = self.records.namespace(&attachment.key);
        netns::forget(&path)?;
        let namespace = netns::create(path, netns::TASK_SETTINGS).await?;
        match &attachment.kind {
            Kind::Task(interface) => {
                self.vpcs
                    .attach(&self.host, &attachment.key, interface, &namespace, &[])
                    .await?;
            }
            Kind::LoadBalancer {
                interface, others, ..
            } => {
                self.vpcs
                    .attach(&self.host, &attachment.key, interface, &namespace, others)
                    .await?;
            }
            Kind::Bridge { address, ports } => {
                self.join_bridge(&attachment.key, *address, &namespace).await?;
                self.host.publish(*address, &mappings(ports))?;
                self.host.forget_waiting(&mappings(ports)).await?;
            }
            Kind::Isolated => links::set_up(&namespace.handle, LOOPBACK_INDEX).await?,
        }
        self.join_endpoint(attachment);
        attachment.stage = Stage::Ready;
        self.records.save(attachment)
    }

    /// Lets the endpoint of tasks know who has the address; on the bridge, opens it.
    fn join_endpoint(&self, attachment: &Attachment) {
        let Some((place, address)) = place_of(attachment) else {
            return;
        };
        let opened = match place {
            Place::Bridge => self.endpoint.open_on_bridge(self.addresses.gateway()),
            Place::Vpc(_) => Ok(()),
        };
        if let Err(error) = opened {
            tracing::error!(%error, "tasks on the bridge cannot reach their endpoint");
        }
        self.endpoint.join(place, address, &attachment.key);
    }

    async fn join_bridge(
        &self,
        key: &str,
        address: Ipv4Addr,
        namespace: &Namespace,
    ) -> Result<(), NetworkError> {
        let gateway = self.addresses.gateway();
        let bridge = self.host.ensure_bridge(gateway).await?;
        self.open_resolver_on_bridge();
        let name = self.add_bridge_link(key, bridge, address, namespace).await?;
        // Sent in this order, without waiting in between.
        tokio::try_join!(
            links::set_hairpin(&self.host.links, &name),
            links::add_address(&namespace.handle, UPLINK_INDEX, address, self.addresses.prefix()),
            links::set_up(&namespace.handle, LOOPBACK_INDEX),
            links::set_up(&namespace.handle, UPLINK_INDEX),
            links::add_default_route(&namespace.handle, UPLINK_INDEX, gateway),
        )?;
        Ok(())
    }

    /// Answers the name of the host's end.
    async fn add_bridge_link(
        &self,
        key: &str,
        bridge: u32,
        address: Ipv4Addr,
        namespace: &Namespace,
    ) -> Result<String, NetworkError> {
        let mut attempt = 0;
        loop {
            let name = names::interface(key, attempt);
            let pair = Pair {
                name: name.clone(),
                index: None,
                bridge: Some(bridge),
                peer_namespace: &namespace.file,
                peer_name: TASK_INTERFACE,
                peer_mac: Some(links::mac_of(address)),
            };
            match links::add_pair(&self.host.links, pair).await {
                Err(error) if error.is_existing() && attempt + 1 < MAX_NAME_ATTEMPTS => attempt += 1,
                result => return result.map(|()| name),
            }
        }
    }

    /// Ends all connections of an attachment, of which nothing leads here any more.
    async fn cut_off(&self, attachment: &Attachment) -> Result<(), NetworkError> {
        let addresses = addresses_of(&attachment.kind);
        match addresses.is_empty() {
            true => Ok(()),
            false => self.forget_addresses(attachment, addresses).await,
        }
    }

    /// Nothing leads to these addresses of an attachment any more, and their connections are over.
    pub(super) async fn forget_addresses(
        &self,
        attachment: &Attachment,
        addresses: Vec<Ipv4Addr>,
    ) -> Result<(), NetworkError> {
        let vpc_id = attachment.kind.interface().map(|it| it.vpc_id.as_str());
        if let Some(vpc_id) = vpc_id {
            self.vpcs
                .cut_off(&attachment.key, vpc_id, addresses.clone())
                .await?;
        }
        // The host has met it too.
        let link = match vpc_id {
            Some(vpc_id) => self.vpcs.link_on_host(&self.host, vpc_id),
            None => Some(self.host.names.bridge()),
        };
        match link {
            Some(link) => self.host.forget_behind(&link, addresses).await,
            None => Ok(()),
        }
    }

    /// Undoes as much as was done. The record goes last, so what fails here is found again.
    async fn unmake(&self, attachment: &Attachment) -> Result<(), NetworkError> {
        // A task has to end whatever the kernel says: what stays knows a link that goes, and drops what comes by it.
        if let Err(error) = self.stop_preserving(&attachment.kind).await {
            tracing::error!(key = attachment.key, %error, "rules of a load balancer that is gone stay");
        }
        if let Some((place, address)) = place_of(attachment) {
            self.endpoint.leave(place, address);
        }
        if let Some((address, ports)) = attachment.kind.published() {
            self.host.unpublish(address, &mappings(ports))?;
        }
        // A task has to end even on a kernel that does not let its connections be looked at.
        if let Err(error) = self.cut_off(attachment).await {
            tracing::error!(key = attachment.key, %error, "connections of what is gone are still tracked");
        }
        netns::forget(&self.records.namespace(&attachment.key))?;
        self.records.remove(&attachment.key)?;
        if let Some((_, ports)) = attachment.kind.published() {
            self.ports.release(&mappings(ports));
        }
        if let Kind::Bridge { address, .. } = &attachment.kind {
            self.addresses.release(*address);
        }
        Ok(())
    }
}

fn addresses_of(kind: &Kind) -> Vec<Ipv4Addr> {
    match kind {
        Kind::Task(interface) => vec![interface.address],
        Kind::LoadBalancer {
            interface, others, ..
        } => others.iter().copied().chain([interface.address]).collect(),
        Kind::Bridge { address, .. } => vec![*address],
        Kind::Isolated => Vec::new(),
    }
}

/// Where the endpoint of tasks meets an attachment.
fn place_of(attachment: &Attachment) -> Option<(Place, Ipv4Addr)> {
    match &attachment.kind {
        Kind::Task(interface) => Some((Place::Vpc(interface.vpc_id.clone()), interface.address)),
        Kind::Bridge { address, .. } => Some((Place::Bridge, *address)),
        // A load balancer has no role and asks for nothing.
        Kind::Isolated | Kind::LoadBalancer { .. } => None,
    }
}

pub(super) async fn lock(
    slot: &Slot,
) -> Result<tokio::sync::MutexGuard<'_, Option<Attachment>>, NetworkError> {
    timeout(WORK_DEADLINE, slot.lock())
        .await
        .map_err(|_| NetworkError::Deadline("other work on the same task"))
}

/// The ports of a record as the callers know them.
pub(super) fn mappings(ports: &[Port]) -> Vec<PortMapping> {
    ports.iter().map(PortMapping::from).collect()
}

/// Whether what is there is what is wanted; a dynamic port may be any.
fn is_same(kind: &Kind, wanted: &Wanted) -> bool {
    match (kind, wanted) {
        (Kind::Isolated, Wanted::Isolated) => true,
        (Kind::Task(interface), Wanted::Task(wanted)) => interface == wanted,
        (Kind::Bridge { ports, .. }, Wanted::Bridge(wanted)) => {
            ports.len() == wanted.len()
                && mappings(ports).iter().zip(wanted).all(|(port, wanted)| {
                    let host_port = if wanted.host_port == 0 {
                        port.host_port
                    } else {
                        wanted.host_port
                    };
                    *port == PortMapping { host_port, ..*wanted }
                })
        }
        _ => false,
    }
}
