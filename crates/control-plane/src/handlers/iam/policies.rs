//! Policies of roles, inline and attached.

use api::iam;
use domain::role::Role;

use super::errors::{
    check_name, check_policy, from_store, limit_exceeded, no_such_entity, require, validation,
};
use super::listing::cut;
use super::roles::encoded;
use crate::call::Call;

/// Longest name of a policy.
const NAME_MAX: usize = 128;
/// Characters of all inline policies of a role together.
const INLINE_MAX: usize = 10_240;
/// Policies attached to a role.
const ATTACHED_MAX: usize = 10;

/// `PutRolePolicy`.
///
/// # Errors
/// NoSuchEntity, MalformedPolicyDocument, LimitExceeded, ValidationError.
pub async fn put_role_policy(call: Call<iam::PutRolePolicy>) -> Result<iam::PutRolePolicyOutput, iam::Error> {
    let (account, input) = (call.scope().account.clone(), call.input().clone());
    check_name("policyName", &input.policy_name, NAME_MAX)?;
    check_policy(&input.policy_document)?;
    let put = call.access().store().transact(move |tx| {
        let mut role = require(tx.state(), &account, &input.role_name)?;
        role.inline_policies
            .insert(input.policy_name, input.policy_document);
        let letters = |it: &String| it.chars().filter(|it| !it.is_whitespace()).count();
        if role.inline_policies.values().map(letters).sum::<usize>() > INLINE_MAX {
            return Err(limit_exceeded(format!(
                "Maximum policy size of {INLINE_MAX} bytes exceeded for role {}",
                role.name
            )));
        }
        tx.put(role);
        Ok(())
    });
    put.await.map_err(from_store)?;
    Ok(iam::PutRolePolicyOutput {})
}

/// `GetRolePolicy`.
///
/// # Errors
/// NoSuchEntity.
pub async fn get_role_policy(call: Call<iam::GetRolePolicy>) -> Result<iam::GetRolePolicyOutput, iam::Error> {
    let (account, input) = (&call.scope().account, call.input());
    let role = call
        .access()
        .store()
        .read(|state| require(state, account, &input.role_name))?;
    let document = role.inline_policies.get(&input.policy_name);
    let document = document.ok_or_else(|| no_policy(&input.policy_name))?;
    Ok(iam::GetRolePolicyOutput {
        policy_document: encoded(document),
        policy_name: input.policy_name.clone(),
        role_name: role.name.clone(),
    })
}

