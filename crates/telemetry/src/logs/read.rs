//! `GetLogEvents`: one stream, forward and backward.

use crate::logs::limits::{self, PAGE_EVENTS_MAX};
use crate::logs::page::{Page, Scan, View};
use crate::logs::position::{Direction, PageToken, Position};
use crate::logs::{LogScope, Logs, LogsError};

/// Where to begin without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartFrom {
    /// With the earliest events (`startFromHead`).
    Head,
    /// With the latest: the default.
    #[default]
    Tail,
}

/// What `GetLogEvents` is given.
#[derive(Debug, Clone, Default)]
pub struct GetLogEvents {
    /// The group.
    pub group: String,
    /// The stream.
    pub stream: String,
    /// Events of this time and later.
    pub start_ms: Option<i64>,
    /// Events before this time.
    pub end_ms: Option<i64>,
    /// Ignored when there is a token, which has a direction.
    pub start_from: StartFrom,
    /// 1 to 10,000; as many as fit in 1 MiB if absent.
    pub limit: Option<usize>,
    /// A token of an earlier answer.
    pub next_token: Option<String>,
}

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When it happened.
    pub timestamp_ms: i64,
    /// What was logged.
    pub message: String,
    /// When it arrived.
    pub ingestion_ms: i64,
}

/// A page of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEventPage {
    /// Always oldest first.
    pub events: Vec<LogEvent>,
    /// Gives the events after these; the token that was passed in if there are none yet.
    pub next_forward_token: String,
    /// Gives the events before these; the token that was passed in if there are none.
    pub next_backward_token: String,
}

impl Logs {
    /// `GetLogEvents`. Events are ordered by timestamp, then arrival; a page may hold fewer than asked for.
    pub fn get_events(&self, scope: &LogScope, input: &GetLogEvents) -> Result<LogEventPage, LogsError> {
        let limit = limits::check_limit(input.limit, PAGE_EVENTS_MAX)?;
        let token = input.next_token.as_deref().map(PageToken::parse).transpose()?;
        let direction = match (token, input.start_from) {
            (Some(token), _) => token.direction,
            (None, StartFrom::Head) => Direction::Forward,
            (None, StartFrom::Tail) => Direction::Backward,
        };
        let whole = Position::range(input.start_ms, input.end_ms);
        let range = token.map_or(whole.clone(), |it| it.remaining(whole.clone()));
        let group = self.group(scope, &input.group)?;
        let (streams, view) = {
            let state = group.state.read();
            let streams = [state.stream_number(&input.stream)?].into_iter().collect();
            let view = View::of(&group, &state, &streams, &range);
            (streams, view)
        };
        let bytes_max = self.options.scan_bytes;
        let scan = Scan {
            range,
            direction,
            limit,
            streams: &streams,
            pattern: None,
            bytes_max,
        };
        let page = view.scan(&scan).map_err(LogsError::storage("read", &group.dir))?;
        let from = token.map_or(whole.start, |it| it.boundary);
        Ok(render(page, direction, from))
    }
}

/// `from` is where the page was asked to begin; an empty page leaves both tokens there, or moves on to where
/// the scan stopped.
fn render(mut page: Page, direction: Direction, from: Position) -> LogEventPage {
    if direction == Direction::Backward {
        page.events.reverse();
    }
    let (mut before, mut after) = match (page.events.first(), page.events.last()) {
        (Some(first), Some(last)) => (first.position, last.position.after()),
        _ => (from, from),
    };
    match direction {
        Direction::Forward => after = page.rest.unwrap_or(after),
        Direction::Backward => before = page.rest.unwrap_or(before),
    }
    let events = page.events.into_iter().map(|it| LogEvent {
        timestamp_ms: it.timestamp_ms,
        message: it.message,
        ingestion_ms: it.ingestion_ms,
    });
    LogEventPage {
        events: events.collect(),
        next_forward_token: PageToken {
            direction: Direction::Forward,
            boundary: after,
        }
        .render(),
        next_backward_token: PageToken {
            direction: Direction::Backward,
            boundary: before,
        }
        .render(),
    }
}
