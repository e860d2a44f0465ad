//! The log of a world: readable, and equal for equal seeds.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Lines kept for the report of a failure, when not all of them are wanted.
const LAST_LINES: usize = 60;

/// What happened, a line each.
pub struct Journal {
    lines: std::collections::VecDeque<String>,
    keep: Keep,
    hasher: DefaultHasher,
    count: u64,
}

/// How much of a journal is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The last lines.
    Last,
    /// All of it.
    All,
}

impl Journal {
    /// An empty one.
    pub fn new(keep: Keep) -> Self {
        Self {
            lines: std::collections::VecDeque::new(),
            keep,
            hasher: DefaultHasher::new(),
            count: 0,
        }
    }

    /// Adds a line that happened so long after the beginning.
    pub fn note(&mut self, at: Duration, what: &str) {
        let line = format!("{:>9.3}s  {what}", at.as_secs_f64());
        line.hash(&mut self.hasher);
        self.count += 1;
        if self.keep == Keep::Last && self.lines.len() == LAST_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Equal journals have equal hashes, whatever is kept of them.
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// How many lines there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What is kept, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}
