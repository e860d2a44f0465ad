//! What traffic a rule of a security group or of a network ACL speaks of.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// 0.0.0.0/0
pub const EVERY_IPV4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0);

/// Protocol and, where it has them, ports or ICMP's type and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Traffic {
    /// `-1`: every protocol.
    All,
    /// Protocol 6.
    Tcp(PortRange),
    /// Protocol 17.
    Udp(PortRange),
    /// Protocol 1.
    Icmp(IcmpKind),
    /// Protocol 58.
    Icmpv6(IcmpKind),
    /// Any other, by its number; all of it.
    Other(u8),
}

/// Ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest, not below `first`.
    pub last: u16,
}

/// Messages of ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IcmpKind {
    /// `None` for all types.
    pub icmp_type: Option<u8>,
    /// `None` for all codes.
    pub code: Option<u8>,
}

impl PortRange {
    /// Every port.
    pub const ALL: Self = Self {
        first: 0,
        last: u16::MAX,
    };
}

/// Which way traffic goes, seen from the network interface or subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// To it.
    Ingress,
    /// From it.
    Egress,
}
