//! Directories of buckets, walked step by step: no link is followed, so that no key leads out of its bucket.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{FOLDER_MODE, ObjectError, Replacing};

/// How directories are opened.
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// How files are. What is no file at all, a pipe say, must not block.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// An open directory.
pub struct Folder(OwnedFd);

/// What is in a directory.
pub struct Entry {
    /// As it is called there.
    pub name: OsString,
    /// A directory, or else a file.
    pub is_folder: bool,
}

impl Folder {
    /// Opens one; `None` if there is none.
    pub fn open(path: &Path) -> Result<Option<Self>, ObjectError> {
        found(rustix::fs::openat(CWD, path, FOLDER, Mode::empty()).map(Self))
    }

    /// One in this one; `None` if there is none.
    pub fn open_folder(&self, name: &OsStr) -> Result<Option<Self>, ObjectError> {
        found(rustix::fs::openat(&self.0, name, FOLDER, Mode::empty()).map(Self))
    }

    /// One further below; `None` if there is none.
    pub fn below(self, names: &[String]) -> Result<Option<Self>, ObjectError> {
        let mut folder = self;
        for name in names {
            let Some(next) = folder.open_folder(OsStr::new(name))? else {
                return Ok(None);
            };
            folder = next;
        }
        Ok(Some(folder))
    }

    /// One further below, made with all on the way to it.
    pub fn make_below(self, names: &[String]) -> Result<Self, ObjectError> {
        let mut folder = self;
        for name in names {
            match rustix::fs::mkdirat(&folder.0, name.as_str(), Mode::from_raw_mode(FOLDER_MODE)) {
                Ok(()) => rustix::fs::fsync(&folder.0)?,
                Err(Errno::EXIST) => {}
                Err(other) => return Err(other.into()),
            }
            let next = folder.open_folder(OsStr::new(name))?;
            folder = next.ok_or(ObjectError::KeyInTheWay)?;
        }
        Ok(folder)
    }

    /// A file in this one; `None` if there is none, or it is something else.
    pub fn open_file(&self, name: &str) -> Result<Option<File>, ObjectError> {
        let opened = rustix::fs::openat(&self.0, name, FILE, Mode::empty());
        let file = found(opened)?.map(File::from);
        match file {
            Some(file) if file.metadata()?.is_file() => Ok(Some(file)),
            _ => Ok(None),
        }
    }

    /// Moves a file here, and has the disk know of it.
    pub fn place(&self, file: &Path, name: &str, replacing: Replacing) -> Result<(), ObjectError> {
        let flags = match replacing {
            Replacing::Anything => RenameFlags::empty(),
            Replacing::Nothing => RenameFlags::NOREPLACE,
        };
        match rustix::fs::renameat_with(CWD, file, &self.0, name, flags) {
            Ok(()) => Ok(rustix::fs::fsync(&self.0)?),
            Err(Errno::ISDIR | Errno::NOTEMPTY) => Err(ObjectError::KeyInTheWay),
            Err(Errno::EXIST) => Err(ObjectError::ObjectExists),
            Err(other) => Err(other.into()),
        }
    }

    /// Removes a file further below, with the directories on the way to it that have nothing any more.
    pub fn remove_file(self, names: &[String], name: &str) -> Result<(), ObjectError> {
        let mut way = vec![self];
        for name in names {
            let last = way.last().map(|it| it.open_folder(OsStr::new(name)));
            let Some(next) = last.transpose()?.flatten() else {
                return Ok(());
            };
            way.push(next);
        }
        let Some(mut folder) = way.pop() else {
            return Ok(());
        };
        match rustix::fs::unlinkat(&folder.0, name, AtFlags::empty()) {
            Ok(()) => rustix::fs::fsync(&folder.0)?,
            // A directory is no object.
            Err(Errno::NOENT | Errno::ISDIR | Errno::PERM) => return Ok(()),
            Err(other) => return Err(other.into()),
        }
        for name in names.iter().rev() {
            let Some(above) = way.pop() else { break };
            match rustix::fs::unlinkat(&above.0, name.as_str(), AtFlags::REMOVEDIR) {
                Ok(()) => rustix::fs::fsync(&above.0)?,
                Err(Errno::NOTEMPTY | Errno::EXIST) => break,
                Err(other) => return Err(other.into()),
            }
            folder = above;
        }
        drop(folder);
        Ok(())
    }

    /// Removes all directories in it, as long as there are only such. Whether nothing is left.
    pub fn remove_empty(&self) -> Result<bool, ObjectError> {
        for entry in self.entries()? {
            if !entry.is_folder {
                return Ok(false);
            }
            let folder = self.open_folder(&entry.name)?;
            if !folder.map_or(Ok(true), |it| it.remove_empty())? {
                return Ok(false);
            }
            rustix::fs::unlinkat(&self.0, &entry.name, AtFlags::REMOVEDIR)?;
        }
        Ok(true)
    }

    /// Files and directories in it; nothing else, links neither.
    pub fn entries(&self) -> Result<Vec<Entry>, ObjectError> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let status = rustix::fs::statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW)?;
                    FileType::from_raw_mode(status.st_mode)
                }
                known => known,
            };
            match kind {
                FileType::Directory => entries.push(Entry {
                    name,
                    is_folder: true,
                }),
                FileType::RegularFile => entries.push(Entry {
                    name,
                    is_folder: false,
                }),
                _ => {}
            }
        }
        Ok(entries)
    }
}

/// What is not there, or is a link or of another kind, is `None`.
fn found<T>(opened: Result<T, Errno>) -> Result<Option<T>, ObjectError> {
    match opened {
        Ok(it) => Ok(Some(it)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => Ok(None),
        Err(other) => Err(other.into()),
    }
}
