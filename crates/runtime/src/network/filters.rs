//! What passes between the interfaces of a VPC: security groups, network ACLs and routes, as the control plane tells
//! them, in the table of the VPC's namespace.
//!
//! Rules become scripts for `nft`, one transaction each. That an interface comes, goes or joins a group are elements,
//! which are written straight to the kernel. Whoever is not known yet neither sends nor receives. The rules stay in the
//! kernel when the agent ends; the next one replaces them at once by what it is told first.

mod compile;
mod matching;
mod preserving;
mod ruleset;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use domain::served_network::{NetworksMessage, ServedInterface, ServedPeer, ServedVpc};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::nfnetlink::Elements;
use super::preserving::Preserving;
use super::{NetworkError, netns, rules};
pub(super) use compile::Site;
use compile::{Structure, compile};
use ruleset::Ruleset;
pub(super) use ruleset::{Element, Verdict};

/// Changes of so many interfaces go to the kernel in one batch; more are left to `nft`.
const INTERFACES_AT_ONCE: usize = 256;

/// Whether a namespace was made just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// There are no rules in it.
    New,
    /// An earlier run may have left rules.
    Kept,
}

/// The filters of this host.
pub(super) struct Filters {
    table: String,
    /// Locked while the kernel is told, across awaits: what is told last has to be in force last.
    vpcs: tokio::sync::Mutex<BTreeMap<String, Vpc>>,
    told: Notify,
}

/// What is known of a VPC.
#[derive(Default)]
struct Vpc {
    rules: Option<ServedVpc>,
    structure: Structure,
    interfaces: BTreeMap<Ipv4Addr, ServedInterface>,
    /// If it has a namespace on this host.
    place: Option<Place>,
}

struct Place {
    site: Site,
    namespace: PathBuf,
    elements: Elements,
    /// What is in force; `None` if that is unknown.
    loaded: Option<Ruleset>,
    /// There is a table, of this run or of an earlier one: until then everything would pass.
    has_table: bool,
}

/// What a message changes in a VPC.
#[derive(Default)]
struct Touched {
    rules_are_new: bool,
    interfaces: BTreeSet<Ipv4Addr>,
    /// Elements of these interfaces before.
    before: BTreeSet<Element>,
}

