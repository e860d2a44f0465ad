//! What hosts are told of VPCs, for tests: 172.31.0.0/24 in four subnets, and whatever rules.

use std::net::Ipv4Addr;

use domain::network_acl::{AclAction, NetworkAclEntry};
use domain::network_traffic::{Direction, PortRange, Traffic};
use domain::served_network::{
    Exit, Guard, InterfaceKey, NetworksMessage, ServedAcl, ServedGroup, ServedInterface, ServedPeer,
    ServedRoute, ServedRouteTable, ServedRule, ServedSubnet, ServedVpc, Way,
};
use domain::vpc::Cidr;
use ipnet::Ipv4Net;

/// All of IPv4.
pub(in crate::network) const EVERYWHERE: &str = "0.0.0.0/0";

/// A VPC with the groups, whose subnets .0/26 and .64/26 lead to an internet gateway, .128/26 nowhere and .192/26 to a
/// NAT gateway.
pub(in crate::network) fn vpc(id: &str, groups: Vec<ServedGroup>) -> ServedVpc {
    let ways = [
        ("rtb-public", Some(Way::Internet)),
        ("rtb-none", None),
        ("rtb-nat", Some(Way::Nat)),
    ];
    let route_tables = ways.map(|(id, way)| ServedRouteTable {
        id: id.to_owned(),
        routes: way.map(route).into_iter().collect(),
    });
    let tables = ["rtb-public", "rtb-public", "rtb-none", "rtb-nat"];
    let subnets = tables
        .into_iter()
        .zip(0_u8..)
        .map(|(table, number)| ServedSubnet {
            id: format!("subnet-{number}"),
            cidr: Cidr {
                network: Ipv4Addr::new(172, 31, 0, number * 64),
                prefix: 26,
            },
            acl: Some("acl-1".to_owned()),
            route_table: Some(table.to_owned()),
        });
    ServedVpc {
        id: id.to_owned(),
        vni: 0,
        groups,
        acls: vec![acl(&[
            (100, Direction::Ingress, Traffic::All),
            (100, Direction::Egress, Traffic::All),
        ])],
        route_tables: route_tables.to_vec(),
        subnets: subnets.collect(),
    }
}

fn route(way: Way) -> ServedRoute {
    ServedRoute {
        destination: net(EVERYWHERE),
        way,
    }
}

/// An ACL that allows these, to and from everywhere.
pub(in crate::network) fn acl(allowed: &[(u16, Direction, Traffic)]) -> ServedAcl {
    let entries = allowed
        .iter()
        .map(|(number, direction, traffic)| NetworkAclEntry {
            number: *number,
            direction: *direction,
            traffic: *traffic,
            range: net(EVERYWHERE).into(),
            action: AclAction::Allow,
        });
    ServedAcl {
        id: "acl-1".to_owned(),
        entries: entries.collect(),
    }
}

pub(in crate::network) fn group(id: &str, rules: &[ServedRule]) -> ServedGroup {
    ServedGroup {
        id: id.to_owned(),
        rules: rules.to_vec(),
    }
}

/// Lets out what goes to everywhere.
pub(in crate::network) fn all_out() -> ServedRule {
    rule(Direction::Egress, Traffic::All, from_range(EVERYWHERE))
}

pub(in crate::network) fn allow_in(traffic: Traffic, peer: ServedPeer) -> ServedRule {
    rule(Direction::Ingress, traffic, peer)
}

pub(in crate::network) fn rule(direction: Direction, traffic: Traffic, peer: ServedPeer) -> ServedRule {
    ServedRule {
        direction,
        traffic,
        peer,
    }
}

pub(in crate::network) fn from_range(range: &str) -> ServedPeer {
    ServedPeer::Ranges(vec![net(range)])
}

pub(in crate::network) fn from_group(group: &str) -> ServedPeer {
    ServedPeer::Group(group.to_owned())
}

pub(in crate::network) fn tcp_port(port: u16) -> Traffic {
    Traffic::Tcp(PortRange {
        first: port,
        last: port,
    })
}

/// The interface of that last byte, in these groups.
pub(in crate::network) fn interface(vpc_id: &str, last: u8, groups: &[&str]) -> ServedInterface {
    ServedInterface {
        key: InterfaceKey {
            vpc_id: vpc_id.to_owned(),
            address: Ipv4Addr::new(172, 31, 0, last),
        },
        subnet_id: format!("subnet-{}", last / 64),
        guard: Guard::Groups(groups.iter().map(|it| (*it).to_owned()).collect()),
        exit: Exit::Private,
        host: None,
    }
}

/// One message with all of this.
pub(in crate::network) fn whole(vpcs: Vec<ServedVpc>, interfaces: Vec<ServedInterface>) -> NetworksMessage {
    NetworksMessage {
        is_whole: true,
        vpcs,
        interfaces,
        ..NetworksMessage::default()
    }
}

/// A message that one VPC has changed.
pub(in crate::network) fn changed(vpc: ServedVpc) -> NetworksMessage {
    NetworksMessage {
        vpcs: vec![vpc],
        ..NetworksMessage::default()
    }
}

/// Two VPCs in which everybody reaches everybody.
pub(in crate::network) fn open_to_all(exit: Exit) -> NetworksMessage {
    let rules = [all_out(), allow_in(Traffic::All, from_range(EVERYWHERE))];
    let open = || vec![group("sg-open", &rules)];
    let mut interfaces = Vec::new();
    for vpc_id in ["vpc-1", "vpc-2"] {
        let all = (2..=254).map(|last| ServedInterface {
            exit,
            subnet_id: "subnet-0".to_owned(),
            ..interface(vpc_id, last, &["sg-open"])
        });
        interfaces.extend(all);
    }
    let mut far = interfaces[3].clone();
    far.key.vpc_id = "vpc-2".to_owned();
    far.key.address = Ipv4Addr::new(172, 30, 0, 5);
    interfaces.push(far);
    whole(vec![vpc("vpc-1", open()), vpc("vpc-2", open())], interfaces)
}

fn net(range: &str) -> Ipv4Net {
    range.parse().unwrap()
}
