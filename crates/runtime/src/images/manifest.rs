//! Manifests and indexes, OCI's and Docker's, which differ in their media types only.

use oci_spec::image::{Arch, Descriptor, ImageIndex, ImageManifest, Os};
use serde_json::Value;

use super::store::{config_diff_ids, parse_config};
use super::{ImageError, digest};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Arch = Arch::Amd64;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Arch = Arch::ARM64;

/// What a digest or tag can lead to.
#[derive(Debug)]
pub enum Document {
    /// Manifests for several platforms.
    Index(Box<ImageIndex>),
    /// One image.
    Manifest(Box<ImageManifest>),
}

/// A layer as a manifest and a configuration name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Digest as stored and transferred.
    pub blob_digest: String,
    /// Digest of the uncompressed archive.
    pub diff_id: String,
    /// As transferred, in bytes.
    pub size_bytes: u64,
}

/// The platform of this host, as it is written.
pub fn platform() -> String {
    format!("linux/{ARCHITECTURE}")
}

/// Parses either.
///
/// # Errors
/// [`ImageError::Invalid`], also for manifests of the first version.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Document, ImageError> {
    let invalid = |error: serde_json::Error| ImageError::invalid(&format!("manifest {name}"), error);
    let value: Value = serde_json::from_slice(bytes).map_err(invalid)?;
    if value.get("manifests").is_some() {
        return Ok(Document::Index(serde_json::from_value(value).map_err(invalid)?));
    }
    if value.get("schemaVersion") == Some(&Value::from(1)) {
        let reason = "schema version 1 is not supported";
        return Err(ImageError::invalid(&format!("manifest {name}"), reason));
    }
    Ok(Document::Manifest(
        serde_json::from_value(value).map_err(invalid)?,
    ))
}

/// Whether a descriptor can lead to an image for this platform. One that says nothing can.
pub fn fits(descriptor: &Descriptor) -> bool {
    let platform = descriptor.platform().as_ref();
    platform.is_none_or(|it| *it.os() == Os::Linux && *it.architecture() == ARCHITECTURE)
}

/// The manifest for this platform.
///
/// # Errors
/// [`ImageError::Platform`].
pub fn choose(index: &ImageIndex) -> Result<&Descriptor, ImageError> {
    let missing = || ImageError::Platform(platform());
    index.manifests().iter().find(|it| fits(it)).ok_or_else(missing)
}

/// The layers of an image, lowest first.
///
/// # Errors
/// If manifest and configuration do not agree, or digests are malformed.
pub fn layers(manifest: &ImageManifest, config: &[u8]) -> Result<Vec<Layer>, ImageError> {
    let config = parse_config(config)?;
    let diff_ids = config_diff_ids(&config);
    if diff_ids.len() != manifest.layers().len() {
        let reason = format!(
            "{} layers, but the configuration has {}",
            manifest.layers().len(),
            diff_ids.len()
        );
        return Err(ImageError::invalid("manifest", reason));
    }
    let pairs = manifest.layers().iter().zip(diff_ids);
    let layer = |(descriptor, diff_id): (&Descriptor, &String)| {
        let layer = Layer {
            blob_digest: descriptor.digest().to_string(),
            diff_id: diff_id.clone(),
            size_bytes: descriptor.size(),
        };
        digest::hex_part(&layer.blob_digest)?;
        digest::hex_part(&layer.diff_id)?;
        Ok(layer)
    };
    pairs.map(layer).collect()
}
