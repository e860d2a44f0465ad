//! What a frame holds: a head that can be read by itself, and events as compressed JSON.

use std::io::{self, Read, Write};

use bytes::{Buf, BufMut};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::NewEvent;

/// Version of what follows.
const VERSION: u8 = 1;
/// No frame holds more once it is unpacked: a damaged or foreign one must not fill the memory.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What precedes the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Position of the source through which everything is told.
    pub cursor: u64,
    /// Sequence number of the first event, or of the next one if the frame has none.
    pub first: u64,
    /// How many events.
    pub count: u32,
    /// When the first event happened, in milliseconds.
    pub first_ms: i64,
    /// When the last event happened, in milliseconds.
    pub last_ms: i64,
}

/// A frame's payload.
pub fn encode(cursor: u64, first: u64, events: &[NewEvent]) -> io::Result<Vec<u8>> {
    let mut payload = Vec::new();
    payload.put_u8(VERSION);
    payload.put_u64_le(cursor);
    payload.put_u64_le(first);
    payload.put_u32_le(u32::try_from(events.len()).map_err(|_| io::ErrorKind::InvalidInput)?);
    payload.put_i64_le(events.first().map_or(0, |it| it.at_ms));
    payload.put_i64_le(events.last().map_or(0, |it| it.at_ms));
    let mut packed = DeflateEncoder::new(payload, Compression::fast());
    packed.write_all(&serde_json::to_vec(events)?)?;
    packed.finish()
}

/// The head, and what follows it; `None` if it is of another version.
pub fn head(mut payload: &[u8]) -> Option<(Head, &[u8])> {
    if payload.try_get_u8().ok()? != VERSION {
        return None;
    }
    let head = Head {
        cursor: payload.try_get_u64_le().ok()?,
        first: payload.try_get_u64_le().ok()?,
        count: payload.try_get_u32_le().ok()?,
        first_ms: payload.try_get_i64_le().ok()?,
        last_ms: payload.try_get_i64_le().ok()?,
    };
    Some((head, payload))
}

/// The events after a head.
pub fn events(packed: &[u8]) -> io::Result<Vec<NewEvent>> {
    let mut text = Vec::new();
    DeflateDecoder::new(packed)
        .take(UNPACKED_BYTES_MAX)
        .read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
