//! Exceptions of ECR, and what the decisions below them become.

use api::ecr;
use domain::repository::RepositoryKey;
use orchestrator::transitions::{PutImageRefusal, RepositoryNotFound};
use store::{StoreError, TransactError};

use super::names::texts;
use crate::registry::PushError;

/// InvalidParameterException, as ECR writes it.
pub fn invalid_parameter(member: &str, constraint: &str) -> ecr::Error {
    let message = format!("Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'");
    ecr::Error::InvalidParameterException(ecr::InvalidParameterException {
        message: Some(message),
    })
}

/// InvalidParameterException for what Amazon does and Gantry does not do yet.
pub fn unsupported(member: &str) -> ecr::Error {
    invalid_parameter(member, &format!("{member} is not supported by Gantry yet"))
}

/// RepositoryNotFoundException.
pub fn repository_not_found(key: &RepositoryKey) -> ecr::Error {
    ecr::Error::RepositoryNotFoundException(ecr::RepositoryNotFoundException {
        message: Some(texts::repository_not_found(key)),
    })
}

/// ImageNotFoundException.
pub fn image_not_found(key: &RepositoryKey, id: &ecr::ImageIdentifier) -> ecr::Error {
    let message = texts::image_not_found(key, id.image_digest.as_deref(), id.image_tag.as_deref());
    ecr::Error::ImageNotFoundException(ecr::ImageNotFoundException {
        message: Some(message),
    })
}

/// ServerException: it may go better later.
pub fn server(message: impl Into<String>) -> ecr::Error {
    ecr::Error::ServerException(ecr::ServerException {
        message: Some(message.into()),
    })
}

/// The files of the registry fail.
pub fn storage(error: &std::io::Error) -> ecr::Error {
    tracing::error!(%error, "the registry's files failed");
    server("The registry could not read or write its files; it has been logged.")
}

/// The store fails.
pub fn unavailable(error: &StoreError) -> ecr::Error {
    tracing::error!(%error, "the store failed");
    server(format!(
        "The server could not store the change ({error}). Try again in a moment."
    ))
}

/// What a transaction's end becomes.
pub fn from_store<R>(error: TransactError<R>, refused: impl FnOnce(R) -> ecr::Error) -> ecr::Error {
    match error {
        TransactError::Refused(refusal) => refused(refusal),
        TransactError::Unavailable(error) => unavailable(&error),
    }
}

/// What the end of a transaction becomes that needs nothing but a repository.
pub fn from_change(error: TransactError<RepositoryNotFound>, key: &RepositoryKey) -> ecr::Error {
    from_store(error, |RepositoryNotFound| repository_not_found(key))
}

/// Why a manifest is not taken.
pub fn from_push(
    error: PushError,
    key: &RepositoryKey,
    digest: Option<&str>,
    tag: Option<&str>,
) -> ecr::Error {
    match error {
        PushError::Invalid(invalid) => invalid_parameter(
            "ImageManifest",
            &format!("Invalid image manifest provided: {invalid}"),
        ),
        PushError::DigestMismatch(actual) => {
            let message = format!(
                "The provided image digest '{}' does not match the digest of the image manifest '{actual}'",
                digest.unwrap_or_default()
            );
            ecr::Error::ImageDigestDoesNotMatchException(ecr::ImageDigestDoesNotMatchException {
                message: Some(message),
            })
        }
        PushError::Refused(refusal) => from_refused_image(refusal, key, tag),
        PushError::Storage(error) => storage(&error),
        PushError::Unavailable(error) => unavailable(&error),
    }
}

fn from_refused_image(refusal: PutImageRefusal, key: &RepositoryKey, tag: Option<&str>) -> ecr::Error {
    let place = format!(
        "the repository with name '{}' in the registry with id '{}'",
        key.name, key.scope.account
    );
    match refusal {
        PutImageRefusal::RepositoryNotFound => repository_not_found(key),
        PutImageRefusal::LayersNotFound(digests) => {
            let message = format!(
                "Layers with digests '{}' required by the image do not exist in {place}",
                digests.join(", ")
            );
            ecr::Error::LayersNotFoundException(ecr::LayersNotFoundException {
                message: Some(message),
            })
        }
        PutImageRefusal::ImagesNotFound(digests) => {
            let message = format!(
                "Images with digests '{}' required for pushing image into {place} do not exist",
                digests.join(", ")
            );
            ecr::Error::ReferencedImagesNotFoundException(ecr::ReferencedImagesNotFoundException {
                message: Some(message),
            })
        }
        PutImageRefusal::Exists => {
            let tag = tag.map_or_else(String::new, |it| format!(" and tag '{it}'"));
            let message = format!("Image with this digest{tag} already exists in {place}");
            ecr::Error::ImageAlreadyExistsException(ecr::ImageAlreadyExistsException {
                message: Some(message),
            })
        }
        PutImageRefusal::TagImmutable(tag) => {
            ecr::Error::ImageTagAlreadyExistsException(ecr::ImageTagAlreadyExistsException {
                message: Some(texts::tag_immutable(key, &tag)),
            })
        }
        PutImageRefusal::TooManyTags => ecr::Error::LimitExceededException(ecr::LimitExceededException {
            message: Some(format!(
                "The image has the most tags that it may have: {}",
                orchestrator::transitions::TAGS_PER_IMAGE_MAX
            )),
        }),
    }
}
