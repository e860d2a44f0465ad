//! A batch as it lies in the log: a line that describes it, then its commits as one line of JSON.

use domain::Timestamp;

use crate::engine::{Batch, Entry};
use crate::{CommitId, StoreError};

/// What a description begins with. No JSON of ours has a line break, so no such line can be inside of a batch.
const WORD: &str = "batch ";
/// Longest description.
pub(super) const MAX_LINE: usize = 160;

/// Describes a batch: `batch FIRST LAST AT BYTES CHECKSUM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub first: CommitId,
    pub last: CommitId,
    /// Time of the last commit.
    pub at: Timestamp,
    /// Of the commits' JSON.
    pub bytes: u64,
    /// CRC-32 of the rest of the description and of the JSON.
    checksum: u32,
}

impl Description {
    pub(super) fn of(batch: &Batch, json: &[u8]) -> Option<Self> {
        let described = Self {
            first: batch.entries.first()?.commit,
            last: batch.entries.last()?.commit,
            at: batch.at,
            bytes: json.len() as u64,
            checksum: 0,
        };
        let checksum = described.checksum_with(json);
        Some(Self {
            checksum,
            ..described
        })
    }

    /// Reads one at the beginning of `bytes`, and says how long its line is. `None`: there is none.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, u64)> {
        let bytes = bytes.get(..MAX_LINE.min(bytes.len()))?;
        let end = bytes.iter().position(|it| *it == b'\n')?;
        let line = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let mut words = line.strip_prefix(WORD)?.split(' ');
        let described = Self {
            first: CommitId(words.next()?.parse().ok()?),
            last: CommitId(words.next()?.parse().ok()?),
            at: words.next()?.parse().ok()?,
            bytes: words.next()?.parse().ok()?,
            checksum: u32::from_str_radix(words.next()?, 16).ok()?,
        };
        words.next().is_none().then_some((described, end as u64 + 1))
    }

    /// Are these the commits that it describes?
    pub(super) fn fits(&self, json: &[u8]) -> bool {
        json.len() as u64 == self.bytes && self.checksum == self.checksum_with(json)
    }

    /// The line and the commits, as they are written.
    pub(super) fn with(&self, json: &[u8]) -> Vec<u8> {
        let mut bytes = format!("{}{} {:08x}\n", WORD, self.text(), self.checksum).into_bytes();
        bytes.extend_from_slice(json);
        bytes.push(b'\n');
        bytes
    }

    fn text(&self) -> String {
        format!("{} {} {} {}", self.first.0, self.last.0, self.at, self.bytes)
    }

    fn checksum_with(&self, json: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(self.text().as_bytes());
        hasher.update(json);
        hasher.finalize()
    }
}

pub(super) fn encode(batch: &Batch) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(&batch.entries).map_err(|error| StoreError::Encoding {
        table: "batch",
        cause: error.to_string(),
    })
}

pub(super) fn decode(json: &[u8]) -> Result<Vec<Entry>, StoreError> {
    serde_json::from_slice(json).map_err(|error| StoreError::Damaged {
        what: format!("a batch of commits: {error}"),
    })
}
