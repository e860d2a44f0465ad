//! Images of repositories: pushed, tagged, deleted; and the layers that were uploaded for them.

use std::sync::Arc;

use domain::Timestamp;
use domain::repository::{Repository, RepositoryImage, RepositoryKey, RepositoryLayer};
use store::{State, Tx};

use super::RepositoryNotFound;

#[cfg(test)]
mod tests;

/// Most tags of an image, Amazon's quota.
pub const TAGS_PER_IMAGE_MAX: usize = 1_000;

/// What is said of a manifest that is pushed.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// Where to.
    pub repository: RepositoryKey,
    /// Of the manifest, as computed.
    pub digest: String,
    /// What it gets beside its digest.
    pub tag: Option<String>,
    /// Of the manifest.
    pub media_type: String,
    /// See [`RepositoryImage`].
    pub artifact_media_type: Option<String>,
    /// See [`RepositoryImage`].
    pub subject: Option<String>,
    /// Of the manifest, in bytes.
    pub manifest_bytes: u64,
    /// Digests of its configuration and layers.
    pub layers: Vec<String>,
    /// Digests of the images of an index.
    pub manifests: Vec<String>,
}

/// Why a manifest is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutImageRefusal {
    /// There is no such repository.
    RepositoryNotFound,
    /// Layers that it names were not uploaded.
    LayersNotFound(Vec<String>),
    /// Images that the index names are not there.
    ImagesNotFound(Vec<String>),
    /// The same image is there, with the same tag.
    Exists,
    /// Another image has the tag, which may not move.
    TagImmutable(String),
    /// It has [`TAGS_PER_IMAGE_MAX`] tags.
    TooManyTags,
}

/// `PutImage`: the image and its tag, which is taken from the image that had it.
///
/// # Errors
/// See [`PutImageRefusal`].
pub fn put_image(tx: &mut Tx<'_>, new: NewImage) -> Result<Arc<RepositoryImage>, PutImageRefusal> {
    let repository = tx
        .get::<Repository>(&new.repository)
        .ok_or(PutImageRefusal::RepositoryNotFound)?;
    let key = (new.repository.clone(), new.digest.clone());
    let known = tx.get::<RepositoryImage>(&key);
    let holder = new
        .tag
        .as_deref()
        .and_then(|it| tx.state().tagged_image(&new.repository, it));
    let holder = holder.cloned();
    if let Some(tag) = &new.tag
        && let Some(holder) = holder.as_ref().filter(|it| it.digest != new.digest)
    {
        if !repository.tag_mutability.may_move(tag) {
            return Err(PutImageRefusal::TagImmutable(tag.clone()));
        }
        let mut left = (**holder).clone();
        left.tags.retain(|it| it != tag);
        tx.put(left);
    }
    let mut image = match known {
        Some(known) if new.tag.as_ref().is_none_or(|it| known.tags.contains(it)) => {
            return Err(PutImageRefusal::Exists);
        }
        Some(known) => (*known).clone(),
        None => described(tx, &new)?,
    };
    if let Some(tag) = new.tag {
        if image.tags.len() >= TAGS_PER_IMAGE_MAX {
            return Err(PutImageRefusal::TooManyTags);
        }
        image.tags.push(tag);
        image.tags.sort();
    }
    tx.put(image.clone());
    Ok(Arc::new(image))
}

/// The image without its tag, if all that it names is there.
fn described(tx: &Tx<'_>, new: &NewImage) -> Result<RepositoryImage, PutImageRefusal> {
    let at = |digest: &String| (new.repository.clone(), digest.clone());
    let (mut size_bytes, mut missing) = (0_u64, Vec::new());
    for digest in &new.layers {
        match tx.get::<RepositoryLayer>(&at(digest)) {
            Some(layer) => size_bytes = size_bytes.saturating_add(layer.size_bytes),
            None => missing.push(digest.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(PutImageRefusal::LayersNotFound(missing));
    }
    for digest in &new.manifests {
        match tx.get::<RepositoryImage>(&at(digest)) {
            Some(image) => size_bytes = size_bytes.max(image.size_bytes),
            None => missing.push(digest.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(PutImageRefusal::ImagesNotFound(missing));
    }
    Ok(RepositoryImage {
        repository: new.repository.clone(),
        digest: new.digest.clone(),
        media_type: new.media_type.clone(),
        artifact_media_type: new.artifact_media_type.clone(),
        subject: new.subject.clone(),
        manifest_bytes: new.manifest_bytes,
        size_bytes,
        pushed_at: tx.now(),
        tags: Vec::new(),
        layers: new.layers.clone(),
        manifests: new.manifests.clone(),
        scan: None,
    })
}

/// What names an image: at least one of them is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageName {
    /// `imageDigest`
    pub digest: Option<String>,
    /// `imageTag`
    pub tag: Option<String>,
}

/// Why a name leads to no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageNameRefusal {
    /// Neither digest nor tag is given.
    Missing,
    /// There is no such image.
    NotFound,
    /// The tag is that of another image.
    TagDoesNotMatchDigest,
}

/// The image of a name.
///
/// # Errors
/// See [`ImageNameRefusal`].
pub fn find_image<'a>(
    state: &'a State,
    repository: &RepositoryKey,
    name: &ImageName,
) -> Result<&'a Arc<RepositoryImage>, ImageNameRefusal> {
    let by_digest = |digest: &String| state.get::<RepositoryImage>(&(repository.clone(), digest.clone()));
    let found = match (&name.digest, &name.tag) {
        (None, None) => return Err(ImageNameRefusal::Missing),
        (Some(digest), None) => by_digest(digest),
        (None, Some(tag)) => state.tagged_image(repository, tag),
        (Some(digest), Some(tag)) => {
            let image = by_digest(digest).ok_or(ImageNameRefusal::NotFound)?;
            if !image.tags.contains(tag) {
                return Err(ImageNameRefusal::TagDoesNotMatchDigest);
            }
            Some(image)
        }
    };
    found.ok_or(ImageNameRefusal::NotFound)
}

