//! Patterns of words and phrases, found anywhere in a message, case-sensitive.

use crate::logs::LogsError;
use crate::logs::pattern::invalid;

/// Words and phrases to find or not to find.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// All of these.
    required: Vec<String>,
    /// One of these at least; ignored next to other terms, as CloudWatch does.
    optional: Vec<String>,
    /// None of these.
    excluded: Vec<String>,
}

impl Terms {
    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        if self.required.is_empty() && self.excluded.is_empty() {
            return self.optional.is_empty() || self.optional.iter().any(has);
        }
        self.required.iter().all(has) && !self.excluded.iter().any(has)
    }
}

pub(super) fn parse(text: &str) -> Result<Terms, LogsError> {
    let mut terms = Terms::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (kind, body) = match rest.as_bytes()[0] {
            b'?' => (&mut terms.optional, &rest[1..]),
            b'-' => (&mut terms.excluded, &rest[1..]),
            _ => (&mut terms.required, rest),
        };
        let (term, after) = match body.strip_prefix('"') {
            Some(quoted) => phrase(quoted)?,
            None => word(body)?,
        };
        // A phrase of blanks matches everything.
        if !term.trim().is_empty() {
            kind.push(term);
        }
        rest = after.trim_start();
    }
    Ok(terms)
}

/// Up to the closing quote; `\"` and `\\` stand for themselves.
fn phrase(text: &str) -> Result<(String, &str), LogsError> {
    let mut term = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((term, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => term.push(escaped),
                Some((_, other)) => term.extend(['\\', other]),
                None => break,
            },
            char => term.push(char),
        }
    }
    Err(invalid("a quotation mark is not closed"))
}

/// Up to the next blank; only letters, digits and underscores need no quotes.
fn word(text: &str) -> Result<(String, &str), LogsError> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    if word.is_empty() || !word.chars().all(|it| it.is_alphanumeric() || it == '_') {
        return Err(LogsError::InvalidParameter(format!(
            "Invalid character(s) in term '{word}'"
        )));
    }
    Ok((word.to_owned(), after))
}
