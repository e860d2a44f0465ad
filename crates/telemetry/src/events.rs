//! Events in their order: each has the next sequence number, is kept for a while and up to a size, and can be followed.
//!
//! ```text
//!  <dir>/<n>.segment   frames of events, compressed; the highest n is being written
//! ```
//!
//! Each frame says through which position of its source it tells everything. After a crash the owner goes on from
//! [`EventLog::cursor`]: what was in no whole frame is told again, under the same sequence numbers.

mod frame;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::history::segment::{numbers, path};
use crate::history::{HistoryError, HistoryOptions, lock};
use segment::Segment;

/// Most events that one read looks through: a filter that meets few of them must not hold up its caller.
const SCANNED_MAX: usize = 20_000;

/// An event that has no place in the order yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewEvent {
    /// When it happened, in milliseconds; never before an earlier one.
    pub at_ms: i64,
    /// `detail-type`.
    pub detail_type: String,
    /// ARN of the cluster that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// ARN of the service that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// ARN of the task that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The event in JSON.
    pub record: Box<RawValue>,
}

/// An event in its place.
#[derive(Clone, Debug)]
pub struct Event {
    /// 1 is the first, none is left out.
    pub sequence: u64,
    /// What happened.
    pub event: NewEvent,
}

/// Which events are meant; `None` means any.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// ARN.
    pub cluster: Option<String>,
    /// ARN.
    pub service: Option<String>,
    /// ARN.
    pub task: Option<String>,
    /// `detail-type`.
    pub detail_type: Option<String>,
    /// Happened then or later, in milliseconds.
    pub since_ms: Option<i64>,
}

impl EventFilter {
    fn is_met(&self, event: &NewEvent) -> bool {
        let meets = |wanted: &Option<String>, it: Option<&String>| wanted.is_none() || wanted.as_ref() == it;
        meets(&self.cluster, event.cluster.as_ref())
            && meets(&self.service, event.service.as_ref())
            && meets(&self.task, event.task.as_ref())
            && meets(&self.detail_type, Some(&event.detail_type))
            && self.since_ms.is_none_or(|it| event.at_ms >= it)
    }
}

/// What a read found.
#[derive(Clone, Debug, Default)]
pub struct EventPage {
    /// In order.
    pub events: Vec<Event>,
    /// All events up to this one have been looked at; the next read goes on from here.
    pub through: u64,
    /// There were no more.
    pub is_end: bool,
    /// The oldest event that is kept, or the next one if none is.
    pub first_kept: u64,
}

/// The log. Calls may run in parallel.
#[derive(Debug)]
pub struct EventLog {
    dir: PathBuf,
    options: HistoryOptions,
    inner: Mutex<Inner>,
    /// Locked for as long as the log is open.
    _lock: File,
}

#[derive(Debug, Default)]
struct Inner {
    /// By number; the last one is written to.
    segments: BTreeMap<u64, Segment>,
    /// Of the last event.
    last_sequence: u64,
    /// Position of the source through which everything is told; `None` as long as nothing was ever written.
    cursor: Option<u64>,
    is_synced: bool,
}

