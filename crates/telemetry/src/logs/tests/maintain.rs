//! Retention, the bound on disk, open files, tidying.

use std::fs;

use super::{DAY_MS, Fixture, GROUP, HOUR_MS, NOW_MS, at, event, scope, tiny};
use crate::logs::{LogsOptions, Maintenance};

#[test]
fn segments_are_deleted_once_all_they_hold_has_expired() {
    let mut fixture = Fixture::with(tiny());
    let logs = fixture.logs();
    logs.put_retention(&scope(), GROUP, 3).expect("a retention");
    for day in 0..10 {
        let now_ms = NOW_MS + day * DAY_MS;
        let line = [event(now_ms, &format!("day {day}"))];
        logs.put_events(&scope(), GROUP, "a", &line, at(now_ms))
            .expect("stored");
        logs.maintain(at(now_ms)).expect("maintained");
    }
    assert_eq!(fixture.messages(None), ["day 6", "day 7", "day 8", "day 9"]);
    let shown = fixture
        .logs()
        .describe_stream(&scope(), GROUP, "a")
        .expect("the stream");
    assert_eq!(shown.first_event_ms, Some(NOW_MS + 6 * DAY_MS));
    assert_eq!(shown.stored_bytes, 4 * (5 + 26));

    let done = fixture
        .logs()
        .maintain(at(NOW_MS + 20 * DAY_MS))
        .expect("maintained");
    assert_eq!(
        done,
        Maintenance {
            expired_segments: 4,
            crowded_out_segments: 0
        }
    );
    assert!(fixture.messages(None).is_empty());
    assert_eq!(fixture.logs().disk_bytes(), 0);
    let shown = fixture
        .logs()
        .describe_stream(&scope(), GROUP, "a")
        .expect("the stream stays");
    assert_eq!((shown.first_event_ms, shown.stored_bytes), (None, 0));
    assert_eq!(shown.last_event_ms, Some(NOW_MS + 9 * DAY_MS));
    fixture.reopen();
    let kept = fixture
        .logs()
        .describe_stream(&scope(), GROUP, "a")
        .expect("the stream stays");
    assert_eq!(
        (kept.first_event_ms, kept.last_event_ms),
        (shown.first_event_ms, shown.last_event_ms)
    );
    assert_eq!(kept.stored_bytes, 0);
}

#[test]
fn without_retention_nothing_expires() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[0]);
    let done = fixture
        .logs()
        .maintain(at(NOW_MS + 4000 * DAY_MS))
        .expect("maintained");
    assert_eq!(done, Maintenance::default());
    assert_eq!(fixture.messages(None), ["a0"]);
}

#[test]
fn the_numbers_of_batches_go_on_after_everything_expired() {
    let mut fixture = Fixture::with(tiny());
    fixture.put_at("a", &[0]);
    fixture
        .logs()
        .put_retention(&scope(), GROUP, 1)
        .expect("a retention");
    fixture
        .logs()
        .maintain(at(NOW_MS + 9 * DAY_MS))
        .expect("maintained");
    fixture.reopen();
    fixture.put_at("a", &[1]);
    assert!(
        fixture
            .dir
            .path()
            .join("0000000001/0000000000000001.segment")
            .exists()
    );
    assert_eq!(fixture.messages(None), ["a1"]);
}

#[test]
fn the_oldest_segments_make_room_for_new_ones() {
    let fixture = Fixture::with(LogsOptions {
        disk_bytes_max: Some(3000),
        ..tiny()
    });
    fixture.create_group("other").expect("a group");
    let logs = fixture.logs();
    logs.create_stream(&scope(), "other", "old", at(NOW_MS))
        .expect("a stream");
    let old = [event(NOW_MS - HOUR_MS, "old")];
    logs.put_events(&scope(), "other", "old", &old, at(NOW_MS - HOUR_MS))
        .expect("stored");
    for offset in 0..100 {
        let line = [event(NOW_MS + offset, &format!("line {offset}"))];
        logs.put_events(&scope(), GROUP, "a", &line, at(NOW_MS + offset))
            .expect("stored");
    }
    let used = logs.disk_bytes();
    assert!(
        used <= 3000 + 700,
        "{used} bytes are more than the bound and one segment"
    );
    let kept = fixture.messages(None);
    assert!(kept.len() > 10, "{kept:?}");
    assert_eq!(kept.last().map(String::as_str), Some("line 99"));
    let shown = logs.describe_group(&scope(), "other").expect("the group");
    assert_eq!(
        shown.stored_bytes, 0,
        "the oldest segment was that of the other group"
    );
    let shown = logs.describe_group(&scope(), GROUP).expect("the group");
    assert_eq!(
        shown.stored_bytes,
        kept.iter().map(|it| it.len() as u64 + 26).sum::<u64>()
    );
}

