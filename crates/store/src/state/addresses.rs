//! Addresses that are in use: private ones by subnet, public ones everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::elastic_address::ElasticAddress;
use domain::task::TaskEni;

use super::{Indexes, State};

static NONE: BTreeSet<Ipv4Addr> = BTreeSet::new();

/// By subnet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Addresses(BTreeMap<String, Taken>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Taken {
    used: BTreeSet<Ipv4Addr>,
    /// Further holders of an address: inside a transaction, one task may take it before another gives it back.
    again: BTreeMap<Ipv4Addr, u32>,
}

impl Taken {
    fn take(&mut self, address: Ipv4Addr) {
        if !self.used.insert(address) {
            *self.again.entry(address).or_default() += 1;
        }
    }

    fn give_back(&mut self, address: Ipv4Addr) {
        match self.again.get_mut(&address) {
            Some(1) => {
                self.again.remove(&address);
            }
            Some(holders) => *holders -= 1,
            None => {
                self.used.remove(&address);
            }
        }
    }
}

impl Addresses {
    pub fn take(&mut self, subnet_id: &str, address: Ipv4Addr) {
        match self.0.get_mut(subnet_id) {
            Some(subnet) => subnet.take(address),
            None => self.0.entry(subnet_id.to_owned()).or_default().take(address),
        }
    }

    pub fn give_back(&mut self, subnet_id: &str, address: Ipv4Addr) {
        let Some(subnet) = self.0.get_mut(subnet_id) else {
            return;
        };
        subnet.give_back(address);
        if subnet.used.is_empty() {
            self.0.remove(subnet_id);
        }
    }

    pub fn of(&self, subnet_id: &str) -> &BTreeSet<Ipv4Addr> {
        self.0.get(subnet_id).map_or(&NONE, |subnet| &subnet.used)
    }
}

/// Public addresses of all accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PublicAddresses {
    /// Elastic ones and those of tasks.
    all: Taken,
    /// Those of tasks, by the subnet of the task.
    of_tasks: Addresses,
}

impl PublicAddresses {
    /// Follows a task's interface from what it was to what it is.
    pub fn task(&mut self, before: Option<&TaskEni>, after: Option<&TaskEni>) {
        let (before, after) = (before.and_then(public), after.and_then(public));
        if before == after {
            return;
        }
        if let Some((subnet_id, address)) = before {
            self.all.give_back(address);
            self.of_tasks.give_back(subnet_id, address);
        }
        if let Some((subnet_id, address)) = after {
            self.all.take(address);
            self.of_tasks.take(subnet_id, address);
        }
    }

    /// Follows an elastic address.
    pub fn elastic(&mut self, before: Option<&Arc<ElasticAddress>>, after: Option<&Arc<ElasticAddress>>) {
        if let Some(it) = before {
            self.all.give_back(it.address);
        }
        if let Some(it) = after {
            self.all.take(it.address);
        }
    }
}

fn public(eni: &TaskEni) -> Option<(&str, Ipv4Addr)> {
    Some((&eni.subnet_id, eni.public_address?))
}

impl Indexes {
    /// Addresses that a task's interface has, from what it was to what it is.
    pub(super) fn task_addresses(&mut self, before: Option<&TaskEni>, after: Option<&TaskEni>) {
        if let Some(eni) = before {
            self.addresses.give_back(&eni.subnet_id, eni.address);
        }
        if let Some(eni) = after {
            self.addresses.take(&eni.subnet_id, eni.address);
        }
        self.public_addresses.task(before, after);
    }
}

impl State {
    /// Addresses of a subnet that tasks hold: free again once the task is STOPPED.
    pub fn addresses_in_use(&self, subnet_id: &str) -> &BTreeSet<Ipv4Addr> {
        self.indexes.addresses.of(subnet_id)
    }

    /// Public addresses that somebody has, in any account: elastic ones, and those of tasks that are not STOPPED.
    pub fn public_addresses_in_use(&self) -> &BTreeSet<Ipv4Addr> {
        &self.indexes.public_addresses.all.used
    }

    /// Public addresses of tasks in a subnet that are not STOPPED.
    pub fn public_addresses_of_tasks(&self, subnet_id: &str) -> &BTreeSet<Ipv4Addr> {
        self.indexes.public_addresses.of_tasks.of(subnet_id)
    }
}
