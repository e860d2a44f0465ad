//! Writes an archive into a root.

mod entries;
mod metadata;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};

use super::pack::is_directory;
use super::place::{Found, Placement, Source, place};
use super::root::{Root, beneath};
use super::{CopyError, DEPTH_MAX};
use entries::{Names, damaged};
use metadata::Metadata;
pub use metadata::Owners;

/// Where an archive goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// In the root.
    pub path: PathBuf,
    /// Name of what is copied, where `path` is a directory.
    pub name: OsString,
    /// Put what is in the directory that is copied into `path`, not the directory itself.
    pub contents_only: bool,
}

/// Unpacks an archive by the rules of `docker cp`. Answers how many entries are left out: devices. Blocks.
///
/// # Errors
/// [`CopyError`]; what was written stays.
pub fn unpack(archive: impl Read, root: &Root, target: &Target, owners: Owners) -> Result<u64, CopyError> {
    let mut archive = Archive::new(archive);
    let mut names = Names::default();
    let mut unpacking: Option<Unpacking> = None;
    for entry in archive.entries().map_err(CopyError::Archive)?.raw(true) {
        let mut entry = entry.map_err(CopyError::Archive)?;
        let Some((path, link)) = names.of(&mut entry)? else {
            continue;
        };
        let unpacking = match &mut unpacking {
            Some(unpacking) => unpacking,
            None if !path.as_os_str().is_empty() => {
                return Err(damaged("its first entry is not what is copied"));
            }
            None => unpacking.insert(Unpacking::begin(root, target, &entry, owners)?),
        };
        unpacking.entry(&path, link, &mut entry)?;
    }
    let unpacking = unpacking.ok_or_else(|| damaged("it is empty"))?;
    let left_out = unpacking.finish()?;
    // Whoever writes it is not to be cut off in its padding.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(CopyError::Archive)?;
    Ok(left_out)
}

struct Unpacking {
    /// The directory below which everything is.
    top: OwnedFd,
    /// Path of the first entry below it.
    first: PathBuf,
    /// The file that is there already, for the first entry.
    over: Option<OwnedFd>,
    /// For messages: where `top` is.
    shown: PathBuf,
    owners: Owners,
    /// New directories around the last entry, whose metadata come when they are complete.
    open: Vec<(PathBuf, Metadata)>,
    /// The directory of the last entry.
    last: Option<(PathBuf, OwnedFd)>,
    left_out: u64,
}

