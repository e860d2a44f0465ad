//! How a NAT gateway is told and found.

use api::ec2;
use domain::nat_gateway::{NatConnectivity, NatGateway};

use crate::handlers::ec2::filters::Rule;
use crate::handlers::ec2::tags;

/// Filters of DescribeNatGateways.
pub const RULES: [Rule<ec2::NatGateway>; 4] = [
    Rule {
        names: &["nat-gateway-id"],
        values: |it| it.nat_gateway_id.iter().cloned().collect(),
    },
    Rule {
        names: &["state"],
        values: |it| it.state.iter().map(|it| it.as_str().to_owned()).collect(),
    },
    Rule {
        names: &["subnet-id"],
        values: |it| it.subnet_id.iter().cloned().collect(),
    },
    Rule {
        names: &["vpc-id"],
        values: |it| it.vpc_id.iter().cloned().collect(),
    },
];

/// A NAT gateway as Amazon tells it.
pub fn rendered(it: &NatGateway) -> ec2::NatGateway {
    let allocation = match &it.connectivity {
        NatConnectivity::Public(allocation) => Some(allocation),
        NatConnectivity::Private => None,
    };
    let address = ec2::NatGatewayAddress {
        allocation_id: allocation.map(|it| it.allocation_id.clone()),
        association_id: allocation.map(|it| it.association_id.clone()),
        public_ip: allocation.map(|it| it.address.to_string()),
        private_ip: Some(it.private_address.to_string()),
        network_interface_id: Some(it.network_interface_id.clone()),
        is_primary: Some(true),
        status: Some(ec2::NatGatewayAddressStatus::Succeeded),
        ..ec2::NatGatewayAddress::default()
    };
    ec2::NatGateway {
        nat_gateway_id: Some(it.id.clone()),
        vpc_id: Some(it.vpc_id.clone()),
        subnet_id: Some(it.subnet_id.clone()),
        connectivity_type: Some(match allocation {
            Some(_) => ec2::ConnectivityType::Public,
            None => ec2::ConnectivityType::Private,
        }),
        state: Some(match it.is_available() {
            true => ec2::NatGatewayState::Available,
            false => ec2::NatGatewayState::Deleted,
        }),
        create_time: Some(it.created_at),
        delete_time: it.deleted_at,
        nat_gateway_addresses: Some(vec![address]),
        availability_mode: Some(ec2::AvailabilityMode::Zonal),
        tags: tags::render(&it.tags),
        ..ec2::NatGateway::default()
    }
}
