//! The volumes of a container: its own, those of others, and those that its image declares.

use std::fs;
use std::path::{Component, Path, PathBuf};

use agent::host::ContainerSpec;
use rustix::fd::{AsRawFd, OwnedFd};
use shim::{OwnerMapping, SharedDirectory};

use super::{Place, PrepareError, copy, root};
use crate::volumes::{VolumeMount, VolumeSource};

/// Decides which volumes a container has, in the order in which they are mounted: what is deeper comes later.
///
/// # Errors
/// A path that is not absolute, or leads out of its place.
pub fn resolve(
    container: &ContainerSpec,
    declared: &[String],
    place: Place<'_>,
) -> Result<Vec<VolumeMount>, PrepareError> {
    let mut mounts = Vec::new();
    for mount in &container.mounts {
        let of_task = place.task_volumes.iter().find(|it| it.name == mount.volume);
        let source = match (&mount.source, of_task) {
            (Some(source), _) => VolumeSource::HostDirectory(source.clone()),
            (None, Some(volume)) => volume.source.clone(),
            (None, None) => VolumeSource::Directory(place.volumes.join(&mount.volume)),
        };
        mounts.push(VolumeMount {
            source,
            target: mount.target.clone(),
            is_read_only: mount.read_only,
        });
    }
    let in_memory = |target: &Path| container.tmpfs.iter().any(|it| it.target == target);
    for inherited in place.inherited_volumes {
        if !has(&mounts, &inherited.target) && !in_memory(&inherited.target) {
            mounts.push(inherited.clone());
        }
    }
    for (number, target) in declared.iter().enumerate() {
        let target = PathBuf::from(target);
        if has(&mounts, &target) || in_memory(&target) {
            continue;
        }
        // No other volume begins with a dot.
        let directory = place.volumes.join(format!(".{}-{number}", container.name));
        mounts.push(VolumeMount {
            source: VolumeSource::Directory(directory),
            target,
            is_read_only: false,
        });
    }
    for mount in &mounts {
        check_path(&mount.target)?;
        if let VolumeSource::HostDirectory(path) | VolumeSource::Directory(path) = &mount.source {
            check_path(path)?;
        }
    }
    mounts.sort_by_key(|it| it.target.components().count());
    Ok(mounts)
}

fn has(mounts: &[VolumeMount], target: &Path) -> bool {
    mounts.iter().any(|it| it.target == target)
}

/// Makes the directories that are missing, and fills the empty ones that are Gantry's own from the image. Blocks.
///
/// # Errors
/// [`PrepareError::Io`].
pub fn fill(mounts: &[VolumeMount], image_root: &OwnedFd, place: Place<'_>) -> Result<(), PrepareError> {
    for mount in mounts {
        match &mount.source {
            VolumeSource::HostDirectory(path) if !root::exists(path) => make(path)?,
            VolumeSource::Directory(path) => {
                make(path)?;
                fill_one(path, &mount.target, image_root, place)?;
            }
            VolumeSource::HostDirectory(_)
            | VolumeSource::Memory { .. }
            | VolumeSource::Shared { .. }
            | VolumeSource::FileSystem { .. } => {}
        }
    }
    Ok(())
}

/// The directories of shared file systems among them, as seen by the container's user.
pub fn shared(mounts: &[VolumeMount], uid: u32, gid: u32) -> Vec<SharedDirectory> {
    let mut all: Vec<SharedDirectory> = Vec::new();
    for mount in mounts {
        let VolumeSource::Shared {
            root,
            below,
            target,
            owner,
        } = &mount.source
        else {
            continue;
        };
        if all.iter().any(|it| it.target == *target) {
            continue;
        }
        all.push(SharedDirectory {
            root: root.clone(),
            below: below.clone(),
            target: target.clone(),
            owner: owner.map(|it| OwnerMapping {
                of_files: (it.uid, it.gid),
                in_container: (uid, gid),
            }),
        });
    }
    all
}

fn fill_one(
    directory: &Path,
    target: &Path,
    image_root: &OwnedFd,
    place: Place<'_>,
) -> Result<(), PrepareError> {
    let failed = |source| PrepareError::io(directory, source);
    let Some(in_image) = root::open_directory(image_root, target) else {
        return Ok(());
    };
    // Two containers with the same volume must not both find it empty.
    let _filling = place.filling.lock();
    if fs::read_dir(directory).map_err(failed)?.next().is_some() {
        return Ok(());
    }
    let from = format!("/proc/self/fd/{}", in_image.as_raw_fd());
    copy::copy_directory(Path::new(&from), directory).map_err(failed)
}

fn make(path: &Path) -> Result<(), PrepareError> {
    fs::create_dir_all(path).map_err(|source| PrepareError::io(path, source))
}

/// Absolute, and without steps back.
///
/// # Errors
/// [`PrepareError::Path`].
pub fn check_path(path: &Path) -> Result<(), PrepareError> {
    let is_plain = path
        .components()
        .all(|it| matches!(it, Component::RootDir | Component::Normal(_)));
    match path.is_absolute() && is_plain {
        true => Ok(()),
        false => Err(PrepareError::Path(path.to_owned())),
    }
}
