//! Content by digest, one file each, shared by all repositories.
//!
//! ```text
//!  registry/
//!    blobs/ab/abcdef…    whole and on the disk from the moment it is there
//!    uploads/<id>        arriving
//! ```

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::repository::is_digest;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

#[cfg(test)]
mod tests;

/// Only the control plane reads them.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const PREFIX: &str = "sha256:";

/// Digest of some bytes, as images have it.
pub fn digest_of(bytes: &[u8]) -> String {
    digest_text(Sha256::new_with_prefix(bytes))
}

/// Digest of what was hashed.
pub fn digest_text(hash: Sha256) -> String {
    format!("{PREFIX}{}", hex::encode(hash.finalize()))
}

/// Makes a folder that only its owner can look into.
pub fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)
}

/// A new file that only its owner can read.
pub fn private_file(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
}

/// The files.
#[derive(Debug)]
pub struct Blobs {
    folder: PathBuf,
    /// Digests that somebody is about to name in a record: their files stay.
    pins: Mutex<HashMap<String, u32>>,
}

/// Keeps a file that no record names yet. It must outlive the transaction that names it.
#[derive(Debug)]
pub struct Pin {
    blobs: Arc<Blobs>,
    digest: String,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.blobs.pins.lock();
        if let Some(count) = pins.get_mut(&self.digest) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.digest);
            }
        }
    }
}

/// An open file of the store. It can be read to its end even if it is removed meanwhile.
#[derive(Debug)]
pub struct Blob {
    file: File,
    /// In bytes.
    pub size: u64,
}

impl Blob {
    /// Reads from a place on, as much as there is and fits. Blocks.
    ///
    /// # Errors
    /// Of the disk.
    pub fn read_at(&self, position: u64, most: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; most];
        let count = self.file.read_at(&mut buffer, position)?;
        buffer.truncate(count);
        Ok(buffer)
    }
}

impl Blob {
    /// Reads all of it from its beginning.
    pub fn into_reader(self) -> File {
        self.file
    }
}

impl Blobs {
    /// Opens the folder and makes what is missing.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let folder = folder.join("blobs");
        private_folder(&folder)?;
        Ok(Self {
            folder,
            pins: Mutex::default(),
        })
    }

    /// Keeps the file of a digest, there already or not, until the pin is dropped.
    pub fn pin(self: &Arc<Self>, digest: &str) -> Pin {
        *self.pins.lock().entry(digest.to_owned()).or_default() += 1;
        Pin {
            blobs: Arc::clone(self),
            digest: digest.to_owned(),
        }
    }

    /// The content of a digest; `None` if it is not there. Blocks.
    ///
    /// # Errors
    /// Of the disk.
    pub fn find(&self, digest: &str) -> io::Result<Option<Blob>> {
        let Some(path) = self.path(digest) else {
            return Ok(None);
        };
        match File::open(path) {
            Ok(file) => {
                let size = file.metadata()?.len();
                Ok(Some(Blob { file, size }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a finished file the content of the pinned digest, which is known to be its own. Blocks.
    ///
    /// # Errors
    /// Of the disk; the file stays where it was.
    pub fn publish(&self, pin: &Pin, file: &File, from: &Path) -> io::Result<()> {
        let path = self.path(&pin.digest).ok_or(io::ErrorKind::InvalidInput)?;
        if path.exists() {
            return fs::remove_file(from);
        }
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        if !folder.exists() {
            private_folder(folder)?;
            File::open(&self.folder)?.sync_all()?;
        }
        file.sync_all()?;
        fs::rename(from, &path)?;
        File::open(folder)?.sync_all()
    }

    /// Writes a small content, which is a manifest. Blocks.
    ///
    /// # Errors
    /// Of the disk.
    pub fn write(&self, pin: &Pin, bytes: &[u8], temporary: &Path) -> io::Result<()> {
        let written = (|| {
            let mut file = private_file(temporary)?;
            file.write_all(bytes)?;
            self.publish(pin, &file, temporary)
        })();
        if written.is_err() {
            drop(fs::remove_file(temporary));
        }
        written
    }

    /// Removes a file unless it is pinned or held. Answers whether it went. Blocks.
    ///
    /// # Errors
    /// Of the disk.
    pub fn remove_unless(&self, digest: &str, is_held: impl FnOnce() -> bool) -> io::Result<bool> {
        let Some(path) = self.path(digest) else {
            return Ok(false);
        };
        // Nobody pins while this is held. Who had a pin before has written the record by now, or never will.
        let pins = self.pins.lock();
        if pins.contains_key(digest) || is_held() {
            return Ok(false);
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// Digests of the files whose first byte this is. Blocks.
    ///
    /// # Errors
    /// Of the disk.
    pub fn digests_of(&self, first_byte: u8) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.folder.join(hex::encode([first_byte]))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut digests = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            digests.extend(name.to_str().map(|it| format!("{PREFIX}{it}")));
        }
        Ok(digests)
    }

    /// Digests are checked before they become paths.
    fn path(&self, digest: &str) -> Option<PathBuf> {
        let digits = digest.strip_prefix(PREFIX).filter(|_| is_digest(digest))?;
        Some(self.folder.join(&digits[..2]).join(digits))
    }
}
