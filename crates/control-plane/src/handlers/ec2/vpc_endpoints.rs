//! VPC endpoints: made, changed, deleted, told. They are available at once. Nothing is behind their addresses: tasks
//! reach the services that Gantry speaks at its own endpoint, with or without one.

use api::ec2;
use domain::Scope;
use domain::vpc::Vpc;
use domain::vpc_endpoint::{DnsRecordIpType, EndpointKind, InterfaceEndpoint, VpcEndpoint};
use store::Tx;

use super::client_tokens::{client_request, earlier};
use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::{check_dry_run, from_store, refusal, tags, unsupported};
use crate::call::Call;

mod gateway;
mod interfaces;
mod modify;
mod names;
mod policy;
mod services;
mod shape;

pub use modify::modify_vpc_endpoint;
pub use services::describe_vpc_endpoint_services;
use services::{EndpointService, of_name};
use shape::{RULES, rendered};

/// What DeleteVpcEndpoints calls an endpoint that is not there:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
const NOT_FOUND_TO_DELETE: &str = "InvalidVpcEndpoint.NotFound";

/// What Amazon says of parameters of endpoints that do not fit.
fn invalid(message: impl Into<String>) -> ec2::Error {
    refusal("InvalidParameter", message)
}

/// `DescribeVpcEndpoints`.
///
/// # Errors
/// InvalidVpcEndpointId.NotFound, InvalidVpcEndpointId.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_vpc_endpoints(
    call: Call<ec2::DescribeVpcEndpoints>,
) -> Result<ec2::DescribeVpcEndpointsOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.vpc_endpoint_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (endpoints, next_token) = describe(&call, &VpcEndpoint::KIND, &RULES, &listing, |state| {
        let endpoints = state.vpc_endpoints(call.scope());
        endpoints.map(|it| (it.id.clone(), rendered(state, it))).collect()
    })?;
    Ok(ec2::DescribeVpcEndpointsOutput {
        vpc_endpoints: Some(endpoints),
        next_token,
    })
}

/// `CreateVpcEndpoint`, of the kinds Gateway and Interface; with a token that was used, the endpoint that it made.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidServiceName, InvalidParameter, InvalidRouteTableID.NotFound, RouteAlreadyExists,
/// InvalidSubnetID.NotFound, InvalidGroup.NotFound, DuplicateSubnetsInSameZone, InsufficientFreeAddressesInSubnet,
/// InvalidPolicyDocument, IdempotentParameterMismatch, UnsupportedOperation, DryRunOperation.
pub async fn create_vpc_endpoint(
    call: Call<ec2::CreateVpcEndpoint>,
) -> Result<ec2::CreateVpcEndpointOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let service = service(&scope, &input)?;
    let is_gateway = is_gateway(service, &input)?;
    let record_ip_type = names::record_ip_type(input.dns_options.as_ref())?;
    if is_gateway {
        names::check_of_gateway(record_ip_type)?;
    }
    let policy = policy::check(input.policy_document.as_deref())?;
    let tags = tags::of_new(input.tag_specifications.as_ref(), &VpcEndpoint::RESOURCE_TYPE)?;
    let request = client_request(input.client_token.as_ref(), &input)?;
    check_dry_run(input.dry_run)?;
    let token = input.client_token.clone();
    let created = call.access().store().transact(move |tx| {
        if let Some(earlier) = earlier::<VpcEndpoint>(tx.state(), &scope, request.as_ref())? {
            return Ok(rendered(tx.state(), &earlier));
        }
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        let service_name = service.name(&scope.region);
        let id = tx.ids().ec2("vpce");
        let kind = match is_gateway {
            true => {
                let tables = input.route_table_ids.as_deref().unwrap_or_default();
                gateway::lead(tx, &vpc, &id, &service_name, tables)?;
                EndpointKind::Gateway
            }
            false => EndpointKind::Interface(InterfaceEndpoint {
                dns_record_ip_type: record_ip_type.unwrap_or_default(),
                ..interface_endpoint(tx, &vpc, &id, service, &input)?
            }),
        };
        let endpoint = tx.put(VpcEndpoint {
            id,
            scope,
            vpc_id: vpc.id.clone(),
            service_name,
            kind,
            policy,
            created_at: tx.now(),
            client_request: request,
            tags,
        });
        Ok(rendered(tx.state(), &endpoint))
    });
    Ok(ec2::CreateVpcEndpointOutput {
        vpc_endpoint: Some(created.await.map_err(from_store)?),
        client_token: token,
    })
}

