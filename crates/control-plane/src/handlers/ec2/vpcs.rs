//! VPCs.

use api::ec2;
use domain::vpc::Vpc;

use super::check_dry_run;
use super::filters::{Filters, Rule};
use super::select::{IdKind, Wanted, cut};
use crate::call::Call;

const ID: IdKind = IdKind {
    prefix: "vpc-",
    noun: "vpc ID",
    not_found: "InvalidVpcID.NotFound",
    malformed: "InvalidVpcID.Malformed",
};

/// Filters on ranges and tags that no VPC here has match nothing.
const RULES: [Rule<ec2::Vpc>; 10] = [
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
    Rule {
        names: &["tag:", "tag-key", "tag-value"],
        values: |_| Vec::new(),
    },
];

/// `DescribeVpcs`.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_vpcs(call: Call<ec2::DescribeVpcs>) -> Result<ec2::DescribeVpcsOutput, ec2::Error> {
    let input = call.input();
    let filters = Filters::of(&RULES, input.filters.as_ref())?;
    check_dry_run(input.dry_run)?;
    let all: Vec<_> = call.access().store().read(|state| {
        let vpcs = state.vpcs(call.scope());
        vpcs.map(|it| (it.id.clone(), rendered(it))).collect()
    });
    let mut chosen = ID.named(input.vpc_ids.as_ref(), all)?;
    chosen.retain(|(_, it)| filters.match_all(it));
    let wanted = Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let listing = format!(
        "DescribeVpcs {:?} {:?} {:?}",
        call.scope(),
        input.vpc_ids,
        input.filters
    );
    let (vpcs, next_token) = cut(call.access().page_key(), &wanted, &listing, chosen)?;
    Ok(ec2::DescribeVpcsOutput {
        vpcs: Some(vpcs),
        next_token,
    })
}

/// Every VPC here is its region's default one.
pub(super) fn rendered(it: &Vpc) -> ec2::Vpc {
    let cidr = it.cidr.to_string();
    let association = ec2::VpcCidrBlockAssociation {
        association_id: Some(it.id.replacen("vpc-", "vpc-cidr-assoc-", 1)),
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
        dhcp_options_id: Some("default".to_owned()),
        instance_tenancy: Some(ec2::Tenancy::Default),
        is_default: Some(true),
        block_public_access_states: Some(super::subnets::block_public_access()),
        ..ec2::Vpc::default()
    }
}
