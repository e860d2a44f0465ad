//! What is said about a file system: its policy, its life-cycle rules, its backups.
//!
//! The policy is kept; nothing is decided by it yet. There is one storage class, so that life-cycle rules have nothing
//! to move, and nobody makes backups: both are kept for the tools that put and read them.

use std::collections::BTreeMap;

use api::efs::{self, Error};
use domain::file_system::FileSystem;

use super::errors::{bad_request, from_store, validation};
use super::names::{available, file_system};
use crate::call::Call;

/// Longest policy of a file system, in characters.
const POLICY_MAX: usize = 20_000;
/// Most rules of a life cycle.
const RULES_MAX: usize = 3;

fn no_policy(message: &str) -> Error {
    Error::PolicyNotFound(efs::PolicyNotFound {
        error_code: Some("PolicyNotFound".to_owned()),
        message: Some(message.to_owned()),
    })
}

fn check_policy(document: &str) -> Result<(), Error> {
    let parsed: Option<serde_json::Value> = serde_json::from_str(document).ok();
    let has_statements = parsed.is_some_and(|it| it["Statement"].is_array() || it["Statement"].is_object());
    if has_statements && document.chars().count() <= POLICY_MAX {
        return Ok(());
    }
    Err(Error::InvalidPolicyException(efs::InvalidPolicyException {
        error_code: Some("InvalidPolicyException".to_owned()),
        message: Some("The policy is malformed, or contains an error.".to_owned()),
    }))
}

/// `PutFileSystemPolicy`.
///
/// # Errors
/// FileSystemNotFound, InvalidPolicyException, IncorrectFileSystemLifeCycleState.
pub async fn put_file_system_policy(
    call: Call<efs::PutFileSystemPolicy>,
) -> Result<efs::FileSystemPolicyDescription, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_policy(&input.policy)?;
    let put = call.access().store().transact(move |tx| {
        let mut it = available(tx.state(), &scope, &input.file_system_id)?;
        it.policy = Some(input.policy);
        Ok(FileSystem::clone(&tx.put(it)))
    });
    let it = put.await.map_err(from_store)?;
    Ok(efs::FileSystemPolicyDescription {
        file_system_id: Some(it.id),
        policy: it.policy,
    })
}

/// `DescribeFileSystemPolicy`.
///
/// # Errors
/// FileSystemNotFound, PolicyNotFound.
pub async fn describe_file_system_policy(
    call: Call<efs::DescribeFileSystemPolicy>,
) -> Result<efs::FileSystemPolicyDescription, Error> {
    let (scope, given) = (call.scope(), &call.input().file_system_id);
    let it = call
        .access()
        .store()
        .read(|state| file_system(state, scope, given))?;
    if it.policy.is_none() {
        return Err(no_policy("The default file system policy is in effect."));
    }
    Ok(efs::FileSystemPolicyDescription {
        file_system_id: Some(it.id),
        policy: it.policy,
    })
}

/// `DeleteFileSystemPolicy`: without one it is no error.
///
/// # Errors
/// FileSystemNotFound, IncorrectFileSystemLifeCycleState.
pub async fn delete_file_system_policy(
    call: Call<efs::DeleteFileSystemPolicy>,
) -> Result<efs::DeleteFileSystemPolicyOutput, Error> {
    let (scope, given) = (call.scope().clone(), call.input().file_system_id.clone());
    let deleted = call.access().store().transact(move |tx| {
        let mut it = available(tx.state(), &scope, &given)?;
        it.policy = None;
        tx.put(it);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(efs::DeleteFileSystemPolicyOutput {})
}

const TO_ARCHIVE: &str = "TransitionToArchive";
const TO_INFREQUENT: &str = "TransitionToIA";
const TO_PRIMARY: &str = "TransitionToPrimaryStorageClass";

/// A rule as its only member.
fn rule(it: &efs::LifecyclePolicy) -> Result<(&'static str, String), Error> {
    let archive = it.transition_to_archive.as_ref().map(|it| match it {
        efs::TransitionToArchiveRules::Unmodelled(_) => None,
        known => Some((TO_ARCHIVE, known.as_str().to_owned())),
    });
    let infrequent = it.transition_to_ia.as_ref().map(|it| match it {
        efs::TransitionToIARules::Unmodelled(_) => None,
        known => Some((TO_INFREQUENT, known.as_str().to_owned())),
    });
    let primary = it
        .transition_to_primary_storage_class
        .as_ref()
        .map(|it| match it {
            efs::TransitionToPrimaryStorageClassRules::Unmodelled(_) => None,
            known => Some((TO_PRIMARY, known.as_str().to_owned())),
        });
    let mut given = [archive, infrequent, primary].into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(Some(only)), None) => Ok(only),
        _ => Err(bad_request(
            "One or more LifecyclePolicy objects specified are malformed: each has exactly one transition.",
        )),
    }
}

