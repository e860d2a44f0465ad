//! The VPC that every account has in every region.

use std::sync::Arc;

use domain::Scope;
use domain::route_table::{Destination, InternetGateway, Route, RouteTable, RouteTarget};
use domain::security_group::SecurityGroup;
use domain::vpc::{Cidr, Subnet, Vpc};
use store::Tx;

use super::networks::{EVERYWHERE, ensure_default_dhcp_options, furnish_vpc, obey_default_acl};

/// Zones that get a subnet.
const ZONES: [&str; 3] = ["a", "b", "c"];
/// Bits that a subnet's prefix is longer than its VPC's, as in Amazon's default VPC.
const SUBNET_BITS: u8 = 4;
/// Longest prefix of a subnet.
const SUBNET_PREFIX_MAX: u8 = 28;

/// Makes the default VPC if there is none; one that is there keeps its range. Its default subnets come first, by zone.
pub fn ensure_default_network(tx: &mut Tx<'_>, scope: &Scope, cidr: Cidr) -> (Arc<Vpc>, Vec<Arc<Subnet>>) {
    let found = tx.state().vpcs(scope).find(|it| it.is_default).cloned();
    let vpc = match found.or_else(|| adopt(tx, scope)) {
        Some(vpc) => vpc,
        None => create(tx, scope, cidr),
    };
    ensure_default_dhcp_options(tx, scope);
    let subnets = tx.state().subnets(scope).filter(|it| it.vpc_id == vpc.id);
    let mut subnets: Vec<Arc<Subnet>> = subnets.cloned().collect();
    subnets.sort_by_key(|it| (!it.is_default, it.availability_zone.clone(), it.id.clone()));
    (vpc, subnets)
}

/// Makes the default VPC of a time when there was only one, and nothing in it but subnets, like one of today.
fn adopt(tx: &mut Tx<'_>, scope: &Scope) -> Option<Arc<Vpc>> {
    let state = tx.state();
    let is_bare = |it: &&Arc<Vpc>| state.get::<SecurityGroup>(&it.default_security_group).is_none();
    let bare = state.vpcs(scope).find(is_bare).cloned()?;
    let vpc = Vpc {
        is_default: true,
        has_dns_hostnames: true,
        ..Vpc::clone(&bare)
    };
    let vpc = furnish_vpc(tx, &vpc);
    lead_out(tx, &vpc);
    let subnets = tx.state().subnets(scope).filter(|it| it.vpc_id == vpc.id);
    for subnet in subnets.cloned().collect::<Vec<_>>() {
        let subnet = tx.put(Subnet {
            is_default: true,
            maps_public_ip_on_launch: true,
            ..Subnet::clone(&subnet)
        });
        obey_default_acl(tx, &subnet);
    }
    Some(vpc)
}

fn create(tx: &mut Tx<'_>, scope: &Scope, cidr: Cidr) -> Arc<Vpc> {
    let ids = tx.ids();
    let vpc = Vpc {
        is_default: true,
        has_dns_hostnames: true,
        ..Vpc::new(ids.ec2("vpc"), scope.clone(), cidr, ids.ec2("sg"))
    };
    let vpc = furnish_vpc(tx, &vpc);
    lead_out(tx, &vpc);
    let prefix = (cidr.prefix + SUBNET_BITS).min(SUBNET_PREFIX_MAX);
    for (zone, cidr) in ZONES.iter().zip(cidr.split(prefix)) {
        let subnet = Subnet {
            id: tx.ids().ec2("subnet"),
            scope: scope.clone(),
            vpc_id: vpc.id.clone(),
            cidr,
            availability_zone: format!("{}{zone}", scope.region),
            is_default: true,
            maps_public_ip_on_launch: true,
            tags: Vec::new(),
        };
        let subnet = tx.put(subnet);
        obey_default_acl(tx, &subnet);
    }
    vpc
}

/// Gives a VPC an internet gateway, and its main route table the way to it.
fn lead_out(tx: &mut Tx<'_>, vpc: &Vpc) {
    let gateway = tx.put(InternetGateway {
        id: tx.ids().ec2("igw"),
        scope: vpc.scope.clone(),
        vpc_id: Some(vpc.id.clone()),
        tags: Vec::new(),
    });
    let main = tx.state().route_tables(&vpc.scope);
    let main = main
        .filter(|it| it.vpc_id == vpc.id)
        .find(|it| it.is_main())
        .cloned();
    if let Some(main) = main {
        let mut main = RouteTable::clone(&main);
        main.routes.push(Route {
            destination: Destination::Range(EVERYWHERE),
            target: RouteTarget::InternetGateway(gateway.id.clone()),
        });
        tx.put(main);
    }
}

#[cfg(test)]
mod tests;
