//! Layers and configurations, pushed: whole, or piece by piece, or mounted from another repository.

use bytes::Bytes;
use domain::repository::{RepositoryKey, is_digest, is_repository_name};
use http::StatusCode;
use http::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};
use http_body_util::BodyDataStream;

use super::Visit;
use super::answer::{self, Answer, Refusal};
use super::blobs::{CONTENT_DIGEST, announced_length};
use super::range::piece;
use crate::handlers::ecr::texts;
use crate::registry::{self, LayerError, Offset, Upload, UploadError};

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

fn location(key: &RepositoryKey, upload: &Upload) -> String {
    format!("/v2/{}/blobs/uploads/{}", key.name, upload.id)
}

/// What has come, as the protocol writes it: of nothing, `0-0`.
fn received(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

fn accepted(status: StatusCode, key: &RepositoryKey, upload: &Upload, size: u64) -> Answer {
    let (location, received) = (location(key, upload), received(size));
    answer::headers(
        status,
        &[(LOCATION, &location), (RANGE, &received), (UPLOAD_ID, &upload.id)],
    )
}

fn created(key: &RepositoryKey, digest: &str) -> Answer {
    let location = format!("/v2/{}/blobs/{digest}", key.name);
    answer::headers(
        StatusCode::CREATED,
        &[(LOCATION, &location), (CONTENT_DIGEST, digest)],
    )
}

/// `POST /v2/<name>/blobs/uploads/`: begins an upload, or is one whole (`digest`), or mounts (`mount`, `from`).
pub async fn begin<B>(visit: &Visit<'_>, name: &str, body: B) -> Result<Answer, Refusal>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    visit.member()?;
    let key = visit.repository(name, "InitiateLayerUpload")?;
    if let (Some(digest), Some(from)) = (visit.parameter("mount"), visit.parameter("from"))
        && is_digest(&digest)
        && is_repository_name(&from)
        && mount(visit, &from, &key, &digest).await?
    {
        return Ok(created(&key, &digest));
    }
    let begun = visit.registry().uploads().begin(&key, visit.now);
    let upload = begun.map_err(|error| refused(error, &key, None))?;
    let Some(digest) = visit.parameter("digest") else {
        return Ok(accepted(StatusCode::ACCEPTED, &key, &upload, 0));
    };
    let outcome = whole(visit, &key, &upload, &digest, body).await;
    if outcome.is_err() {
        // Nobody knows its id.
        visit.registry().uploads().forget(&upload);
    }
    outcome
}

async fn mount(visit: &Visit<'_>, from: &str, key: &RepositoryKey, digest: &str) -> Result<bool, Refusal> {
    let from = RepositoryKey::new(&key.scope, from);
    let store = &visit.control_plane.store;
    match registry::mount(visit.registry(), store, &from, key, digest).await {
        Ok(()) => Ok(true),
        // It must be uploaded then.
        Err(LayerError::LayerNotFound) => Ok(false),
        Err(error) => Err(refused_layer(error, key)),
    }
}

/// `GET …/uploads/<id>`: how far it is.
pub async fn status(visit: &Visit<'_>, name: &str, id: &str) -> Result<Answer, Refusal> {
    let (key, upload) = known(visit, name, id, "UploadLayerPart")?;
    let size = upload.size().await.map_err(|error| refused(error, &key, None))?;
    Ok(accepted(StatusCode::NO_CONTENT, &key, &upload, size))
}

/// `PATCH …/uploads/<id>`: the next piece, of any length.
pub async fn patch<B>(visit: &Visit<'_>, name: &str, id: &str, body: B) -> Result<Answer, Refusal>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let (key, upload) = known(visit, name, id, "UploadLayerPart")?;
    let size = append(visit, &key, &upload, body).await?;
    Ok(accepted(StatusCode::ACCEPTED, &key, &upload, size))
}

/// `PUT …/uploads/<id>?digest=`: the last piece, or none.
pub async fn finish<B>(visit: &Visit<'_>, name: &str, id: &str, body: B) -> Result<Answer, Refusal>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let (key, upload) = known(visit, name, id, "CompleteLayerUpload")?;
    let digest = visit.parameter("digest").unwrap_or_default();
    whole(visit, &key, &upload, &digest, body).await
}

/// `DELETE …/uploads/<id>`: given up.
pub fn cancel(visit: &Visit<'_>, name: &str, id: &str) -> Result<Answer, Refusal> {
    let (_, upload) = known(visit, name, id, "UploadLayerPart")?;
    visit.registry().uploads().forget(&upload);
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn known(
    visit: &Visit<'_>,
    name: &str,
    id: &str,
    operation: &str,
) -> Result<(RepositoryKey, std::sync::Arc<Upload>), Refusal> {
    visit.member()?;
    let key = visit.repository(name, operation)?;
    let found = visit.registry().uploads().find(&key, id, visit.now);
    let upload = found.map_err(|error| refused(error, &key, None))?;
    Ok((key, upload))
}

/// The rest of the content, and the end.
async fn whole<B>(
    visit: &Visit<'_>,
    key: &RepositoryKey,
    upload: &Upload,
    digest: &str,
    body: B,
) -> Result<Answer, Refusal>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    if !is_digest(digest) {
        let message = "the parameter digest must be a sha256 digest";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message));
    }
    append(visit, key, upload, body).await?;
    let store = &visit.control_plane.store;
    let completed = registry::complete(visit.registry(), store, key, upload, digest).await;
    completed.map_err(|error| refused_layer(error, key))?;
    Ok(created(key, digest))
}

async fn append<B>(visit: &Visit<'_>, key: &RepositoryKey, upload: &Upload, body: B) -> Result<u64, Refusal>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let header = visit
        .parts
        .headers
        .get(CONTENT_RANGE)
        .and_then(|it| it.to_str().ok());
    let offset = match header.map(piece) {
        None => Offset::End,
        Some(Some((begin, length))) if announced_length(visit).is_none_or(|it| it == length) => {
            Offset::At(begin)
        }
        Some(_) => {
            let message = "the Content-Range is not that of the content";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "SIZE_INVALID", message));
        }
    };
    let uploads = visit.registry().uploads();
    let appended = uploads.append(upload, offset, BodyDataStream::new(body)).await;
    appended.map_err(|error| refused(error, key, Some(upload)))
}

fn refused_layer(error: LayerError, key: &RepositoryKey) -> Refusal {
    match error {
        LayerError::RepositoryNotFound | LayerError::LayerNotFound => {
            Refusal::name_unknown(&texts::repository_not_found(key))
        }
        LayerError::Upload(error) => refused(error, key, None),
        LayerError::Unavailable(error) => Refusal::unavailable(&error),
    }
}

fn refused(error: UploadError, key: &RepositoryKey, upload: Option<&Upload>) -> Refusal {
    let text = error.to_string();
    match error {
        UploadError::NotFound => Refusal::new(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", text),
        UploadError::WrongOffset(size) => {
            let refusal = Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", text);
            let refusal = refusal.with(RANGE, received(size));
            match upload {
                Some(upload) => refusal.with(LOCATION, location(key, upload)),
                None => refusal,
            }
        }
        UploadError::DigestMismatch(_) => Refusal::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", text),
        UploadError::Empty => Refusal::new(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", text),
        UploadError::TooLarge => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", text),
        UploadError::Broken(_) => Refusal::new(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", text),
        UploadError::InUse => Refusal::new(StatusCode::CONFLICT, "BLOB_UPLOAD_INVALID", text),
        UploadError::TooMany | UploadError::Busy => {
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", text)
        }
        UploadError::Storage(error) => Refusal::storage(&error),
    }
}
