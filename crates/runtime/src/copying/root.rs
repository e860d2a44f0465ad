//! A directory that is the whole file system for the paths of a copy.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// How often the kernel may say that a rename elsewhere disturbed it.
const DISTURBANCES_MAX: usize = 64;

/// A root directory.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    /// One that is open already.
    pub fn new(directory: OwnedFd) -> Self {
        Self(directory)
    }

    /// A directory of this process's own file system.
    ///
    /// # Errors
    /// As `open`.
    pub fn open(directory: &Path) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(CWD, directory, flags, Mode::empty())?))
    }

    /// Opens a path in it. Links lead where they would if this were the whole file system.
    pub(super) fn find(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        resolve(self.0.as_fd(), path, flags, ResolveFlags::IN_ROOT)
    }
}

/// Opens a path below a directory that has no link in it.
pub(super) fn beneath(directory: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    resolve(directory, path, flags, within)
}

/// Never through the links of /proc, which lead to other file systems.
fn resolve(
    directory: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    within: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let within = within | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..DISTURBANCES_MAX {
        match rustix::fs::openat2(directory, path, flags | OFlags::CLOEXEC, Mode::empty(), within) {
            Err(Errno::AGAIN) => {}
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}
