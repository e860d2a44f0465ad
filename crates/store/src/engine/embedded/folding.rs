//! Folding, on a thread of its own, so that no commit waits for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rusqlite::Connection;

use super::log::{Files, Frame};
use super::tail::{Due, Limits, Tail};
use super::{failed, file, fold};
use crate::StoreError;

/// Time between two attempts where folding failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Commits that come in go first where processors are short.
const NICENESS: i32 = 10;
/// Longest that a commit waits for room in the log.
const ROOM_DEADLINE: Duration = Duration::from_secs(10);

/// What the writer and the folding thread share. Whoever needs both takes the records before the tail.
pub(super) struct Shared {
    path: PathBuf,
    pub files: Files,
    records: Mutex<Option<Connection>>,
    tail: Mutex<Guarded>,
    /// There is work, or the end.
    news: Condvar,
    /// Some was folded.
    room: Condvar,
}

struct Guarded {
    tail: Tail,
    /// The thread waits until it is told.
    is_waiting: bool,
    is_closing: bool,
    /// Why the last attempt failed.
    failure: Option<StoreError>,
}

impl Shared {
    pub(super) fn new(path: PathBuf, files: Files, records: Connection, limits: Limits) -> Self {
        Self {
            path,
            files,
            records: Mutex::new(Some(records)),
            tail: Mutex::new(Guarded {
                tail: Tail::new(limits, Instant::now()),
                is_waiting: false,
                is_closing: false,
                failure: None,
            }),
            news: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Looks at the tail, or changes it; whoever folds learns of it.
    pub(super) fn with_tail<T>(&self, with: impl FnOnce(&mut Tail) -> T) -> T {
        let mut guarded = self.tail.lock();
        let answer = with(&mut guarded.tail);
        self.tell(&mut guarded);
        answer
    }

    /// Keeps the records as they are meanwhile: nothing is folded.
    pub(super) fn with_records<T>(
        &self,
        with: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut records = self.records.lock();
        if records.is_none() {
            *records = Some(file::connect(&self.path)?);
        }
        let answer = records.as_ref().map_or_else(|| Err(unusable()), with);
        if answer.is_err() {
            // What the file holds now is found out by opening it again.
            *records = None;
        }
        answer
    }

    /// Waits until the log has room for one more batch.
    ///
    /// # Errors
    /// Nothing was folded for long.
    pub(super) fn wait_for_room(&self) -> Result<(), StoreError> {
        let mut guarded = self.tail.lock();
        let deadline = Instant::now() + ROOM_DEADLINE;
        while guarded.tail.is_full() {
            self.tell(&mut guarded);
            // Where folding fails already, waiting does not help.
            let is_over =
                guarded.failure.is_some() || self.room.wait_until(&mut guarded, deadline).timed_out();
            if is_over && guarded.tail.is_full() {
                return Err(guarded.failure.clone().unwrap_or_else(unusable));
            }
        }
        Ok(())
    }

    fn tell(&self, guarded: &mut Guarded) {
        if guarded.is_waiting && (guarded.is_closing || guarded.tail.has_work()) {
            guarded.is_waiting = false;
            self.news.notify_one();
        }
    }

    /// Does what is due; `None` if it has come to its end, else how long nothing is.
    fn work(&self, now: Instant) -> Option<Due> {
        let begun = Instant::now();
        let due = {
            let guarded = self.tail.lock();
            if guarded.is_closing {
                return None;
            }
            guarded.tail.due(now)
        };
        let done = match due {
            Due::Fold(_) => self.fold(now),
            Due::Checkpoint => self.checkpoint(),
            due => return Some(due),
        };
        let mut guarded = self.tail.lock();
        guarded.failure = done.err();
        self.room.notify_all();
        let Some(failure) = &guarded.failure else {
            return Some(Due::Later(guarded.tail.pause(now, begun.elapsed())));
        };
        // Nothing is lost: everything is still in the log.
        tracing::warn!(error = %failure, "the database could not be tidied up; trying again");
        Some(Due::Later(RETRY_INTERVAL))
    }

    /// Folds the oldest batches, if it is time.
    fn fold(&self, now: Instant) -> Result<(), StoreError> {
        self.with_records(|records| {
            // Chosen only now: the log may have been opened anew meanwhile.
            let Due::Fold(slice) = self.tail.lock().tail.due(now) else {
                return Ok(());
            };
            fold::fold(records, &self.files, &slice)?;
            self.tail.lock().tail.folded(slice.len());
            Ok(())
        })
    }

    /// SQLite moves its log into the file by itself when it is long; this keeps the next start short.
    fn checkpoint(&self) -> Result<(), StoreError> {
        self.with_records(|records| {
            let moved = records.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            moved.map_err(failed("move the log into the file"))
        })?;
        self.tail.lock().tail.checkpointed();
        Ok(())
    }

    fn wait(&self, due: &Due) {
        let mut guarded = self.tail.lock();
        match due {
            Due::Later(time) if time.is_zero() => {}
            _ if guarded.is_closing => {}
            Due::Later(time) => {
                self.news.wait_for(&mut guarded, *time);
            }
            _ => self.wait_for_news(&mut guarded),
        }
    }

    fn wait_for_news(&self, guarded: &mut MutexGuard<'_, Guarded>) {
        guarded.is_waiting = !guarded.tail.has_work();
        while guarded.is_waiting {
            self.news.wait(guarded);
        }
    }

    /// Does all that is due, as if time had passed.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        let later = Instant::now() + Duration::from_secs(60);
        while matches!(self.work(later), Some(Due::Later(time)) if time.is_zero()) {}
    }
}

/// The thread that folds, until this is dropped.
pub(super) struct Folding {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Folding {
    pub(super) fn start(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let run = {
            let shared = Arc::clone(&shared);
            move || {
                // Where it is not allowed to yield, folding goes on as everything else does.
                let _ = rustix::process::nice(NICENESS);
                while let Some(due) = shared.work(Instant::now()) {
                    shared.wait(&due);
                }
            }
        };
        let started = std::thread::Builder::new()
            .name("store-folding".into())
            .spawn(run);
        let thread = started.map_err(|error| StoreError::Io {
            doing: "start the store's thread",
            cause: error.to_string(),
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        {
            let mut guarded = self.shared.tail.lock();
            guarded.is_closing = true;
            guarded.is_waiting = false;
            self.shared.news.notify_one();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that folds commits panicked; they are still in the log");
        }
    }
}

/// All batches that are not folded.
pub(super) fn frames(tail: &Tail) -> Vec<Frame> {
    tail.frames().copied().collect()
}

fn unusable() -> StoreError {
    StoreError::Io {
        doing: "make room in the log of the state",
        cause: "the records are not kept up in time".to_owned(),
    }
}
