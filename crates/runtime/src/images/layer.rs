//! Unpacking a layer: one thread reads, decompresses and hashes, another one writes the files.
//!
//! ```text
//!  blob ─► hash (blob digest) ─► gunzip/unzstd ─► hash (diff id) ══chunks══► untar ─► files
//!          └────────────────── thread of its own ──────────────┘
//! ```

use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::compression::decompressed;
use super::digest::Hashing;
use super::untar;

/// Handed from thread to thread at once, in bytes.
const CHUNK_BYTES: usize = 1024 * 1024;
/// Chunks that wait for the slower thread.
const QUEUED_CHUNKS: usize = 4;

/// What was found out about a layer while unpacking it.
#[derive(Debug)]
pub struct Unpacked {
    /// Digest as stored and transferred.
    pub blob_digest: String,
    /// Digest of the uncompressed archive.
    pub diff_id: String,
    /// Of all its files, in bytes.
    pub size_bytes: u64,
}

/// Unpacks a layer below a directory that exists and is empty. Blocks.
///
/// # Errors
/// If it cannot be read or written, or would write elsewhere. What was written remains.
pub fn unpack(source: impl Read + Send, directory: &Path) -> io::Result<Unpacked> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(QUEUED_CHUNKS);
        let reading = thread::Builder::new()
            .name("image-layer".to_owned())
            .spawn_scoped(scope, move || decode(source, &sender))?;
        let mut chunks = Chunks {
            receiver,
            current: Vec::new(),
            position: 0,
        };
        let written = untar::untar(&mut chunks, directory);
        // The archive may be followed by padding, which belongs to the diff id.
        let written = written.and_then(|size| io::copy(&mut chunks, &mut io::sink()).map(|_| size));
        drop(chunks);
        let read = reading
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the reading thread panicked")));
        match (read, written) {
            (Ok(Some((blob_digest, diff_id))), Ok(size_bytes)) => Ok(Unpacked {
                blob_digest,
                diff_id,
                size_bytes,
            }),
            (Err(error), _) | (_, Err(error)) => Err(error),
            (Ok(None), Ok(_)) => Err(io::Error::other("the reading thread ended early")),
        }
    })
}

/// Answers the digests, or `None` if the other thread gave up.
fn decode(source: impl Read + Send, sender: &SyncSender<Vec<u8>>) -> io::Result<Option<(String, String)>> {
    let mut blob = Hashing::new(source);
    let mut archive = Hashing::new(decompressed(&mut blob)?);
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        archive
            .by_ref()
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            break;
        }
        if sender.send(chunk).is_err() {
            return Ok(None);
        }
    }
    let diff_id = archive.finish()?;
    Ok(Some((blob.finish()?, diff_id)))
}

/// The receiving end of the chunks. That the sender failed looks like an end, and is told by its thread.
struct Chunks {
    receiver: Receiver<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.current.len() {
            let Ok(next) = self.receiver.recv() else {
                return Ok(0);
            };
            (self.current, self.position) = (next, 0);
        }
        let count = buffer.len().min(self.current.len() - self.position);
        buffer[..count].copy_from_slice(&self.current[self.position..self.position + count]);
        self.position += count;
        Ok(count)
    }
}
