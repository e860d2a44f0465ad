//! The root file system of a container: an overlay of its image's layers, mounted nowhere on the host.
//!
//! The mount is a descriptor. The shim's child attaches it in a mount namespace of the container's own, so
//! it goes away with the container, and an agent that dies leaves no mounts behind.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

use super::PrepareError;

/// Longest string that the kernel takes as an option of a new mount, in bytes.
const MAX_OPTION_BYTES: usize = 255;
/// Most that is read of a file in an image, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Stacks the layers, lowest first, with a writable one below `directory` on top.
///
/// # Errors
/// [`PrepareError::Io`] if the kernel refuses.
pub fn mount(layers: &[PathBuf], directory: &Path) -> Result<OwnedFd, PrepareError> {
    let (upper, work) = (directory.join("upper"), directory.join("work"));
    for path in [&upper, &work] {
        fs::create_dir(path).map_err(|source| PrepareError::io(path, source))?;
    }
    let mut options = Options { kept: Vec::new() };
    let mounted = (|| {
        let overlay = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let overlay = &overlay;
        for layer in layers.iter().rev() {
            rustix::mount::fsconfig_set_string(overlay, "lowerdir+", options.path(layer)?)?;
        }
        rustix::mount::fsconfig_set_string(overlay, "upperdir", options.path(&upper)?)?;
        rustix::mount::fsconfig_set_string(overlay, "workdir", options.path(&work)?)?;
        // What a container writes is gone when it ends, so it never has to reach the disk.
        rustix::mount::fsconfig_set_flag(overlay, "volatile")?;
        rustix::mount::fsconfig_create(overlay)?;
        Ok(rustix::mount::fsmount(overlay, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?)
    })();
    mounted.map_err(|source| PrepareError::io(directory, source))
}

/// Gives long paths a short name for as long as it lives.
struct Options {
    kept: Vec<OwnedFd>,
}

impl Options {
    fn path(&mut self, path: &Path) -> io::Result<PathBuf> {
        if path.as_os_str().len() <= MAX_OPTION_BYTES {
            return Ok(path.to_owned());
        }
        let directory = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        self.kept.push(directory);
        Ok(short)
    }
}

/// Text of a file in the container, links resolved inside; empty if it cannot be had.
pub fn read_file(root: &OwnedFd, path: &str) -> String {
    let Ok(file) = open_inside(root, Path::new(path), OFlags::RDONLY | OFlags::NONBLOCK) else {
        return String::new();
    };
    let mut bytes = Vec::new();
    drop(fs::File::from(file).take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Opens something in the container, links resolved inside.
///
/// # Errors
/// As `openat2`.
pub fn open_inside(root: &OwnedFd, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)?)
}

/// Makes a directory in the container, with its parents, if it is missing.
///
/// # Errors
/// [`PrepareError::Io`], also if something else is in its place.
pub fn make_directory(root: &OwnedFd, path: &Path) -> Result<(), PrepareError> {
    let failed = |source: io::Error| PrepareError::io(path, source);
    let mut reached = PathBuf::from("/");
    for component in path.components() {
        let Component::Normal(name) = component else { continue };
        let parent = open_inside(root, &reached, OFlags::PATH | OFlags::DIRECTORY).map_err(failed)?;
        match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => {}
            Err(rustix::io::Errno::NOENT) => {
                rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755))
                    .map_err(|error| failed(error.into()))?;
            }
            Err(error) => return Err(failed(error.into())),
        }
        reached.push(name);
    }
    open_inside(root, &reached, OFlags::PATH | OFlags::DIRECTORY).map(drop).map_err(failed)
}

/// Whether a path names something on the host.
pub fn exists(path: &Path) -> bool {
    rustix::fs::statat(CWD, path, AtFlags::empty()).is_ok()
}
