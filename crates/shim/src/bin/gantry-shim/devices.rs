//! The directories of devices, as Docker's runtime leaves them.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use libcontainer::oci_spec::runtime::Spec;

/// Where devices are.
const DEVICES: &str = "/dev";

/// Takes from everybody but root the right to write to the directories that devices are in. The library makes them
/// without a umask. Only those are changed: not what is mounted there, nor what somebody chose.
pub fn restrict_directories(spec: &Spec) -> io::Result<()> {
    let devices = spec.linux().as_ref().and_then(|it| it.devices().as_ref());
    let mut directories = BTreeSet::new();
    for device in devices.into_iter().flatten() {
        let above = device.path().ancestors().skip(1);
        directories.extend(above.take_while(|it| *it != Path::new(DEVICES) && it.starts_with(DEVICES)));
    }
    if directories.is_empty() {
        return Ok(());
    }
    let file_system = fs::symlink_metadata(DEVICES)?.dev();
    for directory in directories {
        let found = fs::symlink_metadata(directory)?;
        if found.is_dir() && found.dev() == file_system && found.mode() & 0o7777 == 0o777 {
            fs::set_permissions(directory, Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
