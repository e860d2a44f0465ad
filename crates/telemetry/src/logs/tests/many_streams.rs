//! 10,000 streams in one group: what callers see, and what it takes of files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{DAY_MS, Fixture, GROUP, HOUR_MS, NOW_MS, at, event, get, scope};
use crate::logs::{DescribeLogStreams, FilterLogEvents, LogsOptions, StartFrom, StreamOrder};

const STREAMS: i64 = 10_000;
/// Blocks of a segment, so that the group has several.
const SEGMENT_BLOCKS: usize = 4096;

fn name(number: i64) -> String {
    format!("ecs/web/{number:05}")
}

/// When the one event of a stream was; the order of times is not that of names.
fn offset_ms(number: i64) -> i64 {
    -(number * 7919 % STREAMS)
}

/// A group in which each stream has one event.
fn full() -> Fixture {
    let fixture = Fixture::with(LogsOptions {
        segment_blocks: SEGMENT_BLOCKS,
        ..LogsOptions::default()
    });
    for number in 0..STREAMS {
        let name = name(number);
        fixture.create_stream(&name).expect("a stream");
        let line = [event(NOW_MS + offset_ms(number), &format!("line of {number}"))];
        fixture.put(&name, &line).expect("stored");
    }
    fixture
}

/// Names of all pages of a description.
fn listed(fixture: &Fixture, order: StreamOrder, is_descending: bool) -> Vec<String> {
    let mut input = DescribeLogStreams {
        order,
        is_descending,
        limit: None,
        next_token: None,
    };
    let mut names = Vec::new();
    loop {
        let page = fixture
            .logs()
            .describe_streams(&scope(), GROUP, &input)
            .expect("a page");
        names.extend(page.streams.into_iter().map(|it| it.name));
        match page.next_token {
            Some(token) => input.next_token = Some(token),
            None => return names,
        }
    }
}

fn files_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("a directory");
    let count = |path: &Path| if path.is_dir() { files_below(path) } else { 1 };
    entries.map(|it| count(&it.expect("an entry").path())).sum()
}

fn open_below(folder: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").expect("a directory");
    let targets = open.filter_map(|it| fs::read_link(it.ok()?.path()).ok());
    targets.filter(|it| it.starts_with(folder)).count()
}

#[test]
fn ten_thousand_streams_are_listed_read_and_expired() {
    let mut fixture = full();
    // A file for each stream, kept or open, would be 10,000.
    assert!(files_below(fixture.dir.path()) < 20);
    assert!(open_below(fixture.dir.path()) < 10);

    let by_name = |prefix: Option<&str>| StreamOrder::Name {
        prefix: prefix.map(str::to_owned),
    };
    let all: Vec<String> = (0..STREAMS).map(name).collect();
    assert_eq!(listed(&fixture, by_name(Some("ecs/web/")), false), all);
    let reversed: Vec<String> = all.iter().rev().cloned().collect();
    assert_eq!(listed(&fixture, by_name(Some("ecs/web/")), true), reversed);
    let some: Vec<String> = (9990..STREAMS).map(name).collect();
    assert_eq!(listed(&fixture, by_name(Some("ecs/web/0999")), false), some);
    let mut by_time: Vec<i64> = (0..STREAMS).collect();
    by_time.sort_by_key(|it| -offset_ms(*it));
    let newest_first: Vec<String> = by_time.into_iter().map(name).collect();
    let found = listed(&fixture, StreamOrder::LastEventTime, true);
    // The two streams of the fixture have no events and come last.
    assert_eq!(found[..newest_first.len()], newest_first);
    assert_eq!(found.len(), newest_first.len() + 2);

    for number in [0, 4999, STREAMS - 1] {
        let page = fixture
            .logs()
            .get_events(&scope(), &get(&name(number)))
            .expect("a page");
        assert_eq!(page.events[0].message, format!("line of {number}"));
    }
    let messages: BTreeSet<String> = fixture.messages(Some(1000)).into_iter().collect();
    assert_eq!(messages.len() as i64, STREAMS);
    let newest = FilterLogEvents {
        group: GROUP.to_owned(),
        start_ms: Some(NOW_MS - 9),
        start_from: Some(StartFrom::Head),
        ..FilterLogEvents::default()
    };
    let newest = fixture.logs().filter_events(&scope(), &newest).expect("a page");
    assert_eq!(newest.events.len(), 10);

    fixture.reopen();
    assert_eq!(listed(&fixture, by_name(Some("ecs/web/")), false), all);
    fixture
        .logs()
        .put_retention(&scope(), GROUP, 1)
        .expect("a retention");
    let later = at(NOW_MS + 2 * DAY_MS + HOUR_MS);
    // The segment that is written to is sealed first, once there is something newer.
    let line = [event(NOW_MS + 2 * DAY_MS, "newer")];
    let stored = fixture.logs().put_events(&scope(), GROUP, "a", &line, later);
    stored.expect("stored");
    fixture.logs().maintain(later).expect("maintained");
    fixture.logs().maintain(later).expect("maintained");
    assert_eq!(fixture.messages(None), ["newer"]);
    assert!(fixture.logs().disk_bytes() < 2 << 20);
    assert_eq!(listed(&fixture, by_name(None), false).len() as i64, STREAMS + 2);
}
