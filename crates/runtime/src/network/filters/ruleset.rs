//! Rules as values: what a table of nftables holds, the steps that make one table of another, and the script of these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

use super::rule::{Rule, Verdict};

/// The maps from the address of an interface to what decides about it.
pub(super) const INTO: &str = "into";
/// The same, for what it sends.
pub(super) const OUT_OF: &str = "out_of";
/// The same, for what it sends out of the VPC.
pub(super) const WAYS_OF: &str = "ways_of";
const MAPS: [&str; 3] = [INTO, OUT_OF, WAYS_OF];

/// A table of nftables, but for what is in its sets and maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ruleset {
    /// Sets of addresses.
    pub(super) sets: BTreeSet<String>,
    /// Chains by their names.
    pub(super) chains: BTreeMap<String, Chain>,
}

/// A chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// Where packets enter it, and what becomes of those it does not decide about; `None`: other chains lead there.
    pub(super) hook: Option<&'static str>,
    /// In their order.
    pub(super) rules: Vec<Rule>,
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

/// Elements that go and come, each sorted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moves<'a> {
    pub(super) removed: &'a [Element],
    pub(super) added: &'a [Element],
}

/// A part of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::network) enum Step<'a> {
    /// Makes a set of addresses.
    AddSet(&'a str),
    /// Makes a chain, with its hook if it has one.
    AddChain(&'a str, Option<&'static str>),
    /// Takes all rules out of a chain.
    FlushChain(&'a str),
    /// Adds rules at the end of a chain.
    AddRules(&'a str, &'a [Rule]),
    /// Takes elements, at least one, out of one set or map.
    RemoveElements(&'a [Element]),
    /// Adds elements, at least one, to one set or map.
    AddElements(&'a [Element]),
    /// Deletes a chain, in which there is nothing.
    DeleteChain(&'a str),
    /// Deletes a set with what is in it.
    DeleteSet(&'a str),
}

impl Ruleset {
    /// The script that makes the table with these elements, in place of whatever it was.
    pub(super) fn whole(&self, table: &str, elements: &[Element]) -> String {
        let mut out = format!("add table ip {table}\ndelete table ip {table}\n");
        out.push_str(&self.first(table, elements));
        out
    }

    /// The script that makes the table, and fails if there is one.
    pub(super) fn first(&self, table: &str, elements: &[Element]) -> String {
        let mut out = format!("create table ip {table}\n");
        for map in MAPS {
            let _ = writeln!(out, "add map ip {table} {map} {{ type ipv4_addr : verdict; }}");
        }
        let moves = Moves {
            removed: &[],
            added: elements,
        };
        out.push_str(&script(&Self::default().steps(self, moves), table));
        out
    }

    /// The steps that make `next` of this table; one transaction, so that every packet meets the one or the other.
    pub(super) fn steps<'a>(&'a self, next: &'a Self, moves: Moves<'a>) -> Vec<Step<'a>> {
        let mut steps: Vec<_> = next
            .sets
            .difference(&self.sets)
            .map(|it| Step::AddSet(it))
            .collect();
        for (name, chain) in &next.chains {
            if !self.chains.contains_key(name) {
                steps.push(Step::AddChain(name, chain.hook));
            }
        }
        for (name, chain) in &next.chains {
            let before = self.chains.get(name);
            if before == Some(chain) {
                continue;
            }
            if before.is_some() {
                steps.push(Step::FlushChain(name));
            }
            if !chain.rules.is_empty() {
                steps.push(Step::AddRules(name, &chain.rules));
            }
        }
        moves.write(&mut steps);
        // What leads to them goes first.
        let gone = self.chains.keys().filter(|it| !next.chains.contains_key(*it));
        steps.extend(gone.clone().map(|it| Step::FlushChain(it)));
        steps.extend(gone.map(|it| Step::DeleteChain(it)));
        steps.extend(self.sets.difference(&next.sets).map(|it| Step::DeleteSet(it)));
        steps
    }
}

impl<'a> Moves<'a> {
    /// The steps of these alone.
    pub(super) fn steps(self) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        self.write(&mut steps);
        steps
    }

    fn write(self, steps: &mut Vec<Step<'a>>) {
        let of_sets = |elements| <[Element]>::chunk_by(elements, |one, other| one.set == other.set);
        steps.extend(of_sets(self.removed).map(Step::RemoveElements));
        steps.extend(of_sets(self.added).map(Step::AddElements));
    }
}

/// What `nft` does as one transaction.
pub(super) fn script(steps: &[Step<'_>], table: &str) -> String {
    let mut out = String::new();
    for step in steps {
        // Writing to a string cannot fail.
        let _ = match step {
            Step::AddSet(set) => writeln!(out, "add set ip {table} {set} {{ type ipv4_addr; }}"),
            Step::AddChain(chain, None) => writeln!(out, "add chain ip {table} {chain}"),
            Step::AddChain(chain, Some(hook)) => writeln!(out, "add chain ip {table} {chain} {{ {hook} }}"),
            Step::FlushChain(chain) => writeln!(out, "flush chain ip {table} {chain}"),
            Step::AddRules(chain, rules) => rules
                .iter()
                .try_for_each(|it| writeln!(out, "add rule ip {table} {chain} {it}")),
            Step::RemoveElements(elements) => write_elements(&mut out, table, "delete", elements),
            Step::AddElements(elements) => write_elements(&mut out, table, "add", elements),
            Step::DeleteChain(chain) => writeln!(out, "delete chain ip {table} {chain}"),
            Step::DeleteSet(set) => writeln!(out, "delete set ip {table} {set}"),
        };
    }
    out
}

/// One statement.
fn write_elements(out: &mut String, table: &str, verb: &str, elements: &[Element]) -> std::fmt::Result {
    let set = elements.first().map_or("", |it| &it.set);
    write!(out, "{verb} element ip {table} {set} {{ ")?;
    for (number, element) in elements.iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        write!(out, "{}", element.address)?;
        if let Some(verdict) = &element.verdict {
            write!(out, " : {verdict}")?;
        }
    }
    out.push_str(" }\n");
    Ok(())
}
