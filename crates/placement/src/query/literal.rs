//! Arguments, read once as what their subject is compared with.

use std::cmp::Ordering;

use domain::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use regex::bytes::{Regex, RegexBuilder};

use super::error::Problem;
use super::subject::Subject;

/// Most bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 16 * 1024;
/// Most groups of a pattern in each other.
const PATTERN_DEPTH_MAX: u32 = 32;
/// Most numbers of a version.
const VERSION_PARTS_MAX: usize = 8;

/// An argument with what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// As given, without quotation marks.
    pub text: String,
    pub value: Value,
}

/// What an argument means to its subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text,
    Count(u64),
    Version(Version),
    Time(Timestamp),
}

impl Literal {
    /// Reads an argument of the subject.
    pub fn of(subject: &Subject, text: String) -> Result<Self, Problem> {
        let value = match subject {
            Subject::RunningTasksCount | Subject::PendingTasksCount => {
                Value::Count(text.parse().map_err(|_| Problem::ExpectedCount)?)
            }
            Subject::AgentVersion => Value::Version(Version::parse(&text).ok_or(Problem::ExpectedVersion)?),
            Subject::RegisteredAt => Value::Time(time(&text).ok_or(Problem::ExpectedTime)?),
            Subject::AgentConnected | Subject::Ec2InstanceId | Subject::TaskGroup | Subject::Attribute(_) => {
                Value::Text
            }
        };
        Ok(Self { text, value })
    }
}

/// The numbers of a version, without zeros at the end: 1.17 is 1.17.0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u32>);

impl Version {
    /// Numbers with dots between them; what follows `-` or `+` does not count.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let mut parts = Vec::new();
        for part in numbers.split('.') {
            let is_number = part.bytes().all(|it| it.is_ascii_digit());
            if !is_number || parts.len() == VERSION_PARTS_MAX {
                return None;
            }
            parts.push(part.parse().ok()?);
        }
        while parts.last() == Some(&0) {
            parts.pop();
        }
        Some(Self(parts))
    }
}

/// The four formats of Amazon's documentation; without an offset it is UTC.
fn time(text: &str) -> Option<Timestamp> {
    let local = match text.len() {
        10 => text.parse::<civil::Date>().ok()?.at(0, 0, 0, 0),
        19 => text.parse::<civil::DateTime>().ok()?,
        20 | 25 => return text.parse().ok(),
        _ => return None,
    };
    Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// How an attribute stands to an argument: as numbers if both are, else as texts.
pub fn order(value: &str, argument: &str) -> Option<Ordering> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|it| it.is_finite());
    match (number(value), number(argument)) {
        (Some(value), Some(argument)) => value.partial_cmp(&argument),
        _ => Some(value.cmp(argument)),
    }
}

/// A regular expression, which a value matches as a whole.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Compiles a pattern. Classes such as `\d` mean ASCII, as in Java.
    pub fn parse(text: String) -> Result<Self, Problem> {
        // By itself first, so that no parenthesis of the pattern closes the one around it.
        compile(&text)?;
        let regex = compile(&format!(r"\A(?:{text})\z"))?;
        Ok(Self { text, regex })
    }

    /// As given, without quotation marks.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the whole value matches.
    pub fn is_match(&self, value: &str) -> bool {
        self.regex.is_match(value.as_bytes())
    }
}

fn compile(pattern: &str) -> Result<Regex, Problem> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .nest_limit(PATTERN_DEPTH_MAX)
        .build()
        .map_err(|_| Problem::InvalidPattern)
}
