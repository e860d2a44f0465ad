//! Manifests and their tags.

use std::time::Duration;

use bytes::Bytes;
use domain::repository::{RepositoryImage, RepositoryKey};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LINK, LOCATION};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use orchestrator::transitions::{self, ImageName, PutImageRefusal};
use serde_json::{Value, json};

use super::Visit;
use super::answer::{self, Answer, Refusal};
use super::blobs::CONTENT_DIGEST;
use super::path::Reference;
use crate::handlers::ecr::texts;
use crate::registry::{self, MANIFEST_BYTES_MAX, PushError, PushedImage};

/// How long a client may take to send a manifest.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// Most tags of one answer, and how many come if the client does not say.
const TAGS_MAX: usize = 1000;
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

fn name_of(reference: &Reference) -> ImageName {
    match reference {
        Reference::Tag(tag) => ImageName {
            digest: None,
            tag: Some(tag.clone()),
        },
        Reference::Digest(digest) => ImageName {
            digest: Some(digest.clone()),
            tag: None,
        },
    }
}

/// `GET` and `HEAD /v2/<name>/manifests/<reference>`: as it was pushed.
pub async fn get(visit: &Visit<'_>, name: &str, reference: &Reference) -> Result<Answer, Refusal> {
    visit.member()?;
    let key = visit.repository(name, "BatchGetImage")?;
    let wanted = name_of(reference);
    let store = &visit.control_plane.store;
    let found = store.read(|state| transitions::find_image(state, &key, &wanted).cloned());
    let image = found.map_err(|_| {
        let message = texts::image_not_found(&key, wanted.digest.as_deref(), wanted.tag.as_deref());
        Refusal::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", message)
    })?;
    let headers = [(CONTENT_DIGEST, image.digest.as_str())];
    if visit.parts.method == http::Method::HEAD {
        let length = image.manifest_bytes.to_string();
        let described = [
            (CONTENT_LENGTH, length.as_str()),
            (CONTENT_TYPE, &image.media_type),
        ];
        return Ok(answer::headers(
            StatusCode::OK,
            &[&headers[..], &described].concat(),
        ));
    }
    let bytes = registry::read_manifest(visit.registry(), &image.digest).await;
    let bytes = bytes.map_err(|error| Refusal::storage(&error))?;
    Ok(answer::whole(StatusCode::OK, &image.media_type, bytes, &headers))
}

/// `PUT /v2/<name>/manifests/<reference>`.
pub async fn put<B>(visit: &Visit<'_>, name: &str, reference: &Reference, body: B) -> Result<Answer, Refusal>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display + Send,
{
    visit.member()?;
    let key = visit.repository(name, "PutImage")?;
    let manifest = read(body).await?;
    let wanted = name_of(reference);
    let media_type = visit
        .parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|it| it.to_str().ok());
    let pushed = PushedImage {
        repository: &key,
        manifest: &manifest,
        media_type,
        digest: wanted.digest.as_deref(),
        tag: wanted.tag.as_deref(),
    };
    let (registry, store) = (visit.registry(), &visit.control_plane.store);
    let (digest, subject) = match registry::push_image(registry, store, pushed).await {
        Ok(image) => {
            registry::scan_pushed(registry, store, &image).await;
            (image.digest.clone(), image.subject.clone())
        }
        // Pushed again, which this protocol allows.
        Err(PushError::Refused(PutImageRefusal::Exists)) => {
            let found = store.read(|state| transitions::find_image(state, &key, &wanted).cloned());
            let image = found.map_err(|_| Refusal::internal())?;
            (image.digest.clone(), image.subject.clone())
        }
        Err(error) => return Err(refused(error, &key)),
    };
    let location = format!("/v2/{name}/manifests/{digest}");
    let mut headers = vec![(LOCATION, location.as_str()), (CONTENT_DIGEST, &digest)];
    headers.extend(subject.as_deref().map(|it| (SUBJECT, it)));
    Ok(answer::headers(StatusCode::CREATED, &headers))
}

async fn read<B>(body: B) -> Result<Bytes, Refusal>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display + Send,
{
    let body = body.map_err(|error| std::io::Error::other(error.to_string()));
    let collected = tokio::time::timeout(BODY_DEADLINE, Limited::new(body, MANIFEST_BYTES_MAX).collect());
    match collected.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes");
            Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "SIZE_INVALID",
                message,
            ))
        }
        Ok(Err(_)) | Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "MANIFEST_INVALID",
            "the manifest did not arrive",
        )),
    }
}

