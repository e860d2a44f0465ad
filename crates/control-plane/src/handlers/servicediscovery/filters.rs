//! Filters of the listings: a condition and the values that it is about.

use api::servicediscovery::{Error, FilterCondition};

use super::errors::invalid_input;

/// A filter, understood. All of a call have to let a thing through.
pub enum Filter {
    /// It is one of these.
    AnyOf(Vec<String>),
    /// It begins with this.
    BeginsWith(String),
    /// It is not before the first and not after the second, as text.
    Between(String, String),
}

/// InvalidInput: there is no filter of that name.
pub fn unknown(name: &str) -> Error {
    invalid_input(format!("Invalid filter name {name:?}"))
}

impl Filter {
    /// Reads a filter of that name.
    ///
    /// # Errors
    /// InvalidInput.
    pub fn read(name: &str, condition: Option<&FilterCondition>, values: &[String]) -> Result<Self, Error> {
        let wrong = |why: &str| invalid_input(format!("Invalid filter {name}: {why}"));
        match (condition.map_or("EQ", FilterCondition::as_str), values) {
            (_, []) => Err(wrong("it needs a value")),
            ("EQ", [one]) => Ok(Self::AnyOf(vec![one.clone()])),
            ("EQ", _) => Err(wrong("EQ takes one value")),
            ("IN", values) => Ok(Self::AnyOf(values.to_vec())),
            ("BEGINS_WITH", [one]) => Ok(Self::BeginsWith(one.clone())),
            ("BEGINS_WITH", _) => Err(wrong("BEGINS_WITH takes one value")),
            ("BETWEEN", [first, last]) => Ok(Self::Between(first.clone(), last.clone())),
            ("BETWEEN", _) => Err(wrong("BETWEEN takes two values")),
            (other, _) => Err(wrong(&format!("{other} is no condition"))),
        }
    }

    /// Checks that it asks for words that there are.
    ///
    /// # Errors
    /// InvalidInput.
    pub fn check_words(&self, name: &str, is_word: impl Fn(&str) -> bool) -> Result<(), Error> {
        let Self::AnyOf(values) = self else { return Ok(()) };
        match values.iter().find(|it| !is_word(it)) {
            Some(wrong) => Err(invalid_input(format!(
                "Invalid filter {name}: {wrong:?} is no value of it"
            ))),
            None => Ok(()),
        }
    }

    /// Whether it lets a text through.
    pub fn lets(&self, text: &str) -> bool {
        match self {
            Self::AnyOf(values) => values.iter().any(|it| it == text),
            Self::BeginsWith(head) => text.starts_with(head.as_str()),
            Self::Between(first, last) => (first.as_str()..=last.as_str()).contains(&text),
        }
    }

    /// The two numbers that a number has to be between.
    ///
    /// # Errors
    /// InvalidInput for any other condition.
    pub fn seconds(&self) -> Result<(f64, f64), Error> {
        let number = |text: &str| text.parse::<f64>().ok();
        match self {
            Self::Between(first, last) => number(first).zip(number(last)),
            Self::AnyOf(_) | Self::BeginsWith(_) => None,
        }
        .ok_or_else(|| invalid_input("Invalid filter UPDATE_DATE: it takes BETWEEN and two times in seconds"))
    }
}
