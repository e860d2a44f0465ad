//! Owner, mode and time of what an archive holds.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid};
use rustix::io::Errno;
use tar::Header;

/// To whom what is written belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// To whom the archive says.
    Kept,
    /// To root.
    Root,
    /// To whoever unpacks; bits that give the owner's rights to others are taken away.
    Caller,
}

/// What an entry says beside its content.
#[derive(Clone, Copy, Debug)]
pub struct Metadata {
    owner: Option<(u32, u32)>,
    mode: u32,
    modified_seconds: i64,
}

impl Metadata {
    /// Of an entry.
    ///
    /// # Errors
    /// Its head is damaged.
    pub fn read(header: &Header, owners: Owners) -> std::io::Result<Self> {
        let id = |it: u64| u32::try_from(it).map_err(|_| std::io::Error::other("an owner is no number"));
        let (owner, bits) = match owners {
            Owners::Kept => (Some((id(header.uid()?)?, id(header.gid()?)?)), 0o7777),
            Owners::Root => (Some((0, 0)), 0o7777),
            Owners::Caller => (None, 0o1777),
        };
        Ok(Self {
            owner,
            mode: header.mode()? & bits,
            modified_seconds: i64::try_from(header.mtime()?).unwrap_or_default(),
        })
    }

    /// Sets all of it. The owner comes first: changing it clears bits of the mode. A file is described by what is open
    /// and not by its name, which may lead elsewhere by now.
    pub fn apply_to(&self, file: BorrowedFd<'_>) -> Result<(), Errno> {
        if let Some((uid, gid)) = self.owner {
            rustix::fs::fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.mode))?;
        rustix::fs::futimens(file, &self.times())
    }

    /// Sets what a symbolic link has of it.
    pub fn apply_to_link(&self, parent: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
        if let Some((uid, gid)) = self.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        rustix::fs::utimensat(parent, name, &self.times(), AtFlags::SYMLINK_NOFOLLOW)
    }

    fn times(&self) -> Timestamps {
        let time = Timespec {
            tv_sec: self.modified_seconds,
            tv_nsec: 0,
        };
        Timestamps {
            last_access: time,
            last_modification: time,
        }
    }
}