fn refused(error: PushError, key: &RepositoryKey) -> Refusal {
    let bad = |code, message: String| Refusal::new(StatusCode::BAD_REQUEST, code, message);
    match error {
        PushError::Invalid(invalid) => bad(
            "MANIFEST_INVALID",
            format!("Invalid image manifest provided: {invalid}"),
        ),
        PushError::DigestMismatch(actual) => {
            bad("DIGEST_INVALID", format!("the manifest has the digest {actual}"))
        }
        PushError::Refused(PutImageRefusal::RepositoryNotFound) => {
            Refusal::name_unknown(&texts::repository_not_found(key))
        }
        PushError::Refused(PutImageRefusal::LayersNotFound(digests)) => {
            let digests = digests.join(", ");
            bad(
                "MANIFEST_BLOB_UNKNOWN",
                format!("Layers with digests '{digests}' required for pushing image do not exist"),
            )
        }
        PushError::Refused(PutImageRefusal::ImagesNotFound(digests)) => bad(
            "MANIFEST_BLOB_UNKNOWN",
            format!(
                "Images with digests '{}' required for pushing image do not exist",
                digests.join(", ")
            ),
        ),
        PushError::Refused(PutImageRefusal::TagImmutable(tag)) => {
            bad("TAG_INVALID", texts::tag_immutable(key, &tag))
        }
        PushError::Refused(PutImageRefusal::TooManyTags) => bad(
            "TAG_INVALID",
            "The image has the most tags that it may have".to_owned(),
        ),
        PushError::Refused(PutImageRefusal::Exists) => Refusal::internal(),
        PushError::Storage(error) => Refusal::storage(&error),
        PushError::Unavailable(error) => Refusal::unavailable(&error),
    }
}

/// `GET /v2/<name>/tags/list`: in order, `n` at once, after `last`.
pub fn tags(visit: &Visit<'_>, name: &str) -> Result<Answer, Refusal> {
    visit.member()?;
    let key = visit.repository(name, "ListImages")?;
    let most = match visit.parameter("n").map(|it| it.parse::<usize>()) {
        None => TAGS_MAX,
        Some(Ok(most)) => most.min(TAGS_MAX),
        Some(Err(_)) => {
            let message = "the parameter n must be a number";
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "PAGINATION_NUMBER_INVALID",
                message,
            ));
        }
    };
    let last = visit.parameter("last");
    let mut tags: Vec<String> = visit.control_plane.store.read(|state| {
        let all = state.tags_of_repository(&key).map(|(tag, _)| tag);
        let after = all.filter(|tag| last.as_deref().is_none_or(|last| *tag > last));
        after.take(most + 1).map(str::to_owned).collect()
    });
    let has_more = tags.len() > most;
    tags.truncate(most);
    let next = tags.last().filter(|_| has_more);
    let next = next.map(|it| format!("</v2/{name}/tags/list?n={most}&last={it}>; rel=\"next\""));
    let headers: Vec<_> = next.iter().map(|it| (LINK, it.as_str())).collect();
    let body = json!({ "name": name, "tags": tags }).to_string();
    Ok(answer::whole(
        StatusCode::OK,
        "application/json",
        body.into_bytes(),
        &headers,
    ))
}

/// `GET /v2/<name>/referrers/<digest>`: manifests whose subject is that one, as an index.
pub fn referrers(visit: &Visit<'_>, name: &str, digest: &str) -> Result<Answer, Refusal> {
    visit.member()?;
    let key = visit.repository(name, "BatchGetImage")?;
    let kind = visit.parameter("artifactType");
    let manifests: Vec<Value> = visit.control_plane.store.read(|state| {
        let images = state.images_of_repository(&key);
        let about = images.filter(|it| it.subject.as_deref() == Some(digest));
        let wanted = about.filter(|it| kind.is_none() || it.artifact_media_type == kind);
        wanted.map(|it| descriptor(it)).collect()
    });
    let body = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests }).to_string();
    let filters = HeaderName::from_static("oci-filters-applied");
    let headers: Vec<_> = kind.iter().map(|_| (filters.clone(), "artifactType")).collect();
    Ok(answer::whole(
        StatusCode::OK,
        INDEX_TYPE,
        body.into_bytes(),
        &headers,
    ))
}

fn descriptor(it: &RepositoryImage) -> Value {
    let mut descriptor =
        json!({ "mediaType": it.media_type, "digest": it.digest, "size": it.manifest_bytes });
    if let Some(kind) = &it.artifact_media_type {
        descriptor["artifactType"] = json!(kind);
    }
    descriptor
}
