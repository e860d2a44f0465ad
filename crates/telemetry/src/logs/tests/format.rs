//! What is on disk must stay readable: these bytes were written by the first release of the format.

use std::fs;

use super::{Fixture, GROUP, NOW_MS, event, messages_of, scope};
use crate::logs::{LogGroupClass, Logs, StartFrom, frame};

const JOURNAL: [&str; 3] = [
    r#"{"Group":{"account":"123456789012","region":"us-east-1","name":"/ecs/web","created_ms":1760000000000,"class":"Standard","next_stream":0,"next_sequence":0}}"#,
    r#"{"Stream":{"number":0,"name":"a","created_ms":1760000000000}}"#,
    r#"{"Stream":{"number":1,"name":"b","created_ms":1760000000000}}"#,
];

/// Sequence, stream, count, ingestion, first and last timestamp, stored bytes; then offset, length and text twice.
const BLOCK: [u8; 68] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 192, 44, 200, 153, 1, 0, 0, 0, 192, 44, 200, 153, 1,
    0, 0, 7, 192, 44, 200, 153, 1, 0, 0, 56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 104, 105, 7, 0, 0,
    0, 2, 0, 0, 0, 121, 111,
];

#[test]
fn files_are_written_as_promised() {
    let fixture = Fixture::new();
    fixture
        .put("b", &[event(NOW_MS, "hi"), event(NOW_MS + 7, "yo")])
        .expect("stored");
    let dir = fixture.dir.path().join("0000000001");
    let journal: Vec<u8> = JOURNAL
        .iter()
        .flat_map(|it| frame::encode(it.as_bytes()))
        .collect();
    assert_eq!(fs::read(dir.join("journal")).expect("a journal"), journal);
    let segment = [b"GLOGSEG1".as_slice(), &frame::encode(&BLOCK)].concat();
    assert_eq!(
        fs::read(dir.join("0000000000000000.segment")).expect("a segment"),
        segment
    );
}

#[test]
fn files_of_that_form_are_read() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let dir = root.path().join("0000000007");
    fs::create_dir(&dir).expect("a directory");
    let journal: Vec<u8> = JOURNAL
        .iter()
        .flat_map(|it| frame::encode(it.as_bytes()))
        .collect();
    fs::write(dir.join("journal"), journal).expect("written");
    let segment = [b"GLOGSEG1".as_slice(), &frame::encode(&BLOCK)].concat();
    fs::write(dir.join("0000000000000000.segment"), segment).expect("written");
    let logs = Logs::open(root.path()).expect("the store opens");
    assert_eq!(messages_of(&logs, None, StartFrom::Head), ["hi", "yo"]);
    assert_eq!(
        logs.describe_group(&scope(), GROUP).expect("the group").class,
        LogGroupClass::Standard
    );
}
