use std::io::Write;

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn entry(key: &str, second: i64, text: &str) -> Entry {
    Entry {
        key: key.to_owned(),
        at_ms: second * 1000,
        record: RawValue::from_string(serde_json::to_string(text).expect("JSON")).expect("JSON"),
    }
}

fn options(kept_seconds: i64, bytes_max: u64, segment_bytes: u64) -> HistoryOptions {
    HistoryOptions {
        kept: SignedDuration::from_secs(kept_seconds),
        bytes_max,
        segment_bytes,
    }
}

fn text(history: &History, key: &str, now: Timestamp) -> Option<String> {
    let found = history.get(key, now).expect("reads")?;
    Some(serde_json::from_str(found.record.get()).expect("a text"))
}

/// What a crash leaves of a record that was being written.
fn tear(dir: &Path) {
    let Some(last) = numbers(dir).expect("lists").pop() else {
        return;
    };
    let mut file = File::options()
        .append(true)
        .open(segment::path(dir, last))
        .expect("opens");
    file.write_all(&[40, 0, 0, 0, 1, 2, 3, 4, b'{']).expect("writes");
}

#[test]
fn a_record_is_found_again_and_replaced_by_its_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = History::open(dir.path(), options(100, 1 << 20, 1 << 20)).expect("opens");
    history
        .append(&[
            entry("a/1", 1, "one"),
            entry("a/2", 2, "two"),
            entry("b/1", 3, "three"),
        ])
        .expect("writes");
    history.append(&[entry("a/1", 1, "again")]).expect("writes");
    assert_eq!(text(&history, "a/1", at(5)).as_deref(), Some("again"));
    assert_eq!(
        history.keys("a/", at(5)),
        [(1000, "a/1".to_owned()), (2000, "a/2".to_owned())]
    );
    assert_eq!(text(&history, "a", at(5)), None);
    assert!(matches!(
        History::open(dir.path(), options(1, 1, 1)),
        Err(HistoryError::InUse(_))
    ));
}

#[test]
fn the_oldest_go_when_it_grows_too_large() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = History::open(dir.path(), options(1_000_000, 4096, 512)).expect("opens");
    for number in 0..200 {
        history
            .append(&[entry(&format!("{number:03}"), number, "some text")])
            .expect("writes");
        history.maintain(at(number)).expect("drops");
        let bytes: u64 = history.inner.lock().segments.values().map(|it| it.len).sum();
        assert!(bytes <= 4096, "{bytes}");
    }
    assert_eq!(text(&history, "199", at(200)).as_deref(), Some("some text"));
    assert_eq!(text(&history, "000", at(200)), None);
    let keys = history.keys("", at(200));
    assert!((20..199).contains(&keys.len()), "{}", keys.len());
}

#[derive(Clone, Debug)]
enum Step {
    /// Keys of records that are handed over together, some of them again.
    Append(Vec<u8>),
    Wait(i64),
    Maintain,
    /// The process ends, in the middle of a record or not.
    Crash(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(0_u8..20, 1..5).prop_map(Step::Append),
        2 => (0_i64..20).prop_map(Step::Wait),
        1 => Just(Step::Maintain),
        1 => any::<bool>().prop_map(Step::Crash),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever was taken over is there for as long as it is to be kept, through crashes, and no longer.
    #[test]
    fn what_was_taken_over_is_kept_for_its_time(steps in steps()) {
        let dir = tempfile::tempdir().expect("a folder");
        let sizes = options(30, 1 << 30, 300);
        let mut history = History::open(dir.path(), sizes.clone()).expect("opens");
        let (mut now, mut model) = (1_000, BTreeMap::new());
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(keys) => {
                    let written = format!("step {number}");
                    let entries: Vec<_> = keys.iter().map(|it| entry(&it.to_string(), now, &written)).collect();
                    history.append(&entries).expect("writes");
                    model.extend(keys.into_iter().map(|it| (it.to_string(), (now, written.clone()))));
                }
                Step::Wait(seconds) => now += seconds,
                Step::Maintain => drop(history.maintain(at(now)).expect("drops")),
                Step::Crash(is_torn) => {
                    drop(history);
                    if is_torn {
                        tear(dir.path());
                    }
                    history = History::open(dir.path(), sizes.clone()).expect("opens again");
                }
            }
            for (key, (since, written)) in &model {
                let expected = (now - since <= 30).then(|| written.clone());
                prop_assert_eq!(text(&history, key, at(now)), expected, "{} at {}", key, now);
            }
        }
        let shown = history.keys("", at(now)).len();
        prop_assert_eq!(shown, model.values().filter(|(since, _)| now - since <= 30).count());
    }
}

#[test]
fn a_full_disk_refuses_records_and_keeps_none_of_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = test_support::disk::Disk::mount(dir.path(), 1).expect("a disk");
    let history = History::open(dir.path(), options(1000, 1 << 20, 4096)).expect("opens");
    let long = "x".repeat(300);
    let mut kept = Vec::new();
    let put = |first: usize, kept: &mut Vec<String>| {
        let keys = (first..first + 100).map(|it| format!("task/{it:04}"));
        let before = kept.len();
        kept.extend(keys.filter(|it| history.append(&[entry(it, 1, &long)]).is_ok()));
        kept.len() - before
    };
    assert_eq!(put(0, &mut kept), 100);
    disk.fill().expect("it is filled");
    assert!(put(100, &mut kept) < 100, "some are refused");
    disk.free().expect("there is room");
    assert_eq!(put(200, &mut kept), 100);
    let keys = |history: &History| -> Vec<String> {
        history.keys("", at(2)).into_iter().map(|(_, key)| key).collect()
    };
    assert_eq!(keys(&history), kept);
    drop(history);
    let history = History::open(dir.path(), options(1000, 1 << 20, 4096)).expect("opens again");
    assert_eq!(keys(&history), kept);
}

#[test]
fn a_segment_that_was_left_half_made_is_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = History::open(dir.path(), options(1000, 1 << 20, 1)).expect("opens");
    history.append(&[entry("a", 1, "one")]).expect("writes");
    // Its name was on the disk when that failed.
    File::create_new(segment::path(dir.path(), 1)).expect("is made");
    history.append(&[entry("b", 1, "two")]).expect("writes");
    assert_eq!(text(&history, "b", at(2)).as_deref(), Some("two"));
}
