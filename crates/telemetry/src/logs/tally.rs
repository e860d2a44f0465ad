//! What is known of the events of one stream, in one segment or in all.

use bytes::{Buf, BufMut};

use crate::logs::block::BlockHead;

/// Sums over some blocks of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Earliest timestamp.
    pub(crate) first_ms: i64,
    /// Latest timestamp.
    pub(crate) last_ms: i64,
    /// Latest arrival.
    pub(crate) ingestion_ms: i64,
    /// Number of the latest batch.
    pub(crate) sequence: u64,
    /// Message bytes and 26 for each event.
    pub(crate) stored_bytes: u64,
}

/// Stream numbers, ascending, with what is known of each.
pub(crate) type Tallies = Vec<(u32, Tally)>;

impl Tally {
    /// Of a single block.
    pub(crate) fn of(head: &BlockHead) -> Tally {
        Tally {
            first_ms: head.min_ms,
            last_ms: head.max_ms,
            ingestion_ms: head.ingestion_ms,
            sequence: head.sequence,
            stored_bytes: head.stored_bytes,
        }
    }

    /// Of both.
    pub(crate) fn merge(self, other: Tally) -> Tally {
        Tally {
            first_ms: self.first_ms.min(other.first_ms),
            last_ms: self.last_ms.max(other.last_ms),
            ingestion_ms: self.ingestion_ms.max(other.ingestion_ms),
            sequence: self.sequence.max(other.sequence),
            stored_bytes: self.stored_bytes + other.stored_bytes,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.put_i64_le(self.first_ms);
        out.put_i64_le(self.last_ms);
        out.put_i64_le(self.ingestion_ms);
        out.put_u64_le(self.sequence);
        out.put_u64_le(self.stored_bytes);
    }

    pub(crate) fn read(bytes: &mut &[u8]) -> Option<Tally> {
        Some(Tally {
            first_ms: bytes.try_get_i64_le().ok()?,
            last_ms: bytes.try_get_i64_le().ok()?,
            ingestion_ms: bytes.try_get_i64_le().ok()?,
            sequence: bytes.try_get_u64_le().ok()?,
            stored_bytes: bytes.try_get_u64_le().ok()?,
        })
    }
}
