//! Route tables.

use api::ec2;
use domain::route_table::{RouteTable, RouteTableAssociation};
use domain::vpc::Vpc;
use store::State;

use super::client_tokens::{client_request, earlier};
use super::filters::Rule;
use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::{check_dry_run, from_store, refusal, routes, tags};
use crate::call::Call;

fn of_routes(it: &ec2::RouteTable, value: fn(&ec2::Route) -> Option<String>) -> Vec<String> {
    it.routes.iter().flatten().filter_map(value).collect()
}

fn of_associations(
    it: &ec2::RouteTable,
    value: fn(&ec2::RouteTableAssociation) -> Option<String>,
) -> Vec<String> {
    it.associations.iter().flatten().filter_map(value).collect()
}

/// Filters on what no route here leads to match nothing.
const RULES: [Rule<ec2::RouteTable>; 17] = [
    Rule {
        names: &["route-table-id"],
        values: |it| it.route_table_id.iter().cloned().collect(),
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
        names: &["association.route-table-association-id"],
        values: |it| of_associations(it, |it| it.route_table_association_id.clone()),
    },
    Rule {
        names: &["association.route-table-id"],
        values: |it| of_associations(it, |it| it.route_table_id.clone()),
    },
    Rule {
        names: &["association.subnet-id"],
        values: |it| of_associations(it, |it| it.subnet_id.clone()),
    },
    Rule {
        names: &["association.main"],
        values: |it| of_associations(it, |it| it.main.map(|it| it.to_string())),
    },
    Rule {
        names: &["route.destination-cidr-block"],
        values: |it| of_routes(it, |it| it.destination_cidr_block.clone()),
    },
    Rule {
        names: &["route.destination-ipv6-cidr-block"],
        values: |it| of_routes(it, |it| it.destination_ipv6_cidr_block.clone()),
    },
    Rule {
        names: &["route.destination-prefix-list-id"],
        values: |it| of_routes(it, |it| it.destination_prefix_list_id.clone()),
    },
    Rule {
        names: &["route.gateway-id"],
        values: |it| of_routes(it, |it| it.gateway_id.clone()),
    },
    Rule {
        names: &["route.egress-only-internet-gateway-id"],
        values: |it| of_routes(it, |it| it.egress_only_internet_gateway_id.clone()),
    },
    Rule {
        names: &["route.nat-gateway-id"],
        values: |it| of_routes(it, |it| it.nat_gateway_id.clone()),
    },
    Rule {
        names: &["route.network-interface-id"],
        values: |it| of_routes(it, |it| it.network_interface_id.clone()),
    },
    Rule {
        names: &["route.origin"],
        values: |it| of_routes(it, |it| it.origin.as_ref().map(|it| it.as_str().to_owned())),
    },
    Rule {
        names: &["route.state"],
        values: |it| of_routes(it, |it| it.state.as_ref().map(|it| it.as_str().to_owned())),
    },
    Rule {
        names: &[
            "association.gateway-id",
            "route.carrier-gateway-id",
            "route.core-network-arn",
            "route.instance-id",
            "route.local-gateway-id",
            "route.transit-gateway-id",
            "route.vpc-peering-connection-id",
        ],
        values: |_| Vec::new(),
    },
];

/// `DescribeRouteTables`.
///
/// # Errors
/// InvalidRouteTableID.NotFound, InvalidRouteTableId.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_route_tables(
    call: Call<ec2::DescribeRouteTables>,
) -> Result<ec2::DescribeRouteTablesOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.route_table_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (tables, next_token) = describe(&call, &RouteTable::KIND, &RULES, &listing, |state| {
        let tables = state.route_tables(call.scope());
        tables.map(|it| (it.id.clone(), rendered(state, it))).collect()
    })?;
    Ok(ec2::DescribeRouteTablesOutput {
        route_tables: Some(tables),
        next_token,
    })
}

/// `CreateRouteTable`; with a token that was used, the table that it made.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidParameterValue, IdempotentParameterMismatch, TagLimitExceeded, DryRunOperation.
pub async fn create_route_table(
    call: Call<ec2::CreateRouteTable>,
) -> Result<ec2::CreateRouteTableOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let tags = tags::of_new(input.tag_specifications.as_ref(), &RouteTable::RESOURCE_TYPE)?;
    let request = client_request(input.client_token.as_ref(), &input)?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        if let Some(earlier) = earlier::<RouteTable>(tx.state(), &scope, request.as_ref())? {
            return Ok(rendered(tx.state(), &earlier));
        }
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        let table = tx.put(RouteTable {
            id: tx.ids().ec2("rtb"),
            scope,
            vpc_id: vpc.id.clone(),
            routes: Vec::new(),
            associations: Vec::new(),
            client_request: request,
            tags,
        });
        Ok(rendered(tx.state(), &table))
    });
    Ok(ec2::CreateRouteTableOutput {
        route_table: Some(created.await.map_err(from_store)?),
        client_token: call.input().client_token.clone(),
    })
}

/// `DeleteRouteTable`.
///
/// # Errors
/// InvalidRouteTableID.NotFound, DependencyViolation for one that serves somebody, DryRunOperation.
pub async fn delete_route_table(
    call: Call<ec2::DeleteRouteTable>,
) -> Result<ec2::DeleteRouteTableOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let table = require::<RouteTable>(tx.state(), &scope, &input.route_table_id)?;
        if !table.associations.is_empty() {
            return Err(refusal(
                "DependencyViolation",
                format!(
                    "The routeTable '{}' has dependencies and cannot be deleted.",
                    table.id
                ),
            ));
        }
        tx.delete::<RouteTable>(&table.id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteRouteTableOutput {})
}

/// A route table as Amazon tells it.
pub(super) fn rendered(state: &State, it: &RouteTable) -> ec2::RouteTable {
    let associations = it.associations.iter().map(|one| association(it, one));
    ec2::RouteTable {
        route_table_id: Some(it.id.clone()),
        vpc_id: Some(it.vpc_id.clone()),
        owner_id: Some(it.scope.account.clone()),
        routes: Some(routes::rendered(state, it)),
        associations: Some(associations.collect()),
        propagating_vgws: Some(Vec::new()),
        tags: tags::render(&it.tags),
    }
}

fn association(table: &RouteTable, it: &RouteTableAssociation) -> ec2::RouteTableAssociation {
    ec2::RouteTableAssociation {
        main: Some(it.subnet_id.is_none()),
        route_table_association_id: Some(it.id.clone()),
        route_table_id: Some(table.id.clone()),
        subnet_id: it.subnet_id.clone(),
        association_state: Some(associated()),
        ..ec2::RouteTableAssociation::default()
    }
}

/// Associations are in force at once.
pub(super) fn associated() -> ec2::RouteTableAssociationState {
    ec2::RouteTableAssociationState {
        state: Some(ec2::RouteTableAssociationStateCode::Associated),
        status_message: None,
    }
}
