//! The seam to what keeps records: an engine holds the current records and the last commit, nothing else.

use std::borrow::Cow;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{CommitId, StoreError};

pub mod embedded;
pub mod memory;
#[cfg(test)]
mod tests;

/// Keeps records. Used by one writer at a time.
pub trait Engine: Send + 'static {
    /// Hands every current record to `visit`, each once.
    ///
    /// # Errors
    /// It cannot be read, or `visit` failed.
    fn load(
        &mut self,
        visit: &mut dyn FnMut(Operation) -> Result<(), StoreError>,
    ) -> Result<Loaded, StoreError>;

    /// Makes commits durable, all or none of them.
    ///
    /// # Errors
    /// Whether they are durable is known only after the next load.
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// The commits after that one, as far as it still has them one by one: an engine may have none.
    ///
    /// # Errors
    /// They cannot be read.
    fn commits_after(&mut self, _after: CommitId) -> Result<Past, StoreError> {
        Ok(Past::default())
    }
}

/// Commits that an engine still has one by one, and what there was before them.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// In order, without a gap, up to the last one; each with the time of its batch.
    pub entries: Vec<(Timestamp, Entry)>,
    /// Of each record that they write: what it was before the first of them, unless it was not there.
    pub before: Vec<Operation>,
}

/// How far an engine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The last commit it holds; 0 for none.
    pub last_commit: CommitId,
    /// The time of that commit.
    pub at: Option<Timestamp>,
}

/// Commits on their way to the engine, in order and without a gap.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// At least one.
    pub entries: Vec<Entry>,
    /// Time of the last commit.
    pub at: Timestamp,
}

/// One commit as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the order.
    pub commit: CommitId,
    /// At most one for each key.
    pub operations: Vec<Operation>,
}

/// A record stored or deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// Kind of record.
    pub table: Cow<'static, str>,
    /// Key in its table.
    pub key: String,
    /// Format of the value.
    pub format: u32,
    /// The record in JSON; `None` deletes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
}

impl Operation {
    /// Bytes that it takes, about.
    pub fn size(&self) -> usize {
        let value = self.value.as_ref().map_or(0, |it| it.get().len());
        self.table.len() + self.key.len() + value
    }
}