fn no_policy(name: &str) -> iam::Error {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

/// `DeleteRolePolicy`.
///
/// # Errors
/// NoSuchEntity.
pub async fn delete_role_policy(
    call: Call<iam::DeleteRolePolicy>,
) -> Result<iam::DeleteRolePolicyOutput, iam::Error> {
    let (account, input) = (call.scope().account.clone(), call.input().clone());
    let deleted = call.access().store().transact(move |tx| {
        let mut role = require(tx.state(), &account, &input.role_name)?;
        let removed = role.inline_policies.remove(&input.policy_name);
        removed.ok_or_else(|| no_policy(&input.policy_name))?;
        tx.put(role);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(iam::DeleteRolePolicyOutput {})
}

/// `ListRolePolicies`: names of the inline ones.
///
/// # Errors
/// NoSuchEntity, ValidationError.
pub async fn list_role_policies(
    call: Call<iam::ListRolePolicies>,
) -> Result<iam::ListRolePoliciesOutput, iam::Error> {
    let (account, input) = (&call.scope().account, call.input());
    let role = call
        .access()
        .store()
        .read(|state| require(state, account, &input.role_name))?;
    let names = role.inline_policies.into_keys().map(|it| (it.clone(), it));
    let listing = format!("policies of {}", role.name);
    let page = cut(
        call.access(),
        &listing,
        input.marker.as_deref(),
        input.max_items,
        names,
    )?;
    Ok(iam::ListRolePoliciesOutput {
        is_truncated: page.is_truncated,
        marker: page.marker,
        policy_names: page.items,
    })
}

/// `AttachRolePolicy`. Policies are known by their ARNs only.
///
/// # Errors
/// NoSuchEntity, LimitExceeded, ValidationError.
pub async fn attach_role_policy(
    call: Call<iam::AttachRolePolicy>,
) -> Result<iam::AttachRolePolicyOutput, iam::Error> {
    let (account, input) = (call.scope().account.clone(), call.input().clone());
    check_arn(&account, &input.policy_arn)?;
    let attached = call.access().store().transact(move |tx| {
        let mut role = require(tx.state(), &account, &input.role_name)?;
        if role.attached_policies.contains(&input.policy_arn) {
            return Ok(());
        }
        if role.attached_policies.len() >= ATTACHED_MAX {
            return Err(limit_exceeded(format!(
                "Cannot exceed quota for PoliciesPerRole: {ATTACHED_MAX}"
            )));
        }
        role.attached_policies.push(input.policy_arn);
        tx.put(role);
        Ok(())
    });
    attached.await.map_err(from_store)?;
    Ok(iam::AttachRolePolicyOutput {})
}

/// Amazon's own policies; there are no others, since none can be created.
fn check_arn(account: &str, arn: &str) -> Result<(), iam::Error> {
    if arn.starts_with("arn:aws:iam::aws:policy/") {
        return Ok(());
    }
    if arn.starts_with(&format!("arn:aws:iam::{account}:policy/")) {
        return Err(no_such_entity(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    Err(validation(format!("ARN {arn} is not valid.")))
}

/// `DetachRolePolicy`.
///
/// # Errors
/// NoSuchEntity.
pub async fn detach_role_policy(
    call: Call<iam::DetachRolePolicy>,
) -> Result<iam::DetachRolePolicyOutput, iam::Error> {
    let (account, input) = (call.scope().account.clone(), call.input().clone());
    let detached = call.access().store().transact(move |tx| {
        let mut role = require(tx.state(), &account, &input.role_name)?;
        let before = role.attached_policies.len();
        role.attached_policies.retain(|it| *it != input.policy_arn);
        if role.attached_policies.len() == before {
            return Err(no_such_entity(format!(
                "Policy {} was not found.",
                input.policy_arn
            )));
        }
        tx.put(role);
        Ok(())
    });
    detached.await.map_err(from_store)?;
    Ok(iam::DetachRolePolicyOutput {})
}

/// `ListAttachedRolePolicies`.
///
/// # Errors
/// NoSuchEntity, ValidationError.
pub async fn list_attached_role_policies(
    call: Call<iam::ListAttachedRolePolicies>,
) -> Result<iam::ListAttachedRolePoliciesOutput, iam::Error> {
    let (account, input) = (&call.scope().account, call.input());
    let role: Role = call
        .access()
        .store()
        .read(|state| require(state, account, &input.role_name))?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let path = |arn: &str| {
        arn.split_once(":policy")
            .map_or(String::new(), |(_, path)| path.to_owned())
    };
    let mut arns = role.attached_policies;
    arns.retain(|it| path(it).starts_with(prefix));
    arns.sort();
    let listing = format!("attached policies of {} {prefix}", role.name);
    let items = arns.into_iter().map(|it| (it.clone(), it));
    let page = cut(
        call.access(),
        &listing,
        input.marker.as_deref(),
        input.max_items,
        items,
    )?;
    let attached = |arn: String| iam::AttachedPolicy {
        policy_name: arn.rsplit('/').next().map(str::to_owned),
        policy_arn: Some(arn),
    };
    Ok(iam::ListAttachedRolePoliciesOutput {
        attached_policies: Some(page.items.into_iter().map(attached).collect()),
        is_truncated: page.is_truncated,
        marker: page.marker,
    })
}
