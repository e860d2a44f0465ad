//! Joins lines to events: an event goes on until a line that begins another. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::options::FirstLine;
use crate::host::LogLine;

/// Longest event, as CloudWatch Logs takes it.
const EVENT_BYTES_MAX: usize = 256 * 1024 - 26;
/// An event without a successor is shipped after this long, as Docker's driver does.
const PATIENCE: Duration = Duration::from_secs(5);

/// Joins the lines of one container.
pub struct Joiner {
    first_line: FirstLine,
    /// The event that may go on, and since when it is held.
    open: Option<(LogLine, Instant)>,
}

impl Joiner {
    /// Joins lines up to the next of these.
    pub fn new(first_line: FirstLine) -> Self {
        Self {
            first_line,
            open: None,
        }
    }

    /// Takes lines; answers the events that are complete. Each line of an event ends with a newline, the last too, as
    /// from Docker's driver.
    pub fn push(&mut self, lines: Vec<LogLine>, now: Instant) -> Vec<LogLine> {
        let mut complete = Vec::new();
        for mut line in lines {
            line.message.push('\n');
            match &mut self.open {
                Some((open, _))
                    if !self.first_line.is_match(&line.message)
                        && open.message.len() + line.message.len() <= EVENT_BYTES_MAX =>
                {
                    open.message.push_str(&line.message);
                }
                _ => complete.extend(self.open.replace((line, now)).map(|(event, _)| event)),
            }
        }
        complete
    }

    /// The open event if it has waited long enough.
    pub fn expired(&mut self, now: Instant) -> Option<LogLine> {
        let expired = self
            .open
            .take_if(|(_, since)| now.duration_since(*since) >= PATIENCE);
        expired.map(|(event, _)| event)
    }

    /// The open event: nothing follows.
    pub fn finish(&mut self) -> Option<LogLine> {
        self.open.take().map(|(event, _)| event)
    }

    /// Where the open event begins.
    pub fn open_position(&self) -> Option<u64> {
        self.open.as_ref().map(|(event, _)| event.position)
    }
}
