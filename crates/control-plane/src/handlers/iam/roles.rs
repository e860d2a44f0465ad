//! Roles: CreateRole, GetRole, ListRoles, UpdateRole, UpdateAssumeRolePolicy, DeleteRole.

use std::collections::BTreeMap;

use api::iam;
use domain::Timestamp;
use domain::role::Role;
use orchestrator::transitions::{self, MAX_SESSION_SECONDS};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::role_key;

use super::errors::{check_name, check_policy, from_store, require, unbuilt, validation};
use super::listing::cut;
use super::tags;
use crate::call::Call;

/// Longest name of a role.
const NAME_MAX: usize = 64;
/// Longest path.
const PATH_MAX: usize = 512;
/// Allowed `MaxSessionDuration`, in seconds.
const SESSION_SECONDS: std::ops::RangeInclusive<i32> = 3600..=43_200;
/// What policies in answers leave as it is: RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A policy as answers have it.
pub fn encoded(document: &str) -> String {
    utf8_percent_encode(document, ENCODED).to_string()
}

/// A role as it is answered.
pub fn rendered(it: &Role) -> iam::Role {
    iam::Role {
        arn: it.arn(),
        assume_role_policy_document: Some(encoded(&it.trust_policy)),
        create_date: it.created_at,
        description: it.description.clone(),
        max_session_duration: i32::try_from(it.max_session_seconds).ok(),
        path: it.path.clone(),
        permissions_boundary: None,
        role_id: it.id.clone(),
        role_last_used: None,
        role_name: it.name.clone(),
        tags: (!it.tags.is_empty()).then(|| tags::rendered(&it.tags)),
    }
}

/// `CreateRole`. A role that came with the account is made anew, as long as nobody has changed it: Amazon's accounts begin
/// without `ecsTaskExecutionRole`, and its tutorials make it.
///
/// # Errors
/// EntityAlreadyExists, MalformedPolicyDocument, ValidationError.
pub async fn create_role(call: Call<iam::CreateRole>) -> Result<iam::CreateRoleOutput, iam::Error> {
    let input = call.input();
    check_name("roleName", &input.role_name, NAME_MAX)?;
    let path = input.path.clone().unwrap_or_else(|| "/".to_owned());
    check_path(&path)?;
    check_policy(&input.assume_role_policy_document)?;
    if input.permissions_boundary.is_some() {
        return Err(unbuilt("PermissionsBoundary"));
    }
    let mut role = Role {
        account: call.scope().account.clone(),
        name: input.role_name.clone(),
        path,
        id: String::new(),
        trust_policy: input.assume_role_policy_document.clone(),
        description: input.description.clone(),
        max_session_seconds: session_seconds(input.max_session_duration)?.unwrap_or(MAX_SESSION_SECONDS),
        inline_policies: BTreeMap::new(),
        attached_policies: Vec::new(),
        tags: tags::parse(input.tags.as_deref().unwrap_or_default())?,
        created_at: Timestamp::UNIX_EPOCH,
        is_ready_made: false,
    };
    let created = call.access().store().transact(move |tx| {
        let known = tx.state().role(&role.account, &role.name);
        if known.is_some_and(|it| !transitions::is_untouched_default_role(it)) {
            return Err(iam::Error::EntityAlreadyExistsException(
                iam::EntityAlreadyExistsException {
                    message: Some(format!("Role with name {} already exists.", role.name)),
                },
            ));
        }
        role.id = tx.ids().iam("AROA");
        // Times of IAM have seconds.
        role.created_at = Timestamp::from_second(tx.now().as_second()).unwrap_or(tx.now());
        tx.put(role.clone());
        Ok(role)
    });
    let role = created.await.map_err(from_store)?;
    Ok(iam::CreateRoleOutput {
        role: rendered(&role),
    })
}

fn check_path(path: &str) -> Result<(), iam::Error> {
    let is_valid = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= PATH_MAX
        && path.bytes().all(|it| (0x21..0x7f).contains(&it));
    if is_valid {
        return Ok(());
    }
    Err(validation(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters \
         and/or / characters.",
    ))
}

fn session_seconds(given: Option<i32>) -> Result<Option<u32>, iam::Error> {
    match given {
        None => Ok(None),
        Some(seconds) if SESSION_SECONDS.contains(&seconds) => Ok(u32::try_from(seconds).ok()),
        Some(seconds) => Err(validation(format!(
            "1 validation error detected: Value '{seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member \
             must have value between 3600 and 43200"
        ))),
    }
}

