//! Layers that are arriving, piece by piece, each in a file of its own and hashed on the way.
//!
//! What is there of an upload stays when its connection breaks, so that the client can go on from there.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::Timestamp;
use domain::repository::RepositoryKey;
use futures_util::{Stream, StreamExt};
use jiff::SignedDuration;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as Gate, OwnedMutexGuard, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::blobs::{Blobs, Pin, digest_text, private_file, private_folder};

#[cfg(test)]
mod tests;

/// Most uploads that are open at once, of all clients.
const UPLOADS_MAX: usize = 1024;
/// Most that are receiving at once; each takes a piece and a frame of memory.
const TRANSFERS_MAX: usize = 64;
/// How long a transfer waits for others to end.
const TRANSFER_PATIENCE: Duration = Duration::from_secs(20);
/// Written at once, in bytes.
const PIECE_BYTES: usize = 256 * 1024;
/// An upload of which nobody has heard for so long is given up.
const IDLE_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Longest silence of a client that is sending.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Longest wait for the last piece of a transfer that broke off.
const GATE_PATIENCE: Duration = Duration::from_secs(5);
/// Largest layer, Amazon's quota: 52,000 MiB.
const LAYER_BYTES_MAX: u64 = 52_000 * 1024 * 1024;

/// Why an upload does not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is none of that id in the repository, or it was given up.
    #[error("there is no such upload")]
    NotFound,
    /// Too many are open.
    #[error("{UPLOADS_MAX} uploads are open: end some first")]
    TooMany,
    /// Too many are receiving.
    #[error("too many layers are being uploaded: try again in a moment")]
    Busy,
    /// A piece does not begin where the last one ended: how many bytes there are.
    #[error("the upload has {0} bytes: it must go on from there")]
    WrongOffset(u64),
    /// Another request is writing to it.
    #[error("another request is writing to this upload")]
    InUse,
    /// Larger than a layer may be.
    #[error("a layer has at most {LAYER_BYTES_MAX} bytes")]
    TooLarge,
    /// The client broke off, or was silent for too long. What came is kept.
    #[error("the content did not arrive: {0}")]
    Broken(String),
    /// There is nothing of it.
    #[error("the upload is empty")]
    Empty,
    /// The content has another digest: which.
    #[error("the content has the digest {0}")]
    DigestMismatch(String),
    /// Of the disk.
    #[error("the disk failed: {0}")]
    Storage(#[from] io::Error),
}

/// Where the next piece belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// Wherever the last one ended.
    End,
    /// Only there.
    At(u64),
}

/// All open uploads.
pub struct Uploads {
    folder: PathBuf,
    open: Mutex<HashMap<String, Arc<Upload>>>,
    transfers: Semaphore,
}

/// An open upload.
pub struct Upload {
    /// Names it.
    pub id: String,
    repository: RepositoryKey,
    path: PathBuf,
    touched_at: Mutex<Timestamp>,
    received: Arc<Gate<Received>>,
}

/// What has arrived. Whoever has it writes; a piece on its way to the disk takes it along.
struct Received {
    file: File,
    hash: Sha256,
    size: u64,
}

impl Received {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        // A failed write leaves no trace: the next one begins at the same place.
        self.file.write_all_at(piece, self.size)?;
        self.hash.update(piece);
        self.size += piece.len() as u64;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), %error, "an upload is left behind until the next start");
            }
            _ => {}
        }
    }
}