impl EventLog {
    /// Opens the log in this directory, which is made if missing. Reads the newest segment only.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub fn open(dir: &Path, options: HistoryOptions) -> Result<Self, HistoryError> {
        fs::create_dir_all(dir).map_err(HistoryError::storage("create", dir))?;
        let lock = lock(dir)?;
        let mut inner = Inner::default();
        let numbers = numbers(dir).map_err(HistoryError::storage("list", dir))?;
        // From the newest back: where the order goes on is in the last frame that there is.
        for number in numbers.into_iter().rev() {
            let file = path(dir, number);
            let opened = match inner.cursor {
                None => Segment::open_newest(&file),
                Some(_) => Segment::open_sealed(&file),
            };
            let opened = opened.map_err(HistoryError::storage("read", &file))?;
            inner.last_sequence = inner.last_sequence.max(opened.last_sequence);
            inner.cursor = inner.cursor.or(opened.cursor);
            inner.segments.insert(number, opened);
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            options,
            inner: Mutex::new(inner),
            _lock: lock,
        })
    }

    /// The sequence number of the last event; 0 if there never was one.
    pub fn last_sequence(&self) -> u64 {
        self.inner.lock().last_sequence
    }

    /// Through which position of the source everything is told; `None` if nothing was ever written.
    pub fn cursor(&self) -> Option<u64> {
        self.inner.lock().cursor
    }

    /// Adds events, all or none, that tell everything through a position of the source; there may be none of them. What
    /// is added is read from now on, and outlives the process; it outlives a loss of power after [`EventLog::sync`].
    /// Answers the sequence number of the last event.
    ///
    /// # Errors
    /// [`HistoryError::Storage`]; nothing is added then.
    pub fn append(&self, cursor: u64, events: &[NewEvent]) -> Result<u64, HistoryError> {
        let mut inner = self.inner.lock();
        let number = self.writable(&mut inner)?;
        let first = inner.last_sequence + 1;
        let Some(segment) = inner.segments.get_mut(&number) else {
            return Ok(inner.last_sequence);
        };
        let file = path(&self.dir, number);
        segment
            .append(&file, cursor, first, events)
            .map_err(HistoryError::storage("append to", &file))?;
        inner.last_sequence += events.len() as u64;
        inner.cursor = Some(cursor);
        inner.is_synced = false;
        Ok(inner.last_sequence)
    }

    /// Waits for the disk. Answers the position of the source through which everything is durable.
    ///
    /// # Errors
    /// [`HistoryError::Storage`].
    pub fn sync(&self) -> Result<Option<u64>, HistoryError> {
        let (file, cursor) = {
            let mut inner = self.inner.lock();
            let newest = inner.segments.last_key_value().map(|(number, _)| *number);
            let Some(number) = newest.filter(|_| !inner.is_synced) else {
                return Ok(inner.cursor);
            };
            inner.is_synced = true;
            (path(&self.dir, number), inner.cursor)
        };
        if let Err(error) = sync_file(&file) {
            self.inner.lock().is_synced = false;
            return Err(error);
        }
        Ok(cursor)
    }

    /// Events after that one which meet the filter, `most` at most.
    ///
    /// # Errors
    /// [`HistoryError::Storage`].
    pub fn read(&self, after: u64, filter: &EventFilter, most: usize) -> Result<EventPage, HistoryError> {
        let mut page = EventPage {
            through: after,
            ..EventPage::default()
        };
        let (places, last_sequence) = {
            let inner = self.inner.lock();
            page.first_kept = inner.first_kept();
            page.through = after.min(inner.last_sequence);
            (inner.places(after, filter.since_ms), inner.last_sequence)
        };
        let mut scanned = 0;
        for (number, place) in places {
            let file = path(&self.dir, number);
            let read = segment::read(&file, &place, after, filter.since_ms, &mut |sequence, event| {
                scanned += 1;
                page.through = sequence;
                if filter.is_met(&event) {
                    page.events.push(Event { sequence, event });
                }
                page.events.len() < most && scanned < SCANNED_MAX
            });
            match read {
                Ok(true) => {}
                Ok(false) => return Ok(page),
                // Dropped in between, for its age or its size.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(HistoryError::storage("read", &file)(error)),
            }
        }
        // Those that were passed over by their time have been looked at as well.
        page.through = page.through.max(last_sequence);
        page.is_end = true;
        Ok(page)
    }

    /// Drops what is too old or too much. Answers how many segments that were.
    ///
    /// # Errors
    /// [`HistoryError::Storage`].
    pub fn maintain(&self, now: Timestamp) -> Result<usize, HistoryError> {
        let mut inner = self.inner.lock();
        let oldest = self.options.oldest_ms(now);
        let mut dropped = 0;
        while let Some(number) = inner.droppable(oldest, self.options.bytes_max) {
            let file = path(&self.dir, number);
            fs::remove_file(&file).map_err(HistoryError::storage("remove", &file))?;
            inner.segments.remove(&number);
            dropped += 1;
        }
        Ok(dropped)
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
        if let Some((last, _)) = last {
            // Only the newest segment may end in a torn frame.
            sync_file(&path(&self.dir, *last))?;
        }
        let file = path(&self.dir, number);
        let made = Segment::create(&self.dir, &file).map_err(HistoryError::storage("create", &file))?;
        inner.segments.insert(number, made);
        Ok(number)
    }
}

impl Inner {
    fn first_kept(&self) -> u64 {
        let first = self.segments.values().find_map(|it| it.first_sequence);
        first.unwrap_or(self.last_sequence + 1)
    }

    /// Where to read events after that one, in order.
    fn places(&self, after: u64, since_ms: Option<i64>) -> Vec<(u64, segment::Place)> {
        if after >= self.last_sequence {
            return Vec::new();
        }
        let is_before = |it: &Segment| {
            let by_sequence = it.first_sequence.is_some_and(|first| first <= after + 1);
            let by_time = it
                .first_ms
                .is_some_and(|first| since_ms.is_some_and(|it| first < it));
            by_sequence || by_time
        };
        // The last segment that begins before is the first to be read.
        let begun = self.segments.iter().rev().find(|(_, it)| is_before(it));
        let from = begun.map_or(0, |(number, _)| *number);
        self.segments
            .range(from..)
            .map(|(number, it)| (*number, it.place(after)))
            .collect()
    }

    /// The oldest segment, if it may go. The newest never does: it says where the order goes on.
    fn droppable(&self, oldest_ms: i64, bytes_max: u64) -> Option<u64> {
        let mut segments = self.segments.iter();
        let (number, _) = segments.next()?;
        // All of it was over when the next events began.
        let next_ms = segments.clone().find_map(|(_, it)| it.first_ms);
        let is_old = next_ms.is_some_and(|next| next < oldest_ms);
        let is_too_much = self.segments.values().map(|it| it.len).sum::<u64>() > bytes_max;
        segments.next().filter(|_| is_old || is_too_much)?;
        Some(*number)
    }
}

fn sync_file(file: &Path) -> Result<(), HistoryError> {
    let synced = File::options()
        .write(true)
        .open(file)
        .and_then(|it| it.sync_data());
    synced.map_err(HistoryError::storage("sync", file))
}
