//! Image archives: what `docker save` writes, and OCI layouts as a folder or a tar. Also compressed.

mod docker;
mod members;
mod oci;

use std::path::Path;

use oci_client::Reference;

use self::members::Members;
use super::store::Store;
use super::{ImageError, reference};

/// Most that a manifest, index or configuration may have, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 8 * 1024 * 1024;

/// An archive, its directory read.
pub struct Archive {
    members: Members,
    /// In the order of the archive.
    pub images: Vec<ArchivedImage>,
}

/// An image of an archive.
#[derive(Debug)]
pub struct ArchivedImage {
    /// Names that the archive gives it.
    pub names: Vec<Reference>,
    /// Digest of its manifest, or of the index that it was chosen from.
    pub manifest_digest: Option<String>,
    /// Its configuration, byte for byte.
    pub config: Vec<u8>,
    /// Lowest first, one for each diff id of the configuration.
    pub layers: Vec<ArchivedLayer>,
}

/// A layer in an archive.
#[derive(Clone, Debug)]
pub struct ArchivedLayer {
    /// Name in the archive.
    member: String,
    /// Digest of the member, if the archive says.
    pub blob_digest: Option<String>,
}

impl Archive {
    /// Reads what is in an archive. Blocks.
    ///
    /// # Errors
    /// If it is no such archive, or incomplete.
    pub fn open(path: &Path, store: &Store) -> Result<Self, ImageError> {
        let members = Members::open(path, store)?;
        let is_oci = members.contains(oci::INDEX);
        let images = if members.contains(docker::MANIFEST) {
            let mut images = docker::images(&members)?;
            // Newer ones are both. Only the index knows digests of manifests.
            if is_oci {
                oci::complete(&members, &mut images);
            }
            images
        } else if is_oci {
            oci::images(&members)?
        } else {
            let reason = "it has neither manifest.json (docker save) nor index.json (OCI layout)";
            return Err(ImageError::invalid("image archive", reason));
        };
        Ok(Self { members, images })
    }

    /// Content of a layer, as stored.
    ///
    /// # Errors
    /// If the archive does not have it.
    pub fn layer(&self, layer: &ArchivedLayer) -> Result<members::Member, ImageError> {
        self.members.open_member(&layer.member)
    }
}

/// Names that archives give are taken as a user's would be.
fn parse_name(text: &str) -> Result<Reference, ImageError> {
    reference::parse_tagged(text)
}