impl Filters {
    pub(super) fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            vpcs: tokio::sync::Mutex::default(),
            told: Notify::new(),
        }
    }

    /// Filters in the namespace of a VPC from now on.
    pub(super) async fn open(
        &self,
        vpc_id: &str,
        site: Site,
        namespace: PathBuf,
        age: Age,
    ) -> Result<(), NetworkError> {
        let mut vpcs = self.vpcs.lock().await;
        let vpc = vpcs.entry(vpc_id.to_owned()).or_default();
        if age == Age::Kept && vpc.place.as_ref().is_some_and(|it| it.has_table) {
            return Ok(());
        }
        let opening = || {
            Elements::open().map_err(|source| NetworkError::Netlink {
                what: "open a netlink socket",
                source,
            })
        };
        let elements = netns::inside(namespace.clone(), opening).await?;
        let place = vpc.place.insert(Place {
            site,
            namespace,
            elements,
            loaded: None,
            has_table: false,
        });
        if vpc.rules.is_none() && age == Age::Kept {
            // What is in force stays until more is known.
            let closed = compile(&place.site, None, std::iter::empty());
            match place.run(&closed.first(&self.table)).await {
                Err(NetworkError::Rules(text)) if text.contains("File exists") => {}
                result => result?,
            }
            place.has_table = true;
            return Ok(());
        }
        vpc.load(&self.table).await
    }

    /// Changes which load balancers of a VPC send with the addresses of their clients. Answers whether rules that know that
    /// are in force.
    pub(super) async fn set_preserving(
        &self,
        vpc_id: &str,
        change: impl FnOnce(&mut BTreeSet<Preserving>),
    ) -> Result<bool, NetworkError> {
        let mut vpcs = self.vpcs.lock().await;
        let Some(vpc) = vpcs.get_mut(vpc_id) else {
            return Ok(false);
        };
        let Some(place) = &mut vpc.place else {
            return Ok(false);
        };
        let before = place.site.preserving.clone();
        change(&mut place.site.preserving);
        match place.loaded.is_some() {
            // Whatever is loaded was made for the site as it was.
            true if place.site.preserving == before => return Ok(true),
            // As long as nothing was told, what an earlier run has left stays, of which nobody knows what it says.
            false if vpc.rules.is_none() => return Ok(false),
            _ => {}
        }
        let touched = Touched {
            rules_are_new: true,
            ..Touched::default()
        };
        vpc.put_in_force(&touched, &self.table).await?;
        Ok(true)
    }

    /// Waits until rules are in force that know of a load balancer which sends with the addresses of its clients, or it takes
    /// too long.
    pub(super) async fn await_preserving(&self, vpc_id: &str, one: &Preserving, deadline: Duration) -> bool {
        let is_known = |vpcs: &BTreeMap<String, Vpc>| {
            let place = vpcs.get(vpc_id).and_then(|it| it.place.as_ref());
            place.is_some_and(|it| it.loaded.is_some() && it.site.preserving.contains(one))
        };
        self.await_told(deadline, is_known).await
    }

    /// The namespace of a VPC goes.
    pub(super) async fn close(&self, vpc_id: &str) {
        if let Some(vpc) = self.vpcs.lock().await.get_mut(vpc_id) {
            vpc.place = None;
        }
    }

    /// Puts in force what the control plane says. All that can be is, even if something cannot.
    pub(super) async fn follow(&self, message: NetworksMessage) -> Result<(), NetworkError> {
        check_names(&message)?;
        let mut vpcs = self.vpcs.lock().await;
        let touched = note(&mut vpcs, message);
        let mut result = Ok(());
        for (vpc_id, touched) in touched {
            let Some(vpc) = vpcs.get_mut(&vpc_id) else {
                continue;
            };
            if let Err(error) = vpc.put_in_force(&touched, &self.table).await {
                tracing::error!(vpc = vpc_id, %error, "what passes in a VPC cannot be changed");
                result = Err(error);
            }
            if vpc.rules.is_none() && vpc.place.is_none() {
                vpcs.remove(&vpc_id);
            }
        }
        drop(vpcs);
        self.told.notify_waiters();
        result
    }

    /// Waits until an interface is known, or it takes too long.
    pub(super) async fn await_interface(&self, vpc_id: &str, address: Ipv4Addr, deadline: Duration) -> bool {
        let is_known = |vpcs: &BTreeMap<String, Vpc>| {
            vpcs.get(vpc_id).is_some_and(|it| {
                let is_in_force = it.place.as_ref().is_some_and(|it| it.loaded.is_some());
                is_in_force && it.rules.is_some() && it.interfaces.contains_key(&address)
            })
        };
        self.await_told(deadline, is_known).await
    }

    /// Waits until what was told makes something so, or it takes too long.
    async fn await_told(&self, deadline: Duration, is_so: impl Fn(&BTreeMap<String, Vpc>) -> bool) -> bool {
        let so = async {
            loop {
                let told = self.told.notified();
                tokio::pin!(told);
                told.as_mut().enable();
                if is_so(&*self.vpcs.lock().await) {
                    return;
                }
                told.await;
            }
        };
        timeout(deadline, so).await.is_ok()
    }
}

impl Vpc {
    fn compiled(&self, site: &Site) -> Ruleset {
        compile(site, self.rules.as_ref(), self.interfaces.values())
    }

    /// Replaces all that is in force.
    async fn load(&mut self, table: &str) -> Result<(), NetworkError> {
        let Some(place) = &self.place else { return Ok(()) };
        let next = self.compiled(&place.site);
        place.run(&next.whole(table)).await?;
        if let Some(place) = &mut self.place {
            place.loaded = Some(next);
            place.has_table = true;
        }
        Ok(())
    }

    async fn put_in_force(&mut self, touched: &Touched, table: &str) -> Result<(), NetworkError> {
        let elements = self.quick_change(touched);
        let Some(place) = &mut self.place else {
            return Ok(());
        };
        let Some(loaded) = place.loaded.take() else {
            return self.load(table).await;
        };
        let result = match elements {
            Some(elements) => place.change(loaded, elements, table),
            None => {
                let next = compile(&place.site, self.rules.as_ref(), self.interfaces.values());
                let script = loaded.changes(&next, table);
                place.run(&script).await.map(|()| next)
            }
        };
        match result {
            Ok(next) => {
                place.loaded = Some(next);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the rules of a VPC are not what they were left; all of them are replaced");
                self.load(table).await
            }
        }
    }

