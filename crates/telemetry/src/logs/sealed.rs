//! Segments that are full: their index lies beside them, only a summary stays in memory.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::{Buf, BufMut};

use crate::logs::block::{BlockEntry, ENTRY_BYTES};
use crate::logs::frame;
use crate::logs::position::Position;
use crate::logs::segment::{Active, Span, index_path, segment_path};
use crate::logs::stream_set::StreamSet;
use crate::logs::tally::{Tallies, Tally};

/// First bytes of an index file.
const MAGIC: &[u8; 8] = b"GLOGIDX1";

/// A sealed segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Number of its first batch.
    pub(crate) base: u64,
    /// How many batches.
    pub(crate) count: u32,
    /// Bytes of both files.
    pub(crate) disk_bytes: u64,
    /// Times.
    pub(crate) span: Span,
    /// Streams with blocks in it, ascending.
    pub(crate) streams: Box<[u32]>,
    header_bytes: u32,
}

impl Sealed {
    /// Writes the index of a segment that gets no more blocks; `None` if it has none.
    pub(crate) fn seal(dir: &Path, active: &Active) -> io::Result<Option<Sealed>> {
        let Some(span) = active.span else { return Ok(None) };
        let header = frame::encode(&encode_header(active, &span));
        let mut entries = Vec::with_capacity(active.blocks.len() * ENTRY_BYTES);
        active.blocks.iter().for_each(|it| it.write(&mut entries));
        let mut bytes = MAGIC.to_vec();
        bytes.put_u32_le(header.len() as u32);
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&frame::encode(&entries));
        fs::write(index_path(dir, active.base), &bytes)?;
        Ok(Some(Sealed {
            base: active.base,
            count: active.blocks.len() as u32,
            disk_bytes: active.len + bytes.len() as u64,
            span,
            streams: active.tallies.keys().copied().collect(),
            header_bytes: header.len() as u32,
        }))
    }

    /// Reads the summary of a sealed segment and what it holds per stream.
    /// `None` if there is no index, or one that does not fit the segment: then it must be read block by block.
    pub(crate) fn load(dir: &Path, base: u64) -> io::Result<Option<(Sealed, Tallies)>> {
        let file = match File::open(index_path(dir, base)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let index_len = file.metadata()?.len();
        let segment_len = fs::metadata(segment_path(dir, base))?.len();
        let Some(header) = read_header(&file, index_len)? else {
            return Ok(None);
        };
        let Some((count, valid_len, span, tallies)) = decode_header(&header) else {
            return Ok(None);
        };
        let header_bytes = (header.len() + frame::HEADER_BYTES) as u32;
        let entries_at = entries_offset(header_bytes);
        let expected = entries_at + (frame::HEADER_BYTES + count as usize * ENTRY_BYTES) as u64;
        if valid_len > segment_len || index_len != expected {
            return Ok(None);
        }
        let streams = tallies.iter().map(|(stream, _)| *stream).collect();
        let disk_bytes = valid_len + index_len;
        Ok(Some((
            Sealed {
                base,
                count,
                disk_bytes,
                span,
                streams,
                header_bytes,
            },
            tallies,
        )))
    }

    /// The entries of blocks of these streams in this range. Empty if the segment has been dropped meanwhile.
    pub(crate) fn entries(
        &self,
        dir: &Path,
        streams: &StreamSet,
        range: &Range<Position>,
    ) -> io::Result<Vec<BlockEntry>> {
        let path = index_path(dir, self.base);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut frame = vec![0; frame::HEADER_BYTES + self.count as usize * ENTRY_BYTES];
        file.read_exact_at(&mut frame, entries_offset(self.header_bytes))?;
        let Some(bytes) = frame::decode(&frame) else {
            let problem = format!("damaged log index {}", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        };
        let entries = bytes.chunks_exact(ENTRY_BYTES).filter_map(BlockEntry::read);
        Ok(entries
            .filter(|it| streams.contains(it.stream) && it.overlaps(range))
            .collect())
    }

    /// Bytes that [`Sealed::entries`] reads.
    pub(crate) fn entries_bytes(&self) -> usize {
        self.count as usize * ENTRY_BYTES
    }
}

fn entries_offset(header_bytes: u32) -> u64 {
    (MAGIC.len() + size_of::<u32>()) as u64 + u64::from(header_bytes)
}

fn encode_header(active: &Active, span: &Span) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_u32_le(active.blocks.len() as u32);
    out.put_u64_le(active.len);
    out.put_i64_le(span.min_ms);
    out.put_i64_le(span.max_ms);
    out.put_i64_le(span.first_ingestion_ms);
    out.put_i64_le(span.last_ingestion_ms);
    out.put_u32_le(active.tallies.len() as u32);
    for (stream, tally) in &active.tallies {
        out.put_u32_le(*stream);
        tally.write(&mut out);
    }
    out
}

fn read_header(file: &File, index_len: u64) -> io::Result<Option<Vec<u8>>> {
    let mut start = [0; MAGIC.len() + size_of::<u32>()];
    if index_len < start.len() as u64 {
        return Ok(None);
    }
    file.read_exact_at(&mut start, 0)?;
    let Some(mut length) = start.strip_prefix(MAGIC) else {
        return Ok(None);
    };
    let length = length.get_u32_le();
    if entries_offset(length) > index_len {
        return Ok(None);
    }
    let mut frame = vec![0; length as usize];
    file.read_exact_at(&mut frame, start.len() as u64)?;
    Ok(frame::decode(&frame).map(<[u8]>::to_vec))
}

type Header = (u32, u64, Span, Tallies);

fn decode_header(mut bytes: &[u8]) -> Option<Header> {
    let count = bytes.try_get_u32_le().ok()?;
    let valid_len = bytes.try_get_u64_le().ok()?;
    let span = Span {
        min_ms: bytes.try_get_i64_le().ok()?,
        max_ms: bytes.try_get_i64_le().ok()?,
        first_ingestion_ms: bytes.try_get_i64_le().ok()?,
        last_ingestion_ms: bytes.try_get_i64_le().ok()?,
    };
    let streams = bytes.try_get_u32_le().ok()?;
    let mut tallies = Vec::new();
    for _ in 0..streams {
        tallies.push((bytes.try_get_u32_le().ok()?, Tally::read(&mut bytes)?));
    }
    Some((count, valid_len, span, tallies))
}
