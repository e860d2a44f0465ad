//! The network that `awsvpc` tasks live in.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::tags::Pair;

#[cfg(test)]
mod tests;

/// A virtual private cloud with its default security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// `vpc-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its range.
    pub cidr: Cidr,
    /// `sg-…` of the security group that tasks get when they name none.
    pub default_security_group: String,
    /// Whether it is the one that every account has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_default: bool,
    /// `enableDnsSupport`: whether the resolver at the base address plus two answers.
    #[serde(default = "is_given", skip_serializing_if = "Clone::clone")]
    pub has_dns_support: bool,
    /// `enableDnsHostnames`: whether public addresses have names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_dns_hostnames: bool,
    /// `enableNetworkAddressUsageMetrics`: kept, nothing is measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_address_usage_metrics: bool,
    /// Tells its packets from those of other VPCs between hosts: the VXLAN network identifier, 24 bits. 0 for one of an
    /// older directory, until the next start.
    #[serde(default, skip_serializing_if = "is_unnumbered")]
    pub vni: u32,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

fn is_unnumbered(vni: &u32) -> bool {
    *vni == 0
}

fn is_given() -> bool {
    true
}

impl Vpc {
    /// A VPC as `CreateVpc` makes it.
    pub fn new(id: String, scope: Scope, cidr: Cidr, default_security_group: String) -> Self {
        Self {
            id,
            scope,
            cidr,
            default_security_group,
            is_default: false,
            has_dns_support: true,
            has_dns_hostnames: false,
            has_address_usage_metrics: false,
            vni: 0,
            tags: Vec::new(),
        }
    }
}

/// A part of a VPC in one availability zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// `subnet-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its VPC.
    pub vpc_id: String,
    /// Its range.
    pub cidr: Cidr,
    /// For example `us-east-1a`.
    pub availability_zone: String,
    /// Whether it is the one that its zone has in the default VPC.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_default: bool,
    /// Whether interfaces get a public address unless they say otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub maps_public_ip_on_launch: bool,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// The address at which every VPC has its resolver too, as on Amazon.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);

impl Vpc {
    /// The address of its resolver: the third of its range, as on Amazon.
    pub fn resolver(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.cidr.network) + 2)
    }
}

/// The domain in which each address of a VPC of this region has a name, as on Amazon.
pub fn internal_domain(region: &str) -> String {
    match region {
        "us-east-1" => "ec2.internal".to_owned(),
        _ => format!("{region}.compute.internal"),
    }
}

/// The name that an address of a VPC of this region has: `ip-172-31-0-4.ec2.internal`.
pub fn internal_name(region: &str, address: Ipv4Addr) -> String {
    let label = address.to_string().replace('.', "-");
    format!("ip-{label}.{}", internal_domain(region))
}

impl Subnet {
    /// The router's address: the first of the range, as on Amazon.
    pub fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.cidr.network) + 1)
    }

    /// Addresses that tasks may have. Amazon keeps the first four and the last for itself.
    pub fn assignable(&self) -> impl Iterator<Item = Ipv4Addr> + use<> {
        let first = u32::from(self.cidr.network);
        let last = first + (self.cidr.size() - 1);
        (first.saturating_add(4)..last).map(Ipv4Addr::from)
    }

    /// Whether tasks may have an address.
    pub fn may_assign(&self, address: Ipv4Addr) -> bool {
        let first = u32::from(self.cidr.network);
        let last = first + (self.cidr.size() - 1);
        (first.saturating_add(4)..last).contains(&u32::from(address))
    }
}

/// A range of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr {
    /// First address.
    pub network: Ipv4Addr,
    /// Length of the prefix in bits, 8 to 28.
    pub prefix: u8,
}

/// Why a text is no range for a VPC or subnet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an IPv4 range like 172.31.0.0/16 (prefix 8 to 28, host bits zero)")]
pub struct InvalidCidr(pub String);

impl Cidr {
    /// Number of addresses.
    pub fn size(self) -> u32 {
        1 << (32 - u32::from(self.prefix))
    }

    /// Whether an address lies in the range.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        let offset = u32::from(address).wrapping_sub(u32::from(self.network));
        offset < self.size()
    }

    /// The range cut into parts of the given prefix, in order.
    pub fn split(self, prefix: u8) -> impl Iterator<Item = Cidr> {
        let step = 1_u32 << (32 - u32::from(prefix));
        (0..self.size() / step).map(move |index| Cidr {
            network: Ipv4Addr::from(u32::from(self.network) + index * step),
            prefix,
        })
    }
}

impl std::str::FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let invalid = || InvalidCidr(text.to_owned());
        let (network, prefix) = text.split_once('/').ok_or_else(invalid)?;
        let network: Ipv4Addr = network.parse().map_err(|_| invalid())?;
        let prefix: u8 = prefix.parse().map_err(|_| invalid())?;
        if !(8..=28).contains(&prefix) {
            return Err(invalid());
        }
        let cidr = Self { network, prefix };
        if !u32::from(network).is_multiple_of(cidr.size()) {
            return Err(invalid());
        }
        Ok(cidr)
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl Serialize for Cidr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
