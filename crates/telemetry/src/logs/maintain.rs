//! What the owner does at intervals: make writes durable, expire, keep the bound on disk.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use jiff::Timestamp;

use crate::logs::group::{Group, GroupState};
use crate::logs::journal::{Journal, Record};
use crate::logs::limits::DAY_MS;
use crate::logs::sealed::Sealed;
use crate::logs::segment::{index_path, remove_segment, segment_path};
use crate::logs::tally::Tallies;
use crate::logs::{Logs, LogsError};

/// A journal is rewritten once it has this many outdated records, and as many as current ones.
const OUTDATED_RECORDS_MIN: usize = 256;
/// An active segment without writes for this long is sealed, so that its index leaves the memory.
const IDLE_MS: i64 = 3_600_000;
/// Below this an idle index is too small to bother.
const IDLE_BLOCKS_MIN: usize = 256;

/// What [`Logs::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintenance {
    /// Segments deleted since all they held has expired or belonged to deleted streams.
    pub expired_segments: usize,
    /// Segments deleted to keep the bound on disk.
    pub crowded_out_segments: usize,
}

impl Logs {
    /// Makes everything that has been answered so far survive a power loss. Writers are not held up.
    pub fn sync(&self) -> Result<(), LogsError> {
        if self.is_dirty.swap(false, Ordering::AcqRel) {
            sync_file(&self.dir)
                .inspect_err(|_| self.is_dirty.store(true, Ordering::Release))
                .map_err(LogsError::storage("sync", &self.dir))?;
        }
        // One bad directory must not keep the others from becoming durable.
        let mut outcome = Ok(());
        for group in self.all_groups() {
            if group.state.read().is_dirty {
                outcome = outcome.and(group.sync().map_err(LogsError::storage("sync", &group.dir)));
            }
        }
        outcome
    }

    /// Deletes segments whose newest event is older than the retention of their group, then the oldest ones over
    /// the bound on disk; tidies journals. Call it every minute or so.
    pub fn maintain(&self, now: Timestamp) -> Result<Maintenance, LogsError> {
        let mut done = Maintenance::default();
        for group in self.all_groups() {
            done.expired_segments += group.maintain(now.as_millisecond())?;
        }
        done.crowded_out_segments = self.enforce_disk_bound()?;
        Ok(done)
    }

    /// Bytes of all segments and their indexes.
    pub fn disk_bytes(&self) -> u64 {
        self.all_groups()
            .iter()
            .map(|it| it.state.read().disk_bytes())
            .sum()
    }

    /// Deletes the segments written longest ago, over all groups, until the bound holds.
    pub(crate) fn enforce_disk_bound(&self) -> Result<usize, LogsError> {
        let Some(disk_bytes_max) = self.options.disk_bytes_max else {
            return Ok(0);
        };
        let mut disk_bytes = self.disk_bytes();
        if disk_bytes <= disk_bytes_max {
            return Ok(0);
        }
        let mut segments = Vec::new();
        for group in self.all_groups() {
            let state = group.state.read();
            let sealed = state
                .sealed
                .iter()
                .map(|it| (it.span.last_ingestion_ms, it.base, it.disk_bytes));
            let active = state
                .active
                .iter()
                .filter_map(|it| Some((it.span?.last_ingestion_ms, it.base, it.len)));
            segments.extend(sealed.chain(active).map(|it| (it, group.clone())));
        }
        segments.sort_unstable_by_key(|(segment, group)| (*segment, group.number));
        let mut dropped = 0;
        for ((_, base, bytes), group) in segments {
            if disk_bytes <= disk_bytes_max {
                break;
            }
            group.drop_segments(&mut group.state.write(), |it| it == base)?;
            disk_bytes = disk_bytes.saturating_sub(bytes);
            dropped += 1;
        }
        tracing::info!(
            dropped,
            disk_bytes,
            disk_bytes_max,
            "dropped the oldest log segments to keep the bound"
        );
        Ok(dropped)
    }
}

impl Group {
    fn sync(&self) -> io::Result<()> {
        let (unsynced, active) = {
            let mut state = self.state.write();
            if state.is_deleted {
                return Ok(());
            }
            state.is_dirty = false;
            (
                std::mem::take(&mut state.unsynced),
                state.active.as_ref().map(|it| it.base),
            )
        };
        let synced = self.sync_files(&unsynced, active);
        if synced.is_err() {
            let mut state = self.state.write();
            state.is_dirty = true;
            state.unsynced.extend(unsynced);
        }
        synced
    }

    /// By path, since files may be closed between uses; the kernel keeps what is dirty by file, not by handle.
    fn sync_files(&self, unsynced: &[u64], active: Option<u64>) -> io::Result<()> {
        for base in unsynced {
            sync_file(&segment_path(&self.dir, *base))?;
            sync_file(&index_path(&self.dir, *base))?;
        }
        if let Some(base) = active {
            sync_file(&segment_path(&self.dir, base))?;
        }
        sync_file(&self.dir.join(Journal::FILE))?;
        sync_file(&self.dir)
    }

