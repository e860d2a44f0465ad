//! A volume as it reads back.

use api::ecs;
use domain::task_definition::{DockerVolume, EfsVolume, FsxWindowsVolume, S3FilesVolume, Volume, VolumeKind};

/// One of its kinds; a bind volume without source is `host: {}`.
pub fn volume(it: &Volume) -> ecs::Volume {
    let mut volume = ecs::Volume {
        name: Some(it.name.clone()),
        ..ecs::Volume::default()
    };
    match &it.kind {
        VolumeKind::Bind => {
            volume.host = Some(ecs::HostVolumeProperties {
                source_path: it.source_path.clone(),
            });
        }
        VolumeKind::Docker(it) => volume.docker_volume_configuration = Some(docker(it)),
        VolumeKind::Efs(it) => volume.efs_volume_configuration = Some(efs(it)),
        VolumeKind::FsxWindows(it) => {
            volume.fsx_windows_file_server_volume_configuration = Some(fsx_windows(it));
        }
        VolumeKind::S3Files(it) => volume.s3files_volume_configuration = Some(s3_files(it)),
        VolumeKind::ConfiguredAtLaunch => volume.configured_at_launch = Some(true),
    }
    volume
}

fn docker(it: &DockerVolume) -> ecs::DockerVolumeConfiguration {
    ecs::DockerVolumeConfiguration {
        autoprovision: it.autoprovision,
        driver: it.driver.clone(),
        driver_opts: it.driver_opts.clone(),
        labels: it.labels.clone(),
        scope: Some(ecs::Scope::from(it.scope.as_str())),
    }
}

fn efs(it: &EfsVolume) -> ecs::EFSVolumeConfiguration {
    let authorization_config = it.authorization.as_ref().map(|it| ecs::EFSAuthorizationConfig {
        access_point_id: it.access_point_id.clone(),
        iam: it
            .uses_iam
            .map(|it| ecs::EFSAuthorizationConfigIAM::from(enabled(it))),
    });
    ecs::EFSVolumeConfiguration {
        authorization_config,
        file_system_id: it.file_system_id.clone(),
        root_directory: Some(it.root_directory.clone()),
        transit_encryption: it
            .is_transit_encrypted
            .map(|it| ecs::EFSTransitEncryption::from(enabled(it))),
        transit_encryption_port: it.transit_encryption_port.map(i32::from),
    }
}

fn enabled(it: bool) -> &'static str {
    match it {
        true => "ENABLED",
        false => "DISABLED",
    }
}

fn fsx_windows(it: &FsxWindowsVolume) -> ecs::FSxWindowsFileServerVolumeConfiguration {
    ecs::FSxWindowsFileServerVolumeConfiguration {
        authorization_config: ecs::FSxWindowsFileServerAuthorizationConfig {
            credentials_parameter: it.credentials_parameter.clone(),
            domain: it.domain.clone(),
        },
        file_system_id: it.file_system_id.clone(),
        root_directory: it.root_directory.clone(),
    }
}

fn s3_files(it: &S3FilesVolume) -> ecs::S3FilesVolumeConfiguration {
    ecs::S3FilesVolumeConfiguration {
        access_point_arn: it.access_point_arn.clone(),
        file_system_arn: it.file_system_arn.clone(),
        root_directory: it.root_directory.clone(),
        transit_encryption_port: it.transit_encryption_port.map(i32::from),
    }
}
