//! Load balancers that connect with the addresses of their clients, and how answers come back to them.
//!
//! In the VPC, packets that answer such a connection have a mark (`filters::preserving`), by which a rule leads them to a
//! table with one route: to the load balancer. In the load balancer's own namespace all that comes by its link is taken
//! as its own. A link drops what comes from addresses that are routed elsewhere; theirs does not, and they alone may.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::attachments::{Attachments, lock};
use super::conntrack::Connections;
use super::links::{self, TASK_INTERFACE};
use super::policy;
use super::records::{Interface, Kind};
use super::{Network, NetworkError, carry_through, netns};

/// The table of a load balancer's namespace by which it takes as its own what is meant for its clients.
const OWN_TABLE: u32 = 100;
/// Tables of VPCs are above those that mean something to the kernel.
const TABLES: u32 = 1 << 24;
/// How long to wait for what may pass in a VPC: a session begins with that.
const RULES_DEADLINE: Duration = Duration::from_secs(10);
/// How long a VPC tracks what nothing comes on, in seconds, where the kernel forgets sooner than a balancer, and answers
/// would go to the client directly: flows of datagrams both ways (the balancer keeps them for 120 s), and connections that
/// the client has ended on its side (350 s by default). Single questions stay with the kernel's 30 s: a flood of them shall
/// not fill what it can track.
const TIMEOUTS: [(&str, &str); 2] = [
    ("net/netfilter/nf_conntrack_udp_timeout_stream", "180"),
    ("net/netfilter/nf_conntrack_tcp_timeout_close_wait", "400"),
];
/// What all links of a VPC do without, see [`netns::ROUTER_SETTINGS`]: one that an earlier version made may have them.
const UNCHECKED: [&str; 2] = ["src_valid_mark", "accept_local"];
/// Bits of a mark below the number, which say how connections are tracked.
const TRACKING_BITS: u32 = 8;
/// Bits of a connection's mark that hold a number.
pub(super) const NUMBERS: u32 = u32::MAX << TRACKING_BITS;

/// A load balancer that sends with the addresses of its clients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Preserving {
    /// Its link in the VPC.
    pub(super) link: String,
    /// Its own addresses. The first one is its name.
    pub(super) addresses: Vec<Ipv4Addr>,
}

impl Preserving {
    /// The one that is attached, if it is one.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        let Kind::LoadBalancer {
            interface,
            others,
            preserving: Some(link),
            ..
        } = kind
        else {
            return None;
        };
        Some(Self {
            link: link.clone(),
            addresses: [&[interface.address], &others[..]].concat(),
        })
    }

    /// Its first address.
    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        self.addresses.first().copied()
    }

    /// Of packets that answer its connections.
    pub(super) fn mark(&self) -> u32 {
        self.address().map_or(0, mark)
    }
}

/// A number for each address of a VPC, whose range has a prefix of eight bits or more.
fn mark(address: Ipv4Addr) -> u32 {
    u32::from(address) << TRACKING_BITS
}

fn table(address: Ipv4Addr) -> u32 {
    TABLES | mark(address) >> TRACKING_BITS
}

impl Network {
    /// Lets a load balancer that is attached connect with the addresses of its clients, to targets in its VPC, until it
    /// is detached. It may be repeated.
    ///
    /// # Errors
    /// The load balancer is not attached, or what the kernel refused; the call may then be repeated.
    pub async fn preserve_clients(&self, key: &str) -> Result<(), NetworkError> {
        let attachments = Arc::clone(&self.attachments);
        let key = key.to_owned();
        carry_through(async move { attachments.preserve(&key).await }).await
    }
}

