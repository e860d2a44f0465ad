//! NAT gateways. They are available as soon as they are made.

use std::sync::Arc;

use api::ec2;
use domain::elastic_address::ElasticAddress;
use domain::nat_gateway::{NatConnectivity, NatGateway};
use domain::network_interface::NetworkInterface;
use domain::{Scope, Timestamp};
use store::{State, Tx};

use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::{check_dry_run, from_store, refusal};
use crate::call::Call;

mod create;
mod shape;

pub use create::create_nat_gateway;

use shape::{RULES, rendered};

/// How long a deleted gateway is shown, as on Amazon.
const SHOWN_DELETED: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// `DescribeNatGateways`: also those that were deleted within the last hour.
///
/// # Errors
/// NatGatewayNotFound, NatGatewayMalformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_nat_gateways(
    call: Call<ec2::DescribeNatGateways>,
) -> Result<ec2::DescribeNatGatewaysOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.nat_gateway_ids.as_ref(),
        filters: input.filter.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let now = call.now();
    let described = describe(&call, &NatGateway::KIND, &RULES, &listing, |state| {
        let gateways = state.nat_gateways(call.scope()).filter(|it| is_shown(it, now));
        gateways.map(|it| (it.id.clone(), rendered(it))).collect()
    });
    let (gateways, next_token) = described.map_err(in_its_words)?;
    Ok(ec2::DescribeNatGatewaysOutput {
        nat_gateways: Some(gateways),
        next_token,
    })
}

fn is_shown(it: &NatGateway, now: Timestamp) -> bool {
    it.deleted_at
        .is_none_or(|at| now.duration_since(at) < SHOWN_DELETED)
}

/// What is said of NAT gateways that are not there has a form of its own.
fn in_its_words(error: ec2::Error) -> ec2::Error {
    if error.code != NatGateway::KIND.not_found {
        return error;
    }
    let id = error.message.split('\'').nth(1).unwrap_or_default().to_owned();
    refusal(
        NatGateway::KIND.not_found,
        format!("The Nat Gateway {id} was not found"),
    )
}

fn find(state: &State, scope: &Scope, id: &str, now: Timestamp) -> Result<Arc<NatGateway>, ec2::Error> {
    let found = require::<NatGateway>(state, scope, id).map_err(in_its_words)?;
    match is_shown(&found, now) {
        true => Ok(found),
        false => Err(in_its_words(NatGateway::KIND.unknown(id))),
    }
}

/// Gateways that are not shown any more leave the state when another comes or goes.
fn forget_deleted(tx: &mut Tx<'_>, scope: &Scope) {
    let now = tx.now();
    let old = tx.state().nat_gateways(scope).filter(|it| !is_shown(it, now));
    for id in old.map(|it| it.id.clone()).collect::<Vec<_>>() {
        tx.delete::<NatGateway>(&id);
    }
}

/// `DeleteNatGateway`: its elastic address is free again, its routes are black holes. Deleting it twice is no error.
///
/// # Errors
/// NatGatewayNotFound, NatGatewayMalformed, DryRunOperation.
pub async fn delete_nat_gateway(
    call: Call<ec2::DeleteNatGateway>,
) -> Result<ec2::DeleteNatGatewayOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let gateway = find(tx.state(), &scope, &input.nat_gateway_id, tx.now())?;
        forget_deleted(tx, &scope);
        if !gateway.is_available() {
            return Ok(());
        }
        tx.delete::<NetworkInterface>(&gateway.network_interface_id);
        if let NatConnectivity::Public(allocation) = &gateway.connectivity
            && let Some(elastic) = tx.get::<ElasticAddress>(&allocation.allocation_id)
        {
            let mut elastic = ElasticAddress::clone(&elastic);
            elastic.association = None;
            tx.put(elastic);
        }
        let mut gateway = NatGateway::clone(&gateway);
        gateway.deleted_at = Some(tx.now());
        tx.put(gateway);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteNatGatewayOutput {
        nat_gateway_id: Some(call.input().nat_gateway_id.clone()),
    })
}
