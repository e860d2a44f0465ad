//! What depends on a VPC, a subnet, a gateway; and what goes away with a VPC or a subnet.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use domain::dhcp_options::DhcpOptions;
use domain::elastic_address::{AddressHolder, ElasticAddress};
use domain::nat_gateway::{EgressOnlyInternetGateway, NatGateway};
use domain::network_acl::NetworkAcl;
use domain::network_interface::NetworkInterface;
use domain::route_table::{InternetGateway, RouteTable, RouteTarget};
use domain::security_group::SecurityGroup;
use domain::service_connect::ServiceConnectProxy;
use domain::vpc::{Subnet, Vpc};
use domain::vpc_endpoint::VpcEndpoint;
use store::{State, Tx};

use crate::transitions::service_connect::leave_subnet;

/// Ids of what must be deleted before a subnet can be: whatever has a network interface there.
pub fn subnet_dependents(state: &State, subnet: &Subnet) -> Vec<String> {
    let own = state.network_interfaces(&subnet.scope);
    let own = own.filter(|it| it.subnet_id == subnet.id).map(|it| it.id.clone());
    let tasks = state.tasks_in_subnet(&subnet.id).map(ToString::to_string);
    let mut found: Vec<String> = own.chain(tasks).collect();
    // Load balancers and mount targets have nothing but addresses. Proxies of Service Connect go elsewhere.
    if found.is_empty() {
        let addresses = state.addresses_in_use(&subnet.id);
        let proxies = state.all::<ServiceConnectProxy>();
        let proxies = proxies.filter(|it| it.subnet_id == subnet.id);
        let proxies: BTreeSet<Ipv4Addr> = proxies.map(|it| it.address).collect();
        let others = addresses.iter().filter(|it| !proxies.contains(it));
        found.extend(others.map(ToString::to_string));
    }
    found
}

/// Ids of what must be deleted or detached before a VPC can be deleted. What came with it does not count.
pub fn vpc_dependents(state: &State, vpc: &Vpc) -> Vec<String> {
    let scope = &vpc.scope;
    let subnets = state.subnets(scope);
    let mut found: Vec<String> = subnets
        .filter(|it| it.vpc_id == vpc.id)
        .map(|it| it.id.clone())
        .collect();
    let gateways = state.internet_gateways(scope);
    let gateways = gateways.filter(|it| it.vpc_id.as_ref() == Some(&vpc.id));
    found.extend(gateways.map(|it| it.id.clone()));
    let gateways = state.egress_only_internet_gateways(scope);
    found.extend(gateways.filter(|it| it.vpc_id == vpc.id).map(|it| it.id.clone()));
    let endpoints = state.vpc_endpoints(scope);
    found.extend(endpoints.filter(|it| it.vpc_id == vpc.id).map(|it| it.id.clone()));
    let tables = state.route_tables(scope);
    let tables = tables.filter(|it| it.vpc_id == vpc.id && !it.is_main());
    found.extend(tables.map(|it| it.id.clone()));
    let acls = state.network_acls(scope);
    let acls = acls.filter(|it| it.vpc_id == vpc.id && !it.is_default);
    found.extend(acls.map(|it| it.id.clone()));
    let groups = state.security_groups(scope);
    let groups = groups.filter(|it| it.vpc_id == vpc.id && it.id != vpc.default_security_group);
    found.extend(groups.map(|it| it.id.clone()));
    found
}

/// Deletes a subnet that nothing depends on, with what it has in its VPC: its associations with a route table and a
/// network ACL.
pub fn delete_subnet(tx: &mut Tx<'_>, subnet: &Subnet) {
    forget_subnet(tx, subnet);
    tx.delete::<Subnet>(&subnet.id);
    leave_subnet(tx, &subnet.id);
}

fn forget_subnet(tx: &mut Tx<'_>, subnet: &Subnet) {
    let is_its = |id: &Option<String>| id.as_ref() == Some(&subnet.id);
    let tables = tx.state().route_tables(&subnet.scope);
    let tables = tables.filter(|it| it.associations.iter().any(|it| is_its(&it.subnet_id)));
    for table in tables.cloned().collect::<Vec<_>>() {
        let mut table = RouteTable::clone(&table);
        table.associations.retain(|it| !is_its(&it.subnet_id));
        tx.put(table);
    }
    let acls = tx.state().network_acls(&subnet.scope);
    let acls = acls.filter(|it| it.associations.iter().any(|it| it.subnet_id == subnet.id));
    for acl in acls.cloned().collect::<Vec<_>>() {
        let mut acl = NetworkAcl::clone(&acl);
        acl.associations.retain(|it| it.subnet_id != subnet.id);
        tx.put(acl);
    }
}

