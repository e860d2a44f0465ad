//! ModifyVpcEndpoint.

use api::ec2;
use domain::vpc::Vpc;
use domain::vpc_endpoint::{EndpointKind, InterfaceEndpoint, VpcEndpoint};
use store::Tx;

use super::services::of_name;
use super::{gateway, interfaces, invalid, names, policy};
use crate::call::Call;
use crate::handlers::ec2::resources::require;
use crate::handlers::ec2::{check_dry_run, from_store, unsupported};

/// `ModifyVpcEndpoint`.
///
/// # Errors
/// InvalidVpcEndpointId.NotFound, InvalidParameter, those of the route tables, subnets and security groups that are
/// named, InvalidPolicyDocument, UnsupportedOperation, DryRunOperation.
pub async fn modify_vpc_endpoint(
    call: Call<ec2::ModifyVpcEndpoint>,
) -> Result<ec2::ModifyVpcEndpointOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if !matches!(input.ip_address_type, None | Some(ec2::IpAddressType::Ipv4)) {
        return Err(unsupported("Endpoints of IPv6 are not supported by Gantry yet."));
    }
    if input
        .subnet_configurations
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported(
            "SubnetConfigurations is not supported by Gantry yet.",
        ));
    }
    let record_ip_type = names::record_ip_type(input.dns_options.as_ref())?;
    let policy = policy::check(input.policy_document.as_deref())?;
    check_dry_run(input.dry_run)?;
    let modified = call.access().store().transact(move |tx| {
        let endpoint = require::<VpcEndpoint>(tx.state(), &scope, &input.vpc_endpoint_id)?;
        let vpc = require::<Vpc>(tx.state(), &scope, &endpoint.vpc_id)?;
        let mut endpoint = VpcEndpoint::clone(&endpoint);
        if policy.is_some() {
            endpoint.policy = policy;
        }
        if input.reset_policy == Some(true) {
            endpoint.policy = None;
        }
        match &endpoint.kind {
            EndpointKind::Gateway => {
                names::check_of_gateway(record_ip_type)?;
                modify_gateway(tx, &vpc, &endpoint, &input)?;
            }
            EndpointKind::Interface(it) => {
                let mut it = it.clone();
                it.dns_record_ip_type = record_ip_type.unwrap_or(it.dns_record_ip_type);
                endpoint.kind = EndpointKind::Interface(modify_interface(tx, &vpc, &endpoint, it, &input)?);
            }
        }
        tx.put(endpoint);
        Ok(())
    });
    modified.await.map_err(from_store)?;
    Ok(ec2::ModifyVpcEndpointOutput { r#return: Some(true) })
}

fn listed(given: &Option<Vec<String>>) -> &[String] {
    given.as_deref().unwrap_or_default()
}

fn modify_gateway(
    tx: &mut Tx<'_>,
    vpc: &Vpc,
    endpoint: &VpcEndpoint,
    input: &ec2::ModifyVpcEndpointInput,
) -> Result<(), ec2::Error> {
    let of_interfaces = [
        &input.add_subnet_ids,
        &input.remove_subnet_ids,
        &input.add_security_group_ids,
        &input.remove_security_group_ids,
    ];
    if of_interfaces.iter().any(|it| !listed(it).is_empty()) || input.private_dns_enabled == Some(true) {
        return Err(invalid(
            "Subnets, security groups and private DNS are for endpoints of the type Interface.",
        ));
    }
    for id in listed(&input.remove_route_table_ids) {
        gateway::leave(tx, endpoint, id)?;
    }
    let added = listed(&input.add_route_table_ids);
    gateway::lead(tx, vpc, &endpoint.id, &endpoint.service_name, added)
}

fn modify_interface(
    tx: &mut Tx<'_>,
    vpc: &Vpc,
    endpoint: &VpcEndpoint,
    mut it: InterfaceEndpoint,
    input: &ec2::ModifyVpcEndpointInput,
) -> Result<InterfaceEndpoint, ec2::Error> {
    let of_gateways = [&input.add_route_table_ids, &input.remove_route_table_ids];
    if of_gateways.iter().any(|it| !listed(it).is_empty()) {
        return Err(invalid("Route tables are for endpoints of the type Gateway."));
    }
    for id in interfaces::groups(tx.state(), vpc, listed(&input.add_security_group_ids))? {
        if !it.security_groups.contains(&id) {
            it.security_groups.push(id);
        }
    }
    let removed = listed(&input.remove_security_group_ids);
    it.security_groups.retain(|id| !removed.contains(id));
    if it.security_groups.is_empty() {
        return Err(invalid(
            "An endpoint of the type Interface needs a security group.",
        ));
    }
    // First those that go: another of their zone may come.
    for id in listed(&input.remove_subnet_ids) {
        interfaces::remove(tx, &mut it, id)?;
    }
    for id in listed(&input.add_subnet_ids) {
        interfaces::add(tx, vpc, &endpoint.id, &mut it, id)?;
    }
    interfaces::follow_groups(tx, &it);
    if let Some(wanted) = input.private_dns_enabled {
        if wanted && !it.has_private_dns {
            let service = of_name(&vpc.scope.region, &endpoint.service_name)?;
            interfaces::check_private_dns(tx.state(), vpc, &endpoint.id, service)?;
        }
        it.has_private_dns = wanted;
    }
    Ok(it)
}
