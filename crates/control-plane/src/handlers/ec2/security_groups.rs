//! Security groups: how they are shown and found.

use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::network_traffic::Direction;
use domain::security_group::{SecurityGroup, SecurityGroupRule};
use store::State;

use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::vpcs::default_vpc;
use super::{missing, refusal, tags};
use crate::call::Call;

mod asked;
mod authorize;
mod change;
mod descriptions;
mod filters;
mod groups;
mod permissions;
mod references;
mod rules;
#[cfg(test)]
mod tests;
mod traffic;

pub use authorize::{
    authorize_security_group_egress, authorize_security_group_ingress, revoke_security_group_egress,
    revoke_security_group_ingress,
};
pub use descriptions::{
    update_security_group_rule_descriptions_egress, update_security_group_rule_descriptions_ingress,
};
pub use groups::{create_security_group, delete_security_group};
pub use references::{
    describe_security_group_references, describe_stale_security_groups, get_security_groups_for_vpc,
};
pub use rules::{describe_security_group_rules, modify_security_group_rules};

/// `DescribeSecurityGroups`.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidGroupId.Malformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_security_groups(
    call: Call<ec2::DescribeSecurityGroups>,
) -> Result<ec2::DescribeSecurityGroupsOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    let names = input.group_names.as_deref().unwrap_or_default();
    let named = call.access().store().read(|state| {
        let named = names.iter().map(|name| of_name(state, scope, name));
        named
            .map(|it| it.map(|it| it.id.clone()))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let listing = Listing {
        ids: input.group_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (groups, next_token) = describe(&call, &SecurityGroup::KIND, &filters::RULES, &listing, |state| {
        let groups = state.security_groups(scope);
        let wanted = groups.filter(|it| names.is_empty() || named.contains(&it.id));
        wanted.map(|it| (it.id.clone(), rendered(it))).collect()
    })?;
    Ok(ec2::DescribeSecurityGroupsOutput {
        security_groups: Some(groups),
        next_token,
    })
}

/// Names are looked for in the default VPC only.
fn of_name(state: &State, scope: &Scope, name: &str) -> Result<Arc<SecurityGroup>, ec2::Error> {
    let vpc = default_vpc(state, scope);
    let vpc = vpc.map_or("null", |it| it.id.as_str());
    named_in(state, scope, vpc, name).cloned().ok_or_else(|| {
        refusal(
            SecurityGroup::KIND.not_found,
            format!("The security group '{name}' does not exist in default VPC '{vpc}'"),
        )
    })
}

/// The group of that name in a VPC: the very one, should an earlier version have let names differ in their case alone.
fn named_in<'a>(state: &'a State, scope: &Scope, vpc: &str, name: &str) -> Option<&'a Arc<SecurityGroup>> {
    let in_vpc = || state.security_groups(scope).filter(|it| it.vpc_id == vpc);
    in_vpc()
        .find(|it| it.name == name)
        .or_else(|| in_vpc().find(|it| is_called(it, name)))
}

/// Whether a group has that name: without regard to case, and to spaces at the end.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/creating-security-groups.html>
fn is_called(it: &SecurityGroup, name: &str) -> bool {
    it.name.eq_ignore_ascii_case(trimmed(name))
}

/// A name as it is kept: without spaces at its end.
fn trimmed(name: &str) -> &str {
    name.trim_end_matches(' ')
}

/// The group of an id, or else of a name in the default VPC.
fn named_or_default(
    state: &State,
    scope: &Scope,
    id: Option<&str>,
    name: Option<&str>,
) -> Result<Arc<SecurityGroup>, ec2::Error> {
    match (id, name) {
        (Some(id), _) => require::<SecurityGroup>(state, scope, id),
        (None, Some(name)) => of_name(state, scope, name),
        (None, None) => Err(missing("groupName or groupId")),
    }
}

fn arn(it: &SecurityGroup) -> String {
    let Scope { account, region } = &it.scope;
    format!("arn:aws:ec2:{region}:{account}:security-group/{}", it.id)
}

/// A group as Amazon shows it.
pub(super) fn rendered(it: &SecurityGroup) -> ec2::SecurityGroup {
    let account = &it.scope.account;
    let of = |direction| {
        let own = it.rules.iter().filter(|it| it.direction == direction);
        let own: Vec<&SecurityGroupRule> = own.collect();
        Some(permissions::render(&own, account))
    };
    ec2::SecurityGroup {
        group_id: Some(it.id.clone()),
        group_name: Some(it.name.clone()),
        description: Some(it.description.clone()),
        owner_id: Some(account.clone()),
        vpc_id: Some(it.vpc_id.clone()),
        security_group_arn: Some(arn(it)),
        ip_permissions: of(Direction::Ingress),
        ip_permissions_egress: of(Direction::Egress),
        tags: tags::render(&it.tags),
    }
}

/// Whether a text has only letters that Amazon lets names and descriptions of groups have.
fn is_plain(text: &str) -> bool {
    let is_one = |it: char| it.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(it);
    text.chars().all(is_one)
}
