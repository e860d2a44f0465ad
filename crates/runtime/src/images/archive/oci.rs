//! OCI layouts: `index.json` leads to manifests, which lie in `blobs/` under their digests.

use oci_client::Reference;
use oci_spec::image::Descriptor;

use super::super::manifest::{self, Document};
use super::super::{ImageError, digest};
use super::members::Members;
use super::{ArchivedImage, ArchivedLayer, parse_name};

/// Name of the index.
pub const INDEX: &str = "index.json";
/// Where containerd writes the full name of an image.
const FULL_NAME: &str = "io.containerd.image.name";
/// Where OCI wants a name; mostly only a tag.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The images of a layout that run on this platform.
pub fn images(members: &Members) -> Result<Vec<ArchivedImage>, ImageError> {
    let Document::Index(index) = manifest::parse(INDEX, &members.document(INDEX)?)? else {
        return Err(ImageError::invalid(INDEX, "it is no index"));
    };
    let mut images = Vec::new();
    for descriptor in index.manifests().iter().filter(|it| manifest::fits(it)) {
        images.push(image(members, descriptor)?);
    }
    if images.is_empty() {
        return Err(ImageError::Platform(manifest::platform()));
    }
    Ok(images)
}

/// Gives images the digests of their manifests as far as the index has them.
pub fn complete(members: &Members, incomplete: &mut [ArchivedImage]) {
    let Ok(found) = images(members) else { return };
    for image in incomplete {
        if let Some(same) = found.iter().find(|it| it.config == image.config) {
            image.manifest_digest.clone_from(&same.manifest_digest);
        }
    }
}

fn image(members: &Members, descriptor: &Descriptor) -> Result<ArchivedImage, ImageError> {
    let top_digest = descriptor.digest().to_string();
    let bytes = blob(members, &top_digest)?;
    let manifest = match manifest::parse(&top_digest, &bytes)? {
        Document::Manifest(manifest) => manifest,
        Document::Index(index) => {
            let chosen = manifest::choose(&index)?.digest().to_string();
            match manifest::parse(&chosen, &blob(members, &chosen)?)? {
                Document::Manifest(manifest) => manifest,
                Document::Index(_) => return Err(ImageError::invalid(&chosen, "an index in an index")),
            }
        }
    };
    let config = blob(members, manifest.config().digest().as_ref())?;
    let layers = manifest::layers(&manifest, &config)?;
    let layer = |digest: &str| {
        Ok(ArchivedLayer {
            member: blob_name(digest)?,
            blob_digest: Some(digest.to_owned()),
        })
    };
    Ok(ArchivedImage {
        names: name(descriptor).into_iter().collect(),
        manifest_digest: Some(top_digest),
        config,
        layers: layers
            .iter()
            .map(|it| layer(&it.blob_digest))
            .collect::<Result<_, ImageError>>()?,
    })
}

fn name(descriptor: &Descriptor) -> Option<Reference> {
    let annotations = descriptor.annotations().as_ref()?;
    if let Some(name) = annotations.get(FULL_NAME) {
        return parse_name(name).ok();
    }
    // A tag alone would be taken for a repository.
    let name = annotations.get(REF_NAME).filter(|it| it.contains(['/', ':']))?;
    parse_name(name).ok()
}

fn blob(members: &Members, digest: &str) -> Result<Vec<u8>, ImageError> {
    let bytes = members.document(&blob_name(digest)?)?;
    digest::verify("a blob of the archive", &digest::of(&bytes), digest)?;
    Ok(bytes)
}

fn blob_name(digest: &str) -> Result<String, ImageError> {
    Ok(format!("blobs/sha256/{}", digest::hex_part(digest)?))
}
