//! Routes: CreateRoute, ReplaceRoute, DeleteRoute, and how a table's routes are told.

use api::ec2;
use domain::Scope;
use domain::route_table::{Destination, Route, RouteTable, RouteTarget};
use domain::vpc::{Subnet, Vpc};
use ipnet::{IpNet, Ipv4Net};
use orchestrator::transitions::is_reachable;
use store::{State, Tx};

use super::resources::require;
use super::{check_dry_run, from_store, invalid_value, refusal};
use crate::call::Call;

mod targets;
mod wanted;

use wanted::{Members, destination, target};

/// Most routes of a table, beside the local ones.
const ROUTES_MAX: usize = 500;

/// `CreateRoute`.
///
/// # Errors
/// InvalidRouteTableID.NotFound, RouteAlreadyExists, RouteLimitExceeded, what is said of a target that is not there,
/// InvalidParameterValue, InvalidParameterCombination, MissingParameter, UnsupportedOperation, DryRunOperation.
pub async fn create_route(call: Call<ec2::CreateRoute>) -> Result<ec2::CreateRouteOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let members = Members::from(&input);
    let route = Route {
        destination: destination(&members)?,
        target: target(&members)?,
    };
    check_dry_run(input.dry_run)?;
    let done = call.access().store().transact(move |tx| {
        let table = require::<RouteTable>(tx.state(), &scope, &input.route_table_id)?;
        check(tx.state(), &scope, &table, &route)?;
        if table.routes.iter().any(|it| it.destination == route.destination) {
            return Err(already_exists(&route.destination));
        }
        if table.routes.len() >= ROUTES_MAX {
            return Err(refusal(
                "RouteLimitExceeded",
                format!("The maximum number of routes in a table ({ROUTES_MAX}) has been reached."),
            ));
        }
        let mut table = RouteTable::clone(&table);
        table.routes.push(route);
        tx.put(table);
        Ok(())
    });
    done.await.map_err(from_store)?;
    Ok(ec2::CreateRouteOutput { r#return: Some(true) })
}

/// `ReplaceRoute`: another target for the same destination.
///
/// # Errors
/// InvalidRouteTableID.NotFound, InvalidParameterValue, what is said of a target that is not there,
/// InvalidParameterCombination, MissingParameter, UnsupportedOperation, DryRunOperation.
pub async fn replace_route(call: Call<ec2::ReplaceRoute>) -> Result<ec2::ReplaceRouteOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let members = Members::from(&input);
    let destination = destination(&members)?;
    let target = match input.local_target {
        Some(true) => None,
        Some(false) | None => Some(target(&members)?),
    };
    check_dry_run(input.dry_run)?;
    let done = call.access().store().transact(move |tx| {
        let table = require::<RouteTable>(tx.state(), &scope, &input.route_table_id)?;
        let is_local = is_local(tx.state(), &table, &destination);
        let Some(target) = target else {
            // A local route always leads to the VPC here.
            return match is_local {
                true => Ok(()),
                false => Err(invalid_value(format!(
                    "{} is not a local route",
                    text(&destination)
                ))),
            };
        };
        if is_local {
            return Err(refusal(
                "UnsupportedOperation",
                "Another target for the local route is not supported by Gantry yet.",
            ));
        }
        let route = Route { destination, target };
        check(tx.state(), &scope, &table, &route)?;
        replace(tx, &table, route)
    });
    done.await.map_err(from_store)?;
    Ok(ec2::ReplaceRouteOutput {})
}

fn replace(tx: &mut Tx<'_>, table: &RouteTable, route: Route) -> Result<(), ec2::Error> {
    let mut table = table.clone();
    let mut routes = table.routes.iter_mut();
    let found = routes.find(|it| it.destination == route.destination);
    let found = found.ok_or_else(|| {
        invalid_value(format!(
            "There is no route defined for '{}' in the route table. Use CreateRoute instead.",
            text(&route.destination)
        ))
    })?;
    check_unmanaged(&table.id, found)?;
    *found = route;
    tx.put(table);
    Ok(())
}

/// `DeleteRoute`.
///
/// # Errors
/// InvalidRouteTableID.NotFound, InvalidRoute.NotFound, InvalidParameterValue for a local route and for that of an
/// endpoint, InvalidParameterCombination, MissingParameter, DryRunOperation.
pub async fn delete_route(call: Call<ec2::DeleteRoute>) -> Result<ec2::DeleteRouteOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let destination = destination(&Members::from(&input))?;
    check_dry_run(input.dry_run)?;
    let done = call.access().store().transact(move |tx| {
        let table = require::<RouteTable>(tx.state(), &scope, &input.route_table_id)?;
        let of = text(&destination);
        let Some(route) = table.routes.iter().find(|it| it.destination == destination) else {
            if is_local(tx.state(), &table, &destination) {
                return Err(invalid_value(format!(
                    "cannot remove local route {of} in route table {}",
                    table.id
                )));
            }
            return Err(refusal(
                "InvalidRoute.NotFound",
                format!(
                    "no route with {} {of} in route table {}",
                    kind(&destination),
                    table.id
                ),
            ));
        };
        check_unmanaged(&table.id, route)?;
        let mut table = RouteTable::clone(&table);
        table.routes.retain(|it| it.destination != destination);
        tx.put(table);
        Ok(())
    });
    done.await.map_err(from_store)?;
    Ok(ec2::DeleteRouteOutput {})
}

