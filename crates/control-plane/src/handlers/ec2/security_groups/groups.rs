//! Making and deleting security groups.

use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::security_group::{DEFAULT_NAME, Peer, SecurityGroup, SecurityGroupRule};
use domain::vpc::Vpc;
use store::State;

use super::is_plain;
use crate::call::Call;
use crate::handlers::ec2::interfaces;
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::vpcs::default_vpc;
use crate::handlers::ec2::{check_dry_run, from_store, invalid_value, missing, refusal, tags};

/// Most security groups of a region, as Amazon has it.
const GROUPS_MAX: usize = 2500;
/// Most letters of a name or description.
const TEXT_MAX: usize = 255;

/// `CreateSecurityGroup`: nothing may come, everything may go.
///
/// # Errors
/// InvalidGroup.Duplicate, InvalidVpcID.NotFound, VPCIdNotSpecified, SecurityGroupLimitExceeded,
/// InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn create_security_group(
    call: Call<ec2::CreateSecurityGroup>,
) -> Result<ec2::CreateSecurityGroupOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let name = super::trimmed(&input.group_name).to_owned();
    check_name(&name)?;
    check_text(&input.description, "GroupDescription")?;
    let tags = tags::of_new(input.tag_specifications.as_ref(), &SecurityGroup::RESOURCE_TYPE)?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        let vpc = vpc(tx.state(), &scope, input.vpc_id.as_deref())?;
        check_new(tx.state(), &vpc, &name)?;
        let outwards = SecurityGroupRule::everything_out(tx.ids().ec2("sgr"));
        Ok(tx.put(SecurityGroup {
            id: tx.ids().ec2("sg"),
            scope,
            vpc_id: vpc.id.clone(),
            name,
            description: input.description,
            rules: vec![outwards],
            tags,
        }))
    });
    let group: Arc<SecurityGroup> = created.await.map_err(from_store)?;
    Ok(ec2::CreateSecurityGroupOutput {
        group_id: Some(group.id.clone()),
        security_group_arn: Some(super::arn(&group)),
        tags: tags::render(&group.tags),
    })
}

fn check_name(name: &str) -> Result<(), ec2::Error> {
    check_text(name, "GroupName")?;
    if name.eq_ignore_ascii_case(DEFAULT_NAME) {
        return Err(invalid_value(format!(
            "Cannot use reserved security group name: {DEFAULT_NAME}"
        )));
    }
    if name.starts_with("sg-") {
        return Err(invalid_value(format!(
            "Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*."
        )));
    }
    Ok(())
}

fn check_text(given: &str, parameter: &str) -> Result<(), ec2::Error> {
    let invalid = |reason: &str| {
        Err(invalid_value(format!(
            "Value ({given}) for parameter {parameter} is invalid. {reason}"
        )))
    };
    if given.is_empty() {
        return Err(missing(parameter));
    }
    if given.chars().count() > TEXT_MAX {
        return invalid("It may have up to 255 characters.");
    }
    if !given.is_ascii() {
        return invalid("Character sets beyond ASCII are not supported.");
    }
    if !is_plain(given) {
        return invalid("Valid characters are a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*.");
    }
    Ok(())
}

fn vpc(state: &State, scope: &Scope, id: Option<&str>) -> Result<Arc<Vpc>, ec2::Error> {
    match id {
        Some(id) => require::<Vpc>(state, scope, id),
        None => default_vpc(state, scope)
            .cloned()
            .ok_or_else(|| refusal("VPCIdNotSpecified", "No default VPC for this user")),
    }
}

fn check_new(state: &State, vpc: &Vpc, name: &str) -> Result<(), ec2::Error> {
    let groups = state.security_groups(&vpc.scope);
    let mut count = 0;
    for it in groups {
        if it.vpc_id == vpc.id && super::is_called(it, name) {
            return Err(refusal(
                "InvalidGroup.Duplicate",
                format!("The security group '{name}' already exists for VPC '{}'", vpc.id),
            ));
        }
        count += 1;
    }
    if count >= GROUPS_MAX {
        return Err(refusal(
            "SecurityGroupLimitExceeded",
            "The maximum number of security groups has been reached.",
        ));
    }
    Ok(())
}

/// `DeleteSecurityGroup`: if no network interface is a member, and no rule of another group speaks of it.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidGroupId.Malformed, CannotDelete, DependencyViolation, MissingParameter,
/// DryRunOperation.
pub async fn delete_security_group(
    call: Call<ec2::DeleteSecurityGroup>,
) -> Result<ec2::DeleteSecurityGroupOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let (id, name) = (input.group_id.as_deref(), input.group_name.as_deref());
        let group = super::named_or_default(tx.state(), &scope, id, name)?;
        if group.name == DEFAULT_NAME {
            return Err(refusal(
                "CannotDelete",
                format!(
                    "the specified group: \"{}\" name: \"{DEFAULT_NAME}\" cannot be deleted by a user",
                    group.id
                ),
            ));
        }
        if is_used(tx.state(), &group) {
            return Err(refusal(
                "DependencyViolation",
                format!("resource {} has a dependent object", group.id),
            ));
        }
        tx.delete::<SecurityGroup>(&group.id);
        Ok(group.id.clone())
    });
    let id = deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteSecurityGroupOutput {
        group_id: Some(id),
        r#return: Some(true),
    })
}

fn is_used(state: &State, group: &SecurityGroup) -> bool {
    let itself = Peer::SecurityGroup(group.id.clone());
    let mut others = state.security_groups(&group.scope).filter(|it| it.id != group.id);
    others.any(|it| it.rules.iter().any(|rule| rule.peer == itself))
        || interfaces::has_member(state, &group.scope, &group.id)
}