/// Why an image stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteImageRefusal {
    /// Its name leads nowhere.
    Name(ImageNameRefusal),
    /// An index of the repository leads to it.
    ReferencedByManifestList,
}

/// `BatchDeleteImage` of one: a tag goes alone, and with the last tag or by its digest the image. Answers what went.
///
/// # Errors
/// See [`DeleteImageRefusal`].
pub fn delete_image(
    tx: &mut Tx<'_>,
    repository: &RepositoryKey,
    name: &ImageName,
) -> Result<Vec<ImageName>, DeleteImageRefusal> {
    let image = find_image(tx.state(), repository, name).map_err(DeleteImageRefusal::Name)?;
    let image = Arc::clone(image);
    let went = |tag: Option<&String>| ImageName {
        digest: Some(image.digest.clone()),
        tag: tag.cloned(),
    };
    if let Some(tag) = name.tag.as_ref()
        && image.tags.len() > 1
    {
        let mut left = (*image).clone();
        left.tags.retain(|it| it != tag);
        tx.put(left);
        return Ok(vec![went(Some(tag))]);
    }
    if tx.state().is_needed_in_repository(repository, &image.digest) {
        return Err(DeleteImageRefusal::ReferencedByManifestList);
    }
    tx.delete::<RepositoryImage>(&(repository.clone(), image.digest.clone()));
    if image.tags.is_empty() {
        return Ok(vec![went(None)]);
    }
    Ok(image.tags.iter().map(|tag| went(Some(tag))).collect())
}

/// Notes that a blob may be had from a repository. One that is there is young again.
///
/// # Errors
/// [`RepositoryNotFound`].
pub fn put_layer(
    tx: &mut Tx<'_>,
    repository: &RepositoryKey,
    digest: &str,
    size_bytes: u64,
) -> Result<(), RepositoryNotFound> {
    tx.get::<Repository>(repository).ok_or(RepositoryNotFound)?;
    let uploaded_at = tx.now();
    tx.put(RepositoryLayer {
        repository: repository.clone(),
        digest: digest.to_owned(),
        size_bytes,
        uploaded_at,
    });
    Ok(())
}

/// Why a layer is not mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountLayerRefusal {
    /// There is no repository to mount it into.
    RepositoryNotFound,
    /// The other repository does not have it: it must be uploaded.
    LayerNotFound,
}

/// Makes a layer of one repository one of another too.
///
/// # Errors
/// See [`MountLayerRefusal`].
pub fn mount_layer(
    tx: &mut Tx<'_>,
    from: &RepositoryKey,
    to: &RepositoryKey,
    digest: &str,
) -> Result<(), MountLayerRefusal> {
    let layer = tx.get::<RepositoryLayer>(&(from.clone(), digest.to_owned()));
    tx.get::<Repository>(to)
        .ok_or(MountLayerRefusal::RepositoryNotFound)?;
    let layer = layer.ok_or(MountLayerRefusal::LayerNotFound)?;
    put_layer(tx, to, digest, layer.size_bytes).map_err(|_| MountLayerRefusal::RepositoryNotFound)
}

/// Forgets layers of a repository that no image of it needs and that came before `before`, `most` at once.
/// Answers how many.
pub fn forget_layers(tx: &mut Tx<'_>, repository: &RepositoryKey, before: Timestamp, most: usize) -> usize {
    let state = tx.state();
    let is_unneeded = |it: &&Arc<RepositoryLayer>| {
        it.uploaded_at < before && !state.is_needed_in_repository(repository, &it.digest)
    };
    let layers = state.layers_of_repository(repository).filter(is_unneeded);
    let keys: Vec<_> = layers
        .take(most)
        .map(|it| (repository.clone(), it.digest.clone()))
        .collect();
    for key in &keys {
        tx.delete::<RepositoryLayer>(key);
    }
    keys.len()
}
