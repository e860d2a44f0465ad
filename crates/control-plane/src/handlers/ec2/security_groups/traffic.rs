//! Protocol and ports of a rule, between the wire and the records.

use api::ec2;
use domain::network_traffic::{IcmpKind, PortRange, Traffic};

use crate::handlers::ec2::{invalid_value, missing};

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// In place of a type, code or port: all.
const ALL: i32 = -1;

/// What `IpProtocol`, `FromPort` and `ToPort` say.
///
/// # Errors
/// InvalidParameterValue, MissingParameter without a protocol.
pub fn parse(protocol: Option<&str>, from: Option<i32>, to: Option<i32>) -> Result<Traffic, ec2::Error> {
    let name = protocol.ok_or_else(|| missing("ipProtocol"))?;
    Ok(match number(name)? {
        None => Traffic::All,
        Some(TCP) => Traffic::Tcp(ports(from, to)?),
        Some(UDP) => Traffic::Udp(ports(from, to)?),
        Some(ICMP) => Traffic::Icmp(kind(from, to)?),
        Some(ICMPV6) => Traffic::Icmpv6(kind(from, to)?),
        Some(other) => Traffic::Other(other),
    })
}

/// The number of a protocol; `None` for all.
fn number(name: &str) -> Result<Option<u8>, ec2::Error> {
    let number = match name.to_ascii_lowercase().as_str() {
        "-1" | "all" => return Ok(None),
        "tcp" => Some(TCP),
        "udp" => Some(UDP),
        "icmp" => Some(ICMP),
        "icmpv6" => Some(ICMPV6),
        other => other.parse().ok(),
    };
    let unknown = || {
        invalid_value(format!(
            "Invalid value '{name}' for IP protocol. Unknown protocol."
        ))
    };
    number.map(Some).ok_or_else(unknown)
}

fn ports(from: Option<i32>, to: Option<i32>) -> Result<PortRange, ec2::Error> {
    let (Some(from), Some(to)) = (from, to) else {
        return Err(invalid_value(
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
        ));
    };
    let port =
        |it: i32| u16::try_from(it).map_err(|_| invalid_value(format!("TCP/UDP port ({it}) out of range")));
    let (first, last) = (port(from)?, port(to)?);
    if first > last {
        return Err(invalid_value(format!(
            "Invalid TCP/UDP port range ({first}:{last})"
        )));
    }
    Ok(PortRange { first, last })
}

fn kind(icmp_type: Option<i32>, code: Option<i32>) -> Result<IcmpKind, ec2::Error> {
    let part = |name: &str, it: Option<i32>| match it {
        None | Some(ALL) => Ok(None),
        Some(it) => u8::try_from(it)
            .map(Some)
            .map_err(|_| invalid_value(format!("ICMP {name} ({it}) out of range"))),
    };
    let kind = IcmpKind {
        icmp_type: part("type", icmp_type)?,
        code: part("code", code)?,
    };
    if kind.icmp_type.is_none() && kind.code.is_some() {
        return Err(invalid_value("ICMP code specified, but type is all"));
    }
    Ok(kind)
}

/// `IpProtocol` as Amazon answers it.
pub fn protocol(traffic: Traffic) -> String {
    match traffic {
        Traffic::All => "-1".to_owned(),
        Traffic::Tcp(_) => "tcp".to_owned(),
        Traffic::Udp(_) => "udp".to_owned(),
        Traffic::Icmp(_) => "icmp".to_owned(),
        Traffic::Icmpv6(_) => "icmpv6".to_owned(),
        Traffic::Other(number) => number.to_string(),
    }
}

/// `FromPort` and `ToPort`, for protocols that have them.
pub fn port_range(traffic: Traffic) -> Option<(i32, i32)> {
    let part = |it: Option<u8>| it.map_or(ALL, i32::from);
    match traffic {
        Traffic::All | Traffic::Other(_) => None,
        Traffic::Tcp(it) | Traffic::Udp(it) => Some((i32::from(it.first), i32::from(it.last))),
        Traffic::Icmp(it) | Traffic::Icmpv6(it) => Some((part(it.icmp_type), part(it.code))),
    }
}

/// As errors speak of it: `TCP, from port: 80, to port: 80`.
pub fn in_words(traffic: Traffic) -> String {
    let part = |it: Option<u8>| it.map_or_else(|| "ALL".to_owned(), |it| it.to_string());
    let ports = |name: &str, it: PortRange| format!("{name}, from port: {}, to port: {}", it.first, it.last);
    let kind =
        |name: &str, it: IcmpKind| format!("{name}, type: {}, code: {}", part(it.icmp_type), part(it.code));
    match traffic {
        Traffic::All => "ALL".to_owned(),
        Traffic::Tcp(it) => ports("TCP", it),
        Traffic::Udp(it) => ports("UDP", it),
        Traffic::Icmp(it) => kind("ICMP", it),
        Traffic::Icmpv6(it) => kind("ICMPv6", it),
        Traffic::Other(number) => format!("protocol: {number}"),
    }
}
