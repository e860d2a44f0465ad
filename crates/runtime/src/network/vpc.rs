//! VPCs: on each host one is a network namespace that routes between the links of its tasks and the host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::served_network::NetworksMessage;
use parking_lot::Mutex;
use rtnetlink::Handle;
use tokio::sync::OnceCell;

use super::cidr::Cidr;
use super::conntrack::Connections;
use super::endpoint::{self, Endpoint, Place};
use super::filters::{Age, Filters, Site};
use super::host::Host;
use super::links::{self, LOOPBACK_INDEX, Pair, TASK_INTERFACE, UPLINK_INDEX};
use super::netns::{self, Namespace};
use super::preserving::Preserving;
use super::records::{Interface, Records, VpcRecord};
use super::resolvers::{self, Resolvers};
use super::tunnels::Tunnels;
use super::{NetworkError, names};

/// What a VPC calls its link to the host.
const UPLINK: &str = "host0";
/// Two addresses for each link between a VPC and the host.
const ADDRESSES_PER_UPLINK: u32 = 2;
/// The prefix that holds two addresses.
const UPLINK_PREFIX: u8 = 31;
/// Names tried for the link of a task. A second one is needed while the kernel still takes down the link that an
/// earlier attachment of the same task had.
const MAX_NAME_ATTEMPTS: u32 = 8;

/// The VPCs that are open on this host.
pub(super) struct Vpcs {
    records: Records,
    endpoint: Arc<Endpoint>,
    resolvers: Arc<Resolvers>,
    pub(super) filters: Filters,
    open: Mutex<BTreeMap<String, Arc<OnceCell<Vpc>>>>,
    /// Those that have a record, open or not.
    known: Mutex<BTreeMap<String, VpcRecord>>,
    /// How they reach other hosts.
    tunnels: Tunnels,
}

/// The namespace of a VPC.
struct Vpc {
    /// Its socket keeps the namespace.
    handle: Handle,
    connections: Connections,
    next_index: AtomicU32,
    /// Gateways of subnets which it already answers for.
    gateways: Mutex<BTreeSet<Ipv4Addr>>,
}

impl Vpcs {
    pub(super) fn open(
        records: Records,
        endpoint: Arc<Endpoint>,
        resolvers: Arc<Resolvers>,
        filters: Filters,
    ) -> Result<Self, NetworkError> {
        let known = records
            .vpcs()?
            .into_iter()
            .map(|vpc| (vpc.vpc_id.clone(), vpc))
            .collect();
        Ok(Self {
            records,
            endpoint,
            resolvers,
            filters,
            open: Mutex::default(),
            known: Mutex::new(known),
            tunnels: Tunnels::default(),
        })
    }

    /// Hangs the namespace of a task on its VPC, which is made if it is the first. It may have more addresses.
    pub(super) async fn attach(
        &self,
        host: &Host,
        key: &str,
        interface: &Interface,
        namespace: &Namespace,
        others: &[Ipv4Addr],
    ) -> Result<(), NetworkError> {
        let cell = Arc::clone(self.open.lock().entry(interface.vpc_id.clone()).or_default());
        let vpc = cell.get_or_try_init(|| self.ensure(host, interface)).await?;
        vpc.answer_for(interface.gateway).await?;
        let index = vpc.add_task_link(key, interface, namespace).await?;
        // Sent in this order, without waiting in between.
        tokio::try_join!(
            links::add_host_route(&vpc.handle, index, interface.address),
            links::add_address(&namespace.handle, UPLINK_INDEX, interface.address, 32),
            links::set_up(&namespace.handle, LOOPBACK_INDEX),
            links::set_up(&namespace.handle, UPLINK_INDEX),
            links::add_default_route(&namespace.handle, UPLINK_INDEX, interface.gateway),
        )?;
        for address in others {
            links::add_host_route(&vpc.handle, index, *address).await?;
            links::add_address(&namespace.handle, UPLINK_INDEX, *address, 32).await?;
        }
        Ok(())
    }

    /// Nothing leads to an attachment any more, and its connections are forgotten: its addresses may be another's next. Its
    /// link goes later, in the kernel's own time, and whatever still runs behind it is not let out any more.
    pub(super) async fn cut_off(
        &self,
        key: &str,
        vpc_id: &str,
        addresses: Vec<Ipv4Addr>,
    ) -> Result<(), NetworkError> {
        let path = self.records.vpc_namespace(vpc_id);
        if !netns::is_bound(&path) {
            return Ok(());
        }
        let handle = match self.of_open(vpc_id, |vpc| vpc.handle.clone()) {
            Some(handle) => handle,
            None => netns::open(path).await?.handle,
        };
        for attempt in 0..MAX_NAME_ATTEMPTS {
            let name = names::interface(key, attempt);
            let Some(index) = links::index_of(&handle, &name).await? else {
                continue;
            };
            for address in &addresses {
                links::remove_host_route(&handle, index, *address).await?;
            }
        }
        let forget = move |connections: Connections| connections.forget_all(&addresses);
        self.forget_connections(vpc_id, forget).await
    }

