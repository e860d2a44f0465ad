//! Devices of the host: all for privileged containers, some for others.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use agent::host::Device;
use oci_spec::runtime::{LinuxDevice, LinuxDeviceBuilder, LinuxDeviceType};

use super::PrepareError;
use crate::cgroups::{Access, AllowedDevice, DeviceKind};

/// Folders of `/dev` that a container has of its own.
const OWN: [&str; 5] = ["pts", "shm", "fd", "mqueue", "console"];
/// More than this are left out; no host has them.
const MAX_DEVICES: usize = 4096;

/// A device that a container asked for.
#[derive(Clone, Debug)]
pub struct Granted {
    /// On the host.
    pub host_path: PathBuf,
    /// Its node in the container.
    pub node: LinuxDevice,
    /// What its group lets it do.
    pub allowed: AllowedDevice,
}

/// The devices that a container asked for; a directory stands for all that are below it.
///
/// # Errors
/// [`PrepareError::Device`] for a path that is none.
pub fn granted(devices: &[Device]) -> Result<Vec<Granted>, PrepareError> {
    let mut all = Vec::new();
    for device in devices {
        super::volumes::check_path(&device.container_path)?;
        let failed = |reason: String| PrepareError::Device {
            path: device.host_path.clone(),
            reason,
        };
        let found = fs::metadata(&device.host_path).map_err(|error| failed(lower_case(&error)))?;
        if !found.is_dir() {
            let node = describe(device.host_path.clone())?;
            let node = node.ok_or_else(|| failed("not a device node".to_owned()))?;
            all.push(grant(node, device, Path::new("")));
            continue;
        }
        for node in below(&device.host_path, &[])? {
            let within = node.path().clone();
            let within = within.strip_prefix(&device.host_path).unwrap_or(Path::new(""));
            all.push(grant(node, device, within));
        }
    }
    Ok(all)
}

fn grant(mut node: LinuxDevice, device: &Device, within: &Path) -> Granted {
    let kind = match node.typ() {
        LinuxDeviceType::B => DeviceKind::Block,
        _ => DeviceKind::Character,
    };
    let allowed = AllowedDevice {
        kind,
        major: u32::try_from(node.major()).unwrap_or_default(),
        minor: u32::try_from(node.minor()).ok(),
        access: Access::parse(&device.permissions),
    };
    let host_path = node.path().clone();
    let target = match within.as_os_str().is_empty() {
        true => device.container_path.clone(),
        false => device.container_path.join(within),
    };
    node.set_path(target);
    Granted {
        host_path,
        node,
        allowed,
    }
}

/// The C library's words, as Docker passes them on.
fn lower_case(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Every device node below `/dev`, but for terminals.
///
/// # Errors
/// None in practice.
pub fn of_host() -> Result<Vec<LinuxDevice>, PrepareError> {
    below(Path::new("/dev"), &OWN)
}

/// Every device node below a directory, but for these folders and files of it.
fn below(directory: &Path, left_out: &[&str]) -> Result<Vec<LinuxDevice>, PrepareError> {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else {
                continue;
            };
            let is_left_out = left_out.iter().any(|it| directory.join(it) == path);
            if is_left_out || found.len() >= MAX_DEVICES {
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
    let kind = match metadata.file_type() {
        it if it.is_char_device() => LinuxDeviceType::C,
        it if it.is_block_device() => LinuxDeviceType::B,
        _ => return Ok(None),
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
