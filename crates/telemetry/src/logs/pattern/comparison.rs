//! Comparing a value with a number, a text with wildcards, or a regular expression.

use crate::logs::LogsError;
use crate::logs::pattern::cursor::Cursor;
use crate::logs::pattern::invalid;
use crate::logs::pattern::regex::Regex;

/// Regular expressions in one pattern, as CloudWatch limits them.
const REGEXES_MAX: usize = 2;

/// An operator and what stands to its right.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Comparison {
    Number(Operator, f64),
    /// The text may hold `*` for anything.
    TextIs(String),
    TextIsNot(String),
    Matches(Regex),
    MatchesNot(Regex),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer tokens before those that they begin with.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

impl Comparison {
    /// Does a number fulfil it? Texts and numbers are never equal.
    pub(super) fn holds_for_number(&self, value: f64) -> bool {
        matches!(self, Comparison::Number(operator, bound) if operator.holds(value, *bound))
    }

    /// Does a text fulfil it?
    pub(super) fn holds_for_text(&self, value: &str) -> bool {
        match self {
            Comparison::Number(..) => false,
            Comparison::TextIs(pattern) => wildcard_matches(pattern, value),
            Comparison::TextIsNot(pattern) => !wildcard_matches(pattern, value),
            Comparison::Matches(regex) => regex.is_match(value),
            Comparison::MatchesNot(regex) => !regex.is_match(value),
        }
    }

    /// Reads an operator and its value; `None` if no operator comes next. `ends` are characters that end a value
    /// without quotation marks, besides blanks.
    pub(super) fn parse(cursor: &mut Cursor<'_>, ends: &str) -> Result<Option<Self>, LogsError> {
        match OPERATORS.into_iter().find(|(token, _)| cursor.take(token)) {
            Some((_, operator)) => value(cursor, operator, ends).map(Some),
            None => Ok(None),
        }
    }
}

fn value(cursor: &mut Cursor<'_>, operator: Operator, ends: &str) -> Result<Comparison, LogsError> {
    if cursor.take("%") {
        cursor.regexes += 1;
        if cursor.regexes > REGEXES_MAX {
            return Err(invalid("at most 2 regular expressions are allowed"));
        }
        let (regex, rest) = Regex::parse(cursor.rest)?;
        cursor.rest = rest;
        return match operator {
            Operator::Equal => Ok(Comparison::Matches(regex)),
            Operator::NotEqual => Ok(Comparison::MatchesNot(regex)),
            _ => Err(invalid("regular expressions compare with = and != only")),
        };
    }
    if cursor.take("\"") {
        let quoted = cursor.rest.split_once('"');
        let (quoted, rest) = quoted.ok_or_else(|| invalid("a quotation mark is not closed"))?;
        cursor.rest = rest;
        return text(operator, quoted);
    }
    cursor.rest = cursor.rest.trim_start();
    let word = cursor.word(|it| !it.is_whitespace() && !ends.contains(it));
    match word.parse::<f64>() {
        _ if word.is_empty() || word.starts_with('=') => Err(invalid("a value expected after the operator")),
        Ok(number) if number.is_finite() => Ok(Comparison::Number(operator, number)),
        _ => text(operator, word),
    }
}

fn text(operator: Operator, text: &str) -> Result<Comparison, LogsError> {
    match operator {
        Operator::Equal => Ok(Comparison::TextIs(text.to_owned())),
        Operator::NotEqual => Ok(Comparison::TextIsNot(text.to_owned())),
        _ => Err(invalid("texts compare with = and != only")),
    }
}

impl Operator {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Operator::Equal => left == right,
            Operator::NotEqual => left != right,
            Operator::Less => left < right,
            Operator::LessOrEqual => left <= right,
            Operator::Greater => left > right,
            Operator::GreaterOrEqual => left >= right,
        }
    }
}

fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut rest) = text.strip_prefix(head) else {
        return false;
    };
    // Between the first and the last `*` the earliest occurrence of each part is the best one.
    let Some((middle, end)) = tail.rsplit_once('*') else {
        return rest.ends_with(tail);
    };
    for part in middle.split('*') {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(end)
}