/// The service that is named, if endpoints to it can be made as the rest says.
fn service(
    scope: &Scope,
    input: &ec2::CreateVpcEndpointInput,
) -> Result<&'static EndpointService, ec2::Error> {
    if input.resource_configuration_arn.is_some() || input.service_network_arn.is_some() {
        return Err(unsupported("VPC Lattice is not supported by Gantry."));
    }
    if input
        .service_region
        .as_ref()
        .is_some_and(|it| *it != scope.region)
    {
        return Err(unsupported(
            "Endpoints to other regions are not supported by Gantry.",
        ));
    }
    if !matches!(input.ip_address_type, None | Some(ec2::IpAddressType::Ipv4)) {
        return Err(unsupported("Endpoints of IPv6 are not supported by Gantry yet."));
    }
    let has_addresses = input
        .subnet_configurations
        .as_ref()
        .is_some_and(|it| !it.is_empty());
    if has_addresses {
        return Err(unsupported(
            "SubnetConfigurations is not supported by Gantry yet.",
        ));
    }
    let name = input.service_name.as_deref().unwrap_or_default();
    of_name(&scope.region, name)
}

fn is_gateway(service: &EndpointService, input: &ec2::CreateVpcEndpointInput) -> Result<bool, ec2::Error> {
    let wanted = input
        .vpc_endpoint_type
        .as_ref()
        .unwrap_or(&ec2::VpcEndpointType::Gateway);
    let is_gateway = match wanted {
        ec2::VpcEndpointType::Gateway if service.has_gateway() => true,
        ec2::VpcEndpointType::Interface => false,
        other => {
            return Err(invalid(format!(
                "Endpoint type ({}) does not match available service types ([{}]).",
                other.as_str(),
                service.types().join(", ")
            )));
        }
    };
    let is_given = |it: &Option<Vec<String>>| it.as_ref().is_some_and(|it| !it.is_empty());
    if is_gateway && (is_given(&input.subnet_ids) || is_given(&input.security_group_ids)) {
        return Err(invalid(
            "Subnets and security groups are for endpoints of the type Interface.",
        ));
    }
    if is_gateway && input.private_dns_enabled == Some(true) {
        return Err(invalid("Private DNS is for endpoints of the type Interface."));
    }
    if !is_gateway && is_given(&input.route_table_ids) {
        return Err(invalid("Route tables are for endpoints of the type Gateway."));
    }
    Ok(is_gateway)
}

fn interface_endpoint(
    tx: &mut Tx<'_>,
    vpc: &Vpc,
    id: &str,
    service: &EndpointService,
    input: &ec2::CreateVpcEndpointInput,
) -> Result<InterfaceEndpoint, ec2::Error> {
    let has_private_dns = input.private_dns_enabled.unwrap_or(true);
    if has_private_dns {
        interfaces::check_private_dns(tx.state(), vpc, id, service)?;
    }
    let given = input.security_group_ids.as_deref().unwrap_or_default();
    let security_groups = match given {
        [] => vec![vpc.default_security_group.clone()],
        given => interfaces::groups(tx.state(), vpc, given)?,
    };
    let mut endpoint = InterfaceEndpoint {
        interfaces: Vec::new(),
        security_groups,
        has_private_dns,
        dns_record_ip_type: DnsRecordIpType::default(),
    };
    for subnet_id in input.subnet_ids.iter().flatten() {
        interfaces::add(tx, vpc, id, &mut endpoint, subnet_id)?;
    }
    Ok(endpoint)
}

/// `DeleteVpcEndpoints`: with their interfaces and routes. What cannot be deleted is told one by one.
///
/// # Errors
/// MissingParameter, DryRunOperation.
pub async fn delete_vpc_endpoints(
    call: Call<ec2::DeleteVpcEndpoints>,
) -> Result<ec2::DeleteVpcEndpointsOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if input.vpc_endpoint_ids.is_empty() {
        return Err(super::missing("VpcEndpointId"));
    }
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let mut unsuccessful = Vec::new();
        for id in &input.vpc_endpoint_ids {
            if let Err(mut error) = delete(tx, &scope, id) {
                // Amazon calls it otherwise here than everywhere else.
                if error.code == VpcEndpoint::KIND.not_found {
                    error.code = NOT_FOUND_TO_DELETE;
                }
                unsuccessful.push(ec2::UnsuccessfulItem {
                    resource_id: Some(id.clone()),
                    error: Some(ec2::UnsuccessfulItemError {
                        code: Some(error.code.to_owned()),
                        message: Some(error.message),
                    }),
                });
            }
        }
        Ok(unsuccessful)
    });
    Ok(ec2::DeleteVpcEndpointsOutput {
        unsuccessful: Some(deleted.await.map_err(from_store)?),
    })
}

fn delete(tx: &mut Tx<'_>, scope: &Scope, id: &str) -> Result<(), ec2::Error> {
    let endpoint = require::<VpcEndpoint>(tx.state(), scope, id)?;
    for interface in endpoint.interfaces() {
        tx.delete::<domain::network_interface::NetworkInterface>(&interface.id);
    }
    gateway::leave_all(tx, &endpoint);
    tx.delete::<VpcEndpoint>(&endpoint.id);
    Ok(())
}
