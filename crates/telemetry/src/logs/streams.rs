//! Log streams: create, delete, describe.

use std::sync::Arc;

use jiff::Timestamp;

use crate::logs::group::{GroupState, Stream};
use crate::logs::groups::group_arn;
use crate::logs::journal::{Record, StreamRecord};
use crate::logs::limits::{self, DESCRIBE_ITEMS_MAX};
use crate::logs::put::sequence_token;
use crate::logs::{LogScope, Logs, LogsError};

/// A stream as `DescribeLogStreams` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    /// Its name.
    pub name: String,
    /// `<group arn>:log-stream:<name>`.
    pub arn: String,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Of the events that are kept.
    pub first_event_ms: Option<i64>,
    /// Of all events there ever were.
    pub last_event_ms: Option<i64>,
    /// When the last batch arrived.
    pub last_ingestion_ms: Option<i64>,
    /// Answered by CloudWatch still, needed by nobody.
    pub upload_sequence_token: String,
    /// What it really stores; CloudWatch always answers 0 for streams.
    pub stored_bytes: u64,
}

/// The order of streams; only names can be limited to a prefix.
#[derive(Debug, Clone)]
pub enum StreamOrder {
    /// `LogStreamName`.
    Name {
        /// Only names that start so.
        prefix: Option<String>,
    },
    /// `LastEventTime`; streams without events first.
    LastEventTime,
}

impl StreamOrder {
    /// Checks the two parameters of `DescribeLogStreams` that exclude each other.
    pub fn new(order_by: Option<&str>, prefix: Option<String>) -> Result<StreamOrder, LogsError> {
        match (order_by, prefix) {
            (None | Some("LogStreamName"), prefix) => Ok(StreamOrder::Name { prefix }),
            (Some("LastEventTime"), None) => Ok(StreamOrder::LastEventTime),
            (Some("LastEventTime"), Some(_)) => Err(LogsError::InvalidParameter(
                "Cannot order by LastEventTime with a logStreamNamePrefix.".to_owned(),
            )),
            (Some(other), _) => {
                let constraint = "satisfy enum value set: [LogStreamName, LastEventTime]";
                Err(limits::violation(other, "orderBy", constraint))
            }
        }
    }
}

/// What `DescribeLogStreams` is given.
#[derive(Debug, Clone)]
pub struct DescribeLogStreams {
    /// By what.
    pub order: StreamOrder,
    /// Greatest first.
    pub is_descending: bool,
    /// 1 to 50; 50 if absent.
    pub limit: Option<usize>,
    /// Of the previous page.
    pub next_token: Option<String>,
}

/// Streams in the order asked for.
#[derive(Debug, Clone)]
pub struct LogStreamPage {
    /// At most `limit`.
    pub streams: Vec<LogStream>,
    /// Absent on the last page.
    pub next_token: Option<String>,
}

/// What streams are sorted by: last event (absent when sorting by name), then name.
type SortKey<'a> = (Option<i64>, &'a str);

impl Logs {
    /// `CreateLogStream`.
    pub fn create_stream(
        &self,
        scope: &LogScope,
        group: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        limits::check_stream_name(name)?;
        let group = self.group(scope, group)?;
        let mut state = group.state.write();
        state.check_exists()?;
        if state.names.contains_key(name) {
            return Err(LogsError::StreamAlreadyExists);
        }
        let number = state.record.next_stream;
        let created_ms = now.as_millisecond();
        let name: Arc<str> = name.into();
        state.journal(&[Record::Stream(StreamRecord {
            number,
            name: name.to_string(),
            created_ms,
            last_event_ms: None,
            last_ingestion_ms: None,
        })])?;
        state.record.next_stream += 1;
        state.add_stream(number, Stream::new(name, created_ms));
        Ok(())
    }

    /// `DeleteLogStream`: its events are gone at once; their room on disk is freed with their segments.
    pub fn delete_stream(&self, scope: &LogScope, group: &str, name: &str) -> Result<(), LogsError> {
        let group = self.group(scope, group)?;
        let mut state = group.state.write();
        state.check_exists()?;
        let number = state.stream_number(name)?;
        state.journal(&[Record::StreamDeleted(number)])?;
        state.remove_stream(number);
        Ok(())
    }

