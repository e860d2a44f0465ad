//! Records of what is over, by key and time: durable when they are taken over, kept for a while and up to a size.
//!
//! ```text
//!  <dir>/<n>.segment   frames of JSON: key, time, record; the highest n is being written
//! ```
//!
//! The index is in memory, and made from the segments when the store is opened. A key that comes again replaces what
//! was there, so its owner may hand a record over twice.

pub(crate) mod segment;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use segment::{Segment, numbers};

/// Why the history fails.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Another process has it open.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// The disk.
    #[error("cannot {action} {path}")]
    Storage {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl HistoryError {
    pub(crate) fn storage(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Storage { action, path, source }
    }
}

/// What is kept, and in what pieces.
#[derive(Clone, Debug)]
pub struct HistoryOptions {
    /// A record older than this is gone.
    pub kept: SignedDuration,
    /// When the segments take more than this together, the oldest goes.
    pub bytes_max: u64,
    /// A segment is closed at this size: what is dropped at once.
    pub segment_bytes: u64,
}

impl HistoryOptions {
    /// With segments that suit the size.
    pub fn new(kept: SignedDuration, bytes_max: u64) -> Self {
        Self {
            kept,
            bytes_max,
            segment_bytes: (bytes_max / 16).clamp(4 * 1024, 8 * 1024 * 1024),
        }
    }

    /// What is older is not kept any more, in milliseconds.
    pub(crate) fn oldest_ms(&self, now: Timestamp) -> i64 {
        let kept = i64::try_from(self.kept.as_millis()).unwrap_or(i64::MAX);
        now.as_millisecond().saturating_sub(kept)
    }
}

/// A record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Unique: the newest record of a key counts.
    pub key: String,
    /// When what it tells of was over, in milliseconds.
    pub at_ms: i64,
    /// JSON.
    pub record: Box<RawValue>,
}

/// Where a record lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: u64,
    offset: u64,
    at_ms: i64,
}

/// The store. Calls may run in parallel and wait for each other.
#[derive(Debug)]
pub struct History {
    dir: PathBuf,
    options: HistoryOptions,
    inner: Mutex<Inner>,
    /// Locked for as long as the store is open.
    _lock: File,
}

#[derive(Debug, Default)]
struct Inner {
    index: BTreeMap<Box<str>, Place>,
    /// By number; the last one is written to.
    segments: BTreeMap<u64, Segment>,
}

impl History {
    /// Opens the store in this directory, which is made if missing. Reads all segments.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub fn open(dir: &Path, options: HistoryOptions) -> Result<Self, HistoryError> {
        fs::create_dir_all(dir).map_err(HistoryError::storage("create", dir))?;
        let lock = lock(dir)?;
        let mut inner = Inner::default();
        for number in numbers(dir).map_err(HistoryError::storage("list", dir))? {
            let path = segment::path(dir, number);
            let mut note = |offset, entry: Entry| {
                let place = Place {
                    segment: number,
                    offset,
                    at_ms: entry.at_ms,
                };
                inner.index.insert(entry.key.into_boxed_str(), place);
            };
            let opened = Segment::open(&path, &mut note).map_err(HistoryError::storage("read", &path))?;
            inner.segments.insert(number, opened);
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            options,
            inner: Mutex::new(inner),
            _lock: lock,
        })
    }

    /// Takes records over: when this returns, they are on the disk. All or none.
    ///
    /// # Errors
    /// [`HistoryError::Storage`]; nothing is kept of them then.
    pub fn append(&self, entries: &[Entry]) -> Result<(), HistoryError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut inner = self.inner.lock();
        let number = self.writable(&mut inner)?;
        let Some(segment) = inner.segments.get_mut(&number) else {
            return Ok(());
        };
        let path = segment::path(&self.dir, number);
        let offsets = segment
            .append(&path, entries)
            .map_err(HistoryError::storage("append to", &path))?;
        for (entry, offset) in entries.iter().zip(offsets) {
            let place = Place {
                segment: number,
                offset,
                at_ms: entry.at_ms,
            };
            inner.index.insert(entry.key.clone().into_boxed_str(), place);
        }
        Ok(())
    }

    /// The record of a key, unless there is none or it is too old.
    ///
    /// # Errors
    /// [`HistoryError::Storage`].
    pub fn get(&self, key: &str, now: Timestamp) -> Result<Option<Entry>, HistoryError> {
        let inner = self.inner.lock();
        let place = inner
            .index
            .get(key)
            .filter(|it| it.at_ms >= self.options.oldest_ms(now));
        let Some(place) = place else {
            return Ok(None);
        };
        let path = segment::path(&self.dir, place.segment);
        let entry = segment::read(&path, place.offset).map_err(HistoryError::storage("read", &path))?;
        Ok(entry.filter(|it| it.key == key))
    }

    /// Times in milliseconds and keys of all records whose keys begin so, by key.
    pub fn keys(&self, head: &str, now: Timestamp) -> Vec<(i64, String)> {
        let inner = self.inner.lock();
        let oldest = self.options.oldest_ms(now);
        let range = inner
            .index
            .range::<str, _>((Bound::Included(head), Bound::Unbounded));
        range
            .take_while(|(key, _)| key.starts_with(head))
            .filter(|(_, place)| place.at_ms >= oldest)
            .map(|(key, place)| (place.at_ms, key.to_string()))
            .collect()
    }

    /// Drops what is too old or too much. Answers how many segments that were.
    ///
    /// # Errors
    /// [`HistoryError::Storage`].
    pub fn maintain(&self, now: Timestamp) -> Result<usize, HistoryError> {
        let mut inner = self.inner.lock();
        let oldest = self.options.oldest_ms(now);
        let mut dropped = 0;
        loop {
            let total: u64 = inner.segments.values().map(|it| it.len).sum();
            let is_too_much = total > self.options.bytes_max && inner.segments.len() > 1;
            let gone = inner.segments.iter().find_map(|(number, it)| {
                let is_old = it.newest_ms.is_some_and(|newest| newest < oldest);
                (is_old || is_too_much).then_some(*number)
            });
            let Some(number) = gone else {
                return Ok(dropped);
            };
            let path = segment::path(&self.dir, number);
            fs::remove_file(&path).map_err(HistoryError::storage("remove", &path))?;
            inner.segments.remove(&number);
            inner.index.retain(|_, place| place.segment != number);
            dropped += 1;
        }
    }

    /// The segment to write to, a new one if the last is full.
    fn writable(&self, inner: &mut Inner) -> Result<u64, HistoryError> {
        let last = inner.segments.last_key_value();
        if let Some((number, segment)) = last
            && segment.len < self.options.segment_bytes
        {
            return Ok(*number);
        }
        let number = last.map_or(0, |(number, _)| number + 1);
        let path = segment::path(&self.dir, number);
        let made = Segment::create(&self.dir, &path).map_err(HistoryError::storage("create", &path))?;
        inner.segments.insert(number, made);
        Ok(number)
    }
}

/// Takes the directory for this process alone, for as long as the file is open.
pub(crate) fn lock(dir: &Path) -> Result<File, HistoryError> {
    let path = dir.join("lock");
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = opened.map_err(HistoryError::storage("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(HistoryError::InUse(dir.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(HistoryError::storage("lock", &path)(error)),
    }
}
