//! Loading archives.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use oci_client::Reference;

use super::archive::{Archive, ArchivedImage, ArchivedLayer};
use super::store::{Adding, Origin, ReferenceRecord, Store, UnfinishedLayer, config_diff_ids, parse_config};
use super::{ImageError, digest, layer, reference};

/// Layers unpacked at once; each keeps two threads busy.
const PARALLEL_LAYERS: usize = 2;

/// A layer that waits for the others of its image.
struct Prepared {
    unfinished: UnfinishedLayer,
    diff_id: String,
    size_bytes: u64,
}

/// Loads the images of an archive and answers their ids and names. Blocks.
pub fn load(
    store: &Store,
    path: &Path,
    name: Option<&str>,
) -> Result<Vec<(String, Vec<String>)>, ImageError> {
    let name = name.map(reference::parse_tagged).transpose()?;
    let archive = Archive::open(path, store)?;
    if name.is_some() && archive.images.len() != 1 {
        return Err(ImageError::Ambiguous(archive.images.len()));
    }
    // Before anything is unpacked.
    let names: Vec<_> = archive
        .images
        .iter()
        .map(|it| names(it, name.as_ref()))
        .collect::<Result<_, _>>()?;
    let adding = store.begin_adding()?;
    let mut loaded = Vec::new();
    for (image, names) in archive.images.iter().zip(names) {
        let id = digest::of(&image.config);
        add_layers(store, &adding, &archive, image)?;
        let record = |name: &String| {
            ReferenceRecord::new(
                name.clone(),
                id.clone(),
                image.manifest_digest.clone(),
                Origin::Loaded,
            )
        };
        let records: Vec<_> = names.iter().map(record).collect();
        store.add_image(&adding, &image.config, &records)?;
        loaded.push((id, names));
    }
    Ok(loaded)
}

fn names(image: &ArchivedImage, chosen: Option<&Reference>) -> Result<Vec<String>, ImageError> {
    if let Some(chosen) = chosen {
        return Ok(vec![reference::normalized(chosen)]);
    }
    if image.names.is_empty() {
        return Err(ImageError::Unnamed(digest::of(&image.config)));
    }
    Ok(image.names.iter().map(reference::normalized).collect())
}

/// Unpacks those layers that the store does not have. They join it together, so that an archive that
/// turns out to be damaged leaves nothing.
fn add_layers(
    store: &Store,
    adding: &Adding,
    archive: &Archive,
    image: &ArchivedImage,
) -> Result<(), ImageError> {
    let config = parse_config(&image.config)?;
    let mut missing: Vec<(&String, &ArchivedLayer)> = Vec::new();
    for (diff_id, layer) in config_diff_ids(&config).iter().zip(&image.layers) {
        if !store.has_layer(diff_id)? && missing.iter().all(|(known, _)| *known != diff_id) {
            missing.push((diff_id, layer));
        }
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut prepared = Vec::new();
        while let Some((diff_id, layer)) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
            match prepare(store, adding, archive, diff_id, layer) {
                Ok(done) => prepared.push(done),
                Err(error) => {
                    // The others need not begin any more.
                    next.store(missing.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(prepared)
    };
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..PARALLEL_LAYERS.min(missing.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let failed = |_| Err(ImageError::Interrupted("an unpacking thread panicked".to_owned()));
        workers
            .into_iter()
            .map(|it| it.join().unwrap_or_else(failed))
            .collect()
    });
    let prepared: Vec<_> = results.into_iter().collect::<Result<_, _>>()?;
    for layer in prepared.into_iter().flatten() {
        store.finish_layer(&layer.unfinished, &layer.diff_id, layer.size_bytes)?;
    }
    Ok(())
}

fn prepare(
    store: &Store,
    adding: &Adding,
    archive: &Archive,
    diff_id: &str,
    wanted: &ArchivedLayer,
) -> Result<Prepared, ImageError> {
    let unfinished = store.begin_layer(adding)?;
    let source = archive.layer(wanted)?;
    let unpacked = layer::unpack(source, &unfinished.files());
    let unpacked = unpacked.map_err(|source| ImageError::Layer {
        layer: diff_id.to_owned(),
        source,
    })?;
    if let Some(blob_digest) = &wanted.blob_digest {
        digest::verify("a layer of the archive", &unpacked.blob_digest, blob_digest)?;
    }
    digest::verify("a layer", &unpacked.diff_id, diff_id)?;
    Ok(Prepared {
        unfinished,
        diff_id: diff_id.to_owned(),
        size_bytes: unpacked.size_bytes,
    })
}
