use std::io::Write;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

fn event(second: i64, service: &str, text: &str) -> NewEvent {
    NewEvent {
        at_ms: second * 1000,
        detail_type: "ECS Task State Change".to_owned(),
        cluster: None,
        service: Some(service.to_owned()),
        task: None,
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

fn open(dir: &Path, segment_bytes: u64) -> EventLog {
    EventLog::open(dir, options(1_000, 1 << 20, segment_bytes)).expect("opens")
}

/// Sequence numbers and texts after that one.
fn texts(log: &EventLog, after: u64) -> Vec<(u64, String)> {
    let page = log
        .read(after, &EventFilter::default(), usize::MAX)
        .expect("reads");
    assert!(page.is_end);
    let text = |it: &Event| serde_json::from_str(it.event.record.get()).expect("a text");
    page.events.iter().map(|it| (it.sequence, text(it))).collect()
}

/// What a crash leaves of a frame that was being written.
fn tear(dir: &Path) {
    let Some(last) = numbers(dir).expect("lists").pop() else {
        return;
    };
    let mut file = File::options().append(true).open(path(dir, last)).expect("opens");
    file.write_all(&[40, 0, 0, 0, 1, 2, 3, 4, 1]).expect("writes");
}

#[test]
fn events_are_numbered_and_read_after_each_of_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path(), 1 << 20);
    assert_eq!((log.last_sequence(), log.cursor()), (0, None));
    assert!(texts(&log, 0).is_empty());
    log.append(7, &[event(1, "a", "one"), event(2, "b", "two")])
        .expect("writes");
    log.append(9, &[event(3, "a", "three")]).expect("writes");
    assert_eq!((log.last_sequence(), log.cursor()), (3, Some(9)));
    assert_eq!(texts(&log, 1), [(2, "two".to_owned()), (3, "three".to_owned())]);
    assert!(texts(&log, 3).is_empty());
    assert!(texts(&log, 99).is_empty(), "nobody has seen what is yet to come");
}

#[test]
fn a_filter_tells_how_far_it_has_looked() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path(), 1 << 20);
    let all: Vec<_> = (1..=10)
        .map(|it| event(it, if it % 2 == 0 { "even" } else { "odd" }, "x"))
        .collect();
    log.append(1, &all).expect("writes");
    let filter = EventFilter {
        service: Some("even".to_owned()),
        since_ms: Some(4_000),
        ..EventFilter::default()
    };
    let page = log.read(0, &filter, 2).expect("reads");
    let found: Vec<u64> = page.events.iter().map(|it| it.sequence).collect();
    assert_eq!((found, page.through, page.is_end), (vec![4, 6], 6, false));
    let page = log.read(page.through, &filter, 5).expect("reads");
    assert_eq!((page.events.len(), page.through, page.is_end), (2, 10, true));
    let later = EventFilter {
        since_ms: Some(99_000),
        ..EventFilter::default()
    };
    let page = log.read(0, &later, 5).expect("reads");
    assert_eq!((page.events.len(), page.through, page.is_end), (0, 10, true));
}

#[test]
fn what_is_too_old_or_too_much_goes_and_the_numbers_stay() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = EventLog::open(dir.path(), options(10, 1 << 20, 1)).expect("opens");
    for second in 1..=20 {
        log.append(1, &[event(second, "a", "x")]).expect("writes");
    }
    let now = Timestamp::from_second(25).expect("in range");
    assert_eq!(log.maintain(now).expect("drops"), 13);
    assert_eq!(texts(&log, 0).first().map(|it| it.0), Some(14));
    let page = log.read(0, &EventFilter::default(), 1).expect("reads");
    assert_eq!(page.first_kept, 14);

    drop(log);
    let log = EventLog::open(dir.path(), options(10, 200, 1)).expect("opens");
    log.maintain(now).expect("drops");
    assert!(texts(&log, 0).len() < 4, "{:?}", texts(&log, 0));
    let much_later = Timestamp::from_second(9_999).expect("in range");
    log.maintain(much_later).expect("drops");
    assert_eq!(log.append(2, &[event(30, "a", "x")]).expect("writes"), 21);
}

#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    Restart,
    Crash,
    Sync,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_u8..4).prop_map(Step::Append),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        1 => Just(Step::Sync),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn nothing_is_lost_doubled_or_moved(steps in steps(), segment_bytes in prop_oneof![Just(1_u64), Just(300), Just(1 << 20)]) {
        let dir = tempfile::tempdir().expect("a folder");
        let mut log = open(dir.path(), segment_bytes);
        let (mut model, mut cursor) = (Vec::new(), 0);
        for step in steps {
            match step {
                Step::Append(count) => {
                    cursor += 1;
                    let first = model.len() as u64 + 1;
                    let texts: Vec<String> = (0..u64::from(count)).map(|it| format!("{cursor}-{it}")).collect();
                    let events: Vec<_> = texts.iter().map(|it| event(cursor, "a", it)).collect();
                    log.append(u64::try_from(cursor).expect("positive"), &events).expect("writes");
                    model.extend((first..).zip(texts));
                }
                Step::Restart | Step::Crash => {
                    drop(log);
                    if matches!(step, Step::Crash) {
                        tear(dir.path());
                    }
                    log = open(dir.path(), segment_bytes);
                }
                Step::Sync => {
                    let synced = log.sync().expect("syncs");
                    prop_assert_eq!(synced, log.cursor());
                }
            }
            prop_assert_eq!(log.last_sequence(), model.len() as u64);
            prop_assert_eq!(log.cursor(), u64::try_from(cursor).ok().filter(|it| *it > 0));
            for after in [0, model.len() / 2, model.len()] {
                prop_assert_eq!(&texts(&log, after as u64)[..], &model[after..]);
            }
        }
    }
}
