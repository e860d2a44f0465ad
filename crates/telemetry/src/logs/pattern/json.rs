//! Patterns over the fields of messages that are JSON.
//!
//! ```text
//! pattern    = "{" either "}"
//! either     = both { "||" both }
//! both       = single { "&&" single }
//! single     = "(" either ")" | selector ( operator value | IS TRUE | IS FALSE | IS NULL | EXISTS | NOT EXISTS )
//! selector   = "$" { "." name | "[" number "]" | "['" name "']" }
//! ```

use serde_json::Value;

use crate::logs::LogsError;
use crate::logs::pattern::invalid;

/// Parentheses inside parentheses, at most.
const NESTING_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Field(Vec<Step>, Test),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    IsTrue,
    IsFalse,
    IsNull,
    Exists,
    NotExists,
    Number(Operator, f64),
    /// The text may hold `*` for anything.
    TextIs(String),
    TextIsNot(String),
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

impl Condition {
    pub(super) fn matches(&self, message: &Value) -> bool {
        match self {
            Condition::Any(parts) => parts.iter().any(|it| it.matches(message)),
            Condition::All(parts) => parts.iter().all(|it| it.matches(message)),
            Condition::Field(selector, test) => test.holds(select(message, selector)),
        }
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
            Test::Number(operator, bound) => field.as_f64().is_some_and(|it| operator.holds(it, *bound)),
            Test::TextIs(pattern) => field.as_str().is_some_and(|it| wildcard_matches(pattern, it)),
            Test::TextIsNot(pattern) => field.as_str().is_some_and(|it| !wildcard_matches(pattern, it)),
        }
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

pub(super) fn parse(text: &str) -> Result<Condition, LogsError> {
    let mut parser = Parser {
        rest: text,
        nesting: 0,
    };
    parser.expect("{")?;
    let condition = parser.either()?;
    parser.expect("}")?;
    if parser.rest.trim().is_empty() {
        Ok(condition)
    } else {
        Err(invalid("text after the closing brace"))
    }
}

struct Parser<'a> {
    rest: &'a str,
    nesting: usize,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), LogsError> {
        if self.take(token) {
            Ok(())
        } else {
            Err(invalid(&format!("'{token}' expected")))
        }
    }

    fn either(&mut self) -> Result<Condition, LogsError> {
        let mut parts = vec![self.both()?];
        while self.take("||") {
            parts.push(self.both()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Condition::Any(parts)
        })
    }

    fn both(&mut self) -> Result<Condition, LogsError> {
        let mut parts = vec![self.single()?];
        while self.take("&&") {
            parts.push(self.single()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Condition::All(parts)
        })
    }

    fn single(&mut self) -> Result<Condition, LogsError> {
        if self.take("(") {
            self.nesting += 1;
            if self.nesting > NESTING_MAX {
                return Err(invalid("too many parentheses inside each other"));
            }
            let inner = self.either()?;
            self.expect(")")?;
            self.nesting -= 1;
            return Ok(inner);
        }
        self.expect("$")?;
        let selector = self.selector()?;
        let test = self.test()?;
        Ok(Condition::Field(selector, test))
    }

    fn selector(&mut self) -> Result<Vec<Step>, LogsError> {
        let mut steps = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                let name = self.word(|it| it.is_alphanumeric() || "_-@".contains(it));
                if name.is_empty() {
                    return Err(invalid("a field name expected after '.'"));
                }
                steps.push(Step::Key(name));
            } else if let Some((key, rest)) = self.rest.strip_prefix("['").and_then(|it| it.split_once("']"))
            {
                steps.push(Step::Key(key.to_owned()));
                self.rest = rest;
            } else if let Some((index, rest)) = self.rest.strip_prefix('[').and_then(|it| it.split_once(']'))
            {
                let index = index
                    .trim()
                    .parse()
                    .map_err(|_| invalid("an array index expected in '[]'"))?;
                steps.push(Step::Index(index));
                self.rest = rest;
            } else {
                return Ok(steps);
            }
        }
    }

    fn test(&mut self) -> Result<Test, LogsError> {
        let operators = [
            ("!=", Operator::NotEqual),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("=", Operator::Equal),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        if let Some((_, operator)) = operators.into_iter().find(|(token, _)| self.take(token)) {
            return self.comparison(operator);
        }
        match (self.keyword().as_str(), self.keyword_after()) {
            ("EXISTS", _) => Ok(Test::Exists),
            ("IS", Some("TRUE")) => self.finish("TRUE", Test::IsTrue),
            ("IS", Some("FALSE")) => self.finish("FALSE", Test::IsFalse),
            ("IS", Some("NULL")) => self.finish("NULL", Test::IsNull),
            ("NOT", Some("EXISTS")) => self.finish("EXISTS", Test::NotExists),
            _ => Err(invalid("a comparison expected after the field")),
        }
    }

    fn keyword(&mut self) -> String {
        self.rest = self.rest.trim_start();
        self.word(|it| it.is_ascii_alphabetic())
    }

    fn keyword_after(&self) -> Option<&'static str> {
        let rest = self.rest.trim_start();
        ["TRUE", "FALSE", "NULL", "EXISTS"]
            .into_iter()
            .find(|it| rest.starts_with(it))
    }

    fn finish(&mut self, keyword: &str, test: Test) -> Result<Test, LogsError> {
        self.expect(keyword)?;
        Ok(test)
    }

    fn comparison(&mut self, operator: Operator) -> Result<Test, LogsError> {
        if self.take("%") {
            return Err(invalid("regular expressions are not supported"));
        }
        if self.take("\"") {
            let (text, rest) = self
                .rest
                .split_once('"')
                .ok_or_else(|| invalid("a quotation mark is not closed"))?;
            let text = text.to_owned();
            self.rest = rest;
            return text_test(operator, text);
        }
        self.rest = self.rest.trim_start();
        let word = self.word(|it| !it.is_whitespace() && !"(){}&|\"".contains(it));
        match word.parse::<f64>() {
            _ if word.is_empty() => Err(invalid("a value expected after the operator")),
            Ok(number) if number.is_finite() => Ok(Test::Number(operator, number)),
            _ => text_test(operator, word),
        }
    }

    fn word(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|it| !is_part(it)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }
}

fn text_test(operator: Operator, text: String) -> Result<Test, LogsError> {
    match operator {
        Operator::Equal => Ok(Test::TextIs(text)),
        Operator::NotEqual => Ok(Test::TextIsNot(text)),
        _ => Err(invalid("texts compare with = and != only")),
    }
}
