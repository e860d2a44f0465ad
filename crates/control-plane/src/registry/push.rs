//! Taking a manifest: its content first, then the record that names it.

use std::io;
use std::sync::Arc;

use domain::repository::{RepositoryImage, RepositoryKey};
use orchestrator::transitions::{self, NewImage, PutImageRefusal};
use store::{Store, StoreError, TransactError};

use super::blobs::digest_of;
use super::manifest::MANIFEST_BYTES_MAX;
use super::{InvalidManifest, Manifest, Registry, transact_pinned};

/// A manifest as it came.
#[derive(Clone, Copy, Debug)]
pub struct PushedImage<'a> {
    /// Where to.
    pub repository: &'a RepositoryKey,
    /// Byte for byte.
    pub manifest: &'a [u8],
    /// What the client calls it.
    pub media_type: Option<&'a str>,
    /// The digest that the client expects.
    pub digest: Option<&'a str>,
    /// What it gets beside its digest.
    pub tag: Option<&'a str>,
}

/// Why a manifest is not taken.
#[derive(Debug)]
pub enum PushError {
    /// It cannot be read.
    Invalid(InvalidManifest),
    /// It has another digest than expected: which.
    DigestMismatch(String),
    /// It does not fit what is there.
    Refused(PutImageRefusal),
    /// Of the disk.
    Storage(io::Error),
    /// Of the store.
    Unavailable(StoreError),
}

/// Takes a manifest.
///
/// # Errors
/// See [`PushError`].
pub async fn push_image(
    registry: &Registry,
    store: &Store,
    pushed: PushedImage<'_>,
) -> Result<Arc<RepositoryImage>, PushError> {
    if pushed.manifest.len() > MANIFEST_BYTES_MAX {
        let message = format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes");
        return Err(PushError::Invalid(InvalidManifest(message)));
    }
    let manifest = Manifest::parse(pushed.manifest, pushed.media_type).map_err(PushError::Invalid)?;
    let digest = digest_of(pushed.manifest);
    if pushed.digest.is_some_and(|expected| expected != digest) {
        return Err(PushError::DigestMismatch(digest));
    }
    let pin = registry.blobs().pin(&digest);
    let (blobs, bytes) = (Arc::clone(registry.blobs()), pushed.manifest.to_vec());
    let temporary = registry.uploads().temporary_path();
    let written = tokio::task::spawn_blocking(move || blobs.write(&pin, &bytes, &temporary).map(|()| pin));
    let pin = written
        .await
        .map_err(io::Error::other)
        .flatten()
        .map_err(PushError::Storage)?;
    let new = NewImage {
        repository: pushed.repository.clone(),
        digest,
        tag: pushed.tag.map(str::to_owned),
        media_type: manifest.media_type,
        artifact_media_type: manifest.artifact_media_type,
        subject: manifest.subject,
        manifest_bytes: pushed.manifest.len() as u64,
        layers: manifest.layers,
        manifests: manifest.manifests,
    };
    let put = transact_pinned(store, pin, move |tx| transitions::put_image(tx, new)).await;
    put.map_err(|error| match error {
        TransactError::Refused(refusal) => PushError::Refused(refusal),
        TransactError::Unavailable(error) => PushError::Unavailable(error),
    })
}
