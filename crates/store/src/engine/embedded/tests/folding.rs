//! What is folded, and when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

fn length(folder: &Path) -> u64 {
    let lengths = FILES[2..].iter().map(|it| std::fs::metadata(folder.join(it)));
    lengths.map(|it| it.expect("is there").len()).sum()
}

#[test]
fn the_thread_folds_while_commits_come_in_and_the_log_stays_short() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("state.db");
    let mut engine = Embedded::open_with(&path, LIMITS).expect("opens");
    engine.folding = Some(super::super::Folding::start(engine.shared.clone()).expect("starts"));
    engine.load(&mut |_| Ok(())).expect("loads");
    for commit in 1..=2_000 {
        engine.append(&one(commit)).expect("appends");
    }
    let deadline = Instant::now() + DEADLINE;
    let bytes = |it: &Embedded| {
        it.shared
            .with_tail(|tail| tail.frames().map(|it| it.bytes()).sum::<u64>())
    };
    while bytes(&engine) > LIMITS.tail {
        assert!(Instant::now() < deadline, "{} bytes are left", bytes(&engine));
        std::thread::yield_now();
    }
    drop(engine);
    assert!(length(folder.path()) <= 4 << 20, "{}", length(folder.path()));
    let mut loaded = BTreeMap::new();
    let mut visit = |it: Operation| {
        loaded.insert(it.key, it.value.expect("is there").get().to_owned());
        Ok(())
    };
    let last = open(folder.path()).load(&mut visit).expect("loads").last_commit;
    assert_eq!(last, CommitId(2_000));
    assert_eq!(loaded.len(), 1);
}

#[test]
fn commits_are_refused_where_nothing_can_be_folded_and_taken_once_it_can() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let mut engine = open(folder.path());
    engine.load(&mut |_| Ok(())).expect("loads");
    engine.shared.with_tail(|tail| tail.limits.full = 1_000);
    let records = |engine: &Embedded, sql: &str| {
        let done = engine
            .shared
            .with_records(|it| it.execute_batch(sql).map_err(super::super::failed("test")));
        done.expect("is done");
    };
    records(&engine, "ALTER TABLE record RENAME TO hidden");
    let mut commit = 0;
    let refusal = loop {
        engine.shared.settle();
        match engine.append(&one(commit + 1)) {
            Ok(()) => commit += 1,
            Err(refusal) => break refusal,
        }
        assert!(commit < 100, "is refused at last");
    };
    assert!(
        refusal.to_string().contains("fold commits into records"),
        "{refusal}"
    );
    records(&engine, "ALTER TABLE hidden RENAME TO record");
    engine.shared.settle();
    engine.append(&one(commit + 1)).expect("appends");
    let loaded = engine.load(&mut |_| Ok(())).expect("loads");
    assert_eq!(loaded.last_commit, CommitId(commit + 1));
}
