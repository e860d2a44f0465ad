//! CreateFileSystem, DescribeFileSystems, UpdateFileSystem, DeleteFileSystem, DescribeAccountPreferences.

use api::efs::{self, Error};
use domain::file_system::{FileSystem, FileSystemState};
use domain::{Scope, Timestamp};
use store::State;

use super::errors::{bad_request, constraint, from_store, internal, unbuilt};
use super::listing::{Wanted, cut};
use super::{names, tags};
use crate::call::{Authorized, Call};
use crate::file_systems::Size;

/// Longest creation token.
const TOKEN_MAX: usize = 64;
/// Throughput that can be provisioned, in MiB/s.
const PROVISIONED_MIBPS: std::ops::RangeInclusive<f64> = 1.0..=3414.0;
/// Most file systems of an account in a region.
const FILE_SYSTEMS_MAX: usize = 1000;
const BURSTING: &str = "bursting";
const PROVISIONED: &str = "provisioned";

/// Checks a token that callers make up.
///
/// # Errors
/// ValidationException.
pub fn check_token(member: &str, token: &str) -> Result<(), Error> {
    let length = token.chars().count();
    if (1..=TOKEN_MAX).contains(&length) {
        return Ok(());
    }
    let rule = format!("Member must have length between 1 and {TOKEN_MAX}");
    Err(constraint(token, member, &rule))
}

/// `CreateFileSystem`: its directory is made before the answer, which says `creating` as Amazon's does.
///
/// # Errors
/// FileSystemAlreadyExists for a known creation token, BadRequest, FileSystemLimitExceeded, UnsupportedAvailabilityZone.
pub async fn create_file_system(
    call: Call<efs::CreateFileSystem>,
) -> Result<efs::FileSystemDescription, Error> {
    let (scope, input) = (call.scope().clone(), call.input());
    check_token("creationToken", &input.creation_token)?;
    if input.encrypted == Some(true) || input.kms_key_id.is_some() {
        return Err(unbuilt(
            "Encrypted (encrypt the disk that the file systems are on)",
        ));
    }
    if input.backup == Some(true) {
        return Err(unbuilt("Backup (back up the directory of the file systems)"));
    }
    let performance_mode = match &input.performance_mode {
        None => "generalPurpose",
        Some(efs::PerformanceMode::Unmodelled(other)) => {
            let rule = "Member must satisfy enum value set: [generalPurpose, maxIO]";
            return Err(constraint(other, "performanceMode", rule));
        }
        Some(known) => known.as_str(),
    };
    let (throughput_mode, provisioned) = throughput(
        input.throughput_mode.as_ref(),
        input.provisioned_throughput_in_mibps,
    )?;
    let mut wanted = FileSystem {
        id: String::new(),
        scope: scope.clone(),
        creation_token: input.creation_token.clone(),
        state: FileSystemState::Creating,
        performance_mode: performance_mode.to_owned(),
        throughput_mode: throughput_mode.unwrap_or_else(|| BURSTING.to_owned()),
        provisioned_throughput_mibps: provisioned,
        availability_zone: input.availability_zone_name.clone(),
        policy: None,
        lifecycle_policies: Vec::new(),
        has_backups: None,
        tags: tags::parse(input.tags.as_deref().unwrap_or_default())?,
        created_at: Timestamp::UNIX_EPOCH,
    };
    let store = call.access().store();
    let created = store.transact(move |tx| {
        check_new(tx.state(), &wanted)?;
        wanted.id = tx.ids().ec2("fs");
        wanted.created_at = tx.now();
        Ok(FileSystem::clone(&tx.put(wanted)))
    });
    let created = created.await.map_err(from_store)?;
    let made = call.access().file_systems().finish(store, &created).await;
    made.map_err(|error| {
        internal(format!(
            "The directory of {} cannot be made: {error}.",
            created.id
        ))
    })?;
    let size = Size {
        bytes: 0,
        at: created.created_at,
    };
    Ok(rendered(&created, 0, size))
}

