//! Pulling: the layers that are missing are unpacked while they arrive.

use std::io::{self, Read};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use oci_client::Reference;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::flights::Flights;
use super::manifest::Layer;
use super::registry::{Failure, Registries, RemoteImage, broken_stream};
use super::store::{Adding, ReferenceRecord, Store, UnfinishedLayer};
use super::{ImageError, RegistryCredentials, digest, layer, reference};

/// Layers of one image that are fetched at once, as Docker does.
const PARALLEL_LAYERS: usize = 3;
/// Pieces of a layer that wait to be unpacked.
const QUEUED_PIECES: usize = 64;

/// Pulls an image into the store.
pub async fn pull(
    store: &Store,
    registries: &Registries,
    layers: &Flights<()>,
    wanted: &Reference,
    credentials: Option<&RegistryCredentials>,
) -> Result<(), ImageError> {
    let image = registries.resolve(wanted, credentials).await?;
    let adding = blocking(store, Store::begin_adding).await?;
    let fetches = image
        .layers
        .iter()
        .map(|it| Ok::<_, ImageError>((it, &image, &adding)));
    stream::iter(fetches)
        .try_for_each_concurrent(PARALLEL_LAYERS, |(layer, image, adding)| async move {
            layers
                .run(&layer.diff_id, add_layer(store, adding, image, layer))
                .await
        })
        .await?;
    let record = ReferenceRecord::new(
        reference::normalized(wanted),
        digest::of(&image.config),
        Some(image.digest.clone()),
    );
    blocking(store, move |store| {
        store.add_image(&adding, &image.config, &[record])
    })
    .await
}

async fn add_layer(
    store: &Store,
    adding: &Adding,
    image: &RemoteImage,
    layer: &Layer,
) -> Result<(), ImageError> {
    if store.has_layer(&layer.diff_id)? {
        return Ok(());
    }
    let (unfinished, size_bytes) = image
        .attempt(layer, || fetch(store, adding, image, layer))
        .await?;
    let diff_id = layer.diff_id.clone();
    blocking(store, move |store| {
        store.finish_layer(&unfinished, &diff_id, size_bytes)
    })
    .await
}

/// Fetches and unpacks a layer. If it is dropped, the unpacking thread sees the end and stops.
async fn fetch(
    store: &Store,
    adding: &Adding,
    image: &RemoteImage,
    layer: &Layer,
) -> Result<(UnfinishedLayer, u64), Failure> {
    let mut content = image.layer(layer).await?;
    let unfinished = store.begin_layer(adding)?;
    let (sender, receiver) = mpsc::channel(QUEUED_PIECES);
    let unpacking = spawn_blocking(move || {
        let unpacked = layer::unpack(
            Arriving {
                receiver,
                piece: Some(Bytes::new()),
            },
            &unfinished.files(),
        );
        unpacked.map(|it| (unfinished, it))
    });
    let fetched = async {
        while let Some(piece) = content.next().await {
            let piece = piece.map_err(|error| broken_stream(&error))?;
            if sender.send(Some(piece)).await.is_err() {
                return Ok(());
            }
        }
        drop(sender.send(None).await);
        Ok::<_, Failure>(())
    };
    let fetched = fetched.await;
    // One that is still waiting then sees that no more will come.
    drop(sender);
    let unpacked = unpacking
        .await
        .map_err(|error| ImageError::Interrupted(error.to_string()))?;
    fetched?;
    let failed = |source| ImageError::Layer {
        layer: layer.diff_id.clone(),
        source,
    };
    let (unfinished, unpacked) = unpacked.map_err(failed)?;
    digest::verify(
        "a layer of the registry",
        &unpacked.blob_digest,
        &layer.blob_digest,
    )?;
    digest::verify("a layer", &unpacked.diff_id, &layer.diff_id)?;
    Ok((unfinished, unpacked.size_bytes))
}

/// Does the store's work where blocking is allowed.
async fn blocking<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&Store) -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    let store = store.clone();
    let done = spawn_blocking(move || work(&store)).await;
    done.map_err(|error| ImageError::Interrupted(error.to_string()))?
}

/// The pieces of a layer as a reader. After the last one comes `None`.
struct Arriving {
    receiver: mpsc::Receiver<Option<Bytes>>,
    piece: Option<Bytes>,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.as_ref().is_some_and(Bytes::is_empty) {
            let interrupted = || io::Error::new(io::ErrorKind::UnexpectedEof, "the transfer was interrupted");
            self.piece = self.receiver.blocking_recv().ok_or_else(interrupted)?;
        }
        let Some(piece) = &mut self.piece else {
            return Ok(0);
        };
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece.split_to(count));
        Ok(count)
    }
}
