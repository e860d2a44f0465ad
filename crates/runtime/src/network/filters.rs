//! What passes between the interfaces of a VPC: security groups, network ACLs and routes, as the control plane tells
//! them, in the table of the VPC's namespace.
//!
//! The table is made by a script for `nft`. What changes in it is one transaction, of the elements of the interfaces that it
//! touches and of the chains that differ, and is written straight to the kernel where these are values; else it is a script
//! too. Whoever is not known yet neither sends nor receives. The rules stay in the kernel when the agent ends; the next one
//! replaces them at once by what it is told first.

mod compile;
mod interfaces;
mod preserving;
mod rule;
mod ruleset;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use domain::served_network::{Guard, NetworksMessage, ServedInterface, ServedPeer, ServedVpc};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::nfnetlink::Nftables;
use super::preserving::Preserving;
use super::{NetworkError, netns, rules};
pub(super) use compile::Site;
use compile::{Structure, compile};
use interfaces::Interfaces;
pub(super) use rule::{ICMP, Match, Rule, Side, Verdict};
pub(super) use ruleset::{Element, Step};
use ruleset::{Moves, Ruleset, script};

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
    interfaces: Interfaces,
    /// If it has a namespace on this host.
    place: Option<Place>,
}

struct Place {
    site: Site,
    namespace: PathBuf,
    nftables: Nftables,
    /// What is in force, beside the elements of the interfaces; `None` if that is unknown.
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
    /// What was in force before, taken from the place until the change is in force as well: a change that does not come
    /// to its end leaves no belief behind, and the next one replaces all.
    loaded: Option<Ruleset>,
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
        let opening = || Nftables::open().map_err(NetworkError::netlink_io("open a netlink socket"));
        let nftables = netns::inside(namespace.clone(), opening).await?;
        let place = vpc.place.insert(Place {
            site,
            namespace,
            nftables,
            loaded: None,
            has_table: false,
        });
        if vpc.rules.is_none() && age == Age::Kept {
            // What is in force stays until more is known.
            let closed = compile(&place.site, None, &vpc.structure, &vpc.interfaces);
            match place.run(&closed.first(&self.table, &[])).await {
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
            loaded: place.loaded.take(),
            ..Touched::default()
        };
        vpc.put_in_force(touched, &self.table).await?;
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
        let mut touched = note(&mut vpcs, message);
        for (vpc_id, touched) in &mut touched {
            let place = vpcs.get_mut(vpc_id).and_then(|it| it.place.as_mut());
            touched.loaded = place.and_then(|it| it.loaded.take());
        }
        let mut result = Ok(());
        for (vpc_id, touched) in touched {
            let Some(vpc) = vpcs.get_mut(&vpc_id) else {
                continue;
            };
            if let Err(error) = vpc.put_in_force(touched, &self.table).await {
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
                is_in_force && it.rules.is_some() && it.interfaces.get(address).is_some()
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
        compile(site, self.rules.as_ref(), &self.structure, &self.interfaces)
    }

    /// Replaces all that is in force.
    async fn load(&mut self, table: &str) -> Result<(), NetworkError> {
        let Some(place) = &self.place else { return Ok(()) };
        let next = self.compiled(&place.site);
        let elements = self.interfaces.iter().flat_map(|it| self.structure.elements(it));
        let elements: Vec<_> = elements.collect::<BTreeSet<_>>().into_iter().collect();
        place.run(&next.whole(table, &elements)).await?;
        if let Some(place) = &mut self.place {
            place.loaded = Some(next);
            place.has_table = true;
        }
        Ok(())
    }

    async fn put_in_force(&mut self, mut touched: Touched, table: &str) -> Result<(), NetworkError> {
        let Some(loaded) = touched.loaded.take() else {
            return self.load(table).await;
        };
        let Some(place) = &self.place else { return Ok(()) };
        let next = self.next_rules(place, &loaded, &touched);
        let (removed, added) = self.moved(&touched);
        let moves = Moves {
            removed: &removed,
            added: &added,
        };
        let steps = match &next {
            Some(next) => loaded.steps(next, moves),
            None => moves.steps(),
        };
        match place.take(&steps, table).await {
            Ok(()) => {
                if let Some(place) = &mut self.place {
                    place.loaded = Some(next.unwrap_or(loaded));
                }
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the rules of a VPC are not what they were left; all of them are replaced");
                self.load(table).await
            }
        }
    }

    /// The elements that go and come with interfaces, each sorted.
    fn moved(&self, touched: &Touched) -> (Vec<Element>, Vec<Element>) {
        let now = touched
            .interfaces
            .iter()
            .filter_map(|it| self.interfaces.get(*it));
        let after: BTreeSet<_> = now.flat_map(|it| self.structure.elements(it)).collect();
        let removed = touched.before.difference(&after).cloned();
        let added = after.difference(&touched.before).cloned();
        (removed.collect(), added.collect())
    }

    /// The rules, if others are to be in force.
    fn next_rules(&self, place: &Place, loaded: &Ruleset, touched: &Touched) -> Option<Ruleset> {
        let are_new = touched.rules_are_new || self.asks_for_rules(place, loaded, touched);
        are_new.then(|| self.compiled(&place.site))
    }

    /// Whether interfaces have changed about which there have to be other rules.
    fn asks_for_rules(&self, place: &Place, loaded: &Ruleset, touched: &Touched) -> bool {
        // What they send for their clients is judged by rules of their own.
        let preserving = &place.site.preserving;
        let is_one = |it: &Ipv4Addr| preserving.iter().any(|one| one.addresses.contains(it));
        let is_new = |it: &Ipv4Addr| {
            let guard = self.interfaces.get(*it).map(|it| &it.guard);
            let Some(Guard::Groups(groups)) = guard else {
                return false;
            };
            let joined = self.structure.joined(groups).into_iter();
            joined
                .flatten()
                .any(|(name, _)| !loaded.chains.contains_key(&name))
        };
        touched.interfaces.iter().any(|it| is_one(it) || is_new(it))
    }
}

impl Place {
    /// Takes steps as one transaction.
    async fn take(&self, steps: &[Step<'_>], table: &str) -> Result<(), NetworkError> {
        if steps.is_empty() {
            return Ok(());
        }
        match self.nftables.take(table, steps).await {
            Some(taken) => taken.map_err(|error| NetworkError::Rules(format!("change rules: {error}"))),
            None => self.run(&script(steps, table)).await,
        }
    }

    async fn run(&self, script: &str) -> Result<(), NetworkError> {
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
        let touched = touched.entry(vpc_id).or_default();
        touched.rules_are_new = true;
        for it in vpc.interfaces.iter() {
            touched.note(vpc, it.key.address);
        }
        vpc.rules = None;
        vpc.structure = Structure::default();
        vpc.interfaces.clear();
    }
    for key in message.gone {
        let Some(vpc) = vpcs.get_mut(&key.vpc_id) else {
            continue;
        };
        let touched = touched.entry(key.vpc_id).or_default();
        touched.note(vpc, key.address);
        vpc.interfaces.remove(key.address);
    }
    for it in message.interfaces {
        let vpc = vpcs.entry(it.key.vpc_id.clone()).or_default();
        let touched = touched.entry(it.key.vpc_id.clone()).or_default();
        touched.note(vpc, it.key.address);
        vpc.interfaces.insert(it);
    }
    for rules in message.vpcs {
        let vpc = vpcs.entry(rules.id.clone()).or_default();
        let touched = touched.entry(rules.id.clone()).or_default();
        touched.rules_are_new = true;
        let structure = Structure::of(&rules);
        if structure != vpc.structure {
            let differs = |it: &&ServedInterface| vpc.structure.differs_for(&structure, it);
            for it in vpc.interfaces.iter().filter(differs) {
                touched.note(vpc, it.key.address);
            }
        }
        vpc.structure = structure;
        vpc.rules = Some(rules);
    }
    touched
}

impl Touched {
    /// An interface is about to change, or what decides about it.
    fn note(&mut self, vpc: &Vpc, address: Ipv4Addr) {
        if !self.interfaces.insert(address) {
            return;
        }
        if let Some(it) = vpc.interfaces.get(address) {
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
