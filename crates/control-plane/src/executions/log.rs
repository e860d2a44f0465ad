//! The record of a session: lines of the audit log, and its output in a log group.

use std::sync::Arc;

use domain::Timestamp;
use domain::clock::Clock;
use telemetry::logs::{InputEvent, LogScope, Logs};

use super::ending::Ending;
use super::table::Command;

#[cfg(test)]
mod tests;

/// A longer line is cut into several events.
const LINE_BYTES_MAX: usize = 16 * 1024;
/// Events that are written at once.
const BATCH_EVENTS_MAX: usize = 1000;

/// Where a session's output is logged: a stream of this group, named like the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// Account and region.
    pub scope: LogScope,
    /// Name of the group.
    pub group: String,
}

/// The log of one session.
pub struct SessionLog {
    session_id: String,
    command: Command,
    logs: Arc<Logs>,
    clock: Arc<dyn Clock>,
    /// `None`: it is not kept, or cannot be.
    place: Option<LogPlace>,
    lines: Lines,
}

/// Output on its way to events.
#[derive(Default)]
struct Lines {
    unfinished: Vec<u8>,
    events: Vec<InputEvent>,
}

impl SessionLog {
    /// Begins the record; an output that cannot be logged as the cluster wants it is reason to end the session.
    ///
    /// # Errors
    /// Why, for the user; the record can still be ended.
    pub async fn begin(
        session_id: &str,
        command: &Command,
        logs: &Arc<Logs>,
        clock: &Arc<dyn Clock>,
    ) -> (Self, Result<(), String>) {
        tracing::info!(
            target: "audit",
            session = session_id,
            caller = command.caller,
            task = %command.task,
            container = command.container,
            command = command.text,
            "execute command: session begins"
        );
        let mut log = Self {
            session_id: session_id.to_owned(),
            command: command.clone(),
            logs: Arc::clone(logs),
            clock: Arc::clone(clock),
            place: command.log.clone(),
            lines: Lines::default(),
        };
        let made = log.create_stream().await;
        let head = format!(
            "Session {session_id} of {} in container {} of {}: {}",
            command.caller, command.container, command.task, command.text
        );
        log.lines.add_line(&head, log.clock.now());
        (log, made)
    }

    async fn create_stream(&mut self) -> Result<(), String> {
        let Some(LogPlace { scope, group }) = self.place.clone() else {
            return Ok(());
        };
        let name = group.clone();
        let (logs, session_id, now) = (Arc::clone(&self.logs), self.session_id.clone(), self.clock.now());
        let made = tokio::task::spawn_blocking(move || logs.create_stream(&scope, &group, &session_id, now));
        let Ok(Err(error)) = made.await else {
            return Ok(());
        };
        self.place = None;
        Err(format!(
            "its output cannot be logged in the log group {name}: {error}"
        ))
    }

    /// Takes output of the command.
    pub async fn take(&mut self, output: &[u8]) {
        if self.place.is_none() {
            return;
        }
        self.lines.add(output, self.clock.now());
        if self.lines.events.len() >= BATCH_EVENTS_MAX {
            self.flush().await;
        }
    }

    /// Writes what is complete.
    pub async fn flush(&mut self) {
        let events = std::mem::take(&mut self.lines.events);
        let Some(LogPlace { scope, group }) = self.place.clone().filter(|_| !events.is_empty()) else {
            return;
        };
        let (logs, session_id, now) = (Arc::clone(&self.logs), self.session_id.clone(), self.clock.now());
        let written = tokio::task::spawn_blocking(move || {
            events
                .chunks(BATCH_EVENTS_MAX)
                .try_for_each(|it| logs.put_events(&scope, &group, &session_id, it, now).map(drop))
        });
        if let Ok(Err(error)) = written.await {
            tracing::warn!(session = self.session_id, %error, "the output of a session is not logged any more");
            self.place = None;
        }
    }

    /// Ends the record.
    pub async fn end(mut self, ending: &Ending) {
        let (command, exit_code) = (&self.command, ending.exit_code());
        tracing::info!(
            target: "audit",
            session = self.session_id,
            caller = command.caller,
            task = %command.task,
            container = command.container,
            command = command.text,
            ending = ending.as_str(),
            exit_code,
            "execute command: session ends"
        );
        let now = self.clock.now();
        self.lines.finish(now);
        let code = exit_code
            .map(|it| format!(", exit code {it}"))
            .unwrap_or_default();
        let text = format!("Session {} ended: {}{code}", self.session_id, ending.as_str());
        self.lines.add_line(&text, now);
        self.flush().await;
    }
}

impl Lines {
    fn add(&mut self, output: &[u8], now: Timestamp) {
        for byte in output {
            match byte {
                b'\n' => self.finish(now),
                byte => self.unfinished.push(*byte),
            }
            if self.unfinished.len() == LINE_BYTES_MAX {
                self.finish(now);
            }
        }
    }

    /// What there is of the last line becomes one.
    fn finish(&mut self, now: Timestamp) {
        let line = std::mem::take(&mut self.unfinished);
        let line = String::from_utf8_lossy(&line);
        self.add_line(line.trim_end_matches('\r'), now);
    }

    /// Events are never empty.
    fn add_line(&mut self, line: &str, now: Timestamp) {
        if !line.is_empty() {
            self.events.push(InputEvent {
                timestamp_ms: now.as_millisecond(),
                message: line.to_owned(),
            });
        }
    }
}
