//! Volumes of a task, and their places in containers.

use std::collections::BTreeSet;

use api::ecs;
use domain::container_definition::{ContainerDefinition, MountPoint};
use domain::task_definition::{
    DockerVolume, EfsAuthorization, EfsVolume, FsxWindowsVolume, S3FilesVolume, Volume, VolumeKind,
    VolumeScope,
};

use super::environment::is_arn_of;
use crate::handlers::ecs::errors::client;
use crate::handlers::ecs::names;

/// Checks the volumes of a task.
///
/// # Errors
/// ClientException.
pub fn parse(given: &[ecs::Volume]) -> Result<Vec<Volume>, ecs::Error> {
    let mut names = BTreeSet::new();
    let volumes = given.iter().map(|it| {
        let volume = volume(it)?;
        if !names.insert(volume.name.clone()) {
            return Err(client(format!("Duplicate volume name: '{}'.", volume.name)));
        }
        Ok(volume)
    });
    let volumes = volumes.collect::<Result<Vec<_>, _>>()?;
    let at_launch = volumes
        .iter()
        .filter(|it| it.kind == VolumeKind::ConfiguredAtLaunch);
    if at_launch.count() > 1 {
        return Err(client(
            "A task definition can have only one volume that is configured at launch.",
        ));
    }
    Ok(volumes)
}

fn volume(it: &ecs::Volume) -> Result<Volume, ecs::Error> {
    let name = it.name.clone().unwrap_or_default();
    if name.is_empty() {
        return Err(client("Volume.name should not be null or empty."));
    }
    if !names::is_name(&name) {
        return Err(client(format!(
            "Volume.name contains invalid characters: {name:?}. Up to 255 letters, numbers, hyphens and underscores are allowed."
        )));
    }
    let path = it.host.as_ref().and_then(|it| it.source_path.clone());
    let source_path = path.filter(|it| !it.is_empty());
    if source_path.as_ref().is_some_and(|it| !it.starts_with('/')) {
        return Err(client(format!(
            "Volume '{name}': host.sourcePath must be an absolute path."
        )));
    }
    let mut kinds = Vec::new();
    if let Some(it) = &it.docker_volume_configuration {
        kinds.push(VolumeKind::Docker(docker(&name, it)?));
    }
    if let Some(it) = &it.efs_volume_configuration {
        kinds.push(VolumeKind::Efs(efs(&name, it)?));
    }
    if let Some(it) = &it.fsx_windows_file_server_volume_configuration {
        kinds.push(VolumeKind::FsxWindows(fsx_windows(&name, it)?));
    }
    if let Some(it) = &it.s3files_volume_configuration {
        kinds.push(VolumeKind::S3Files(s3_files(&name, it)?));
    }
    if it.configured_at_launch == Some(true) {
        kinds.push(VolumeKind::ConfiguredAtLaunch);
    }
    if kinds.len() + usize::from(source_path.is_some()) > 1 {
        return Err(client(format!(
            "Only one volume configuration can be specified for volume '{name}'."
        )));
    }
    Ok(Volume {
        name,
        source_path,
        kind: kinds.pop().unwrap_or_default(),
    })
}

fn docker(volume: &str, it: &ecs::DockerVolumeConfiguration) -> Result<DockerVolume, ecs::Error> {
    let scope = match &it.scope {
        None | Some(ecs::Scope::Task) => VolumeScope::Task,
        Some(ecs::Scope::Shared) => VolumeScope::Shared,
        Some(ecs::Scope::Unmodelled(other)) => {
            return Err(client(format!(
                "Volume '{volume}': the scope must be 'task' or 'shared', not {other:?}."
            )));
        }
    };
    if it.autoprovision == Some(true) && scope == VolumeScope::Task {
        return Err(client(format!(
            "Volume '{volume}': autoprovision can only be set when the scope is 'shared'."
        )));
    }
    Ok(DockerVolume {
        scope,
        autoprovision: it.autoprovision,
        driver: it.driver.clone(),
        driver_opts: it.driver_opts.clone(),
        labels: it.labels.clone(),
    })
}