/// Takes away what came with a VPC: its default security group and network ACL, its main route table; it no longer
/// uses a set of DHCP options.
pub fn forget_vpc(tx: &mut Tx<'_>, vpc: &Vpc) {
    tx.delete::<SecurityGroup>(&vpc.default_security_group);
    let acls = tx.state().network_acls(&vpc.scope);
    let acls = acls.filter(|it| it.vpc_id == vpc.id).map(|it| it.id.clone());
    for id in acls.collect::<Vec<_>>() {
        tx.delete::<NetworkAcl>(&id);
    }
    let tables = tx.state().route_tables(&vpc.scope);
    let tables = tables.filter(|it| it.vpc_id == vpc.id).map(|it| it.id.clone());
    for id in tables.collect::<Vec<_>>() {
        tx.delete::<RouteTable>(&id);
    }
    use_dhcp_options(tx, vpc, None);
}

/// Has a VPC use a set of DHCP options, or none of its own.
pub fn use_dhcp_options(tx: &mut Tx<'_>, vpc: &Vpc, wanted: Option<&DhcpOptions>) {
    let all = tx.state().dhcp_options(&vpc.scope).cloned().collect::<Vec<_>>();
    for options in all {
        let is_used = options.vpc_ids.contains(&vpc.id);
        let is_wanted = wanted.is_some_and(|it| it.id == options.id);
        if is_used == is_wanted {
            continue;
        }
        let mut options = DhcpOptions::clone(&options);
        match is_wanted {
            true => options.vpc_ids.push(vpc.id.clone()),
            false => options.vpc_ids.retain(|it| *it != vpc.id),
        }
        tx.put(options);
    }
}

/// Takes the elastic addresses of a network interface's private addresses that are gone.
pub fn free_elastic_addresses(tx: &mut Tx<'_>, interface_id: &str, is_gone: impl Fn(Ipv4Addr) -> bool) {
    let its = tx.state().elastic_addresses_of(interface_id);
    let freed = its.filter(|it| {
        let association = it.association.as_ref();
        association.is_some_and(|it| is_gone(it.private_address))
    });
    for elastic in freed.cloned().collect::<Vec<_>>() {
        let mut elastic = ElasticAddress::clone(&elastic);
        elastic.association = None;
        tx.put(elastic);
    }
}

/// Whether a route leads somewhere: its target is there, and has to do with the VPC of the route table.
pub fn is_reachable(state: &State, vpc_id: &str, target: &RouteTarget) -> bool {
    match target {
        RouteTarget::InternetGateway(id) => {
            let gateway = state.get::<InternetGateway>(id);
            gateway.is_some_and(|it| it.vpc_id.as_deref() == Some(vpc_id))
        }
        RouteTarget::EgressOnlyInternetGateway(id) => state.get::<EgressOnlyInternetGateway>(id).is_some(),
        RouteTarget::NatGateway(id) => state.get::<NatGateway>(id).is_some_and(|it| it.is_available()),
        RouteTarget::NetworkInterface(id) => {
            state.get::<NetworkInterface>(id).is_some() || state.task_of_interface(id).is_some()
        }
        RouteTarget::VpcEndpoint(id) => state.get::<VpcEndpoint>(id).is_some(),
    }
}

/// VPC of whoever has an elastic address, if somebody does.
pub fn vpc_of_address(state: &State, address: &ElasticAddress) -> Option<String> {
    match &address.association.as_ref()?.holder {
        AddressHolder::NatGateway(id) => state.get::<NatGateway>(id).map(|it| it.vpc_id.clone()),
        AddressHolder::NetworkInterface(id) => match state.get::<NetworkInterface>(id) {
            Some(interface) => Some(interface.vpc_id.clone()),
            None => {
                let eni = state.task_of_interface(id)?.eni.as_ref()?;
                Some(state.get::<Subnet>(&eni.subnet_id)?.vpc_id.clone())
            }
        },
    }
}
