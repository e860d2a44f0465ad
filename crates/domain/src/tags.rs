//! Tags and plain name-value pairs.

use serde::{Deserialize, Serialize};

/// A tag of a resource, or a setting, attribute or variable: the order given is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// Name, or key of a tag.
    pub name: String,
    /// Value, if any: capabilities of an instance are attributes without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Pair {
    /// A pair with a value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
        }
    }
}
