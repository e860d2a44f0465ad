//! How a VPC endpoint is told and found.

use api::ec2;
use domain::security_group::SecurityGroup;
use domain::vpc_endpoint::{EndpointKind, InterfaceEndpoint, VpcEndpoint};
use store::State;

use super::policy::FULL_ACCESS;
use super::{gateway, names};
use crate::handlers::ec2::filters::Rule;
use crate::handlers::ec2::tags;

/// Filters of DescribeVpcEndpoints.
pub const RULES: [Rule<ec2::VpcEndpoint>; 7] = [
    Rule {
        names: &["vpc-endpoint-id"],
        values: |it| it.vpc_endpoint_id.iter().cloned().collect(),
    },
    Rule {
        names: &["vpc-id"],
        values: |it| it.vpc_id.iter().cloned().collect(),
    },
    Rule {
        names: &["service-name"],
        values: |it| it.service_name.iter().cloned().collect(),
    },
    Rule {
        names: &["service-region"],
        values: |it| it.service_region.iter().cloned().collect(),
    },
    Rule {
        names: &["vpc-endpoint-state"],
        values: |it| it.state.iter().map(|it| it.as_str().to_owned()).collect(),
    },
    Rule {
        names: &["vpc-endpoint-type"],
        values: |it| {
            it.vpc_endpoint_type
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect()
        },
    },
    Rule {
        names: &["ip-address-type"],
        values: |it| {
            it.ip_address_type
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect()
        },
    },
];

/// A VPC endpoint as Amazon tells it.
pub fn rendered(state: &State, it: &VpcEndpoint) -> ec2::VpcEndpoint {
    let interface = match &it.kind {
        EndpointKind::Gateway => None,
        EndpointKind::Interface(interface) => Some(interface),
    };
    ec2::VpcEndpoint {
        vpc_endpoint_id: Some(it.id.clone()),
        vpc_endpoint_type: Some(match interface {
            None => ec2::VpcEndpointType::Gateway,
            Some(_) => ec2::VpcEndpointType::Interface,
        }),
        vpc_id: Some(it.vpc_id.clone()),
        owner_id: Some(it.scope.account.clone()),
        service_name: Some(it.service_name.clone()),
        service_region: Some(it.scope.region.clone()),
        // The model says `Available`, Amazon answers in small letters.
        state: Some(ec2::State::Unmodelled("available".to_owned())),
        creation_timestamp: Some(it.created_at),
        policy_document: Some(it.policy.clone().unwrap_or_else(|| FULL_ACCESS.to_owned())),
        ip_address_type: Some(ec2::IpAddressType::Ipv4),
        requester_managed: Some(false),
        private_dns_enabled: Some(interface.is_some_and(|it| it.has_private_dns)),
        route_table_ids: Some(gateway::tables(state, it)),
        subnet_ids: Some(it.interfaces().iter().map(|it| it.subnet_id.clone()).collect()),
        network_interface_ids: Some(it.interfaces().iter().map(|it| it.id.clone()).collect()),
        groups: Some(interface.map(|it| groups(state, it)).unwrap_or_default()),
        dns_entries: Some(names::entries(state, it)),
        dns_options: Some(names::options(it)),
        tags: tags::render(&it.tags),
        ..ec2::VpcEndpoint::default()
    }
}

fn groups(state: &State, it: &InterfaceEndpoint) -> Vec<ec2::SecurityGroupIdentifier> {
    let one = |id: &String| ec2::SecurityGroupIdentifier {
        group_id: Some(id.clone()),
        group_name: state.get::<SecurityGroup>(id).map(|it| it.name.clone()),
    };
    it.security_groups.iter().map(one).collect()
}
