//! Ports and names of a container.

use serde::{Deserialize, Serialize};

/// A port of a container, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// In the container; `None` if the mapping is a range.
    pub container_port: Option<u16>,
    /// The range, if the mapping is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port_range: Option<PortRange>,
    /// On the host; 0 or `None` is dynamic in `bridge`.
    pub host_port: Option<u16>,
    /// Transport.
    pub protocol: TransportProtocol,
    /// Name for Service Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `http`, `http2` or `grpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

impl PortMapping {
    /// First and last port in the container.
    pub fn container_ports(&self) -> PortRange {
        let port = self.container_port.unwrap_or(0);
        self.container_port_range.unwrap_or(PortRange {
            first: port,
            last: port,
        })
    }
}

/// Ports from first to last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    /// Lowest.
    pub first: u16,
    /// Highest.
    pub last: u16,
}

impl PortRange {
    /// Reads `first-last`; `None` if that is no range upwards.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let range = Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
        };
        (range.first <= range.last).then_some(range)
    }

    /// Whether a port is in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl std::fmt::Display for PortRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// Transport of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TransportProtocol {
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
}

impl TransportProtocol {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A line of `/etc/hosts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostEntry {
    /// Name.
    pub hostname: String,
    /// Its address.
    pub ip_address: String,
}