    /// Something of a VPC that this run has opened.
    fn of_open<T>(&self, vpc_id: &str, part: impl FnOnce(&Vpc) -> T) -> Option<T> {
        let cell = self.open.lock().get(vpc_id).cloned()?;
        cell.get().map(part)
    }

    /// Forgets connections of a VPC.
    pub(super) async fn forget_connections(
        &self,
        vpc_id: &str,
        forget: impl FnOnce(Connections) -> Result<(), NetworkError> + Send + 'static,
    ) -> Result<(), NetworkError> {
        let connections = match self.of_open(vpc_id, |vpc| vpc.connections.clone()) {
            Some(connections) => connections,
            None => connections_in(self.records.vpc_namespace(vpc_id)).await?,
        };
        let forgetting = tokio::task::spawn_blocking(move || forget(connections));
        forgetting.await.map_err(|_| NetworkError::Interrupted)?
    }

    /// What the host calls its link to a VPC that is there.
    pub(super) fn link_on_host(&self, host: &Host, vpc_id: &str) -> Option<String> {
        let number = self.known.lock().get(vpc_id).map(|it| it.number)?;
        Some(host.names.vpc_link(number))
    }

    /// Lets answers to the host's loopback addresses in, so that ports can be published there too; the chain `guard`
    /// keeps tasks from abusing this.
    pub(super) fn let_loopback_in(&self, host: &Host, vpc_id: &str) -> Result<(), NetworkError> {
        let Some(name) = self.link_on_host(host, vpc_id) else {
            return Ok(());
        };
        netns::write_setting(&format!("net/ipv4/conf/{name}/route_localnet"), "1")
    }

    /// Puts in force what the control plane says: what may pass, and the ways to other hosts.
    pub(super) async fn follow(&self, host: &Host, message: NetworksMessage) -> Result<(), NetworkError> {
        let concerned = self.tunnels.note(&message);
        let mut result = self.filters.follow(message).await;
        for vpc_id in concerned {
            let namespace = self.records.vpc_namespace(&vpc_id);
            if !netns::is_bound(&namespace) {
                continue;
            }
            if let Err(error) = self.tunnels.lead(host, &vpc_id, namespace).await {
                tracing::error!(vpc = vpc_id, %error, "the ways of a VPC to other hosts cannot be changed");
                result = Err(error);
            }
        }
        self.tunnels.shut_out(host).await.and(result)
    }

    /// Drops the VPCs that are not in use; the kernel takes their links down with them.
    pub(super) async fn drop_others(&self, host: &Host, used: &BTreeSet<String>) -> Result<(), NetworkError> {
        let mut unused = self.known.lock().clone();
        unused.retain(|vpc_id, _| !used.contains(vpc_id));
        for (vpc_id, record) in unused {
            self.open.lock().remove(&vpc_id);
            self.endpoint.close(&Place::Vpc(vpc_id.clone()));
            self.resolvers.close(&vpc_id);
            self.filters.close(&vpc_id).await;
            self.tunnels.forget(&vpc_id).await;
            // The kernel takes its time with a namespace that nobody is in, and the link would be seen until then.
            if let Some(index) = links::index_of(&host.links, &host.names.vpc_link(record.number)).await? {
                links::remove(&host.links, index).await?;
            }
            netns::forget(&self.records.vpc_namespace(&vpc_id))?;
            self.records.remove_vpc(&vpc_id)?;
            self.known.lock().remove(&vpc_id);
        }
        Ok(())
    }

    /// The host's own address on the link to a VPC that is there.
    pub(super) fn host_address(&self, host: &Host, vpc_id: &str) -> Result<Ipv4Addr, NetworkError> {
        let number = self.known.lock().get(vpc_id).map(|it| it.number);
        // Nobody asks before something hangs on the VPC.
        let number = number.ok_or(NetworkError::Interrupted)?;
        uplink_address(host, number, 0)
    }

