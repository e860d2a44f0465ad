//! Amazon EC2, as far as networks go.

mod account;
mod addresses;
mod client_tokens;
mod dhcp_options;
mod egress_only_internet_gateways;
mod filters;
mod interfaces;
mod internet_gateways;
mod nat_gateways;
mod network_acls;
mod prefix_lists;
mod ranges;
mod resources;
mod route_associations;
mod route_tables;
mod routes;
mod security_groups;
mod select;
mod stretches;
mod subnets;
mod tags;
#[cfg(test)]
mod tests;
mod vpc_endpoints;
mod vpcs;
mod vpn_gateways;
mod zones;

pub use account::{describe_account_attributes, describe_regions};
pub use addresses::{
    allocate_address, associate_address, describe_addresses, describe_addresses_attribute,
    disassociate_address, release_address,
};
pub use dhcp_options::{
    associate_dhcp_options, create_dhcp_options, delete_dhcp_options, describe_dhcp_options,
};
pub use egress_only_internet_gateways::{
    create_egress_only_internet_gateway, delete_egress_only_internet_gateway,
    describe_egress_only_internet_gateways,
};
pub use interfaces::{
    assign_private_ip_addresses, attach_network_interface, create_network_interface,
    delete_network_interface, describe_network_interface_attribute, describe_network_interfaces,
    detach_network_interface, modify_network_interface_attribute, unassign_private_ip_addresses,
};
pub use internet_gateways::{
    attach_internet_gateway, create_internet_gateway, delete_internet_gateway, describe_internet_gateways,
    detach_internet_gateway,
};
pub use nat_gateways::{create_nat_gateway, delete_nat_gateway, describe_nat_gateways};
pub use network_acls::{
    create_network_acl, create_network_acl_entry, delete_network_acl, delete_network_acl_entry,
    describe_network_acls, replace_network_acl_association, replace_network_acl_entry,
};
pub use prefix_lists::{
    create_managed_prefix_list, delete_managed_prefix_list, describe_managed_prefix_lists,
    describe_prefix_lists, get_managed_prefix_list_associations, get_managed_prefix_list_entries,
    modify_managed_prefix_list, restore_managed_prefix_list_version,
};
pub use route_associations::{
    associate_route_table, disassociate_route_table, replace_route_table_association,
};
pub use route_tables::{create_route_table, delete_route_table, describe_route_tables};
pub use routes::{create_route, delete_route, replace_route};
pub use security_groups::{
    authorize_security_group_egress, authorize_security_group_ingress, create_security_group,
    delete_security_group, describe_security_group_references, describe_security_group_rules,
    describe_security_groups, describe_stale_security_groups, get_security_groups_for_vpc,
    modify_security_group_rules, revoke_security_group_egress, revoke_security_group_ingress,
    update_security_group_rule_descriptions_egress, update_security_group_rule_descriptions_ingress,
};
pub use subnets::{
    create_default_subnet, create_subnet, delete_subnet, describe_subnets, modify_subnet_attribute,
};
pub use tags::{create_tags, delete_tags, describe_tags};
pub use vpc_endpoints::{
    create_vpc_endpoint, delete_vpc_endpoints, describe_vpc_endpoint_services, describe_vpc_endpoints,
    modify_vpc_endpoint,
};
pub use vpcs::{
    associate_vpc_cidr_block, create_default_vpc, create_vpc, delete_vpc, describe_vpc_attribute,
    describe_vpcs, disassociate_vpc_cidr_block, modify_vpc_attribute, modify_vpc_tenancy,
};
pub use vpn_gateways::{
    describe_vpc_classic_link, describe_vpc_classic_link_dns_support, describe_vpn_gateways,
};
pub use zones::describe_availability_zones;

use api::ec2;
use store::TransactError;

/// Errors of Amazon EC2 are codes of its documentation:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
fn refusal(code: &'static str, message: impl Into<String>) -> ec2::Error {
    ec2::Error {
        status: 400,
        code,
        message: message.into(),
    }
}

fn invalid_value(message: impl Into<String>) -> ec2::Error {
    refusal("InvalidParameterValue", message)
}

/// What is not given.
fn missing(parameter: &str) -> ec2::Error {
    refusal(
        "MissingParameter",
        format!("The request must contain the parameter {parameter}"),
    )
}

/// What Gantry does not do: `UnsupportedOperation` with a reason.
fn unsupported(message: impl Into<String>) -> ec2::Error {
    refusal("UnsupportedOperation", message)
}

/// What a transaction's end becomes.
fn from_store(error: TransactError<ec2::Error>) -> ec2::Error {
    match error {
        TransactError::Refused(refusal) => refusal,
        TransactError::Unavailable(error) => {
            tracing::error!(%error, "the store failed");
            ec2::Error {
                status: 500,
                code: "InternalError",
                message: format!("The server could not store the change ({error})."),
            }
        }
    }
}

/// Whoever only asks whether the call is allowed is told so, by an error.
fn check_dry_run(dry_run: Option<bool>) -> Result<(), ec2::Error> {
    match dry_run {
        Some(true) => Err(ec2::Error {
            status: 412,
            code: "DryRunOperation",
            message: "Request would have succeeded, but DryRun flag is set.".to_owned(),
        }),
        Some(false) | None => Ok(()),
    }
}
