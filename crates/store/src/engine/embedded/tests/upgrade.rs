//! Files of format 1.

use std::collections::BTreeMap;

use super::*;

/// What an earlier release left: one record, and two batches that are not folded.
fn format_1(folder: &Path) {
    let other = rusqlite::Connection::open(folder.join("state.db")).expect("opens");
    let sql = r#"
        CREATE TABLE batch (
            first_commit INTEGER PRIMARY KEY, last_commit INTEGER NOT NULL, at TEXT NOT NULL, entries TEXT NOT NULL
        ) STRICT;
        CREATE TABLE record (kind TEXT NOT NULL, key TEXT NOT NULL, format INTEGER NOT NULL, value TEXT NOT NULL) STRICT;
        CREATE UNIQUE INDEX record_by_key ON record (kind, key);
        CREATE TABLE folded (through INTEGER NOT NULL, at TEXT) STRICT;
        INSERT INTO folded VALUES (3, '2026-11-20T10:00:00Z');
        INSERT INTO record VALUES ('cluster', 'a', 1, '1'), ('cluster', 'b', 1, '1');
        INSERT INTO batch VALUES (4, 5, '2026-11-21T10:00:00Z', '[
            {"commit":4,"operations":[{"table":"cluster","key":"a","format":1,"value":4}]},
            {"commit":5,"operations":[{"table":"cluster","key":"c","format":1,"value":5}]}]');
        INSERT INTO batch VALUES (6, 6, '2026-11-22T10:00:00Z', '[
            {"commit":6,"operations":[{"table":"cluster","key":"b","format":1}]}]');
        PRAGMA application_id = 1196315737; PRAGMA user_version = 1;
    "#;
    other.execute_batch(sql).expect("writes");
}

fn loaded(engine: &mut Embedded) -> (BTreeMap<String, String>, String) {
    let mut found = BTreeMap::new();
    let loaded = engine.load(&mut |it| {
        found.insert(it.key, it.value.expect("is there").get().to_owned());
        Ok(())
    });
    let loaded = loaded.expect("loads");
    let at = loaded.at.expect("has a time");
    (found, format!("{} {at}", loaded.last_commit.0))
}

#[test]
fn batches_of_format_1_move_into_the_log() {
    let folder = tempfile::tempdir().expect("makes a folder");
    format_1(folder.path());
    // An upgrade that was interrupted left something behind.
    std::fs::write(folder.path().join("state.db.log1"), "batch 4 4 ").expect("writes");
    let records: BTreeMap<_, _> = [("a", "4"), ("c", "5")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let expected = (records, "6 2026-11-22T10:00:00Z".to_owned());
    let mut engine = open(folder.path());
    assert_eq!(loaded(&mut engine), expected);
    let past = engine.commits_after(CommitId(4)).expect("reads");
    assert_eq!(past.entries.len(), 2);
    engine.append(&one(7)).expect("appends");
    drop(engine);
    let mut engine = open(folder.path());
    engine.shared.settle();
    let (records, last) = loaded(&mut engine);
    assert_eq!((records.len(), last.as_str()), (3, "7 1970-01-01T00:00:00Z"));
}
