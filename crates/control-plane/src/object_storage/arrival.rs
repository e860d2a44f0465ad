//! Content that arrives: written to a file of its own piece by piece, never whole in memory, and hashed on the way.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;
use wire::s3::{ChunkedError, Decoder};

use super::checksums::{Algorithm, Digests, Finished};
use super::{FOLDER_MODE, ObjectStorage, UPLOADS};

/// Most that arrive at once; each takes a piece of memory.
pub const TRANSFERS_MAX: usize = 64;
/// How long one waits for others to end.
const TRANSFER_PATIENCE: Duration = Duration::from_secs(20);
/// Written at once, in bytes.
const PIECE_BYTES: usize = 256 * 1024;
/// Longest silence of a client that is sending.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const FILE_MODE: u32 = 0o600;

/// Why content did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Too many are arriving.
    #[error("too many objects are being uploaded")]
    Busy,
    /// Longer than this.
    #[error("an object has at most {0} bytes")]
    TooLarge(u64),
    /// The client broke off, or was silent for too long.
    #[error("the content did not arrive: {0}")]
    Broken(String),
    /// Its chunks are none.
    #[error(transparent)]
    Chunked(#[from] ChunkedError),
    /// Of the disk.
    #[error("the disk failed: {0}")]
    Storage(#[from] io::Error),
}

/// A file that has arrived; it goes, unless it becomes an object.
pub struct Arrival {
    path: PathBuf,
    file: File,
}

/// What has arrived.
pub struct Received {
    /// The file.
    pub arrival: Arrival,
    /// In bytes.
    pub size: u64,
    /// Its checksums.
    pub digests: Finished,
    /// Headers behind the content, with names in small letters.
    pub trailers: Vec<(String, String)>,
}

impl Arrival {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    fn begin(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder)?;
        let path = folder.join(uuid::Uuid::new_v4().to_string());
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).mode(FILE_MODE);
        let file = file.open(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), %error, "an upload is left behind until the next start");
            }
            _ => {}
        }
    }
}

struct Writing {
    arrival: Arrival,
    digests: Digests,
    size: u64,
}

impl Writing {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.arrival.file.write_all(piece)?;
        self.digests.update(piece);
        self.size += piece.len() as u64;
        Ok(())
    }
}

impl ObjectStorage {
    /// Receives content, at most so long: as it is, or through a decoder. Does not block.
    ///
    /// # Errors
    /// [`ReceiveError`]; nothing stays then.
    pub async fn receive<E: std::fmt::Display>(
        &self,
        content: impl Stream<Item = Result<Bytes, E>>,
        mut decoder: Option<Decoder>,
        checksum: Option<Algorithm>,
        bytes_max: u64,
    ) -> Result<Received, ReceiveError> {
        let permit = timeout(TRANSFER_PATIENCE, self.transfers.acquire()).await;
        let _transfer = permit.ok().and_then(Result::ok).ok_or(ReceiveError::Busy)?;
        let folder = self.directory.join(UPLOADS);
        let begun = tokio::task::spawn_blocking(move || Arrival::begin(&folder)).await;
        let mut writing = Writing {
            arrival: begun.map_err(io::Error::other)??,
            digests: Digests::new(checksum),
            size: 0,
        };
        let mut content = std::pin::pin!(content);
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        loop {
            let is_end = match timeout(SILENCE_MAX, content.next()).await {
                Ok(Some(Ok(bytes))) => {
                    match &mut decoder {
                        Some(decoder) => decoder.push(&bytes, &mut piece)?,
                        None => piece.extend_from_slice(&bytes),
                    }
                    false
                }
                Ok(None) => true,
                Ok(Some(Err(error))) => return Err(ReceiveError::Broken(error.to_string())),
                Err(_) => {
                    return Err(ReceiveError::Broken(
                        "the client was silent for too long".to_owned(),
                    ));
                }
            };
            if writing.size + piece.len() as u64 > bytes_max {
                return Err(ReceiveError::TooLarge(bytes_max));
            }
            if piece.len() >= PIECE_BYTES || (is_end && !piece.is_empty()) {
                (writing, piece) = write(writing, piece).await?;
            }
            if is_end {
                break;
            }
        }
        Ok(Received {
            arrival: writing.arrival,
            size: writing.size,
            digests: writing.digests.finish(),
            trailers: decoder.map_or(Ok(Vec::new()), Decoder::finish)?,
        })
    }
}

/// Writes a piece, and gives its memory back.
async fn write(mut writing: Writing, mut piece: Vec<u8>) -> io::Result<(Writing, Vec<u8>)> {
    let written = tokio::task::spawn_blocking(move || {
        writing.write(&piece)?;
        piece.clear();
        Ok((writing, piece))
    });
    written.await.map_err(io::Error::other)?
}
