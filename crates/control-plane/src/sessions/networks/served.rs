//! From records to what a host is told of them.

use std::net::IpAddr;
use std::sync::Arc;

use domain::LoadBalancerArn;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::host::Host;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, LoadBalancerZone};
use domain::nat_gateway::{NatConnectivity, NatGateway};
use domain::network_acl::NetworkAcl;
use domain::prefix_list::PrefixList;
use domain::route_table::{Destination, InternetGateway, RouteTable, RouteTarget};
use domain::security_group::{Peer, SecurityGroup, SecurityGroupRule};
use domain::served_network::{
    Exit, Guard, InterfaceKey, ServedAcl, ServedGroup, ServedHost, ServedInterface, ServedPeer, ServedRoute,
    ServedRouteTable, ServedRule, ServedSubnet, ServedVpc, Way,
};
use domain::service_connect::ServiceConnectProxy;
use domain::task::Task;
use domain::vpc::{Subnet, Vpc};
use ipnet::{IpNet, Ipv4Net};
use store::State;

use super::news::eni;

/// A host as others find it; `None` if they cannot.
pub fn host(host: &Host) -> Option<ServedHost> {
    let address = host.address?;
    let number = Some(host.number).filter(|it| *it != 0)?;
    Some(ServedHost { number, address })
}

/// The number of a host, if it has one.
pub fn host_number(state: &State, id: &str) -> Option<u16> {
    let host = state.get::<Host>(&id.to_owned())?;
    Some(host.number).filter(|it| *it != 0)
}

/// The rules of a VPC.
pub fn vpc(state: &State, vpc: &Vpc) -> ServedVpc {
    let acls = state.network_acls(&vpc.scope).filter(|it| it.vpc_id == vpc.id);
    let acls: Vec<_> = acls.collect();
    let tables = state.route_tables(&vpc.scope).filter(|it| it.vpc_id == vpc.id);
    let tables: Vec<_> = tables.collect();
    let groups = state.security_groups(&vpc.scope).filter(|it| it.vpc_id == vpc.id);
    let subnets = state.subnets(&vpc.scope).filter(|it| it.vpc_id == vpc.id);
    let subnets = subnets.map(|subnet| {
        let obeys = |it: &&&Arc<NetworkAcl>| it.associations.iter().any(|it| it.subnet_id == subnet.id);
        let acl = acls
            .iter()
            .find(obeys)
            .or_else(|| acls.iter().find(|it| it.is_default));
        let table = table_of(tables.iter().copied(), &subnet.id);
        ServedSubnet {
            id: subnet.id.clone(),
            cidr: subnet.cidr,
            acl: acl.map(|it| it.id.clone()),
            route_table: table.map(|it| it.id.clone()),
        }
    });
    ServedVpc {
        id: vpc.id.clone(),
        vni: vpc.vni,
        groups: groups.map(|it| group(state, it)).collect(),
        subnets: subnets.collect(),
        acls: acls
            .iter()
            .map(|it| ServedAcl {
                id: it.id.clone(),
                entries: it.entries.clone(),
            })
            .collect(),
        route_tables: tables.iter().map(|it| route_table(state, it)).collect(),
    }
}

/// The interface of a task.
pub fn task(state: &State, task: &Task) -> Option<ServedInterface> {
    let eni = eni(task)?;
    let subnet = state.get::<Subnet>(&eni.subnet_id)?;
    Some(ServedInterface {
        key: InterfaceKey {
            vpc_id: subnet.vpc_id.clone(),
            address: eni.address,
        },
        subnet_id: eni.subnet_id.clone(),
        guard: Guard::Groups(eni.security_groups.clone()),
        exit: if eni.is_public {
            Exit::Public
        } else {
            Exit::Private
        },
        host: host_number(state, &task.host_id),
    })
}

/// The interfaces of a load balancer of any kind, which the host has that is `serving` it.
pub fn load_balancer(state: &State, arn: &LoadBalancerArn, serving: Option<&str>) -> Vec<ServedInterface> {
    let host = serving.and_then(|it| host_number(state, it));
    if let Some(it) = state.get::<ClassicLoadBalancer>(arn) {
        let guard = groups_or_default(state, &it.vpc_id, &it.security_groups);
        return interfaces(&it.vpc_id, &it.zones, &guard, host);
    }
    let Some(it) = state.get::<LoadBalancer>(arn) else {
        return Vec::new();
    };
    let guard = match it.kind {
        LoadBalancerKind::Network if it.security_groups.is_empty() => Guard::Nothing,
        LoadBalancerKind::Network | LoadBalancerKind::Application => {
            groups_or_default(state, &it.vpc_id, &it.security_groups)
        }
    };
    interfaces(&it.vpc_id, &it.zones, &guard, host)
}

/// The interface of a proxy of Service Connect.
pub fn proxy(state: &State, it: &ServiceConnectProxy) -> ServedInterface {
    ServedInterface {
        key: InterfaceKey {
            vpc_id: it.vpc_id.clone(),
            address: it.address,
        },
        subnet_id: it.subnet_id.clone(),
        guard: Guard::Proxy,
        exit: Exit::LoadBalancer,
        host: host_number(state, &it.host_id),
    }
}

