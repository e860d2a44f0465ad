//! Elastic addresses: allocated out of the range that the operator gives to them, associated, released.

use std::net::Ipv4Addr;
use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::elastic_address::{AddressHolder, ElasticAddress};
use ipnet::Ipv4Net;
use orchestrator::transitions::{free_public_address, is_free_public_address};
use store::{State, Tx};

use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::{check_dry_run, from_store, invalid_value, missing, refusal, tags, unsupported};
use crate::call::Call;

mod associations;
mod shape;

pub use associations::{associate_address, disassociate_address};
use shape::{RULES, rendered};

/// Amazon's own pool of addresses, the only one.
const AMAZON_POOL: &str = "amazon";

/// `AllocateAddress`: the address asked for, or one that rests longest.
///
/// # Errors
/// AddressLimitExceeded when the range has none left, InvalidAddress.NotFound for one that is not free,
/// InvalidParameterValue, TagLimitExceeded, UnsupportedOperation, DryRunOperation.
pub async fn allocate_address(
    call: Call<ec2::AllocateAddress>,
) -> Result<ec2::AllocateAddressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_allocation(&input, &scope)?;
    let wanted: Option<Ipv4Addr> = match &input.address {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| not_found(text))?),
    };
    let tags = tags::of_new(input.tag_specifications.as_ref(), &ElasticAddress::RESOURCE_TYPE)?;
    check_dry_run(input.dry_run)?;
    let range = call.access().public_addresses();
    let region = scope.region.clone();
    let allocated = call.access().store().transact(move |tx| {
        let address = free(tx, range, wanted)?;
        Ok(tx.put(ElasticAddress {
            id: tx.ids().ec2("eipalloc"),
            scope,
            address,
            association: None,
            tags,
        }))
    });
    let allocated = allocated.await.map_err(from_store)?;
    Ok(ec2::AllocateAddressOutput {
        allocation_id: Some(allocated.id.clone()),
        public_ip: Some(allocated.address.to_string()),
        public_ipv4_pool: Some(AMAZON_POOL.to_owned()),
        network_border_group: Some(region),
        domain: Some(ec2::DomainType::Vpc),
        ..ec2::AllocateAddressOutput::default()
    })
}

fn check_allocation(input: &ec2::AllocateAddressInput, scope: &Scope) -> Result<(), ec2::Error> {
    if !matches!(input.domain, None | Some(ec2::DomainType::Vpc)) {
        return Err(invalid_value(
            "EC2-Classic is gone: the domain of an address is vpc.",
        ));
    }
    if input.customer_owned_ipv4_pool.is_some() || input.ipam_pool_id.is_some() {
        return Err(unsupported("Pools of addresses are not supported by Gantry."));
    }
    if let Some(pool) = input.public_ipv4_pool.as_deref().filter(|it| *it != AMAZON_POOL) {
        return Err(refusal(
            "InvalidPublicIpv4PoolID.NotFound",
            format!("The ID '{pool}' does not exist."),
        ));
    }
    match input.network_border_group.as_deref() {
        Some(group) if group != scope.region => Err(invalid_value(format!(
            "Value ({group}) for parameter networkBorderGroup is invalid. There is only {}.",
            scope.region
        ))),
        Some(_) | None => Ok(()),
    }
}

fn not_found(address: &str) -> ec2::Error {
    refusal(
        "InvalidAddress.NotFound",
        format!("Address '{address}' not found."),
    )
}

/// The address asked for, or any that nobody has, in no account.
fn free(tx: &Tx<'_>, range: Ipv4Net, wanted: Option<Ipv4Addr>) -> Result<Ipv4Addr, ec2::Error> {
    if let Some(address) = wanted {
        return match is_free_public_address(tx.state(), range, address) {
            true => Ok(address),
            false => Err(not_found(&address.to_string())),
        };
    }
    free_public_address(tx, range).ok_or_else(|| {
        refusal(
            "AddressLimitExceeded",
            format!("The maximum number of addresses has been reached. All of {range} are given."),
        )
    })
}

