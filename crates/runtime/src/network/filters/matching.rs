//! What a rule looks at in a packet.

use domain::network_traffic::{Direction, IcmpKind, PortRange, Traffic};
use ipnet::Ipv4Net;

/// What a rule looks at for protocol and ports; `None` if no packet of IPv4 is such.
pub(super) fn matching(traffic: Traffic) -> Option<String> {
    match traffic {
        Traffic::All => Some(String::new()),
        Traffic::Tcp(ports) => Some(on_ports("tcp", ports)),
        Traffic::Udp(ports) => Some(on_ports("udp", ports)),
        Traffic::Icmp(kind) => Some(icmp(kind)),
        Traffic::Icmpv6(_) => None,
        Traffic::Other(number) => Some(format!("meta l4proto {number}")),
    }
}

fn on_ports(protocol: &str, ports: PortRange) -> String {
    match ports {
        PortRange::ALL => format!("meta l4proto {protocol}"),
        PortRange { first, last } if first == last => format!("{protocol} dport {first}"),
        PortRange { first, last } => format!("{protocol} dport {first}-{last}"),
    }
}

fn icmp(kind: IcmpKind) -> String {
    let Some(icmp_type) = kind.icmp_type else {
        return "meta l4proto icmp".to_owned();
    };
    match kind.code {
        Some(code) => format!("icmp type {icmp_type} icmp code {code}"),
        None => format!("icmp type {icmp_type}"),
    }
}

/// Where the other side's address stands.
pub(super) fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ip saddr",
        Direction::Egress => "ip daddr",
    }
}

/// Matches the addresses of a range on a side; nothing needs to match all of them.
pub(super) fn range(side: &str, range: Ipv4Net) -> String {
    match range.prefix_len() {
        0 => String::new(),
        _ => format!("{side} {range}"),
    }
}

/// One rule of its parts, some of which may be empty.
pub(super) fn join(parts: [String; 3]) -> String {
    let parts: Vec<_> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    parts.join(" ")
}