fn groups_or_default(state: &State, vpc_id: &str, groups: &[String]) -> Guard {
    if !groups.is_empty() {
        return Guard::Groups(groups.to_vec());
    }
    let vpc = state.get::<Vpc>(&vpc_id.to_owned());
    Guard::Groups(
        vpc.map(|it| it.default_security_group.clone())
            .into_iter()
            .collect(),
    )
}

fn interfaces(
    vpc_id: &str,
    zones: &[LoadBalancerZone],
    guard: &Guard,
    host: Option<u16>,
) -> Vec<ServedInterface> {
    let addresses = zones.iter().flat_map(|zone| {
        let addresses = zone.addresses.iter();
        addresses.map(move |it| (&zone.subnet_id, *it))
    });
    let interfaces = addresses.filter_map(|(subnet_id, address)| {
        let IpAddr::V4(address) = address else { return None };
        Some(ServedInterface {
            key: InterfaceKey {
                vpc_id: vpc_id.to_owned(),
                address,
            },
            subnet_id: subnet_id.clone(),
            guard: guard.clone(),
            exit: Exit::LoadBalancer,
            host,
        })
    });
    interfaces.collect()
}

fn group(state: &State, group: &SecurityGroup) -> ServedGroup {
    ServedGroup {
        id: group.id.clone(),
        rules: group.rules.iter().filter_map(|it| rule(state, it)).collect(),
    }
}

/// `None` for rules about IPv6, which no interface has.
fn rule(state: &State, rule: &SecurityGroupRule) -> Option<ServedRule> {
    let peer = match &rule.peer {
        Peer::Ipv4(range) => ServedPeer::Ranges(vec![*range]),
        Peer::Ipv6(_) => return None,
        Peer::SecurityGroup(id) => ServedPeer::Group(id.clone()),
        Peer::PrefixList(id) => ServedPeer::Ranges(ranges(state, id)),
    };
    Some(ServedRule {
        direction: rule.direction,
        traffic: rule.traffic,
        peer,
    })
}

fn ranges(state: &State, prefix_list: &str) -> Vec<Ipv4Net> {
    let list = state.get::<PrefixList>(&prefix_list.to_owned());
    let entries = list.into_iter().flat_map(|it| it.entries());
    let ranges = entries.filter_map(|it| match it.range {
        IpNet::V4(range) => Some(range),
        IpNet::V6(_) => None,
    });
    ranges.collect()
}

fn route_table(state: &State, table: &RouteTable) -> ServedRouteTable {
    let routes = table.routes.iter().flat_map(|route| {
        let destinations = match &route.destination {
            Destination::Range(IpNet::V4(range)) => vec![*range],
            Destination::Range(IpNet::V6(_)) => Vec::new(),
            Destination::PrefixList(id) => ranges(state, id),
        };
        let way = way(state, &table.vpc_id, &route.target);
        let routes = destinations.into_iter();
        routes.map(move |destination| ServedRoute { destination, way })
    });
    ServedRouteTable {
        id: table.id.clone(),
        routes: routes.collect(),
    }
}

fn way(state: &State, vpc_id: &str, target: &RouteTarget) -> Way {
    match target {
        RouteTarget::InternetGateway(id) => {
            let gateway = state.get::<InternetGateway>(id);
            match gateway.is_some_and(|it| it.vpc_id.as_deref() == Some(vpc_id)) {
                true => Way::Internet,
                false => Way::Nowhere,
            }
        }
        RouteTarget::NatGateway(id) => match state.get::<NatGateway>(id) {
            Some(it) if leads_out(state, it) => Way::Nat,
            _ => Way::Nowhere,
        },
        // Of IPv6, or of what lies within the host.
        RouteTarget::EgressOnlyInternetGateway(_)
        | RouteTarget::NetworkInterface(_)
        | RouteTarget::VpcEndpoint(_) => Way::Nowhere,
    }
}

/// Whether a NAT gateway serves, and gets out itself: its own subnet has to lead to an internet gateway.
fn leads_out(state: &State, gateway: &NatGateway) -> bool {
    let is_public = matches!(gateway.connectivity, NatConnectivity::Public(_));
    if !is_public || !gateway.is_available() {
        return false;
    }
    let tables = state.route_tables(&gateway.scope);
    let tables = tables.filter(|it| it.vpc_id == gateway.vpc_id);
    let table = table_of(tables, &gateway.subnet_id);
    let mut targets = table.into_iter().flat_map(|it| &it.routes).map(|it| &it.target);
    targets.any(|it| {
        matches!(it, RouteTarget::InternetGateway(_)) && way(state, &gateway.vpc_id, it) == Way::Internet
    })
}

/// The route table of a subnet: its own, or the main one of its VPC.
fn table_of<'a>(
    tables: impl Iterator<Item = &'a Arc<RouteTable>>,
    subnet_id: &str,
) -> Option<&'a Arc<RouteTable>> {
    let mut main = None;
    for table in tables {
        let mut associations = table.associations.iter();
        if associations.any(|it| it.subnet_id.as_deref() == Some(subnet_id)) {
            return Some(table);
        }
        if table.is_main() {
            main = Some(table);
        }
    }
    main
}
