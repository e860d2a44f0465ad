//! The devices of the host, for privileged containers.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDevice, LinuxDeviceBuilder, LinuxDeviceType};

use super::PrepareError;

/// Folders of `/dev` that a container has of its own.
const OWN: [&str; 5] = ["pts", "shm", "fd", "mqueue", "console"];
/// More than this are left out; no host has them.
const MAX_DEVICES: usize = 4096;

/// Every device node below `/dev`, but for terminals.
///
/// # Errors
/// None in practice.
pub fn of_host() -> Result<Vec<LinuxDevice>, PrepareError> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("/dev")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else {
                continue;
            };
            let is_own = OWN.iter().any(|it| Path::new("/dev").join(it) == path);
            if is_own || found.len() >= MAX_DEVICES {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_char_device() || kind.is_block_device() {
                found.extend(describe(path)?);
            }
        }
    }
    Ok(found)
}

fn describe(path: PathBuf) -> Result<Option<LinuxDevice>, PrepareError> {
    let Ok(metadata) = fs::metadata(&path) else {
        return Ok(None);
    };
    let kind = match metadata.file_type().is_char_device() {
        true => LinuxDeviceType::C,
        false => LinuxDeviceType::B,
    };
    Ok(Some(
        LinuxDeviceBuilder::default()
            .path(path)
            .typ(kind)
            .major(i64::from(libc::major(metadata.rdev())))
            .minor(i64::from(libc::minor(metadata.rdev())))
            .file_mode(metadata.mode() & 0o7777)
            .uid(metadata.uid())
            .gid(metadata.gid())
            .build()?,
    ))
}
