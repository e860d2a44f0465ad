//! Records on disk: length, checksum, payload. A torn or damaged record ends the file for its reader.

use std::io::{self, Read};

use bytes::Buf;

/// Bytes before each payload: its length and its CRC-32, both little endian.
pub(crate) const HEADER_BYTES: usize = 8;
/// No payload is longer: a batch is at most 1 MiB of messages and 10,000 small event headers.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A payload as it lies on disk.
pub(crate) fn encode(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + payload.len());
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    out.extend_from_slice(payload);
    out
}

/// The payload of the frame that fills `bytes` exactly; `None` if it is damaged.
pub(crate) fn decode(bytes: &[u8]) -> Option<&[u8]> {
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES)?;
    let (length, checksum) = header_fields(header);
    (length == payload.len() && checksum == crc32fast::hash(payload)).then_some(payload)
}

fn header_fields(mut header: &[u8]) -> (usize, u32) {
    (header.get_u32_le() as usize, header.get_u32_le())
}

/// Reads frames one after the other and stops at the first that is not whole.
pub(crate) struct FrameReader<R> {
    reader: R,
    offset: u64,
}

impl<R: Read> FrameReader<R> {
    /// Starts at `offset`, where `reader` must stand.
    pub(crate) fn new(reader: R, offset: u64) -> FrameReader<R> {
        FrameReader { reader, offset }
    }

    /// Where the last whole frame ended.
    pub(crate) fn valid_len(&self) -> u64 {
        self.offset
    }

    /// The next payload and the offset of its frame; `None` at the end or at a torn frame.
    pub(crate) fn next_frame(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let mut header = [0; HEADER_BYTES];
        if !fill(&mut self.reader, &mut header)? {
            return Ok(None);
        }
        let (length, checksum) = header_fields(&header);
        if length == 0 || length > PAYLOAD_BYTES_MAX {
            return Ok(None);
        }
        // Grown as bytes arrive: a damaged length must not reserve what the file does not hold.
        let mut payload = Vec::new();
        self.reader
            .by_ref()
            .take(length as u64)
            .read_to_end(&mut payload)?;
        if payload.len() != length || crc32fast::hash(&payload) != checksum {
            return Ok(None);
        }
        let at = self.offset;
        self.offset += (HEADER_BYTES + length) as u64;
        Ok(Some((at, payload)))
    }
}

/// Fills the buffer; `false` if the file ends before.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