/// `DescribeAddresses`.
///
/// # Errors
/// InvalidAllocationID.NotFound, InvalidAddress.NotFound, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_addresses(
    call: Call<ec2::DescribeAddresses>,
) -> Result<ec2::DescribeAddressesOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.allocation_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: None,
        next_token: None,
    };
    let (mut addresses, _) = describe(&call, &ElasticAddress::KIND, &RULES, &listing, |state| {
        let addresses = state.elastic_addresses(call.scope());
        addresses.map(|it| (it.id.clone(), rendered(state, it))).collect()
    })?;
    let wanted = input.public_ips.as_deref().unwrap_or_default();
    if !wanted.is_empty() {
        let all: Vec<String> = call.access().store().read(|state| {
            let all = state.elastic_addresses(call.scope());
            all.map(|it| it.address.to_string()).collect()
        });
        if let Some(unknown) = wanted.iter().find(|it| !all.contains(it)) {
            return Err(not_found(unknown));
        }
        addresses.retain(|it| it.public_ip.as_ref().is_some_and(|it| wanted.contains(it)));
    }
    Ok(ec2::DescribeAddressesOutput {
        addresses: Some(addresses),
    })
}

/// `DescribeAddressesAttribute`: no address has a name of its own.
///
/// # Errors
/// InvalidAllocationID.NotFound, InvalidParameterValue, DryRunOperation.
pub async fn describe_addresses_attribute(
    call: Call<ec2::DescribeAddressesAttribute>,
) -> Result<ec2::DescribeAddressesAttributeOutput, ec2::Error> {
    let input = call.input();
    if let Some(ec2::AddressAttributeName::Unmodelled(other)) = &input.attribute {
        return Err(invalid_value(format!(
            "Value ({other}) for parameter attribute is invalid."
        )));
    }
    let listing = Listing {
        ids: input.allocation_ids.as_ref(),
        filters: None,
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (found, next_token) = describe(&call, &ElasticAddress::KIND, &[], &listing, |state| {
        let addresses = state.elastic_addresses(call.scope());
        addresses.map(|it| (it.id.clone(), rendered(state, it))).collect()
    })?;
    let found = found.into_iter().map(|it| ec2::AddressAttribute {
        allocation_id: it.allocation_id,
        public_ip: it.public_ip,
        ptr_record: None,
        ptr_record_update: None,
    });
    Ok(ec2::DescribeAddressesAttributeOutput {
        addresses: Some(found.collect()),
        next_token,
    })
}

/// `ReleaseAddress`.
///
/// # Errors
/// InvalidAllocationID.NotFound, InvalidAddress.NotFound, InvalidIPAddress.InUse for one that somebody has,
/// MissingParameter, InvalidParameterCombination, DryRunOperation.
pub async fn release_address(
    call: Call<ec2::ReleaseAddress>,
) -> Result<ec2::ReleaseAddressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let released = call.access().store().transact(move |tx| {
        let (id, address) = (input.allocation_id.as_deref(), input.public_ip.as_deref());
        let elastic = named(tx.state(), &scope, id, address)?;
        if let Some(association) = &elastic.association {
            let holder = match &association.holder {
                AddressHolder::NetworkInterface(id) | AddressHolder::NatGateway(id) => id,
            };
            return Err(refusal(
                "InvalidIPAddress.InUse",
                format!("Address {} is in use by {holder}.", elastic.address),
            ));
        }
        tx.delete::<ElasticAddress>(&elastic.id);
        Ok(())
    });
    released.await.map_err(from_store)?;
    Ok(ec2::ReleaseAddressOutput {})
}

/// The address of an allocation, or the one that is given itself.
fn named(
    state: &State,
    scope: &Scope,
    id: Option<&str>,
    address: Option<&str>,
) -> Result<Arc<ElasticAddress>, ec2::Error> {
    match (id, address) {
        (Some(id), None) => require::<ElasticAddress>(state, scope, id),
        (None, Some(text)) => {
            let mut all = state.elastic_addresses(scope);
            let found = all.find(|it| it.address.to_string() == text);
            found.cloned().ok_or_else(|| not_found(text))
        }
        (None, None) => Err(missing("allocationId")),
        (Some(_), Some(_)) => Err(refusal(
            "InvalidParameterCombination",
            "You may specify public IP or allocation id, but not both in the same call",
        )),
    }
}
