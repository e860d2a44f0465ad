//! Layers of repositories: the end of an upload, and mounting what another repository has.

use domain::repository::RepositoryKey;
use orchestrator::transitions::{self, MountLayerRefusal, RepositoryNotFound};
use store::{Store, StoreError, TransactError, Tx};

use super::{Registry, Upload, UploadError, transact_pinned};

/// Why a repository does not have a layer now.
#[derive(Debug)]
pub enum LayerError {
    /// There is no such repository.
    RepositoryNotFound,
    /// The other repository does not have it.
    LayerNotFound,
    /// Of the upload.
    Upload(UploadError),
    /// Of the store.
    Unavailable(StoreError),
}

/// Ends an upload; answers the size of the layer in bytes.
///
/// # Errors
/// See [`LayerError`].
pub async fn complete(
    registry: &Registry,
    store: &Store,
    repository: &RepositoryKey,
    upload: &Upload,
    digest: &str,
) -> Result<u64, LayerError> {
    let finished = registry.uploads().finish(upload, registry.blobs(), digest).await;
    let (pin, size) = finished.map_err(LayerError::Upload)?;
    let (repository, digest) = (repository.clone(), digest.to_owned());
    let decide = move |tx: &mut Tx<'_>| transitions::put_layer(tx, &repository, &digest, size);
    let put = transact_pinned(store, pin, decide).await;
    put.map(|()| size).map_err(|error| match error {
        TransactError::Refused(RepositoryNotFound) => LayerError::RepositoryNotFound,
        TransactError::Unavailable(error) => LayerError::Unavailable(error),
    })
}

/// Makes a layer of one repository one of another too.
///
/// # Errors
/// See [`LayerError`].
pub async fn mount(
    registry: &Registry,
    store: &Store,
    from: &RepositoryKey,
    to: &RepositoryKey,
    digest: &str,
) -> Result<(), LayerError> {
    let pin = registry.blobs().pin(digest);
    let (from, to, digest) = (from.clone(), to.clone(), digest.to_owned());
    let decide = move |tx: &mut Tx<'_>| transitions::mount_layer(tx, &from, &to, &digest);
    let mounted = transact_pinned(store, pin, decide).await;
    mounted.map_err(|error| match error {
        TransactError::Refused(MountLayerRefusal::RepositoryNotFound) => LayerError::RepositoryNotFound,
        TransactError::Refused(MountLayerRefusal::LayerNotFound) => LayerError::LayerNotFound,
        TransactError::Unavailable(error) => LayerError::Unavailable(error),
    })
}
