//! What is mounted in a container: the kernel's file systems, the host's files, its volumes.

use std::fs;
use std::path::{Component, Path, PathBuf};

use agent::host::ContainerSpec;
use oci_spec::runtime::{Mount, MountBuilder};

use super::host_files::HostFile;
use super::spec::INIT_PATH;
use super::{Place, PrepareError, root};

/// Docker's default size of `/dev/shm`.
const SHARED_MEMORY: &str = "size=65536k";

/// All mounts, in the order in which they are made.
///
/// # Errors
/// A path that is not absolute, or a source that cannot be made.
pub fn specify(
    container: &ContainerSpec,
    place: Place<'_>,
    host_files: &[HostFile],
) -> Result<Vec<Mount>, PrepareError> {
    let system = if container.privileged { "rw" } else { "ro" };
    let mut mounts = vec![
        kernel("/proc", "proc", &["nosuid", "noexec", "nodev"])?,
        kernel(
            "/dev",
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", SHARED_MEMORY],
        )?,
        kernel(
            "/dev/pts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5",
            ],
        )?,
        kernel("/sys", "sysfs", &["nosuid", "noexec", "nodev", system])?,
        kernel(
            "/sys/fs/cgroup",
            "cgroup",
            &["nosuid", "noexec", "nodev", "relatime", system],
        )?,
        kernel("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"])?,
        kernel(
            "/dev/shm",
            "tmpfs",
            &["nosuid", "noexec", "nodev", "mode=1777", SHARED_MEMORY],
        )?,
    ];
    let files_mode = if container.readonly_root_filesystem {
        "ro"
    } else {
        "rw"
    };
    for file in host_files {
        mounts.push(bind(&file.source, Path::new(file.target), files_mode)?);
    }
    if container.init_process_enabled {
        mounts.push(bind(place.init, Path::new(INIT_PATH), "ro")?);
    }
    for volume in &container.mounts {
        check_path(&volume.target)?;
        let source = match &volume.source {
            Some(source) => source.clone(),
            None => place.volumes.join(&volume.volume),
        };
        check_path(&source)?;
        if !root::exists(&source) {
            fs::create_dir_all(&source).map_err(|error| PrepareError::io(&source, error))?;
        }
        mounts.push(bind(
            &source,
            &volume.target,
            if volume.read_only { "ro" } else { "rw" },
        )?);
    }
    Ok(mounts)
}

fn kernel(target: &str, kind: &str, options: &[&str]) -> Result<Mount, PrepareError> {
    Ok(MountBuilder::default()
        .destination(PathBuf::from(target))
        .typ(kind)
        .source(PathBuf::from(kind))
        .options(options.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        .build()?)
}

fn bind(source: &Path, target: &Path, mode: &str) -> Result<Mount, PrepareError> {
    let options = ["rbind", "rprivate", mode].map(str::to_owned);
    Ok(MountBuilder::default()
        .destination(target.to_owned())
        .typ("bind")
        .source(source.to_owned())
        .options(options.to_vec())
        .build()?)
}

fn check_path(path: &Path) -> Result<(), PrepareError> {
    let is_plain = path
        .components()
        .all(|it| matches!(it, Component::RootDir | Component::Normal(_)));
    match path.is_absolute() && is_plain {
        true => Ok(()),
        false => Err(PrepareError::Path(path.to_owned())),
    }
}
