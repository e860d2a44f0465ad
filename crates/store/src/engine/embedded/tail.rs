//! The tail: batches in the log that are not in the records yet, and when they are folded.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Retention;
use super::log::Frame;
use crate::CommitId;

/// When batches are folded, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The newest batches, left alone: they are read again at each start.
    pub tail: u64,
    /// Bytes of one file of the log after which the other one is written.
    pub turn: u64,
    /// Batches that are folded even if a follower still needs them: bounds the log where it has stopped following.
    pub held_max: u64,
    /// Batches that are folded without a pause.
    pub urgent: u64,
    /// Batches that commits wait for: bounds the log where folding does not keep up.
    pub full: u64,
    /// Batches folded at once.
    pub slice: u64,
    /// Folded bytes after which SQLite's own log is moved into the file when there is time for it.
    pub checkpoint: u64,
}

/// Quiet time before what is not urgent is done.
const IDLE_AFTER: Duration = Duration::from_millis(20);
/// Times that the work took, left between two slices while commits come in.
const PAUSE: u32 = 2;
/// Time between two looks at what a follower holds.
const HELD_INTERVAL: Duration = Duration::from_millis(200);

/// What is to be done, as far as time goes.
#[derive(Debug)]
pub(super) enum Due {
    /// To fold these, the oldest.
    Fold(Vec<Frame>),
    /// To move SQLite's log into the file.
    Checkpoint,
    /// To look again after that time.
    Later(Duration),
    /// Nothing, until there is more.
    Nothing,
}

/// Batches that are not folded, the oldest first.
pub(super) struct Tail {
    pub limits: Limits,
    pub retention: Retention,
    frames: VecDeque<Frame>,
    bytes: u64,
    /// The file of the log that is written.
    current: usize,
    appended_at: Instant,
    /// Folded since SQLite's log was moved into the file.
    unmoved: u64,
}

impl Tail {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            retention: Retention::default(),
            frames: VecDeque::new(),
            bytes: 0,
            current: 0,
            appended_at: now,
            unmoved: 0,
        }
    }

    /// Starts again with what the log was found to hold.
    pub(super) fn replace(&mut self, frames: VecDeque<Frame>, current: usize) {
        self.bytes = frames.iter().map(Frame::bytes).sum();
        (self.frames, self.current) = (frames, current);
    }

    pub(super) fn appended(&mut self, frame: Frame, now: Instant) {
        self.current = frame.file;
        self.bytes += frame.bytes();
        self.appended_at = now;
        self.frames.push_back(frame);
    }

    /// The oldest so many are in the records.
    pub(super) fn folded(&mut self, count: usize) {
        let folded: u64 = self.frames.drain(..count).map(|it| it.bytes()).sum();
        self.bytes -= folded;
        self.unmoved += folded;
    }

    pub(super) fn checkpointed(&mut self) {
        self.unmoved = 0;
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter()
    }

    /// Nothing is needed of the file that is not written.
    pub(super) fn is_other_free(&self) -> bool {
        self.frames.front().is_none_or(|it| it.file == self.current)
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.limits.full
    }

    /// There is something to do, if not now.
    pub(super) fn has_work(&self) -> bool {
        self.bytes > self.limits.tail || !self.is_other_free() || self.unmoved > self.limits.checkpoint
    }

    pub(super) fn due(&self, now: Instant) -> Due {
        let quiet = self.quiet(now);
        let is_idle = quiet >= IDLE_AFTER;
        let is_long = self.bytes > self.limits.tail;
        if is_long && is_idle || !self.is_other_free() {
            let slice = self.slice();
            if !slice.is_empty() {
                return Due::Fold(slice);
            }
            return Due::Later(HELD_INTERVAL);
        }
        match self.unmoved > self.limits.checkpoint {
            true if is_idle => Due::Checkpoint,
            moved if moved || is_long => Due::Later(IDLE_AFTER.saturating_sub(quiet)),
            _ => Due::Nothing,
        }
    }

    /// How long to leave the processor to commits that come in, after so much work.
    pub(super) fn pause(&self, now: Instant, worked: Duration) -> Duration {
        match self.quiet(now) >= IDLE_AFTER || self.bytes > self.limits.urgent {
            true => Duration::ZERO,
            false => worked * PAUSE,
        }
    }

    /// The oldest that may be folded, at most a slice of them.
    fn slice(&self) -> Vec<Frame> {
        let held = self.held();
        let mut bytes = 0;
        let is_let_go = |it: &&Frame| held.is_none_or(|held| it.described.last <= held);
        let fits = |it: &&Frame| {
            let fits = bytes < self.limits.slice;
            bytes += it.bytes();
            fits
        };
        self.frames
            .iter()
            .take_while(is_let_go)
            .take_while(fits)
            .copied()
            .collect()
    }

    /// How long ago the last batch came.
    fn quiet(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.appended_at)
    }

    /// The last commit that may be folded; `None`: all may.
    fn held(&self) -> Option<CommitId> {
        let is_bearable = self.bytes <= self.limits.held_max;
        self.retention.released().filter(|_| is_bearable)
    }
}
