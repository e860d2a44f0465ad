//! The store on disk. Several processes work on it at once, with no daemon between them.
//!
//! ```text
//!  images/
//!    lock                  shared by those that add, exclusive to those that remove
//!    references/<hash>     one name: image id and manifest digest (JSON)
//!    configs/<hex>         configuration of an image, byte for byte: its hash is the image id
//!    layers/<short id>/    layer.json and files/, one for each diff id, used by all images
//!    unfinished/           renamed to where it belongs when it is whole and on the disk
//! ```
//!
//! Written in the order layers, configuration, reference; removed the other way round. So whatever a
//! reference leads to is there, and what a crash leaves behind is garbage that nobody sees.

mod collection;
mod in_use;
mod lock;

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use oci_spec::image::ImageConfiguration;
use serde::{Deserialize, Serialize};

use self::lock::Lock;
use super::{Image, ImageError, digest};

pub use self::collection::Freed;

/// Version of the records written here.
const RECORD_VERSION: u32 = 1;
/// Hexadecimal digits of a diff id that name its directory. Short, since mounts list all of them.
const SHORT_ID: usize = 32;
const LAYER_RECORD: &str = "layer.json";
const LAYER_FILES: &str = "files";
/// Of what only the store uses.
const PRIVATE: u32 = 0o700;
/// Of a layer's top directory, which becomes that of containers.
const TOP_MODE: u32 = 0o755;

/// What a name leads to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReferenceRecord {
    version: u32,
    /// Normalized.
    pub reference: String,
    /// Digest of the configuration.
    pub image_id: String,
    /// Digest that the name had in its registry.
    pub manifest_digest: Option<String>,
    /// How the image came here.
    #[serde(default)]
    pub origin: Origin,
}

/// How an image came under its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// From a file, by somebody's hand: no registry knows better, and it is not removed for want of use.
    #[default]
    Loaded,
    /// From a registry.
    Pulled,
}

impl ReferenceRecord {
    /// A record of this version.
    pub fn new(reference: String, image_id: String, manifest_digest: Option<String>, origin: Origin) -> Self {
        Self {
            version: RECORD_VERSION,
            reference,
            image_id,
            manifest_digest,
            origin,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct LayerRecord {
    version: u32,
    diff_id: String,
    size_bytes: u64,
}

/// A directory that is removed again unless it becomes a layer.
#[derive(Debug)]
pub struct UnfinishedLayer {
    path: PathBuf,
}

impl UnfinishedLayer {
    /// Where its files go.
    pub fn files(&self) -> PathBuf {
        self.path.join(LAYER_FILES)
    }
}

impl Drop for UnfinishedLayer {
    fn drop(&mut self) {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), %error, "an unfinished layer is left behind");
            }
            _ => {}
        }
    }
}

