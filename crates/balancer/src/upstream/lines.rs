//! Connections to one target on which requests are written as they came, kept for the next one.

use std::io::ErrorKind;

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::pool::{IDLE_MAX, IDLE_TIME};

/// Those that wait, each with since when.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<(TcpStream, Instant)>>);

impl Lines {
    /// The last used of those that live.
    pub(crate) fn take(&self, now: Instant) -> Option<TcpStream> {
        loop {
            let (line, since) = self.0.lock().pop()?;
            if now.duration_since(since) < IDLE_TIME && is_silent(&line) {
                return Some(line);
            }
        }
    }

    /// Keeps one whose answer was read to its end.
    pub(crate) fn put(&self, line: TcpStream, now: Instant) {
        let mut lines = self.0.lock();
        if lines.len() < IDLE_MAX {
            lines.push((line, now));
        }
    }

    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }

    /// Closes what has waited too long, or was closed by the target.
    pub(super) fn sweep(&self, now: Instant) {
        self.0
            .lock()
            .retain(|(line, since)| now.duration_since(*since) < IDLE_TIME && is_silent(line));
    }
}

/// Whether neither an end nor anything that nobody asked for has come. Costs no call unless something has.
fn is_silent(line: &TcpStream) -> bool {
    let read = line.try_read(&mut [0; 1]);
    read.is_err_and(|it| it.kind() == ErrorKind::WouldBlock)
}
