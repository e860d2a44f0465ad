//! The disk is full: what is refused is not there, what was taken stays, and it goes on when there is room again.

use test_support::disk::Disk;

use super::{Fixture, GROUP, NOW_MS, StartFrom, at, event, messages_of, scope, tiny};
use crate::logs::{CreateLogGroup, Logs, LogsError, LogsOptions};

/// As many batches as fill some pages of the file system.
const BATCHES: usize = 120;

/// A store on a disk of one MiB.
fn on_disk(options: &LogsOptions) -> (Disk, Fixture) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk = Disk::mount(dir.path(), 1).expect("a disk");
    let logs = Logs::open_with(dir.path(), options.clone()).expect("an empty store opens");
    let fixture = Fixture {
        dir,
        options: options.clone(),
        logs: Some(logs),
    };
    fixture.create_group(GROUP).expect("a first group");
    fixture.create_stream("a").expect("a first stream");
    (disk, fixture)
}

/// Puts batches; answers which were taken.
fn put_many(fixture: &Fixture, first: usize) -> Vec<String> {
    let mut taken = Vec::new();
    for number in first..first + BATCHES {
        let message = format!("{number:0100}");
        match fixture.put("a", &[event(NOW_MS + number as i64, &message)]) {
            Ok(_) => taken.push(message),
            Err(error) => assert!(matches!(error, LogsError::Storage { .. }), "{error}"),
        }
    }
    taken
}

#[test]
fn what_was_taken_stays_and_what_was_refused_is_not_there() {
    for options in [LogsOptions::default(), tiny()] {
        let (disk, mut fixture) = on_disk(&options);
        let mut taken = put_many(&fixture, 0);
        assert_eq!(taken.len(), BATCHES);
        disk.fill().expect("it is filled");
        let meanwhile = put_many(&fixture, BATCHES);
        assert!(meanwhile.len() < BATCHES, "some are refused");
        taken.extend(meanwhile);
        assert_eq!(fixture.messages(None), taken, "reading goes on");
        disk.free().expect("there is room");
        let after = put_many(&fixture, 2 * BATCHES);
        assert_eq!(after.len(), BATCHES, "all are taken again");
        taken.extend(after);
        assert_eq!(fixture.messages(None), taken);
        fixture.reopen();
        assert_eq!(fixture.messages(None), taken);
    }
}

#[test]
fn a_batch_that_was_taken_is_not_refused_because_old_ones_cannot_be_dropped() {
    let options = LogsOptions {
        disk_bytes_max: Some(4000),
        ..tiny()
    };
    let (disk, mut fixture) = on_disk(&options);
    let mut taken = put_many(&fixture, 0);
    disk.fill().expect("it is filled");
    taken.extend(put_many(&fixture, BATCHES));
    let kept = fixture.messages(None);
    assert!(taken.ends_with(&kept), "{kept:?}\nof {taken:?}");
    disk.free().expect("there is room");
    taken.extend(put_many(&fixture, 2 * BATCHES));
    fixture.reopen();
    let kept = messages_of(fixture.logs(), None, StartFrom::Head);
    assert!(taken.ends_with(&kept), "{kept:?}\nof {taken:?}");
}

#[test]
fn groups_and_streams_that_were_refused_can_be_made_later() {
    let (disk, mut fixture) = on_disk(&tiny());
    disk.fill().expect("it is filled");
    let make = |fixture: &Fixture, name: &str| {
        let input = CreateLogGroup {
            name: name.to_owned(),
            ..CreateLogGroup::default()
        };
        fixture.logs().create_group(&scope(), input, at(NOW_MS))
    };
    let mut refused = Vec::new();
    for number in 0..BATCHES {
        let name = format!("group-{number}");
        match make(&fixture, &name) {
            Ok(()) => {}
            Err(LogsError::Storage { .. }) => refused.push(name),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(!refused.is_empty());
    let streams: Vec<_> = (0..BATCHES).map(|it| format!("stream-{it}")).collect();
    let refused_streams: Vec<_> = streams
        .iter()
        .filter(|it| fixture.create_stream(it).is_err())
        .collect();
    assert!(!refused_streams.is_empty());
    disk.free().expect("there is room");
    for name in &refused {
        make(&fixture, name).expect("it is not there");
    }
    for name in refused_streams {
        fixture.create_stream(name).expect("it is not there");
    }
    fixture.reopen();
    for name in &refused {
        assert!(matches!(make(&fixture, name), Err(LogsError::GroupAlreadyExists)));
    }
    for name in &streams {
        assert!(matches!(
            fixture.create_stream(name),
            Err(LogsError::StreamAlreadyExists)
        ));
    }
}
