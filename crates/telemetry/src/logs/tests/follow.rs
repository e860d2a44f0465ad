//! Readers that follow while others write: nothing is lost, nothing comes twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Fixture, GROUP, NOW_MS, at, event, get, scope};
use crate::logs::{FilterLogEvents, GetLogEvents, Logs, LogsOptions, StartFrom};

const WRITERS: usize = 3;
const BATCHES: usize = 150;
const DEADLINE: Duration = Duration::from_secs(60);

/// Segments and reads so small that sealing and paging happen all the time.
fn options() -> LogsOptions {
    LogsOptions {
        segment_bytes: 2000,
        segment_blocks: 16,
        scan_bytes: 1500,
        ..LogsOptions::default()
    }
}

/// What `aws logs tail --follow` does: page to the end, then begin again at the newest timestamp, and pass over
/// the ids it has seen there.
struct Tail {
    input: FilterLogEvents,
    seen: BTreeMap<i64, BTreeSet<String>>,
    messages: Vec<String>,
}

impl Tail {
    fn new() -> Tail {
        let input = FilterLogEvents {
            group: GROUP.to_owned(),
            limit: Some(50),
            ..FilterLogEvents::default()
        };
        Tail {
            input,
            seen: BTreeMap::new(),
            messages: Vec::new(),
        }
    }

    fn poll(&mut self, logs: &Logs) {
        let page = logs.filter_events(&scope(), &self.input).expect("a page");
        for event in page.events {
            if self
                .seen
                .entry(event.timestamp_ms)
                .or_default()
                .insert(event.event_id)
            {
                self.messages.push(event.message);
            }
        }
        if let Some((newest, ids)) = self.seen.pop_last() {
            self.seen = BTreeMap::from([(newest, ids)]);
        }
        self.input.next_token = page.next_token;
        if self.input.next_token.is_none() {
            self.input.start_ms = self.seen.keys().next().copied().or(self.input.start_ms);
        }
    }
}

#[test]
fn tail_sees_every_event_of_several_writers_once() {
    let fixture = Fixture::with(options());
    let logs = fixture.logs();
    for writer in 0..WRITERS {
        fixture.create_stream(&format!("w{writer}")).expect("a stream");
    }
    // Held from reading the clock to the answer, as otherwise an event may become visible after a later one.
    let clock_ms = Mutex::new(NOW_MS);
    let running = AtomicUsize::new(WRITERS);
    let mut tail = Tail::new();
    thread::scope(|threads| {
        for writer in 0..WRITERS {
            let (clock_ms, running) = (&clock_ms, &running);
            threads.spawn(move || {
                for batch in 0..BATCHES {
                    let mut clock_ms = clock_ms.lock();
                    // Many batches share a moment.
                    *clock_ms += i64::from(batch % 4 == 0);
                    let line = |part| event(*clock_ms, &format!("{writer}/{batch}/{part}"));
                    let stream = format!("w{writer}");
                    logs.put_events(&scope(), GROUP, &stream, &[line(0), line(1)], at(NOW_MS))
                        .expect("stored");
                }
                running.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let deadline = Instant::now() + DEADLINE;
        loop {
            let was_running = running.load(Ordering::SeqCst) > 0;
            tail.poll(logs);
            if !was_running && tail.input.next_token.is_none() {
                break;
            }
            assert!(Instant::now() < deadline, "the writers do not end");
        }
        // The last poll may have ended a pass that began before the last write.
        tail.poll(logs);
        while tail.input.next_token.is_some() {
            tail.poll(logs);
        }
    });
    let distinct: BTreeSet<_> = tail.messages.iter().collect();
    assert_eq!(distinct.len(), WRITERS * BATCHES * 2, "events are missing");
    assert_eq!(tail.messages.len(), distinct.len(), "events came twice");
}

#[test]
fn forward_tokens_follow_a_stream_without_gaps() {
    let fixture = Fixture::with(options());
    let logs = fixture.logs();
    let mut found = Vec::new();
    thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for batch in 0..BATCHES as i64 {
                fixture.put_at("a", &[batch]);
                fixture.put_at("b", &[batch]);
            }
        });
        let mut input = GetLogEvents {
            start_from: StartFrom::Head,
            limit: Some(20),
            ..get("a")
        };
        let deadline = Instant::now() + DEADLINE;
        loop {
            let is_over = writer.is_finished();
            let page = logs.get_events(&scope(), &input).expect("a page");
            found.extend(page.events.into_iter().map(|it| it.message));
            if is_over && input.next_token.as_ref() == Some(&page.next_forward_token) {
                break;
            }
            input.next_token = Some(page.next_forward_token);
            assert!(Instant::now() < deadline, "the writer does not end");
        }
    });
    let expected: Vec<_> = (0..BATCHES).map(|it| format!("a{it}")).collect();
    assert_eq!(found, expected);
}

#[test]
fn reading_goes_on_while_segments_are_dropped() {
    let fixture = Fixture::with(LogsOptions {
        disk_bytes_max: Some(6000),
        ..options()
    });
    let logs = fixture.logs();
    thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for batch in 0..1000 {
                fixture.put_at("a", &[batch]);
            }
        });
        while !writer.is_finished() {
            let found = fixture.messages(Some(100));
            let numbers: Vec<u32> = found.iter().filter_map(|it| it[1..].parse().ok()).collect();
            assert_eq!(numbers.len(), found.len());
            assert!(numbers.is_sorted_by(|left, right| left < right), "{numbers:?}");
        }
    });
    assert!(logs.disk_bytes() < 6000 + 3000);
}
