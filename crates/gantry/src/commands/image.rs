//! `gantry image`: works on the data directory itself, whether or not a Gantry is running.

use std::path::Path;

use anyhow::{Context, Result};
use runtime::images::Images;

use crate::arguments::Place;

mod pull;

pub use pull::pull;

/// Loads the images of a file.
pub fn load(place: &Place, file: &Path, name: Option<&str>) -> Result<()> {
    let images = open(place)?;
    let loaded = images
        .load_archive(file, name)
        .with_context(|| format!("cannot load {}", file.display()))?;
    for image in loaded {
        println!(
            "Loaded image: {} {}",
            image.references.join(" "),
            short(&image.id)
        );
    }
    Ok(())
}

/// Lists the images.
pub fn list(place: &Place) -> Result<()> {
    println!("{:<50} {:<14} {:>12}", "REFERENCE", "IMAGE ID", "SIZE");
    for image in open(place)?.list()? {
        for reference in &image.references {
            println!(
                "{reference:<50} {:<14} {:>8.1} MiB",
                short(&image.id),
                mebibytes(image.size_bytes)
            );
        }
    }
    Ok(())
}

/// Removes images.
pub fn remove(place: &Place, references: &[String]) -> Result<()> {
    let images = open(place)?;
    for reference in references {
        images
            .remove(reference)
            .with_context(|| format!("cannot remove {reference}"))?;
        println!("Removed: {reference}");
    }
    Ok(())
}

fn open(place: &Place) -> Result<Images> {
    let data_dir = place.data_dir()?;
    data_dir.create()?;
    Ok(Images::open(&data_dir.images())?)
}

fn short(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id).get(..12).unwrap_or(id)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
