//! Operators, each by a symbol and by a word.

/// How a subject is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equals,
    NotEquals,
    GreaterThan,
    GreaterThanEqual,
    LessThan,
    LessThanEqual,
    Exists,
    NotExists,
    In,
    NotIn,
    Matches,
    NotMatches,
}

/// All that consist of punctuation; what another one begins with comes later.
pub const SYMBOLS: [(&str, Operator); 8] = [
    ("==", Operator::Equals),
    ("!=", Operator::NotEquals),
    ("=~", Operator::Matches),
    ("!~", Operator::NotMatches),
    (">=", Operator::GreaterThanEqual),
    ("<=", Operator::LessThanEqual),
    (">", Operator::GreaterThan),
    ("<", Operator::LessThan),
];

/// All that end with a letter.
pub const WORDS: [(&str, Operator); 14] = [
    ("equals", Operator::Equals),
    ("not_equals", Operator::NotEquals),
    ("greater_than", Operator::GreaterThan),
    ("greater_than_equal", Operator::GreaterThanEqual),
    ("less_than", Operator::LessThan),
    ("less_than_equal", Operator::LessThanEqual),
    ("exists", Operator::Exists),
    ("not_exists", Operator::NotExists),
    ("!exists", Operator::NotExists),
    ("in", Operator::In),
    ("not_in", Operator::NotIn),
    ("!in", Operator::NotIn),
    ("matches", Operator::Matches),
    ("not_matches", Operator::NotMatches),
];

impl Operator {
    /// The shorter of its forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "==",
            Self::NotEquals => "!=",
            Self::GreaterThan => ">",
            Self::GreaterThanEqual => ">=",
            Self::LessThan => "<",
            Self::LessThanEqual => "<=",
            Self::Exists => "exists",
            Self::NotExists => "!exists",
            Self::In => "in",
            Self::NotIn => "!in",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
        }
    }

    /// What it denies, if it denies something.
    pub fn denied(self) -> Option<Self> {
        match self {
            Self::NotEquals => Some(Self::Equals),
            Self::NotExists => Some(Self::Exists),
            Self::NotIn => Some(Self::In),
            Self::NotMatches => Some(Self::Matches),
            _ => None,
        }
    }
}
