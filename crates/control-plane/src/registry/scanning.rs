//! Looking into an image for the packages that are installed in it. There is no database of vulnerabilities here: what is
//! found is what is installed, and is said to be no more than that.

mod files;
mod packages;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, LazyLock};

use domain::repository::{RepositoryImage, ScanOutcome, ScannedPackage};
use orchestrator::transitions;
use serde::Deserialize;
use store::Store;
use tokio::sync::Semaphore;

use super::{Blobs, MANIFEST_BYTES_MAX, Registry};
use files::Interesting;

/// Scans at once: each one unpacks an image. More wait.
const AT_ONCE: usize = 2;
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(AT_ONCE));
/// Amazon's words for an image that it cannot read.
const UNSUPPORTED: &str =
    "UnsupportedImageError: The operating system and/or package manager are not supported.";

/// Why there is no list of packages.
#[derive(Debug, thiserror::Error)]
enum ScanError {
    /// The image has none that is read here.
    #[error("{UNSUPPORTED} {0}")]
    Unsupported(&'static str),
    /// The content of the image cannot be read.
    #[error("The image cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// Does a scan that was noted to have begun; returns at once, and notes what comes of it.
pub fn scan(registry: &Arc<Registry>, store: &Store, image: Arc<RepositoryImage>) {
    let Some(started_at) = image.scan.as_ref().map(|it| it.started_at) else {
        return;
    };
    let (blobs, store) = (Arc::clone(registry.blobs()), store.clone());
    tokio::spawn(async move {
        let Ok(place) = PLACES.acquire().await else { return };
        let digest = image.digest.clone();
        let read = tokio::task::spawn_blocking(move || packages_of(&blobs, &digest)).await;
        drop(place);
        let found = read.unwrap_or_else(|error| Err(io::Error::other(error).into()));
        let noted = store.transact(move |tx| {
            let outcome = match found {
                Ok(packages) => ScanOutcome::Complete {
                    completed_at: tx.now(),
                    packages,
                },
                Err(error) => ScanOutcome::Failed {
                    reason: error.to_string(),
                },
            };
            transitions::end_scan(tx, &image.repository, &image.digest, started_at, outcome);
            Ok::<_, std::convert::Infallible>(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(?error, "what a scan of an image found could not be noted");
        }
    });
}

/// Scans an image that was pushed, if its repository asks for that.
pub async fn scan_pushed(registry: &Arc<Registry>, store: &Store, image: &RepositoryImage) {
    let (key, digest) = (image.repository.clone(), image.digest.clone());
    let begun = store.transact(move |tx| {
        let repository = tx.get::<domain::repository::Repository>(&key);
        if !repository.is_some_and(|it| it.scan_on_push) {
            return Ok(None);
        }
        let name = transitions::ImageName {
            digest: Some(digest),
            tag: None,
        };
        transitions::begin_scan(tx, &key, &name).map(Some)
    });
    match begun.await {
        Ok(Some(image)) => scan(registry, store, image),
        Ok(None) => {}
        // An index has nothing in it, and a tag of an image is pushed more than once a day.
        Err(refusal) => tracing::debug!(?refusal, "an image that was pushed is not scanned"),
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    digest: String,
    #[serde(default)]
    urls: Vec<String>,
}

/// Reads the layers from the lowest to the topmost. Blocks.
fn packages_of(blobs: &Blobs, digest: &str) -> Result<Vec<ScannedPackage>, ScanError> {
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let manifest = blobs.find(digest)?.ok_or_else(missing)?;
    let manifest = manifest.read_at(0, MANIFEST_BYTES_MAX)?;
    let manifest: Document = serde_json::from_slice(&manifest).map_err(io::Error::from)?;
    let mut files = Interesting::default();
    for layer in manifest.layers.iter().filter(|it| it.urls.is_empty()) {
        let blob = blobs.find(&layer.digest)?.ok_or_else(missing)?;
        files.add_layer(blob.into_reader())?;
    }
    packages::installed(&files)
}
