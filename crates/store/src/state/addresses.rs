//! Addresses that tasks hold, by subnet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

static NONE: BTreeSet<Ipv4Addr> = BTreeSet::new();

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Addresses(BTreeMap<String, Subnet>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Subnet {
    used: BTreeSet<Ipv4Addr>,
    /// Further holders of an address: inside a transaction, one task may take it before another gives it back.
    again: BTreeMap<Ipv4Addr, u32>,
}

impl Addresses {
    pub fn take(&mut self, subnet_id: &str, address: Ipv4Addr) {
        let subnet = match self.0.get_mut(subnet_id) {
            Some(subnet) => subnet,
            None => self.0.entry(subnet_id.to_owned()).or_default(),
        };
        if !subnet.used.insert(address) {
            *subnet.again.entry(address).or_default() += 1;
        }
    }

    pub fn give_back(&mut self, subnet_id: &str, address: Ipv4Addr) {
        let Some(subnet) = self.0.get_mut(subnet_id) else {
            return;
        };
        match subnet.again.get_mut(&address) {
            Some(1) => {
                subnet.again.remove(&address);
            }
            Some(holders) => *holders -= 1,
            None => {
                subnet.used.remove(&address);
            }
        }
        if subnet.used.is_empty() {
            self.0.remove(subnet_id);
        }
    }

    pub fn of(&self, subnet_id: &str) -> &BTreeSet<Ipv4Addr> {
        self.0.get(subnet_id).map_or(&NONE, |subnet| &subnet.used)
    }
}
