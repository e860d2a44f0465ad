//! `PutLogEvents`: which events of a batch are taken, and writing them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::logs::block::BlockHead;
use crate::logs::group::{Group, GroupState};
use crate::logs::limits::{
    self, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, BATCH_SPAN_MS_MAX, DAY_MS, EVENT_AGE_MS_MAX, EVENT_AHEAD_MS_MAX,
    EVENT_BYTES_MAX, EVENT_OVERHEAD_BYTES,
};
use crate::logs::segment::Active;
use crate::logs::tally::Tally;
use crate::logs::{LogScope, Logs, LogsError, LogsOptions};

/// Parts of a retention after which a segment is sealed: as much as it may outlive the retention.
const SEGMENTS_PER_RETENTION: i64 = 8;

/// An event to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputEvent {
    /// When it happened, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Not empty.
    pub message: String,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOutcome {
    /// Answered by CloudWatch still, needed by nobody.
    pub next_sequence_token: String,
    /// The events that were not stored; the others were.
    pub rejected: RejectedEvents,
}

/// `rejectedLogEventsInfo`; absent from the answer if [`RejectedEvents::is_empty`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RejectedEvents {
    /// Events from this index on are more than two hours in the future.
    pub too_new_start: Option<usize>,
    /// Events before this index are more than 14 days old.
    pub too_old_end: Option<usize>,
    /// Events before this index are older than the retention of the group.
    pub expired_end: Option<usize>,
}

impl RejectedEvents {
    /// Was everything stored?
    pub fn is_empty(&self) -> bool {
        *self == RejectedEvents::default()
    }

    fn accepted(&self, count: usize) -> Range<usize> {
        let start = self.too_old_end.max(self.expired_end).unwrap_or(0);
        let end = self.too_new_start.unwrap_or(count);
        start.min(end)..end
    }
}

impl Logs {
    /// `PutLogEvents`. When it returns, the accepted events survive the death of the process.
    pub fn put_events(
        &self,
        scope: &LogScope,
        group: &str,
        stream: &str,
        events: &[InputEvent],
        now: Timestamp,
    ) -> Result<PutOutcome, LogsError> {
        check_batch(events)?;
        let group = self.group(scope, group)?;
        let written = group.append(&self.options, stream, events, now.as_millisecond())?;
        if written.opened_file {
            self.note_open_file(&group);
        }
        if written.sealed_segment {
            self.enforce_disk_bound()?;
        }
        Ok(written.outcome)
    }

    /// Closes the segment file that has been open longest, if this one is too many.
    fn note_open_file(&self, group: &Arc<Group>) {
        let oldest = {
            let mut open = self.open_files.lock();
            open.retain(|it| !Arc::ptr_eq(it, group));
            open.push_back(group.clone());
            if open.len() > self.options.open_files_max {
                open.pop_front()
            } else {
                None
            }
        };
        if let Some(oldest) = oldest {
            oldest.close_file();
        }
    }
}

struct Written {
    outcome: PutOutcome,
    opened_file: bool,
    sealed_segment: bool,
}

impl Group {
    fn close_file(&self) {
        if let Some(active) = &mut self.state.write().active {
            active.close();
        }
    }

    fn append(
        &self,
        options: &LogsOptions,
        stream: &str,
        events: &[InputEvent],
        now_ms: i64,
    ) -> Result<Written, LogsError> {
        let mut state = self.state.write();
        state.check_exists()?;
        let stream = state.stream_number(stream)?;
        let rejected = reject(events, state.record.retention_days, now_ms);
        let accepted = &events[rejected.accepted(events.len())];
        check_span(accepted)?;
        let sequence = state.record.next_sequence;
        let mut written = Written {
            outcome: PutOutcome {
                next_sequence_token: sequence_token(sequence),
                rejected,
            },
            opened_file: false,
            sealed_segment: false,
        };
        let Some(head) = BlockHead::of(sequence, stream, accepted, now_ms) else {
            return Ok(written);
        };
        if state.is_segment_full(options, now_ms) {
            state
                .seal_active(&self.dir)
                .map_err(LogsError::storage("seal a segment in", &self.dir))?;
            written.sealed_segment = true;
        }
        written.opened_file = !state.active.as_ref().is_some_and(Active::is_open);
        state
            .write_block(&self.dir, &head, accepted)
            .map_err(LogsError::storage("write to", &self.dir))?;
        state.note_block(stream, Tally::of(&head));
        Ok(written)
    }
}