/// Permission to add to the store: nothing is removed while it lives.
#[derive(Debug)]
pub struct Adding(#[expect(dead_code, reason = "held for its lock")] Lock);

/// The store's directory.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// Opens the store, makes it if it is not there, and removes what crashes left if nobody else is at work.
    pub fn open(directory: &Path) -> Result<Self, ImageError> {
        let store = Self {
            directory: directory.to_owned(),
        };
        for path in [
            store.references(),
            store.configs(),
            store.layers(),
            store.unfinished(),
        ] {
            let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(&path);
            made.map_err(ImageError::io(&path))?;
        }
        store.sweep()?;
        Ok(store)
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits until nobody removes anything. Blocks.
    pub fn begin_adding(&self) -> Result<Adding, ImageError> {
        Ok(Adding(Lock::shared(&self.directory)?))
    }

    /// Path of the record of a name.
    pub fn reference_path(&self, reference: &str) -> PathBuf {
        let hash = digest::of(reference.as_bytes());
        self.references().join(&hash["sha256:".len()..][..SHORT_ID])
    }

    /// Path of the configuration of an image.
    pub fn config_path(&self, image_id: &str) -> Result<PathBuf, ImageError> {
        let unknown = |_| ImageError::NotFound(image_id.to_owned());
        Ok(self.configs().join(digest::hex_part(image_id).map_err(unknown)?))
    }

    /// What a name leads to.
    pub fn reference(&self, reference: &str) -> Result<Option<ReferenceRecord>, ImageError> {
        read_reference(&self.reference_path(reference))
    }

    /// All names.
    pub fn all_references(&self) -> Result<Vec<ReferenceRecord>, ImageError> {
        let mut records = Vec::new();
        for path in entries(&self.references())? {
            // One that is removed meanwhile is no name any more.
            records.extend(read_reference(&path)?);
        }
        Ok(records)
    }

    /// An image, all its layers there.
    pub fn image(&self, image_id: &str) -> Result<Image, ImageError> {
        let path = self.config_path(image_id)?;
        let missing = || ImageError::NotFound(image_id.to_owned());
        let bytes = read(&path)?.ok_or_else(missing)?;
        digest::verify(
            &format!("configuration {image_id}"),
            &digest::of(&bytes),
            image_id,
        )?;
        let config = parse_config(&bytes)?;
        let mut layers = Vec::new();
        for diff_id in distinct_layers(&config) {
            self.layer_record(diff_id)?.ok_or_else(missing)?;
            layers.push(self.layer_path(diff_id)?.join(LAYER_FILES));
        }
        Ok(Image {
            id: image_id.to_owned(),
            manifest_digest: None,
            config,
            layers,
        })
    }

    /// Whether a layer is there.
    pub fn has_layer(&self, diff_id: &str) -> Result<bool, ImageError> {
        Ok(self.layer_record(diff_id)?.is_some())
    }

    /// Size of a layer's files, in bytes; 0 if it is not there.
    pub fn layer_size(&self, diff_id: &str) -> Result<u64, ImageError> {
        Ok(self.layer_record(diff_id)?.map_or(0, |it| it.size_bytes))
    }

    /// A new directory for a layer.
    pub fn begin_layer(&self, _adding: &Adding) -> Result<UnfinishedLayer, ImageError> {
        let layer = UnfinishedLayer {
            path: self.unfinished_path(),
        };
        let files = layer.files();
        DirBuilder::new()
            .mode(PRIVATE)
            .create(&layer.path)
            .map_err(ImageError::io(&layer.path))?;
        fs::create_dir(&files).map_err(ImageError::io(&files))?;
        fs::set_permissions(&files, Permissions::from_mode(TOP_MODE)).map_err(ImageError::io(&files))?;
        Ok(layer)
    }

    /// Makes an unpacked layer one of the store's. If another process was faster, its layer stays.
    pub fn finish_layer(
        &self,
        layer: &UnfinishedLayer,
        diff_id: &str,
        size_bytes: u64,
    ) -> Result<(), ImageError> {
        let record = LayerRecord {
            version: RECORD_VERSION,
            diff_id: diff_id.to_owned(),
            size_bytes,
        };
        let path = layer.path.join(LAYER_RECORD);
        let bytes = serde_json::to_vec(&record)
            .map_err(io::Error::other)
            .map_err(ImageError::io(&path))?;
        fs::write(&path, bytes).map_err(ImageError::io(&path))?;
        super::untar::sync(&layer.path).map_err(ImageError::io(&layer.path))?;
        let place = self.layer_path(diff_id)?;
        match fs::rename(&layer.path, &place) {
            Err(error) if is_occupied(&error) => Ok(()),
            Err(error) => Err(ImageError::io(&place)(error)),
            Ok(()) => sync_directory(&self.layers()),
        }
    }

    /// Adds an image whose layers are there, and its names.
    pub fn add_image(
        &self,
        _adding: &Adding,
        config: &[u8],
        references: &[ReferenceRecord],
    ) -> Result<(), ImageError> {
        let path = self.config_path(&digest::of(config))?;
        if !path.exists() {
            self.write(&path, config)?;
        }
        for record in references {
            let path = self.reference_path(&record.reference);
            let bytes = serde_json::to_vec(record)
                .map_err(io::Error::other)
                .map_err(ImageError::io(&path))?;
            self.write(&path, &bytes)?;
        }
        Ok(())
    }

    /// An open file without a name, gone when it is closed.
    pub fn unnamed_file(&self) -> Result<File, ImageError> {
        use rustix::fs::{Mode, OFlags};
        let path = self.unfinished();
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR);
        Ok(opened
            .map_err(io::Error::from)
            .map_err(ImageError::io(&path))?
            .into())
    }

    /// Writes a file so that it is there whole or not at all.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ImageError> {
        let unfinished = self.unfinished_path();
        let written = (|| {
            let mut file = File::create_new(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, path)
        })();
        written.map_err(ImageError::io(path))?;
        sync_directory(path.parent().unwrap_or(&self.directory))
    }

    fn layer_record(&self, diff_id: &str) -> Result<Option<LayerRecord>, ImageError> {
        let path = self.layer_path(diff_id)?.join(LAYER_RECORD);
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let record: LayerRecord = parse_record(&path, &bytes)?;
        digest::verify(&path.display().to_string(), &record.diff_id, diff_id)?;
        Ok(Some(record))
    }

    fn layer_path(&self, diff_id: &str) -> Result<PathBuf, ImageError> {
        Ok(self.layers().join(short_id(diff_id)?))
    }

    fn unfinished_path(&self) -> PathBuf {
        self.unfinished().join(format!("{:016x}", rand::random::<u64>()))
    }

    fn references(&self) -> PathBuf {
        self.directory.join("references")
    }

    fn configs(&self) -> PathBuf {
        self.directory.join("configs")
    }

    fn layers(&self) -> PathBuf {
        self.directory.join("layers")
    }

    fn unfinished(&self) -> PathBuf {
        self.directory.join("unfinished")
    }
}

