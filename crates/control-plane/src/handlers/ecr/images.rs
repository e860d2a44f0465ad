//! Images of repositories.

use api::ecr;
use domain::Timestamp;
use domain::repository::{RepositoryImage, RepositoryKey, is_digest, is_image_tag};
use orchestrator::transitions::{self, DeleteImageRefusal, ImageName, ImageNameRefusal};
use store::State;

use super::errors::{from_push, from_store, image_not_found, invalid_parameter, server, storage};
use super::listing;
use super::names;
use super::scans;
use crate::call::{Authorized, Call};
use crate::registry::{self, PushedImage};

/// Most images that one request names.
const NAMED_MAX: usize = 100;

/// What an id says.
pub fn name(id: &ecr::ImageIdentifier) -> ImageName {
    ImageName {
        digest: id.image_digest.clone(),
        tag: id.image_tag.clone(),
    }
}

/// The id of an image.
pub fn identifier(digest: &str, tag: Option<&str>) -> ecr::ImageIdentifier {
    ecr::ImageIdentifier {
        image_digest: Some(digest.to_owned()),
        image_tag: tag.map(str::to_owned),
    }
}

fn require_named(ids: &[ecr::ImageIdentifier]) -> Result<(), ecr::Error> {
    if (1..=NAMED_MAX).contains(&ids.len()) {
        return Ok(());
    }
    let constraint = format!("Member must have length between 1 and {NAMED_MAX}");
    Err(invalid_parameter("imageIds", &constraint))
}

fn failure(id: &ecr::ImageIdentifier, refusal: ImageNameRefusal) -> ecr::ImageFailure {
    let is_bad_digest = id.image_digest.as_ref().is_some_and(|it| !is_digest(it));
    let (code, reason) = match refusal {
        ImageNameRefusal::Missing => (
            ecr::ImageFailureCode::MissingDigestAndTag,
            "Invalid request parameters: both tag and digest cannot be null",
        ),
        ImageNameRefusal::NotFound if is_bad_digest => (
            ecr::ImageFailureCode::InvalidImageDigest,
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        ),
        ImageNameRefusal::NotFound => (ecr::ImageFailureCode::ImageNotFound, "Requested image not found"),
        ImageNameRefusal::TagDoesNotMatchDigest => (
            ecr::ImageFailureCode::ImageTagDoesNotMatchDigest,
            "Image tag does not match the digest",
        ),
    };
    ecr::ImageFailure {
        failure_code: Some(code),
        failure_reason: Some(reason.to_owned()),
        image_id: Some(id.clone()),
    }
}

fn details(it: &RepositoryImage, now: Timestamp) -> ecr::ImageDetail {
    ecr::ImageDetail {
        artifact_media_type: it.artifact_media_type.clone(),
        image_digest: Some(it.digest.clone()),
        image_manifest_media_type: Some(it.media_type.clone()),
        image_pushed_at: Some(it.pushed_at),
        image_scan_status: it.scan.as_ref().map(|it| scans::status(it, now)),
        image_scan_findings_summary: it.scan.as_ref().and_then(scans::summary),
        image_size_in_bytes: i64::try_from(it.size_bytes).ok(),
        image_status: Some(ecr::ImageStatus::Active),
        image_tags: (!it.tags.is_empty()).then(|| it.tags.clone()),
        registry_id: Some(it.repository.scope.account.clone()),
        repository_name: Some(it.repository.name.clone()),
        subject_manifest_digest: it.subject.clone(),
        ..ecr::ImageDetail::default()
    }
}

/// Which images a listing is about.
struct Wanted {
    tags: ecr::TagStatus,
    status: ecr::ImageStatusFilter,
}

impl Wanted {
    fn new(
        tags: Option<&ecr::TagStatus>,
        status: Option<&ecr::ImageStatusFilter>,
    ) -> Result<Self, ecr::Error> {
        let wanted = Self {
            tags: tags.cloned().unwrap_or(ecr::TagStatus::Any),
            status: status.cloned().unwrap_or(ecr::ImageStatusFilter::Active),
        };
        let is_unknown = matches!(wanted.tags, ecr::TagStatus::Unmodelled(_))
            || matches!(wanted.status, ecr::ImageStatusFilter::Unmodelled(_));
        if is_unknown {
            let constraint =
                "tagStatus is TAGGED, UNTAGGED or ANY, imageStatus ACTIVE, ARCHIVED, ACTIVATING or ANY";
            return Err(invalid_parameter("filter", constraint));
        }
        Ok(wanted)
    }

