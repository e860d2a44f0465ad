//! Who has an elastic address: AssociateAddress and DisassociateAddress.

use std::net::Ipv4Addr;
use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::elastic_address::{AddressAssociation, AddressHolder, ElasticAddress};
use domain::network_interface::{InterfaceKind, NetworkInterface};
use orchestrator::transitions::free_elastic_addresses;
use store::State;

use super::named;
use crate::call::Call;
use crate::handlers::ec2::resources::require;
use crate::handlers::ec2::{check_dry_run, from_store, internet_gateways, invalid_value, missing, refusal};

/// `AssociateAddress`, with a network interface. Doing it twice is no error; an address that the interface had for the
/// same private address goes. In a VPC an address that another interface has is moved unless `AllowReassociation` says
/// no: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html>
///
/// # Errors
/// InvalidAllocationID.NotFound, InvalidAddress.NotFound, InvalidNetworkInterfaceID.NotFound,
/// InvalidInstanceID.NotFound, Resource.AlreadyAssociated, Gateway.NotAttached, OperationNotPermitted for interfaces
/// that are not the user's, InvalidParameterValue, InvalidParameterCombination, MissingParameter, DryRunOperation.
pub async fn associate_address(
    call: Call<ec2::AssociateAddress>,
) -> Result<ec2::AssociateAddressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if let Some(id) = &input.instance_id {
        return Err(refusal(
            "InvalidInstanceID.NotFound",
            format!("The instance ID '{id}' does not exist. Gantry has none of these."),
        ));
    }
    let interface_id = input
        .network_interface_id
        .clone()
        .ok_or_else(|| missing("networkInterfaceId"))?;
    check_dry_run(input.dry_run)?;
    let associated = call.access().store().transact(move |tx| {
        let (id, address) = (input.allocation_id.as_deref(), input.public_ip.as_deref());
        let elastic = named(tx.state(), &scope, id, address)?;
        let interface = interface(tx.state(), &scope, &interface_id)?;
        let private = private_address(&interface, input.private_ip_address.as_deref())?;
        let holder = AddressHolder::NetworkInterface(interface.id.clone());
        if let Some(there) = &elastic.association {
            if there.holder == holder && there.private_address == private {
                return Ok(there.id.clone());
            }
            let is_movable = input.allow_reassociation != Some(false)
                && matches!(there.holder, AddressHolder::NetworkInterface(_));
            if !is_movable {
                return Err(refusal(
                    "Resource.AlreadyAssociated",
                    format!(
                        "resource {} is already associated with associate-id {}",
                        elastic.id, there.id
                    ),
                ));
            }
        }
        if !internet_gateways::of_vpc(tx.state(), &scope, &interface.vpc_id) {
            return Err(refusal(
                "Gateway.NotAttached",
                format!(
                    "Network {} is not attached to any internet gateway",
                    interface.vpc_id
                ),
            ));
        }
        free_elastic_addresses(tx, &interface.id, |it| it == private);
        let id = tx.ids().ec2("eipassoc");
        let mut elastic = ElasticAddress::clone(&elastic);
        elastic.association = Some(AddressAssociation {
            id: id.clone(),
            holder,
            private_address: private,
        });
        tx.put(elastic);
        Ok(id)
    });
    Ok(ec2::AssociateAddressOutput {
        association_id: Some(associated.await.map_err(from_store)?),
    })
}

/// An interface that its user made. Those of tasks and of gateways get no address this way, as on Amazon.
fn interface(state: &State, scope: &Scope, id: &str) -> Result<Arc<NetworkInterface>, ec2::Error> {
    let not_permitted = || {
        refusal(
            "OperationNotPermitted",
            format!(
                "You are not allowed to manage 'ela-attach' attachments. {id} belongs to a task or a gateway."
            ),
        )
    };
    let task = state.task_of_interface(id);
    if task.is_some_and(|it| it.arn.scope() == *scope) {
        return Err(not_permitted());
    }
    let interface = require::<NetworkInterface>(state, scope, id)?;
    match interface.kind {
        InterfaceKind::Interface => Ok(interface),
        InterfaceKind::NatGateway | InterfaceKind::VpcEndpoint => Err(not_permitted()),
    }
}

fn private_address(interface: &NetworkInterface, given: Option<&str>) -> Result<Ipv4Addr, ec2::Error> {
    let Some(text) = given else {
        return Ok(interface.address);
    };
    let mut all = interface.addresses();
    all.find(|it| it.to_string() == text).ok_or_else(|| {
        invalid_value(format!(
            "The private IP address {text} is not assigned to interface {}",
            interface.id
        ))
    })
}

/// `DisassociateAddress`.
///
/// # Errors
/// InvalidAssociationID.NotFound, InvalidAddress.NotFound, AuthFailure for that of a NAT gateway, MissingParameter,
/// DryRunOperation.
pub async fn disassociate_address(
    call: Call<ec2::DisassociateAddress>,
) -> Result<ec2::DisassociateAddressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let done = call.access().store().transact(move |tx| {
        let elastic = match (&input.association_id, input.public_ip.as_deref()) {
            (Some(id), _) => of_association(tx.state(), &scope, id)?,
            (None, Some(address)) => named(tx.state(), &scope, None, Some(address))?,
            (None, None) => return Err(missing("associationId")),
        };
        let Some(association) = &elastic.association else {
            return Ok(());
        };
        if let AddressHolder::NatGateway(id) = &association.holder {
            return Err(refusal(
                "AuthFailure",
                format!(
                    "You do not have permission to access the specified resource. {} has it.",
                    id
                ),
            ));
        }
        let mut elastic = ElasticAddress::clone(&elastic);
        elastic.association = None;
        tx.put(elastic);
        Ok(())
    });
    done.await.map_err(from_store)?;
    Ok(ec2::DisassociateAddressOutput {})
}

fn of_association(state: &State, scope: &Scope, id: &str) -> Result<Arc<ElasticAddress>, ec2::Error> {
    let mut all = state.elastic_addresses(scope);
    let found = all.find(|it| it.association.as_ref().is_some_and(|it| it.id == id));
    found.cloned().ok_or_else(|| {
        refusal(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        )
    })
}
