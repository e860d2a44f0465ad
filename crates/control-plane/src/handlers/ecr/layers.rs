//! Layers, as tools push and pull them through the API rather than through the registry's own protocol.

use api::ecr;
use domain::repository::{RepositoryKey, RepositoryLayer, is_digest};
use jiff::SignedDuration;

use super::errors::{invalid_parameter, repository_not_found, server, storage, unavailable};
use super::names;
use crate::call::Call;
use crate::registry::{self, Claims, Granted, LayerError, Offset, UploadError};

/// What fits into a request with room for its other members, encoded: Amazon asks for parts of 5 MiB at least.
const PART_BYTES: i64 = 5 * 1024 * 1024;
/// How long the address of a layer holds, as Amazon's.
const URL_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Most layers that one request asks about.
const CHECKED_MAX: usize = 100;
/// What layers are taken for: their own type stands in manifests only.
const LAYER_TYPE: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// `BatchCheckLayerAvailability`.
///
/// # Errors
/// InvalidParameterException, RepositoryNotFoundException.
pub async fn batch_check_layer_availability(
    call: Call<ecr::BatchCheckLayerAvailability>,
) -> Result<ecr::BatchCheckLayerAvailabilityOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    if !(1..=CHECKED_MAX).contains(&input.layer_digests.len()) {
        let constraint = format!("Member must have length between 1 and {CHECKED_MAX}");
        return Err(invalid_parameter("layerDigests", &constraint));
    }
    call.access().store().read(|state| {
        names::found(state, &key)?;
        let (mut layers, mut failures) = (Vec::new(), Vec::new());
        for digest in &input.layer_digests {
            if !is_digest(digest) {
                failures.push(ecr::LayerFailure {
                    failure_code: Some(ecr::LayerFailureCode::InvalidLayerDigest),
                    failure_reason: Some("Invalid layer digest provided.".to_owned()),
                    layer_digest: Some(digest.clone()),
                });
                continue;
            }
            let layer = state.get::<RepositoryLayer>(&(key.clone(), digest.clone()));
            layers.push(ecr::Layer {
                layer_availability: Some(match layer {
                    Some(_) => ecr::LayerAvailability::Available,
                    None => ecr::LayerAvailability::Unavailable,
                }),
                layer_digest: Some(digest.clone()),
                layer_size: layer.and_then(|it| i64::try_from(it.size_bytes).ok()),
                media_type: layer.map(|_| LAYER_TYPE.to_owned()),
            });
        }
        Ok(ecr::BatchCheckLayerAvailabilityOutput {
            failures: Some(failures),
            layers: Some(layers),
        })
    })
}

/// `InitiateLayerUpload`.
///
/// # Errors
/// RepositoryNotFoundException.
pub async fn initiate_layer_upload(
    call: Call<ecr::InitiateLayerUpload>,
) -> Result<ecr::InitiateLayerUploadOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    if !registry::has_repository(call.access().store(), &key) {
        return Err(repository_not_found(&key));
    }
    let begun = call.access().registry().uploads().begin(&key, call.now());
    let upload = begun.map_err(|error| from_upload(error, &key, ""))?;
    Ok(ecr::InitiateLayerUploadOutput {
        part_size: Some(PART_BYTES),
        upload_id: Some(upload.id.clone()),
    })
}

/// `UploadLayerPart`: parts come one after the other.
///
/// # Errors
/// InvalidLayerPartException, UploadNotFoundException, RepositoryNotFoundException.
pub async fn upload_layer_part(
    call: Call<ecr::UploadLayerPart>,
) -> Result<ecr::UploadLayerPartOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let uploads = call.access().registry().uploads();
    let id = &input.upload_id;
    let failed = |error: UploadError| from_upload(error, &key, id);
    let upload = uploads.find(&key, id, call.now()).map_err(failed)?;
    let part = bytes::Bytes::from(input.layer_part_blob.0.clone());
    let first = u64::try_from(input.part_first_byte).ok();
    let last = u64::try_from(input.part_last_byte).ok();
    let length = last.zip(first).and_then(|(last, first)| last.checked_sub(first));
    let (Some(first), Some(length)) = (first, length) else {
        return Err(invalid_part(upload.size().await.map_err(failed)?, &key, id));
    };
    if length + 1 != part.len() as u64 {
        return Err(invalid_part(upload.size().await.map_err(failed)?, &key, id));
    }
    let content = futures_util::stream::iter([Ok::<_, std::io::Error>(part)]);
    let size = uploads
        .append(&upload, Offset::At(first), content)
        .await
        .map_err(failed)?;
    Ok(ecr::UploadLayerPartOutput {
        last_byte_received: Some(last_byte(size)),
        registry_id: Some(key.scope.account.clone()),
        repository_name: Some(key.name.clone()),
        upload_id: Some(id.clone()),
    })
}

