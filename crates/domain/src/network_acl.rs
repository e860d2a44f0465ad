//! Network ACLs: what passes the border of a subnet, each packet for itself.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::client_request::ClientRequest;
use crate::network_traffic::{Direction, Traffic};
use crate::tags::Pair;

/// A network ACL: of the entries of a direction, the lowest that speaks of a packet decides; without one it is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAcl {
    /// `acl-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its VPC.
    pub vpc_id: String,
    /// Whether it is the one that new subnets get.
    pub is_default: bool,
    /// Without the last entry of each direction, 32767, which all ACLs have and which denies everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<NetworkAclEntry>,
    /// Subnets that obey it; each subnet obeys one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub associations: Vec<NetworkAclAssociation>,
    /// The call that made it, if that had a client token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request: Option<ClientRequest>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// One entry; its number is unique in its direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAclEntry {
    /// 1 to 32766; the lowest is looked at first.
    pub number: u16,
    /// Whether it is about what comes into the subnet or what leaves it.
    pub direction: Direction,
    /// What it speaks of.
    pub traffic: Traffic,
    /// Where that comes from, or goes to.
    pub range: IpNet,
    /// What becomes of it.
    pub action: AclAction,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AclAction {
    /// It passes.
    Allow,
    /// It is dropped.
    Deny,
}

/// That a subnet obeys an ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAclAssociation {
    /// `aclassoc-…`
    pub id: String,
    /// The subnet.
    pub subnet_id: String,
}
