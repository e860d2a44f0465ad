//! Filter patterns: which messages `FilterLogEvents` returns.
//!
//! Terms (`ERROR "two words" -not`, `?either ?or`), a regular expression (`%ERR[0-9]+%`), fields of JSON
//! (`{ $.level = "error" && $.status >= 500 }`), and columns (`[ip, ..., status = 4*, bytes]`).

mod columns;
mod comparison;
mod condition;
mod cursor;
mod json;
mod regex;
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
    Regex(regex::Regex),
    Json(json::Fields),
    Columns(columns::Columns),
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
            Some(b'[') => columns::parse(text).map(|it| FilterPattern(Kind::Columns(it))),
            Some(b'%') => match regex::Regex::parse(&text[1..])? {
                (regex, "") => Ok(FilterPattern(Kind::Regex(regex))),
                _ => Err(invalid("text after the closing %")),
            },
            _ => terms::parse(text).map(|it| FilterPattern(Kind::Terms(it))),
        }
    }

    /// Is a message with this text wanted?
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Terms(terms) => terms.matches(message),
            Kind::Regex(regex) => regex.is_match(message),
            Kind::Columns(columns) => columns.matches(message),
            Kind::Json(fields) => {
                // Cheaper than parsing, and most plain text ends here.
                message.trim_start().starts_with(['{', '['])
                    && serde_json::from_str(message).is_ok_and(|value| fields.matches(&value))
            }
        }
    }
}

fn invalid(why: &str) -> LogsError {
    LogsError::InvalidParameter(format!("Invalid filter pattern: {why}"))
}
