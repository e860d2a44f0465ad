//! VPC endpoints: the way from a VPC to a service of Amazon that does not pass the internet.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::client_request::ClientRequest;
use crate::tags::Pair;
use crate::{Scope, Timestamp};

/// A VPC endpoint. It is kept and shown; tasks reach the services that Gantry speaks with or without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    /// `vpce-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its VPC.
    pub vpc_id: String,
    /// `com.amazonaws.us-east-1.ecs`
    pub service_name: String,
    /// How the service is reached.
    pub kind: EndpointKind,
    /// JSON: who may do what through it; it decides nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// When it was asked for; it is available from then on.
    pub created_at: Timestamp,
    /// The call that made it, if that had a client token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request: Option<ClientRequest>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// How a service is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointKind {
    /// By the routes to its prefix list that stand in route tables.
    Gateway,
    /// By addresses in subnets.
    Interface(InterfaceEndpoint),
}

/// An endpoint that has network interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceEndpoint {
    /// One in each subnet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<EndpointInterface>,
    /// What may reach it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// Whether the usual name of the service leads to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_private_dns: bool,
    /// Which records its names have.
    #[serde(default)]
    pub dns_record_ip_type: DnsRecordIpType,
}

/// Which records the names of an endpoint have. Addresses are of IPv4, so those of both say the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DnsRecordIpType {
    /// Those of IPv4.
    #[default]
    Ipv4,
    /// What the service has by itself.
    ServiceDefined,
}

/// A network interface of an endpoint, which is a record of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointInterface {
    /// `eni-…`
    pub id: String,
    /// Where.
    pub subnet_id: String,
    /// Its address.
    pub address: Ipv4Addr,
}

impl VpcEndpoint {
    /// Its network interfaces; none of a gateway.
    pub fn interfaces(&self) -> &[EndpointInterface] {
        match &self.kind {
            EndpointKind::Gateway => &[],
            EndpointKind::Interface(it) => &it.interfaces,
        }
    }
}
