//! Images on this host: loaded from archives or pulled from registries, unpacked once, shared by all tasks.
//!
//! ```text
//!  load ── archive ──┐
//!                    ├─► layer ─► untar ──► store ──► Image { config, layers }
//!  pull ── registry ─┘                        ▲
//!  cache ── checked against the store's files ┘
//! ```

mod archive;
mod cache;
mod compression;
mod digest;
mod error;
mod flights;
mod layer;
mod load;
mod manifest;
mod progress;
mod pull;
mod reference;
mod registry;
mod store;
#[cfg(test)]
mod tests;
mod untar;
mod unused;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use agent::host::{ImagePull, PullBehavior};
use oci_client::Reference;
use oci_spec::image::ImageConfiguration;

use self::cache::{Cache, Stamp};
use self::flights::Flights;
use self::pull::Pull;
use self::registry::Source;
use self::store::{Origin, ReferenceRecord, Store, distinct_layers};
use self::unused::Uses;

pub use self::error::ImageError;
pub use self::progress::{LayerProgress, LayerState, PullProgress};
pub use self::registry::Registries;
pub use self::store::Freed;

/// An image, unpacked.
#[derive(Clone, Debug)]
pub struct Image {
    /// Digest of its configuration, `sha256:…`.
    pub id: String,
    /// Digest that its name has in the registry: of the manifest, or of the index that leads to it.
    pub manifest_digest: Option<String>,
    /// Its configuration.
    pub config: ImageConfiguration,
    /// Unpacked layers, lowest first, none twice.
    pub layers: Vec<PathBuf>,
}

/// An image as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its names as people write them: `busybox:latest`.
    pub references: Vec<String>,
    /// Digest of its configuration, `sha256:…`.
    pub id: String,
    /// Of its unpacked files, in bytes. Layers shared with other images are counted for each.
    pub size_bytes: u64,
    /// When it was built, as its configuration says (RFC 3339).
    pub created: Option<String>,
}

/// A user of a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryCredentials {
    /// The name.
    pub username: String,
    /// The password, or a token that stands for it.
    pub password: String,
}

impl fmt::Debug for RegistryCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RegistryCredentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The images of a host. Several processes can have the same ones open.
#[derive(Debug)]
pub struct Images {
    store: Store,
    registries: Registries,
    cache: Cache,
    pulls: Flights<()>,
    layer_pulls: Flights<()>,
    uses: Uses,
}

impl Images {
    /// Opens the store in a directory, which is made if missing. Blocks.
    ///
    /// # Errors
    /// If its files cannot be read or written.
    pub fn open(directory: &Path) -> Result<Self, ImageError> {
        Self::open_with(directory, Registries::default())
    }

    /// The same, with settings for registries. Blocks.
    ///
    /// # Errors
    /// As [`Images::open`].
    pub fn open_with(directory: &Path, registries: Registries) -> Result<Self, ImageError> {
        Ok(Self {
            store: Store::open(directory)?,
            registries,
            cache: Cache::default(),
            pulls: Flights::default(),
            layer_pulls: Flights::default(),
            uses: Uses::default(),
        })
    }

    /// Loads the images of an archive: of `docker save` or an OCI layout (folder or tar), also compressed.
    /// A name replaces those that the archive gives. Blocks.
    ///
    /// # Errors
    /// If the archive is damaged or unknown, or it is unclear how to name an image. Of a damaged image
    /// nothing is left.
    pub fn load_archive(&self, file: &Path, name: Option<&str>) -> Result<Vec<ImageSummary>, ImageError> {
        let loaded = load::load(&self.store, file, name)?;
        loaded
            .into_iter()
            .map(|(id, names)| self.summary(id, names))
            .collect()
    }

