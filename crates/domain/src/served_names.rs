//! What the resolvers of a host have to know: its VPCs, their private zones, and the names that all of them see.
//!
//! A host is sent all of it, and then what has changed; so is the process that answers, by its agent.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::cloud_map::{RecordType, RoutingPolicy};
use crate::vpc::Cidr;

#[cfg(test)]
mod tests;

/// Who asks from no VPC: a host, with its tasks in the network modes `bridge` and `host`. It stands where ids of VPCs do.
pub const HOST: &str = "host";

/// What is new; first the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesMessage {
    /// This begins anew: what it does not name is gone.
    #[serde(default)]
    pub is_whole: bool,
    /// Another message belongs to this one; nothing is in force before that has come.
    #[serde(default)]
    pub has_more: bool,
    /// VPCs that are new or have changed.
    #[serde(default)]
    pub vpcs: Vec<ServedVpc>,
    /// Ids of VPCs that are gone.
    #[serde(default)]
    pub gone_vpcs: Vec<String>,
    /// Zones that are new or have changed.
    #[serde(default)]
    pub zones: Vec<ServedZone>,
    /// Ids of zones that are gone; so are their names.
    #[serde(default)]
    pub gone_zones: Vec<String>,
    /// Names that are new or have changed.
    #[serde(default)]
    pub names: Vec<ServedName>,
    /// Names that are gone.
    #[serde(default)]
    pub gone_names: Vec<NameKey>,
}

/// A VPC as its resolver knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedVpc {
    /// `vpc-…`
    pub id: String,
    /// Its ranges: who has an address in there is answered.
    pub cidrs: Vec<Cidr>,
    /// Such as `ec2.internal`: where each address of the VPC has a name.
    pub internal_domain: String,
}

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedZone {
    /// Id of the zone: that of its namespace.
    pub id: String,
    /// The name it is for, without a dot at the end.
    pub origin: String,
    /// Who sees it.
    pub vpcs: SeenBy,
    /// What becomes of names below its origin that it does not have.
    pub unknown: UnknownNames,
    /// How long it may be remembered that a name is not there.
    pub negative_ttl_seconds: u32,
}

/// Which VPCs see a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeenBy {
    /// All of the account.
    All,
    /// Those of these ids.
    These(Vec<String>),
}

/// What becomes of names that a zone does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnknownNames {
    /// They do not exist.
    Denied,
    /// Others are asked.
    Forwarded,
}

/// Which name of which zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NameKey {
    /// Id of the zone.
    pub zone: String,
    /// The whole name, without a dot at the end.
    pub name: String,
}

/// A name with all that it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedName {
    /// Which.
    pub key: NameKey,
    /// One set for each type of record.
    pub sets: Vec<RecordSet>,
}

/// Records of a name, all of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSet {
    /// How long an answer may be remembered.
    pub ttl_seconds: u32,
    /// Which of them are answered.
    pub routing: RoutingPolicy,
    /// Those that answers are chosen from.
    pub records: Vec<ServedRecord>,
    /// Of aliases: the type of the addresses that are answered, under this name, for each [`ServedRecord::Cname`] in it.
    /// Without it these are answered as what they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_of: Option<RecordType>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServedRecord {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Another name for the same.
    Cname(String),
    /// Where a service listens.
    Srv {
        /// Lower ones come first.
        priority: u16,
        /// Share among those of one priority.
        weight: u16,
        /// Where it listens.
        port: u16,
        /// The name of its host.
        target: String,
    },
}

/// All that a host has been told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedNames {
    vpcs: BTreeMap<String, ServedVpc>,
    zones: BTreeMap<String, ServedZone>,
    names: BTreeMap<NameKey, Vec<RecordSet>>,
}

impl ServedNames {
    /// Becomes what a message says.
    pub fn apply(&mut self, message: NamesMessage) {
        if message.is_whole {
            *self = Self::default();
        }
        for id in &message.gone_vpcs {
            self.vpcs.remove(id);
        }
        for id in &message.gone_zones {
            self.zones.remove(id);
            self.names.retain(|key, _| key.zone != *id);
        }
        for key in &message.gone_names {
            self.names.remove(key);
        }
        let vpcs = message.vpcs.into_iter().map(|it| (it.id.clone(), it));
        self.vpcs.extend(vpcs);
        let zones = message.zones.into_iter().map(|it| (it.id.clone(), it));
        self.zones.extend(zones);
        let names = message.names.into_iter().map(|it| (it.key, it.sets));
        self.names.extend(names);
    }

    /// One message that says all of it.
    pub fn whole(&self) -> NamesMessage {
        let names = self.names.iter().map(|(key, sets)| ServedName {
            key: key.clone(),
            sets: sets.clone(),
        });
        NamesMessage {
            is_whole: true,
            vpcs: self.vpcs.values().cloned().collect(),
            zones: self.zones.values().cloned().collect(),
            names: names.collect(),
            ..NamesMessage::default()
        }
    }
}

impl NamesMessage {
    /// Cuts it into messages of about `records_max` records each, so that none grows too long to be sent.
    pub fn into_parts(mut self, records_max: usize) -> Vec<Self> {
        let mut parts = Vec::new();
        let names = std::mem::take(&mut self.names);
        let mut part = self;
        let mut records = 0;
        for name in names {
            let own = name.sets.iter().map(|it| it.records.len().max(1)).sum::<usize>();
            if records > 0 && records + own > records_max {
                part.has_more = true;
                parts.push(std::mem::take(&mut part));
                records = 0;
            }
            records += own;
            part.names.push(name);
        }
        parts.push(part);
        parts
    }
}
