//! What `docker save` writes: `manifest.json` lists images with their configuration and layers.

use serde::Deserialize;

use super::super::ImageError;
use super::super::store::{config_diff_ids, parse_config};
use super::members::Members;
use super::{ArchivedImage, ArchivedLayer, parse_name};

/// Name of the list.
pub const MANIFEST: &str = "manifest.json";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// The images of an archive.
pub fn images(members: &Members) -> Result<Vec<ArchivedImage>, ImageError> {
    let bytes = members.document(MANIFEST)?;
    let listed: Vec<Listed> =
        serde_json::from_slice(&bytes).map_err(|error| ImageError::invalid(MANIFEST, error))?;
    listed.into_iter().map(|it| image(members, it)).collect()
}

fn image(members: &Members, listed: Listed) -> Result<ArchivedImage, ImageError> {
    let config = members.document(&listed.config)?;
    let layers = listed.layers.unwrap_or_default();
    let expected = config_diff_ids(&parse_config(&config)?).len();
    if layers.len() != expected {
        let reason = format!("{} layers, but the configuration has {expected}", layers.len());
        return Err(ImageError::invalid(MANIFEST, reason));
    }
    let names = listed.repo_tags.unwrap_or_default();
    Ok(ArchivedImage {
        names: names.iter().map(|it| parse_name(it)).collect::<Result<_, _>>()?,
        manifest_digest: None,
        config,
        layers: layers
            .into_iter()
            .map(|member| ArchivedLayer {
                member,
                blob_digest: None,
            })
            .collect(),
    })
}