/// The routes of a gateway endpoint come and go with its association.
fn check_unmanaged(table_id: &str, route: &Route) -> Result<(), ec2::Error> {
    match (&route.destination, &route.target) {
        (Destination::PrefixList(_), RouteTarget::VpcEndpoint(id)) => Err(invalid_value(format!(
            "cannot modify VPC endpoint route {id} in route table {table_id}. Use ModifyVpcEndpoint instead."
        ))),
        _ => Ok(()),
    }
}

fn check(state: &State, scope: &Scope, table: &RouteTable, route: &Route) -> Result<(), ec2::Error> {
    if is_local(state, table, &route.destination) {
        return Err(already_exists(&route.destination));
    }
    if let Destination::Range(IpNet::V4(range)) = &route.destination
        && local_ranges(state, table).iter().any(|it| it.contains(range))
    {
        check_inner(state, table, *range, &route.target)?;
    }
    targets::check(state, scope, table, route)
}

/// A part of the VPC may be led elsewhere, if it is a whole subnet and not to the outside.
fn check_inner(
    state: &State,
    table: &RouteTable,
    range: Ipv4Net,
    target: &RouteTarget,
) -> Result<(), ec2::Error> {
    let is_inside = matches!(
        target,
        RouteTarget::NatGateway(_) | RouteTarget::NetworkInterface(_) | RouteTarget::VpcEndpoint(_)
    );
    if !is_inside {
        return Err(invalid_value(format!(
            "The destination CIDR block {range} is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance."
        )));
    }
    let mut subnets = state.subnets(&table.scope).filter(|it| it.vpc_id == table.vpc_id);
    match subnets.any(|it: &std::sync::Arc<Subnet>| it.cidr.to_string() == range.to_string()) {
        true => Ok(()),
        false => Err(invalid_value(format!(
            "The destination CIDR block {range} must match the CIDR block of one of the VPC's subnets."
        ))),
    }
}

fn already_exists(destination: &Destination) -> ec2::Error {
    refusal(
        "RouteAlreadyExists",
        format!("The route identified by {} already exists.", text(destination)),
    )
}

fn is_local(state: &State, table: &RouteTable, destination: &Destination) -> bool {
    match destination {
        Destination::Range(IpNet::V4(range)) => local_ranges(state, table).contains(range),
        Destination::Range(IpNet::V6(_)) | Destination::PrefixList(_) => false,
    }
}

/// What every table of a VPC knows how to reach.
fn local_ranges(state: &State, table: &RouteTable) -> Vec<Ipv4Net> {
    let vpc = state.get::<Vpc>(&table.vpc_id).into_iter();
    vpc.filter_map(|it| Ipv4Net::new(it.cidr.network, it.cidr.prefix).ok())
        .collect()
}

fn text(destination: &Destination) -> String {
    match destination {
        Destination::Range(range) => range.to_string(),
        Destination::PrefixList(id) => id.clone(),
    }
}

fn kind(destination: &Destination) -> &'static str {
    match destination {
        Destination::Range(IpNet::V4(_)) => "destination-cidr-block",
        Destination::Range(IpNet::V6(_)) => "destination-ipv6-cidr-block",
        Destination::PrefixList(_) => "destination-prefix-list-id",
    }
}

/// The routes of a table, the local ones first. One whose target is gone is a black hole.
pub(super) fn rendered(state: &State, table: &RouteTable) -> Vec<ec2::Route> {
    let local = local_ranges(state, table).into_iter().map(|it| ec2::Route {
        destination_cidr_block: Some(it.to_string()),
        gateway_id: Some("local".to_owned()),
        origin: Some(ec2::RouteOrigin::CreateRouteTable),
        state: Some(ec2::RouteState::Active),
        ..ec2::Route::default()
    });
    let own = table.routes.iter().map(|it| one(state, table, it));
    local.chain(own).collect()
}

fn one(state: &State, table: &RouteTable, it: &Route) -> ec2::Route {
    let mut told = ec2::Route {
        origin: Some(ec2::RouteOrigin::CreateRoute),
        state: Some(match is_reachable(state, &table.vpc_id, &it.target) {
            true => ec2::RouteState::Active,
            false => ec2::RouteState::Blackhole,
        }),
        ..ec2::Route::default()
    };
    match &it.destination {
        Destination::Range(range @ IpNet::V4(_)) => told.destination_cidr_block = Some(range.to_string()),
        Destination::Range(range @ IpNet::V6(_)) => {
            told.destination_ipv6_cidr_block = Some(range.to_string());
        }
        Destination::PrefixList(id) => told.destination_prefix_list_id = Some(id.clone()),
    }
    match &it.target {
        RouteTarget::InternetGateway(id) | RouteTarget::VpcEndpoint(id) => {
            told.gateway_id = Some(id.clone());
        }
        RouteTarget::EgressOnlyInternetGateway(id) => {
            told.egress_only_internet_gateway_id = Some(id.clone());
        }
        RouteTarget::NatGateway(id) => told.nat_gateway_id = Some(id.clone()),
        RouteTarget::NetworkInterface(id) => told.network_interface_id = Some(id.clone()),
    }
    told
}
