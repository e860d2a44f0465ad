//! How a network ACL is told and found.

use api::ec2;
use domain::network_acl::{AclAction, NetworkAcl, NetworkAclEntry};
use domain::network_traffic::{Direction, IcmpKind, PortRange, Traffic};
use ipnet::IpNet;

use crate::handlers::ec2::filters::Rule;
use crate::handlers::ec2::tags;

/// Number of the entry that all ACLs end with; it denies what no other speaks of.
const LAST_ENTRY: i32 = 32767;

fn of_entries(it: &ec2::NetworkAcl, value: fn(&ec2::NetworkAclEntry) -> Option<String>) -> Vec<String> {
    it.entries.iter().flatten().filter_map(value).collect()
}

fn of_associations(
    it: &ec2::NetworkAcl,
    value: fn(&ec2::NetworkAclAssociation) -> Option<String>,
) -> Vec<String> {
    it.associations.iter().flatten().filter_map(value).collect()
}

/// A protocol may be asked for by its name too.
fn protocols(it: &ec2::NetworkAcl) -> Vec<String> {
    let mut all = of_entries(it, |it| it.protocol.clone());
    let names = of_entries(it, |it| match it.protocol.as_deref()? {
        "1" => Some("icmp".to_owned()),
        "6" => Some("tcp".to_owned()),
        "17" => Some("udp".to_owned()),
        _ => None,
    });
    all.extend(names);
    all
}

/// Filters of DescribeNetworkAcls.
pub const RULES: [Rule<ec2::NetworkAcl>; 17] = [
    Rule {
        names: &["network-acl-id"],
        values: |it| it.network_acl_id.iter().cloned().collect(),
    },
    Rule {
        names: &["vpc-id"],
        values: |it| it.vpc_id.iter().cloned().collect(),
    },
    Rule {
        names: &["owner-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["default"],
        values: |it| it.is_default.iter().map(bool::to_string).collect(),
    },
    Rule {
        names: &["association.association-id"],
        values: |it| of_associations(it, |it| it.network_acl_association_id.clone()),
    },
    Rule {
        names: &["association.network-acl-id"],
        values: |it| of_associations(it, |it| it.network_acl_id.clone()),
    },
    Rule {
        names: &["association.subnet-id"],
        values: |it| of_associations(it, |it| it.subnet_id.clone()),
    },
    Rule {
        names: &["entry.cidr"],
        values: |it| of_entries(it, |it| it.cidr_block.clone()),
    },
    Rule {
        names: &["entry.ipv6-cidr"],
        values: |it| of_entries(it, |it| it.ipv6_cidr_block.clone()),
    },
    Rule {
        names: &["entry.egress"],
        values: |it| of_entries(it, |it| it.egress.map(|it| it.to_string())),
    },
    Rule {
        names: &["entry.icmp.type"],
        values: |it| of_entries(it, |it| Some(it.icmp_type_code.as_ref()?.r#type?.to_string())),
    },
    Rule {
        names: &["entry.icmp.code"],
        values: |it| of_entries(it, |it| Some(it.icmp_type_code.as_ref()?.code?.to_string())),
    },
    Rule {
        names: &["entry.port-range.from"],
        values: |it| of_entries(it, |it| Some(it.port_range.as_ref()?.from?.to_string())),
    },
    Rule {
        names: &["entry.port-range.to"],
        values: |it| of_entries(it, |it| Some(it.port_range.as_ref()?.to?.to_string())),
    },
    Rule {
        names: &["entry.protocol"],
        values: protocols,
    },
    Rule {
        names: &["entry.rule-action"],
        values: |it| of_entries(it, |it| Some(it.rule_action.as_ref()?.as_str().to_owned())),
    },
    Rule {
        names: &["entry.rule-number"],
        values: |it| of_entries(it, |it| it.rule_number.map(|it| it.to_string())),
    },
];

/// A network ACL as Amazon tells it: the entries of a direction in their order, and the last one that all have.
pub fn rendered(it: &NetworkAcl) -> ec2::NetworkAcl {
    let associations = it.associations.iter().map(|one| ec2::NetworkAclAssociation {
        network_acl_association_id: Some(one.id.clone()),
        network_acl_id: Some(it.id.clone()),
        subnet_id: Some(one.subnet_id.clone()),
    });
    let mut entries = of_direction(it, Direction::Egress);
    entries.extend(of_direction(it, Direction::Ingress));
    ec2::NetworkAcl {
        network_acl_id: Some(it.id.clone()),
        vpc_id: Some(it.vpc_id.clone()),
        owner_id: Some(it.scope.account.clone()),
        is_default: Some(it.is_default),
        associations: Some(associations.collect()),
        entries: Some(entries),
        tags: tags::render(&it.tags),
    }
}

fn of_direction(acl: &NetworkAcl, direction: Direction) -> Vec<ec2::NetworkAclEntry> {
    let mut entries: Vec<&NetworkAclEntry> = acl
        .entries
        .iter()
        .filter(|it| it.direction == direction)
        .collect();
    entries.sort_by_key(|it| it.number);
    let mut told: Vec<ec2::NetworkAclEntry> = entries.into_iter().map(entry).collect();
    told.push(ec2::NetworkAclEntry {
        rule_number: Some(LAST_ENTRY),
        egress: Some(direction == Direction::Egress),
        protocol: Some("-1".to_owned()),
        rule_action: Some(ec2::RuleAction::Deny),
        cidr_block: Some("0.0.0.0/0".to_owned()),
        ..ec2::NetworkAclEntry::default()
    });
    told
}

fn entry(it: &NetworkAclEntry) -> ec2::NetworkAclEntry {
    let (range, range6) = match it.range {
        IpNet::V4(range) => (Some(range.to_string()), None),
        IpNet::V6(range) => (None, Some(range.to_string())),
    };
    let (protocol, ports, icmp) = match it.traffic {
        Traffic::All => ("-1".to_owned(), None, None),
        Traffic::Tcp(ports) => ("6".to_owned(), Some(ports), None),
        Traffic::Udp(ports) => ("17".to_owned(), Some(ports), None),
        Traffic::Icmp(kind) => ("1".to_owned(), None, Some(kind)),
        Traffic::Icmpv6(kind) => ("58".to_owned(), None, Some(kind)),
        Traffic::Other(number) => (number.to_string(), None, None),
    };
    ec2::NetworkAclEntry {
        rule_number: Some(i32::from(it.number)),
        egress: Some(it.direction == Direction::Egress),
        protocol: Some(protocol),
        rule_action: Some(match it.action {
            AclAction::Allow => ec2::RuleAction::Allow,
            AclAction::Deny => ec2::RuleAction::Deny,
        }),
        cidr_block: range,
        ipv6_cidr_block: range6,
        port_range: ports.map(port_range),
        icmp_type_code: icmp.map(type_code),
    }
}

fn port_range(it: PortRange) -> ec2::PortRange {
    ec2::PortRange {
        from: Some(i32::from(it.first)),
        to: Some(i32::from(it.last)),
    }
}

/// All types, or all codes, are -1.
fn type_code(it: IcmpKind) -> ec2::IcmpTypeCode {
    ec2::IcmpTypeCode {
        r#type: Some(it.icmp_type.map_or(-1, i32::from)),
        code: Some(it.code.map_or(-1, i32::from)),
    }
}
