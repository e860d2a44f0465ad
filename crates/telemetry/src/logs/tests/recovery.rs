//! What is there after the process was killed, or the power lost, at any moment.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Fixture, GROUP, NOW_MS, at, copy_of, event, messages_of, scope, tiny};
use crate::logs::{Logs, LogsError, LogsOptions, StartFrom};

fn group_file(dir: &Path, name: &str) -> PathBuf {
    dir.join("0000000001").join(name)
}

fn messages_after_open(dir: &Path) -> Vec<String> {
    let logs = Logs::open(dir).expect("the store opens");
    let found = messages_of(&logs, None, StartFrom::Head);
    // It goes on from there.
    logs.put_events(&scope(), GROUP, "b", &[event(NOW_MS + 99, "new")], at(NOW_MS))
        .expect("stored");
    let mut with_new = found.clone();
    with_new.push("new".to_owned());
    drop(logs);
    let logs = Logs::open(dir).expect("the store opens again");
    assert_eq!(messages_of(&logs, None, StartFrom::Head), with_new);
    found
}

#[test]
fn acknowledged_events_are_on_disk_at_once() {
    let fixture = Fixture::new();
    for offset in 0..5 {
        fixture.put_at("a", &[offset]);
        let killed = copy_of(fixture.dir.path());
        let expected: Vec<_> = (0..=offset).map(|it| format!("a{it}")).collect();
        assert_eq!(messages_after_open(killed.path()), expected);
    }
}

#[test]
fn a_torn_last_batch_is_cut_at_any_byte() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[0, 1]);
    fixture.put_at("b", &[2]);
    let segment = group_file(fixture.dir.path(), "0000000000000000.segment");
    let before = fs::metadata(&segment).expect("a segment").len();
    fixture.put_at("a", &[3, 4]);
    let after = fs::metadata(&segment).expect("a segment").len();
    for len in before..after {
        let copy = copy_of(fixture.dir.path());
        let file = File::options()
            .write(true)
            .open(group_file(copy.path(), "0000000000000000.segment"));
        file.expect("a segment").set_len(len).expect("cut");
        assert_eq!(
            messages_after_open(copy.path()),
            ["a0", "a1", "b2"],
            "cut at {len} of {after}"
        );
    }
}

#[test]
fn a_damaged_last_batch_is_told_at_any_byte() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[0, 1]);
    let segment = group_file(fixture.dir.path(), "0000000000000000.segment");
    let before = fs::metadata(&segment).expect("a segment").len();
    fixture.put_at("a", &[3, 4]);
    let bytes = fs::read(&segment).expect("a segment");
    for offset in before..bytes.len() as u64 {
        let copy = copy_of(fixture.dir.path());
        let file = File::options()
            .write(true)
            .open(group_file(copy.path(), "0000000000000000.segment"));
        let flipped = [bytes[offset as usize] ^ 0x40];
        file.expect("a segment")
            .write_all_at(&flipped, offset)
            .expect("written");
        assert_eq!(messages_after_open(copy.path()), ["a0", "a1"], "byte {offset}");
    }
}

#[test]
fn a_torn_journal_record_is_cut_at_any_byte() {
    let fixture = Fixture::new();
    let journal = group_file(fixture.dir.path(), "journal");
    let before = fs::metadata(&journal).expect("a journal").len();
    fixture.create_stream("c").expect("a stream");
    let after = fs::metadata(&journal).expect("a journal").len();
    for len in before..after {
        let copy = copy_of(fixture.dir.path());
        let file = File::options()
            .write(true)
            .open(group_file(copy.path(), "journal"));
        file.expect("a journal").set_len(len).expect("cut");
        let logs = Logs::open(copy.path()).expect("the store opens");
        logs.describe_stream(&scope(), GROUP, "b")
            .expect("an earlier stream");
        let missing = logs.describe_stream(&scope(), GROUP, "c");
        assert!(matches!(missing, Err(LogsError::StreamNotFound)));
        logs.create_stream(&scope(), GROUP, "c", at(NOW_MS))
            .expect("a stream");
        drop(logs);
        let logs = Logs::open(copy.path()).expect("the store opens again");
        logs.describe_stream(&scope(), GROUP, "c").expect("the stream");
    }
}

#[test]
fn a_group_cut_off_in_its_creation_or_deletion_is_removed() {
    let fixture = Fixture::new();
    let copy = copy_of(fixture.dir.path());
    fs::create_dir(copy.path().join("0000000002")).expect("a directory without journal");
    fs::rename(
        copy.path().join("0000000001"),
        copy.path().join("0000000001.deleted"),
    )
    .expect("renamed");
    let logs = Logs::open(copy.path()).expect("the store opens");
    assert!(matches!(
        logs.describe_group(&scope(), GROUP),
        Err(LogsError::GroupNotFound)
    ));
    let left: Vec<_> = fs::read_dir(copy.path())
        .expect("a directory")
        .map(|it| it.expect("an entry").path())
        .collect();
    assert_eq!(left, [copy.path().join("lock")]);
}

#[test]
fn indexes_are_made_again_when_missing_or_damaged() {
    let fixture = Fixture::with(tiny());
    let expected: Vec<_> = (0..20).map(|it| format!("a{it}")).collect();
    for offset in 0..20 {
        fixture.put_at("a", &[offset]);
    }
    let dir = fixture.dir.path().join("0000000001");
    let indexes: Vec<_> = fs::read_dir(&dir)
        .expect("a directory")
        .map(|it| it.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|it| it.ends_with(".index"))
        .collect();
    assert!(indexes.len() > 2, "the fixture seals segments: {indexes:?}");
    for index in &indexes {
        let missing = copy_of(fixture.dir.path());
        fs::remove_file(group_file(missing.path(), index)).expect("removed");
        assert_eq!(messages_after_open(missing.path()), expected);

        let length = fs::metadata(dir.join(index)).expect("an index").len();
        for offset in 0..length {
            let damaged = copy_of(fixture.dir.path());
            let file = File::options()
                .read(true)
                .write(true)
                .open(group_file(damaged.path(), index))
                .expect("open");
            let mut byte = [0];
            file.read_exact_at(&mut byte, offset).expect("read");
            file.write_all_at(&[byte[0] ^ 0x10], offset).expect("written");
            let logs = Logs::open(damaged.path()).expect("the store opens");
            assert_eq!(
                messages_of(&logs, None, StartFrom::Head),
                expected,
                "{index} byte {offset}"
            );
        }
    }
}

#[test]
fn a_failed_write_leaves_nothing_behind() {
    let mut fixture = Fixture::with(LogsOptions {
        open_files_max: 0,
        ..LogsOptions::default()
    });
    fixture.put_at("a", &[0]);
    let segment = group_file(fixture.dir.path(), "0000000000000000.segment");
    let aside = segment.with_extension("aside");
    fs::rename(&segment, &aside).expect("moved away");
    let failed = fixture.put("a", &[event(NOW_MS + 1, "a1")]);
    assert!(matches!(failed, Err(LogsError::Storage { .. })), "{failed:?}");
    fs::rename(&aside, &segment).expect("moved back");
    fixture.put_at("a", &[2]);
    assert_eq!(fixture.messages(None), ["a0", "a2"]);
    fixture.reopen();
    assert_eq!(fixture.messages(None), ["a0", "a2"]);
}
