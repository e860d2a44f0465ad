//! Whether a route may lead where it is to lead.

use api::ec2;
use domain::Scope;
use domain::nat_gateway::{EgressOnlyInternetGateway, NatGateway};
use domain::network_interface::NetworkInterface;
use domain::route_table::{Destination, InternetGateway, Route, RouteTable, RouteTarget};
use domain::vpc::Subnet;
use domain::vpc_endpoint::{EndpointKind, VpcEndpoint};
use ipnet::IpNet;
use store::State;

use crate::handlers::ec2::prefix_lists::check_exists;
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::{invalid_value, refusal};

/// Checks that the target is there and of the network of the table, and that the destination suits it.
///
/// # Errors
/// NotFound of the kind of target, InvalidPrefixListID.NotFound, InvalidParameterValue.
pub fn check(state: &State, scope: &Scope, table: &RouteTable, route: &Route) -> Result<(), ec2::Error> {
    if let Destination::PrefixList(id) = &route.destination {
        check_exists(state, scope, id)?;
    }
    match &route.target {
        RouteTarget::InternetGateway(id) => internet_gateway(state, scope, table, id),
        RouteTarget::EgressOnlyInternetGateway(id) => egress_only(state, scope, table, route, id),
        RouteTarget::NatGateway(id) => nat_gateway(state, scope, table, route, id),
        RouteTarget::NetworkInterface(id) => network_interface(state, scope, table, id),
        RouteTarget::VpcEndpoint(id) => vpc_endpoint(state, scope, id),
    }
}

fn no_gateway(id: &str) -> ec2::Error {
    refusal(
        "InvalidGatewayID.NotFound",
        format!("The gateway ID '{id}' does not exist"),
    )
}

fn foreign(table: &RouteTable, noun: &str, id: &str) -> ec2::Error {
    invalid_value(format!(
        "route table {} and {noun} {id} belong to different networks",
        table.id
    ))
}

fn internet_gateway(state: &State, scope: &Scope, table: &RouteTable, id: &str) -> Result<(), ec2::Error> {
    let found = state.get::<InternetGateway>(&id.to_owned());
    let found = found.filter(|it| it.scope == *scope);
    match found.ok_or_else(|| no_gateway(id))?.vpc_id.as_ref() {
        Some(vpc_id) if *vpc_id == table.vpc_id => Ok(()),
        _ => Err(foreign(table, "network gateway", id)),
    }
}

fn egress_only(
    state: &State,
    scope: &Scope,
    table: &RouteTable,
    route: &Route,
    id: &str,
) -> Result<(), ec2::Error> {
    let found = state.get::<EgressOnlyInternetGateway>(&id.to_owned());
    let found = found.filter(|it| it.scope == *scope);
    let gateway = found.ok_or_else(|| no_gateway(id))?;
    if gateway.vpc_id != table.vpc_id {
        return Err(foreign(table, "network gateway", id));
    }
    match &route.destination {
        Destination::Range(IpNet::V4(range)) => Err(invalid_value(format!(
            "The destination CIDR block {range} is not an IPv6 CIDR block: an egress-only internet gateway is for IPv6 only"
        ))),
        Destination::Range(IpNet::V6(_)) | Destination::PrefixList(_) => Ok(()),
    }
}

fn nat_gateway(
    state: &State,
    scope: &Scope,
    table: &RouteTable,
    route: &Route,
    id: &str,
) -> Result<(), ec2::Error> {
    let found = state.get::<NatGateway>(&id.to_owned());
    let found = found.filter(|it| it.scope == *scope && it.is_available());
    let gateway = found.ok_or_else(|| {
        refusal(
            "InvalidNatGatewayID.NotFound",
            format!("The natGateway ID '{id}' does not exist"),
        )
    })?;
    if gateway.vpc_id != table.vpc_id {
        return Err(foreign(table, "NAT gateway", id));
    }
    match &route.destination {
        Destination::Range(IpNet::V6(range)) => Err(invalid_value(format!(
            "The destination CIDR block {range} cannot be routed to a NAT gateway: NAT64 is not supported by Gantry"
        ))),
        Destination::Range(IpNet::V4(_)) | Destination::PrefixList(_) => Ok(()),
    }
}

fn network_interface(state: &State, scope: &Scope, table: &RouteTable, id: &str) -> Result<(), ec2::Error> {
    let task = state.task_of_interface(id);
    let task = task.filter(|it| it.arn.scope() == *scope);
    let of_task = task.and_then(|it| state.get::<Subnet>(&it.eni.as_ref()?.subnet_id));
    let vpc_id = match of_task {
        Some(subnet) => subnet.vpc_id.clone(),
        None => require::<NetworkInterface>(state, scope, id)?.vpc_id.clone(),
    };
    match vpc_id == table.vpc_id {
        true => Ok(()),
        false => Err(foreign(table, "interface", id)),
    }
}

/// Gateway endpoints put their routes themselves, and interface endpoints need none: only those of Gateway Load
/// Balancers could be named, which Gantry does not have.
fn vpc_endpoint(state: &State, scope: &Scope, id: &str) -> Result<(), ec2::Error> {
    let endpoint = require::<VpcEndpoint>(state, scope, id)?;
    let kind = match endpoint.kind {
        EndpointKind::Gateway => "Gateway",
        EndpointKind::Interface(_) => "Interface",
    };
    Err(invalid_value(format!(
        "{} '{id}' is of type {kind}; a route can target only VPC endpoints of type GatewayLoadBalancer",
        VpcEndpoint::KIND.noun
    )))
}
