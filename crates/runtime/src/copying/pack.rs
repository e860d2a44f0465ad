//! Writes a file or directory as an archive.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use tar::{Builder, EntryType, Header};

use super::root::Root;
use super::{CopyError, DEPTH_MAX, ROOT_NAME};

/// File systems of the kernel, whose files are made up as they are read: their directories are left empty.
const KERNEL_FILE_SYSTEMS: [i64; 4] = [0x9fa0, 0x6265_6572, 0x0027_e0eb, 0x6367_7270];

/// What is copied where the path is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The link.
    Kept,
    /// What it leads to.
    Followed,
}

/// Writes what is under a path of a root as an archive. Links in a directory are copied as links; sockets are left out.
/// Blocks.
///
/// # Errors
/// [`CopyError`]; a file that becomes shorter while it is read is one.
pub fn pack(root: &Root, path: &Path, links: Links, archive: impl Write) -> Result<(), CopyError> {
    let at_link = match links {
        Links::Kept => OFlags::NOFOLLOW,
        Links::Followed => OFlags::empty(),
    };
    let opened = root
        .find(path, OFlags::PATH | at_link)
        .map_err(CopyError::of(path))?;
    let mut packing = Packing {
        builder: Builder::new(archive),
        source: path.to_owned(),
        below: PathBuf::new(),
    };
    let mut open = Vec::new();
    open.extend(packing.add(&opened)?);
    while let Some(directory) = open.last_mut() {
        let Some(entry) = directory.read() else {
            open.pop();
            packing.below.pop();
            continue;
        };
        let entry = entry.map_err(CopyError::of(&packing.path()))?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        packing.below.push(name);
        let entered = packing.child(directory, name)?;
        match entered {
            Some(_) if open.len() == DEPTH_MAX => {
                let text = format!(
                    "{} is nested deeper than {DEPTH_MAX} directories",
                    packing.path().display()
                );
                return Err(CopyError::Refused(text));
            }
            Some(entered) => open.push(entered),
            None => {
                packing.below.pop();
            }
        }
    }
    let finished = packing.builder.into_inner().and_then(|mut it| it.flush());
    finished.map_err(CopyError::Archive)
}

struct Packing<W: Write> {
    builder: Builder<W>,
    source: PathBuf,
    /// Path of the entry below the source.
    below: PathBuf,
}

impl<W: Write> Packing<W> {
    fn path(&self) -> PathBuf {
        match self.below.as_os_str().is_empty() {
            true => self.source.clone(),
            false => self.source.join(&self.below),
        }
    }

    /// One that has been removed meanwhile is left out.
    fn child(&mut self, directory: &Dir, name: &OsStr) -> Result<Option<Dir>, CopyError> {
        let parent = directory.fd().map_err(CopyError::of(&self.path()))?;
        match rustix::fs::openat(parent, name, NAMED, Mode::empty()) {
            Ok(opened) => self.add(&opened),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(CopyError::of(&self.path())(error)),
        }
    }

    /// Adds what is open by its name alone; of a directory, a way to its entries.
    fn add(&mut self, opened: &OwnedFd) -> Result<Option<Dir>, CopyError> {
        let path = self.path();
        let failed = CopyError::of(&path);
        let found = rustix::fs::fstat(opened).map_err(&failed)?;
        let mut header = header(&found);
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => {
                header.set_size(u64::try_from(found.st_size).unwrap_or_default());
                let file = File::from(reopen(opened.as_fd(), OFlags::RDONLY).map_err(&failed)?);
                let size = header.size().unwrap_or_default();
                self.entry(header, EntryType::Regular, Exactly { file, left: size })?;
            }
            FileType::Directory => {
                self.entry(header, EntryType::Directory, io::empty())?;
                let kind = rustix::fs::fstatfs(opened).map_err(&failed)?.f_type;
                if KERNEL_FILE_SYSTEMS.contains(&kind) {
                    return Ok(None);
                }
                let directory =
                    reopen(opened.as_fd(), OFlags::RDONLY | OFlags::DIRECTORY).map_err(&failed)?;
                return Dir::new(directory).map(Some).map_err(&failed);
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(opened, "", Vec::new()).map_err(&failed)?;
                header.set_entry_type(EntryType::Symlink);
                let name = self.name();
                let target = OsStr::from_bytes(target.to_bytes());
                let added = self.builder.append_link(&mut header, name, target);
                added.map_err(CopyError::Archive)?;
            }
            FileType::Fifo => self.entry(header, EntryType::Fifo, io::empty())?,
            kind @ (FileType::CharacterDevice | FileType::BlockDevice) => {
                let (major, minor) = (rustix::fs::major(found.st_rdev), rustix::fs::minor(found.st_rdev));
                header.set_device_major(major).map_err(CopyError::Archive)?;
                header.set_device_minor(minor).map_err(CopyError::Archive)?;
                let kind = match kind {
                    FileType::BlockDevice => EntryType::Block,
                    _ => EntryType::Char,
                };
                self.entry(header, kind, io::empty())?;
            }
            // Nobody listens on a copy of a socket.
            _ => {}
        }
        Ok(None)
    }

    fn entry(&mut self, mut header: Header, kind: EntryType, data: impl Read) -> Result<(), CopyError> {
        header.set_entry_type(kind);
        let name = self.name();
        let added = self.builder.append_data(&mut header, name, data);
        added.map_err(CopyError::of_io(&self.path()))
    }

    fn name(&self) -> PathBuf {
        Path::new(ROOT_NAME).join(&self.below)
    }
}

/// Opens a name without a look at what it is: devices and pipes are left alone.
const NAMED: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens what is known already, not what is under its name by now.
fn reopen(opened: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd, rustix::io::Errno> {
    let path = format!("/proc/self/fd/{}", opened.as_raw_fd());
    rustix::fs::openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty())
}

fn header(found: &Stat) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(found.st_mode & 0o7777);
    header.set_uid(u64::from(found.st_uid));
    header.set_gid(u64::from(found.st_gid));
    header.set_mtime(u64::try_from(found.st_mtime).unwrap_or_default());
    header.set_size(0);
    header
}

/// As many bytes of a file as its header says.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let count = self.file.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::Error::other("it became shorter while it was read"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Whether something is there, and whether it is a directory; links are followed.
pub(super) fn is_directory(root: &Root, path: &Path) -> Result<Option<bool>, CopyError> {
    let opened = match root.find(path, OFlags::PATH) {
        Ok(opened) => opened,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(error) => return Err(CopyError::of(path)(error)),
    };
    let found = rustix::fs::statat(&opened, "", AtFlags::EMPTY_PATH).map_err(CopyError::of(path))?;
    Ok(Some(
        FileType::from_raw_mode(found.st_mode) == FileType::Directory,
    ))
}
