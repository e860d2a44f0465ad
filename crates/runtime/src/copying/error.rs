//! Why something is not copied, for the user.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Why something is not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is nothing under this path.
    #[error("there is no {}", .0.display())]
    NotFound(PathBuf),
    /// It cannot be done that way.
    #[error("{0}")]
    Refused(String),
    /// What cannot be written.
    #[error(
        "{} cannot be written: its file system is read-only (readonlyRootFilesystem, or a volume with readOnly)",
        .0.display()
    )]
    ReadOnly(PathBuf),
    /// The file system, or the archive.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive ends early, is none, or is not taken any more.
    #[error("the archive: {0}")]
    Archive(io::Error),
}

impl CopyError {
    /// For a file.
    pub fn of(path: &Path) -> impl Fn(Errno) -> Self {
        |errno| match errno {
            Errno::NOENT => Self::NotFound(path.to_owned()),
            Errno::ROFS => Self::ReadOnly(path.to_owned()),
            errno => Self::Io {
                path: path.to_owned(),
                source: errno.into(),
            },
        }
    }

    /// The same for errors of the standard library.
    pub fn of_io(path: &Path) -> impl Fn(io::Error) -> Self {
        |error| match Errno::from_io_error(&error) {
            Some(errno) => Self::of(path)(errno),
            None => Self::Io {
                path: path.to_owned(),
                source: error,
            },
        }
    }
}