impl Attachments {
    async fn preserve(&self, key: &str) -> Result<(), NetworkError> {
        let slot = self.slots.lock().get(key).cloned();
        let slot = slot.ok_or_else(|| NetworkError::InvalidKey(key.to_owned()))?;
        let mut held = lock(&slot).await?;
        let Some(attachment) = held.as_mut() else {
            return Err(NetworkError::InvalidKey(key.to_owned()));
        };
        let Kind::LoadBalancer {
            interface,
            preserving,
            ..
        } = &mut attachment.kind
        else {
            return Err(NetworkError::AttachedOtherwise(key.to_owned()));
        };
        let interface = interface.clone();
        let vpc = self.records.vpc_namespace(&interface.vpc_id);
        let namespace = netns::open(vpc.clone()).await?;
        let way = links::way_to(&namespace.handle, interface.address).await?;
        let (index, link) = way.ok_or_else(|| NetworkError::InvalidKey(key.to_owned()))?;
        if preserving.as_deref() != Some(&link) {
            *preserving = Some(link.clone());
            // First, so that whatever is made is found again.
            self.records.save(attachment)?;
        }
        let own = netns::open(self.records.namespace(key)).await?;
        policy::add_local_table(&own.handle, OWN_TABLE).await?;
        policy::add_rule_for_link(&own.handle, TASK_INTERFACE, OWN_TABLE).await?;
        // A client may use a port again at once; the balancer, which does so on its behalf, must be able to.
        set(self.records.namespace(key), "net/ipv4/tcp_tw_reuse", "1").await?;
        let (address, table) = (interface.address, table(interface.address));
        policy::add_default_route(&namespace.handle, index, address, table).await?;
        policy::add_rule_for_mark(&namespace.handle, mark(address), table).await?;
        if let Some(one) = Preserving::of(&attachment.kind) {
            self.judge(&interface.vpc_id, one).await?;
        }
        netns::inside(vpc.clone(), check_all_links).await?;
        for (setting, value) in TIMEOUTS {
            set(vpc.clone(), setting, value).await?;
        }
        // Without an address of its own the kernel takes from a link only what it would send there, whatever is set.
        links::add_address(&namespace.handle, index, interface.gateway, 32).await?;
        // Last: until here nothing passes. Any address that has a route at all, since `all` says more than `0` could.
        set(vpc, checks_of(&link), "2").await
    }

    /// Has rules judge what one sends. Not before may its link carry what comes from elsewhere.
    pub(super) async fn judge(&self, vpc_id: &str, one: Preserving) -> Result<(), NetworkError> {
        let add = |all: &mut BTreeSet<Preserving>| {
            // Its addresses may be others than before.
            all.retain(|it| it.link != one.link);
            all.insert(one.clone());
        };
        let filters = &self.vpcs.filters;
        let is_judged = filters.set_preserving(vpc_id, add).await?
            || filters.await_preserving(vpc_id, &one, RULES_DEADLINE).await;
        match is_judged {
            true => Ok(()),
            false => Err(NetworkError::Deadline("what may pass in the VPC to be told")),
        }
    }

    /// Takes back what the namespace of the VPC keeps of one; what hangs on its link goes with that.
    pub(super) async fn stop_preserving(&self, kind: &Kind) -> Result<(), NetworkError> {
        let (Some(one), Some(interface)) = (Preserving::of(kind), kind.interface()) else {
            return Ok(());
        };
        let Interface { vpc_id, address, .. } = interface;
        let vpc = self.records.vpc_namespace(vpc_id);
        if !netns::is_bound(&vpc) {
            return Ok(());
        }
        // First, since whatever runs behind the link may outlive its rules.
        match set(vpc.clone(), checks_of(&one.link), "1").await {
            Err(NetworkError::Setting { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            set => set?,
        }
        // While rules still keep them from whoever else has a client's address and port.
        let number = one.mark();
        let forget = move |connections: Connections| connections.forget_marked(number, NUMBERS);
        self.vpcs.forget_connections(vpc_id, forget).await?;
        let namespace = netns::open(vpc).await?;
        policy::remove_rule_for_mark(&namespace.handle, mark(*address), table(*address)).await?;
        let remove = |all: &mut BTreeSet<_>| {
            all.remove(&one);
        };
        self.vpcs.filters.set_preserving(vpc_id, remove).await?;
        Ok(())
    }
}

/// The setting by which a link drops what comes from addresses that are routed elsewhere.
fn checks_of(link: &str) -> String {
    format!("net/ipv4/conf/{link}/rp_filter")
}

/// In the namespace of the calling thread.
fn check_all_links() -> Result<(), NetworkError> {
    let settings = "net/ipv4/conf";
    let failed = |source| NetworkError::Setting {
        setting: settings.to_owned(),
        source,
    };
    for link in std::fs::read_dir(Path::new("/proc/sys").join(settings)).map_err(failed)? {
        let link = link.map_err(failed)?.file_name();
        for name in UNCHECKED {
            let setting = format!("{settings}/{}/{name}", link.to_string_lossy());
            match netns::write_setting(&setting, "0") {
                Err(NetworkError::Setting { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                written => written?,
            }
        }
    }
    Ok(())
}

async fn set(
    namespace: std::path::PathBuf,
    setting: impl Into<String>,
    value: &'static str,
) -> Result<(), NetworkError> {
    let setting = setting.into();
    netns::inside(namespace, move || netns::write_setting(&setting, value)).await
}
