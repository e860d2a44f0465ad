//! Attributes as Elastic Load Balancing has them: keys and texts on the wire, typed fields here.

use std::ops::RangeInclusive;

/// One attribute of a `T`: its key, and how its text is read from and written into the typed fields.
pub struct Attribute<T> {
    /// Amazon's key, e.g. `idle_timeout.timeout_seconds`.
    pub key: &'static str,
    /// The text that is read back.
    pub read: fn(&T) -> String,
    /// Takes a text over.
    pub write: fn(&mut T, &str) -> Result<(), InvalidValue>,
}

/// Why an attribute is not taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeRefusal {
    /// Nothing has such an attribute.
    #[error("attribute key '{0}' is not recognized")]
    Unknown(String),
    /// Others have it, this kind has not.
    #[error("attribute key '{0}' is not supported")]
    NotOfThisKind(String),
    /// The text is none of those it may have.
    #[error("attribute '{key}': {reason}")]
    Value {
        /// Of what.
        key: String,
        /// What it may be.
        reason: InvalidValue,
    },
}

/// What a value must be that it is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct InvalidValue(pub String);

/// Finds an attribute among those that a kind has, and writes it.
///
/// # Errors
/// The key or the value is refused; `others` says which keys exist for other kinds.
pub(crate) fn write<T: 'static>(
    fields: &mut T,
    (key, value): (&str, &str),
    own: &[&'static [Attribute<T>]],
    others: &[&'static [Attribute<T>]],
) -> Result<(), AttributeRefusal> {
    let find = |tables: &[&'static [Attribute<T>]]| {
        tables
            .iter()
            .flat_map(|it| it.iter())
            .find(|it| it.key == key)
            .map(|it| it.write)
    };
    let Some(write) = find(own) else {
        return Err(match find(others) {
            Some(_) => AttributeRefusal::NotOfThisKind(key.to_owned()),
            None => AttributeRefusal::Unknown(key.to_owned()),
        });
    };
    write(fields, value).map_err(|reason| AttributeRefusal::Value {
        key: key.to_owned(),
        reason,
    })
}

/// Keys and texts of all attributes, in the order of the tables.
pub(crate) fn read<T: 'static>(fields: &T, own: &[&'static [Attribute<T>]]) -> Vec<(&'static str, String)> {
    own.iter()
        .flat_map(|it| it.iter())
        .map(|it| (it.key, (it.read)(fields)))
        .collect()
}

/// `true` or `false`.
pub(crate) fn boolean(text: &str) -> Result<bool, InvalidValue> {
    text.parse()
        .map_err(|_| InvalidValue("'true' or 'false'".to_owned()))
}

/// A whole number within bounds.
pub(crate) fn number(text: &str, bounds: RangeInclusive<u32>) -> Result<u32, InvalidValue> {
    match text.parse() {
        Ok(it) if bounds.contains(&it) => Ok(it),
        _ => Err(InvalidValue(format!(
            "a number between {} and {}, inclusive",
            bounds.start(),
            bounds.end()
        ))),
    }
}

/// A whole number within bounds, or `off`.
pub(crate) fn number_or_off(text: &str, bounds: RangeInclusive<u32>) -> Result<Option<u32>, InvalidValue> {
    if text == "off" {
        return Ok(None);
    }
    number(text, bounds)
        .map(Some)
        .map_err(|InvalidValue(it)| InvalidValue(format!("'off' or {it}")))
}

/// The text of what [`number_or_off`] reads.
pub(crate) fn or_off(value: Option<u32>) -> String {
    value.map_or_else(|| "off".to_owned(), |it| it.to_string())
}

/// One of a few words.
pub(crate) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, InvalidValue> {
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(*value),
        None => {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("'{word}'")).collect();
            Err(InvalidValue(words.join(" or ")))
        }
    }
}