#[test]
fn segments_of_deleted_streams_only_are_deleted() {
    let fixture = Fixture::with(tiny());
    for offset in 0..12 {
        fixture.put_at("a", &[offset]);
    }
    fixture.put_at("b", &[12]);
    fixture
        .logs()
        .delete_stream(&scope(), GROUP, "a")
        .expect("deleted");
    assert_eq!(
        fixture
            .logs()
            .maintain(at(NOW_MS))
            .expect("maintained")
            .expired_segments,
        3
    );
    assert_eq!(fixture.messages(None), ["b12"]);
}

#[test]
fn few_files_are_open_however_many_groups_are_written() {
    let fixture = Fixture::with(LogsOptions {
        open_files_max: 3,
        ..LogsOptions::default()
    });
    let logs = fixture.logs();
    for group in 0..20 {
        let group = format!("group-{group}");
        fixture.create_group(&group).expect("a group");
        logs.create_stream(&scope(), &group, "s", at(NOW_MS))
            .expect("a stream");
    }
    for round in 0..3 {
        for group in 0..20 {
            let line = [event(NOW_MS + round, "line")];
            logs.put_events(&scope(), &format!("group-{group}"), "s", &line, at(NOW_MS))
                .expect("stored");
        }
    }
    let open = fs::read_dir("/proc/self/fd").expect("open files").filter(|it| {
        let target = it
            .as_ref()
            .ok()
            .and_then(|it| fs::read_link(it.path()).ok())
            .unwrap_or_default();
        target.starts_with(fixture.dir.path()) && target.extension().is_some_and(|it| it == "segment")
    });
    assert_eq!(open.count(), 3);
}

#[test]
fn journals_do_not_grow_with_what_is_gone() {
    let mut fixture = Fixture::new();
    for _ in 0..300 {
        fixture.create_stream("c").expect("created");
        fixture
            .logs()
            .delete_stream(&scope(), GROUP, "c")
            .expect("deleted");
    }
    fixture.put_at("a", &[0]);
    let journal = fixture.dir.path().join("0000000001/journal");
    let before = fs::metadata(&journal).expect("a journal").len();
    fixture.logs().maintain(at(NOW_MS)).expect("maintained");
    assert!(fs::metadata(&journal).expect("a journal").len() < before / 50);
    fixture.create_stream("c").expect("created");
    fixture.reopen();
    assert_eq!(fixture.messages(None), ["a0"]);
    fixture.put_at("c", &[1]);
    assert_eq!(fixture.messages(None), ["a0", "c1"]);
}

#[test]
fn idle_indexes_leave_the_memory() {
    let fixture = Fixture::new();
    for offset in 0..300 {
        fixture.put_at("a", &[offset]);
    }
    let index = fixture.dir.path().join("0000000001/0000000000000000.index");
    fixture
        .logs()
        .maintain(at(NOW_MS + HOUR_MS - 1))
        .expect("maintained");
    assert!(!index.exists());
    fixture.logs().maintain(at(NOW_MS + HOUR_MS)).expect("maintained");
    assert!(index.exists());
    assert_eq!(fixture.messages(Some(7)).len(), 300);
}

#[test]
fn syncing_is_repeatable_and_covers_sealed_segments() {
    let fixture = Fixture::with(tiny());
    for offset in 0..12 {
        fixture.put_at("a", &[offset]);
    }
    fixture.logs().sync().expect("synced");
    let group = fixture.logs().group(&scope(), GROUP).expect("the group");
    let state = group.state.read();
    assert!(!state.is_dirty && state.unsynced.is_empty());
}
