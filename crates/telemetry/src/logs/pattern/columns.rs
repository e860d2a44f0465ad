//! Patterns over the fields of a line with blanks between them.
//!
//! ```text
//! pattern   = "[" column { "," column } "]"
//! column    = "..." | name | condition          (`...`: any number of fields; at most once)
//! condition = tests `name operator value` joined by && and ||
//! ```
//!
//! A field is a word, or what stands between `[ ]` or `" "`. Without `...` the last column takes the rest of the
//! line: `[w1=ERROR, w2]` finds the lines that begin with ERROR.

use crate::logs::LogsError;
use crate::logs::pattern::comparison::Comparison;
use crate::logs::pattern::condition::Condition;
use crate::logs::pattern::cursor::Cursor;
use crate::logs::pattern::invalid;

/// Columns with conditions; `None` is a column that may hold anything.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns {
    before: Vec<Option<Condition<Comparison>>>,
    /// Those after `...`, if there is one.
    after: Option<Vec<Option<Condition<Comparison>>>>,
}

impl Columns {
    pub(super) fn matches(&self, message: &str) -> bool {
        match &self.after {
            None => {
                let fields = fields(message, self.before.len());
                fields.len() == self.before.len() && all_hold(&self.before, &fields)
            }
            Some(after) => {
                let fields = fields(message, usize::MAX);
                let Some(from) = fields.len().checked_sub(after.len()) else {
                    return false;
                };
                from >= self.before.len()
                    && all_hold(&self.before, &fields)
                    && all_hold(after, &fields[from..])
            }
        }
    }
}

fn all_hold(columns: &[Option<Condition<Comparison>>], fields: &[&str]) -> bool {
    let mut pairs = columns.iter().zip(fields);
    pairs.all(|(column, field)| {
        column
            .as_ref()
            .is_none_or(|it| it.holds(&|test| is_fulfilled(test, field)))
    })
}

fn is_fulfilled(test: &Comparison, field: &str) -> bool {
    match test {
        Comparison::Number(..) => field.parse().is_ok_and(|it| test.holds_for_number(it)),
        _ => test.holds_for_text(field),
    }
}

/// At most so many fields; the last takes the rest of the line.
fn fields(message: &str, count_max: usize) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = message.trim();
    while !rest.is_empty() {
        if fields.len() + 1 == count_max {
            fields.push(unwrapped(rest));
            break;
        }
        let (field, after) = match wrapped(rest) {
            Some(split) => split,
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        fields.push(field);
        rest = after.trim_start();
    }
    fields
}

/// What stands between brackets or quotation marks at the beginning, and what comes after.
fn wrapped(text: &str) -> Option<(&str, &str)> {
    let (body, end) = match text.as_bytes().first()? {
        b'[' => (&text[1..], ']'),
        b'"' => (&text[1..], '"'),
        _ => return None,
    };
    body.split_once(end)
}

fn unwrapped(rest: &str) -> &str {
    match wrapped(rest) {
        Some((field, "")) => field,
        _ => rest,
    }
}

pub(super) fn parse(text: &str) -> Result<Columns, LogsError> {
    let mut cursor = Cursor::new(text);
    cursor.expect("[")?;
    let mut columns = Columns {
        before: Vec::new(),
        after: None,
    };
    loop {
        if cursor.take("...") {
            if columns.after.replace(Vec::new()).is_some() {
                return Err(invalid("'...' may stand once"));
            }
        } else {
            let column = column(&mut cursor)?;
            columns.after.as_mut().unwrap_or(&mut columns.before).push(column);
        }
        if cursor.take("]") {
            break;
        }
        cursor.expect(",")?;
    }
    cursor.expect_end("the closing bracket")?;
    Ok(columns)
}

fn column(cursor: &mut Cursor<'_>) -> Result<Option<Condition<Comparison>>, LogsError> {
    let mut ahead = Cursor::new(cursor.rest);
    name(&mut ahead);
    if ahead.take(",") || ahead.take("]") {
        name(cursor);
        return Ok(None);
    }
    Condition::parse(cursor, test).map(Some)
}

fn test(cursor: &mut Cursor<'_>) -> Result<Comparison, LogsError> {
    if name(cursor).is_empty() {
        return Err(invalid("a field name expected"));
    }
    let comparison = Comparison::parse(cursor, "(),]&|\"")?;
    comparison.ok_or_else(|| invalid("a comparison expected after the field"))
}

/// Columns may go without a name.
fn name<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    cursor.rest = cursor.rest.trim_start();
    cursor.word(|it| it.is_alphanumeric() || "_-".contains(it))
}
