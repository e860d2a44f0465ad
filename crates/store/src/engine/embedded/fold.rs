//! Folding: the newest record of each key leaves the batches and joins the records.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{Newest, Place, failed, parse, parts, place};
use crate::engine::Operation;
use crate::{CommitId, StoreError};

/// Folds the oldest batches, at least one, but none with a commit after `through`. Returns their bytes.
pub(super) fn fold(
    connection: &Connection,
    slice_bytes: u64,
    through: Option<CommitId>,
    newest: &mut Newest,
) -> Result<u64, StoreError> {
    // What is folded was durable before, and is again with the next commit: the order in the log is kept.
    let database = failed("fold commits into records");
    connection
        .pragma_update(None, "synchronous", "NORMAL")
        .map_err(&database)?;
    let folded = fold_slice(connection, slice_bytes, through, newest);
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(&database)?;
    folded
}

fn fold_slice(
    connection: &Connection,
    slice_bytes: u64,
    through: Option<CommitId>,
    newest: &mut Newest,
) -> Result<u64, StoreError> {
    let database = failed("fold commits into records");
    let transaction =
        Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(&database)?;
    let slice = read_slice(&transaction, slice_bytes, through)?;
    if slice.bytes == 0 {
        return Ok(0);
    }
    {
        let mut upsert = transaction
            .prepare_cached(
                "INSERT INTO record VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (kind, key) DO UPDATE SET format = excluded.format, value = excluded.value",
            )
            .map_err(&database)?;
        let mut delete = transaction
            .prepare_cached("DELETE FROM record WHERE kind = ?1 AND key = ?2")
            .map_err(&database)?;
        // In the order of the index: neighbours share pages.
        for (place, (commit, operation)) in &slice.operations {
            // What a newer commit replaces is left out, unless a follower may ask what was before that one.
            let is_replaced = |it: &CommitId| it > commit && through.is_none_or(|through| *it <= through);
            if newest.get(place).is_some_and(is_replaced) {
                continue;
            }
            let (kind, key) = parts(place);
            match &operation.value {
                Some(value) => upsert.execute((kind, key, operation.format, value.get())),
                None => delete.execute((kind, key)),
            }
            .map_err(&database)?;
        }
    }
    transaction
        .execute("DELETE FROM batch WHERE first_commit <= ?1", [slice.through])
        .map_err(&database)?;
    transaction
        .execute(
            "UPDATE folded SET through = ?1, at = ?2",
            (slice.through, slice.at),
        )
        .map_err(&database)?;
    transaction.commit().map_err(&database)?;
    for (place, (commit, _)) in &slice.operations {
        if newest.get(place) == Some(commit) {
            newest.remove(place);
        }
    }
    Ok(slice.bytes)
}

/// The oldest batches.
#[derive(Default)]
struct Slice {
    operations: BTreeMap<Place, (CommitId, Operation)>,
    through: u64,
    at: String,
    bytes: u64,
}

fn read_slice(
    transaction: &Transaction<'_>,
    slice_bytes: u64,
    through: Option<CommitId>,
) -> Result<Slice, StoreError> {
    let database = failed("read commits");
    let mut slice = Slice::default();
    let mut select = transaction
        .prepare_cached("SELECT last_commit, at, entries FROM batch ORDER BY first_commit")
        .map_err(&database)?;
    let mut rows = select.query([]).map_err(&database)?;
    while slice.bytes < slice_bytes
        && let Some(row) = rows.next().map_err(&database)?
    {
        let last: u64 = row.get(0).map_err(&database)?;
        if through.is_some_and(|it| last > it.0) {
            break;
        }
        slice.through = last;
        slice.at = row.get(1).map_err(&database)?;
        let entries = row
            .get_ref(2)
            .and_then(|it| Ok(it.as_str()?))
            .map_err(&database)?;
        slice.bytes += entries.len() as u64;
        for entry in parse(entries)? {
            for operation in entry.operations {
                slice
                    .operations
                    .insert(place(&operation), (entry.commit, operation));
            }
        }
    }
    Ok(slice)
}
