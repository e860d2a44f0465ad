//! Reading and writing inside a container's root before it runs. Its image is not trusted: links are
//! resolved inside, and only regular files are read.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};

use super::PrepareError;

/// Most that is read of a file in an image, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Text of a regular file in the container; empty if it cannot be had.
pub fn read_file(root: &OwnedFd, path: &str) -> String {
    let read = || -> io::Result<String> {
        let found = open_inside(root, Path::new(path), OFlags::PATH)?;
        if FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode) != FileType::RegularFile {
            return Ok(String::new());
        }
        let file = fs::File::open(format!("/proc/self/fd/{}", found.as_raw_fd()))?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_default()
}

/// A directory in the container, open, if it is there.
pub fn open_directory(root: &OwnedFd, path: &Path) -> Option<OwnedFd> {
    open_inside(root, path, OFlags::PATH | OFlags::DIRECTORY).ok()
}

/// Opens something in the container, links resolved inside.
///
/// # Errors
/// As `openat2`.
fn open_inside(root: &OwnedFd, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(
        root,
        path,
        flags | OFlags::CLOEXEC,
        Mode::empty(),
        resolve,
    )?)
}

/// Makes a directory in the container, with its parents, if it is missing.
///
/// # Errors
/// [`PrepareError::Io`], also if something else is in its place.
pub fn make_directory(root: &OwnedFd, path: &Path) -> Result<(), PrepareError> {
    let failed = |source: io::Error| PrepareError::io(path, source);
    let mut reached = PathBuf::from("/");
    for component in path.components() {
        let Component::Normal(name) = component else {
            continue;
        };
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
    open_inside(root, &reached, OFlags::PATH | OFlags::DIRECTORY)
        .map(drop)
        .map_err(failed)
}

/// Whether a path names something on the host.
pub fn exists(path: &Path) -> bool {
    rustix::fs::statat(CWD, path, AtFlags::empty()).is_ok()
}
