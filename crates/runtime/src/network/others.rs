//! Which parts of VPCs are on which hosts, as the control plane tells.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use domain::served_network::{InterfaceKey, NetworksMessage, ServedInterface};

use super::overlay::{Overlay, OverlayHost};

/// Hosts, and what they have of VPCs.
#[derive(Default)]
pub(super) struct Others {
    own: Option<u16>,
    /// Where the hosts are, by their numbers: this one too.
    hosts: BTreeMap<u16, Ipv4Addr>,
    vpcs: BTreeMap<String, Parts>,
}

/// Of a VPC, what is on hosts that are known by number.
#[derive(Default)]
struct Parts {
    vni: u32,
    by_host: BTreeMap<u16, BTreeSet<Ipv4Addr>>,
    hosts: BTreeMap<Ipv4Addr, u16>,
}

impl Others {
    /// Takes over what a message says, and tells which VPCs it concerns.
    pub(super) fn note(&mut self, message: &NetworksMessage) -> BTreeSet<String> {
        let mut concerned = BTreeSet::new();
        if message.is_whole {
            concerned.extend(self.vpcs.keys().cloned());
            *self = Self::default();
        }
        if message.own.is_some() && message.own != self.own {
            self.own = message.own;
            concerned.extend(self.vpcs.keys().cloned());
        }
        self.note_hosts(message, &mut concerned);
        for id in &message.gone_vpcs {
            if self.vpcs.remove(id).is_some() {
                concerned.insert(id.clone());
            }
        }
        for vpc in &message.vpcs {
            let parts = self.vpcs.entry(vpc.id.clone()).or_default();
            if parts.vni != vpc.vni {
                parts.vni = vpc.vni;
                concerned.insert(vpc.id.clone());
            }
        }
        for key in &message.gone {
            let Some(parts) = self.vpcs.get_mut(&key.vpc_id) else {
                continue;
            };
            if parts.put(key, None) {
                concerned.insert(key.vpc_id.clone());
            }
        }
        for ServedInterface { key, host, .. } in &message.interfaces {
            let parts = self.vpcs.entry(key.vpc_id.clone()).or_default();
            if parts.put(key, *host) {
                concerned.insert(key.vpc_id.clone());
            }
        }
        concerned
    }

    fn note_hosts(&mut self, message: &NetworksMessage, concerned: &mut BTreeSet<String>) {
        let mut changed = Vec::new();
        for number in &message.gone_hosts {
            changed.extend(self.hosts.remove(number).map(|_| *number));
        }
        for host in &message.hosts {
            if self.hosts.insert(host.number, host.address) != Some(host.address) {
                changed.push(host.number);
            }
        }
        for number in changed {
            let is_own = self.own == Some(number);
            let touched = self
                .vpcs
                .iter()
                .filter(|(_, it)| is_own || it.by_host.contains_key(&number));
            concerned.extend(touched.map(|(id, _)| id.clone()));
        }
    }

    /// How a VPC is to reach its parts on other hosts; `None` as long as it is not known how.
    pub(super) fn overlay(&self, vpc_id: &str) -> Option<Overlay> {
        let host = |number: u16| {
            let address = *self.hosts.get(&number)?;
            Some(OverlayHost { number, address })
        };
        let own = host(self.own?)?;
        let parts = self.vpcs.get(vpc_id).filter(|it| it.vni != 0)?;
        let by_host = parts.by_host.iter().filter(|(number, _)| **number != own.number);
        let others = by_host.filter_map(|(number, addresses)| Some((host(*number)?, addresses.clone())));
        Some(Overlay {
            vni: parts.vni,
            own,
            others: others.collect(),
        })
    }

    /// Where tunnels may come from; `None` as long as it is not known which host this one is.
    pub(super) fn addresses(&self) -> Option<BTreeSet<Ipv4Addr>> {
        let own = self.own?;
        let others = self.hosts.iter().filter(|(number, _)| **number != own);
        Some(others.map(|(_, address)| *address).collect())
    }
}

impl Parts {
    /// An interface is on that host now, or on none that is known. Tells whether that is new.
    fn put(&mut self, key: &InterfaceKey, host: Option<u16>) -> bool {
        let before = match host {
            Some(host) => self.hosts.insert(key.address, host),
            None => self.hosts.remove(&key.address),
        };
        if before == host {
            return false;
        }
        if let Some(before) = before
            && let Some(addresses) = self.by_host.get_mut(&before)
        {
            addresses.remove(&key.address);
            if addresses.is_empty() {
                self.by_host.remove(&before);
            }
        }
        if let Some(host) = host {
            self.by_host.entry(host).or_default().insert(key.address);
        }
        true
    }
}

#[cfg(test)]
mod tests;