    /// Each step leaves alone what is there, so this mends a half-made VPC as well.
    async fn ensure(&self, host: &Host, interface: &Interface) -> Result<Vpc, NetworkError> {
        host.ensure_rules(&[]).await?;
        let path = self.records.vpc_namespace(&interface.vpc_id);
        let known = self.known.lock().get(&interface.vpc_id).cloned();
        let (namespace, record, age) = match known {
            Some(record) if netns::is_bound(&path) => (netns::open(path.clone()).await?, record, Age::Kept),
            _ => {
                netns::forget(&path)?;
                let record = self.register(host, interface).await?;
                let namespace = netns::create(path.clone(), netns::ROUTER_SETTINGS).await?;
                (namespace, record, Age::New)
            }
        };
        let outer = uplink_address(host, record.number, 0)?;
        let inner = uplink_address(host, record.number, 1)?;
        let index = link_to_host(host, &record, &namespace, outer).await?;
        let vpc = &namespace.handle;
        links::set_up(vpc, LOOPBACK_INDEX).await?;
        links::set_up(vpc, UPLINK_INDEX).await?;
        links::add_address(vpc, UPLINK_INDEX, inner, UPLINK_PREFIX).await?;
        links::add_default_route(vpc, UPLINK_INDEX, outer).await?;
        links::add_unreachable_route(vpc, record.cidr).await?;
        links::add_address(vpc, LOOPBACK_INDEX, endpoint::ADDRESS, 32).await?;
        for address in resolvers::addresses(record.cidr) {
            links::add_address(vpc, LOOPBACK_INDEX, address, 32).await?;
        }
        let site = Site {
            uplink: UPLINK,
            host: outer,
            preserving: BTreeSet::new(),
        };
        let connections = connections_in(path.clone()).await?;
        self.filters
            .open(&interface.vpc_id, site, path.clone(), age)
            .await?;
        route_from_host(host, &record, inner, index).await?;
        self.tunnels.lead(host, &interface.vpc_id, path).await?;
        self.open_endpoint(&interface.vpc_id).await;
        self.open_resolver(&record).await;
        let next_index = AtomicU32::new(links::highest_index(vpc).await? + 1);
        Ok(Vpc {
            handle: namespace.handle,
            connections,
            next_index,
            gateways: Mutex::default(),
        })
    }

    /// Filters again in the namespace of a VPC that an earlier run has left.
    pub(super) async fn filter_again(
        &self,
        host: &Host,
        vpc_id: &str,
        preserving: BTreeSet<Preserving>,
    ) -> Result<(), NetworkError> {
        let site = Site {
            uplink: UPLINK,
            host: self.host_address(host, vpc_id)?,
            preserving,
        };
        let namespace = self.records.vpc_namespace(vpc_id);
        self.filters.open(vpc_id, site, namespace, Age::Kept).await
    }

    /// Tasks without credentials do without their endpoint, so that a failure is theirs only who need it.
    pub(super) async fn open_endpoint(&self, vpc_id: &str) {
        let namespace = self.records.vpc_namespace(vpc_id);
        if let Err(error) = self.endpoint.open_in_vpc(vpc_id, namespace).await {
            tracing::error!(vpc = vpc_id, %error, "tasks of a VPC cannot reach their endpoint");
        }
    }

    /// Whether a VPC is there.
    pub(super) fn has(&self, vpc_id: &str) -> bool {
        self.known.lock().contains_key(vpc_id) && netns::is_bound(&self.records.vpc_namespace(vpc_id))
    }

    /// Opens the resolvers of VPCs that are there already.
    pub(super) async fn open_resolvers(&self) {
        let known: Vec<VpcRecord> = self.known.lock().values().cloned().collect();
        for record in known {
            let path = self.records.vpc_namespace(&record.vpc_id);
            if netns::is_bound(&path) && !self.resolvers.is_open(&record.vpc_id) {
                self.open_resolver(&record).await;
            }
        }
    }

    /// Tasks that ask for no names do without their resolver.
    async fn open_resolver(&self, record: &VpcRecord) {
        let namespace = self.records.vpc_namespace(&record.vpc_id);
        let opened = self.resolvers.open_in_vpc(&record.vpc_id, record.cidr, namespace);
        if let Err(error) = opened.await {
            tracing::error!(vpc = record.vpc_id, %error, "tasks of a VPC cannot reach their resolver");
        }
    }