/// Parses the configuration of an image.
pub fn parse_config(bytes: &[u8]) -> Result<ImageConfiguration, ImageError> {
    serde_json::from_slice(bytes).map_err(|error| ImageError::invalid("image configuration", error))
}

/// Diff ids of all layers, lowest first.
pub fn config_diff_ids(config: &ImageConfiguration) -> &[String] {
    config.rootfs().diff_ids()
}

/// The layers to mount, lowest first. Overlayfs takes none twice, and the upper of two equal ones decides.
pub fn distinct_layers(config: &ImageConfiguration) -> Vec<&str> {
    let mut seen = HashSet::new();
    let from_top = config_diff_ids(config).iter().rev();
    let mut layers: Vec<_> = from_top
        .map(String::as_str)
        .filter(|it| seen.insert(*it))
        .collect();
    layers.reverse();
    layers
}

fn short_id(diff_id: &str) -> Result<&str, ImageError> {
    Ok(&digest::hex_part(diff_id)?[..SHORT_ID])
}

fn read_reference(path: &Path) -> Result<Option<ReferenceRecord>, ImageError> {
    read(path)?.map(|bytes| parse_record(path, &bytes)).transpose()
}

fn parse_record<T: for<'a> Deserialize<'a>>(path: &Path, bytes: &[u8]) -> Result<T, ImageError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let name = path.display().to_string();
    let invalid = |error: serde_json::Error| ImageError::invalid(&name, error);
    let Versioned { version } = serde_json::from_slice(bytes).map_err(invalid)?;
    if version > RECORD_VERSION {
        let reason = format!("version {version} is of a newer release than this one");
        return Err(ImageError::invalid(&name, reason));
    }
    serde_json::from_slice(bytes).map_err(invalid)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, ImageError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ImageError::io(path)(error)),
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let listed = fs::read_dir(directory).and_then(|it| it.map(|entry| Ok(entry?.path())).collect());
    listed.map_err(ImageError::io(directory))
}

fn sync_directory(path: &Path) -> Result<(), ImageError> {
    File::open(path)
        .and_then(|it| it.sync_all())
        .map_err(ImageError::io(path))
}

fn is_occupied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty
    )
}
