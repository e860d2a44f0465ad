//! Network interfaces of interface endpoints, their security groups and private DNS.

use api::ec2;
use domain::network_interface::{InterfaceKind, NetworkInterface};
use domain::security_group::SecurityGroup;
use domain::vpc::{Subnet, Vpc};
use domain::vpc_endpoint::{EndpointInterface, EndpointKind, InterfaceEndpoint};
use orchestrator::transitions::free_address;
use store::{State, Tx};

use super::invalid;
use super::services::EndpointService;
use crate::handlers::ec2::refusal;
use crate::handlers::ec2::resources::require;

/// Gives an endpoint an interface in a subnet; where it has one, it keeps it.
///
/// # Errors
/// InvalidSubnetID.NotFound, InvalidParameter, DuplicateSubnetsInSameZone, InsufficientFreeAddressesInSubnet.
pub fn add(
    tx: &mut Tx<'_>,
    vpc: &Vpc,
    endpoint_id: &str,
    endpoint: &mut InterfaceEndpoint,
    subnet_id: &str,
) -> Result<(), ec2::Error> {
    let subnet = require::<Subnet>(tx.state(), &vpc.scope, subnet_id)?;
    if subnet.vpc_id != vpc.id {
        return Err(invalid(format!(
            "subnet {subnet_id} does not belong to vpc {}",
            vpc.id
        )));
    }
    if endpoint.interfaces.iter().any(|it| it.subnet_id == subnet.id) {
        return Ok(());
    }
    let zone = |id: &String| {
        tx.state()
            .get::<Subnet>(id)
            .map(|it| it.availability_zone.clone())
    };
    let other = endpoint
        .interfaces
        .iter()
        .find(|it| zone(&it.subnet_id).as_ref() == Some(&subnet.availability_zone));
    if let Some(other) = other {
        return Err(refusal(
            "DuplicateSubnetsInSameZone",
            format!(
                "Found another VPC endpoint subnet in the availability zone of {}. VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.",
                other.subnet_id
            ),
        ));
    }
    let address = free_address(tx, &subnet).ok_or_else(|| {
        refusal(
            "InsufficientFreeAddressesInSubnet",
            format!("The subnet {subnet_id} has insufficient free addresses to create this endpoint"),
        )
    })?;
    let interface = tx.put(NetworkInterface {
        id: tx.ids().ec2("eni"),
        scope: vpc.scope.clone(),
        subnet_id: subnet.id.clone(),
        vpc_id: vpc.id.clone(),
        availability_zone: subnet.availability_zone.clone(),
        address,
        secondary_addresses: Vec::new(),
        mac_address: tx.ids().mac_address(),
        kind: InterfaceKind::VpcEndpoint,
        description: format!("VPC Endpoint Interface {endpoint_id}"),
        security_groups: endpoint.security_groups.clone(),
        is_source_dest_checked: true,
        client_request: None,
        tags: Vec::new(),
    });
    endpoint.interfaces.push(EndpointInterface {
        id: interface.id.clone(),
        subnet_id: subnet.id.clone(),
        address,
    });
    Ok(())
}

/// Takes the interface of a subnet from an endpoint.
///
/// # Errors
/// InvalidParameter if it has none there.
pub fn remove(tx: &mut Tx<'_>, endpoint: &mut InterfaceEndpoint, subnet_id: &str) -> Result<(), ec2::Error> {
    let at = endpoint
        .interfaces
        .iter()
        .position(|it| it.subnet_id == subnet_id);
    let at = at.ok_or_else(|| invalid(format!("The endpoint is not in the subnet {subnet_id}")))?;
    let interface = endpoint.interfaces.remove(at);
    tx.delete::<NetworkInterface>(&interface.id);
    Ok(())
}

/// Has the interfaces be members of the endpoint's security groups.
pub fn follow_groups(tx: &mut Tx<'_>, endpoint: &InterfaceEndpoint) {
    for it in &endpoint.interfaces {
        if let Some(interface) = tx.get::<NetworkInterface>(&it.id) {
            let mut interface = NetworkInterface::clone(&interface);
            interface.security_groups.clone_from(&endpoint.security_groups);
            tx.put(interface);
        }
    }
}

/// Security groups of the VPC.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidParameter for those of other VPCs.
pub fn groups(state: &State, vpc: &Vpc, given: &[String]) -> Result<Vec<String>, ec2::Error> {
    let mut groups = Vec::new();
    for id in given {
        let group = require::<SecurityGroup>(state, &vpc.scope, id)?;
        if group.vpc_id != vpc.id {
            return Err(invalid(format!(
                "security group {id} does not belong to vpc {}",
                vpc.id
            )));
        }
        if !groups.contains(id) {
            groups.push(id.clone());
        }
    }
    Ok(groups)
}

/// Whether the usual name of a service may lead to an endpoint.
///
/// # Errors
/// InvalidParameter for a VPC without DNS, and where another endpoint has the name.
pub fn check_private_dns(
    state: &State,
    vpc: &Vpc,
    endpoint_id: &str,
    service: &EndpointService,
) -> Result<(), ec2::Error> {
    if !vpc.has_dns_support || !vpc.has_dns_hostnames {
        return Err(invalid(format!(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {}",
            vpc.id
        )));
    }
    let name = service.name(&vpc.scope.region);
    let mut endpoints = state
        .vpc_endpoints(&vpc.scope)
        .filter(|it| it.vpc_id == vpc.id && it.service_name == name && it.id != endpoint_id);
    let has_name = |kind: &EndpointKind| matches!(kind, EndpointKind::Interface(it) if it.has_private_dns);
    match endpoints.any(|it| has_name(&it.kind)) {
        false => Ok(()),
        true => Err(invalid(format!(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {} in the VPC {}",
            service.private_name(&vpc.scope.region),
            vpc.id
        ))),
    }
}
