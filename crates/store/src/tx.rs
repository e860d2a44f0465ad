//! A transaction: reads and writes on the tip, undone as a whole if it is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Timestamp;
use domain::ids::Ids;

use crate::engine::Entry;
use crate::{Change, Changed, Commit, CommitId, Record, State, StoreError};

/// Most that one commit may hold once encoded, in bytes. Every engine can hold this much.
pub const MAX_COMMIT_BYTES: usize = 1024 * 1024;

/// What a transaction sees and writes. Only the writer makes one.
pub struct Tx<'a> {
    state: &'a mut State,
    ids: &'a Ids,
    now: Timestamp,
    id: CommitId,
    /// One for each record written, in the order first written: also what undoes the transaction.
    changes: Vec<Change>,
    places: BTreeMap<(&'static str, String), usize>,
}

/// A transaction that wrote something, ready for the engine and for the view.
pub(crate) struct Written {
    pub commit: Arc<Commit>,
    pub entry: Entry,
    pub bytes: usize,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(state: &'a mut State, ids: &'a Ids, now: Timestamp) -> Self {
        let id = state.last_commit().next();
        Self {
            state,
            ids,
            now,
            id,
            changes: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// The time of this transaction: never before that of an earlier one, even if the clock was set back.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The id that this transaction gets if it writes something.
    pub fn commit_id(&self) -> CommitId {
        self.id
    }

    /// The source of ids.
    pub fn ids(&self) -> &Ids {
        self.ids
    }

    /// The state with everything written so far, by this transaction too.
    pub fn state(&self) -> &State {
        self.state
    }

    /// The record of that key.
    pub fn get<R: Record>(&self, key: &R::Key) -> Option<Arc<R>> {
        self.state.get::<R>(key).cloned()
    }

    /// Creates or replaces a record, and gives it back. Writing a record as it already is changes nothing.
    pub fn put<R: Record>(&mut self, record: R) -> Arc<R> {
        let record = Arc::new(record);
        self.write(&record.key(), Some(Arc::clone(&record)));
        record
    }

    /// Deletes a record, if it is there.
    pub fn delete<R: Record>(&mut self, key: &R::Key) {
        if self.state.get::<R>(key).is_some() {
            self.write::<R>(key, None);
        }
    }

    fn write<R: Record>(&mut self, key: &R::Key, after: Option<Arc<R>>) {
        let before = self.state.set(key, after.clone());
        let place = *self
            .places
            .entry((R::TABLE, R::key_text(key)))
            .or_insert(self.changes.len());
        match self.changes.get_mut(place).and_then(R::in_change) {
            Some(earlier) => earlier.after = after,
            None => self.changes.push(R::into_change(Changed { before, after })),
        }
    }

    /// Ends the transaction, keeping what it wrote. `None` if it changed nothing.
    ///
    /// # Errors
    /// It cannot be stored; then it is undone.
    pub(crate) fn keep(mut self) -> Result<Option<Written>, StoreError> {
        let state = &mut *self.state;
        self.changes.retain(|change| {
            let is_change = change.any().is_change();
            if !is_change {
                // The tip goes on sharing the record with the view.
                change.any().undo(state);
            }
            is_change
        });
        if self.changes.is_empty() {
            return Ok(None);
        }
        let operations: Result<Vec<_>, _> = self.changes.iter().map(|it| it.any().operation()).collect();
        let operations = match operations {
            Ok(operations) => operations,
            Err(error) => {
                self.undo();
                return Err(error);
            }
        };
        let bytes = operations.iter().map(crate::engine::Operation::size).sum();
        if bytes > MAX_COMMIT_BYTES {
            self.undo();
            return Err(StoreError::TooLarge {
                bytes,
                limit: MAX_COMMIT_BYTES,
            });
        }
        self.state.committed(self.id);
        Ok(Some(Written {
            commit: Arc::new(Commit {
                id: self.id,
                at: self.now,
                changes: self.changes,
            }),
            entry: Entry {
                commit: self.id,
                operations,
            },
            bytes,
        }))
    }

    /// Ends the transaction as if it had never been.
    pub(crate) fn undo(self) {
        for change in &self.changes {
            change.any().undo(self.state);
        }
    }
}
