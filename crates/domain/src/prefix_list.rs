//! Managed prefix lists: ranges with a name, for rules of security groups and for routes.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::client_request::ClientRequest;
use crate::tags::Pair;

/// A prefix list of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixList {
    /// `pl-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// As the caller said.
    pub name: String,
    /// Most entries it may have; what refers to it counts as so many rules.
    pub max_entries: u32,
    /// Begins with 1 and grows with each change of entries.
    pub version: u64,
    /// Entries of each version, the last one being valid.
    pub versions: Vec<Vec<PrefixListEntry>>,
    /// What was done to it last.
    #[serde(default, skip_serializing_if = "ListChange::is_creation")]
    pub last_change: ListChange,
    /// `IPv4` or `IPv6`: of which kind all its entries are.
    pub address_family: String,
    /// The call that made it, if that had a client token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request: Option<ClientRequest>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// What is done to a prefix list; it is complete at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListChange {
    /// It was made.
    #[default]
    Creation,
    /// Its entries, size or name were changed.
    Modification,
    /// It got the entries of an earlier version.
    Restoration,
}

impl ListChange {
    /// Whether nothing was done to it since it was made.
    pub fn is_creation(&self) -> bool {
        *self == Self::Creation
    }
}

/// A range of a prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixListEntry {
    /// Unique in its list.
    pub range: IpNet,
    /// As the caller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl PrefixList {
    /// The entries that are valid now.
    pub fn entries(&self) -> &[PrefixListEntry] {
        self.versions.last().map_or(&[], Vec::as_slice)
    }
}
