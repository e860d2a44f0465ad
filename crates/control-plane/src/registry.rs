//! The registry of images: its content on disk, who may have it, and what is removed.
//!
//! ```text
//!  handlers::ecr ──┐                     ┌─► store    which repository has what (records)
//!                  ├─► push, layers ─────┤
//!  http::registry ─┘                     └─► registry/  the bytes, by digest (files)
//! ```
//! A file is there before the record that names it, and goes after the last one.

mod blobs;
mod collection;
mod layers;
mod lifecycle_policy;
mod manifest;
mod push;
mod scanning;
mod token;
mod uploads;

use domain::repository::RepositoryKey;
use std::io;
use std::path::Path;
use std::sync::Arc;
use store::{Store, StoreError, TransactError, Tx};

use blobs::Pin;
pub use blobs::{Blob, Blobs};
pub use collection::{candidates, keep_registry};
pub use layers::{LayerError, complete, mount};
pub use lifecycle_policy::parse as parse_lifecycle_policy;
pub use manifest::{InvalidManifest, MANIFEST_BYTES_MAX, Manifest};
pub use push::{PushError, PushedImage, push_image};
pub use scanning::{scan, scan_pushed};
pub use token::{Claims, Granted, TokenKey};
pub use uploads::{Offset, Upload, UploadError, Uploads};

/// The content of all repositories, and the key of what is let in.
pub struct Registry {
    blobs: Arc<Blobs>,
    uploads: Uploads,
    token_key: TokenKey,
}

impl Registry {
    /// Opens the content in a folder, which is made if it is missing. Uploads of an earlier run are dropped. Blocks.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn open(folder: &Path, token_key: [u8; 32]) -> io::Result<Self> {
        Ok(Self {
            blobs: Arc::new(Blobs::open(folder)?),
            uploads: Uploads::open(folder)?,
            token_key: TokenKey::new(token_key),
        })
    }

    /// Content by digest.
    pub fn blobs(&self) -> &Arc<Blobs> {
        &self.blobs
    }

    /// Layers that are arriving.
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// Seals authorization tokens.
    pub fn token_key(&self) -> &TokenKey {
        &self.token_key
    }
}

/// Whether a repository is there.
pub fn has_repository(store: &Store, key: &RepositoryKey) -> bool {
    store.read(|state| state.get::<domain::repository::Repository>(key).is_some())
}

/// The content of a manifest that a record names.
///
/// # Errors
/// Of the disk, also if it is not there.
pub async fn read_manifest(registry: &Registry, digest: &str) -> io::Result<Vec<u8>> {
    let (blobs, digest) = (Arc::clone(&registry.blobs), digest.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let blob = blobs.find(&digest)?.ok_or(io::ErrorKind::NotFound)?;
        blob.read_at(0, MANIFEST_BYTES_MAX)
    });
    read.await.map_err(io::Error::other)?
}

/// Runs a transaction that names a pinned file. If the caller goes away, the pin stays until the end all the same.
async fn transact_pinned<T: Send + 'static, R: Send + 'static>(
    store: &Store,
    pin: Pin,
    decide: impl FnOnce(&mut Tx<'_>) -> Result<T, R> + Send + 'static,
) -> Result<T, TransactError<R>> {
    let store = store.clone();
    let done = tokio::spawn(async move {
        let done = store.transact(decide).await;
        drop(pin);
        done
    });
    // It ends early only if the whole process does.
    done.await
        .unwrap_or(Err(TransactError::Unavailable(StoreError::Closed)))
}
