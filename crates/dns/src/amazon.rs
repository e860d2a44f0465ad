//! Names that each address of a VPC has without anybody giving it one: `ip-10-0-0-1.ec2.internal`, and back.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::rr::rdata::{A, PTR};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::answer::Reply;
use crate::names::{Vpc, start_of_authority};

/// They never change.
const TTL: u32 = 60;
/// How long it may be remembered that there is no such name.
const NEGATIVE_TTL: u32 = 60;

/// What a VPC answers of names of addresses; `None` if it is not one of those.
pub fn look_up(vpc: &Vpc, name: &Name, kind: RecordType) -> Option<Reply> {
    if vpc.internal.zone_of(name) {
        return Some(forward(vpc, name, kind));
    }
    let address = reverse(name).filter(|it| vpc.has(*it))?;
    if !matches!(kind, RecordType::PTR | RecordType::ANY) {
        return Some(Reply::nothing(start_of_authority(name, NEGATIVE_TTL)));
    }
    let text = format!("ip-{}", address.to_string().replace('.', "-"));
    let target = vpc.internal.prepend_label(text).ok()?;
    let record = Record::from_rdata(name.clone(), TTL, RData::PTR(PTR(target)));
    Some(Reply::of(vec![record]))
}

fn forward(vpc: &Vpc, name: &Name, kind: RecordType) -> Reply {
    let authority = start_of_authority(&vpc.internal, NEGATIVE_TTL);
    if *name == vpc.internal {
        return match kind {
            RecordType::SOA => Reply::of(vec![authority]),
            _ => Reply::nothing(authority),
        };
    }
    let Some(address) = address(vpc, name).filter(|it| vpc.has(*it)) else {
        return Reply::unknown(authority);
    };
    match kind {
        RecordType::A | RecordType::ANY => {
            Reply::of(vec![Record::from_rdata(name.clone(), TTL, RData::A(A(address)))])
        }
        _ => Reply::nothing(authority),
    }
}

/// The address that a name such as `ip-10-0-0-1.ec2.internal` names.
fn address(vpc: &Vpc, name: &Name) -> Option<Ipv4Addr> {
    if name.num_labels() != vpc.internal.num_labels() + 1 {
        return None;
    }
    let label = std::str::from_utf8(name.iter().next()?)
        .ok()?
        .to_ascii_lowercase();
    label.strip_prefix("ip-")?.replace('-', ".").parse().ok()
}

/// The address that a name such as `1.0.0.10.in-addr.arpa` is for.
fn reverse(name: &Name) -> Option<Ipv4Addr> {
    let network = match name.num_labels() {
        6 => name.parse_arpa_name().ok()?,
        _ => return None,
    };
    match (network.addr(), network.prefix_len()) {
        (IpAddr::V4(address), 32) => Some(address),
        _ => None,
    }
}