    /// Gives a VPC a number that neither another VPC nor another program on the host stands in the way of.
    async fn register(&self, host: &Host, interface: &Interface) -> Result<VpcRecord, NetworkError> {
        let addresses = links::addresses(&host.links).await?;
        let names = links::names(&host.links).await?;
        let count = u32::try_from(host.uplinks.len()).unwrap_or(u32::MAX) / ADDRESSES_PER_UPLINK;
        let mut known = self.known.lock();
        known.remove(&interface.vpc_id);
        let taken: BTreeSet<u32> = known.values().map(|vpc| vpc.number).collect();
        let is_free = |number: &u32| {
            !taken.contains(number)
                && !names.contains(&host.names.vpc_link(*number))
                && uplink_address(host, *number, 0).is_ok_and(|address| !addresses.contains(&address))
        };
        let number = (0..count).find(is_free).ok_or(NetworkError::NoFreeAddress {
            base: host.uplinks.base(),
            prefix: host.uplinks.prefix(),
        })?;
        let record = VpcRecord {
            vpc_id: interface.vpc_id.clone(),
            cidr: interface.vpc_cidr,
            number,
        };
        self.records.save_vpc(&record)?;
        known.insert(record.vpc_id.clone(), record.clone());
        Ok(record)
    }
}

impl Vpc {
    /// The VPC is the router of all its subnets: it has the gateway's address, so it answers for it on every link.
    async fn answer_for(&self, gateway: Ipv4Addr) -> Result<(), NetworkError> {
        if self.gateways.lock().contains(&gateway) {
            return Ok(());
        }
        links::add_address(&self.handle, LOOPBACK_INDEX, gateway, 32).await?;
        self.gateways.lock().insert(gateway);
        Ok(())
    }

    /// Answers the index of the VPC's end.
    async fn add_task_link(
        &self,
        key: &str,
        interface: &Interface,
        namespace: &Namespace,
    ) -> Result<u32, NetworkError> {
        let mut attempt = 0;
        loop {
            // All links of this namespace are ours, so we may number them: one question less to the kernel.
            let index = self.next_index.fetch_add(1, Ordering::Relaxed);
            let pair = Pair {
                name: names::interface(key, attempt),
                index: Some(index),
                bridge: None,
                peer_namespace: &namespace.file,
                peer_name: TASK_INTERFACE,
                peer_mac: Some(interface.mac),
            };
            match links::add_pair(&self.handle, pair).await {
                Err(error) if error.is_existing() && attempt + 1 < MAX_NAME_ATTEMPTS => attempt += 1,
                result => return result.map(|()| index),
            }
        }
    }
}

/// Those of the network namespace bound to `path`.
async fn connections_in(path: PathBuf) -> Result<Connections, NetworkError> {
    let opening = || Connections::open().map_err(NetworkError::netlink_io("open a netlink socket"));
    netns::inside(path, opening).await
}

/// The `end` (0 at the host, 1 in the VPC) of the link with this number.
fn uplink_address(host: &Host, number: u32, end: u32) -> Result<Ipv4Addr, NetworkError> {
    host.uplinks
        .nth(number * ADDRESSES_PER_UPLINK + end)
        .ok_or(NetworkError::NoFreeAddress {
            base: host.uplinks.base(),
            prefix: host.uplinks.prefix(),
        })
}

async fn link_to_host(
    host: &Host,
    record: &VpcRecord,
    namespace: &Namespace,
    outer: Ipv4Addr,
) -> Result<u32, NetworkError> {
    let name = host.names.vpc_link(record.number);
    if links::index_of(&host.links, &name).await?.is_none() {
        let pair = Pair {
            name: name.clone(),
            index: None,
            bridge: None,
            peer_namespace: &namespace.file,
            peer_name: UPLINK,
            peer_mac: None,
        };
        links::add_pair(&host.links, pair).await?;
    }
    let source = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let index = links::index_of(&host.links, &name)
        .await?
        .ok_or_else(|| NetworkError::Netlink {
            what: "find the link to a VPC",
            source: source(),
        })?;
    links::add_address(&host.links, index, outer, UPLINK_PREFIX).await?;
    Ok(index)
}

/// Lets the host reach the tasks of a VPC, unless its range means something else to the host.
async fn route_from_host(
    host: &Host,
    record: &VpcRecord,
    inner: Ipv4Addr,
    index: u32,
) -> Result<(), NetworkError> {
    let range: Cidr = record.cidr;
    if let Some(other) = links::overlapping_route(&host.links, range, index).await? {
        tracing::warn!(
            vpc = record.vpc_id,
            %range,
            %other,
            "the host already has a route into the range of this VPC, so it will not reach the VPC's tasks by their \
             addresses; choose another range with --vpc-cidr"
        );
        return Ok(());
    }
    links::add_range_route(&host.links, range, inner, index).await
}
