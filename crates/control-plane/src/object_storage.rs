//! Objects of S3 as files: a bucket is a directory, and an object a file in it, which is whole from the moment that it
//! is there. Whoever runs Gantry may put files there too.
//!
//! ```text
//!  <directory of the operator>/
//!    <bucket>/<key>      slashes of keys are directories
//!    .uploads/<id>       arriving
//! ```

mod arrival;
mod checksums;
mod folders;
mod keys;
mod listing;
mod object;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use parking_lot::RwLock;
use rustix::io::Errno;
use tokio::sync::Semaphore;
use wire::s3::{ListedPage, ListedQuery, is_bucket_name};

pub use arrival::{Arrival, ReceiveError, Received};
pub use checksums::Algorithm;
pub use object::{Kept, Object};

use folders::Folder;

/// Only the control plane and its operator read them.
const FOLDER_MODE: u32 = 0o700;
/// Objects that are arriving. No bucket has this name.
const UPLOADS: &str = ".uploads";
/// Most buckets of an account, as on Amazon.
const BUCKETS_MAX: usize = 10_000;

/// Why something cannot be done with an object or a bucket.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is no such bucket.
    #[error("there is no such bucket")]
    NoSuchBucket,
    /// There is no such object.
    #[error("there is no such object")]
    NoSuchKey,
    /// A bucket of that name is there.
    #[error("the bucket is there")]
    BucketExists,
    /// There are too many.
    #[error("there are {BUCKETS_MAX} buckets")]
    TooManyBuckets,
    /// The bucket has objects.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// An object is where another key has a directory, or the other way round.
    #[error("a key and a longer one that goes on after it with a slash cannot both be objects")]
    KeyInTheWay,
    /// A part of the key is longer than the name of a file may be.
    #[error("a part of the key between slashes is longer than 255 bytes")]
    PartTooLong,
    /// There is an object, and there must be none.
    #[error("the object is there")]
    ObjectExists,
    /// The page asked for is none.
    #[error("the continuation token is none of ours")]
    InvalidToken,
    /// Of the disk.
    #[error("the disk failed: {0}")]
    Storage(#[from] io::Error),
}

impl From<Errno> for ObjectError {
    fn from(error: Errno) -> Self {
        Self::Storage(error.into())
    }
}

/// What a new object may find in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacing {
    /// It takes the place of another.
    Anything,
    /// There must be none.
    Nothing,
}

/// All buckets. Everything that touches files blocks, unless it says otherwise.
pub struct ObjectStorage {
    directory: PathBuf,
    /// Who removes directories writes, so that none goes while an object is put into it.
    directories: RwLock<()>,
    transfers: Semaphore,
}

impl ObjectStorage {
    /// Those below a directory, which is made with the first bucket. What was arriving when the last process ended is
    /// removed.
    pub fn new(directory: PathBuf) -> Self {
        let uploads = directory.join(UPLOADS);
        match fs::remove_dir_all(&uploads) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %uploads.display(), %error, "cannot remove what is left of uploads");
            }
            _ => {}
        }
        Self {
            directory,
            directories: RwLock::new(()),
            transfers: Semaphore::new(arrival::TRANSFERS_MAX),
        }
    }

    /// All buckets by name, with the times at which they were made.
    ///
    /// # Errors
    /// Of the disk.
    pub fn buckets(&self) -> Result<Vec<(String, Timestamp)>, ObjectError> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if is_bucket_name(&name) && entry.file_type()?.is_dir() {
                let metadata = entry.metadata()?;
                let at = metadata.created().or_else(|_| metadata.modified())?;
                all.push((name, Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)));
            }
        }
        all.sort();
        Ok(all)
    }

    /// Makes a bucket; its name must be one.
    ///
    /// # Errors
    /// [`ObjectError::BucketExists`], [`ObjectError::TooManyBuckets`], of the disk.
    pub fn create_bucket(&self, bucket: &str) -> Result<(), ObjectError> {
        let mut directory = fs::DirBuilder::new();
        directory
            .mode(FOLDER_MODE)
            .recursive(true)
            .create(&self.directory)?;
        if self.buckets()?.len() >= BUCKETS_MAX {
            return Err(ObjectError::TooManyBuckets);
        }
        match directory.recursive(false).create(self.directory.join(bucket)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ObjectError::BucketExists),
            other => {
                other?;
                sync(&self.directory)
            }
        }
    }

    /// Removes a bucket, with directories in it that have no objects.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`], [`ObjectError::BucketNotEmpty`], of the disk.
    pub fn delete_bucket(&self, bucket: &str) -> Result<(), ObjectError> {
        let _alone = self.directories.write();
        if !self.bucket(bucket)?.remove_empty()? {
            return Err(ObjectError::BucketNotEmpty);
        }
        match fs::remove_dir(self.directory.join(bucket)) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                Err(ObjectError::BucketNotEmpty)
            }
            other => {
                other?;
                sync(&self.directory)
            }
        }
    }

    /// Whether there is a bucket.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`], of the disk.
    pub fn check_bucket(&self, bucket: &str) -> Result<(), ObjectError> {
        self.bucket(bucket).map(drop)
    }

    /// Opens an object.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`], [`ObjectError::NoSuchKey`], of the disk.
    pub fn object(&self, bucket: &str, key: &str) -> Result<Object, ObjectError> {
        let folder = self.bucket(bucket)?;
        let Some((folders, name)) = keys::encode(key) else {
            return Err(ObjectError::NoSuchKey);
        };
        let folder = folder.below(&folders)?.ok_or(ObjectError::NoSuchKey)?;
        let file = folder.open_file(&name)?.ok_or(ObjectError::NoSuchKey)?;
        Ok(Object::read(file)?)
    }

    /// Makes what has arrived the object of a key. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub fn put(
        &self,
        arrival: Arrival,
        kept: &Kept,
        bucket: &str,
        key: &str,
        replacing: Replacing,
    ) -> Result<(), ObjectError> {
        let (folders, name) = keys::encode(key).ok_or(ObjectError::PartTooLong)?;
        kept.write(arrival.file())?;
        arrival.file().sync_all()?;
        let _shared = self.directories.read();
        let folder = self.bucket(bucket)?.make_below(&folders)?;
        folder.place(arrival.path(), &name, replacing)
    }

    /// Removes an object, and the directories that have nothing any more then. One that is not there is no error.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`], of the disk.
    pub fn delete(&self, bucket: &str, key: &str) -> Result<(), ObjectError> {
        let bucket = self.bucket(bucket)?;
        let Some((folders, name)) = keys::encode(key) else {
            return Ok(());
        };
        let _alone = self.directories.write();
        bucket.remove_file(&folders, &name)
    }

    /// A page of objects.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`], [`ObjectError::InvalidToken`], of the disk.
    pub fn list(&self, query: &ListedQuery) -> Result<ListedPage, ObjectError> {
        let bucket = self.bucket(&query.bucket)?;
        listing::list(&bucket, query)
    }

    fn bucket(&self, bucket: &str) -> Result<Folder, ObjectError> {
        if !is_bucket_name(bucket) {
            return Err(ObjectError::NoSuchBucket);
        }
        Folder::open(&self.directory.join(bucket))?.ok_or(ObjectError::NoSuchBucket)
    }
}

fn sync(directory: &Path) -> Result<(), ObjectError> {
    Ok(fs::File::open(directory)?.sync_all()?)
}