    fn has(&self, image: &RepositoryImage) -> bool {
        // None is ever archived.
        let is_active = matches!(
            self.status,
            ecr::ImageStatusFilter::Active | ecr::ImageStatusFilter::Any
        );
        let fits = match self.tags {
            ecr::TagStatus::Tagged => !image.tags.is_empty(),
            ecr::TagStatus::Untagged => image.tags.is_empty(),
            _ => true,
        };
        is_active && fits
    }

    fn listing(&self, of: &str, key: &RepositoryKey) -> String {
        format!(
            "{of} {} {} {}",
            key.name,
            self.tags.as_str(),
            self.status.as_str()
        )
    }
}

/// `DescribeImages`: those named, or all.
///
/// # Errors
/// ImageNotFoundException, RepositoryNotFoundException, InvalidParameterException.
pub async fn describe_images(
    call: Call<ecr::DescribeImages>,
) -> Result<ecr::DescribeImagesOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let filter = input.filter.as_ref();
    let wanted = Wanted::new(
        filter.and_then(|it| it.tag_status.as_ref()),
        filter.and_then(|it| it.image_status.as_ref()),
    )?;
    let (page_key, now) = (call.access().page_key(), call.now());
    call.access().store().read(|state| {
        names::found(state, &key)?;
        if let Some(ids) = input.image_ids.as_deref().filter(|it| !it.is_empty()) {
            require_named(ids)?;
            let named = ids.iter().map(|id| described(state, &key, id));
            let named: Vec<_> = named.collect::<Result<_, _>>()?;
            let images = named
                .into_iter()
                .filter(|it| wanted.has(it))
                .map(|it| details(it, now));
            return Ok(ecr::DescribeImagesOutput {
                image_details: Some(images.collect()),
                next_token: None,
            });
        }
        let images = state.images_of_repository(&key).filter(|it| wanted.has(it));
        let items = images.map(|it| (it.digest.clone(), details(it, now)));
        let (next_token, listing) = (input.next_token.as_deref(), wanted.listing("images", &key));
        let (images, next_token) = listing::list(page_key, input.max_results, next_token, &listing, items)?;
        Ok(ecr::DescribeImagesOutput {
            image_details: Some(images),
            next_token,
        })
    })
}

/// The image of an id.
///
/// # Errors
/// ImageNotFoundException, InvalidParameterException.
pub fn described<'a>(
    state: &'a State,
    key: &RepositoryKey,
    id: &ecr::ImageIdentifier,
) -> Result<&'a RepositoryImage, ecr::Error> {
    match transitions::find_image(state, key, &name(id)) {
        Ok(image) => Ok(image),
        Err(ImageNameRefusal::Missing) => Err(invalid_parameter(
            "imageIds",
            "both tag and digest cannot be null",
        )),
        Err(ImageNameRefusal::NotFound | ImageNameRefusal::TagDoesNotMatchDigest) => {
            Err(image_not_found(key, id))
        }
    }
}

/// `ListImages`: each tag, and each image without one.
///
/// # Errors
/// RepositoryNotFoundException, InvalidParameterException.
pub async fn list_images(call: Call<ecr::ListImages>) -> Result<ecr::ListImagesOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let filter = input.filter.as_ref();
    let wanted = Wanted::new(
        filter.and_then(|it| it.tag_status.as_ref()),
        filter.and_then(|it| it.image_status.as_ref()),
    )?;
    let page_key = call.access().page_key();
    let (ids, next_token) = call.access().store().read(|state| {
        names::found(state, &key)?;
        let images = state.images_of_repository(&key).filter(|it| wanted.has(it));
        let items = images.flat_map(|it| {
            let untagged = it.tags.is_empty().then_some(None);
            let tags = it.tags.iter().map(|tag| Some(tag.as_str())).chain(untagged);
            tags.map(|tag| {
                // In the order of digests, then of tags.
                let at = format!("{} {}", it.digest, tag.unwrap_or_default());
                (at, identifier(&it.digest, tag))
            })
        });
        let (next_token, listing) = (input.next_token.as_deref(), wanted.listing("ids", &key));
        listing::list(page_key, input.max_results, next_token, &listing, items)
    })?;
    Ok(ecr::ListImagesOutput {
        image_ids: Some(ids),
        next_token,
    })
}

