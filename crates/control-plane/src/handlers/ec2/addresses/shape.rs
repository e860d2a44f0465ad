//! How an elastic address is told and found.

use api::ec2;
use domain::elastic_address::{AddressHolder, ElasticAddress};
use domain::nat_gateway::NatGateway;
use store::State;

use super::AMAZON_POOL;
use crate::handlers::ec2::filters::Rule;
use crate::handlers::ec2::tags;

/// Filters of DescribeAddresses. There are no instances.
pub const RULES: [Rule<ec2::Address>; 9] = [
    Rule {
        names: &["allocation-id"],
        values: |it| it.allocation_id.iter().cloned().collect(),
    },
    Rule {
        names: &["association-id"],
        values: |it| it.association_id.iter().cloned().collect(),
    },
    Rule {
        names: &["domain"],
        values: |it| it.domain.iter().map(|it| it.as_str().to_owned()).collect(),
    },
    Rule {
        names: &["network-border-group"],
        values: |it| it.network_border_group.iter().cloned().collect(),
    },
    Rule {
        names: &["network-interface-id"],
        values: |it| it.network_interface_id.iter().cloned().collect(),
    },
    Rule {
        names: &["network-interface-owner-id"],
        values: |it| it.network_interface_owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["private-ip-address"],
        values: |it| it.private_ip_address.iter().cloned().collect(),
    },
    Rule {
        names: &["public-ip"],
        values: |it| it.public_ip.iter().cloned().collect(),
    },
    Rule {
        names: &["instance-id"],
        values: |_| Vec::new(),
    },
];

/// An elastic address as Amazon tells it.
pub fn rendered(state: &State, it: &ElasticAddress) -> ec2::Address {
    let association = it.association.as_ref();
    let interface = association.and_then(|it| match &it.holder {
        AddressHolder::NetworkInterface(id) => Some(id.clone()),
        AddressHolder::NatGateway(id) => {
            let gateway = state.get::<NatGateway>(id);
            gateway.map(|it| it.network_interface_id.clone())
        }
    });
    ec2::Address {
        allocation_id: Some(it.id.clone()),
        public_ip: Some(it.address.to_string()),
        domain: Some(ec2::DomainType::Vpc),
        network_border_group: Some(it.scope.region.clone()),
        public_ipv4_pool: Some(AMAZON_POOL.to_owned()),
        association_id: association.map(|it| it.id.clone()),
        private_ip_address: association.map(|it| it.private_address.to_string()),
        network_interface_owner_id: interface.as_ref().map(|_| it.scope.account.clone()),
        network_interface_id: interface,
        tags: tags::render(&it.tags),
        ..ec2::Address::default()
    }
}
