//! Questions about security groups of other VPCs, of which there are none that could be asked about: no VPC here is
//! joined to another.

use api::ec2;
use domain::security_group::SecurityGroup;
use domain::vpc::Vpc;

use crate::call::Call;
use crate::handlers::ec2::filters::Rule;
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::select::{Listing, describe};
use crate::handlers::ec2::{check_dry_run, missing, tags};

/// `DescribeSecurityGroupReferences`: VPCs on the other side of a connection that refer to groups. There are none.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidGroupId.Malformed, MissingParameter, DryRunOperation.
pub async fn describe_security_group_references(
    call: Call<ec2::DescribeSecurityGroupReferences>,
) -> Result<ec2::DescribeSecurityGroupReferencesOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    if input.group_id.is_empty() {
        return Err(missing("groupId"));
    }
    check_dry_run(input.dry_run)?;
    call.access().store().read(|state| {
        let mut ids = input.group_id.iter();
        ids.try_for_each(|id| require::<SecurityGroup>(state, scope, id).map(drop))
    })?;
    Ok(ec2::DescribeSecurityGroupReferencesOutput {
        security_group_reference_set: Some(Vec::new()),
    })
}

/// `DescribeStaleSecurityGroups`: rules that refer to what a deleted connection led to. There are none.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, DryRunOperation.
pub async fn describe_stale_security_groups(
    call: Call<ec2::DescribeStaleSecurityGroups>,
) -> Result<ec2::DescribeStaleSecurityGroupsOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    check_dry_run(input.dry_run)?;
    call.access()
        .store()
        .read(|state| require::<Vpc>(state, scope, &input.vpc_id))?;
    Ok(ec2::DescribeStaleSecurityGroupsOutput {
        next_token: None,
        stale_security_group_set: Some(Vec::new()),
    })
}

const RULES: [Rule<ec2::SecurityGroupForVpc>; 5] = [
    Rule {
        names: &["group-id"],
        values: |it| it.group_id.iter().cloned().collect(),
    },
    Rule {
        names: &["description"],
        values: |it| it.description.iter().cloned().collect(),
    },
    Rule {
        names: &["group-name"],
        values: |it| it.group_name.iter().cloned().collect(),
    },
    Rule {
        names: &["owner-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["primary-vpc-id"],
        values: |it| it.primary_vpc_id.iter().cloned().collect(),
    },
];

/// `GetSecurityGroupsForVpc`: its own, as none is shared.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn get_security_groups_for_vpc(
    call: Call<ec2::GetSecurityGroupsForVpc>,
) -> Result<ec2::GetSecurityGroupsForVpcOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    let vpc = call
        .access()
        .store()
        .read(|state| require::<Vpc>(state, scope, &input.vpc_id))?;
    let listing = Listing {
        ids: None,
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (groups, next_token) = describe(&call, &SecurityGroup::KIND, &RULES, &listing, |state| {
        let own = state.security_groups(scope).filter(|it| it.vpc_id == vpc.id);
        own.map(|it| (it.id.clone(), rendered(it))).collect()
    })?;
    Ok(ec2::GetSecurityGroupsForVpcOutput {
        next_token,
        security_group_for_vpcs: Some(groups),
    })
}

fn rendered(it: &SecurityGroup) -> ec2::SecurityGroupForVpc {
    ec2::SecurityGroupForVpc {
        description: Some(it.description.clone()),
        group_id: Some(it.id.clone()),
        group_name: Some(it.name.clone()),
        owner_id: Some(it.scope.account.clone()),
        primary_vpc_id: Some(it.vpc_id.clone()),
        tags: tags::render(&it.tags),
    }
}
