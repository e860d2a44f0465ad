//! Network namespaces of tasks and containers: `awsvpc`, `bridge` with published ports, and `none`.
//!
//! - `awsvpc`: a VPC is one namespace on this host. Tasks hang on it by routed links, so all that passes between them is
//!   filtered there, as the control plane says; beyond the host they go by its addresses. Its parts on other hosts are
//!   reached by VXLAN.
//! - `bridge`: containers hang on one bridge of the host. Ports are published on every IPv4 address of the host,
//!   127.0.0.1 included; over IPv6 they are not, clients there are refused at once.
//!
//! Everything survives the agent: namespaces are bind mounts, the rest is in small files beside them.

mod addresses;
mod attachments;
mod cidr;
mod conntrack;
mod endpoint;
mod error;
mod filters;
mod host;
mod links;
mod names;
mod netns;
mod nfnetlink;
mod others;
mod overlay;
mod policy;
mod ports;
mod preserving;
mod publishing;
mod readdressing;
mod records;
mod resolvers;
mod rules;
mod tunnels;
mod vpc;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::host::{Eni, PortMapping, TaskConnection};

use addresses::Addresses;
use attachments::{Attachments, Wanted, mappings};
use cidr::Cidr;
use domain::served_network::NetworksMessage;
use endpoint::Endpoint;
pub use error::NetworkError;
use filters::Filters;
use host::Host;
use names::Names;
use ports::Ports;
pub use publishing::RefusedPort;
use records::{Kind, Records};
pub(crate) use resolvers::{Opened, Resolvers};
use vpc::Vpcs;

/// A bridge needs an address for itself, one for a container, and those of the network and of broadcasts.
const LONGEST_BRIDGE_PREFIX: u8 = 30;

/// Where and from what networks are made.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// Directory for bind mounts and records, `network/` in the data directory. Made if missing.
    pub state_dir: PathBuf,
    /// Names the bridge (`<instance>0`), links and nftables table. Two instances on a host need two names and two
    /// bridge ranges. At most 8 lower-case letters and digits, a letter first.
    pub instance: String,
    /// Addresses of containers in `bridge`; the first is the bridge's own.
    pub bridge_cidr: (Ipv4Addr, u8),
    /// Host ports given to mappings that ask for none.
    pub dynamic_ports: RangeInclusive<u16>,
}

impl NetworkConfig {
    /// The defaults: instance `gantry`, 10.231.0.0/16, ports 32768 to 60999.
    pub fn new(state_dir: PathBuf) -> Self {
        Self {
            state_dir,
            instance: "gantry".to_owned(),
            bridge_cidr: (Ipv4Addr::new(10, 231, 0, 0), 16),
            dynamic_ports: 32768..=60999,
        }
    }
}

/// A container's place on the bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeAttachment {
    /// Bind mount of its network namespace.
    pub netns: PathBuf,
    /// Its address on the bridge.
    pub address: Ipv4Addr,
    /// What was asked for, with the host ports it got.
    pub ports: Vec<PortMapping>,
}

/// The networks of a host. Clones share everything; every call may be repeated.
///
/// A call that was begun is carried through even if its caller stops waiting.
#[derive(Clone)]
pub struct Network {
    attachments: Arc<Attachments>,
}

impl Network {
    /// Opens the state directory and takes up what an earlier run left there. Changes nothing on a host that
    /// has no attachments: bridge and rules are made when first needed. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`NetworkError::InvalidConfig`], or if the state or the kernel cannot be used.
    pub async fn open(config: NetworkConfig) -> Result<Self, NetworkError> {
        let names = Names::new(&config.instance)?;
        let bridge_range = Cidr::new(config.bridge_cidr)?;
        if bridge_range.prefix() > LONGEST_BRIDGE_PREFIX {
            return Err(NetworkError::InvalidConfig(format!(
                "{bridge_range} is too small for a bridge"
            )));
        }
        if config.dynamic_ports.is_empty() || *config.dynamic_ports.start() == 0 {
            return Err(NetworkError::InvalidConfig("no dynamic ports".to_owned()));
        }
        let records = Records::open(&config.state_dir)?;
        let endpoint = Endpoint::new();
        let resolvers = Arc::new(Resolvers::default());
        let filters = Filters::new(names.table());
        let attachments = Attachments {
            host: Host::open(names, bridge_range, records.clone())?,
            vpcs: Vpcs::open(
                records.clone(),
                Arc::clone(&endpoint),
                Arc::clone(&resolvers),
                filters,
            )?,
            resolvers,
            endpoint,
            records,
            ports: Ports::new(config.dynamic_ports),
            addresses: Addresses::new(bridge_range),
            slots: parking_lot::Mutex::default(),
        };
        attachments.take_up().await?;
        Ok(Self {
            attachments: Arc::new(attachments),
        })
    }