/// `CompleteLayerUpload`.
///
/// # Errors
/// InvalidLayerException, EmptyUploadException, LayerAlreadyExistsException, UploadNotFoundException,
/// RepositoryNotFoundException.
pub async fn complete_layer_upload(
    call: Call<ecr::CompleteLayerUpload>,
) -> Result<ecr::CompleteLayerUploadOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let (registry, store) = (call.access().registry(), call.access().store());
    let [digest] = &input.layer_digests[..] else {
        return Err(invalid_parameter(
            "layerDigests",
            "one digest of the layer must be given",
        ));
    };
    if !is_digest(digest) {
        return Err(invalid_parameter("layerDigests", "must be a sha256 digest"));
    }
    let id = &input.upload_id;
    let failed = |error: UploadError| from_upload(error, &key, id);
    let upload = registry.uploads().find(&key, id, call.now()).map_err(failed)?;
    let at = (key.clone(), digest.clone());
    if store.read(|state| state.get::<RepositoryLayer>(&at).is_some()) {
        registry.uploads().forget(&upload);
        let message = format!(
            "The layer with digest '{digest}' already exists in the repository with name '{}' in registry with id '{}'",
            key.name, key.scope.account
        );
        return Err(ecr::Error::LayerAlreadyExistsException(
            ecr::LayerAlreadyExistsException {
                message: Some(message),
            },
        ));
    }
    let completed = registry::complete(registry, store, &key, &upload, digest).await;
    completed.map_err(|error| match error {
        LayerError::RepositoryNotFound | LayerError::LayerNotFound => repository_not_found(&key),
        LayerError::Upload(error) => failed(error),
        LayerError::Unavailable(error) => unavailable(&error),
    })?;
    Ok(ecr::CompleteLayerUploadOutput {
        layer_digest: Some(digest.clone()),
        registry_id: Some(key.scope.account.clone()),
        repository_name: Some(key.name.clone()),
        upload_id: Some(id.clone()),
    })
}

/// `GetDownloadUrlForLayer`: an address that needs no other credentials, for an hour.
///
/// # Errors
/// LayersNotFoundException, RepositoryNotFoundException.
pub async fn get_download_url_for_layer(
    call: Call<ecr::GetDownloadUrlForLayer>,
) -> Result<ecr::GetDownloadUrlForLayerOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let digest = &input.layer_digest;
    let is_there = call.access().store().read(|state| {
        names::found(state, &key)?;
        Ok::<_, ecr::Error>(
            state
                .get::<RepositoryLayer>(&(key.clone(), digest.clone()))
                .is_some(),
        )
    })?;
    if !is_there {
        let message = format!(
            "The layer with digest '{digest}' does not exist in the repository with name '{}' in registry with id '{}'",
            key.name, key.scope.account
        );
        return Err(ecr::Error::LayersNotFoundException(
            ecr::LayersNotFoundException {
                message: Some(message),
            },
        ));
    }
    let granted = Granted::Layer {
        repository: key.name.clone(),
        digest: digest.clone(),
    };
    let claims = Claims::new(call.caller(), granted, call.now() + URL_LIFETIME);
    let token = call.access().registry().token_key().seal(&claims);
    let endpoint = call.access().advertised_endpoint();
    Ok(ecr::GetDownloadUrlForLayerOutput {
        download_url: Some(format!("{endpoint}/v2/{}/blobs/{digest}?token={token}", key.name)),
        layer_digest: Some(digest.clone()),
    })
}

fn last_byte(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX) - 1
}

fn invalid_part(size: u64, key: &RepositoryKey, upload_id: &str) -> ecr::Error {
    ecr::Error::InvalidLayerPartException(ecr::InvalidLayerPartException {
        last_valid_byte_received: Some(last_byte(size)),
        message: Some(
            "The layer part does not begin where the last one ended, or its length is not what it says"
                .to_owned(),
        ),
        registry_id: Some(key.scope.account.clone()),
        repository_name: Some(key.name.clone()),
        upload_id: Some(upload_id.to_owned()),
    })
}

fn from_upload(error: UploadError, key: &RepositoryKey, id: &str) -> ecr::Error {
    match error {
        UploadError::NotFound => ecr::Error::UploadNotFoundException(ecr::UploadNotFoundException {
            message: Some(format!(
                "The upload with id '{id}' does not exist in the repository with name '{}' in registry with id '{}'",
                key.name, key.scope.account
            )),
        }),
        UploadError::WrongOffset(size) => invalid_part(size, key, id),
        UploadError::Empty => ecr::Error::EmptyUploadException(ecr::EmptyUploadException {
            message: Some(format!("The upload with id '{id}' has no layer parts")),
        }),
        UploadError::DigestMismatch(actual) => {
            ecr::Error::InvalidLayerException(ecr::InvalidLayerException {
                message: Some(format!("The layer digest is '{actual}', not the one provided")),
            })
        }
        UploadError::TooMany | UploadError::TooLarge => {
            ecr::Error::InvalidParameterException(ecr::InvalidParameterException {
                message: Some(error.to_string()),
            })
        }
        UploadError::Storage(error) => storage(&error),
        UploadError::Busy | UploadError::InUse | UploadError::Broken(_) => server(error.to_string()),
    }
}
