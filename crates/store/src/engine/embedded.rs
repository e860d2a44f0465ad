//! The embedded engine: one SQLite file that anyone can open once Gantry has stopped.
//!
//! ```text
//!  append ──▶ batch(first_commit, last_commit, at, entries)     one row and one fsync for a batch
//!                │ tend: the oldest first, in slices
//!                ▼
//!             record(kind, key, format, value), folded(through, at)
//! ```
//! Batches are held as long as a follower needs their commits one by one. Loading is the records, with the batches that are not folded yet on top. Values are JSON.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use rusqlite::Connection;
use serde_json::value::RawValue;

use super::{Batch, Engine, Entry, Load, Loaded, Operation, Past, Rest};
use crate::{CommitId, StoreError};

mod file;
mod fold;
mod past;
mod retention;
#[cfg(test)]
mod tests;

pub use retention::Retention;

/// When upkeep is due, in bytes.
#[derive(Clone, Copy)]
struct Limits {
    /// The newest batches, left alone: recent commits for those who follow.
    tail: u64,
    /// Batches that are folded even while commits come in: bounds the file and the time to load.
    tail_max: u64,
    /// Batches that are folded even if a follower still needs them: bounds the file where it has stopped following.
    held_max: u64,
    /// Batches folded at once when there is time for it.
    slice: u64,
    /// Writes after which SQLite's own log is moved into the file when there is time for it.
    checkpoint: u64,
}

const LIMITS: Limits = Limits {
    tail: 4 * MIB,
    tail_max: 64 * MIB,
    held_max: 256 * MIB,
    // Some milliseconds.
    slice: MIB / 4,
    checkpoint: MIB,
};
const MIB: u64 = 1024 * 1024;

/// Keeps records in one SQLite file.
pub struct Embedded {
    path: PathBuf,
    limits: Limits,
    /// `None` after a failure, until the next load.
    connection: Option<Connection>,
    /// Bytes of batches that are not folded.
    tail_bytes: u64,
    /// The last commit of the tail on each key: an older one need not be folded.
    newest: Newest,
    last_batch_bytes: u64,
    unmoved_bytes: u64,
    retention: Retention,
    /// What the retention had let go of when there was nothing left to fold.
    stuck_at: Option<CommitId>,
    /// Held as long as the engine lives.
    _lock: File,
}

impl Embedded {
    /// Opens the file, and makes it if it is not there; its folder must be. Only its owner can read it.
    ///
    /// # Errors
    /// Another process has it open, it was written by a newer version, or the disk fails.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = file::lock(path)?;
        let connection = file::connect(path)?;
        Ok(Self {
            path: path.to_owned(),
            limits: LIMITS,
            connection: Some(connection),
            tail_bytes: 0,
            newest: Newest::default(),
            last_batch_bytes: 0,
            unmoved_bytes: 0,
            retention: Retention::default(),
            stuck_at: None,
            _lock: lock,
        })
    }

    /// From now on holds the commits after that one, until the handle lets go of them. To be called before the store
    /// is opened.
    pub fn retain_after(&mut self, after: CommitId) -> Retention {
        self.retention = Retention::after(after);
        self.retention.clone()
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(unusable)
    }

    fn fold(&mut self, slice_bytes: u64) -> Result<(), StoreError> {
        let connection = self.connection.as_ref().ok_or_else(unusable)?;
        let held = self
            .retention
            .released()
            .filter(|_| self.tail_bytes <= self.limits.held_max);
        let folded = fold::fold(connection, slice_bytes, held, &mut self.newest)?;
        self.stuck_at = held.filter(|_| folded == 0);
        // No batch was left: the count was wrong, and must not ask for more.
        let left = if folded == 0 && held.is_none() {
            0
        } else {
            self.tail_bytes
        };
        self.tail_bytes = left.saturating_sub(folded);
        self.unmoved_bytes += folded;
        Ok(())
    }

    /// The last commit that may be folded; `None`: all may.
    fn held(&self) -> Option<CommitId> {
        let is_bearable = self.tail_bytes <= self.limits.held_max;
        self.retention.released().filter(|_| is_bearable)
    }

    fn may_fold(&self) -> bool {
        self.stuck_at.is_none() || self.stuck_at != self.held()
    }

    /// Moves SQLite's log into the file. It does so by itself when the log is long, but then in the way of a commit.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.unmoved_bytes = 0;
        let moved = self
            .connection()?
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        moved.map_err(failed("move the log into the file"))
    }
}

