//! Tests of the store as its callers see it, and of what crashes leave.

mod describe;
mod filter;
mod follow;
mod format;
mod full_disk;
mod get;
mod maintain;
mod many_streams;
mod model;
mod put;
mod recovery;

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::logs::limits::DAY_MS;
use crate::logs::{
    CreateLogGroup, FilterLogEvents, GetLogEvents, InputEvent, LogScope, Logs, LogsError, LogsOptions,
    PutOutcome, StartFrom,
};

const NOW_MS: i64 = 1_760_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const GROUP: &str = "/ecs/web";

fn at(timestamp_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(timestamp_ms).expect("a time in range")
}

fn scope() -> LogScope {
    LogScope {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn event(timestamp_ms: i64, message: &str) -> InputEvent {
    InputEvent {
        timestamp_ms,
        message: message.to_owned(),
    }
}

/// Sizes so small that a few events exercise sealing and the bound on reading.
fn tiny() -> LogsOptions {
    LogsOptions {
        segment_bytes: 300,
        segment_blocks: 4,
        scan_bytes: 150,
        ..LogsOptions::default()
    }
}

/// A store with the group [`GROUP`] and the streams `a` and `b`.
struct Fixture {
    dir: TempDir,
    options: LogsOptions,
    logs: Option<Logs>,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture::with(LogsOptions::default())
    }

    fn with(options: LogsOptions) -> Fixture {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let logs = Logs::open_with(dir.path(), options.clone()).expect("an empty store opens");
        let fixture = Fixture {
            dir,
            options,
            logs: Some(logs),
        };
        fixture.create_group(GROUP).expect("a first group");
        fixture.create_stream("a").expect("a first stream");
        fixture.create_stream("b").expect("a second stream");
        fixture
    }

    fn logs(&self) -> &Logs {
        self.logs.as_ref().expect("the store is open")
    }

    fn reopen(&mut self) {
        drop(self.logs.take());
        self.logs =
            Some(Logs::open_with(self.dir.path(), self.options.clone()).expect("the store opens again"));
    }

    fn create_group(&self, name: &str) -> Result<(), LogsError> {
        let input = CreateLogGroup {
            name: name.to_owned(),
            ..CreateLogGroup::default()
        };
        self.logs().create_group(&scope(), input, at(NOW_MS))
    }

    fn create_stream(&self, name: &str) -> Result<(), LogsError> {
        self.logs().create_stream(&scope(), GROUP, name, at(NOW_MS))
    }

    fn put(&self, stream: &str, events: &[InputEvent]) -> Result<PutOutcome, LogsError> {
        self.logs()
            .put_events(&scope(), GROUP, stream, events, at(NOW_MS))
    }

    /// Stores one event at each of these times after `NOW_MS`, in one batch; the message names stream and time.
    fn put_at(&self, stream: &str, offsets_ms: &[i64]) {
        let events: Vec<_> = offsets_ms
            .iter()
            .map(|it| event(NOW_MS + it, &format!("{stream}{it}")))
            .collect();
        self.put(stream, &events).expect("events are stored");
    }

    /// All messages of the group, by paging with this limit.
    fn messages(&self, limit: Option<usize>) -> Vec<String> {
        messages_of(self.logs(), limit, StartFrom::Head)
    }
}

fn messages_of(logs: &Logs, limit: Option<usize>, start_from: StartFrom) -> Vec<String> {
    let mut input = FilterLogEvents {
        group: GROUP.to_owned(),
        limit,
        start_from: Some(start_from),
        ..FilterLogEvents::default()
    };
    let mut found = Vec::new();
    loop {
        let page = logs.filter_events(&scope(), &input).expect("a page");
        assert!(page.events.len() <= limit.unwrap_or(usize::MAX));
        found.extend(page.events.into_iter().map(|it| it.message));
        match page.next_token {
            Some(token) => input.next_token = Some(token),
            None => return found,
        }
    }
}

fn get(stream: &str) -> GetLogEvents {
    GetLogEvents {
        group: GROUP.to_owned(),
        stream: stream.to_owned(),
        ..GetLogEvents::default()
    }
}

/// What the disk holds at this moment, as a process finds it that starts after this one was killed.
fn copy_of(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary directory");
    copy_into(dir, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            fs::create_dir(&target).expect("a new directory");
            copy_into(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copied file");
        }
    }
}
