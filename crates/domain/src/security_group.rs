//! Security groups: what may reach the network interfaces that are their members, and what these may reach.

use std::collections::BTreeSet;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::network_traffic::{Direction, EVERY_IPV4, Traffic};
use crate::tags::Pair;

/// Name of the group that comes with each VPC and cannot be deleted.
pub const DEFAULT_NAME: &str = "default";

/// A security group: a connection that any rule allows is let through, with its answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// `sg-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its VPC.
    pub vpc_id: String,
    /// Unique in the VPC.
    pub name: String,
    /// What it is for, as the caller said.
    pub description: String,
    /// In the order they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<SecurityGroupRule>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// One rule: no two of a group and direction have equal traffic and peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// `sgr-…`
    pub id: String,
    /// Whether it is about what comes or what goes.
    pub direction: Direction,
    /// What it lets through.
    pub traffic: Traffic,
    /// From or to whom.
    pub peer: Peer,
    /// As the caller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// Ids of groups, in the order given: one that is named twice is one.
pub fn each_once(mut ids: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.retain(|it| seen.insert(it.clone()));
    ids
}

impl SecurityGroupRule {
    /// What every group begins with: everything may go everywhere.
    pub fn everything_out(id: String) -> Self {
        Self {
            id,
            direction: Direction::Egress,
            traffic: Traffic::All,
            peer: Peer::Ipv4(EVERY_IPV4),
            description: None,
            tags: Vec::new(),
        }
    }
}

/// The other side of a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Peer {
    /// Addresses.
    Ipv4(Ipv4Net),
    /// Addresses that no interface has yet.
    Ipv6(Ipv6Net),
    /// The members of a security group, by its id.
    SecurityGroup(String),
    /// The ranges of a managed prefix list, by its id.
    PrefixList(String),
}