/// `GetRole`.
///
/// # Errors
/// NoSuchEntity.
pub async fn get_role(call: Call<iam::GetRole>) -> Result<iam::GetRoleOutput, iam::Error> {
    let account = &call.scope().account;
    let name = &call.input().role_name;
    let role = call
        .access()
        .store()
        .read(|state| require(state, account, name))?;
    Ok(iam::GetRoleOutput {
        role: rendered(&role),
    })
}

/// `ListRoles`, without tags.
///
/// # Errors
/// ValidationError.
pub async fn list_roles(call: Call<iam::ListRoles>) -> Result<iam::ListRolesOutput, iam::Error> {
    let (account, input) = (&call.scope().account, call.input());
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let found: Vec<(String, Role)> = call.access().store().read(|state| {
        let roles = state.roles(account).filter(|it| it.path.starts_with(prefix));
        roles
            .map(|it| (it.name.to_ascii_lowercase(), Role::clone(it)))
            .collect()
    });
    let listing = format!("roles {prefix}");
    let marker = input.marker.as_deref();
    let page = cut(
        call.access(),
        &listing,
        marker,
        input.max_items,
        found.into_iter(),
    )?;
    let listed = |it: &Role| iam::Role {
        tags: None,
        ..rendered(it)
    };
    Ok(iam::ListRolesOutput {
        is_truncated: page.is_truncated,
        marker: page.marker,
        roles: page.items.iter().map(listed).collect(),
    })
}

/// `UpdateRole`.
///
/// # Errors
/// NoSuchEntity, ValidationError.
pub async fn update_role(call: Call<iam::UpdateRole>) -> Result<iam::UpdateRoleOutput, iam::Error> {
    let (account, input) = (call.scope().account.clone(), call.input().clone());
    let seconds = session_seconds(input.max_session_duration)?;
    let updated = call.access().store().transact(move |tx| {
        let mut role = require(tx.state(), &account, &input.role_name)?;
        if let Some(seconds) = seconds {
            role.max_session_seconds = seconds;
        }
        if input.description.is_some() {
            role.description = input.description;
        }
        tx.put(role);
        Ok(())
    });
    updated.await.map_err(from_store)?;
    Ok(iam::UpdateRoleOutput {})
}

/// `UpdateAssumeRolePolicy`.
///
/// # Errors
/// NoSuchEntity, MalformedPolicyDocument.
pub async fn update_assume_role_policy(
    call: Call<iam::UpdateAssumeRolePolicy>,
) -> Result<iam::UpdateAssumeRolePolicyOutput, iam::Error> {
    let (account, input) = (call.scope().account.clone(), call.input().clone());
    check_policy(&input.policy_document)?;
    let updated = call.access().store().transact(move |tx| {
        let role = require(tx.state(), &account, &input.role_name)?;
        tx.put(Role {
            trust_policy: input.policy_document,
            ..role
        });
        Ok(())
    });
    updated.await.map_err(from_store)?;
    Ok(iam::UpdateAssumeRolePolicyOutput {})
}

/// `DeleteRole`: it must have no policies left.
///
/// # Errors
/// NoSuchEntity, DeleteConflict.
pub async fn delete_role(call: Call<iam::DeleteRole>) -> Result<iam::DeleteRoleOutput, iam::Error> {
    let (account, name) = (call.scope().account.clone(), call.input().role_name.clone());
    let deleted = call.access().store().transact(move |tx| {
        let role = require(tx.state(), &account, &name)?;
        let conflict = match (role.attached_policies.is_empty(), role.inline_policies.is_empty()) {
            (true, true) => None,
            (false, _) => Some("Cannot delete entity, must detach all policies first."),
            (true, false) => Some("Cannot delete entity, must delete policies first."),
        };
        if let Some(text) = conflict {
            return Err(iam::Error::DeleteConflictException(
                iam::DeleteConflictException {
                    message: Some(text.to_owned()),
                },
            ));
        }
        tx.delete::<Role>(&role_key(&account, &name));
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(iam::DeleteRoleOutput {})
}

/// `ListInstanceProfilesForRole`: hosts join by themselves, and none of them has a profile.
///
/// # Errors
/// NoSuchEntity, ValidationError.
pub async fn list_instance_profiles_for_role(
    call: Call<iam::ListInstanceProfilesForRole>,
) -> Result<iam::ListInstanceProfilesForRoleOutput, iam::Error> {
    let (account, input) = (&call.scope().account, call.input());
    let role = call
        .access()
        .store()
        .read(|state| require(state, account, &input.role_name))?;
    let page = cut(
        call.access(),
        &format!("instance profiles of {}", role.name),
        input.marker.as_deref(),
        input.max_items,
        std::iter::empty(),
    )?;
    Ok(iam::ListInstanceProfilesForRoleOutput {
        instance_profiles: page.items,
        is_truncated: page.is_truncated,
        marker: page.marker,
    })
}