impl GroupState {
    fn is_segment_full(&self, options: &LogsOptions, now_ms: i64) -> bool {
        let Some(active) = &self.active else { return false };
        let Some(span) = active.span else {
            return active.is_spoiled;
        };
        let retention_ms = self
            .record
            .retention_days
            .map_or(i64::MAX, |it| i64::from(it) * DAY_MS);
        let age_ms_max = DAY_MS.min(retention_ms / SEGMENTS_PER_RETENTION);
        active.is_spoiled
            || active.len >= options.segment_bytes
            || active.blocks.len() >= options.segment_blocks
            || now_ms - span.first_ingestion_ms >= age_ms_max
    }

    fn write_block(&mut self, dir: &Path, head: &BlockHead, events: &[InputEvent]) -> std::io::Result<()> {
        let active = match &mut self.active {
            Some(active) => active,
            None => self.active.insert(Active::create(dir, head.sequence)?),
        };
        active.append(head, &head.encode(events))
    }
}

/// Tokens have 56 digits.
pub(crate) fn sequence_token(sequence: u64) -> String {
    format!("{sequence:056}")
}

/// The rules that refuse a batch as a whole.
fn check_batch(events: &[InputEvent]) -> Result<(), LogsError> {
    if events.is_empty() {
        return Err(limits::violation(
            "[]",
            "logEvents",
            "have length greater than or equal to 1",
        ));
    }
    if events.len() > BATCH_EVENTS_MAX {
        let constraint = format!("have length less than or equal to {BATCH_EVENTS_MAX}");
        return Err(limits::violation("[...]", "logEvents", &constraint));
    }
    let mut batch_bytes = 0;
    for (index, event) in events.iter().enumerate() {
        if event.message.is_empty() {
            let member = format!("logEvents.{}.member.message", index + 1);
            return Err(limits::violation(
                "",
                &member,
                "have length greater than or equal to 1",
            ));
        }
        if event.timestamp_ms < 0 {
            let member = format!("logEvents.{}.member.timestamp", index + 1);
            let constraint = "have value greater than or equal to 0";
            return Err(limits::violation(
                &event.timestamp_ms.to_string(),
                &member,
                constraint,
            ));
        }
        let bytes = event.message.len() + EVENT_OVERHEAD_BYTES;
        if bytes > EVENT_BYTES_MAX {
            let text = format!("Log event too large: {bytes} bytes exceeds limit of {EVENT_BYTES_MAX}");
            return Err(LogsError::InvalidParameter(text));
        }
        batch_bytes += bytes;
    }
    if batch_bytes > BATCH_BYTES_MAX {
        let text = format!("Upload too large: {batch_bytes} bytes exceeds limit of {BATCH_BYTES_MAX}");
        return Err(LogsError::InvalidParameter(text));
    }
    if !events.is_sorted_by_key(|it| it.timestamp_ms) {
        let text = "Log events in a single PutLogEvents request must be in chronological order.";
        return Err(LogsError::InvalidParameter(text.to_owned()));
    }
    Ok(())
}

/// Checked over the accepted events only.
fn check_span(events: &[InputEvent]) -> Result<(), LogsError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(());
    };
    if last.timestamp_ms - first.timestamp_ms <= BATCH_SPAN_MS_MAX {
        return Ok(());
    }
    let text = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
    Err(LogsError::InvalidParameter(text.to_owned()))
}

/// The events that are refused while the rest of the (chronological) batch is taken.
fn reject(events: &[InputEvent], retention_days: Option<u32>, now_ms: i64) -> RejectedEvents {
    let before = |bound_ms: i64| events.partition_point(|it| it.timestamp_ms < bound_ms);
    let too_old = before(now_ms - EVENT_AGE_MS_MAX);
    let expired = retention_days.map_or(0, |days| before(now_ms - i64::from(days) * DAY_MS));
    let too_new = events.partition_point(|it| it.timestamp_ms <= now_ms + EVENT_AHEAD_MS_MAX);
    RejectedEvents {
        too_new_start: (too_new < events.len()).then_some(too_new),
        too_old_end: (too_old > 0).then_some(too_old),
        expired_end: (expired > 0).then_some(expired),
    }
}
