//! Rules as values: what a table of nftables holds, and the script that makes one table of another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// The maps from the address of an interface to what decides about it.
pub(super) const INTO: &str = "into";
/// The same, for what it sends.
pub(super) const OUT_OF: &str = "out_of";
/// The same, for what it sends out of the VPC.
pub(super) const WAYS_OF: &str = "ways_of";
const MAPS: [&str; 3] = [INTO, OUT_OF, WAYS_OF];

/// A table of nftables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ruleset {
    /// Sets of addresses.
    pub(super) sets: BTreeSet<String>,
    /// Chains by their names.
    pub(super) chains: BTreeMap<String, Chain>,
    /// What is in sets and maps.
    pub(super) elements: BTreeSet<Element>,
}

/// A chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// Where packets enter it, and what becomes of those it does not decide about; `None`: other chains lead there.
    pub(super) hook: Option<&'static str>,
    /// In their order.
    pub(super) rules: Vec<String>,
}

/// An address in a set or a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::network) struct Element {
    /// Name of the set or map.
    pub(in crate::network) set: String,
    /// The address.
    pub(in crate::network) address: Ipv4Addr,
    /// In a map: what becomes of it.
    pub(in crate::network) verdict: Option<Verdict>,
}

/// What a map says of an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::network) enum Verdict {
    /// Everything passes.
    Accept,
    /// This chain decides.
    Goto(String),
}

impl Ruleset {
    /// The script that makes the table, in place of whatever it was.
    pub(super) fn whole(&self, table: &str) -> String {
        let mut out = format!("add table ip {table}\ndelete table ip {table}\n");
        out.push_str(&self.first(table));
        out
    }

    /// The script that makes the table, and fails if there is one.
    pub(super) fn first(&self, table: &str) -> String {
        let mut out = format!("create table ip {table}\n");
        for map in MAPS {
            let _ = writeln!(out, "add map ip {table} {map} {{ type ipv4_addr : verdict; }}");
        }
        Self::default().write_changes(self, table, &mut out);
        out
    }

    /// The script that makes `next` of this table; one transaction, so that every packet meets the one or the other.
    pub(super) fn changes(&self, next: &Self, table: &str) -> String {
        let mut out = String::new();
        self.write_changes(next, table, &mut out);
        out
    }

    fn write_changes(&self, next: &Self, table: &str, out: &mut String) {
        for set in next.sets.difference(&self.sets) {
            let _ = writeln!(out, "add set ip {table} {set} {{ type ipv4_addr; }}");
        }
        for (name, chain) in &next.chains {
            if !self.chains.contains_key(name) {
                let hook = chain.hook.map_or(String::new(), |it| format!(" {{ {it} }}"));
                let _ = writeln!(out, "add chain ip {table} {name}{hook}");
            }
        }
        for (name, chain) in &next.chains {
            let before = self.chains.get(name);
            if before == Some(chain) {
                continue;
            }
            if before.is_some() {
                let _ = writeln!(out, "flush chain ip {table} {name}");
            }
            for rule in &chain.rules {
                let _ = writeln!(out, "add rule ip {table} {name} {rule}");
            }
        }
        write_elements(out, table, "delete", self.elements.difference(&next.elements));
        write_elements(out, table, "add", next.elements.difference(&self.elements));
        // What leads to them goes first.
        let gone: Vec<_> = self
            .chains
            .keys()
            .filter(|it| !next.chains.contains_key(*it))
            .collect();
        for name in &gone {
            let _ = writeln!(out, "flush chain ip {table} {name}");
        }
        for name in &gone {
            let _ = writeln!(out, "delete chain ip {table} {name}");
        }
        for set in self.sets.difference(&next.sets) {
            let _ = writeln!(out, "delete set ip {table} {set}");
        }
    }
}

/// One statement for each set or map: elements are in its order.
fn write_elements<'a>(
    out: &mut String,
    table: &str,
    verb: &str,
    elements: impl Iterator<Item = &'a Element>,
) {
    let mut open: Option<&str> = None;
    for element in elements {
        match open {
            Some(set) if set == element.set => out.push_str(", "),
            _ => {
                if open.is_some() {
                    out.push_str(" }\n");
                }
                let _ = write!(out, "{verb} element ip {table} {} {{ ", element.set);
                open = Some(&element.set);
            }
        }
        let _ = write!(out, "{}", element.address);
        match &element.verdict {
            Some(Verdict::Accept) => out.push_str(" : accept"),
            Some(Verdict::Goto(chain)) => {
                let _ = write!(out, " : goto {chain}");
            }
            None => {}
        }
    }
    if open.is_some() {
        out.push_str(" }\n");
    }
}