fn efs(volume: &str, it: &ecs::EFSVolumeConfiguration) -> Result<EfsVolume, ecs::Error> {
    if it.file_system_id.is_empty() {
        return Err(client(format!(
            "Volume '{volume}': efsVolumeConfiguration.fileSystemId should not be null or empty."
        )));
    }
    let unknown = |what: &str| client(format!("Volume '{volume}': {what} must be ENABLED or DISABLED."));
    let is_transit_encrypted = match &it.transit_encryption {
        None => None,
        Some(ecs::EFSTransitEncryption::Enabled) => Some(true),
        Some(ecs::EFSTransitEncryption::Disabled) => Some(false),
        Some(ecs::EFSTransitEncryption::Unmodelled(_)) => return Err(unknown("transitEncryption")),
    };
    let uses_iam = match it.authorization_config.as_ref().and_then(|it| it.iam.as_ref()) {
        None => None,
        Some(ecs::EFSAuthorizationConfigIAM::Enabled) => Some(true),
        Some(ecs::EFSAuthorizationConfigIAM::Disabled) => Some(false),
        Some(ecs::EFSAuthorizationConfigIAM::Unmodelled(_)) => return Err(unknown("iam")),
    };
    let authorization = it.authorization_config.as_ref().map(|it| EfsAuthorization {
        access_point_id: it.access_point_id.clone(),
        uses_iam,
    });
    let has_access_point = authorization
        .as_ref()
        .is_some_and(|it| it.access_point_id.is_some());
    let is_encrypted = is_transit_encrypted == Some(true);
    if uses_iam == Some(true) && !is_encrypted {
        return Err(client(
            "EFS IAM authorization requires TransitEncryption to be enabled.",
        ));
    }
    if has_access_point && !is_encrypted {
        return Err(client(
            "EFS access points require TransitEncryption to be enabled.",
        ));
    }
    if it.transit_encryption_port.is_some() && !is_encrypted {
        return Err(client(
            "TransitEncryptionPort requires that TransitEncryption is enabled.",
        ));
    }
    let root_directory = it.root_directory.clone().filter(|it| !it.is_empty());
    let root_directory = root_directory.unwrap_or_else(|| "/".to_owned());
    if has_access_point && root_directory != "/" {
        return Err(client(
            "When using an EFS access point, the root directory must either be set to \"/\" or be omitted.",
        ));
    }
    Ok(EfsVolume {
        file_system_id: it.file_system_id.clone(),
        root_directory,
        is_transit_encrypted,
        transit_encryption_port: port(volume, it.transit_encryption_port)?,
        authorization,
    })
}

fn port(volume: &str, given: Option<i32>) -> Result<Option<u16>, ecs::Error> {
    let port = given.map(|it| u16::try_from(it).ok().filter(|it| *it > 0).ok_or(it));
    port.transpose().map_err(|port| {
        client(format!(
            "Volume '{volume}': transitEncryptionPort must be between 1 and 65535, not {port}."
        ))
    })
}

fn fsx_windows(
    volume: &str,
    it: &ecs::FSxWindowsFileServerVolumeConfiguration,
) -> Result<FsxWindowsVolume, ecs::Error> {
    let login = &it.authorization_config;
    let credentials = &login.credentials_parameter;
    if !is_arn_of(credentials, "secretsmanager") && !is_arn_of(credentials, "ssm") {
        return Err(client(format!(
            "Invalid arn syntax. Volume '{volume}': credentialsParameter must be the ARN of a secret or parameter."
        )));
    }
    Ok(FsxWindowsVolume {
        file_system_id: it.file_system_id.clone(),
        root_directory: it.root_directory.clone(),
        credentials_parameter: credentials.clone(),
        domain: login.domain.clone(),
    })
}

fn s3_files(volume: &str, it: &ecs::S3FilesVolumeConfiguration) -> Result<S3FilesVolume, ecs::Error> {
    let arns = std::iter::once(&it.file_system_arn).chain(&it.access_point_arn);
    if arns.into_iter().any(|it| !it.starts_with("arn:")) {
        return Err(client(format!(
            "Invalid arn syntax. Volume '{volume}': fileSystemArn and accessPointArn must be ARNs."
        )));
    }
    Ok(S3FilesVolume {
        file_system_arn: it.file_system_arn.clone(),
        access_point_arn: it.access_point_arn.clone(),
        root_directory: it.root_directory.clone(),
        transit_encryption_port: port(volume, it.transit_encryption_port)?,
    })
}

/// As given.
pub fn mount_point(it: &ecs::MountPoint) -> MountPoint {
    MountPoint {
        source_volume: it.source_volume.clone(),
        container_path: it.container_path.clone(),
        read_only: it.read_only,
    }
}

/// Each mount has its volume, and what is configured at launch has its mount.
///
/// # Errors
/// ClientException.
pub fn check_together(containers: &[ContainerDefinition], volumes: &[Volume]) -> Result<(), ecs::Error> {
    let mut mounted = BTreeSet::new();
    for mount in containers.iter().flat_map(|it| &it.mount_points) {
        let source = mount.source_volume.as_deref().unwrap_or_default();
        if !volumes.iter().any(|it| it.name == source) {
            return Err(client(format!("Unknown volume '{source}'.")));
        }
        let path = mount.container_path.as_deref().unwrap_or_default();
        if !path.starts_with('/') {
            return Err(client(format!(
                "Mount of volume '{source}': containerPath must be an absolute path."
            )));
        }
        mounted.insert(source);
    }
    let is_left = |it: &&Volume| it.kind == VolumeKind::ConfiguredAtLaunch && !mounted.contains(&*it.name);
    match volumes.iter().find(is_left) {
        Some(left) => Err(client(format!(
            "Volumes [{}] are not referenced by any of the containers.",
            left.name
        ))),
        None => Ok(()),
    }
}