    /// One stream, by its exact name.
    pub fn describe_stream(&self, scope: &LogScope, group: &str, name: &str) -> Result<LogStream, LogsError> {
        let group = self.group(scope, group)?;
        let state = group.state.read();
        let number = state.stream_number(name)?;
        state
            .streams
            .get(&number)
            .map(|it| describe(&state, it))
            .ok_or(LogsError::StreamNotFound)
    }

    /// `DescribeLogStreams`.
    pub fn describe_streams(
        &self,
        scope: &LogScope,
        group: &str,
        input: &DescribeLogStreams,
    ) -> Result<LogStreamPage, LogsError> {
        let limit = limits::check_limit(input.limit, DESCRIBE_ITEMS_MAX)?;
        let after = input
            .next_token
            .as_deref()
            .map(|it| parse_token(it, &input.order))
            .transpose()?;
        let group = self.group(scope, group)?;
        let state = group.state.read();
        let is_ahead = |key: &SortKey<'_>| match (&after, input.is_descending) {
            (None, _) => true,
            (Some((last_ms, name)), false) => *key > (*last_ms, name.as_str()),
            (Some((last_ms, name)), true) => *key < (*last_ms, name.as_str()),
        };
        let mut found: Vec<(SortKey<'_>, &Stream)> = Vec::new();
        for stream in state.streams.values() {
            let key = match &input.order {
                StreamOrder::Name { prefix: Some(prefix) } if !stream.name.starts_with(prefix.as_str()) => {
                    continue;
                }
                StreamOrder::Name { .. } => (None, stream.name.as_ref()),
                StreamOrder::LastEventTime => (stream.last_ms, stream.name.as_ref()),
            };
            if is_ahead(&key) {
                found.push((key, stream));
            }
        }
        let order = |(left, _): &(SortKey<'_>, &Stream), (right, _): &(SortKey<'_>, &Stream)| {
            if input.is_descending {
                right.cmp(left)
            } else {
                left.cmp(right)
            }
        };
        // Only the page is sorted: a group may have any number of streams, and as many pages.
        let has_more = found.len() > limit;
        if has_more {
            found.select_nth_unstable_by(limit, order);
            found.truncate(limit);
        }
        found.sort_unstable_by(order);
        let next_token = found
            .last()
            .filter(|_| has_more)
            .map(|(key, _)| render_token(*key));
        let streams = found.iter().map(|(_, stream)| describe(&state, stream)).collect();
        Ok(LogStreamPage { streams, next_token })
    }
}

/// A token is the sort key of the last stream of the page: `<last event>:<name>`; names have no colon.
fn render_token((last_ms, name): SortKey<'_>) -> String {
    match last_ms {
        Some(last_ms) => format!("{last_ms}:{name}"),
        None => format!(":{name}"),
    }
}

fn parse_token(text: &str, order: &StreamOrder) -> Result<(Option<i64>, String), LogsError> {
    let invalid = || LogsError::InvalidParameter("The specified nextToken is invalid.".to_owned());
    let (last_ms, name) = text.split_once(':').ok_or_else(invalid)?;
    match (order, last_ms) {
        (_, "") => Ok((None, name.to_owned())),
        (StreamOrder::Name { .. }, _) => Err(invalid()),
        (StreamOrder::LastEventTime, last_ms) => {
            Ok((Some(last_ms.parse().map_err(|_| invalid())?), name.to_owned()))
        }
    }
}

fn describe(state: &GroupState, stream: &Stream) -> LogStream {
    LogStream {
        name: stream.name.to_string(),
        arn: format!("{}:log-stream:{}", group_arn(&state.record), stream.name),
        created_ms: stream.created_ms,
        first_event_ms: stream.first_ms,
        last_event_ms: stream.last_ms,
        last_ingestion_ms: stream.ingestion_ms,
        upload_sequence_token: sequence_token(stream.sequence),
        stored_bytes: stream.stored_bytes,
    }
}
