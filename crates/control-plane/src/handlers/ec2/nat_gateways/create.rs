//! CreateNatGateway.

use std::net::Ipv4Addr;
use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::elastic_address::{AddressAssociation, AddressHolder, ElasticAddress};
use domain::nat_gateway::{NatAllocation, NatConnectivity, NatGateway};
use domain::network_interface::{InterfaceKind, NetworkInterface};
use domain::vpc::Subnet;
use orchestrator::transitions::free_address;
use store::{State, Tx};

use super::forget_deleted;
use super::shape::rendered;
use crate::call::Call;
use crate::handlers::ec2::client_tokens::{client_request, earlier};
use crate::handlers::ec2::interfaces::{check_free, parse};
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::{
    check_dry_run, from_store, internet_gateways, invalid_value, refusal, tags, unsupported,
};

/// `CreateNatGateway`; with a token that was used, the gateway that it made. What lets Amazon's end as `failed` is
/// refused here, with the code that would be its `failureCode`.
///
/// # Errors
/// InvalidSubnetID.NotFound, InvalidAllocationID.NotFound, Resource.AlreadyAssociated, Gateway.NotAttached for a VPC
/// without an internet gateway, InsufficientFreeAddressesInSubnet, InvalidIPAddress.InUse, MissingParameter,
/// InvalidParameterCombination, InvalidParameterValue, IdempotentParameterMismatch, UnsupportedOperation, DryRunOperation.
pub async fn create_nat_gateway(
    call: Call<ec2::CreateNatGateway>,
) -> Result<ec2::CreateNatGatewayOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let wanted = wanted(&input)?;
    let tags = tags::of_new(input.tag_specifications.as_ref(), &NatGateway::RESOURCE_TYPE)?;
    let request = client_request(input.client_token.as_ref(), &input)?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        forget_deleted(tx, &scope);
        if let Some(earlier) = earlier::<NatGateway>(tx.state(), &scope, request.as_ref())? {
            return Ok(rendered(&earlier));
        }
        let subnet = require::<Subnet>(tx.state(), &scope, &wanted.subnet_id)?;
        let id = tx.ids().ec2("nat");
        let elastic = match &wanted.allocation_id {
            Some(allocation) => Some(free_allocation(tx.state(), &scope, allocation, &subnet)?),
            None => None,
        };
        let interface = interface(tx, &subnet, &id, wanted.private_address)?;
        let connectivity = match elastic {
            Some(elastic) => NatConnectivity::Public(associate(tx, &elastic, &id, interface.address)),
            None => NatConnectivity::Private,
        };
        let gateway = tx.put(NatGateway {
            id,
            scope,
            vpc_id: subnet.vpc_id.clone(),
            subnet_id: subnet.id.clone(),
            network_interface_id: interface.id.clone(),
            private_address: interface.address,
            connectivity,
            created_at: tx.now(),
            deleted_at: None,
            client_request: request,
            tags,
        });
        Ok(rendered(&gateway))
    });
    Ok(ec2::CreateNatGatewayOutput {
        nat_gateway: Some(created.await.map_err(from_store)?),
        client_token: input.client_token,
    })
}

struct Wanted {
    subnet_id: String,
    /// None of a private gateway.
    allocation_id: Option<String>,
    private_address: Option<Ipv4Addr>,
}

