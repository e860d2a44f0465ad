//! What a host has to know of VPCs in order to filter what passes between their interfaces.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::network_acl::NetworkAclEntry;
use crate::network_traffic::{Direction, Traffic};
use crate::vpc::Cidr;

/// What a host is sent. Of what it names it is the whole; of the rest nothing has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworksMessage {
    /// These are all VPCs, interfaces and hosts: others are gone.
    pub is_whole: bool,
    /// The number of the host that is told, if that is new.
    #[serde(default)]
    pub own: Option<u16>,
    /// Hosts that are new or have another address, with the one that is told.
    #[serde(default)]
    pub hosts: Vec<ServedHost>,
    /// Numbers of hosts that are gone.
    #[serde(default)]
    pub gone_hosts: Vec<u16>,
    /// VPCs that are new or have changed.
    pub vpcs: Vec<ServedVpc>,
    /// VPCs that are gone, with their interfaces.
    pub gone_vpcs: Vec<String>,
    /// Interfaces that are gone. They go before `interfaces` come, which may have their addresses.
    pub gone: Vec<InterfaceKey>,
    /// Interfaces that are new or have changed.
    pub interfaces: Vec<ServedInterface>,
}

/// A host as others find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedHost {
    /// [`Host::number`](crate::host::Host::number)
    pub number: u16,
    /// Where others reach it.
    pub address: Ipv4Addr,
}

/// The rules of a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedVpc {
    /// `vpc-…`
    pub id: String,
    /// [`Vpc::vni`](crate::vpc::Vpc::vni)
    #[serde(default)]
    pub vni: u32,
    /// Its security groups.
    pub groups: Vec<ServedGroup>,
    /// Its network ACLs.
    pub acls: Vec<ServedAcl>,
    /// Its route tables.
    pub route_tables: Vec<ServedRouteTable>,
    /// Its subnets.
    pub subnets: Vec<ServedSubnet>,
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedGroup {
    /// `sg-…`
    pub id: String,
    /// What it lets through.
    pub rules: Vec<ServedRule>,
}

/// A rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedRule {
    /// Whether it is about what comes or what goes.
    pub direction: Direction,
    /// What it lets through.
    pub traffic: Traffic,
    /// From or to whom.
    pub peer: ServedPeer,
}

/// The other side of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServedPeer {
    /// Addresses: a range, or those of a prefix list.
    Ranges(Vec<Ipv4Net>),
    /// The members of a security group, by its id.
    Group(String),
}

/// A network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedAcl {
    /// `acl-…`
    pub id: String,
    /// In any order.
    pub entries: Vec<NetworkAclEntry>,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedRouteTable {
    /// `rtb-…`
    pub id: String,
    /// In any order; the most specific that matches is taken.
    pub routes: Vec<ServedRoute>,
}

/// A route to somewhere outside of the VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedRoute {
    /// For whom.
    pub destination: Ipv4Net,
    /// Where it leads.
    pub way: Way,
}

/// A way out of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// An internet gateway: for those that have a public address.
    Internet,
    /// A NAT gateway: for everybody.
    Nat,
    /// A black hole.
    Nowhere,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedSubnet {
    /// `subnet-…`
    pub id: String,
    /// Its range.
    pub cidr: Cidr,
    /// The ACL it obeys.
    pub acl: Option<String>,
    /// Its route table, or the main one of its VPC.
    pub route_table: Option<String>,
}

/// Which interface: its VPC and its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InterfaceKey {
    /// `vpc-…`
    pub vpc_id: String,
    /// Its address.
    pub address: Ipv4Addr,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedInterface {
    /// Which.
    pub key: InterfaceKey,
    /// `subnet-…`
    pub subnet_id: String,
    /// What it lets through.
    pub guard: Guard,
    /// What leads it out of the VPC.
    pub exit: Exit,
    /// The number of the host that has it, if that is known.
    #[serde(default)]
    pub host: Option<u16>,
}

/// What an interface lets through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    /// What any of these security groups allows.
    Groups(Vec<String>),
    /// Everything: a network load balancer without security groups, whose targets filter.
    Nothing,
    /// Everything, and what it sends everybody lets in: a proxy of Service Connect, which forwards for tasks.
    Proxy,
}

/// By what an interface leaves its VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// Routes; it has no public address.
    Private,
    /// Routes; it has a public address.
    Public,
    /// It is a load balancer of Gantry's own: its targets may be ports of hosts, which no route leads to.
    LoadBalancer,
}