    /// Connections of tasks to 169.254.170.2. May be taken once.
    pub fn take_task_connections(&self) -> tokio::sync::mpsc::Receiver<TaskConnection> {
        self.attachments.endpoint.take_connections()
    }

    /// The sockets of the resolvers of VPCs.
    pub(crate) fn resolvers(&self) -> &Arc<Resolvers> {
        &self.attachments.resolvers
    }

    /// Where containers that are in no VPC find their resolver: those on the bridge, and in the host's network.
    pub(crate) fn resolver_of_host(&self) -> Option<Ipv4Addr> {
        self.attachments.resolver_of_host()
    }

    /// Whether a VPC is there.
    pub(crate) fn has_vpc(&self, vpc_id: &str) -> bool {
        self.attachments.vpcs.has(vpc_id)
    }

    /// Opens the resolvers of VPCs that were there before.
    pub(crate) async fn open_resolvers(&self) {
        self.attachments.vpcs.open_resolvers().await;
    }

    /// Where the host's own network finds what tasks find at 169.254.170.2:80: an address of the bridge, which is
    /// made if there is none. The host itself is let in, and nobody beyond it.
    ///
    /// # Errors
    /// [`NetworkError::NftMissing`], or what the kernel refused.
    pub async fn endpoint_in_host_network(&self) -> Result<SocketAddr, NetworkError> {
        let attachments = Arc::clone(&self.attachments);
        carry_through(async move { attachments.endpoint_in_host_network().await }).await
    }

    /// Puts in force what may pass in VPCs, and leads them to their parts on other hosts: at once if they are here,
    /// otherwise as soon as they are. Until an interface is told of, it neither sends nor receives.
    ///
    /// # Errors
    /// What `nft` or the kernel refused; what was in force there stays so, and the whole is to be told again.
    pub async fn filter(&self, message: NetworksMessage) -> Result<(), NetworkError> {
        let attachments = Arc::clone(&self.attachments);
        carry_through(async move { attachments.vpcs.follow(&attachments.host, message).await }).await
    }

    /// Waits until it is told what the interface of an attached task lets through; `false` if it takes too long.
    pub async fn await_filters(&self, eni: &Eni, deadline: Duration) -> bool {
        let filters = &self.attachments.vpcs.filters;
        filters.await_interface(&eni.vpc_id, eni.address, deadline).await
    }

    /// Makes the network namespace of an `awsvpc` task, with `eth0` as the ENI says, and answers its bind mount.
    ///
    /// # Errors
    /// [`NetworkError::InvalidEni`], [`NetworkError::AttachedOtherwise`], [`NetworkError::NftMissing`], or what
    /// the kernel refused.
    pub async fn attach_task(&self, eni: &Eni, task_id: &str) -> Result<PathBuf, NetworkError> {
        let wanted = Wanted::task(eni)?;
        self.attach(task_id, wanted).await?;
        Ok(self.attachments.records.namespace(task_id))
    }

    /// Makes the network namespace of a load balancer: as that of an `awsvpc` task, with all its addresses; one that is
    /// there gets other addresses, and ports of the host are to be published again. `key` is like that of a task. Answers
    /// where it finds the ports of this host: that end of the link between its VPC and the host which is the host's own,
    /// so that it stays right whatever networks the host joins or leaves.
    ///
    /// # Errors
    /// As [`attach_task`](Self::attach_task); it has to be detached first if it is to be in another VPC.
    pub async fn attach_load_balancer(
        &self,
        key: &str,
        eni: &Eni,
        others: &[Ipv4Addr],
    ) -> Result<Ipv4Addr, NetworkError> {
        let wanted = Wanted::load_balancer(eni, others)?;
        self.attach(key, wanted).await?;
        let Attachments { vpcs, host, .. } = self.attachments.as_ref();
        vpcs.host_address(host, &eni.vpc_id)
    }

    /// Gives a load balancer that is attached a whole range within its VPC: it can listen at any address of it. Routes that
    /// are there stay; all go when it is detached.
    ///
    /// # Errors
    /// There is no such attachment, or what the kernel refused.
    pub async fn route_to_load_balancer(
        &self,
        key: &str,
        eni: &Eni,
        range: (Ipv4Addr, u8),
    ) -> Result<(), NetworkError> {
        let invalid = |error: &dyn std::fmt::Display| NetworkError::InvalidEni(error.to_string());
        let range = Cidr::new(range).map_err(|error| invalid(&error))?;
        let records = &self.attachments.records;
        let own = netns::open(records.namespace(key)).await?;
        links::add_local_route(&own.handle, range).await?;
        let vpc = netns::open(records.vpc_namespace(&eni.vpc_id)).await?;
        links::add_route_by(&vpc.handle, range, eni.address).await
    }

