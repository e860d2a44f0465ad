//! The interfaces of a VPC that a host knows.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use domain::served_network::{Guard, ServedInterface};

/// Interfaces by their addresses.
#[derive(Default)]
pub(super) struct Interfaces {
    by_address: BTreeMap<Ipv4Addr, ServedInterface>,
    /// Security groups that an interface is in at once, if these are several, and how many are so: what asks for them does
    /// not have to look at all interfaces.
    combinations: BTreeMap<Vec<String>, usize>,
}

impl Interfaces {
    pub(super) fn get(&self, address: Ipv4Addr) -> Option<&ServedInterface> {
        self.by_address.get(&address)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ServedInterface> {
        self.by_address.values()
    }

    /// The security groups of those that are in several, as they were told.
    pub(super) fn combinations(&self) -> impl Iterator<Item = &[String]> {
        self.combinations.keys().map(Vec::as_slice)
    }

    /// In place of one that has its address.
    pub(super) fn insert(&mut self, it: ServedInterface) {
        self.remove(it.key.address);
        if let Some(groups) = combination(&it) {
            *self.combinations.entry(groups.to_vec()).or_default() += 1;
        }
        self.by_address.insert(it.key.address, it);
    }

    pub(super) fn remove(&mut self, address: Ipv4Addr) {
        let Some(it) = self.by_address.remove(&address) else {
            return;
        };
        let Some(groups) = combination(&it) else { return };
        if let Some(count) = self.combinations.get_mut(groups) {
            *count -= 1;
            if *count == 0 {
                self.combinations.remove(groups);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn combination(it: &ServedInterface) -> Option<&[String]> {
    match &it.guard {
        Guard::Groups(groups) if groups.len() > 1 => Some(groups),
        _ => None,
    }
}
