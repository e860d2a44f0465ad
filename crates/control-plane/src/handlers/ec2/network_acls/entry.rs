//! An entry of a network ACL as the operations on entries say it.

use api::ec2;
use domain::network_acl::{AclAction, NetworkAclEntry};
use domain::network_traffic::{Direction, IcmpKind, PortRange, Traffic};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::handlers::ec2::{invalid_value, missing, refusal};

/// Numbers that entries may have; the one after them is that of the last entry.
const NUMBERS: std::ops::RangeInclusive<i32> = 1..=32766;

/// Members that the operations share.
pub struct Members<'a> {
    number: i32,
    egress: bool,
    protocol: &'a str,
    action: &'a ec2::RuleAction,
    range: Option<&'a str>,
    range6: Option<&'a str>,
    ports: Option<&'a ec2::PortRange>,
    icmp: Option<&'a ec2::IcmpTypeCode>,
}

impl<'a> From<&'a ec2::CreateNetworkAclEntryInput> for Members<'a> {
    fn from(it: &'a ec2::CreateNetworkAclEntryInput) -> Self {
        Self {
            number: it.rule_number,
            egress: it.egress,
            protocol: &it.protocol,
            action: &it.rule_action,
            range: it.cidr_block.as_deref(),
            range6: it.ipv6_cidr_block.as_deref(),
            ports: it.port_range.as_ref(),
            icmp: it.icmp_type_code.as_ref(),
        }
    }
}

impl<'a> From<&'a ec2::ReplaceNetworkAclEntryInput> for Members<'a> {
    fn from(it: &'a ec2::ReplaceNetworkAclEntryInput) -> Self {
        Self {
            number: it.rule_number,
            egress: it.egress,
            protocol: &it.protocol,
            action: &it.rule_action,
            range: it.cidr_block.as_deref(),
            range6: it.ipv6_cidr_block.as_deref(),
            ports: it.port_range.as_ref(),
            icmp: it.icmp_type_code.as_ref(),
        }
    }
}

/// Reads an entry. Bits of the range below its prefix are cleared, as Amazon does.
///
/// # Errors
/// InvalidParameterValue, InvalidParameterCombination, MissingParameter.
pub fn entry(members: &Members<'_>) -> Result<NetworkAclEntry, ec2::Error> {
    let action = match members.action {
        ec2::RuleAction::Allow => AclAction::Allow,
        ec2::RuleAction::Deny => AclAction::Deny,
        ec2::RuleAction::Unmodelled(other) => {
            return Err(invalid_value(format!(
                "Value ({other}) for parameter ruleAction is invalid."
            )));
        }
    };
    Ok(NetworkAclEntry {
        number: number(members.number)?,
        direction: direction(members.egress),
        traffic: traffic(members)?,
        range: range(members)?,
        action,
    })
}

/// The number of an entry.
///
/// # Errors
/// InvalidParameterValue.
pub fn number(given: i32) -> Result<u16, ec2::Error> {
    let valid = u16::try_from(given).ok().filter(|_| NUMBERS.contains(&given));
    valid.ok_or_else(|| {
        invalid_value(format!(
            "Value ({given}) for parameter ruleNumber is invalid. Must be between {} and {}.",
            NUMBERS.start(),
            NUMBERS.end()
        ))
    })
}

/// `Egress`
pub fn direction(egress: bool) -> Direction {
    match egress {
        true => Direction::Egress,
        false => Direction::Ingress,
    }
}

fn range(members: &Members<'_>) -> Result<IpNet, ec2::Error> {
    let invalid = |text: &str| {
        invalid_value(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    };
    match (members.range, members.range6) {
        (Some(text), None) => {
            let range: Ipv4Net = text.parse().map_err(|_| invalid(text))?;
            Ok(IpNet::V4(range.trunc()))
        }
        (None, Some(text)) => {
            let range: Ipv6Net = text.parse().map_err(|_| invalid(text))?;
            Ok(IpNet::V6(range.trunc()))
        }
        (None, None) => Err(missing("cidrBlock")),
        (Some(_), Some(_)) => Err(refusal(
            "InvalidParameterCombination",
            "The parameter cidrBlock cannot be used with the parameter ipv6CidrBlock",
        )),
    }
}

/// Ports matter to TCP and UDP, types and codes to ICMP; elsewhere they are left aside, as on Amazon.
fn traffic(members: &Members<'_>) -> Result<Traffic, ec2::Error> {
    let number = match members.protocol {
        "-1" | "all" => return Ok(Traffic::All),
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        "icmpv6" => 58,
        text => text.parse::<u8>().map_err(|_| {
            invalid_value(format!(
                "Invalid value '{text}' for IP protocol. Unknown protocol."
            ))
        })?,
    };
    match number {
        6 => Ok(Traffic::Tcp(ports(members.ports)?)),
        17 => Ok(Traffic::Udp(ports(members.ports)?)),
        1 => Ok(Traffic::Icmp(icmp(members.icmp)?)),
        58 => Ok(Traffic::Icmpv6(icmp(members.icmp)?)),
        other => Ok(Traffic::Other(other)),
    }
}

fn ports(given: Option<&ec2::PortRange>) -> Result<PortRange, ec2::Error> {
    let given = given.ok_or_else(|| missing("portRange"))?;
    let port = |value: Option<i32>, member: &str| {
        let value = value.ok_or_else(|| missing(member))?;
        u16::try_from(value).map_err(|_| {
            invalid_value(format!(
                "Value ({value}) for parameter {member} is invalid. Must be between 0 and 65535."
            ))
        })
    };
    let (first, last) = (
        port(given.from, "portRange.from")?,
        port(given.to, "portRange.to")?,
    );
    if first > last {
        return Err(invalid_value(format!(
            "Invalid TCP/UDP port range ({first}:{last})"
        )));
    }
    Ok(PortRange { first, last })
}

fn icmp(given: Option<&ec2::IcmpTypeCode>) -> Result<IcmpKind, ec2::Error> {
    let given = given.ok_or_else(|| missing("icmpTypeCode"))?;
    let one = |value: Option<i32>, member: &str| match value {
        None | Some(-1) => Ok(None),
        Some(value) => u8::try_from(value).map(Some).map_err(|_| {
            invalid_value(format!(
                "Value ({value}) for parameter {member} is invalid. Must be between -1 and 255."
            ))
        }),
    };
    Ok(IcmpKind {
        icmp_type: one(given.r#type, "icmpTypeCode.type")?,
        code: one(given.code, "icmpTypeCode.code")?,
    })
}
