//! Layers and configurations, read.

use std::sync::Arc;

use domain::repository::RepositoryLayer;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, HeaderName, RANGE};
use http::{Method, StatusCode};

use super::Visit;
use super::answer::{self, Answer, Refusal};
use super::authenticate::Guest;
use super::range::{Wanted, wanted};

/// Says what the content is.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A blob that a repository does not have.
pub fn unknown(digest: &str) -> Refusal {
    let message = format!("blob unknown to registry: {digest}");
    Refusal::new(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", message)
}

/// `GET` and `HEAD /v2/<name>/blobs/<digest>`, the whole or a part.
pub async fn get(visit: &Visit<'_>, name: &str, digest: &str) -> Result<Answer, Refusal> {
    if let Guest::OfLayer {
        repository,
        digest: granted,
        ..
    } = &visit.guest
        && (repository != name || granted != digest)
    {
        return Err(Refusal::denied("The address is that of another layer"));
    }
    let operation = match visit.parts.method {
        Method::HEAD => "BatchCheckLayerAvailability",
        _ => "GetDownloadUrlForLayer",
    };
    let key = visit.repository(name, operation)?;
    let at = (key, digest.to_owned());
    let is_there = visit
        .control_plane
        .store
        .read(|state| state.get::<RepositoryLayer>(&at).is_some());
    if !is_there {
        return Err(unknown(digest));
    }
    let blobs = Arc::clone(visit.registry().blobs());
    let wanted_digest = digest.to_owned();
    let found = tokio::task::spawn_blocking(move || blobs.find(&wanted_digest)).await;
    let found = found.map_err(|_| Refusal::internal())?;
    let blob = found
        .map_err(|error| Refusal::storage(&error))?
        .ok_or_else(|| unknown(digest))?;
    let size = blob.size;
    let header = visit.parts.headers.get(RANGE).and_then(|it| it.to_str().ok());
    let common = [(ACCEPT_RANGES, "bytes"), (CONTENT_DIGEST, digest)];
    match wanted(header, size) {
        Wanted::All => Ok(answer::streamed(StatusCode::OK, blob, 0, size, &common)),
        Wanted::Part(first, last) => {
            let range = format!("bytes {first}-{last}/{size}");
            let headers = [&common[..], &[(CONTENT_RANGE, &range)]].concat();
            let length = last - first + 1;
            Ok(answer::streamed(
                StatusCode::PARTIAL_CONTENT,
                blob,
                first,
                length,
                &headers,
            ))
        }
        Wanted::Unsatisfiable => {
            let refusal = Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "RANGE_INVALID",
                format!("the blob has {size} bytes"),
            );
            Err(refusal.with(CONTENT_RANGE, format!("bytes */{size}")))
        }
    }
}

/// Length of a body that is announced.
pub fn announced_length(visit: &Visit<'_>) -> Option<u64> {
    let header = visit.parts.headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    header.parse().ok()
}
