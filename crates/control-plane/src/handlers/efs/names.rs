//! Names of file systems, mount targets and access points: ids, or ARNs.

use api::efs::Error;
use domain::Scope;
use domain::file_system::{AccessPoint, FileSystem, FileSystemState, MountTarget};
use store::State;

use super::errors::{bad_request, no_access_point, no_file_system, no_mount_target, wrong_state};

/// The id in an id or ARN: `fs-…` after `file-system/`.
///
/// # Errors
/// BadRequest: it has not the form of one.
fn id<'a>(given: &'a str, prefix: &str, kind: &str) -> Result<&'a str, Error> {
    let bare = given
        .strip_prefix("arn:aws:elasticfilesystem:")
        .and_then(|it| it.rsplit_once(':'))
        .and_then(|(_, it)| it.strip_prefix(kind)?.strip_prefix('/'))
        .unwrap_or(given);
    let digits = bare.strip_prefix(prefix).and_then(|it| it.strip_prefix('-'));
    let is_id = digits.is_some_and(|it| {
        (8..=40).contains(&it.len())
            && it
                .bytes()
                .all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
    });
    match is_id {
        true => Ok(bare),
        false => Err(bad_request(format!("invalid {kind} ID: {given}"))),
    }
}

/// A file system of a scope.
///
/// # Errors
/// BadRequest, FileSystemNotFound.
pub fn file_system(state: &State, scope: &Scope, given: &str) -> Result<FileSystem, Error> {
    let id = id(given, "fs", "file-system")?;
    let found = state.get::<FileSystem>(&id.to_owned());
    let found = found.filter(|it| it.scope == *scope);
    found
        .map(|it| FileSystem::clone(it))
        .ok_or_else(|| no_file_system(id))
}

/// The same, which can be used.
///
/// # Errors
/// IncorrectFileSystemLifeCycleState too.
pub fn available(state: &State, scope: &Scope, given: &str) -> Result<FileSystem, Error> {
    let found = file_system(state, scope, given)?;
    match found.state {
        FileSystemState::Available => Ok(found),
        other => Err(wrong_state(&found.id, other.as_str())),
    }
}

/// A mount target of a scope.
///
/// # Errors
/// BadRequest, MountTargetNotFound.
pub fn mount_target(state: &State, scope: &Scope, given: &str) -> Result<MountTarget, Error> {
    let id = id(given, "fsmt", "mount-target")?;
    let found = state.get::<MountTarget>(&id.to_owned());
    let found = found.filter(|it| it.scope == *scope);
    found
        .map(|it| MountTarget::clone(it))
        .ok_or_else(|| no_mount_target(id))
}

/// An access point of a scope.
///
/// # Errors
/// BadRequest, AccessPointNotFound.
pub fn access_point(state: &State, scope: &Scope, given: &str) -> Result<AccessPoint, Error> {
    let id = id(given, "fsap", "access-point")?;
    let found = state.get::<AccessPoint>(&id.to_owned());
    let found = found.filter(|it| it.scope == *scope);
    found
        .map(|it| AccessPoint::clone(it))
        .ok_or_else(|| no_access_point(id))
}