    /// All images, ordered by name. Blocks.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn list(&self) -> Result<Vec<ImageSummary>, ImageError> {
        let mut images: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for record in self.store.all_references()? {
            images.entry(record.image_id).or_default().push(record.reference);
        }
        let mut summaries = Vec::new();
        for (id, mut names) in images {
            names.sort();
            match self.summary(id, names) {
                // Removed while we looked.
                Err(ImageError::NotFound(_)) => {}
                result => summaries.push(result?),
            }
        }
        summaries.sort_by(|one, other| one.references.cmp(&other.references));
        Ok(summaries)
    }

    /// Removes a name. With its last name goes the image, and with the last image each layer, except those
    /// that containers run on: they stay until something is removed after these containers ended. Blocks.
    ///
    /// # Errors
    /// [`ImageError::NotFound`], or [`ImageError::Busy`] while images are pulled or loaded.
    pub fn remove(&self, reference: &str) -> Result<Freed, ImageError> {
        let name = reference::normalized(&reference::parse(reference)?);
        self.store.remove(&name)
    }

    /// Makes an image present: from the store if it is there, else from its registry, by tag or digest.
    /// Several callers at once share one pull.
    ///
    /// # Errors
    /// [`ImageError`], whose text ECS shows after `CannotPullContainerError: `.
    pub async fn pull(
        &self,
        reference: &str,
        credentials: Option<RegistryCredentials>,
    ) -> Result<Image, ImageError> {
        let pull = ImagePull {
            reference: reference.to_owned(),
            behavior: PullBehavior::PreferCached,
            ..ImagePull::default()
        };
        self.make_present(&pull, credentials, &PullProgress::default())
            .await
    }

    /// Makes an image present as is asked for: see [`PullBehavior`].
    ///
    /// # Errors
    /// As [`Images::pull`].
    pub async fn pull_image(&self, pull: &ImagePull, progress: &PullProgress) -> Result<Image, ImageError> {
        let credentials = pull.credentials.as_ref().map(|it| RegistryCredentials {
            username: it.username.clone(),
            password: it.password.clone(),
        });
        self.make_present(pull, credentials, progress).await
    }

    async fn make_present(
        &self,
        pull: &ImagePull,
        credentials: Option<RegistryCredentials>,
        progress: &PullProgress,
    ) -> Result<Image, ImageError> {
        let reference = pull.reference.as_str();
        let wanted = reference::parse(reference)?;
        let name = reference::normalized(&wanted);
        let find = || match self.cache.get(reference) {
            Some(image) => Ok(Some(image)),
            None => self.local(reference, &wanted),
        };
        let known = self.uses.noting(&name, find)?;
        let source = Source {
            registry: pull.registry.as_deref(),
            credentials: credentials.as_ref(),
        };
        let known = match (pull.behavior, known) {
            (_, None) | (PullBehavior::Always, Some(_)) => None,
            (PullBehavior::Once | PullBehavior::PreferCached, Some(image)) => return Ok(image),
            (PullBehavior::Default, Some(image)) => {
                if self.is_settled(&wanted)? || self.is_current(&wanted, &image, source).await {
                    return Ok(image);
                }
                Some(image)
            }
        };
        // The credentials of one task must neither help nor harm another one.
        let key = match &credentials {
            None => name.clone(),
            Some(it) => format!("{name} {} {}", it.username, digest::of(it.password.as_bytes())),
        };
        let with = Pull {
            store: &self.store,
            registries: &self.registries,
            layers: &self.layer_pulls,
            progress,
        };
        let pulled = self.pulls.run(&key, pull::pull(with, &wanted, source)).await;
        match (pulled, known) {
            (Ok(()), _) => {}
            (Err(error), Some(image)) => {
                tracing::warn!(image = name, %error, "the image cannot be pulled: the one that is here is used");
                return Ok(image);
            }
            (Err(error), None) => return Err(error),
        }
        let found = self.uses.noting(&name, || self.local(reference, &wanted))?;
        found.ok_or(ImageError::NotFound(name))
    }

    /// Whether no registry is asked about an image that is here: its name says all, or somebody loaded it by hand.
    fn is_settled(&self, wanted: &Reference) -> Result<bool, ImageError> {
        let record = self.store.reference(&reference::normalized(wanted))?;
        Ok(wanted.digest().is_some() || record.is_none_or(|it| it.origin == Origin::Loaded))
    }

    /// Whether the name of an image that is here still leads to it.
    async fn is_current(&self, wanted: &Reference, image: &Image, source: Source<'_>) -> bool {
        match self.registries.digest(wanted, source).await {
            Ok(digest) => image.manifest_digest.as_ref() == Some(&digest),
            Err(cause) => {
                tracing::warn!(
                    image = wanted.whole(),
                    cause,
                    "the registry does not say what the image is now"
                );
                // A pull would meet the same.
                true
            }
        }
    }

    /// An image by its id. Blocks for microseconds.
    ///
    /// # Errors
    /// [`ImageError::NotFound`], or if the store cannot be read.
    pub fn get(&self, image_id: &str) -> Result<Image, ImageError> {
        if let Some(image) = self.cache.get(image_id) {
            return Ok(image);
        }
        let path = self.store.config_path(image_id)?;
        let stamp = Stamp::of(&path);
        let image = self.store.image(image_id)?;
        if let Some(stamp) = stamp {
            self.cache.insert(image_id, path, stamp, image.clone());
        }
        Ok(image)
    }

    /// What the store has under a name.
    fn local(&self, asked: &str, wanted: &Reference) -> Result<Option<Image>, ImageError> {
        let Some((path, stamp, record)) = self.find(wanted)? else {
            return Ok(None);
        };
        let mut image = match self.get(&record.image_id) {
            // A part of it is missing, which a pull brings back.
            Err(ImageError::NotFound(_)) => return Ok(None),
            result => result?,
        };
        image.manifest_digest = match (wanted.digest(), record.origin) {
            (Some(digest), _) => Some(digest.to_owned()),
            (None, Origin::Pulled) => record.manifest_digest,
            // What was loaded by hand has no registry: a service that kept its digest could not have it again.
            (None, Origin::Loaded) => None,
        };
        self.cache.insert(asked, path, stamp, image.clone());
        Ok(Some(image))
    }

    fn find(&self, wanted: &Reference) -> Result<Option<(PathBuf, Stamp, ReferenceRecord)>, ImageError> {
        let name = reference::normalized(wanted);
        let at = |name: &str| {
            let path = self.store.reference_path(name);
            // Taken before reading: what is written in between makes it outdated.
            let Some(stamp) = Stamp::of(&path) else {
                return Ok(None);
            };
            Ok(self.store.reference(name)?.map(|record| (path, stamp, record)))
        };
        if let Some(found) = at(&name)? {
            return Ok(Some(found));
        }
        let Some(digest) = wanted.digest() else {
            return Ok(None);
        };
        // The same image may be known by a tag.
        let tags = format!("{}:", reference::repository(wanted));
        let records = self.store.all_references()?;
        let has_digest = |it: &&ReferenceRecord| {
            it.reference.starts_with(&tags) && it.manifest_digest.as_deref() == Some(digest)
        };
        records
            .iter()
            .find(has_digest)
            .map_or(Ok(None), |it| at(&it.reference))
    }

    fn summary(&self, id: String, references: Vec<String>) -> Result<ImageSummary, ImageError> {
        let image = self.get(&id)?;
        let mut size_bytes: u64 = 0;
        for diff_id in distinct_layers(&image.config) {
            size_bytes += self.store.layer_size(diff_id)?;
        }
        Ok(ImageSummary {
            references: references.iter().map(|it| reference::familiar(it)).collect(),
            id,
            size_bytes,
            created: image.config.created().clone(),
        })
    }
}
