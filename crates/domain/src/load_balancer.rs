//! Load balancers: where they listen, what state they are in, how they treat what comes.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::{LoadBalancerArn, Timestamp};

mod attributes;

pub use attributes::{
    ClientRoutingPolicy, DesyncMitigation, LoadBalancerAttributes, LogDestination, XForwardedFor,
};

#[cfg(test)]
mod tests;

/// A load balancer. Its listeners are records of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// The record's key.
    pub arn: LoadBalancerArn,
    /// Unique in the scope.
    pub name: String,
    /// What it speaks.
    pub kind: LoadBalancerKind,
    /// Whom it serves.
    pub scheme: Scheme,
    /// Which addresses it has.
    pub ip_address_type: IpAddressType,
    /// The VPC of its subnets.
    pub vpc_id: String,
    /// One of each availability zone at most, in the order of the zones' names.
    pub zones: Vec<LoadBalancerZone>,
    /// `sg-…`; a network load balancer may have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// The name that stands for its addresses.
    pub dns_name: String,
    /// How far it is: written by the session of the balancer that serves it.
    pub state: LoadBalancerState,
    /// How it treats what comes.
    pub attributes: LoadBalancerAttributes,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// Where a load balancer is in one availability zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancerZone {
    /// For example `us-east-1a`.
    pub name: String,
    /// `subnet-…`
    pub subnet_id: String,
    /// Its addresses there: taken from the subnet, no task gets them.
    pub addresses: Vec<IpAddr>,
}

/// What a load balancer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LoadBalancerKind {
    /// HTTP: requests are routed.
    Application,
    /// TCP, TLS and UDP: connections are passed on.
    Network,
}

impl LoadBalancerKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Network => "network",
        }
    }

    /// The word in ARNs.
    pub fn arn_word(self) -> &'static str {
        match self {
            Self::Application => "app",
            Self::Network => "net",
        }
    }
}

/// Whom a load balancer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    /// Clients anywhere.
    InternetFacing,
    /// Clients of the VPC.
    Internal,
}

impl Scheme {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InternetFacing => "internet-facing",
            Self::Internal => "internal",
        }
    }
}

/// Which addresses a load balancer, or the targets of a group, have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpAddressType {
    /// IPv4, all that subnets have.
    Ipv4,
}

impl IpAddressType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
        }
    }
}

/// How far a load balancer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadBalancerState {
    /// No balancer has said yet that it serves it.
    Provisioning,
    /// A balancer serves it.
    Active,
    /// No balancer can serve it.
    Failed {
        /// Why.
        reason: String,
    },
}

impl LoadBalancerState {
    /// The word on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Failed { .. } => "failed",
        }
    }
}

impl LoadBalancer {
    /// All its addresses, zone after zone.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.zones.iter().flat_map(|it| it.addresses.iter().copied())
    }
}

/// The name that a load balancer gets: `id` are the 16 hexadecimal digits of its ARN.
///
/// That of an application load balancer, as of a classic one, ends in decimal digits, that of a network one in its id, as on Amazon.
pub fn dns_name(kind: LoadBalancerKind, scheme: Scheme, name: &str, id: &str, region: &str) -> String {
    /// Decimal digits in names of application load balancers: nine or ten on Amazon.
    const DIGITS: u64 = 10_000_000_000;
    let name = name.to_lowercase();
    match (kind, scheme) {
        (LoadBalancerKind::Network, _) => format!("{name}-{id}.elb.{region}.amazonaws.com"),
        (LoadBalancerKind::Application, _) => {
            let digits = u64::from_str_radix(id, 16).unwrap_or_default() % DIGITS;
            let prefix = match scheme {
                Scheme::Internal => "internal-",
                Scheme::InternetFacing => "",
            };
            format!("{prefix}{name}-{digits}.{region}.elb.amazonaws.com")
        }
    }
}
