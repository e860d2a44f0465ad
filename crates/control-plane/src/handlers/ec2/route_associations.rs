//! Whom route tables serve: subnets, and as the main table of a VPC all that have none of their own.

use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::route_table::{RouteTable, RouteTableAssociation};
use domain::vpc::Subnet;
use store::{State, Tx};

use super::resources::require;
use super::route_tables::associated;
use super::{check_dry_run, from_store, invalid_value, missing, refusal, unsupported};
use crate::call::Call;

/// `AssociateRouteTable`, with a subnet. One that the table serves already keeps its association.
///
/// # Errors
/// InvalidRouteTableID.NotFound, InvalidSubnetID.NotFound, Resource.AlreadyAssociated, InvalidParameterValue,
/// MissingParameter, UnsupportedOperation for gateways, DryRunOperation.
pub async fn associate_route_table(
    call: Call<ec2::AssociateRouteTable>,
) -> Result<ec2::AssociateRouteTableOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if input.gateway_id.is_some() || input.public_ipv4_pool.is_some() {
        return Err(unsupported(
            "Route tables of gateways are not supported by Gantry yet.",
        ));
    }
    let subnet_id = input.subnet_id.ok_or_else(|| missing("subnetId"))?;
    check_dry_run(input.dry_run)?;
    let made = call.access().store().transact(move |tx| {
        let table = require::<RouteTable>(tx.state(), &scope, &input.route_table_id)?;
        let subnet = require::<Subnet>(tx.state(), &scope, &subnet_id)?;
        if subnet.vpc_id != table.vpc_id {
            return Err(foreign(&table.id, "subnet", &subnet.id));
        }
        match of_subnet(tx.state(), &scope, &subnet.id) {
            Some((other, id)) if other == table.id => return Ok(id),
            Some(_) => {
                return Err(refusal(
                    "Resource.AlreadyAssociated",
                    format!(
                        "the specified association for route table {} conflicts with an existing association",
                        table.id
                    ),
                ));
            }
            None => {}
        }
        Ok(associate(tx, &table.id, Some(subnet.id.clone())))
    });
    Ok(ec2::AssociateRouteTableOutput {
        association_id: Some(made.await.map_err(from_store)?),
        association_state: Some(associated()),
    })
}

/// `DisassociateRouteTable`: the subnet obeys the main table from now on.
///
/// # Errors
/// InvalidAssociationID.NotFound, InvalidParameterValue for the main table, DryRunOperation.
pub async fn disassociate_route_table(
    call: Call<ec2::DisassociateRouteTable>,
) -> Result<ec2::DisassociateRouteTableOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let done = call.access().store().transact(move |tx| {
        let (table, association) = find(tx.state(), &scope, &input.association_id)?;
        if association.subnet_id.is_none() {
            return Err(invalid_value(format!(
                "cannot disassociate the main route table association {}",
                association.id
            )));
        }
        disassociate(tx, &table, &association.id);
        Ok(())
    });
    done.await.map_err(from_store)?;
    Ok(ec2::DisassociateRouteTableOutput {})
}

/// `ReplaceRouteTableAssociation`: another table serves the subnet, or is the main one.
///
/// # Errors
/// InvalidAssociationID.NotFound, InvalidRouteTableID.NotFound, InvalidParameterValue, DryRunOperation.
pub async fn replace_route_table_association(
    call: Call<ec2::ReplaceRouteTableAssociation>,
) -> Result<ec2::ReplaceRouteTableAssociationOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let done = call.access().store().transact(move |tx| {
        let (old, association) = find(tx.state(), &scope, &input.association_id)?;
        let new = require::<RouteTable>(tx.state(), &scope, &input.route_table_id)?;
        if new.vpc_id != old.vpc_id {
            let network = association.subnet_id.as_deref().unwrap_or(&old.vpc_id);
            let noun = association.subnet_id.as_ref().map_or("network", |_| "subnet");
            return Err(foreign(&new.id, noun, network));
        }
        if new.id == old.id {
            return Ok(association.id);
        }
        disassociate(tx, &old, &association.id);
        Ok(associate(tx, &new.id, association.subnet_id))
    });
    Ok(ec2::ReplaceRouteTableAssociationOutput {
        new_association_id: Some(done.await.map_err(from_store)?),
        association_state: Some(associated()),
    })
}

fn foreign(table: &str, noun: &str, other: &str) -> ec2::Error {
    invalid_value(format!(
        "Route table {table} and {noun} {other} belong to different networks"
    ))
}

/// Table and association of a subnet that has its own.
fn of_subnet(state: &State, scope: &Scope, subnet_id: &str) -> Option<(String, String)> {
    state.route_tables(scope).find_map(|table| {
        let mut all = table.associations.iter();
        let found = all.find(|it| it.subnet_id.as_deref() == Some(subnet_id))?;
        Some((table.id.clone(), found.id.clone()))
    })
}

fn find(
    state: &State,
    scope: &Scope,
    id: &str,
) -> Result<(Arc<RouteTable>, RouteTableAssociation), ec2::Error> {
    let found = state.route_tables(scope).find_map(|table| {
        let association = table.associations.iter().find(|it| it.id == id)?;
        Some((Arc::clone(table), association.clone()))
    });
    found.ok_or_else(|| {
        refusal(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        )
    })
}

fn associate(tx: &mut Tx<'_>, table_id: &str, subnet_id: Option<String>) -> String {
    let id = tx.ids().ec2("rtbassoc");
    if let Some(table) = tx.get::<RouteTable>(&table_id.to_owned()) {
        let mut table = RouteTable::clone(&table);
        table.associations.push(RouteTableAssociation {
            id: id.clone(),
            subnet_id,
        });
        tx.put(table);
    }
    id
}

fn disassociate(tx: &mut Tx<'_>, table: &RouteTable, association_id: &str) {
    let mut table = table.clone();
    table.associations.retain(|it| it.id != association_id);
    tx.put(table);
}