impl Unpacking {
    /// Finds out where the first entry goes.
    fn begin<R: Read>(
        root: &Root,
        target: &Target,
        first: &Entry<'_, R>,
        owners: Owners,
    ) -> Result<Self, CopyError> {
        let path = &target.path;
        let source = match first.header().entry_type() {
            EntryType::Directory if target.contents_only => Source::Contents,
            EntryType::Directory => Source::Directory,
            _ => Source::File,
        };
        let found = match is_directory(root, path)? {
            None => Found::Nothing,
            Some(true) => Found::Directory,
            Some(false) => Found::File,
        };
        let directory = |path: &Path| {
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            root.find(path, flags).map_err(CopyError::of(path))
        };
        let mut over = None;
        let (top, first, shown) = match place(source, found, path)? {
            Placement::Contents => (directory(path)?, PathBuf::new(), path.clone()),
            Placement::Within => (directory(path)?, PathBuf::from(&target.name), path.clone()),
            placement @ (Placement::As | Placement::Over) => {
                if placement == Placement::Over && first.header().entry_type().is_file() {
                    over = Some(existing(root, path)?);
                }
                let name = path
                    .file_name()
                    .ok_or_else(|| CopyError::Refused(format!("{} is no name of a file", path.display())))?;
                let parent = path.parent().unwrap_or(Path::new("/"));
                let parent = if parent.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    parent
                };
                (directory(parent)?, PathBuf::from(name), parent.to_owned())
            }
        };
        Ok(Self {
            top,
            first,
            over,
            shown,
            owners,
            open: Vec::new(),
            last: None,
            left_out: 0,
        })
    }

    fn entry<R: Read>(
        &mut self,
        below: &Path,
        link: Option<PathBuf>,
        entry: &mut Entry<'_, R>,
    ) -> Result<(), CopyError> {
        // Joining nothing would add a slash.
        let path = match below.as_os_str().is_empty() {
            true => self.first.clone(),
            false => self.first.join(below),
        };
        let metadata = Metadata::read(entry.header(), self.owners).map_err(CopyError::Archive)?;
        self.leave(&path)?;
        let Some(name) = path.file_name() else {
            // The directory that is there.
            return Ok(());
        };
        let shown = self.shown.join(&path);
        let failed = CopyError::of(&shown);
        let parent = self.parent(path.parent().unwrap_or(Path::new("")), &shown)?;
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                let file = match self.over.take() {
                    Some(over) => over,
                    None => create(&parent, name).map_err(&failed)?,
                };
                let mut file = File::from(file);
                io::copy(entry, &mut file).map_err(CopyError::of_io(&shown))?;
                metadata.apply_to(file.as_fd()).map_err(&failed)?;
            }
            EntryType::Directory => match make_directory(&parent, name, &shown)? {
                Made::New => {
                    if self.open.len() == DEPTH_MAX {
                        return Err(damaged("its directories are nested too deeply"));
                    }
                    self.open.push((path.clone(), metadata));
                }
                Made::Before => {}
            },
            EntryType::Symlink => {
                let target = link.ok_or_else(|| damaged("a link without target"))?;
                let make = || rustix::fs::symlinkat(&target, &parent, name);
                replacing(&parent, name, make).map_err(&failed)?;
                let described = metadata.apply_to_link(parent.as_fd(), name);
                described.map_err(&failed)?;
            }
            // Devices would be those of another machine, and pipes lead nowhere.
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                self.left_out += 1;
            }
            other => {
                let text = format!("{}: unknown type of entry {:?}", shown.display(), other.as_byte());
                return Err(damaged(&text));
            }
        }
        // The next entry is most often in the same directory.
        self.last = path.parent().map(|it| (it.to_owned(), parent));
        Ok(())
    }

    /// Opens the directory of an entry. It is not made: directories come before what is in them.
    fn parent(&mut self, path: &Path, shown: &Path) -> Result<OwnedFd, CopyError> {
        if let Some((last, opened)) = self.last.take()
            && last == path
        {
            return Ok(opened);
        }
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        match beneath(self.top.as_fd(), path, OFlags::PATH | OFlags::DIRECTORY) {
            Err(Errno::LOOP | Errno::NOTDIR) => Err(CopyError::Refused(format!(
                "{}: a symbolic link or a file is where its directory should be",
                shown.display()
            ))),
            opened => opened.map_err(CopyError::of(shown)),
        }
    }

    /// Completes the directories that the next entry is not in.
    fn leave(&mut self, next: &Path) -> Result<(), CopyError> {
        while let Some((path, metadata)) = self.open.pop_if(|(path, _)| !next.starts_with(path)) {
            self.describe(&path, metadata)?;
        }
        Ok(())
    }

    fn describe(&mut self, path: &Path, metadata: Metadata) -> Result<(), CopyError> {
        let shown = self.shown.join(path);
        let parent = self.parent(path.parent().unwrap_or(Path::new("")), &shown)?;
        let name = path.file_name().unwrap_or_default();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&parent, name, flags, Mode::empty());
        let applied = opened.and_then(|it| metadata.apply_to(it.as_fd()));
        applied.map_err(CopyError::of(&shown))
    }

    fn finish(mut self) -> Result<u64, CopyError> {
        while let Some((path, metadata)) = self.open.pop() {
            self.describe(&path, metadata)?;
        }
        Ok(self.left_out)
    }
}

/// How a file is opened that may be anything by now: a device must not be waited for, nor written.
const TO_WRITE: OFlags = OFlags::WRONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Opens the file that a path leads to, to be written anew.
fn existing(root: &Root, path: &Path) -> Result<OwnedFd, CopyError> {
    let emptied = root.find(path, TO_WRITE).and_then(emptied);
    emptied.map_err(|errno| match errno {
        Errno::NXIO | Errno::OPNOTSUPP => CopyError::Refused(format!(
            "{} is no regular file, and is left as it is",
            path.display()
        )),
        errno => CopyError::of(path)(errno),
    })
}

/// Only a regular file is emptied.
fn emptied(file: OwnedFd) -> Result<OwnedFd, Errno> {
    let found = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(Errno::OPNOTSUPP);
    }
    rustix::fs::ftruncate(&file, 0)?;
    Ok(file)
}

/// A new file in place of what has that name. What is mounted there cannot be replaced, and is written.
fn create(parent: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = TO_WRITE | OFlags::NOFOLLOW;
    let mode = Mode::RUSR | Mode::WUSR;
    let new = || rustix::fs::openat(parent, name, flags | OFlags::CREATE | OFlags::EXCL, mode);
    match replacing(parent, name, new) {
        Err(Errno::BUSY) => emptied(rustix::fs::openat(parent, name, flags, Mode::empty())?),
        result => result,
    }
}

fn replacing<T>(parent: &OwnedFd, name: &OsStr, make: impl Fn() -> Result<T, Errno>) -> Result<T, Errno> {
    match make() {
        Err(Errno::EXIST) => {
            rustix::fs::unlinkat(parent, name, AtFlags::empty())?;
            make()
        }
        result => result,
    }
}

enum Made {
    New,
    /// It was there, and stays as it is.
    Before,
}

fn make_directory(parent: &OwnedFd, name: &OsStr, shown: &Path) -> Result<Made, CopyError> {
    match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) => return Ok(Made::New),
        Err(Errno::EXIST) => {}
        Err(error) => return Err(CopyError::of(shown)(error)),
    }
    let found = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    let found = found.map_err(CopyError::of(shown))?;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::Directory => Ok(Made::Before),
        _ => Err(CopyError::Refused(format!(
            "{}: a directory cannot be copied over a file",
            shown.display()
        ))),
    }
}
