//! Network interfaces that stand for themselves: not those of tasks, load balancers and mount targets.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::client_request::ClientRequest;
use crate::tags::Pair;

/// A network interface: it holds its addresses, whether anything speaks from them or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// `eni-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its subnet.
    pub subnet_id: String,
    /// VPC of the subnet.
    pub vpc_id: String,
    /// Zone of the subnet.
    pub availability_zone: String,
    /// Its first address, which it keeps.
    pub address: Ipv4Addr,
    /// Further addresses of the subnet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary_addresses: Vec<Ipv4Addr>,
    /// `02:…`
    pub mac_address: String,
    /// What it is for.
    pub kind: InterfaceKind,
    /// As the caller said.
    pub description: String,
    /// `sg-…`; that of a NAT gateway has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// Whether it drops what is neither from nor to its addresses.
    pub is_source_dest_checked: bool,
    /// The call that made it, if that had a client token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request: Option<ClientRequest>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// What a network interface is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InterfaceKind {
    /// Whatever its user wants: only the user makes and deletes it.
    Interface,
    /// A NAT gateway, with which it comes and goes.
    NatGateway,
    /// An interface endpoint, with which it comes and goes.
    VpcEndpoint,
}

impl InterfaceKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::NatGateway => "nat_gateway",
            Self::VpcEndpoint => "vpc_endpoint",
        }
    }
}

impl NetworkInterface {
    /// All its addresses, the first one first.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        std::iter::once(self.address).chain(self.secondary_addresses.iter().copied())
    }
}
