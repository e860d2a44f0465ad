//! Folding: the newest record of each key leaves the log and joins the records.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::log::{Files, Frame};
use super::{Place, failed, parts, place};
use crate::StoreError;
use crate::engine::Operation;

/// Folds batches, all or none of them: the oldest that are not folded. It is durable afterwards.
pub(super) fn fold(records: &Connection, files: &Files, slice: &[Frame]) -> Result<(), StoreError> {
    let Some(last) = slice.last() else {
        return Ok(());
    };
    // In the order of the index: neighbours share pages. What is replaced within the slice is left out.
    let mut operations: BTreeMap<Place, Operation> = BTreeMap::new();
    for frame in slice {
        let entries = files.read(frame)?.into_iter();
        operations.extend(entries.flat_map(|it| it.operations).map(|it| (place(&it), it)));
    }
    let database = failed("fold commits into records");
    let transaction =
        Transaction::new_unchecked(records, TransactionBehavior::Immediate).map_err(&database)?;
    write(&transaction, &operations).map_err(&database)?;
    let (through, at) = (last.described.last.0, last.described.at.to_string());
    transaction
        .execute("UPDATE folded SET through = ?1, at = ?2", (through, at))
        .map_err(&database)?;
    transaction.commit().map_err(&database)
}

fn write(transaction: &Transaction<'_>, operations: &BTreeMap<Place, Operation>) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO record VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (kind, key) DO UPDATE SET format = excluded.format, value = excluded.value",
    )?;
    let mut delete = transaction.prepare_cached("DELETE FROM record WHERE kind = ?1 AND key = ?2")?;
    for (place, operation) in operations {
        let (kind, key) = parts(place);
        match &operation.value {
            Some(value) => upsert.execute((kind, key, operation.format, value.get()))?,
            None => delete.execute((kind, key))?,
        };
    }
    Ok(())
}
