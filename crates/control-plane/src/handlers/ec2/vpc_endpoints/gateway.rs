//! Routes that a gateway endpoint has in route tables: to the prefix list of its service.

use api::ec2;
use domain::route_table::{Destination, Route, RouteTable, RouteTarget};
use domain::vpc::Vpc;
use domain::vpc_endpoint::VpcEndpoint;
use store::{State, Tx};

use super::invalid;
use crate::handlers::ec2::prefix_lists::AmazonList;
use crate::handlers::ec2::refusal;
use crate::handlers::ec2::resources::require;

/// Route tables with a route to an endpoint.
pub fn tables(state: &State, endpoint: &VpcEndpoint) -> Vec<String> {
    let target = RouteTarget::VpcEndpoint(endpoint.id.clone());
    let tables = state.route_tables(&endpoint.scope);
    let tables = tables.filter(|it| it.routes.iter().any(|it| it.target == target));
    tables.map(|it| it.id.clone()).collect()
}

/// Gives route tables of a VPC the route to an endpoint; one that has it keeps it.
///
/// # Errors
/// InvalidRouteTableID.NotFound, RouteAlreadyExists, InvalidParameter.
pub fn lead(
    tx: &mut Tx<'_>,
    vpc: &Vpc,
    endpoint_id: &str,
    service_name: &str,
    table_ids: &[String],
) -> Result<(), ec2::Error> {
    let list = AmazonList::of_service(&vpc.scope.region, service_name);
    let list = list.ok_or_else(|| invalid(format!("{service_name} has no prefix list to route to")))?;
    let route = Route {
        destination: Destination::PrefixList(list.id.to_owned()),
        target: RouteTarget::VpcEndpoint(endpoint_id.to_owned()),
    };
    for id in table_ids {
        let table = require::<RouteTable>(tx.state(), &vpc.scope, id)?;
        if table.vpc_id != vpc.id {
            return Err(invalid(format!(
                "route table {id} does not belong to vpc {}",
                vpc.id
            )));
        }
        match table.routes.iter().find(|it| it.destination == route.destination) {
            Some(there) if *there == route => continue,
            Some(_) => {
                return Err(refusal(
                    "RouteAlreadyExists",
                    format!(
                        "route table {id} already has a route with destination-prefix-list-id {}",
                        list.id
                    ),
                ));
            }
            None => {}
        }
        let mut table = RouteTable::clone(&table);
        table.routes.push(route.clone());
        tx.put(table);
    }
    Ok(())
}

/// Takes the route to an endpoint from a route table.
///
/// # Errors
/// InvalidRouteTableID.NotFound.
pub fn leave(tx: &mut Tx<'_>, endpoint: &VpcEndpoint, table_id: &str) -> Result<(), ec2::Error> {
    let table = require::<RouteTable>(tx.state(), &endpoint.scope, table_id)?;
    let target = RouteTarget::VpcEndpoint(endpoint.id.clone());
    let mut table = RouteTable::clone(&table);
    table.routes.retain(|it| it.target != target);
    tx.put(table);
    Ok(())
}

/// Takes the routes to an endpoint from all route tables.
pub fn leave_all(tx: &mut Tx<'_>, endpoint: &VpcEndpoint) {
    for id in tables(tx.state(), endpoint) {
        // It was found just now.
        let _ = leave(tx, endpoint, &id);
    }
}
