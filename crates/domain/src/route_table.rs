//! Route tables and what their routes lead to: where packets of a subnet go.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::client_request::ClientRequest;
use crate::tags::Pair;

/// A route table. That the ranges of its VPC are reached directly, all tables know: it is no route here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// `rtb-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its VPC.
    pub vpc_id: String,
    /// In the order they were made; no two have equal destinations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Whom it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub associations: Vec<RouteTableAssociation>,
    /// The call that made it, if that had a client token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request: Option<ClientRequest>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// One route; the most specific that matches is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// For whom.
    pub destination: Destination,
    /// Where to.
    pub target: RouteTarget,
}

/// For whom a route is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Destination {
    /// Addresses.
    Range(IpNet),
    /// The ranges of a managed prefix list, by its id.
    PrefixList(String),
}

/// Where a route leads. One whose target is not there any more is a black hole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteTarget {
    /// `igw-…`: out of the host, for those that have a public address.
    InternetGateway(String),
    /// `eigw-…`
    EgressOnlyInternetGateway(String),
    /// `nat-…`: out of the host, with the gateway's address.
    NatGateway(String),
    /// `eni-…`
    NetworkInterface(String),
    /// `vpce-…`
    VpcEndpoint(String),
}

/// That a route table serves a subnet, or all that have none of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTableAssociation {
    /// `rtbassoc-…`
    pub id: String,
    /// `None`: it is the main table of the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
}

impl RouteTable {
    /// Whether it serves the subnets of the VPC that have no table of their own.
    pub fn is_main(&self) -> bool {
        self.associations.iter().any(|it| it.subnet_id.is_none())
    }
}

/// An internet gateway: the way of a VPC out of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// `igw-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// The VPC it is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}
