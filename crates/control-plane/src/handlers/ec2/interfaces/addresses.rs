//! Further addresses of network interfaces.

use api::ec2;
use domain::network_interface::NetworkInterface;
use domain::vpc::Subnet;

use super::find;
use super::write::{add_addresses, check_free, count, parse};
use crate::call::Call;
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::{from_store, invalid_value, missing, refusal, unsupported};
use orchestrator::transitions::free_elastic_addresses;

/// The interface of an id, if it stands for itself.
fn own(state: &store::State, scope: &domain::Scope, id: &str) -> Result<NetworkInterface, ec2::Error> {
    let it = find(state, scope, id).ok_or_else(|| NetworkInterface::KIND.unknown(id))?;
    if it.is_in_use() {
        return Err(super::attributes::not_yours(&it));
    }
    Ok(NetworkInterface::clone(&*require::<NetworkInterface>(
        state, scope, id,
    )?))
}

/// `AssignPrivateIpAddresses`: those that are named, or as many as are wanted.
///
/// # Errors
/// InvalidNetworkInterfaceID.NotFound, InvalidIPAddress.InUse, InsufficientFreeAddressesInSubnet,
/// PrivateIpAddressLimitExceeded, InvalidParameterValue, InvalidParameterCombination, MissingParameter, AuthFailure,
/// UnsupportedOperation.
pub async fn assign_private_ip_addresses(
    call: Call<ec2::AssignPrivateIpAddresses>,
) -> Result<ec2::AssignPrivateIpAddressesOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if input.ipv4_prefix_count.is_some() || input.ipv4_prefixes.is_some() {
        return Err(unsupported(
            "Prefixes of network interfaces are not supported by Gantry yet.",
        ));
    }
    let named = input.private_ip_addresses.unwrap_or_default();
    let more = count(input.secondary_private_ip_address_count)?;
    match (named.is_empty(), more) {
        (true, 0) => return Err(missing("privateIpAddresses or secondaryPrivateIpAddressCount")),
        (false, 1..) => {
            return Err(refusal(
                "InvalidParameterCombination",
                "Secondary private IP addresses can be given by number or by address, not both",
            ));
        }
        _ => {}
    }
    let id = input.network_interface_id.clone();
    let assigned = call.access().store().transact(move |tx| {
        let mut interface = own(tx.state(), &scope, &input.network_interface_id)?;
        let subnet = require::<Subnet>(tx.state(), &scope, &interface.subnet_id)?;
        let had = interface.secondary_addresses.len();
        for address in &named {
            let address = check_free(tx.state(), &subnet, parse(address)?)?;
            interface.secondary_addresses.push(address);
            tx.put(interface.clone());
        }
        add_addresses(tx, &subnet, &mut interface, more)?;
        let new = interface.secondary_addresses.iter().skip(had);
        Ok(new.map(ToString::to_string).collect::<Vec<_>>())
    });
    let assigned = assigned.await.map_err(from_store)?;
    let assigned = assigned.into_iter().map(|it| ec2::AssignedPrivateIpAddress {
        private_ip_address: Some(it),
    });
    Ok(ec2::AssignPrivateIpAddressesOutput {
        assigned_ipv4_prefixes: None,
        assigned_private_ip_addresses: Some(assigned.collect()),
        network_interface_id: Some(id),
    })
}

/// `UnassignPrivateIpAddresses`: all but the first.
///
/// # Errors
/// InvalidNetworkInterfaceID.NotFound, InvalidParameterValue, MissingParameter, AuthFailure, UnsupportedOperation.
pub async fn unassign_private_ip_addresses(
    call: Call<ec2::UnassignPrivateIpAddresses>,
) -> Result<ec2::UnassignPrivateIpAddressesOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if input.ipv4_prefixes.is_some() {
        return Err(unsupported(
            "Prefixes of network interfaces are not supported by Gantry yet.",
        ));
    }
    let named = input.private_ip_addresses.unwrap_or_default();
    if named.is_empty() {
        return Err(missing("privateIpAddresses"));
    }
    let unassigned = call.access().store().transact(move |tx| {
        let mut interface = own(tx.state(), &scope, &input.network_interface_id)?;
        for given in &named {
            let address = parse(given)?;
            let at = interface.secondary_addresses.iter().position(|it| *it == address);
            let at = at.ok_or_else(|| {
                invalid_value(format!(
                    "Some of the specified addresses are not assigned to interface {}",
                    interface.id
                ))
            })?;
            interface.secondary_addresses.remove(at);
            free_elastic_addresses(tx, &interface.id, |it| it == address);
        }
        tx.put(interface);
        Ok(())
    });
    unassigned.await.map_err(from_store)?;
    Ok(ec2::UnassignPrivateIpAddressesOutput {})
}
