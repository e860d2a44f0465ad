//! Scans of images: begun once a day, and what came of them.

use std::sync::Arc;

use domain::Timestamp;
use domain::repository::{ImageScan, Repository, RepositoryImage, RepositoryKey, ScanOutcome};
use store::Tx;

use super::{ImageName, ImageNameRefusal, find_image};

#[cfg(test)]
mod tests;

/// Why an image is not scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanRefusal {
    /// There is no such repository.
    RepositoryNotFound,
    /// Its name leads nowhere.
    Name(ImageNameRefusal),
    /// It is an index of images.
    IsIndex,
    /// It was scanned less than a day ago.
    TooSoon,
}

/// `StartImageScan`: notes that a scan begins, which the caller then does.
///
/// # Errors
/// See [`ScanRefusal`].
pub fn begin_scan(
    tx: &mut Tx<'_>,
    repository: &RepositoryKey,
    name: &ImageName,
) -> Result<Arc<RepositoryImage>, ScanRefusal> {
    tx.get::<Repository>(repository)
        .ok_or(ScanRefusal::RepositoryNotFound)?;
    let image = find_image(tx.state(), repository, name).map_err(ScanRefusal::Name)?;
    if !image.manifests.is_empty() {
        return Err(ScanRefusal::IsIndex);
    }
    let now = tx.now();
    if image.scan.as_ref().is_some_and(|it| !it.may_follow(now)) {
        return Err(ScanRefusal::TooSoon);
    }
    let mut image = (**image).clone();
    image.scan = Some(ImageScan::begun(now));
    tx.put(image.clone());
    Ok(Arc::new(image))
}

/// Notes what came of a scan, unless the image or the scan is another one by now.
pub fn end_scan(
    tx: &mut Tx<'_>,
    repository: &RepositoryKey,
    digest: &str,
    started_at: Timestamp,
    outcome: ScanOutcome,
) {
    let Some(image) = tx.get::<RepositoryImage>(&(repository.clone(), digest.to_owned())) else {
        return;
    };
    let is_same = image.scan.as_ref().is_some_and(|it| it.started_at == started_at);
    if !is_same {
        return;
    }
    let mut image = (*image).clone();
    image.scan = Some(ImageScan { started_at, outcome });
    tx.put(image);
}
