//! What is mounted in a container: the kernel's file systems, the host's files, its volumes.

use std::path::{Path, PathBuf};

use agent::host::{ContainerSpec, IpcSharing, PidSharing, Tmpfs};
use oci_spec::runtime::{Mount, MountBuilder};

use super::host_files::HostFile;
use super::spec::INIT_PATH;
use super::volumes::check_path;
use super::{Granted, Place, PrepareError};
use crate::task_directory::SHARED_MEMORY;
use crate::volumes::{VolumeMount, VolumeSource};

/// Docker's size of the file system of devices.
const DEVICE_DIRECTORY: &str = "size=65536k";
/// Docker's default size of `/dev/shm`.
pub const SHARED_MEMORY_BYTES: u64 = 64 * 1024 * 1024;

/// All mounts, in the order in which they are made.
///
/// # Errors
/// A path that is not absolute, or an option that no file system in memory has.
pub fn specify(
    container: &ContainerSpec,
    place: Place<'_>,
    host_files: &[HostFile],
    volumes: &[VolumeMount],
) -> Result<Vec<Mount>, PrepareError> {
    let system = if container.privileged { "rw" } else { "ro" };
    let mut mounts = vec![
        kernel("/proc", "proc", &["nosuid", "noexec", "nodev"])?,
        kernel(
            "/dev",
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", DEVICE_DIRECTORY],
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
    ];
    mounts.extend(of_groups(place, system)?);
    mounts.extend(of_ipc(container, place)?);
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
    // What is deeper comes later, so that nothing hides it.
    let mut of_container = Vec::new();
    for volume in volumes {
        of_container.push(of_volume(volume)?);
    }
    for tmpfs in &container.tmpfs {
        check_path(&tmpfs.target)?;
        of_container.push(of_tmpfs(tmpfs)?);
    }
    of_container.sort_by_key(|it| it.destination().components().count());
    mounts.extend(of_container);
    Ok(mounts)
}

/// Its own groups, which it cannot change: raising its limits would be easy otherwise. They are bound one by one,
/// since the library mounts those of version 1 writable whatever it is told, and in a process namespace that is not
/// of its making it looks for a process by a number that means another one.
fn of_groups(place: Place<'_>, system: &str) -> Result<Vec<Mount>, PrepareError> {
    const GROUPS: &str = "/sys/fs/cgroup";
    let options = ["nosuid", "noexec", "nodev", "relatime", system];
    let is_one_tree = place.groups.iter().any(|(_, it)| it.as_os_str().is_empty());
    if is_one_tree && place.pid != PidSharing::Task {
        return Ok(vec![kernel(GROUPS, "cgroup", &options)?]);
    }
    let mut mounts = Vec::new();
    if !is_one_tree {
        mounts.push(kernel(
            GROUPS,
            "tmpfs",
            &["nosuid", "noexec", "nodev", "mode=755"],
        )?);
    }
    for (group, below) in place.groups {
        let target = Path::new(GROUPS).join(below);
        let options = [&["bind"], options.as_slice()].concat();
        mounts.push(
            MountBuilder::default()
                .destination(target)
                .typ("bind")
                .source(group.clone())
                .options(options.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
                .build()?,
        );
    }
    Ok(mounts)
}

/// Queues and shared memory: of the container, of the task or of the host, as the namespace is.
fn of_ipc(container: &ContainerSpec, place: Place<'_>) -> Result<Vec<Mount>, PrepareError> {
    let queues = kernel("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"])?;
    let memory_target = Path::new("/dev/shm");
    match place.ipc {
        IpcSharing::Container => {
            let bytes = container.shared_memory_bytes.unwrap_or(SHARED_MEMORY_BYTES);
            let size = format!("size={bytes}");
            let memory = kernel(
                "/dev/shm",
                "tmpfs",
                &["nosuid", "noexec", "nodev", "mode=1777", &size],
            )?;
            Ok(vec![queues, memory])
        }
        IpcSharing::None => Ok(vec![queues]),
        IpcSharing::Task => Ok(vec![
            queues,
            bind(&place.shared.join(SHARED_MEMORY), memory_target, "rw")?,
        ]),
        IpcSharing::Host => Ok(vec![queues, bind(memory_target, memory_target, "rw")?]),
    }
}

fn of_volume(volume: &VolumeMount) -> Result<Mount, PrepareError> {
    let mode = if volume.is_read_only { "ro" } else { "rw" };
    match &volume.source {
        VolumeSource::HostDirectory(path)
        | VolumeSource::Directory(path)
        | VolumeSource::Memory { directory: path, .. }
        | VolumeSource::Shared { target: path, .. } => bind(path, &volume.target, mode),
        VolumeSource::FileSystem {
            kind,
            device,
            options,
        } => Ok(MountBuilder::default()
            .destination(volume.target.clone())
            .typ(kind.as_str())
            .source(device.clone())
            .options([options.as_slice(), &[mode.to_owned()]].concat())
            .build()?),
    }
}

/// Devices outside `/dev`, which are no nodes there.
///
/// # Errors
/// None in practice.
pub fn of_devices(devices: &[Granted]) -> Result<Vec<Mount>, PrepareError> {
    let elsewhere = devices.iter().filter(|it| !it.node.path().starts_with("/dev"));
    elsewhere
        .map(|it| bind(&it.host_path, it.node.path(), "rw"))
        .collect()
}

/// Docker's defaults, which the given options may take back.
fn of_tmpfs(tmpfs: &Tmpfs) -> Result<Mount, PrepareError> {
    let mut options = ["noexec", "nosuid", "nodev"].map(str::to_owned).to_vec();
    for option in tmpfs.options.iter().filter(|it| *it != "defaults") {
        let opposite = match option.strip_prefix("no") {
            Some(rest) => rest.to_owned(),
            None => format!("no{option}"),
        };
        options.retain(|it| *it != opposite && it != option);
        options.push(option.clone());
    }
    Ok(MountBuilder::default()
        .destination(tmpfs.target.clone())
        .typ("tmpfs")
        .source(PathBuf::from("tmpfs"))
        .options(options)
        .build()?)
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
