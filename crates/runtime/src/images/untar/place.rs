//! Where an entry goes: an open directory and a name in it. The kernel keeps the way there inside the layer.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// How often the kernel may say that a rename elsewhere disturbed it.
const MAX_DISTURBANCES: usize = 64;

/// A name in a directory.
pub struct Place {
    /// The directory.
    pub parent: Rc<OwnedFd>,
    /// The name; `.` is the directory itself.
    pub name: OsString,
}

impl Place {
    /// A path for calls that want one. It does not follow links but a last one.
    pub fn path(&self) -> PathBuf {
        self.parent_path().join(&self.name)
    }

    /// The path of the directory.
    pub fn parent_path(&self) -> PathBuf {
        // The dot makes it the directory instead of the link in /proc.
        PathBuf::from(format!("/proc/self/fd/{}/.", self.parent.as_raw_fd()))
    }

    /// Another name in the same directory.
    pub fn sibling(&self, name: &[u8]) -> Self {
        Self {
            parent: self.parent.clone(),
            name: OsStr::from_bytes(name).to_owned(),
        }
    }

    /// What is there now.
    pub fn file_type(&self) -> io::Result<Option<FileType>> {
        match rustix::fs::statat(&self.parent, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it is what hides a file of a lower layer.
    pub fn is_whiteout(&self) -> io::Result<bool> {
        let found = rustix::fs::statat(&self.parent, &self.name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_device = FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice;
        Ok(is_device && found.st_rdev == 0)
    }
}

/// Finds places below the layer's top directory.
pub struct Places {
    top: Rc<OwnedFd>,
    /// The directory of the last entry, mostly that of the next one too.
    last: Option<(PathBuf, Rc<OwnedFd>)>,
}

impl Places {
    /// Below this directory.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = rustix::fs::open(directory, flags, Mode::empty())?;
        Ok(Self {
            top: Rc::new(top),
            last: None,
        })
    }

    /// The top directory as a place.
    pub fn top(&self) -> io::Result<Place> {
        Ok(Place {
            parent: self.top.clone(),
            name: ".".into(),
        })
    }

    /// The place of a path made by [`inside`], its parents made if missing; `None` for the top itself.
    pub fn find(&mut self, path: &Path) -> io::Result<Option<Place>> {
        let Some(name) = path.file_name() else {
            return Ok(None);
        };
        let parent = path.parent().unwrap_or(Path::new(""));
        let parent = self.directory(parent)?;
        Ok(Some(Place {
            parent,
            name: name.to_owned(),
        }))
    }

    /// Removes what is at a place.
    pub fn remove(&mut self, place: &Place) -> io::Result<()> {
        if place.file_type()? != Some(FileType::Directory) {
            return Ok(rustix::fs::unlinkat(
                &place.parent,
                &place.name,
                AtFlags::empty(),
            )?);
        }
        self.last = None;
        fs::remove_dir_all(place.path())
    }

    fn directory(&mut self, path: &Path) -> io::Result<Rc<OwnedFd>> {
        if path.as_os_str().is_empty() {
            return Ok(self.top.clone());
        }
        if let Some((last, opened)) = &self.last
            && last == path
        {
            return Ok(opened.clone());
        }
        let opened = match self.open_beneath(path) {
            Err(Errno::NOENT) => self.make(path)?,
            Err(Errno::XDEV) => return Err(io::Error::other("it leads out of the layer")),
            result => result?,
        };
        let opened = Rc::new(opened);
        self.last = Some((path.to_owned(), opened.clone()));
        Ok(opened)
    }

    /// Makes a directory and its parents.
    fn make(&self, path: &Path) -> io::Result<OwnedFd> {
        let mut reached = PathBuf::new();
        for name in path {
            let parent = if reached.as_os_str().is_empty() {
                self.top.clone()
            } else {
                Rc::new(self.open_beneath(&reached)?)
            };
            match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => reached.push(name),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.open_beneath(path)?)
    }

    fn open_beneath(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..MAX_DISTURBANCES {
            match rustix::fs::openat2(&self.top, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => {}
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }
}

/// The path of an entry relative to the layer's top.
///
/// # Errors
/// If it contains `..`.
pub fn inside(path: &[u8]) -> io::Result<PathBuf> {
    let mut relative = PathBuf::new();
    for component in Path::new(OsStr::from_bytes(path)).components() {
        match component {
            Component::Normal(name) => relative.push(name),
            Component::ParentDir => return Err(io::Error::other("it leads out of the layer")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(relative)
}