    /// Starts a program in the network namespace of an attachment.
    ///
    /// # Errors
    /// There is no such namespace, or no such program.
    pub async fn spawn(
        &self,
        key: &str,
        mut program: std::process::Command,
    ) -> Result<std::process::Child, NetworkError> {
        let started = move || program.spawn().map_err(NetworkError::Program);
        netns::inside(self.attachments.records.namespace(key), started).await
    }

    /// Makes the network namespace of a container on the bridge and publishes its ports. `key` is `<task>/<container>`.
    ///
    /// # Errors
    /// [`NetworkError::PortAllocated`] for a host port that is in use, [`NetworkError::NoFreePort`],
    /// [`NetworkError::NoFreeAddress`], and those of [`attach_task`](Self::attach_task).
    pub async fn attach_bridge_container(
        &self,
        key: &str,
        ports: &[PortMapping],
    ) -> Result<BridgeAttachment, NetworkError> {
        let attachment = self.attach(key, Wanted::Bridge(ports.to_vec())).await?;
        let Kind::Bridge { address, ports } = &attachment.kind else {
            return Err(NetworkError::AttachedOtherwise(key.to_owned()));
        };
        let netns = self.attachments.records.namespace(key);
        Ok(BridgeAttachment {
            netns,
            address: *address,
            ports: mappings(ports),
        })
    }

    /// Address of a container on the bridge; `None` if it is not there. `key` is `<task>/<container>`.
    ///
    /// # Errors
    /// Other work on the same container takes too long.
    pub async fn bridge_address(&self, key: &str) -> Result<Option<Ipv4Addr>, NetworkError> {
        self.attachments.bridge_address(key).await
    }

    /// Makes a network namespace with a loopback device only, for network mode `none`.
    ///
    /// # Errors
    /// [`NetworkError::AttachedOtherwise`] or what the kernel refused.
    pub async fn isolated(&self, key: &str) -> Result<PathBuf, NetworkError> {
        self.attach(key, Wanted::Isolated).await?;
        Ok(self.attachments.records.namespace(key))
    }

    /// Removes the attachment of a container, or of a task with all its containers, and frees addresses and ports.
    /// Processes that still run in the namespace keep it until they end. What is not attached is no error.
    ///
    /// # Errors
    /// What the kernel or the state directory refused; the call may then be repeated.
    pub async fn detach(&self, key: &str) -> Result<(), NetworkError> {
        let attachments = Arc::clone(&self.attachments);
        let key = key.to_owned();
        carry_through(async move { attachments.detach(&key).await }).await
    }

    /// Keeps what is named, by key or by task, of what an earlier run left; removes the rest, and VPCs without tasks.
    /// To be called before anything is attached.
    ///
    /// # Errors
    /// As [`detach`](Self::detach).
    pub async fn restore(&self, live_keys: &[String]) -> Result<(), NetworkError> {
        let attachments = Arc::clone(&self.attachments);
        let live_keys = live_keys.to_vec();
        carry_through(async move {
            let live: BTreeSet<&str> = live_keys.iter().map(String::as_str).collect();
            attachments.keep_only(&live).await
        })
        .await
    }

    /// Removes everything that this instance made on the host: attachments, VPCs, bridge, rules.
    ///
    /// # Errors
    /// As [`detach`](Self::detach).
    pub async fn remove_all(self) -> Result<(), NetworkError> {
        self.restore(&[]).await?;
        self.attachments.host.remove().await
    }

    async fn attach(&self, key: &str, wanted: Wanted) -> Result<records::Attachment, NetworkError> {
        if key.is_empty()
            || !key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_/".contains(c))
        {
            return Err(NetworkError::InvalidKey(key.to_owned()));
        }
        let attachments = Arc::clone(&self.attachments);
        let key = key.to_owned();
        carry_through(async move { attachments.attach(&key, wanted).await }).await
    }
}

/// A caller that goes away must not leave things half done.
async fn carry_through<T: Send + 'static>(
    work: impl Future<Output = Result<T, NetworkError>> + Send + 'static,
) -> Result<T, NetworkError> {
    tokio::spawn(work).await.map_err(|_| NetworkError::Interrupted)?
}

#[cfg(test)]
mod tests;
