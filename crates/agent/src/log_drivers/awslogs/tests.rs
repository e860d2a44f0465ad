//! Which lines make an event.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::datetime::expression;
use super::multiline::Joiner;
use super::options::FirstLine;
use crate::host::{LogLine, OutputStream};

fn lines(texts: &[&str]) -> Vec<LogLine> {
    let line = |(at, text): (usize, &&str)| LogLine {
        timestamp: Timestamp::UNIX_EPOCH,
        message: (*text).to_owned(),
        stream: OutputStream::Stdout,
        position: at as u64,
    };
    texts.iter().enumerate().map(line).collect()
}

fn texts(events: Vec<LogLine>) -> Vec<String> {
    events.into_iter().map(|it| it.message).collect()
}

fn joiner(expression: &str) -> Joiner {
    Joiner::new(FirstLine::parse(expression).expect("an expression"))
}

#[test]
fn an_event_goes_on_until_the_next_first_line() {
    let mut joiner = joiner("^INFO");
    let now = Instant::now();
    let complete = joiner.push(lines(&["INFO a", "  b", "INFO c", "INFO d"]), now);
    assert_eq!(texts(complete), ["INFO a\n  b\n", "INFO c\n"]);
    assert_eq!(joiner.open_position(), Some(3));
    assert_eq!(texts(joiner.push(lines(&["  e"]), now)), Vec::<String>::new());
    assert_eq!(
        joiner.finish().map(|it| it.message).as_deref(),
        Some("INFO d\n  e\n")
    );
    assert_eq!(joiner.open_position(), None);
}

#[test]
fn lines_before_the_first_event_make_one() {
    let mut joiner = joiner("^INFO");
    let complete = joiner.push(lines(&["a", "b", "INFO"]), Instant::now());
    assert_eq!(texts(complete), ["a\nb\n"]);
}

#[test]
fn an_event_waits_for_its_end_five_seconds() {
    let mut joiner = joiner("^INFO");
    let now = Instant::now();
    joiner.push(lines(&["INFO"]), now);
    joiner.push(lines(&["more"]), now + Duration::from_secs(4));
    assert_eq!(joiner.expired(now + Duration::from_secs(4)), None);
    let expired = joiner.expired(now + Duration::from_secs(5));
    assert_eq!(expired.map(|it| it.message).as_deref(), Some("INFO\nmore\n"));
}

#[test]
fn no_event_is_longer_than_amazon_takes() {
    let mut joiner = joiner("^INFO");
    let long = "x".repeat(16 * 1024);
    let many = vec![long.as_str(); 33];
    let complete = joiner.push(lines(&many), Instant::now());
    assert_eq!(complete.len(), 2);
    assert!(complete.iter().all(|it| it.message.len() <= 256 * 1024 - 26));
}

#[test]
fn formats_find_the_times_that_they_write() {
    for (format, line) in [
        ("%Y-%m-%d %H:%M:%S", "at 2026-01-31 23:59:01"),
        (
            r"\[%b %d, %Y %H:%M:%S\]",
            "[May 01, 2017 19:00:01] A message was logged",
        ),
        ("%A %I:%M %p", "Sunday 09:30 PM"),
        ("%d/%b/%y%L %z %Z", "09/Dec/26.123 +0200 CEST"),
        ("%j %w %f %a %B", "366 6 123456 Mon June"),
    ] {
        let found = FirstLine::parse(&expression(format)).expect(format);
        assert!(found.is_match(line), "{format} {}", expression(format));
        assert!(!found.is_match("  at frame 7 of 12"), "{format}");
    }
    assert_eq!(expression("100%% %q %"), "100%% %q %");
}
