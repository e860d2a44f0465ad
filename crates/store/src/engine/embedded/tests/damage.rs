//! Logs that are not as they were written.

use super::*;

const COMMITS: u64 = 5;

/// A folder with commits that are all in the log.
fn written() -> TempDir {
    let folder = tempfile::tempdir().expect("makes a folder");
    let mut engine = open(folder.path());
    engine.load(&mut |_| Ok(())).expect("loads");
    for commit in 1..=COMMITS {
        engine.append(&one(commit)).expect("appends");
    }
    copy(folder.path())
}

/// Where each batch begins in the first file, and where the last one ends.
fn places(folder: &Path) -> Vec<usize> {
    let [bytes, _] = logs(folder);
    let begins = |it: &usize| bytes[*it..].starts_with(b"batch ");
    let mut places: Vec<usize> = (0..bytes.len()).filter(begins).collect();
    places.push(bytes.iter().rposition(|it| *it == b'\n').expect("has lines") + 1);
    places
}

/// What is loaded after one byte was changed.
fn load_with_change_at(place: usize) -> Result<CommitId, StoreError> {
    let folder = written();
    let path = folder.path().join("state.db.log0");
    let mut bytes = std::fs::read(&path).expect("reads");
    bytes[place] ^= 0x15;
    std::fs::write(&path, bytes).expect("writes");
    open(folder.path()).load(&mut |_| Ok(())).map(|it| it.last_commit)
}

#[test]
fn a_last_batch_that_is_not_whole_was_never_answered() {
    let places = places(written().path());
    let [begin, end] = places[places.len() - 2..] else {
        panic!("has batches");
    };
    for place in (begin..end).step_by(3).chain([end - 1]) {
        assert_eq!(load_with_change_at(place), Ok(CommitId(COMMITS - 1)), "{place}");
    }
}

#[test]
fn an_earlier_batch_that_is_not_whole_is_damage() {
    let places = places(written().path());
    for place in [
        places[0],
        places[0] + 7,
        places[1] + 30,
        places[3] + 90,
        places[4] - 2,
    ] {
        let loaded = load_with_change_at(place);
        assert!(
            matches!(loaded, Err(StoreError::Damaged { .. })),
            "{place}: {loaded:?}"
        );
    }
}

#[test]
fn a_gap_between_records_and_log_is_damage() {
    let folder = written();
    let connection = rusqlite::Connection::open(folder.path().join("state.db")).expect("opens");
    connection
        .execute("UPDATE folded SET through = 0", [])
        .expect("writes");
    drop(connection);
    let path = folder.path().join("state.db.log0");
    let bytes = std::fs::read(&path).expect("reads");
    let second = places(folder.path())[1];
    std::fs::write(&path, &bytes[second..]).expect("writes");
    let loaded = open(folder.path()).load(&mut |_| Ok(()));
    let expected = "stored data is damaged: commit 2 follows on commit 0";
    assert_eq!(loaded.expect_err("is damaged").to_string(), expected);
}
