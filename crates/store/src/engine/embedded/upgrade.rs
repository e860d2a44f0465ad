//! From format 1, where batches were rows of a table, to format 2, where they are the log.

use domain::Timestamp;
use rusqlite::Connection;

use super::frame;
use super::log::{Files, Log};
use super::{failed, file};
use crate::StoreError;
use crate::engine::Batch;

/// Moves batches into the log. Interrupted, it begins again: the log is what is in the table until the table is gone.
pub(super) fn upgrade(records: &Connection, files: &Files, turn: u64) -> Result<(), StoreError> {
    let database = failed("read commits of format 1");
    files.clear()?;
    let mut log = Log::at_the_beginning(files.clone(), turn);
    let mut select = records
        .prepare("SELECT at, entries FROM batch ORDER BY first_commit")
        .map_err(&database)?;
    let mut rows = select.query([]).map_err(&database)?;
    while let Some(row) = rows.next().map_err(&database)? {
        let at: String = row.get(0).map_err(&database)?;
        let entries: String = row.get(1).map_err(&database)?;
        let batch = Batch {
            at: at.parse::<Timestamp>().map_err(|error| StoreError::Damaged {
                what: format!("the time of a batch of commits: {error}"),
            })?,
            entries: frame::decode(entries.as_bytes())?,
        };
        // All in one file: it is the only one that is free.
        log.append(&batch, false)?;
    }
    drop(rows);
    drop(select);
    let sql = format!(
        "BEGIN IMMEDIATE; DROP TABLE batch; PRAGMA user_version = {}; COMMIT",
        file::FORMAT
    );
    records
        .execute_batch(&sql)
        .map_err(failed("move commits of format 1 into the log"))
}