fn wanted(input: &ec2::CreateNatGatewayInput) -> Result<Wanted, ec2::Error> {
    let is_regional = !matches!(input.availability_mode, None | Some(ec2::AvailabilityMode::Zonal));
    if is_regional || input.vpc_id.is_some() || input.availability_zone_addresses.is_some() {
        return Err(unsupported("Regional NAT gateways are not supported by Gantry."));
    }
    let has_more = input
        .secondary_allocation_ids
        .as_ref()
        .is_some_and(|it| !it.is_empty())
        || input.secondary_private_ip_address_count.unwrap_or(0) != 0
        || input
            .secondary_private_ip_addresses
            .as_ref()
            .is_some_and(|it| !it.is_empty());
    if has_more {
        return Err(unsupported(
            "Secondary addresses of NAT gateways are not supported by Gantry yet.",
        ));
    }
    let required = |name: &str| {
        refusal(
            "MissingParameter",
            format!(
                "The request must include the {name} parameter. Add the required parameter and retry the request."
            ),
        )
    };
    let subnet_id = input.subnet_id.clone().ok_or_else(|| required("SubnetId"))?;
    let allocation_id = match (&input.connectivity_type, &input.allocation_id) {
        (None | Some(ec2::ConnectivityType::Public), Some(id)) => Some(id.clone()),
        (None | Some(ec2::ConnectivityType::Public), None) => return Err(required("AllocationId")),
        (Some(ec2::ConnectivityType::Private), None) => None,
        (Some(ec2::ConnectivityType::Private), Some(_)) => {
            return Err(refusal(
                "InvalidParameterCombination",
                "The AllocationId parameter cannot be used with a private NAT gateway.",
            ));
        }
        (Some(other), _) => {
            return Err(invalid_value(format!(
                "Value ({}) for parameter connectivityType is invalid.",
                other.as_str()
            )));
        }
    };
    let private_address = input.private_ip_address.as_deref().map(parse).transpose()?;
    Ok(Wanted {
        subnet_id,
        allocation_id,
        private_address,
    })
}

/// An elastic address that nobody has, for a VPC that has a way out.
fn free_allocation(
    state: &State,
    scope: &Scope,
    id: &str,
    subnet: &Subnet,
) -> Result<Arc<ElasticAddress>, ec2::Error> {
    let address = require::<ElasticAddress>(state, scope, id)?;
    if address.association.is_some() {
        return Err(refusal(
            "Resource.AlreadyAssociated",
            format!("Elastic IP address [{id}] is already associated"),
        ));
    }
    if !internet_gateways::of_vpc(state, scope, &subnet.vpc_id) {
        return Err(refusal(
            "Gateway.NotAttached",
            format!("Network {} has no Internet gateway attached", subnet.vpc_id),
        ));
    }
    Ok(address)
}

/// The network interface that it has in its subnet.
fn interface(
    tx: &mut Tx<'_>,
    subnet: &Subnet,
    gateway_id: &str,
    wanted: Option<Ipv4Addr>,
) -> Result<Arc<NetworkInterface>, ec2::Error> {
    let address = match wanted {
        Some(address) => check_free(tx.state(), subnet, address)?,
        None => free_address(tx, subnet).ok_or_else(|| {
            refusal(
                "InsufficientFreeAddressesInSubnet",
                "Subnet has insufficient free addresses to create this NAT gateway",
            )
        })?,
    };
    Ok(tx.put(NetworkInterface {
        id: tx.ids().ec2("eni"),
        scope: subnet.scope.clone(),
        subnet_id: subnet.id.clone(),
        vpc_id: subnet.vpc_id.clone(),
        availability_zone: subnet.availability_zone.clone(),
        address,
        secondary_addresses: Vec::new(),
        mac_address: tx.ids().mac_address(),
        kind: InterfaceKind::NatGateway,
        description: format!("Interface for NAT Gateway {gateway_id}"),
        security_groups: Vec::new(),
        is_source_dest_checked: false,
        client_request: None,
        tags: Vec::new(),
    }))
}

fn associate(
    tx: &mut Tx<'_>,
    elastic: &ElasticAddress,
    gateway_id: &str,
    private_address: Ipv4Addr,
) -> NatAllocation {
    let mut elastic = elastic.clone();
    let association_id = tx.ids().ec2("eipassoc");
    elastic.association = Some(AddressAssociation {
        id: association_id.clone(),
        holder: AddressHolder::NatGateway(gateway_id.to_owned()),
        private_address,
    });
    let allocation = NatAllocation {
        allocation_id: elastic.id.clone(),
        association_id,
        address: elastic.address,
    };
    tx.put(elastic);
    allocation
}
