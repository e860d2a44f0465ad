//! Commits that are still in the log, read again one by one.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use serde_json::value::RawValue;

use super::log::{Files, Frame};
use super::{Place, failed, parts, place};
use crate::engine::{Operation, Past};
use crate::{CommitId, StoreError};

/// The commits after that one, and what the records that they write were before.
pub(super) fn read(
    records: &Connection,
    files: &Files,
    frames: &[Frame],
    after: CommitId,
) -> Result<Past, StoreError> {
    let mut past = Past::default();
    if frames.last().is_none_or(|it| it.described.last <= after) {
        return Ok(past);
    }
    // What unfolded commits up to that one made of records.
    let mut earlier: BTreeMap<Place, Operation> = BTreeMap::new();
    for frame in frames {
        for entry in files.read(frame)? {
            if entry.commit > after {
                past.entries.push((frame.described.at, entry));
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
            None => folded(records, &place)?,
        };
        past.before.extend(before);
    }
    Ok(past)
}

/// A record that has left the log.
fn folded(records: &Connection, place: &Place) -> Result<Option<Operation>, StoreError> {
    let (kind, key) = parts(place);
    let database = failed("read a record");
    let mut select = records
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
