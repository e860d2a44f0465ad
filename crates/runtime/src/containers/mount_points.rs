//! The lowest layer of every container: what is mounted upon, whether an image has it or not.
//!
//! Without it the kernel would make each of these anew in the writable layer of each container, an inode and a
//! rename on the disk every time. What an image has of the same name hides it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const DIRECTORIES: [&str; 4] = ["dev", "etc", "proc", "sys"];
const FILES: [&str; 3] = ["etc/hostname", "etc/hosts", "etc/resolv.conf"];

/// Makes the layer, or what is missing of it.
///
/// # Errors
/// As the file system.
pub fn ensure(layer: &Path) -> io::Result<()> {
    for name in DIRECTORIES {
        let path = layer.join(name);
        DirBuilder::new().recursive(true).mode(0o755).create(&path)?;
    }
    for name in FILES {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o644);
        options.open(layer.join(name))?;
    }
    // An overlay shows the root of its topmost layer, but a stricter process mask must not lock the others.
    fs::set_permissions(layer, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}
