//! Gateways that let out without letting in: of addresses to one address (NAT), and of IPv6 (egress-only).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::client_request::ClientRequest;
use crate::tags::Pair;
use crate::{Scope, Timestamp};

/// A NAT gateway: whoever is routed to it goes on with its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    /// `nat-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// VPC of the subnet.
    pub vpc_id: String,
    /// Where it lives: its own packets obey this subnet's route table.
    pub subnet_id: String,
    /// `eni-…` of the interface that it has there: a record of its own as long as the gateway is available.
    pub network_interface_id: String,
    /// The address of that interface.
    pub private_address: Ipv4Addr,
    /// Where it leads.
    pub connectivity: NatConnectivity,
    /// When it was asked for; it is available from then on.
    pub created_at: Timestamp,
    /// When it was deleted. It is shown for a while, and serves nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// The call that made it, if that had a client token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request: Option<ClientRequest>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// Where a NAT gateway leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NatConnectivity {
    /// Out of the host, with an elastic address.
    Public(NatAllocation),
    /// To other networks, with its private address.
    Private,
}

/// The elastic address of a NAT gateway, as it was when the gateway was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatAllocation {
    /// `eipalloc-…`
    pub allocation_id: String,
    /// `eipassoc-…`
    pub association_id: String,
    /// The public address.
    pub address: Ipv4Addr,
}

impl NatGateway {
    /// Whether it serves those who are routed to it.
    pub fn is_available(&self) -> bool {
        self.deleted_at.is_none()
    }
}

/// An egress-only internet gateway: the way of IPv6 out of a VPC, to which it always belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressOnlyInternetGateway {
    /// `eigw-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its VPC.
    pub vpc_id: String,
    /// The call that made it, if that had a client token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request: Option<ClientRequest>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}
