//! One log group in memory: its streams, what is known of its segments, and its lock.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::logs::LogsError;
use crate::logs::journal::{GroupRecord, Journal, Record, StreamRecord};
use crate::logs::sealed::Sealed;
use crate::logs::segment::{Active, INDEX_ENDING, SEGMENT_ENDING, segment_path};
use crate::logs::stream_set::StreamSet;
use crate::logs::tally::{Tallies, Tally};

/// A group; shared by the calls that use it.
#[derive(Debug)]
pub(crate) struct Group {
    /// Names its directory; part of event ids.
    pub(crate) number: u32,
    pub(crate) dir: PathBuf,
    pub(crate) state: RwLock<GroupState>,
}

/// What the lock of a group guards.
#[derive(Debug)]
pub(crate) struct GroupState {
    /// The group's own facts, with the counters as they are now.
    pub(crate) record: GroupRecord,
    /// Deleted while a call still held it.
    pub(crate) is_deleted: bool,
    pub(crate) names: BTreeMap<Arc<str>, u32>,
    pub(crate) streams: BTreeMap<u32, Stream>,
    /// The numbers of `streams`.
    pub(crate) live: StreamSet,
    /// Over all streams that exist.
    pub(crate) stored_bytes: u64,
    /// In order of arrival.
    pub(crate) sealed: Vec<Arc<Sealed>>,
    pub(crate) active: Option<Active>,
    pub(crate) journal: Journal,
    /// Sealed, and not known to be durable.
    pub(crate) unsynced: Vec<u64>,
    /// Something was written since the last sync.
    pub(crate) is_dirty: bool,
}

/// A stream; about 200 bytes each, however many events it has.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: Arc<str>,
    pub(crate) created_ms: i64,
    pub(crate) first_ms: Option<i64>,
    pub(crate) last_ms: Option<i64>,
    pub(crate) ingestion_ms: Option<i64>,
    pub(crate) sequence: u64,
    pub(crate) stored_bytes: u64,
}

impl Stream {
    pub(crate) fn new(name: Arc<str>, created_ms: i64) -> Stream {
        Stream {
            name,
            created_ms,
            first_ms: None,
            last_ms: None,
            ingestion_ms: None,
            sequence: 0,
            stored_bytes: 0,
        }
    }

    fn absorb(&mut self, tally: &Tally) {
        self.first_ms = Some(self.first_ms.map_or(tally.first_ms, |it| it.min(tally.first_ms)));
        self.last_ms = self.last_ms.max(Some(tally.last_ms));
        self.ingestion_ms = self.ingestion_ms.max(Some(tally.ingestion_ms));
        self.sequence = self.sequence.max(tally.sequence);
        self.stored_bytes += tally.stored_bytes;
    }

    fn record(&self, number: u32) -> StreamRecord {
        StreamRecord {
            number,
            name: self.name.to_string(),
            created_ms: self.created_ms,
            last_event_ms: self.last_ms,
            last_ingestion_ms: self.ingestion_ms,
        }
    }
}

impl Group {
    /// Makes the directory of a new group.
    pub(crate) fn create(dir: PathBuf, number: u32, record: GroupRecord) -> Result<Group, LogsError> {
        fs::create_dir(&dir).map_err(LogsError::storage("create", &dir))?;
        let journal = Journal::rewrite(&dir, &[Record::Group(record.clone())]);
        let journal = journal.inspect_err(|_| drop(fs::remove_dir_all(&dir)))?;
        Ok(Group {
            number,
            dir,
            state: RwLock::new(GroupState::new(record, journal)),
        })
    }

    /// Reads a group's directory; `None` if a crash left it before the group existed.
    pub(crate) fn open(dir: PathBuf, number: u32) -> Result<Option<Group>, LogsError> {
        let (journal, records) = Journal::open(&dir)?;
        let Some(mut state) = GroupState::replay(journal, records) else {
            return Ok(None);
        };
        state
            .open_segments(&dir)
            .map_err(LogsError::storage("read segments of", &dir))?;
        Ok(Some(Group {
            number,
            dir,
            state: RwLock::new(state),
        }))
    }
}

impl GroupState {
    fn new(record: GroupRecord, journal: Journal) -> GroupState {
        GroupState {
            record,
            is_deleted: false,
            names: BTreeMap::new(),
            streams: BTreeMap::new(),
            live: StreamSet::default(),
            stored_bytes: 0,
            sealed: Vec::new(),
            active: None,
            journal,
            unsynced: Vec::new(),
            is_dirty: true,
        }
    }

    fn replay(journal: Journal, records: Vec<Record>) -> Option<GroupState> {
        let mut group = None;
        let mut streams: BTreeMap<u32, StreamRecord> = BTreeMap::new();
        let mut next_stream = 0;
        for record in records {
            match record {
                Record::Group(record) => group = Some(record),
                Record::Stream(stream) => {
                    next_stream = next_stream.max(stream.number + 1);
                    streams.insert(stream.number, stream);
                }
                Record::StreamDeleted(number) => drop(streams.remove(&number)),
            }
        }
        let mut state = GroupState::new(group?, journal);
        state.record.next_stream = state.record.next_stream.max(next_stream);
        for (number, record) in streams {
            let mut stream = Stream::new(record.name.into(), record.created_ms);
            stream.last_ms = record.last_event_ms;
            stream.ingestion_ms = record.last_ingestion_ms;
            state.add_stream(number, stream);
        }
        Some(state)
    }