/// Its token and its zone.
fn check_new(state: &State, wanted: &FileSystem) -> Result<(), Error> {
    let same = state
        .file_systems(&wanted.scope)
        .find(|it| it.creation_token == wanted.creation_token);
    if let Some(known) = same {
        return Err(Error::FileSystemAlreadyExists(efs::FileSystemAlreadyExists {
            error_code: "FileSystemAlreadyExists".to_owned(),
            file_system_id: known.id.clone(),
            message: Some(format!(
                "File system '{}' already exists with creation token '{}'",
                known.id, wanted.creation_token
            )),
        }));
    }
    if state.file_systems(&wanted.scope).count() >= FILE_SYSTEMS_MAX {
        return Err(Error::FileSystemLimitExceeded(efs::FileSystemLimitExceeded {
            error_code: "FileSystemLimitExceeded".to_owned(),
            message: Some(format!(
                "You have reached the maximum of {FILE_SYSTEMS_MAX} file systems."
            )),
        }));
    }
    let Some(zone) = &wanted.availability_zone else {
        return Ok(());
    };
    let is_known = state
        .subnets(&wanted.scope)
        .any(|it| it.availability_zone == *zone);
    match is_known {
        true => Ok(()),
        false => Err(Error::UnsupportedAvailabilityZone(
            efs::UnsupportedAvailabilityZone {
                error_code: "UnsupportedAvailabilityZone".to_owned(),
                message: Some(format!("The Availability Zone {zone} is not supported.")),
            },
        )),
    }
}

/// The mode and what is provisioned, as far as they are given.
fn throughput(
    mode: Option<&efs::ThroughputMode>,
    provisioned: Option<f64>,
) -> Result<(Option<String>, Option<f64>), Error> {
    let mode = match mode {
        Some(efs::ThroughputMode::Unmodelled(other)) => {
            let rule = "Member must satisfy enum value set: [bursting, provisioned, elastic]";
            return Err(constraint(other, "throughputMode", rule));
        }
        other => other.map(|it| it.as_str().to_owned()),
    };
    match (mode.as_deref(), provisioned) {
        (Some(PROVISIONED), None) => Err(bad_request(
            "ProvisionedThroughputInMibps is required when ThroughputMode is provisioned.",
        )),
        (Some(PROVISIONED) | None, Some(mibps)) if !PROVISIONED_MIBPS.contains(&mibps) => Err(bad_request(
            "ProvisionedThroughputInMibps must be between 1 and 3414.",
        )),
        (Some(BURSTING | "elastic"), Some(_)) => Err(bad_request(
            "ProvisionedThroughputInMibps can only be set when ThroughputMode is provisioned.",
        )),
        _ => Ok((mode, provisioned)),
    }
}

/// A file system as it is answered.
fn rendered(it: &FileSystem, mount_targets: usize, size: Size) -> efs::FileSystemDescription {
    let bytes = i64::try_from(size.bytes).unwrap_or(i64::MAX);
    efs::FileSystemDescription {
        availability_zone_id: None,
        availability_zone_name: it.availability_zone.clone(),
        creation_time: it.created_at,
        creation_token: it.creation_token.clone(),
        encrypted: Some(false),
        file_system_arn: Some(it.arn()),
        file_system_id: it.id.clone(),
        file_system_protection: Some(efs::FileSystemProtectionDescription {
            replication_overwrite_protection: Some(efs::ReplicationOverwriteProtection::Enabled),
        }),
        kms_key_id: None,
        life_cycle_state: it.state.as_str().into(),
        name: tags::name(&it.tags),
        number_of_mount_targets: i32::try_from(mount_targets).unwrap_or(i32::MAX),
        owner_id: it.scope.account.clone(),
        performance_mode: it.performance_mode.as_str().into(),
        provisioned_throughput_in_mibps: it.provisioned_throughput_mibps,
        size_in_bytes: efs::FileSystemSize {
            timestamp: Some(size.at),
            value: bytes,
            value_in_archive: Some(0),
            value_in_ia: Some(0),
            value_in_standard: Some(bytes),
        },
        tags: tags::rendered(&it.tags),
        throughput_mode: Some(it.throughput_mode.as_str().into()),
    }
}

/// A file system with its size, which is measured.
async fn described(
    access: &Authorized,
    it: FileSystem,
    now: Timestamp,
) -> Result<efs::FileSystemDescription, Error> {
    let (all, id) = (access.file_systems().clone(), it.id.clone());
    let measured = tokio::task::spawn_blocking(move || all.size(&id, now));
    let size = measured.await.map_err(|error| internal(error.to_string()))?;
    let targets = access
        .store()
        .read(|state| state.mount_targets_of(&it.id).count());
    Ok(rendered(&it, targets, size))
}

/// `DescribeFileSystems`: all, or one by its id or creation token.
///
/// # Errors
/// BadRequest, FileSystemNotFound.
pub async fn describe_file_systems(
    call: Call<efs::DescribeFileSystems>,
) -> Result<efs::DescribeFileSystemsOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    if input.file_system_id.is_some() && input.creation_token.is_some() {
        return Err(bad_request(
            "Specify either FileSystemId or CreationToken, not both.",
        ));
    }
    let found = call.access().store().read(|state| {
        chosen(
            state,
            scope,
            input.file_system_id.as_deref(),
            input.creation_token.as_deref(),
        )
    })?;
    let wanted = Wanted {
        listing: "file systems",
        member: "maxItems",
        most: input.max_items,
        token: input.marker.as_deref(),
    };
    let (found, next_marker) = cut(call.access(), &wanted, found)?;
    let mut file_systems = Vec::new();
    for it in found {
        file_systems.push(described(call.access(), it, call.now()).await?);
    }
    Ok(efs::DescribeFileSystemsOutput {
        file_systems: Some(file_systems),
        marker: input.marker.clone(),
        next_marker,
    })
}