fn rendered(rules: &[BTreeMap<String, String>]) -> Vec<efs::LifecyclePolicy> {
    let rule = |it: &BTreeMap<String, String>| efs::LifecyclePolicy {
        transition_to_archive: it.get(TO_ARCHIVE).map(|it| it.as_str().into()),
        transition_to_ia: it.get(TO_INFREQUENT).map(|it| it.as_str().into()),
        transition_to_primary_storage_class: it.get(TO_PRIMARY).map(|it| it.as_str().into()),
    };
    rules.iter().map(rule).collect()
}

/// `PutLifecycleConfiguration`: an empty list takes all rules away.
///
/// # Errors
/// BadRequest, FileSystemNotFound, IncorrectFileSystemLifeCycleState.
pub async fn put_lifecycle_configuration(
    call: Call<efs::PutLifecycleConfiguration>,
) -> Result<efs::LifecycleConfigurationDescription, Error> {
    let (scope, input) = (call.scope().clone(), call.input());
    let rules = input.lifecycle_policies.iter().map(rule);
    let rules: Vec<(&str, String)> = rules.collect::<Result<_, _>>()?;
    let is_repeated = |at: usize| rules[..at].iter().any(|it| it.0 == rules[at].0);
    if rules.len() > RULES_MAX || (0..rules.len()).any(is_repeated) {
        return Err(bad_request("A transition can be specified only once."));
    }
    let rules: Vec<_> = rules
        .into_iter()
        .map(|(name, value)| BTreeMap::from([(name.to_owned(), value)]))
        .collect();
    let given = input.file_system_id.clone();
    let put = call.access().store().transact(move |tx| {
        let mut it = available(tx.state(), &scope, &given)?;
        it.lifecycle_policies = rules;
        Ok(FileSystem::clone(&tx.put(it)))
    });
    let it = put.await.map_err(from_store)?;
    Ok(efs::LifecycleConfigurationDescription {
        lifecycle_policies: Some(rendered(&it.lifecycle_policies)),
    })
}

/// `DescribeLifecycleConfiguration`.
///
/// # Errors
/// FileSystemNotFound.
pub async fn describe_lifecycle_configuration(
    call: Call<efs::DescribeLifecycleConfiguration>,
) -> Result<efs::LifecycleConfigurationDescription, Error> {
    let (scope, given) = (call.scope(), &call.input().file_system_id);
    let it = call
        .access()
        .store()
        .read(|state| file_system(state, scope, given))?;
    Ok(efs::LifecycleConfigurationDescription {
        lifecycle_policies: Some(rendered(&it.lifecycle_policies)),
    })
}

fn backup(has_backups: bool) -> efs::BackupPolicyDescription {
    let status = match has_backups {
        true => efs::Status::Enabled,
        false => efs::Status::Disabled,
    };
    efs::BackupPolicyDescription {
        backup_policy: Some(efs::BackupPolicy { status }),
    }
}

/// `PutBackupPolicy`. Backups are refused: nobody makes them here.
///
/// # Errors
/// FileSystemNotFound, ValidationException.
pub async fn put_backup_policy(
    call: Call<efs::PutBackupPolicy>,
) -> Result<efs::BackupPolicyDescription, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    match input.backup_policy.status {
        efs::Status::Disabled => {}
        efs::Status::Enabled => {
            return Err(validation(
                "Automatic backups are not supported by Gantry yet: back up the directory of the file systems.",
            ));
        }
        _ => return Err(validation("Status must be ENABLED or DISABLED.")),
    }
    let put = call.access().store().transact(move |tx| {
        let mut it = available(tx.state(), &scope, &input.file_system_id)?;
        it.has_backups = Some(false);
        tx.put(it);
        Ok(())
    });
    put.await.map_err(from_store)?;
    Ok(backup(false))
}

/// `DescribeBackupPolicy`.
///
/// # Errors
/// FileSystemNotFound, PolicyNotFound.
pub async fn describe_backup_policy(
    call: Call<efs::DescribeBackupPolicy>,
) -> Result<efs::BackupPolicyDescription, Error> {
    let (scope, given) = (call.scope(), &call.input().file_system_id);
    let it = call
        .access()
        .store()
        .read(|state| file_system(state, scope, given))?;
    match it.has_backups {
        Some(has_backups) => Ok(backup(has_backups)),
        None => Err(no_policy("The backup policy of the file system was not found.")),
    }
}
