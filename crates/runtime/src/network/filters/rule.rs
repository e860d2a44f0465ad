//! One rule of a chain: what it looks at in a packet, and what becomes of it.
//!
//! Rules that what is told of a VPC becomes are values, which `nft` can read as text and the kernel as expressions
//! (`nfnetlink::expressions`). What a table is built around is text alone.

use std::fmt::{self, Display, Formatter};

use domain::network_traffic::{Direction, IcmpKind, PortRange, Traffic};
use ipnet::Ipv4Net;

/// Numbers of protocols.
pub(in crate::network) const ICMP: u8 = 1;
pub(in crate::network) const TCP: u8 = 6;
pub(in crate::network) const UDP: u8 = 17;

/// A rule of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::network) enum Rule {
    /// In the language of `nft`, which alone can write it.
    Script(String),
    /// A packet that is all of this meets the verdict.
    Plain { matches: Vec<Match>, verdict: Verdict },
}

/// What a packet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::network) enum Match {
    /// It came by this link.
    Link(String),
    /// Its address on a side is in a range.
    Within(Side, Ipv4Net),
    /// Its address on a side is in a set.
    Member(Side, String),
    /// It has this protocol.
    Protocol(u8),
    /// It has this protocol, TCP or UDP, and goes to one of these ports.
    Ports(u8, PortRange),
    /// A message of ICMP of this type, and of this code, if there is one.
    Icmp(u8, Option<u8>),
}

/// Where an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::network) enum Side {
    Source,
    Destination,
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::network) enum Verdict {
    /// It passes this hook.
    Accept,
    /// It is lost.
    Drop,
    /// The chain that led here goes on.
    Return,
    /// This chain decides.
    Goto(String),
    /// This chain is asked; if it does not decide, the next rule is.
    Jump(String),
}

impl Rule {
    pub(super) fn script(text: impl Into<String>) -> Self {
        Self::Script(text.into())
    }

    pub(super) fn plain(matches: impl IntoIterator<Item = Match>, verdict: Verdict) -> Self {
        Self::Plain {
            matches: matches.into_iter().collect(),
            verdict,
        }
    }
}

impl Side {
    /// Where the other end of a connection stands.
    pub(super) fn of_peer(direction: Direction) -> Self {
        match direction {
            Direction::Ingress => Self::Source,
            Direction::Egress => Self::Destination,
        }
    }
}

/// What a rule looks at for protocol and ports, if at anything; `None` if no packet of IPv4 is such.
pub(super) fn matching(traffic: Traffic) -> Option<Option<Match>> {
    match traffic {
        Traffic::All => Some(None),
        Traffic::Tcp(ports) => Some(Some(on_ports(TCP, ports))),
        Traffic::Udp(ports) => Some(Some(on_ports(UDP, ports))),
        Traffic::Icmp(kind) => Some(Some(icmp(kind))),
        Traffic::Icmpv6(_) => None,
        Traffic::Other(number) => Some(Some(Match::Protocol(number))),
    }
}

fn on_ports(protocol: u8, ports: PortRange) -> Match {
    match ports {
        PortRange::ALL => Match::Protocol(protocol),
        ports => Match::Ports(protocol, ports),
    }
}

fn icmp(kind: IcmpKind) -> Match {
    match kind.icmp_type {
        Some(icmp_type) => Match::Icmp(icmp_type, kind.code),
        None => Match::Protocol(ICMP),
    }
}

/// Matches the addresses of a range on a side; nothing needs to match all of them.
pub(super) fn within(side: Side, range: Ipv4Net) -> Option<Match> {
    (range.prefix_len() > 0).then_some(Match::Within(side, range))
}

impl Display for Rule {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(text) => out.write_str(text),
            Self::Plain { matches, verdict } => {
                for it in matches {
                    write!(out, "{it} ")?;
                }
                write!(out, "{verdict}")
            }
        }
    }
}

impl Display for Match {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(name) => write!(out, "iifname {name:?}"),
            Self::Within(side, range) => write!(out, "{side} {range}"),
            Self::Member(side, set) => write!(out, "{side} @{set}"),
            Self::Protocol(number) => {
                out.write_str("meta l4proto ")?;
                protocol(*number, out)
            }
            Self::Ports(number, PortRange { first, last }) => {
                protocol(*number, out)?;
                match first == last {
                    true => write!(out, " dport {first}"),
                    false => write!(out, " dport {first}-{last}"),
                }
            }
            Self::Icmp(icmp_type, None) => write!(out, "icmp type {icmp_type}"),
            Self::Icmp(icmp_type, Some(code)) => write!(out, "icmp type {icmp_type} icmp code {code}"),
        }
    }
}

fn protocol(number: u8, out: &mut Formatter<'_>) -> fmt::Result {
    match number {
        ICMP => out.write_str("icmp"),
        TCP => out.write_str("tcp"),
        UDP => out.write_str("udp"),
        _ => write!(out, "{number}"),
    }
}

impl Display for Side {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Source => "ip saddr",
            Self::Destination => "ip daddr",
        })
    }
}

impl Display for Verdict {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => out.write_str("accept"),
            Self::Drop => out.write_str("drop"),
            Self::Return => out.write_str("return"),
            Self::Goto(chain) => write!(out, "goto {chain}"),
            Self::Jump(chain) => write!(out, "jump {chain}"),
        }
    }
}
