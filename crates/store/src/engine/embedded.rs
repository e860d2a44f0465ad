//! The embedded engine: one SQLite file that anyone can open once Gantry has stopped, and a log beside it.
//!
//! ```text
//!  append ──▶ log: two files in turns                           one write and one sync for a batch
//!                │ folding, on a thread of its own: the oldest first, in slices
//!                ▼
//!             record(kind, key, format, value), folded(through, at)
//! ```
//! Batches are held as long as a follower needs their commits one by one. Loading is the records, with the batches that
//! are not folded yet on top. Values are JSON. `docs/decisions/0007-the-log-is-beside-the-database.md` says why.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use domain::Timestamp;
use rusqlite::Connection;
use serde_json::value::RawValue;

use super::{Batch, Engine, Loaded, Operation, Past};
use crate::{CommitId, StoreError};

mod file;
mod fold;
mod folding;
mod frame;
mod log;
mod past;
mod retention;
mod tail;
#[cfg(test)]
mod tests;
mod upgrade;

use folding::{Folding, Shared};
use log::{Files, Log};
pub use retention::Retention;
use tail::Limits;

const LIMITS: Limits = Limits {
    tail: 4 * MIB,
    turn: 32 * MIB,
    held_max: 256 * MIB,
    urgent: 128 * MIB,
    full: 512 * MIB,
    slice: MIB,
    checkpoint: MIB,
};
const MIB: u64 = 1024 * 1024;

/// Keeps records in one SQLite file, and the newest commits in a log beside it.
pub struct Embedded {
    limits: Limits,
    /// `None` before the first load, and after a failure until the next.
    log: Option<Log>,
    /// Ends before what it works on is let go of.
    folding: Option<Folding>,
    shared: Arc<Shared>,
    /// Held as long as the engine lives.
    _lock: File,
}

impl Embedded {
    /// Opens the file, and makes it if it is not there; its folder must be. Only its owner can read it.
    ///
    /// # Errors
    /// Another process has it open, it was written by a newer version, or the disk fails.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut engine = Self::open_with(path, LIMITS)?;
        engine.folding = Some(Folding::start(Arc::clone(&engine.shared))?);
        Ok(engine)
    }

    /// Opens it without a thread that folds.
    fn open_with(path: &Path, limits: Limits) -> Result<Self, StoreError> {
        let lock = file::lock(path)?;
        let (records, is_to_be_upgraded) = file::open(path)?;
        let files = Files::open(path)?;
        if is_to_be_upgraded {
            upgrade::upgrade(&records, &files, limits.turn)?;
        }
        Ok(Self {
            limits,
            log: None,
            folding: None,
            shared: Arc::new(Shared::new(path.to_owned(), files, records, limits)),
            _lock: lock,
        })
    }

    /// From now on holds the commits after that one, until the handle lets go of them. To be called before the store
    /// is opened.
    pub fn retain_after(&mut self, after: CommitId) -> Retention {
        let retention = Retention::after(after);
        self.shared.with_tail(|tail| tail.retention = retention.clone());
        retention
    }
}

impl Engine for Embedded {
    fn load(
        &mut self,
        visit: &mut dyn FnMut(Operation) -> Result<(), StoreError>,
    ) -> Result<Loaded, StoreError> {
        self.log = None;
        let (log, loaded) = self.shared.with_records(|records| {
            let (through, at) = folded(records)?;
            let (log, frames) = Log::open(self.shared.files.clone(), self.limits.turn, through)?;
            let mut loaded = Loaded {
                last_commit: through,
                at,
            };
            // The newest operation on each key.
            let mut newer: BTreeMap<Place, Operation> = BTreeMap::new();
            for frame in &frames {
                let entries = self.shared.files.read(frame)?.into_iter();
                newer.extend(entries.flat_map(|it| it.operations).map(|it| (place(&it), it)));
                loaded = Loaded {
                    last_commit: frame.described.last,
                    at: Some(frame.described.at),
                };
            }
            visit_records(records, &newer, visit)?;
            newer
                .into_values()
                .filter(|it| it.value.is_some())
                .try_for_each(visit)?;
            let current = log.current();
            self.shared.with_tail(|tail| tail.replace(frames, current));
            Ok((log, loaded))
        })?;
        self.log = Some(log);
        Ok(loaded)
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.shared.wait_for_room()?;
        let is_other_free = self.shared.with_tail(|tail| tail.is_other_free());
        let log = self.log.as_mut().ok_or_else(unusable)?;
        let appended = log.append(batch, is_other_free).inspect_err(|_| {
            // What the file holds now is found out by reading it again.
            self.log = None;
        })?;
        if let Some(frame) = appended {
            self.shared.with_tail(|tail| tail.appended(frame, Instant::now()));
        }
        Ok(())
    }

    fn commits_after(&mut self, after: CommitId) -> Result<Past, StoreError> {
        self.shared.with_records(|records| {
            let frames = self.shared.with_tail(|tail| folding::frames(tail));
            past::read(records, &self.shared.files, &frames, after)
        })
    }
}

/// The last commit that is in the records, and its time.
fn folded(records: &Connection) -> Result<(CommitId, Option<Timestamp>), StoreError> {
    let found = records.query_row("SELECT through, at FROM folded", [], |row| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, Option<String>>(1)?))
    });
    let (through, at) = found.map_err(failed("read commits"))?;
    let at = at.map(|it| it.parse::<Timestamp>()).transpose();
    let at = at.map_err(|error| StoreError::Damaged {
        what: format!("the time of commit {through}: {error}"),
    })?;
    Ok((CommitId(through), at))
}

/// Visits the records that are not in the log as well.
fn visit_records(
    records: &Connection,
    newer: &BTreeMap<Place, Operation>,
    visit: &mut dyn FnMut(Operation) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let database = failed("read records");
    let mut select = records
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
    Ok(())
}

/// Kind and key with a space between: in one piece, since there are many.
type Place = Box<str>;

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
