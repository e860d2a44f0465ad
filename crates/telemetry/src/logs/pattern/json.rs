//! Patterns over the fields of messages that are JSON.
//!
//! ```text
//! pattern    = "{" tests joined by && and || "}"
//! test       = selector ( operator value | IS TRUE | IS FALSE | IS NULL | EXISTS | NOT EXISTS )
//! selector   = "$" { "." name | "[" number "]" | "['" name "']" }
//! ```

use serde_json::Value;

use crate::logs::LogsError;
use crate::logs::pattern::comparison::Comparison;
use crate::logs::pattern::condition::Condition;
use crate::logs::pattern::cursor::Cursor;
use crate::logs::pattern::invalid;

/// A condition over the fields of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fields(Condition<Field>);

#[derive(Debug, Clone, PartialEq)]
struct Field {
    selector: Vec<Step>,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    IsTrue,
    IsFalse,
    IsNull,
    Exists,
    NotExists,
    Value(Comparison),
}

impl Fields {
    pub(super) fn matches(&self, message: &Value) -> bool {
        self.0.holds(&|it| it.test.holds(select(message, &it.selector)))
    }
}

fn select<'a>(message: &'a Value, selector: &[Step]) -> Option<&'a Value> {
    selector.iter().try_fold(message, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

impl Test {
    /// A field that is missing or of another type fails every comparison, `!=` too.
    fn holds(&self, field: Option<&Value>) -> bool {
        let Some(field) = field else {
            return *self == Test::NotExists;
        };
        match self {
            Test::Exists => true,
            Test::NotExists => false,
            Test::IsTrue => *field == Value::Bool(true),
            Test::IsFalse => *field == Value::Bool(false),
            Test::IsNull => field.is_null(),
            Test::Value(comparison) => match field {
                Value::Number(number) => number.as_f64().is_some_and(|it| comparison.holds_for_number(it)),
                Value::String(text) => comparison.holds_for_text(text),
                _ => false,
            },
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Fields, LogsError> {
    let mut cursor = Cursor::new(text);
    cursor.expect("{")?;
    let condition = Condition::parse(&mut cursor, field)?;
    cursor.expect("}")?;
    cursor.expect_end("the closing brace")?;
    Ok(Fields(condition))
}

fn field(cursor: &mut Cursor<'_>) -> Result<Field, LogsError> {
    cursor.expect("$")?;
    let selector = selector(cursor)?;
    let test = test(cursor)?;
    Ok(Field { selector, test })
}

fn selector(cursor: &mut Cursor<'_>) -> Result<Vec<Step>, LogsError> {
    let mut steps = Vec::new();
    loop {
        if let Some(rest) = cursor.rest.strip_prefix('.') {
            cursor.rest = rest;
            let name = cursor.word(|it| it.is_alphanumeric() || "_-@".contains(it));
            if name.is_empty() {
                return Err(invalid("a field name expected after '.'"));
            }
            steps.push(Step::Key(name.to_owned()));
        } else if let Some((key, rest)) = cursor.rest.strip_prefix("['").and_then(|it| it.split_once("']")) {
            steps.push(Step::Key(key.to_owned()));
            cursor.rest = rest;
        } else if let Some((index, rest)) = cursor.rest.strip_prefix('[').and_then(|it| it.split_once(']')) {
            let index = index
                .trim()
                .parse()
                .map_err(|_| invalid("an array index expected in '[]'"))?;
            steps.push(Step::Index(index));
            cursor.rest = rest;
        } else {
            return Ok(steps);
        }
    }
}

fn test(cursor: &mut Cursor<'_>) -> Result<Test, LogsError> {
    if let Some(comparison) = Comparison::parse(cursor, "(){}&|\"")? {
        return Ok(Test::Value(comparison));
    }
    let test = match (keyword(cursor), keyword(cursor)) {
        ("IS", "TRUE") => Test::IsTrue,
        ("IS", "FALSE") => Test::IsFalse,
        ("IS", "NULL") => Test::IsNull,
        ("EXISTS", "") => Test::Exists,
        ("NOT", "EXISTS") => Test::NotExists,
        _ => return Err(invalid("a comparison expected after the field")),
    };
    Ok(test)
}

fn keyword<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    cursor.rest = cursor.rest.trim_start();
    cursor.word(|it| it.is_ascii_alphabetic())
}
