//! VPCs.

use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::vpc::Vpc;
use store::State;

use super::filters::Rule;
use super::resources::Resource;
use super::select::{Listing, describe};
use super::tags;
use crate::call::Call;

mod attributes;
mod write;

pub use attributes::{
    associate_vpc_cidr_block, describe_vpc_attribute, disassociate_vpc_cidr_block, modify_vpc_attribute,
    modify_vpc_tenancy,
};
pub use write::{create_default_vpc, create_vpc, delete_vpc};

/// Filters on ranges that no VPC here has match nothing.
const RULES: [Rule<ec2::Vpc>; 9] = [
    Rule {
        names: &["vpc-id", "vpcId"],
        values: |it| it.vpc_id.iter().cloned().collect(),
    },
    Rule {
        names: &[
            "cidr",
            "cidr-block",
            "cidrBlock",
            "cidr-block-association.cidr-block",
        ],
        values: |it| it.cidr_block.iter().cloned().collect(),
    },
    Rule {
        names: &["cidr-block-association.association-id"],
        values: |it| {
            let all = it.cidr_block_association_set.iter().flatten();
            all.filter_map(|it| it.association_id.clone()).collect()
        },
    },
    Rule {
        names: &["cidr-block-association.state"],
        values: |_| vec!["associated".to_owned()],
    },
    Rule {
        names: &["dhcp-options-id", "dhcpOptionsId"],
        values: |it| it.dhcp_options_id.iter().cloned().collect(),
    },
    Rule {
        names: &["is-default", "isDefault"],
        values: |it| it.is_default.iter().map(bool::to_string).collect(),
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
            "ipv6-cidr-block-association.ipv6-cidr-block",
            "ipv6-cidr-block-association.ipv6-pool",
            "ipv6-cidr-block-association.association-id",
            "ipv6-cidr-block-association.state",
        ],
        values: |_| Vec::new(),
    },
];

/// `DescribeVpcs`.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_vpcs(call: Call<ec2::DescribeVpcs>) -> Result<ec2::DescribeVpcsOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.vpc_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (vpcs, next_token) = describe(&call, &Vpc::KIND, &RULES, &listing, |state| {
        let vpcs = state.vpcs(call.scope());
        vpcs.map(|it| (it.id.clone(), rendered(state, it))).collect()
    })?;
    Ok(ec2::DescribeVpcsOutput {
        vpcs: Some(vpcs),
        next_token,
    })
}

/// A VPC as Amazon tells it.
pub(super) fn rendered(state: &State, it: &Vpc) -> ec2::Vpc {
    let mut options = state.dhcp_options(&it.scope);
    let options = options.find(|options| options.vpc_ids.contains(&it.id));
    let options = options.map(|it| it.id.clone());
    let cidr = it.cidr.to_string();
    let association = ec2::VpcCidrBlockAssociation {
        association_id: Some(association_id(it)),
        cidr_block: Some(cidr.clone()),
        cidr_block_state: Some(ec2::VpcCidrBlockState {
            state: Some(ec2::VpcCidrBlockStateCode::Associated),
            status_message: None,
        }),
    };
    ec2::Vpc {
        vpc_id: Some(it.id.clone()),
        owner_id: Some(it.scope.account.clone()),
        state: Some(ec2::VpcState::Available),
        cidr_block: Some(cidr),
        cidr_block_association_set: Some(vec![association]),
        // Amazon's word for a VPC without a set of its own.
        dhcp_options_id: Some(options.unwrap_or_else(|| "default".to_owned())),
        instance_tenancy: Some(ec2::Tenancy::Default),
        is_default: Some(it.is_default),
        tags: tags::render(&it.tags),
        block_public_access_states: Some(super::subnets::block_public_access()),
        ..ec2::Vpc::default()
    }
}

/// That of the range that a VPC is made with.
fn association_id(it: &Vpc) -> String {
    it.id.replacen("vpc-", "vpc-cidr-assoc-", 1)
}

/// The one that every account has, unless it was deleted.
pub fn default_vpc<'a>(state: &'a State, scope: &Scope) -> Option<&'a Arc<Vpc>> {
    state.vpcs(scope).find(|it| it.is_default)
}
