//! The embedded engine: as a map, after crashes, and as a file that others may hold or have written.

use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Embedded, Limits};
use crate::engine::tests::{Subject, check, steps};
use crate::engine::{Batch, Engine, Entry, Operation};
use crate::{CommitId, StoreError};

mod damage;
mod folding;
mod upgrade;

/// So small that a few commits need upkeep.
const LIMITS: Limits = Limits {
    tail: 300,
    turn: 900,
    held_max: 100_000,
    urgent: 3_000,
    full: 200_000,
    slice: 200,
    checkpoint: 500,
};

/// All that a loss of power leaves.
const FILES: [&str; 4] = ["state.db", "state.db-wal", "state.db.log0", "state.db.log1"];

struct OnDisk {
    folder: TempDir,
    engine: Option<Embedded>,
}

impl OnDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("makes a folder");
        let engine = Some(open(folder.path()));
        Self { folder, engine }
    }
}

fn open(folder: &Path) -> Embedded {
    Embedded::open_with(&folder.join("state.db"), LIMITS).expect("opens")
}

impl Subject for OnDisk {
    fn engine(&mut self) -> &mut dyn Engine {
        self.engine.as_mut().expect("is open")
    }

    fn tend(&mut self) {
        self.engine.as_ref().expect("is open").shared.settle();
    }

    fn reopen(&mut self) {
        self.engine = None;
        self.engine = Some(open(self.folder.path()));
    }

    fn crash(&mut self) {
        let folder = copy(self.folder.path());
        self.engine = Some(open(folder.path()));
        self.folder = folder;
    }

    fn tear(&mut self, batch: &Batch, part: u8) {
        let before = logs(self.folder.path());
        self.engine().append(batch).expect("appends");
        let folder = copy(self.folder.path());
        for ((name, mut before), after) in FILES[2..].iter().zip(before).zip(logs(folder.path())) {
            before.resize(after.len(), 0);
            let begin = (0..after.len()).find(|it| before.get(*it) != after.get(*it));
            let end = (0..after.len()).rfind(|it| before.get(*it) != after.get(*it));
            let (Some(begin), Some(end)) = (begin, end) else {
                continue;
            };
            // The last byte that differs is never there.
            let torn = begin + (end - begin) * usize::from(part) / 255;
            before[begin..torn].copy_from_slice(&after[begin..torn]);
            std::fs::write(folder.path().join(name), before).expect("writes");
        }
        self.engine = Some(open(folder.path()));
        self.folder = folder;
    }
}

/// The files as they are in the middle of things, with nothing said to SQLite.
fn copy(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().expect("makes a folder");
    for name in FILES {
        std::fs::copy(from.join(name), folder.path().join(name)).expect("copies");
    }
    folder
}

fn logs(folder: &Path) -> [Vec<u8>; 2] {
    ["state.db.log0", "state.db.log1"].map(|it| std::fs::read(folder.join(it)).expect("reads"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn it_is_a_map(steps in steps()) {
        check(&mut OnDisk::new(), &steps);
    }
}

#[test]
fn the_second_to_open_it_learns_who_has_it() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let _first = open(folder.path());
    let Err(refusal) = Embedded::open(&folder.path().join("state.db")) else {
        panic!("opened twice");
    };
    let holder = format!("is in use by process {} (", std::process::id());
    assert!(refusal.to_string().contains(&holder), "{refusal}");
    assert!(
        refusal.to_string().contains("stop that process first"),
        "{refusal}"
    );
}

#[test]
fn a_file_that_another_program_holds_is_in_use() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("state.db");
    drop(open(folder.path()));
    let other = rusqlite::Connection::open(&path).expect("opens");
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
        .expect("locks");
    let refusal = Embedded::open(&path).err().expect("is refused");
    assert!(
        matches!(&refusal, StoreError::InUse { holder, .. } if holder == "another program"),
        "{refusal}"
    );
}

#[test]
fn a_newer_file_is_refused() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("state.db");
    drop(open(folder.path()));
    let other = rusqlite::Connection::open(&path).expect("opens");
    other.pragma_update(None, "user_version", 3).expect("writes");
    drop(other);
    let refusal = Embedded::open(&path).err().expect("is refused");
    assert!(
        matches!(
            refusal,
            StoreError::Newer {
                found: 3,
                known: 2,
                ..
            }
        ),
        "{refusal}"
    );
}

#[test]
fn a_foreign_file_is_left_alone() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("state.db");
    let other = rusqlite::Connection::open(&path).expect("opens");
    other
        .execute_batch("CREATE TABLE mine (number INTEGER)")
        .expect("writes");
    drop(other);
    assert!(matches!(Embedded::open(&path), Err(StoreError::Damaged { .. })));
    std::fs::write(
        &path,
        "a letter of more than a hundred bytes, so that it could be a header. ".repeat(20),
    )
    .expect("writes");
    assert!(matches!(Embedded::open(&path), Err(StoreError::Damaged { .. })));
}

#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("makes a folder");
    let _engine = open(folder.path());
    for name in FILES.iter().chain(&["state.db.lock"]) {
        let file = std::fs::metadata(folder.path().join(name)).expect("is there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn commits_that_a_follower_needs_are_not_folded_unless_they_are_far_too_many() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let mut engine = open(folder.path());
    let retention = engine.retain_after(CommitId(3));
    engine.load(&mut |_| Ok(())).expect("loads");
    let fill = |engine: &mut Embedded, commits: std::ops::RangeInclusive<u64>| {
        for commit in commits {
            engine.append(&one(commit)).expect("appends");
            // Ends: what is held back is not looked at again and again.
            engine.shared.settle();
        }
    };
    let first_after = |engine: &mut Embedded, after: u64| {
        let past = engine.commits_after(CommitId(after)).expect("reads");
        let before = past.before.len();
        past.entries.first().map(|(_, it)| (it.commit.0, before))
    };
    fill(&mut engine, 1..=20);
    assert_eq!(
        first_after(&mut engine, 3),
        Some((4, 1)),
        "with the record before it"
    );
    retention.release(CommitId(10));
    fill(&mut engine, 21..=21);
    assert_eq!(first_after(&mut engine, 10), Some((11, 1)));
    assert_eq!(first_after(&mut engine, 3), Some((11, 1)), "some are gone");
    engine.shared.with_tail(|tail| tail.limits.held_max = 500);
    fill(&mut engine, 22..=22);
    assert!(first_after(&mut engine, 10).is_some_and(|(first, _)| first > 11));
}

/// A commit that counts one record up.
fn one(commit: u64) -> Batch {
    let value = serde_json::value::to_raw_value(&"x".repeat(40)).expect("JSON");
    let operation = Operation {
        table: "number".into(),
        key: "one".to_owned(),
        format: 1,
        value: Some(value),
    };
    Batch {
        entries: vec![Entry {
            commit: CommitId(commit),
            operations: vec![operation],
        }],
        at: domain::Timestamp::UNIX_EPOCH,
    }
}
