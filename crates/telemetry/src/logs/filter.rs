//! `FilterLogEvents`: many streams of a group, interleaved by time.

use std::collections::BTreeSet;

use crate::logs::group::GroupState;
use crate::logs::limits::{self, FILTER_STREAMS_MAX, PAGE_EVENTS_MAX};
use crate::logs::page::{Scan, View};
use crate::logs::position::{Direction, PageToken, Position};
use crate::logs::stream_set::StreamSet;
use crate::logs::{FilterPattern, LogScope, Logs, LogsError, StartFrom};

/// Which streams of the group.
#[derive(Debug, Clone, Default)]
pub enum StreamChoice {
    /// All.
    #[default]
    All,
    /// These, at most 100; each must exist.
    Names(Vec<String>),
    /// Those whose names start so.
    Prefix(String),
}

impl StreamChoice {
    /// Checks the two parameters of `FilterLogEvents` that exclude each other.
    pub fn new(names: Option<Vec<String>>, prefix: Option<String>) -> Result<StreamChoice, LogsError> {
        match (names, prefix) {
            (None, None) => Ok(StreamChoice::All),
            (None, Some(prefix)) => Ok(StreamChoice::Prefix(prefix)),
            (Some(names), None) if names.len() > FILTER_STREAMS_MAX => {
                let constraint = format!("have length less than or equal to {FILTER_STREAMS_MAX}");
                Err(limits::violation("[...]", "logStreamNames", &constraint))
            }
            (Some(names), None) => Ok(StreamChoice::Names(names)),
            (Some(_), Some(_)) => Err(LogsError::InvalidParameter(
                "Only one of logStreamNamePrefix or logStreamNames can be specified.".to_owned(),
            )),
        }
    }

    fn select(&self, state: &GroupState) -> Result<StreamSet, LogsError> {
        match self {
            StreamChoice::All => Ok(state.live.clone()),
            StreamChoice::Names(names) => {
                let distinct: BTreeSet<&String> = names.iter().collect();
                distinct.into_iter().map(|it| state.stream_number(it)).collect()
            }
            StreamChoice::Prefix(prefix) => {
                let from = state.names.range::<str, _>((
                    std::ops::Bound::Included(prefix.as_str()),
                    std::ops::Bound::Unbounded,
                ));
                Ok(from
                    .take_while(|(name, _)| name.starts_with(prefix.as_str()))
                    .map(|(_, number)| *number)
                    .collect())
            }
        }
    }
}

/// What `FilterLogEvents` is given.
#[derive(Debug, Clone, Default)]
pub struct FilterLogEvents {
    /// The group.
    pub group: String,
    /// Which streams.
    pub streams: StreamChoice,
    /// Events of this time and later.
    pub start_ms: Option<i64>,
    /// Events up to this time, itself included (unlike `GetLogEvents`).
    pub end_ms: Option<i64>,
    /// See [`FilterPattern`]; all events if absent or empty.
    pub filter_pattern: Option<String>,
    /// Head (oldest first) if absent, unlike `GetLogEvents`. Ignored when there is a token.
    pub start_from: Option<StartFrom>,
    /// 1 to 10,000; as many as fit in 1 MiB if absent.
    pub limit: Option<usize>,
    /// Of the previous page.
    pub next_token: Option<String>,
}

/// An event with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilteredLogEvent {
    /// The stream.
    pub stream: String,
    /// When it happened.
    pub timestamp_ms: i64,
    /// What was logged.
    pub message: String,
    /// When it arrived.
    pub ingestion_ms: i64,
    /// 56 digits: unique, and the same each time the event is read.
    pub event_id: String,
}

/// A page of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilteredPage {
    /// By time, oldest first unless asked otherwise. May be empty although there is a token: then the store has
    /// read enough for one call and found nothing yet.
    pub events: Vec<FilteredLogEvent>,
    /// Absent once everything has been searched.
    pub next_token: Option<String>,
}

impl Logs {
    /// `FilterLogEvents`. Events are ordered by timestamp, then arrival. Pages that are joined by tokens repeat
    /// nothing, and leave out only events that arrived late for a part already read.
    pub fn filter_events(
        &self,
        scope: &LogScope,
        input: &FilterLogEvents,
    ) -> Result<FilteredPage, LogsError> {
        let limit = limits::check_limit(input.limit, PAGE_EVENTS_MAX)?;
        let token = input.next_token.as_deref().map(PageToken::parse).transpose()?;
        let pattern = input
            .filter_pattern
            .as_deref()
            .map(FilterPattern::parse)
            .transpose()?;
        let direction = match (token, input.start_from) {
            (Some(token), _) => token.direction,
            (None, None | Some(StartFrom::Head)) => Direction::Forward,
            (None, Some(StartFrom::Tail)) => Direction::Backward,
        };
        let whole = Position::range(input.start_ms, input.end_ms.map(|it| it.saturating_add(1)));
        let range = token.map_or(whole.clone(), |it| it.remaining(whole));
        let group = self.group(scope, &input.group)?;
        let (streams, view) = {
            let state = group.state.read();
            let streams = input.streams.select(&state)?;
            let view = View::of(&group, &state, &streams, &range);
            (streams, view)
        };
        let bytes_max = self.options.scan_bytes;
        let scan = Scan {
            range,
            direction,
            limit,
            streams: &streams,
            pattern: pattern.as_ref(),
            bytes_max,
        };
        let page = view.scan(&scan).map_err(LogsError::storage("read", &group.dir))?;
        let state = group.state.read();
        let events = page.events.into_iter().filter_map(|it| {
            Some(FilteredLogEvent {
                event_id: it.position.event_id(group.number, it.stream),
                // A stream that has been deleted meanwhile takes its events along.
                stream: state.streams.get(&it.stream)?.name.to_string(),
                timestamp_ms: it.timestamp_ms,
                message: it.message,
                ingestion_ms: it.ingestion_ms,
            })
        });
        let next_token = page
            .rest
            .map(|boundary| PageToken { direction, boundary }.render());
        Ok(FilteredPage {
            events: events.collect(),
            next_token,
        })
    }
}
