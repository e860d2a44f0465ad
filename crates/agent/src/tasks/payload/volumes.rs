//! The volumes of a task and its containers from the payload.

use std::path::PathBuf;

use api::acs;

use super::Refusal;
use crate::host::{
    DirectoryCreation, DockerVolume, FileOwner, FileSystemVolume, Mount, VolumeScope, VolumesFrom,
};

/// The only driver there is.
const LOCAL: &str = "local";

/// Volumes of Docker drivers.
///
/// # Errors
/// Another driver, or a scope that is none.
pub fn of_docker(volumes: &[acs::Volume]) -> Result<Vec<DockerVolume>, Refusal> {
    let of_docker = volumes.iter().filter(|it| it.r#type.as_deref() == Some("docker"));
    of_docker.map(docker_volume).collect()
}

fn docker_volume(volume: &acs::Volume) -> Result<DockerVolume, Refusal> {
    let name = volume.name.clone().unwrap_or_default();
    let settings = volume.docker_volume_configuration.clone().unwrap_or_default();
    let within = |what: String| Refusal::unsupported(format!("volume {name}: {what}"));
    let driver = settings.driver.filter(|it| !it.is_empty());
    if let Some(other) = driver.filter(|it| it != LOCAL) {
        return Err(within(format!("driver {other}")));
    }
    let scope = settings.scope.unwrap_or_default();
    let scope = match (scope.as_str(), settings.autoprovision.unwrap_or(false)) {
        ("" | "task", _) => VolumeScope::Task,
        ("shared", false) => VolumeScope::Shared,
        ("shared", true) => VolumeScope::SharedAutoprovisioned,
        (other, _) => return Err(within(format!("scope {other}"))),
    };
    Ok(DockerVolume {
        name,
        scope,
        driver_options: settings.driver_opts.unwrap_or_default(),
        labels: settings.labels.unwrap_or_default(),
    })
}

/// Volumes of EFS. The access point's root is below the file system's, and the volume's own directory below that.
///
/// # Errors
/// A volume without its configuration, or numbers that are none.
pub fn of_efs(volumes: &[acs::Volume]) -> Result<Vec<FileSystemVolume>, Refusal> {
    let of_efs = volumes.iter().filter(|it| it.r#type.as_deref() == Some("efs"));
    of_efs.map(efs_volume).collect()
}

fn efs_volume(volume: &acs::Volume) -> Result<FileSystemVolume, Refusal> {
    let name = volume.name.clone().unwrap_or_default();
    let malformed = |what: &str| Refusal::Malformed(format!("volume {name}: {what}"));
    let settings = volume
        .efs_volume_configuration
        .clone()
        .ok_or_else(|| malformed("no efsVolumeConfiguration"))?;
    let number = |it: Option<i64>| {
        let number = it.and_then(|it| u32::try_from(it).ok());
        number.ok_or_else(|| malformed("no number of a user or group"))
    };
    let owner = |uid, gid| -> Result<FileOwner, Refusal> {
        Ok(FileOwner {
            uid: number(uid)?,
            gid: number(gid)?,
        })
    };
    let point = settings.access_point.unwrap_or_default();
    let creation = point.creation.map(|it| -> Result<DirectoryCreation, Refusal> {
        Ok(DirectoryCreation {
            owner: owner(it.uid, it.gid)?,
            permissions: number(it.permissions.map(i64::from))?,
        })
    });
    let directory = point.path.or(settings.root_directory).unwrap_or_default();
    Ok(FileSystemVolume {
        file_system_id: settings.file_system_id.unwrap_or_default(),
        dns_name: settings.dns_name.unwrap_or_default(),
        directory: PathBuf::from(if directory.is_empty() { "/" } else { &directory }),
        creation: creation.transpose()?,
        user: point.user.map(|it| owner(it.uid, it.gid)).transpose()?,
        refusal: settings.refusal,
        name,
    })
}

/// Mount points of a container, in order.
///
/// # Errors
/// A volume that is not there, or of a kind that is not supported.
pub fn mounts(given: Vec<acs::MountPoint>, volumes: &[acs::Volume]) -> Result<Vec<Mount>, Refusal> {
    given.into_iter().map(|it| mount_point(it, volumes)).collect()
}

/// A volume at its place in a container.
///
/// # Errors
/// A volume that is not there, or of a kind that is not supported.
fn mount_point(mount: acs::MountPoint, volumes: &[acs::Volume]) -> Result<Mount, Refusal> {
    let name = mount.source_volume.unwrap_or_default();
    let volume = volumes
        .iter()
        .find(|it| it.name.as_deref() == Some(name.as_str()));
    let volume = volume.ok_or_else(|| Refusal::Malformed(format!("mount point of unknown volume {name}")))?;
    match volume.r#type.as_deref().unwrap_or_default() {
        "" | "host" | "docker" | "efs" => {}
        other => return Err(Refusal::unsupported(format!("volume type {other}"))),
    }
    let target = mount.container_path.filter(|it| !it.is_empty());
    let target = target.ok_or_else(|| Refusal::Malformed("mount point without containerPath".to_owned()))?;
    let source = volume.host.as_ref().and_then(|it| it.source_path.as_deref());
    Ok(Mount {
        source: source.filter(|it| !it.is_empty()).map(PathBuf::from),
        volume: name,
        target: PathBuf::from(target),
        read_only: mount.read_only.unwrap_or(false),
    })
}

/// All volumes of another container.
///
/// # Errors
/// Without its name.
pub fn volumes_from(it: acs::VolumeFrom) -> Result<VolumesFrom, Refusal> {
    let container = it.source_container.filter(|it| !it.is_empty());
    Ok(VolumesFrom {
        container: container
            .ok_or_else(|| Refusal::Malformed("volumesFrom without sourceContainer".to_owned()))?,
        read_only: it.read_only.unwrap_or(false),
    })
}