    fn maintain(&self, now_ms: i64) -> Result<usize, LogsError> {
        let mut state = self.state.write();
        if state.is_deleted {
            return Ok(0);
        }
        let cutoff_ms = state
            .record
            .retention_days
            .map_or(i64::MIN, |it| now_ms - i64::from(it) * DAY_MS);
        let live = state.live.clone();
        let sealed = state
            .sealed
            .iter()
            .filter(|it| it.span.max_ms < cutoff_ms || !live.contains_any(&it.streams));
        let mut doomed: BTreeSet<u64> = sealed.map(|it| it.base).collect();
        let active = state
            .active
            .as_ref()
            .filter(|it| it.span.is_some_and(|span| span.max_ms < cutoff_ms));
        doomed.extend(active.map(|it| it.base));
        if !doomed.is_empty() {
            self.drop_segments(&mut state, |it| doomed.contains(&it))?;
        }
        if state.is_idle(now_ms) {
            state
                .seal_active(&self.dir)
                .map_err(LogsError::storage("seal a segment in", &self.dir))?;
        }
        if state.journal.records() > OUTDATED_RECORDS_MIN + 2 * (state.streams.len() + 1) {
            state.journal = Journal::rewrite(&self.dir, &state.snapshot())?;
            state.is_dirty = true;
        }
        Ok(doomed.len())
    }

    /// Deletes segments and forgets what they held. The journal keeps what must outlive them.
    fn drop_segments(
        &self,
        state: &mut GroupState,
        is_doomed: impl Fn(u64) -> bool,
    ) -> Result<(), LogsError> {
        let failed = |doing| LogsError::storage(doing, &self.dir);
        if state.is_deleted {
            return Ok(());
        }
        if state.active.as_ref().is_some_and(|it| is_doomed(it.base)) {
            state
                .seal_active(&self.dir)
                .map_err(failed("seal a segment in"))?;
        }
        let (doomed, kept): (Vec<_>, Vec<_>) =
            state.sealed.iter().cloned().partition(|it| is_doomed(it.base));
        let concerned: BTreeSet<u32> = doomed.iter().flat_map(|it| it.streams.iter().copied()).collect();
        let mut records = vec![Record::Group(state.record.clone())];
        records.extend(concerned.iter().filter_map(|it| state.stream_record(*it)));
        state.journal(&records)?;
        for segment in &doomed {
            let held = Sealed::load(&self.dir, segment.base).map_err(failed("read an index in"))?;
            state.forget(held.map(|(_, tallies)| tallies).unwrap_or_default());
        }
        state.unsynced.retain(|it| !is_doomed(*it));
        state.sealed = kept;
        self.refresh_first_events(state, concerned)
            .map_err(failed("read an index in"))?;
        // What cannot be removed now comes back at the next start, and is dropped again.
        doomed
            .iter()
            .try_for_each(|it| remove_segment(&self.dir, it.base))
            .map_err(failed("remove a segment in"))
    }

    /// The first event of a stream is the first of the earliest segment that is left of it.
    fn refresh_first_events(&self, state: &mut GroupState, mut streams: BTreeSet<u32>) -> io::Result<()> {
        for number in &streams {
            if let Some(stream) = state.streams.get_mut(number) {
                stream.first_ms = None;
            }
        }
        for segment in &state.sealed {
            if streams.is_empty() {
                return Ok(());
            }
            if !segment.streams.iter().any(|it| streams.contains(it)) {
                continue;
            }
            for (number, tally) in Sealed::load(&self.dir, segment.base)?
                .map(|(_, it)| it)
                .unwrap_or_default()
            {
                if let Some(stream) = state.streams.get_mut(&number)
                    && streams.remove(&number)
                {
                    stream.first_ms = Some(tally.first_ms);
                }
            }
        }
        for number in streams {
            let tally = state.active.as_ref().and_then(|it| it.tallies.get(&number));
            if let Some(stream) = state.streams.get_mut(&number) {
                stream.first_ms = tally.map(|it| it.first_ms);
            }
        }
        Ok(())
    }
}

impl GroupState {
    fn is_idle(&self, now_ms: i64) -> bool {
        self.active.as_ref().is_some_and(|it| {
            it.blocks.len() >= IDLE_BLOCKS_MIN
                && it
                    .span
                    .is_some_and(|span| now_ms - span.last_ingestion_ms >= IDLE_MS)
        })
    }

    fn forget(&mut self, held: Tallies) {
        for (number, tally) in held {
            if let Some(stream) = self.streams.get_mut(&number) {
                stream.stored_bytes = stream.stored_bytes.saturating_sub(tally.stored_bytes);
                self.stored_bytes = self.stored_bytes.saturating_sub(tally.stored_bytes);
            }
        }
    }
}

fn sync_file(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        // Dropped, or renamed with its deleted group, since.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