fn chosen(
    state: &State,
    scope: &Scope,
    id: Option<&str>,
    token: Option<&str>,
) -> Result<Vec<(String, FileSystem)>, Error> {
    if let Some(id) = id {
        let it = names::file_system(state, scope, id)?;
        return Ok(vec![(it.id.clone(), it)]);
    }
    let all = state.file_systems(scope);
    let all = all.filter(|it| token.is_none_or(|token| it.creation_token == token));
    Ok(all.map(|it| (it.id.clone(), FileSystem::clone(it))).collect())
}

/// `UpdateFileSystem`: how its throughput is counted.
///
/// # Errors
/// BadRequest, FileSystemNotFound, IncorrectFileSystemLifeCycleState.
pub async fn update_file_system(
    call: Call<efs::UpdateFileSystem>,
) -> Result<efs::FileSystemDescription, Error> {
    let (scope, input) = (call.scope().clone(), call.input());
    let (mode, provisioned) = throughput(
        input.throughput_mode.as_ref(),
        input.provisioned_throughput_in_mibps,
    )?;
    if mode.is_none() && provisioned.is_none() {
        return Err(bad_request(
            "ThroughputMode or ProvisionedThroughputInMibps must be specified.",
        ));
    }
    let given = input.file_system_id.clone();
    let updated = call.access().store().transact(move |tx| {
        let mut it = names::available(tx.state(), &scope, &given)?;
        let mode = mode.unwrap_or_else(|| it.throughput_mode.clone());
        if mode != PROVISIONED && provisioned.is_some() {
            return Err(bad_request(
                "ProvisionedThroughputInMibps can only be set when ThroughputMode is provisioned.",
            ));
        }
        it.throughput_mode = mode;
        it.provisioned_throughput_mibps = provisioned;
        Ok(FileSystem::clone(&tx.put(it)))
    });
    let updated = updated.await.map_err(from_store)?;
    described(call.access(), updated, call.now()).await
}

/// `DeleteFileSystem`: with its access points and all that is in it. Nothing can bring it back.
///
/// # Errors
/// FileSystemNotFound, FileSystemInUse while it has mount targets.
pub async fn delete_file_system(
    call: Call<efs::DeleteFileSystem>,
) -> Result<efs::DeleteFileSystemOutput, Error> {
    let (scope, given) = (call.scope().clone(), call.input().file_system_id.clone());
    let store = call.access().store();
    let marked = store.transact(move |tx| {
        let mut it = names::file_system(tx.state(), &scope, &given)?;
        if tx.state().mount_targets_of(&it.id).next().is_some() {
            return Err(Error::FileSystemInUse(efs::FileSystemInUse {
                error_code: "FileSystemInUse".to_owned(),
                message: Some(format!(
                    "File system '{}' has mount targets created in it: delete those first.",
                    it.id
                )),
            }));
        }
        let points = tx
            .state()
            .access_points(&scope)
            .filter(|point| point.file_system_id == it.id);
        let points: Vec<String> = points.map(|it| it.id.clone()).collect();
        for point in points {
            tx.delete::<domain::file_system::AccessPoint>(&point);
        }
        it.state = FileSystemState::Deleting;
        Ok(FileSystem::clone(&tx.put(it)))
    });
    let marked = marked.await.map_err(from_store)?;
    let removed = call.access().file_systems().finish(store, &marked).await;
    removed.map_err(|error| {
        internal(format!(
            "The directory of {} cannot be removed: {error}.",
            marked.id
        ))
    })?;
    Ok(efs::DeleteFileSystemOutput {})
}

/// `DescribeAccountPreferences`: ids are long, always.
///
/// # Errors
/// None.
pub async fn describe_account_preferences(
    _: Call<efs::DescribeAccountPreferences>,
) -> Result<efs::DescribeAccountPreferencesOutput, Error> {
    Ok(efs::DescribeAccountPreferencesOutput {
        next_token: None,
        resource_id_preference: Some(efs::ResourceIdPreference {
            resource_id_type: Some(efs::ResourceIdType::LongId),
            resources: Some(vec![efs::Resource::FileSystem, efs::Resource::MountTarget]),
        }),
    })
}
