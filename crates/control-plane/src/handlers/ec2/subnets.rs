//! Subnets.

use api::ec2;
use domain::vpc::Subnet;
use store::State;

use super::filters::Rule;
use super::resources::Resource;
use super::select::{Listing, describe};
use super::tags;
use super::zones::zone_id;
use crate::call::Call;

mod modify;
mod write;

pub use modify::modify_subnet_attribute;
pub use write::{create_default_subnet, create_subnet, delete_subnet};

/// Filters on what no subnet here has match nothing.
const RULES: [Rule<ec2::Subnet>; 17] = [
    Rule {
        names: &["subnet-id", "subnetId"],
        values: |it| it.subnet_id.iter().cloned().collect(),
    },
    Rule {
        names: &["subnet-arn"],
        values: |it| it.subnet_arn.iter().cloned().collect(),
    },
    Rule {
        names: &["vpc-id", "vpcId"],
        values: |it| it.vpc_id.iter().cloned().collect(),
    },
    Rule {
        names: &["availability-zone", "availabilityZone"],
        values: |it| it.availability_zone.iter().cloned().collect(),
    },
    Rule {
        names: &["availability-zone-id", "availabilityZoneId"],
        values: |it| it.availability_zone_id.iter().cloned().collect(),
    },
    Rule {
        names: &["available-ip-address-count"],
        values: |it| it.available_ip_address_count.iter().map(i32::to_string).collect(),
    },
    Rule {
        names: &["cidr-block", "cidr", "cidrBlock"],
        values: |it| it.cidr_block.iter().cloned().collect(),
    },
    Rule {
        names: &["default-for-az", "defaultForAz"],
        values: |it| it.default_for_az.iter().map(bool::to_string).collect(),
    },
    Rule {
        names: &["map-public-ip-on-launch"],
        values: |it| it.map_public_ip_on_launch.iter().map(bool::to_string).collect(),
    },
    Rule {
        names: &["enable-dns64"],
        values: |it| it.enable_dns64.iter().map(bool::to_string).collect(),
    },
    Rule {
        names: &["ipv6-native"],
        values: |it| it.ipv6_native.iter().map(bool::to_string).collect(),
    },
    Rule {
        names: &["map-customer-owned-ip-on-launch"],
        values: |it| {
            let it = it.map_customer_owned_ip_on_launch;
            it.iter().map(bool::to_string).collect()
        },
    },
    Rule {
        names: &["owner-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["state"],
        values: |it| it.state.iter().map(|it| it.as_str().to_owned()).collect(),
    },
    Rule {
        names: &[
            "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
            "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
        ],
        values: |_| vec!["false".to_owned()],
    },
    Rule {
        names: &["private-dns-name-options-on-launch.hostname-type"],
        values: |_| vec!["ip-name".to_owned()],
    },
    Rule {
        names: &[
            "customer-owned-ipv4-pool",
            "enable-lni-at-device-index",
            "ipv6-cidr-block-association.association-id",
            "ipv6-cidr-block-association.ipv6-cidr-block",
            "ipv6-cidr-block-association.state",
            "outpost-arn",
        ],
        values: |_| Vec::new(),
    },
];

/// `DescribeSubnets`.
///
/// # Errors
/// InvalidSubnetID.NotFound, InvalidSubnetID.Malformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_subnets(
    call: Call<ec2::DescribeSubnets>,
) -> Result<ec2::DescribeSubnetsOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.subnet_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (subnets, next_token) = describe(&call, &Subnet::KIND, &RULES, &listing, |state| {
        let subnets = state.subnets(call.scope());
        subnets.map(|it| (it.id.clone(), rendered(state, it))).collect()
    })?;
    Ok(ec2::DescribeSubnetsOutput {
        subnets: Some(subnets),
        next_token,
    })
}

/// A subnet as Amazon tells it.
pub(super) fn rendered(state: &State, it: &Subnet) -> ec2::Subnet {
    let free = it
        .assignable()
        .count()
        .saturating_sub(state.addresses_in_use(&it.id).len());
    ec2::Subnet {
        subnet_id: Some(it.id.clone()),
        subnet_arn: Some(format!(
            "arn:aws:ec2:{}:{}:subnet/{}",
            it.scope.region, it.scope.account, it.id
        )),
        owner_id: Some(it.scope.account.clone()),
        vpc_id: Some(it.vpc_id.clone()),
        state: Some(ec2::SubnetState::Available),
        cidr_block: Some(it.cidr.to_string()),
        available_ip_address_count: i32::try_from(free).ok(),
        availability_zone_id: Some(zone_id(&it.availability_zone)),
        availability_zone: Some(it.availability_zone.clone()),
        default_for_az: Some(it.is_default),
        map_public_ip_on_launch: Some(it.maps_public_ip_on_launch),
        map_customer_owned_ip_on_launch: Some(false),
        assign_ipv6_address_on_creation: Some(false),
        ipv6_cidr_block_association_set: Some(Vec::new()),
        ipv6_native: Some(false),
        enable_dns64: Some(false),
        private_dns_name_options_on_launch: Some(ec2::PrivateDnsNameOptionsOnLaunch {
            hostname_type: Some(ec2::HostnameType::IpName),
            enable_resource_name_dns_a_record: Some(false),
            enable_resource_name_dns_aaaa_record: Some(false),
        }),
        block_public_access_states: Some(block_public_access()),
        tags: tags::render(&it.tags),
        ..ec2::Subnet::default()
    }
}

/// Nothing is blocked unless an account asks for it.
pub(super) fn block_public_access() -> ec2::BlockPublicAccessStates {
    ec2::BlockPublicAccessStates {
        internet_gateway_block_mode: Some(ec2::BlockPublicAccessMode::Off),
    }
}
