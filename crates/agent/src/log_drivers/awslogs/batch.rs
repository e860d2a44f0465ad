//! Cuts lines into batches that `PutLogEvents` takes. Pure.

use api::logs::InputLogEvent;

use crate::host::LogLine;

/// Bytes of a batch, each event counted with its overhead.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Events of a batch.
const BATCH_EVENTS_MAX: usize = 10_000;
/// Bytes that each event counts besides its message.
const EVENT_OVERHEAD_BYTES: usize = 26;
/// Longest message; a longer line is cut into several events, as Docker's driver cuts it.
const MESSAGE_BYTES_MAX: usize = 256 * 1024 - EVENT_OVERHEAD_BYTES;
/// Events of a batch lie within a day.
const BATCH_SPAN_MILLISECONDS: i64 = 24 * 3600 * 1000;

/// Lines as batches of events in order of time. Empty lines are left out: CloudWatch Logs takes none.
pub fn batches(mut lines: Vec<LogLine>) -> Vec<Vec<InputLogEvent>> {
    lines.sort_by_key(|it| it.timestamp);
    let mut batches: Vec<Vec<InputLogEvent>> = Vec::new();
    let mut bytes = 0;
    for line in lines {
        let timestamp = line.timestamp.as_millisecond();
        for message in pieces(&line.message) {
            let event_bytes = message.len() + EVENT_OVERHEAD_BYTES;
            let fits = batches.last().is_some_and(|it| {
                let first = it.first().map_or(timestamp, |it: &InputLogEvent| it.timestamp);
                it.len() < BATCH_EVENTS_MAX
                    && bytes + event_bytes <= BATCH_BYTES_MAX
                    && timestamp - first < BATCH_SPAN_MILLISECONDS
            });
            if !fits {
                batches.push(Vec::new());
                bytes = 0;
            }
            bytes += event_bytes;
            if let Some(batch) = batches.last_mut() {
                batch.push(InputLogEvent {
                    message: message.to_owned(),
                    timestamp,
                });
            }
        }
    }
    batches
}

fn pieces(mut message: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while message.len() > MESSAGE_BYTES_MAX {
        let end = (0..=MESSAGE_BYTES_MAX)
            .rev()
            .find(|it| message.is_char_boundary(*it))
            .unwrap_or(0);
        let (piece, rest) = message.split_at(end);
        pieces.push(piece);
        message = rest;
    }
    if !message.is_empty() {
        pieces.push(message);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::host::OutputStream;

    fn line(millisecond: i64, message: &str) -> LogLine {
        LogLine {
            timestamp: Timestamp::from_millisecond(millisecond).unwrap(),
            message: message.to_owned(),
            stream: OutputStream::Stdout,
            position: 0,
        }
    }

    #[test]
    fn a_batch_is_in_order_of_time_and_without_empty_lines() {
        let batches = batches(vec![line(5, "b"), line(1, "a"), line(5, ""), line(5, "c")]);
        let texts: Vec<&str> = batches[0].iter().map(|it| it.message.as_str()).collect();
        assert_eq!((batches.len(), texts), (1, vec!["a", "b", "c"]));
    }

    #[test]
    fn no_batch_is_larger_than_amazon_takes() {
        let many = batches((0..25_000).map(|_| line(1, "x")).collect());
        assert_eq!(
            many.iter().map(Vec::len).collect::<Vec<_>>(),
            [10_000, 10_000, 5000]
        );
        let long = "y".repeat(200_000);
        let large = batches((0..6).map(|_| line(1, &long)).collect());
        assert_eq!(large.iter().map(Vec::len).collect::<Vec<_>>(), [5, 1]);
        let days = batches(vec![line(0, "a"), line(BATCH_SPAN_MILLISECONDS, "b")]);
        assert_eq!(days.len(), 2);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let text = "ä".repeat(200_000);
        let events: Vec<_> = batches(vec![line(1, &text)]).into_iter().flatten().collect();
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|it| it.message.len() <= MESSAGE_BYTES_MAX));
        assert_eq!(
            events.iter().map(|it| it.message.as_str()).collect::<String>(),
            text
        );
    }

    #[test]
    fn nothing_makes_no_batch() {
        assert!(batches(vec![line(1, "")]).is_empty());
    }
}