    /// The elements to remove and to add, if that is all there is to do.
    fn quick_change(&self, touched: &Touched) -> Option<(Vec<Element>, Vec<Element>)> {
        let loaded = self.place.as_ref()?.loaded.as_ref()?;
        if touched.rules_are_new || touched.interfaces.len() > INTERFACES_AT_ONCE {
            return None;
        }
        // What they send for their clients is judged by rules of their own.
        let preserving = &self.place.as_ref()?.site.preserving;
        let is_one = |it: &Ipv4Addr| preserving.iter().any(|one| one.addresses.contains(it));
        if touched.interfaces.iter().any(is_one) {
            return None;
        }
        let mut after = BTreeSet::new();
        for address in &touched.interfaces {
            let Some(it) = self.interfaces.get(address) else {
                continue;
            };
            let joined = self.structure.joined(it);
            if joined.is_some_and(|it| it.iter().any(|(name, _)| !loaded.chains.contains_key(name))) {
                return None;
            }
            after.extend(self.structure.elements(it));
        }
        let removed = touched.before.difference(&after).cloned();
        let added = after.difference(&touched.before).cloned();
        Some((removed.collect(), added.collect()))
    }
}

impl Place {
    fn change(
        &self,
        mut loaded: Ruleset,
        (removed, added): (Vec<Element>, Vec<Element>),
        table: &str,
    ) -> Result<Ruleset, NetworkError> {
        let changed = self.elements.change(table, &removed, &added);
        changed.map_err(|error| NetworkError::Rules(format!("change interfaces: {error}")))?;
        for it in &removed {
            loaded.elements.remove(it);
        }
        loaded.elements.extend(added);
        Ok(loaded)
    }

    async fn run(&self, script: &str) -> Result<(), NetworkError> {
        if script.is_empty() {
            return Ok(());
        }
        let nft = netns::inside(self.namespace.clone(), rules::spawn).await?;
        rules::load(nft, script).await
    }
}

/// Takes over what a message says, and tells what it changes.
fn note(vpcs: &mut BTreeMap<String, Vpc>, message: NetworksMessage) -> BTreeMap<String, Touched> {
    let mut touched: BTreeMap<String, Touched> = BTreeMap::new();
    let mut gone_vpcs = message.gone_vpcs;
    if message.is_whole {
        gone_vpcs.extend(vpcs.keys().cloned());
    }
    for vpc_id in gone_vpcs {
        let Some(vpc) = vpcs.get_mut(&vpc_id) else {
            continue;
        };
        vpc.rules = None;
        vpc.structure = Structure::default();
        vpc.interfaces.clear();
        touched.entry(vpc_id).or_default().rules_are_new = true;
    }
    for key in message.gone {
        let Some(vpc) = vpcs.get_mut(&key.vpc_id) else {
            continue;
        };
        let touched = touched.entry(key.vpc_id).or_default();
        touched.note(vpc, key.address);
        vpc.interfaces.remove(&key.address);
    }
    for it in message.interfaces {
        let vpc = vpcs.entry(it.key.vpc_id.clone()).or_default();
        let touched = touched.entry(it.key.vpc_id.clone()).or_default();
        touched.note(vpc, it.key.address);
        vpc.interfaces.insert(it.key.address, it);
    }
    for rules in message.vpcs {
        let vpc = vpcs.entry(rules.id.clone()).or_default();
        touched.entry(rules.id.clone()).or_default().rules_are_new = true;
        vpc.structure = Structure::of(&rules);
        vpc.rules = Some(rules);
    }
    touched
}

impl Touched {
    /// An interface is about to change.
    fn note(&mut self, vpc: &Vpc, address: Ipv4Addr) {
        if !self.interfaces.insert(address) {
            return;
        }
        if let Some(it) = vpc.interfaces.get(&address) {
            self.before.extend(vpc.structure.elements(it));
        }
    }
}

/// Ids become names of chains and sets, in scripts.
fn check_names(message: &NetworksMessage) -> Result<(), NetworkError> {
    let is_name = |it: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !it.is_empty() && it.len() <= NAME_BYTES_MAX && it.chars().all(is_plain)
    };
    let of_vpcs = message.vpcs.iter().flat_map(|vpc| {
        let groups = vpc.groups.iter().map(|it| &it.id);
        let rules = vpc.groups.iter().flat_map(|it| &it.rules);
        let named = rules.filter_map(|it| match &it.peer {
            ServedPeer::Group(group) => Some(group),
            ServedPeer::Ranges(_) => None,
        });
        let acls = vpc.acls.iter().map(|it| &it.id);
        let tables = vpc.route_tables.iter().map(|it| &it.id);
        groups.chain(named).chain(acls).chain(tables)
    });
    match of_vpcs.into_iter().find(|it| !is_name(it)) {
        Some(it) => Err(NetworkError::InvalidConfig(format!(
            "`{it}` is no id of a part of a VPC"
        ))),
        None => Ok(()),
    }
}

/// Longer than any id of Amazon's.
const NAME_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