/// `BatchGetImage`: manifests.
///
/// # Errors
/// RepositoryNotFoundException, InvalidParameterException.
pub async fn batch_get_image(call: Call<ecr::BatchGetImage>) -> Result<ecr::BatchGetImageOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    require_named(&input.image_ids)?;
    let found: Vec<_> = call.access().store().read(|state| {
        names::found(state, &key)?;
        let found = input.image_ids.iter().map(|id| {
            let image = transitions::find_image(state, &key, &name(id)).cloned();
            (id, image)
        });
        Ok::<_, ecr::Error>(found.collect())
    })?;
    let accepted = input.accepted_media_types.as_deref().unwrap_or_default();
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for (id, image) in found {
        let image = match image {
            Ok(image) => image,
            Err(refusal) => {
                failures.push(failure(id, refusal));
                continue;
            }
        };
        if !accepted.is_empty() && !accepted.contains(&image.media_type) {
            // Manifests are given as they were pushed.
            let reason = format!(
                "The image is of the media type {}, which is not accepted",
                image.media_type
            );
            failures.push(ecr::ImageFailure {
                failure_reason: Some(reason),
                ..failure(id, ImageNameRefusal::NotFound)
            });
            continue;
        }
        let tag = id.image_tag.as_deref();
        images.push(with_manifest(call.access(), &image, tag).await?);
    }
    Ok(ecr::BatchGetImageOutput {
        failures: Some(failures),
        images: Some(images),
    })
}

async fn with_manifest(
    access: &Authorized,
    image: &RepositoryImage,
    tag: Option<&str>,
) -> Result<ecr::Image, ecr::Error> {
    let bytes = registry::read_manifest(access.registry(), &image.digest).await;
    let bytes = bytes.map_err(|error| storage(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| server("The manifest is not text"))?;
    Ok(rendered(image, tag, text))
}

fn rendered(image: &RepositoryImage, tag: Option<&str>, manifest: String) -> ecr::Image {
    ecr::Image {
        image_id: Some(identifier(&image.digest, tag)),
        image_manifest: Some(manifest),
        image_manifest_media_type: Some(image.media_type.clone()),
        registry_id: Some(image.repository.scope.account.clone()),
        repository_name: Some(image.repository.name.clone()),
    }
}

/// `PutImage`.
///
/// # Errors
/// ImageAlreadyExistsException, ImageTagAlreadyExistsException, LayersNotFoundException,
/// ReferencedImagesNotFoundException, ImageDigestDoesNotMatchException, InvalidParameterException,
/// RepositoryNotFoundException.
pub async fn put_image(call: Call<ecr::PutImage>) -> Result<ecr::PutImageOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let (digest, tag) = (input.image_digest.as_deref(), input.image_tag.as_deref());
    if tag.is_some_and(|it| !is_image_tag(it)) {
        return Err(invalid_parameter(
            "imageTag",
            "must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,299}'",
        ));
    }
    let pushed = PushedImage {
        repository: &key,
        manifest: input.image_manifest.as_bytes(),
        media_type: input.image_manifest_media_type.as_deref(),
        digest,
        tag,
    };
    let access = call.access();
    let image = registry::push_image(access.registry(), access.store(), pushed).await;
    let image = image.map_err(|error| from_push(error, &key, digest, tag))?;
    registry::scan_pushed(access.registry(), access.store(), &image).await;
    Ok(ecr::PutImageOutput {
        image: Some(rendered(&image, tag, input.image_manifest.clone())),
    })
}

/// `BatchDeleteImage`: by tag, or by digest with all tags. Each image by itself.
///
/// # Errors
/// RepositoryNotFoundException, InvalidParameterException.
pub async fn batch_delete_image(
    call: Call<ecr::BatchDeleteImage>,
) -> Result<ecr::BatchDeleteImageOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    require_named(&input.image_ids)?;
    let ids = input.image_ids.clone();
    let deleted = call.access().store().transact(move |tx| {
        names::found(tx.state(), &key)?;
        let (mut gone, mut failures) = (Vec::new(), Vec::new());
        for id in &ids {
            match transitions::delete_image(tx, &key, &name(id)) {
                Ok(names) => gone.extend(names),
                Err(DeleteImageRefusal::Name(refusal)) => failures.push(failure(id, refusal)),
                Err(DeleteImageRefusal::ReferencedByManifestList) => failures.push(ecr::ImageFailure {
                    failure_code: Some(ecr::ImageFailureCode::ImageReferencedByManifestList),
                    failure_reason: Some("Requested image referenced by manifest list".to_owned()),
                    image_id: Some(id.clone()),
                }),
            }
        }
        Ok::<_, ecr::Error>((gone, failures))
    });
    let (gone, failures) = deleted.await.map_err(|error| from_store(error, |it| it))?;
    let gone = gone.into_iter().map(|it| ecr::ImageIdentifier {
        image_digest: it.digest,
        image_tag: it.tag,
    });
    Ok(ecr::BatchDeleteImageOutput {
        failures: Some(failures),
        image_ids: Some(gone.collect()),
    })
}
