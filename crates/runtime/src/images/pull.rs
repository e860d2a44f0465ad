//! Pulling: the layers that are missing are unpacked while they arrive.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use oci_client::Reference;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::flights::Flights;
use super::manifest::Layer;
use super::progress::{LayerProgress, LayerState, PullProgress};
use super::registry::{Content, Failure, Registries, RemoteImage, Source, chain};
use super::store::{Adding, Origin, ReferenceRecord, Store, UnfinishedLayer};
use super::{ImageError, digest, layer, reference};

/// Layers of one image that are fetched at once, as Docker does.
const PARALLEL_LAYERS: usize = 3;
/// Pieces of a layer that wait to be unpacked.
const QUEUED_PIECES: usize = 64;

/// Times that the content of a layer is asked for again from where it broke off.
const MAX_RESUMPTIONS: u32 = 16;
/// Before each of them.
const RESUMPTION_PAUSE: Duration = Duration::from_millis(200);

/// What a pull works with.
#[derive(Clone, Copy)]
pub struct Pull<'a> {
    /// Where to.
    pub store: &'a Store,
    /// Where from.
    pub registries: &'a Registries,
    /// Layers that are being pulled.
    pub layers: &'a Flights<()>,
    /// Who watches.
    pub progress: &'a PullProgress,
}

/// Pulls an image into the store. Layers of one that cannot be had stay for the next attempt, but not where they
/// take the last room on the disk.
pub async fn pull(pull: Pull<'_>, wanted: &Reference, source: Source<'_>) -> Result<(), ImageError> {
    let pulled = pull_whole(pull, wanted, source).await;
    if pulled.as_ref().is_err_and(ImageError::is_disk_full)
        && let Err(error) = blocking(pull.store, Store::sweep).await
    {
        tracing::warn!(image = wanted.whole(), %error, "the layers of an image that has no room are left behind");
    }
    pulled
}

async fn pull_whole(pull: Pull<'_>, wanted: &Reference, source: Source<'_>) -> Result<(), ImageError> {
    let image = pull.registries.resolve(wanted, source).await?;
    let sizes = image
        .layers
        .iter()
        .map(|it| (it.blob_digest.clone(), it.size_bytes));
    pull.progress.begin(sizes);
    let adding = blocking(pull.store, Store::begin_adding).await?;
    let fetches = image
        .layers
        .iter()
        .map(|it| Ok::<_, ImageError>((it, &image, &adding)));
    stream::iter(fetches)
        .try_for_each_concurrent(PARALLEL_LAYERS, |(layer, image, adding)| async move {
            let progress = pull.progress.of(&layer.blob_digest);
            let added = add_layer(pull.store, adding, image, layer, progress.as_deref());
            pull.layers.run(&layer.diff_id, added).await?;
            // Another pull may have fetched it.
            if let Some(progress) = progress.filter(|it| it.state() != LayerState::AlreadyThere) {
                progress.set(LayerState::Done);
            }
            Ok(())
        })
        .await?;
    let record = ReferenceRecord::new(
        reference::normalized(wanted),
        digest::of(&image.config),
        Some(image.digest.clone()),
        Origin::Pulled,
    );
    blocking(pull.store, move |store| {
        store.add_image(&adding, &image.config, &[record])
    })
    .await
}

async fn add_layer(
    store: &Store,
    adding: &Adding,
    image: &RemoteImage,
    layer: &Layer,
    progress: Option<&LayerProgress>,
) -> Result<(), ImageError> {
    let tell = |state| {
        if let Some(progress) = progress {
            progress.set(state);
        }
    };
    if store.has_layer(&layer.diff_id)? {
        tell(LayerState::AlreadyThere);
        return Ok(());
    }
    tell(LayerState::Receiving);
    let (unfinished, size_bytes) = image
        .attempt(layer, || fetch(store, adding, image, layer, progress))
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
    progress: Option<&LayerProgress>,
) -> Result<(UnfinishedLayer, u64), Failure> {
    let content = image.layer(layer).await?;
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
    let fetched = receive(image, layer, content, &sender, progress).await;
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

/// Hands on what arrives. A transfer that breaks off goes on from there, as long as each try brings something.
async fn receive(
    image: &RemoteImage,
    layer: &Layer,
    mut content: Content,
    sender: &mpsc::Sender<Option<Bytes>>,
    progress: Option<&LayerProgress>,
) -> Result<(), Failure> {
    let (mut position, mut resumptions) = (0_u64, 0);
    loop {
        let begun_at = position;
        let broken = loop {
            match content.next().await {
                None if position < layer.size_bytes => break "the transfer ended early".to_owned(),
                None => {
                    drop(sender.send(None).await);
                    return Ok(());
                }
                Some(Err(error)) => break chain(&error),
                Some(Ok(piece)) => {
                    position += piece.len() as u64;
                    if let Some(progress) = progress {
                        progress.received_to(position);
                    }
                    // Whoever unpacks has given up, and says why.
                    if sender.send(Some(piece)).await.is_err() {
                        return Ok(());
                    }
                }
            }
        };
        // All came, and the registry's own check of it failed: the digest says so better.
        if position >= layer.size_bytes {
            drop(sender.send(None).await);
            return Ok(());
        }
        if position == begun_at || resumptions == MAX_RESUMPTIONS {
            return Err(Failure::Transient(broken));
        }
        resumptions += 1;
        tracing::info!(
            digest = layer.blob_digest,
            position,
            broken,
            "a layer broke off, and goes on from there"
        );
        tokio::time::sleep(RESUMPTION_PAUSE).await;
        content = image.layer_from(layer, position).await?;
    }
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
