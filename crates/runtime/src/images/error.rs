//! Why an image cannot be had.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an image cannot be had. The texts are those that ECS shows after `CannotPullContainerError: `.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No image can have this name.
    #[error("invalid reference format: {0:?}")]
    Reference(String),
    /// The store has no such image.
    #[error("No such image: {0}")]
    NotFound(String),
    /// The registry does not give the manifest.
    #[error(
        "pull image manifest has been retried {attempts} time(s): failed to resolve ref {reference}: {cause}"
    )]
    Resolve {
        /// As normalized.
        reference: String,
        /// How often it was tried.
        attempts: u32,
        /// Why the last try failed.
        cause: String,
    },
    /// The registry does not give a layer or the configuration.
    #[error(
        "pull image has been retried {attempts} time(s): failed to copy {digest} of {reference}: {cause}"
    )]
    Fetch {
        /// As normalized.
        reference: String,
        /// Of the blob.
        digest: String,
        /// How often it was tried.
        attempts: u32,
        /// Why the last try failed.
        cause: String,
    },
    /// The image exists for other platforms only.
    #[error("image Manifest does not contain descriptor matching platform '{0}'")]
    Platform(String),
    /// A document of the image or the archive is not what it should be.
    #[error("invalid {document}: {reason}")]
    Invalid {
        /// Which.
        document: String,
        /// What is wrong.
        reason: String,
    },
    /// Content is not what its digest says.
    #[error("{subject} is corrupt: its digest is {actual}, expected {expected}")]
    Digest {
        /// What was read.
        subject: String,
        /// As computed.
        actual: String,
        /// As referred to.
        expected: String,
    },
    /// A layer cannot be unpacked.
    #[error("failed to extract layer {layer}: {source}")]
    Layer {
        /// Its diff id.
        layer: String,
        /// Why.
        source: io::Error,
    },
    /// An archive is loaded that names no reference.
    #[error("the archive gives image {0} no name: choose one")]
    Unnamed(String),
    /// One name is given for several images.
    #[error("the archive holds {0} images: one name does not fit them")]
    Ambiguous(usize),
    /// Another process keeps the store locked.
    #[error("the image store is busy: {0}")]
    Busy(&'static str),
    /// A file of the store or of the archive cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The work was given up, since the process is ending.
    #[error("the image was not pulled: {0}")]
    Interrupted(String),
    /// The failure of a pull for which several tasks waited.
    #[error(transparent)]
    Shared(#[from] Arc<ImageError>),
}

impl ImageError {
    /// Whether there was no room on the disk.
    pub(super) fn is_disk_full(&self) -> bool {
        match self {
            Self::Layer { source, .. } | Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
            Self::Shared(error) => error.is_disk_full(),
            _ => false,
        }
    }

    /// Fits `map_err` of what was done with a path.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn invalid(document: &str, reason: impl ToString) -> Self {
        Self::Invalid {
            document: document.to_owned(),
            reason: reason.to_string(),
        }
    }
}
