//! An archive on its way between a thread that reads or writes files and a bounded queue.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// Most bytes of one piece.
const CHUNK_BYTES: usize = 64 * 1024;

/// Reads pieces from a queue; its end is the end of the file.
pub struct ChunkReader {
    pieces: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl ChunkReader {
    /// From a queue.
    pub fn new(pieces: mpsc::Receiver<Bytes>) -> Self {
        Self {
            pieces,
            current: Bytes::new(),
        }
    }
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// Writes pieces into a queue; waits while it is full.
pub struct ChunkWriter<E> {
    pieces: mpsc::Sender<Result<Bytes, E>>,
    current: Vec<u8>,
}

impl<E> ChunkWriter<E> {
    /// Into a queue.
    pub fn new(pieces: mpsc::Sender<Result<Bytes, E>>) -> Self {
        Self {
            pieces,
            current: Vec::with_capacity(CHUNK_BYTES),
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        if self.current.is_empty() {
            return Ok(());
        }
        let piece = Bytes::copy_from_slice(&self.current);
        self.current.clear();
        let sent = self.pieces.blocking_send(Ok(piece));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl<E> Write for ChunkWriter<E> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.current.len() == CHUNK_BYTES {
            self.pass_on()?;
        }
        let count = data.len().min(CHUNK_BYTES - self.current.len());
        self.current.extend_from_slice(&data[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on()
    }
}
