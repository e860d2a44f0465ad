//! Tests joined by `&&`, `||` and parentheses; `&&` binds more tightly.

use crate::logs::LogsError;
use crate::logs::pattern::cursor::Cursor;
use crate::logs::pattern::invalid;

/// Parentheses inside parentheses, at most.
const NESTING_MAX: usize = 32;

/// A tree of tests.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition<T> {
    Any(Vec<Condition<T>>),
    All(Vec<Condition<T>>),
    Single(T),
}

impl<T> Condition<T> {
    pub(super) fn holds(&self, single: &impl Fn(&T) -> bool) -> bool {
        match self {
            Condition::Any(parts) => parts.iter().any(|it| it.holds(single)),
            Condition::All(parts) => parts.iter().all(|it| it.holds(single)),
            Condition::Single(test) => single(test),
        }
    }

    /// Reads as far as the condition goes; `single` reads one test.
    pub(super) fn parse(
        cursor: &mut Cursor<'_>,
        single: fn(&mut Cursor<'_>) -> Result<T, LogsError>,
    ) -> Result<Self, LogsError> {
        joined(cursor, "||", Condition::Any, |cursor| {
            joined(cursor, "&&", Condition::All, |cursor| operand(cursor, single))
        })
    }
}

fn joined<T>(
    cursor: &mut Cursor<'_>,
    by: &str,
    all: fn(Vec<Condition<T>>) -> Condition<T>,
    part: impl Fn(&mut Cursor<'_>) -> Result<Condition<T>, LogsError>,
) -> Result<Condition<T>, LogsError> {
    let first = part(cursor)?;
    if !cursor.take(by) {
        return Ok(first);
    }
    let mut parts = vec![first, part(cursor)?];
    while cursor.take(by) {
        parts.push(part(cursor)?);
    }
    Ok(all(parts))
}

fn operand<T>(
    cursor: &mut Cursor<'_>,
    single: fn(&mut Cursor<'_>) -> Result<T, LogsError>,
) -> Result<Condition<T>, LogsError> {
    if !cursor.take("(") {
        return single(cursor).map(Condition::Single);
    }
    cursor.nesting += 1;
    if cursor.nesting > NESTING_MAX {
        return Err(invalid("too many parentheses inside each other"));
    }
    let inner = Condition::parse(cursor, single)?;
    cursor.expect(")")?;
    cursor.nesting -= 1;
    Ok(inner)
}