impl Engine for Embedded {
    fn load(
        &mut self,
        visit: &mut dyn FnMut(Operation) -> Result<(), StoreError>,
    ) -> Result<Loaded, StoreError> {
        if self.connection.is_none() {
            self.connection = Some(file::connect(&self.path)?);
        }
        let connection = self.connection()?;
        let tail = read_tail(connection)?;
        let newer = &tail.operations;
        let database = failed("read records");
        let mut select = connection
            .prepare("SELECT kind, key, format, value FROM record")
            .map_err(&database)?;
        let mut rows = select.query([]).map_err(&database)?;
        while let Some(row) = rows.next().map_err(&database)? {
            let kind: String = row.get(0).map_err(&database)?;
            let key: String = row.get(1).map_err(&database)?;
            if newer.contains_key(&place_of(&kind, &key)) {
                continue;
            }
            let value: String = row.get(3).map_err(&database)?;
            let damaged = |error| StoreError::Damaged {
                what: format!("the record {kind} {key}: {error}"),
            };
            let value = RawValue::from_string(value).map_err(damaged)?;
            visit(Operation {
                table: kind.into(),
                key,
                format: row.get(2).map_err(&database)?,
                value: Some(value),
            })?;
        }
        drop(rows);
        drop(select);
        let Tail {
            operations,
            newest,
            bytes,
            loaded,
        } = tail;
        self.tail_bytes = bytes;
        self.newest = newest;
        operations
            .into_values()
            .filter(|it| it.value.is_some())
            .try_for_each(visit)?;
        Ok(loaded)
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (batch.entries.first(), batch.entries.last()) else {
            return Ok(());
        };
        let entries = serde_json::to_string(&batch.entries).map_err(|error| StoreError::Encoding {
            table: "batch",
            cause: error.to_string(),
        })?;
        let row = (first.commit.0, last.commit.0, batch.at.to_string(), &entries);
        let stored = self
            .connection()?
            .prepare_cached("INSERT INTO batch VALUES (?1, ?2, ?3, ?4)");
        let stored = stored.and_then(|mut insert| insert.execute(row));
        if let Err(error) = stored {
            // What the file holds now is found out by opening it again.
            self.connection = None;
            return Err(failed("store commits")(error));
        }
        self.last_batch_bytes = entries.len() as u64;
        self.tail_bytes += self.last_batch_bytes;
        self.unmoved_bytes += self.last_batch_bytes;
        for entry in &batch.entries {
            self.newest
                .extend(entry.operations.iter().map(|it| (place(it), entry.commit)));
        }
        Ok(())
    }

    fn commits_after(&mut self, after: CommitId) -> Result<Past, StoreError> {
        past::read(self.connection()?, after)
    }

    fn tend(&mut self, load: Load) -> Rest {
        let limits = self.limits;
        let (limit, slice_bytes) = match load {
            Load::Idle => (limits.tail, limits.slice),
            // Twice what came in: the tail becomes shorter, and a small commit waits for little.
            Load::Busy => (limits.tail_max, 2 * self.last_batch_bytes),
        };
        let tended = match load {
            _ if self.tail_bytes > limit && self.may_fold() => self.fold(slice_bytes),
            Load::Idle if self.unmoved_bytes > limits.checkpoint => self.checkpoint(),
            _ => Ok(()),
        };
        if let Err(error) = tended {
            // Nothing is lost: everything is still in the batches, and the next commit tries again.
            tracing::warn!(%error, "the database could not be tidied up");
            return Rest::Done;
        }
        match (self.tail_bytes > limits.tail && self.may_fold()) || self.unmoved_bytes > limits.checkpoint {
            true => Rest::More,
            false => Rest::Done,
        }
    }
}

/// Kind and key with a space between: in one piece, since there are many.
type Place = Box<str>;
type Newest = HashMap<Place, CommitId>;

fn place(operation: &Operation) -> Place {
    place_of(&operation.table, &operation.key)
}

fn place_of(kind: &str, key: &str) -> Place {
    format!("{kind} {key}").into_boxed_str()
}

/// Kind and key. No kind has a space in it.
fn parts(place: &Place) -> (&str, &str) {
    place.split_once(' ').unwrap_or((place, ""))
}

/// Batches that are not folded yet.
struct Tail {
    /// The newest operation on each key.
    operations: BTreeMap<Place, Operation>,
    newest: Newest,
    bytes: u64,
    loaded: Loaded,
}

fn read_tail(connection: &Connection) -> Result<Tail, StoreError> {
    let database = failed("read commits");
    let folded = connection.query_row("SELECT through, at FROM folded", [], |row| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, Option<String>>(1)?))
    });
    let (through, mut at) = folded.map_err(&database)?;
    let mut last = CommitId(through);
    let mut tail = Tail {
        operations: BTreeMap::new(),
        newest: Newest::new(),
        bytes: 0,
        loaded: Loaded::default(),
    };
    let mut select = connection
        .prepare("SELECT at, entries FROM batch ORDER BY first_commit")
        .map_err(&database)?;
    let mut rows = select.query([]).map_err(&database)?;
    while let Some(row) = rows.next().map_err(&database)? {
        let entries: String = row.get(1).map_err(&database)?;
        tail.bytes += entries.len() as u64;
        for entry in parse(&entries)? {
            if entry.commit != last.next() {
                return Err(StoreError::Damaged {
                    what: format!("commit {} follows on commit {last}", entry.commit),
                });
            }
            last = entry.commit;
            for operation in entry.operations {
                tail.newest.insert(place(&operation), entry.commit);
                tail.operations.insert(place(&operation), operation);
            }
        }
        at = row.get(0).map_err(&database)?;
    }
    let at = at.map(|text| text.parse::<Timestamp>()).transpose();
    tail.loaded = Loaded {
        last_commit: last,
        at: at.map_err(|error| StoreError::Damaged {
            what: format!("the time of commit {last}: {error}"),
        })?,
    };
    Ok(tail)
}

fn parse(entries: &str) -> Result<Vec<Entry>, StoreError> {
    serde_json::from_str(entries).map_err(|error| StoreError::Damaged {
        what: format!("a batch of commits: {error}"),
    })
}

fn unusable() -> StoreError {
    StoreError::Io {
        doing: "use the database after a failure",
        cause: "it was not loaded again".to_owned(),
    }
}

fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| StoreError::Io {
        doing,
        cause: error.to_string(),
    }
}