impl Uploads {
    /// Opens the folder and empties it.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let folder = folder.join("uploads");
        private_folder(&folder)?;
        for left in fs::read_dir(&folder)? {
            fs::remove_file(left?.path())?;
        }
        Ok(Self {
            folder,
            open: Mutex::default(),
            transfers: Semaphore::new(TRANSFERS_MAX),
        })
    }

    /// A path for a file that is being written.
    pub fn temporary_path(&self) -> PathBuf {
        self.folder.join(uuid::Uuid::new_v4().to_string())
    }

    /// Begins an upload to a repository. Blocks for an instant.
    ///
    /// # Errors
    /// [`UploadError::TooMany`], or of the disk.
    pub fn begin(&self, repository: &RepositoryKey, now: Timestamp) -> Result<Arc<Upload>, UploadError> {
        let mut open = self.open.lock();
        if open.len() >= UPLOADS_MAX {
            return Err(UploadError::TooMany);
        }
        let id = uuid::Uuid::new_v4().to_string();
        let path = self.folder.join(&id);
        let received = Received {
            file: private_file(&path)?,
            hash: Sha256::new(),
            size: 0,
        };
        let upload = Arc::new(Upload {
            id: id.clone(),
            repository: repository.clone(),
            path,
            touched_at: Mutex::new(now),
            received: Arc::new(Gate::new(received)),
        });
        open.insert(id, Arc::clone(&upload));
        Ok(upload)
    }

    /// An upload of a repository, which somebody has just asked for.
    ///
    /// # Errors
    /// [`UploadError::NotFound`].
    pub fn find(
        &self,
        repository: &RepositoryKey,
        id: &str,
        now: Timestamp,
    ) -> Result<Arc<Upload>, UploadError> {
        let found = self.open.lock().get(id).cloned();
        let found = found.filter(|it| it.repository == *repository);
        let upload = found.ok_or(UploadError::NotFound)?;
        *upload.touched_at.lock() = now;
        Ok(upload)
    }

    /// Gives an upload up: its file goes with the last who uses it.
    pub fn forget(&self, upload: &Upload) {
        self.open.lock().remove(&upload.id);
    }

    /// Gives up those that have been idle for too long. Answers how many.
    pub fn expire(&self, now: Timestamp) -> usize {
        let mut open = self.open.lock();
        let before = open.len();
        // One that is receiving now is not idle, however slow it is.
        open.retain(|_, it| {
            it.received.try_lock().is_err() || now.duration_since(*it.touched_at.lock()) < IDLE_MAX
        });
        before - open.len()
    }

    async fn transfer(&self) -> Result<SemaphorePermit<'_>, UploadError> {
        let permit = timeout(TRANSFER_PATIENCE, self.transfers.acquire()).await;
        permit.ok().and_then(Result::ok).ok_or(UploadError::Busy)
    }

    /// Adds what a client sends. Answers how much there is then.
    ///
    /// # Errors
    /// See [`UploadError`]. What had come before the error is kept.
    pub async fn append<E: std::fmt::Display>(
        &self,
        upload: &Upload,
        offset: Offset,
        content: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, UploadError> {
        let mut received = upload.lock().await?;
        match offset {
            Offset::At(begin) if begin != received.size => {
                return Err(UploadError::WrongOffset(received.size));
            }
            _ => {}
        }
        let _transfer = self.transfer().await?;
        let mut content = std::pin::pin!(content);
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        loop {
            let next = timeout(SILENCE_MAX, content.next()).await;
            let (end, broken) = match next {
                Ok(Some(Ok(bytes))) => {
                    piece.extend_from_slice(&bytes);
                    (false, None)
                }
                Ok(None) => (true, None),
                Ok(Some(Err(error))) => (true, Some(error.to_string())),
                Err(_) => (true, Some("the client was silent for too long".to_owned())),
            };
            if received.size + piece.len() as u64 > LAYER_BYTES_MAX {
                return Err(UploadError::TooLarge);
            }
            if piece.len() >= PIECE_BYTES || (end && !piece.is_empty()) {
                received = write(received, piece.split().freeze()).await?;
            }
            match (end, broken) {
                (false, _) => {}
                (true, None) => return Ok(received.size),
                (true, Some(cause)) => return Err(UploadError::Broken(cause)),
            }
        }
    }

    /// Ends an upload: its content is that of the digest from then on. The pin keeps it until a record names it.
    ///
    /// # Errors
    /// See [`UploadError`]. The upload is over in either case, but for one in use.
    pub async fn finish(
        &self,
        upload: &Upload,
        blobs: &Arc<Blobs>,
        digest: &str,
    ) -> Result<(Pin, u64), UploadError> {
        let received = upload.lock().await?;
        self.forget(upload);
        let pin = blobs.pin(digest);
        let (blobs, path, digest) = (Arc::clone(blobs), upload.path.clone(), digest.to_owned());
        let published = tokio::task::spawn_blocking(move || {
            if received.size == 0 {
                return Err(UploadError::Empty);
            }
            let actual = digest_text(received.hash.clone());
            if actual != digest {
                return Err(UploadError::DigestMismatch(actual));
            }
            blobs.publish(&pin, &received.file, &path)?;
            Ok((pin, received.size))
        });
        published.await.map_err(io::Error::other)?
    }
}

impl Upload {
    /// How much has arrived, in bytes.
    ///
    /// # Errors
    /// [`UploadError::InUse`].
    pub async fn size(&self) -> Result<u64, UploadError> {
        Ok(self.lock().await?.size)
    }

    async fn lock(&self) -> Result<OwnedMutexGuard<Received>, UploadError> {
        // A request that broke off may have a piece on its way to the disk.
        let locked = timeout(GATE_PATIENCE, Arc::clone(&self.received).lock_owned()).await;
        locked.map_err(|_| UploadError::InUse)
    }
}

async fn write(
    mut received: OwnedMutexGuard<Received>,
    piece: Bytes,
) -> Result<OwnedMutexGuard<Received>, UploadError> {
    let written = tokio::task::spawn_blocking(move || received.write(&piece).map(|()| received));
    Ok(written.await.map_err(io::Error::other)??)
}
