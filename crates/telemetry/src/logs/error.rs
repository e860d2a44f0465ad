//! What a log operation may answer besides success; the texts are those of CloudWatch Logs.

use std::io;
use std::path::{Path, PathBuf};

/// Why a log operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// `ResourceNotFoundException` for a log group.
    #[error("The specified log group does not exist.")]
    GroupNotFound,
    /// `ResourceNotFoundException` for a log stream.
    #[error("The specified log stream does not exist.")]
    StreamNotFound,
    /// `ResourceAlreadyExistsException` for a log group.
    #[error("The specified log group already exists")]
    GroupAlreadyExists,
    /// `ResourceAlreadyExistsException` for a log stream.
    #[error("The specified log stream already exists")]
    StreamAlreadyExists,
    /// `InvalidParameterException`, with the text to answer.
    #[error("{0}")]
    InvalidParameter(String),
    /// `LimitExceededException`.
    #[error("Resource limit exceeded.")]
    LimitExceeded,
    /// Another process has this directory open.
    #[error("the log directory {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The disk failed: `ServiceUnavailableException`. Nothing of the refused call is kept.
    #[error("cannot {doing} {}", path.display())]
    Storage {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or directory concerned.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

impl LogsError {
    /// For `map_err`: an IO failure with what was tried on which path.
    pub(crate) fn storage(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogsError {
        let path = path.to_path_buf();
        move |source| LogsError::Storage { doing, path, source }
    }
}
