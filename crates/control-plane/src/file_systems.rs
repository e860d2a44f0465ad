//! The directories of the file systems: made, measured and removed. What is in them belongs to the tasks.
//!
//! ```text
//!  <directory of the operator>/<fs-…>    one file system, shared by all hosts that have the directory
//! ```

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Timestamp;
use domain::file_system::{FileSystem, FileSystemState};
use parking_lot::Mutex;
use store::Store;

/// How long a measured size is answered, in seconds. Amazon's lags behind by more.
const SIZE_SECONDS: i64 = 60;
/// Most files that are counted; a size beyond is said as far as it was counted.
const FILES_MAX: usize = 1_000_000;
/// Bytes of a block, as the kernel counts them.
const BLOCK: u64 = 512;
/// Permissions of the directory above them, if it is made here.
const PRIVATE_MODE: u32 = 0o700;
/// Permissions of a new root directory, as on Amazon.
const ROOT_MODE: u32 = 0o755;

/// A measured size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// On disk.
    pub bytes: u64,
    /// When it was measured.
    pub at: Timestamp,
}

/// The directories of all file systems.
#[derive(Debug)]
pub struct FileSystems {
    directory: PathBuf,
    sizes: Mutex<HashMap<String, Size>>,
}

impl FileSystems {
    /// Those below a directory, which is made when the first of them is.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            sizes: Mutex::default(),
        }
    }

    /// Makes the directory of a file system; one that is there stays as it is. Blocks.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create(&self, id: &str) -> io::Result<()> {
        let private = fs::DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_MODE)
            .create(&self.directory);
        private?;
        match fs::DirBuilder::new()
            .mode(ROOT_MODE)
            .create(self.directory.join(id))
        {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// Removes a file system with all that is in it; one that is not there is no error. No link is followed. Blocks.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn remove(&self, id: &str) -> io::Result<()> {
        self.sizes.lock().remove(id);
        match fs::remove_dir_all(self.directory.join(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// How large a file system is, or was a moment ago. Blocks.
    pub fn size(&self, id: &str, now: Timestamp) -> Size {
        let known = self.sizes.lock().get(id).copied();
        if let Some(fresh) = known.filter(|it| now.as_second() - it.at.as_second() < SIZE_SECONDS) {
            return fresh;
        }
        let size = Size {
            bytes: measure(&self.directory.join(id)),
            at: now,
        };
        self.sizes.lock().insert(id.to_owned(), size);
        size
    }

    /// Ends what an earlier process began: directories that were to be made or removed.
    ///
    /// # Errors
    /// What the operating system says, or the store cannot be written.
    pub async fn recover(self: &Arc<Self>, store: &Store) -> io::Result<()> {
        let unfinished: Vec<FileSystem> = store.read(|state| {
            let all = state.all::<FileSystem>();
            all.filter(|it| it.state != FileSystemState::Available)
                .map(|it| FileSystem::clone(it))
                .collect()
        });
        for it in unfinished {
            self.finish(store, &it).await?;
        }
        Ok(())
    }

    /// Makes or removes the directory of a file system, as its state says, and notes it.
    ///
    /// # Errors
    /// What the operating system says, or the store cannot be written.
    pub async fn finish(self: &Arc<Self>, store: &Store, it: &FileSystem) -> io::Result<()> {
        let (all, id, state) = (Arc::clone(self), it.id.clone(), it.state);
        let worked = tokio::task::spawn_blocking(move || match state {
            FileSystemState::Creating => all.create(&id),
            FileSystemState::Deleting => all.remove(&id),
            FileSystemState::Available => Ok(()),
        });
        worked.await.map_err(io::Error::other)??;
        let id = it.id.clone();
        let noted = store.transact(move |tx| -> Result<(), std::convert::Infallible> {
            let Some(known) = tx.get::<FileSystem>(&id) else {
                return Ok(());
            };
            match known.state {
                FileSystemState::Creating => {
                    tx.put(FileSystem {
                        state: FileSystemState::Available,
                        ..FileSystem::clone(&known)
                    });
                }
                FileSystemState::Deleting => tx.delete::<FileSystem>(&id),
                FileSystemState::Available => {}
            }
            Ok(())
        });
        noted
            .await
            .map_err(|error| io::Error::other(format!("{error:?}")))
    }
}

/// What all files of a directory take on disk. What cannot be read is left out, links are not followed.
fn measure(directory: &Path) -> u64 {
    let mut bytes = fs::symlink_metadata(directory).map_or(0, |it| it.blocks() * BLOCK);
    let mut open = vec![directory.to_owned()];
    let mut files = 0;
    while let Some(directory) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            files += 1;
            if files > FILES_MAX {
                return bytes;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            bytes += metadata.blocks() * BLOCK;
            if metadata.is_dir() {
                open.push(entry.path());
            }
        }
    }
    bytes
}
