//! Reads the text of a pattern from left to right.

use crate::logs::LogsError;
use crate::logs::pattern::invalid;

/// What is left of a pattern.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a str,
    /// Parentheses that are open.
    pub(super) nesting: usize,
    /// Regular expressions so far.
    pub(super) regexes: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor {
            rest: text,
            nesting: 0,
            regexes: 0,
        }
    }

    /// Goes over the token and the blanks before it, if it comes next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// # Errors
    /// If something else comes next.
    pub(super) fn expect(&mut self, token: &str) -> Result<(), LogsError> {
        if self.take(token) {
            Ok(())
        } else {
            Err(invalid(&format!("'{token}' expected")))
        }
    }

    /// # Errors
    /// If there is more text.
    pub(super) fn expect_end(&self, after: &str) -> Result<(), LogsError> {
        if self.rest.trim().is_empty() {
            Ok(())
        } else {
            Err(invalid(&format!("text after {after}")))
        }
    }

    /// Characters up to the first that is no part; may be none.
    pub(super) fn word(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|it| !is_part(it)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }
}
