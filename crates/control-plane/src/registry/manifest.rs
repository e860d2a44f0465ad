//! What a manifest that is pushed says, in the forms of Docker and of OCI.

use domain::repository::is_digest;
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// Largest manifest, Amazon's quota in bytes.
pub const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most blobs or images that a manifest names: Amazon's quota of layers is 4,200.
const REFERENCES_MAX: usize = 4_200;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// What the registry must know of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// As the client or the manifest itself says.
    pub media_type: String,
    /// What kind of artifact it is: by default the media type of its configuration.
    pub artifact_media_type: Option<String>,
    /// The manifest that it is about.
    pub subject: Option<String>,
    /// Digests of configuration and layers, each once.
    pub layers: Vec<String>,
    /// Digests of the images of an index, each once.
    pub manifests: Vec<String>,
}

/// Why a manifest is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidManifest(pub String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: Option<u32>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    digest: String,
    /// Where else it is: such layers are not pushed.
    #[serde(default)]
    urls: Vec<String>,
}

impl Manifest {
    /// Reads a manifest. What the client calls it must be what it calls itself.
    ///
    /// # Errors
    /// [`InvalidManifest`].
    pub fn parse(bytes: &[u8], given_type: Option<&str>) -> Result<Self, InvalidManifest> {
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| InvalidManifest(format!("the manifest is no JSON of a known form: {error}")))?;
        if document.schema_version != Some(2) {
            return Err(InvalidManifest(
                "manifests of schema version 2 are taken, in the forms of Docker and OCI".to_owned(),
            ));
        }
        let given_type = given_type.map(|it| it.split(';').next().unwrap_or_default().trim());
        if let (Some(given), Some(own)) = (given_type, &document.media_type)
            && given != own
        {
            return Err(InvalidManifest(format!(
                "the media type is {given}, but the manifest says {own}"
            )));
        }
        let media_type = given_type
            .map(str::to_owned)
            .or_else(|| document.media_type.clone());
        let media_type = media_type.unwrap_or_else(|| document.likely_type().to_owned());
        match media_type.as_str() {
            DOCKER_MANIFEST | OCI_MANIFEST => document.image(media_type),
            DOCKER_LIST | OCI_INDEX => document.index(media_type),
            _ => Err(InvalidManifest(format!(
                "manifests of the media type {media_type} are not taken"
            ))),
        }
    }
}

impl Document {
    fn likely_type(&self) -> &'static str {
        let config_type = self.config.as_ref().and_then(|it| it.media_type.as_deref());
        match (self.manifests.is_some(), config_type) {
            (true, _) => OCI_INDEX,
            (false, Some(DOCKER_CONFIG)) => DOCKER_MANIFEST,
            (false, _) => OCI_MANIFEST,
        }
    }

    fn image(self, media_type: String) -> Result<Manifest, InvalidManifest> {
        let (Some(config), None) = (&self.config, &self.manifests) else {
            return Err(InvalidManifest(
                "an image manifest has a config and layers".to_owned(),
            ));
        };
        let own_type = config.media_type.clone();
        let all = self.config.iter().chain(self.layers.iter().flatten());
        let layers = digests(all.filter(|it| it.urls.is_empty()))?;
        Ok(Manifest {
            media_type,
            artifact_media_type: self.artifact_type.or(own_type),
            subject: subject(self.subject)?,
            layers,
            manifests: Vec::new(),
        })
    }

    fn index(self, media_type: String) -> Result<Manifest, InvalidManifest> {
        let Some(manifests) = &self.manifests else {
            return Err(InvalidManifest("an index has manifests".to_owned()));
        };
        let manifests = digests(manifests.iter())?;
        Ok(Manifest {
            media_type,
            artifact_media_type: self.artifact_type,
            subject: subject(self.subject)?,
            layers: Vec::new(),
            manifests,
        })
    }
}

fn subject(given: Option<Descriptor>) -> Result<Option<String>, InvalidManifest> {
    given.map(|it| checked(&it)).transpose()
}

fn digests<'a>(all: impl Iterator<Item = &'a Descriptor>) -> Result<Vec<String>, InvalidManifest> {
    let mut digests: Vec<String> = all.map(checked).collect::<Result<_, _>>()?;
    digests.sort();
    digests.dedup();
    if digests.len() > REFERENCES_MAX {
        return Err(InvalidManifest(format!(
            "the manifest names more than {REFERENCES_MAX} blobs"
        )));
    }
    Ok(digests)
}

fn checked(descriptor: &Descriptor) -> Result<String, InvalidManifest> {
    let digest = &descriptor.digest;
    let checked = is_digest(digest).then(|| digest.clone());
    checked.ok_or_else(|| InvalidManifest(format!("{digest:?} is no sha256 digest")))
}
