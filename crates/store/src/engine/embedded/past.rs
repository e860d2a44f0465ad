//! Commits that are still in batches, read again one by one.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde_json::value::RawValue;

use super::{Place, failed, parse, parts, place};
use crate::engine::{Operation, Past};
use crate::{CommitId, StoreError};

/// The commits after that one, and what the records that they write were before.
pub(super) fn read(connection: &Connection, after: CommitId) -> Result<Past, StoreError> {
    let database = failed("read commits");
    let last = connection.query_row("SELECT max(last_commit) FROM batch", [], |row| {
        row.get::<_, Option<u64>>(0)
    });
    if last.map_err(&database)?.is_none_or(|it| it <= after.0) {
        return Ok(Past::default());
    }
    let mut past = Past::default();
    // What unfolded commits up to that one made of records.
    let mut earlier: BTreeMap<Place, Operation> = BTreeMap::new();
    let mut select = connection
        .prepare("SELECT at, entries FROM batch ORDER BY first_commit")
        .map_err(&database)?;
    let mut rows = select.query([]).map_err(&database)?;
    while let Some(row) = rows.next().map_err(&database)? {
        let at: String = row.get(0).map_err(&database)?;
        let at: Timestamp = at.parse().map_err(|error| StoreError::Damaged {
            what: format!("the time of a batch of commits: {error}"),
        })?;
        let entries: String = row.get(1).map_err(&database)?;
        for entry in parse(&entries)? {
            if entry.commit > after {
                past.entries.push((at, entry));
                continue;
            }
            earlier.extend(entry.operations.into_iter().map(|it| (place(&it), it)));
        }
    }
    let written: BTreeSet<Place> = past
        .entries
        .iter()
        .flat_map(|(_, entry)| entry.operations.iter().map(place))
        .collect();
    for place in written {
        let before = match earlier.remove(&place) {
            Some(operation) => Some(operation).filter(|it| it.value.is_some()),
            None => folded(connection, &place)?,
        };
        past.before.extend(before);
    }
    Ok(past)
}

/// A record that has left the batches.
fn folded(connection: &Connection, place: &Place) -> Result<Option<Operation>, StoreError> {
    let (kind, key) = parts(place);
    let database = failed("read a record");
    let mut select = connection
        .prepare_cached("SELECT format, value FROM record WHERE kind = ?1 AND key = ?2")
        .map_err(&database)?;
    let found = select.query_row((kind, key), |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
    let Some((format, value)) = found.optional().map_err(&database)? else {
        return Ok(None);
    };
    let value = RawValue::from_string(value).map_err(|error| StoreError::Damaged {
        what: format!("the record {kind} {key}: {error}"),
    })?;
    Ok(Some(Operation {
        table: kind.to_owned().into(),
        key: key.to_owned(),
        format,
        value: Some(value),
    }))
}
