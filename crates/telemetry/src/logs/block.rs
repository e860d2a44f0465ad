//! One accepted batch of a stream as it lies in a segment, and its entry in the segment's index.

use std::ops::Range;

use bytes::{Buf, BufMut};

use crate::logs::limits::EVENT_OVERHEAD_BYTES;
use crate::logs::position::Position;
use crate::logs::put::InputEvent;

/// Bytes of an index entry on disk.
pub(crate) const ENTRY_BYTES: usize = 40;

/// Where a block lies and what it holds: enough to decide whether to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockEntry {
    /// Number of the batch in its group; they are consecutive.
    pub(crate) sequence: u64,
    /// Number of the stream in its group.
    pub(crate) stream: u32,
    /// Where the frame starts in the segment.
    pub(crate) offset: u32,
    /// Length of the frame.
    pub(crate) length: u32,
    /// How many events.
    pub(crate) count: u32,
    /// Timestamp of the first event.
    pub(crate) min_ms: i64,
    /// Timestamp of the last event.
    pub(crate) max_ms: i64,
}

impl BlockEntry {
    /// Position of the first event.
    pub(crate) fn first(&self) -> Position {
        Position::of(self.min_ms, self.sequence, 0)
    }

    /// Position of the last event.
    pub(crate) fn last(&self) -> Position {
        Position::of(self.max_ms, self.sequence, self.count.saturating_sub(1))
    }

    /// May any event lie in this range?
    pub(crate) fn overlaps(&self, range: &Range<Position>) -> bool {
        self.first() < range.end && self.last() >= range.start
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.put_u64_le(self.sequence);
        out.put_u32_le(self.stream);
        out.put_u32_le(self.offset);
        out.put_u32_le(self.length);
        out.put_u32_le(self.count);
        out.put_i64_le(self.min_ms);
        out.put_i64_le(self.max_ms);
    }

    /// Reads what [`BlockEntry::write`] wrote from exactly [`ENTRY_BYTES`].
    pub(crate) fn read(mut bytes: &[u8]) -> Option<BlockEntry> {
        Some(BlockEntry {
            sequence: bytes.try_get_u64_le().ok()?,
            stream: bytes.try_get_u32_le().ok()?,
            offset: bytes.try_get_u32_le().ok()?,
            length: bytes.try_get_u32_le().ok()?,
            count: bytes.try_get_u32_le().ok()?,
            min_ms: bytes.try_get_i64_le().ok()?,
            max_ms: bytes.try_get_i64_le().ok()?,
        })
    }
}

/// What precedes the events of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockHead {
    /// Number of the batch in its group.
    pub(crate) sequence: u64,
    /// Number of the stream in its group.
    pub(crate) stream: u32,
    /// How many events.
    pub(crate) count: u32,
    /// When the batch arrived.
    pub(crate) ingestion_ms: i64,
    /// Timestamp of the first event.
    pub(crate) min_ms: i64,
    /// Timestamp of the last event.
    pub(crate) max_ms: i64,
    /// Message bytes and 26 for each event, as CloudWatch counts.
    pub(crate) stored_bytes: u64,
}

/// An event inside a decoded block.
pub(crate) struct BlockEvent<'a> {
    /// Place in the batch.
    pub(crate) index: u32,
    /// When it happened.
    pub(crate) timestamp_ms: i64,
    /// What was logged.
    pub(crate) message: &'a str,
}

impl BlockHead {
    /// Describes a batch that is in chronological order; `None` if it is empty.
    pub(crate) fn of(
        sequence: u64,
        stream: u32,
        events: &[InputEvent],
        ingestion_ms: i64,
    ) -> Option<BlockHead> {
        Some(BlockHead {
            sequence,
            stream,
            count: events.len() as u32,
            ingestion_ms,
            min_ms: events.first()?.timestamp_ms,
            max_ms: events.last()?.timestamp_ms,
            stored_bytes: events
                .iter()
                .map(|it| (it.message.len() + EVENT_OVERHEAD_BYTES) as u64)
                .sum(),
        })
    }

    /// The payload of the block's frame.
    pub(crate) fn encode(&self, events: &[InputEvent]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.stored_bytes as usize + 64);
        out.put_u64_le(self.sequence);
        out.put_u32_le(self.stream);
        out.put_u32_le(self.count);
        out.put_i64_le(self.ingestion_ms);
        out.put_i64_le(self.min_ms);
        out.put_i64_le(self.max_ms);
        out.put_u64_le(self.stored_bytes);
        for event in events {
            // A batch spans at most 24 hours: the difference fits.
            out.put_u32_le((event.timestamp_ms - self.min_ms) as u32);
            out.put_u32_le(event.message.len() as u32);
            out.put_slice(event.message.as_bytes());
        }
        out
    }

    /// Reads the head and moves `payload` to the first event.
    pub(crate) fn decode(payload: &mut &[u8]) -> Option<BlockHead> {
        Some(BlockHead {
            sequence: payload.try_get_u64_le().ok()?,
            stream: payload.try_get_u32_le().ok()?,
            count: payload.try_get_u32_le().ok()?,
            ingestion_ms: payload.try_get_i64_le().ok()?,
            min_ms: payload.try_get_i64_le().ok()?,
            max_ms: payload.try_get_i64_le().ok()?,
            stored_bytes: payload.try_get_u64_le().ok()?,
        })
    }

    /// The events after the head; ends early if the payload is not as it was written.
    pub(crate) fn events<'a>(&self, mut payload: &'a [u8]) -> impl Iterator<Item = BlockEvent<'a>> {
        let min_ms = self.min_ms;
        (0..self.count).map_while(move |index| {
            let delta_ms = payload.try_get_u32_le().ok()?;
            let length = payload.try_get_u32_le().ok()? as usize;
            let (message, rest) = payload.split_at_checked(length)?;
            payload = rest;
            let message = str::from_utf8(message).ok()?;
            Some(BlockEvent {
                index,
                timestamp_ms: min_ms + i64::from(delta_ms),
                message,
            })
        })
    }
}