    fn open_segments(&mut self, dir: &Path) -> io::Result<()> {
        let bases = segment_bases(dir)?;
        for (index, base) in bases.iter().enumerate() {
            if let Some((sealed, tallies)) = Sealed::load(dir, *base)? {
                self.record.next_sequence = self
                    .record
                    .next_sequence
                    .max(sealed.base + u64::from(sealed.count));
                self.absorb(&tallies);
                self.sealed.push(Arc::new(sealed));
                continue;
            }
            let active = Active::recover(dir, *base)?;
            self.record.next_sequence = self.record.next_sequence.max(active.next_sequence());
            let tallies: Tallies = active.tallies.iter().map(|(it, tally)| (*it, *tally)).collect();
            self.absorb(&tallies);
            self.active = Some(active);
            // Only the newest segment may go on; an older one lost its index in a crash.
            if index + 1 < bases.len() {
                self.seal_active(dir)?;
            }
        }
        Ok(())
    }

    fn absorb(&mut self, tallies: &[(u32, Tally)]) {
        for (number, tally) in tallies {
            if let Some(stream) = self.streams.get_mut(number) {
                stream.absorb(tally);
                self.stored_bytes += tally.stored_bytes;
            }
        }
    }

    /// Refuses calls that raced with the deletion of the group.
    pub(crate) fn check_exists(&self) -> Result<(), LogsError> {
        if self.is_deleted {
            Err(LogsError::GroupNotFound)
        } else {
            Ok(())
        }
    }

    /// The number of a stream.
    pub(crate) fn stream_number(&self, name: &str) -> Result<u32, LogsError> {
        self.names.get(name).copied().ok_or(LogsError::StreamNotFound)
    }

    pub(crate) fn add_stream(&mut self, number: u32, stream: Stream) {
        self.names.insert(stream.name.clone(), number);
        self.live.insert(number);
        self.streams.insert(number, stream);
    }

    pub(crate) fn remove_stream(&mut self, number: u32) {
        if let Some(stream) = self.streams.remove(&number) {
            self.names.remove(&stream.name);
            self.live.remove(number);
            self.stored_bytes = self.stored_bytes.saturating_sub(stream.stored_bytes);
        }
    }

    /// Notes a block that was just written.
    pub(crate) fn note_block(&mut self, stream: u32, tally: Tally) {
        self.record.next_sequence = tally.sequence + 1;
        self.absorb(&[(stream, tally)]);
        self.is_dirty = true;
    }

    /// Adds to the journal.
    pub(crate) fn journal(&mut self, records: &[Record]) -> Result<(), LogsError> {
        self.is_dirty = true;
        self.journal.append(records)
    }

    /// The record of a stream as it is now.
    pub(crate) fn stream_record(&self, number: u32) -> Option<Record> {
        self.streams
            .get(&number)
            .map(|it| Record::Stream(it.record(number)))
    }

    /// Everything the journal needs to hold.
    pub(crate) fn snapshot(&self) -> Vec<Record> {
        let streams = self
            .streams
            .iter()
            .map(|(number, it)| Record::Stream(it.record(*number)));
        [Record::Group(self.record.clone())]
            .into_iter()
            .chain(streams)
            .collect()
    }

    /// Ends the active segment. The next batch starts another.
    pub(crate) fn seal_active(&mut self, dir: &Path) -> io::Result<()> {
        let Some(active) = &self.active else { return Ok(()) };
        match Sealed::seal(dir, active)? {
            Some(sealed) => {
                self.unsynced.push(sealed.base);
                self.sealed.push(Arc::new(sealed));
            }
            None => fs::remove_file(segment_path(dir, active.base))?,
        }
        self.active = None;
        self.is_dirty = true;
        Ok(())
    }

    /// Bytes of segments and indexes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let sealed: u64 = self.sealed.iter().map(|it| it.disk_bytes).sum();
        sealed + self.active.as_ref().map_or(0, |it| it.len)
    }
}

/// The segments in a directory, in order; indexes without segment are deleted on the way.
fn segment_bases(dir: &Path) -> io::Result<Vec<u64>> {
    let (mut segments, mut indexes) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let base = path
            .file_stem()
            .and_then(|it| it.to_str())
            .and_then(|it| it.parse::<u64>().ok());
        match (base, path.extension().and_then(|it| it.to_str())) {
            (Some(base), Some(SEGMENT_ENDING)) => segments.push(base),
            (Some(base), Some(INDEX_ENDING)) => indexes.push((base, path)),
            _ => {}
        }
    }
    segments.sort_unstable();
    for (_, path) in indexes
        .iter()
        .filter(|(base, _)| segments.binary_search(base).is_err())
    {
        fs::remove_file(path)?;
    }
    Ok(segments)
}
