//! Filter patterns: which messages `FilterLogEvents` returns.
//!
//! Built: terms (`ERROR "two words" -not`, `?either ?or`) and JSON (`{ $.level = "error" && $.status >= 500 }`).
//! Refused as invalid: regular expressions (`%…%`) and space-delimited columns (`[a, b]`).

mod json;
mod terms;
#[cfg(test)]
mod tests;

use crate::logs::LogsError;
use crate::logs::limits::{self, PATTERN_LENGTH_MAX};

/// A filter pattern, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterPattern(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Terms(terms::Terms),
    Json(json::Condition),
}

impl FilterPattern {
    /// Parses a pattern of up to 1024 characters. The empty one matches everything.
    pub fn parse(text: &str) -> Result<FilterPattern, LogsError> {
        if text.chars().count() > PATTERN_LENGTH_MAX {
            let constraint = format!("have length less than or equal to {PATTERN_LENGTH_MAX}");
            return Err(limits::violation(text, "filterPattern", &constraint));
        }
        let text = text.trim();
        match text.as_bytes().first() {
            Some(b'{') => json::parse(text).map(|it| FilterPattern(Kind::Json(it))),
            Some(b'[') => Err(invalid("space-delimited patterns are not supported")),
            Some(b'%') => Err(invalid("regular expressions are not supported")),
            _ => terms::parse(text).map(|it| FilterPattern(Kind::Terms(it))),
        }
    }

    /// Is a message with this text wanted?
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Terms(terms) => terms.matches(message),
            Kind::Json(condition) => {
                // Cheaper than parsing, and most plain text ends here.
                message.trim_start().starts_with(['{', '['])
                    && serde_json::from_str(message).is_ok_and(|value| condition.matches(&value))
            }
        }
    }
}

fn invalid(why: &str) -> LogsError {
    LogsError::InvalidParameter(format!("Invalid filter pattern: {why}"))
}
