//! Commits as they were, from what an engine still has of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::load::{Read, read, record};
use crate::engine::{Operation, Past};
use crate::{Change, Changed, Commit, Record, StoreError};

/// The commits, with what each record was before.
pub(crate) fn commits(past: Past) -> Result<Vec<Arc<Commit>>, StoreError> {
    let place = |it: &Operation| (it.table.clone(), it.key.clone());
    let mut known: BTreeMap<_, Operation> = past.before.into_iter().map(|it| (place(&it), it)).collect();
    let mut commits = Vec::with_capacity(past.entries.len());
    for (at, entry) in past.entries {
        let mut changes = Vec::with_capacity(entry.operations.len());
        for operation in entry.operations {
            let before = match operation.value {
                Some(_) => known.insert(place(&operation), operation.clone()),
                None => known.remove(&place(&operation)),
            };
            let with = Replay {
                before: before.as_ref(),
            };
            changes.extend(read(with, &operation)?);
        }
        commits.push(Arc::new(Commit {
            id: entry.commit,
            at,
            changes,
        }));
    }
    Ok(commits)
}

struct Replay<'a> {
    before: Option<&'a Operation>,
}

impl Read for Replay<'_> {
    /// `None`: what is deleted was not there, as far as anybody knows.
    type Output = Option<Change>;

    fn read<R: Record>(self, operation: &Operation) -> Result<Option<Change>, StoreError> {
        let one = |it: &Operation| record::<R>(it).map(Arc::new);
        let before = self.before.map(one).transpose()?;
        let after = operation.value.is_some().then(|| one(operation)).transpose()?;
        let is_change = before.is_some() || after.is_some();
        Ok(is_change.then(|| R::into_change(Changed { before, after })))
    }
}
