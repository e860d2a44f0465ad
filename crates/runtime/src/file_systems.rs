//! Directories of file systems that hosts share: found, and made where an access point says how.
//!
//! ```text
//!  <directory of the operator>/<fs-…>/…    the files, which nothing here removes
//!  tasks/<task id>/volumes/<name>          empty; each container sees the files there, and only the container
//! ```

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use agent::host::{DirectoryCreation, FileSystemVolume};
use rustix::fs::{CWD, Gid, Mode, OFlags, ResolveFlags, Uid};

use crate::task_directory::is_name;
use crate::volumes::{TaskVolume, VolumeSource};

/// Why a file system cannot be mounted, in the words of Amazon's mount helper.
#[derive(Debug, thiserror::Error)]
#[error("failed to invoke EFS utils commands to set up EFS volumes: {0}")]
pub struct FileSystemError(String);

/// The file systems of a host.
#[derive(Debug)]
pub struct FileSystems {
    directory: PathBuf,
}

impl FileSystems {
    /// Those in a directory, which need not exist.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Finds the directory of a volume, or makes it. `of_task` is where the containers of the task find it. Blocks.
    ///
    /// # Errors
    /// [`FileSystemError`].
    pub fn prepare(&self, volume: &FileSystemVolume, of_task: &Path) -> Result<TaskVolume, FileSystemError> {
        if let Some(refusal) = &volume.refusal {
            return Err(FileSystemError(refusal.clone()));
        }
        let id = &volume.file_system_id;
        if !is_name(id) || !is_name(&volume.name) {
            return Err(FileSystemError(format!("{id:?} is no file system")));
        }
        let root = self.directory.join(id);
        let failed = |error: io::Error| unmountable(volume, &error);
        let directory = open_root(&root).map_err(failed)?;
        match open_below(&directory, &volume.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match volume.creation {
                Some(creation) => make(&directory, &volume.directory, creation).map_err(failed)?,
                None => return Err(failed(error)),
            },
            other => drop(other.map_err(failed)?),
        }
        let target = of_task.join(&volume.name);
        fs::create_dir_all(&target).map_err(failed)?;
        Ok(TaskVolume {
            name: volume.name.clone(),
            source: VolumeSource::Shared {
                root,
                below: volume.directory.clone(),
                target,
                owner: volume.user,
            },
        })
    }
}

fn unmountable(volume: &FileSystemVolume, error: &io::Error) -> FileSystemError {
    let (name, directory) = (&volume.dns_name, volume.directory.display());
    let reason = match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOENT) => "No such file or directory".to_owned(),
        Some(rustix::io::Errno::NOTDIR) => "Not a directory".to_owned(),
        _ => error.to_string(),
    };
    FileSystemError(format!(
        "stderr: b'mount.nfs4: mounting {name}:{directory} failed, reason given by server: {reason}' : unsuccessful \
         EFS utils command execution; code: 32"
    ))
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory of the file system itself must be no link either.
fn open_root(root: &Path) -> io::Result<File> {
    let opened = rustix::fs::openat(CWD, root, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    Ok(opened.into())
}

/// Opens a directory as if `root` were the root of everything.
fn open_below(root: &File, below: &Path) -> io::Result<File> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(root, below, DIRECTORY, Mode::empty(), resolve)?.into())
}

/// Makes the directories that are missing on the way, all of the same owner.
fn make(root: &File, below: &Path, creation: DirectoryCreation) -> io::Result<()> {
    let mut reached = PathBuf::from("/");
    let mut parent = root.try_clone()?;
    for part in below.components() {
        let name = match part {
            Component::Normal(name) => name,
            Component::RootDir | Component::CurDir => continue,
            Component::ParentDir | Component::Prefix(_) => return Err(io::ErrorKind::InvalidInput.into()),
        };
        reached.push(name);
        match open_below(root, &reached) {
            Ok(directory) => parent = directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                parent = make_one(&parent, Path::new(name), creation)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn make_one(parent: &File, name: &Path, creation: DirectoryCreation) -> io::Result<File> {
    match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
        // Another task may have been faster; a link to nowhere stays what it is, and opening it fails.
        Err(rustix::io::Errno::EXIST) => {
            let opened = rustix::fs::openat(parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
            return Ok(opened.into());
        }
        other => other?,
    }
    let opened = rustix::fs::openat(parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    let owner = creation.owner;
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    rustix::fs::fchown(&opened, Some(uid), Some(gid))?;
    rustix::fs::fchmod(&opened, Mode::from_raw_mode(creation.permissions))?;
    Ok(opened.into())
}
