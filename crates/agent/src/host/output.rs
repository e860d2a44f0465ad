//! What containers write.

use jiff::Timestamp;

/// A piece of a container's output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogChunk {
    /// Lines, oldest first.
    pub lines: Vec<LogLine>,
    /// Where to read on.
    pub next_position: u64,
}

/// One line of output.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// When it was read from the container.
    pub timestamp: Timestamp,
    /// The text without its newline; not UTF-8 is replaced.
    pub message: String,
    /// Which of the container's streams.
    pub stream: OutputStream,
    /// Where it begins.
    pub position: u64,
}

/// A stream that a container writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
