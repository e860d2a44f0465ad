//! Regular expressions between percent signs, as much as CloudWatch has of them: no groups, plain ASCII.

use regex::bytes;

use crate::logs::LogsError;
use crate::logs::pattern::invalid;

/// Bytes that a compiled expression may take; repetitions of repetitions grow quickly.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;
/// Symbols that stand for themselves.
const SYMBOLS: &str = " :_#=@/;,-";
/// What has a meaning; parentheses have not, and are refused.
const OPERATORS: &str = "^$?[]{}|\\*+.";

/// A compiled expression; equal to others of the same text.
#[derive(Debug, Clone)]
pub(super) struct Regex(bytes::Regex);

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Regex {
    /// Reads up to the closing percent sign; answers what comes after it.
    ///
    /// # Errors
    /// If it is not closed, holds what CloudWatch refuses, or is no regular expression.
    pub(super) fn parse(text: &str) -> Result<(Self, &str), LogsError> {
        let Some((expression, rest)) = text.split_once('%') else {
            return Err(invalid("a regular expression is not closed with %"));
        };
        let is_known =
            |it: char| it.is_ascii_alphanumeric() || SYMBOLS.contains(it) || OPERATORS.contains(it);
        if let Some(other) = expression.chars().find(|it| !is_known(*it)) {
            return Err(invalid(&format!(
                "'{other}' is not supported in a regular expression"
            )));
        }
        // A backslash before something else than an operator or one of CloudWatch's classes would mean more to the
        // library than to CloudWatch.
        if let Some(other) =
            escaped(expression).find(|it| !"dDsSwWx".contains(*it) && it.is_ascii_alphanumeric())
        {
            return Err(invalid(&format!(
                "'\\{other}' is not supported in a regular expression"
            )));
        }
        let compiled = bytes::RegexBuilder::new(expression)
            .unicode(false)
            .size_limit(COMPILED_BYTES_MAX)
            .build();
        match compiled {
            Ok(regex) => Ok((Regex(regex), rest)),
            Err(_) => Err(invalid(&format!(
                "'{expression}' is not a regular expression, or too large"
            ))),
        }
    }

    /// Is it found anywhere in the text?
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text.as_bytes())
    }
}

/// The characters behind backslashes.
fn escaped(expression: &str) -> impl Iterator<Item = char> {
    let mut chars = expression.chars();
    std::iter::from_fn(move || chars.by_ref().find(|it| *it == '\\').and_then(|_| chars.next()))
}
