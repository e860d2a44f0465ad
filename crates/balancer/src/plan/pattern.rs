//! Patterns of rule conditions: `*` for any characters, `?` for one; or a regular expression.

#[cfg(test)]
mod tests;

/// A pattern with its way of looking at letters.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Wildcards, letters compared as they are.
    Exact(Box<str>),
    /// Wildcards, ASCII letters compared without their case.
    AnyCase(Box<str>),
    /// The same, and what follows a `\` is no wildcard.
    Escaped(Box<[Piece]>),
    /// A regular expression, anywhere in the value.
    Regex(regex::Regex),
}

/// A part of a pattern with wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Any bytes.
    Any,
    /// Any one byte.
    One,
    /// This byte.
    Byte(u8),
}

impl Piece {
    fn of(byte: u8) -> Self {
        match byte {
            b'*' => Self::Any,
            b'?' => Self::One,
            byte => Self::Byte(byte),
        }
    }
}

impl Pattern {
    /// A pattern of query strings, in which `\*` and `\?` are no wildcards.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_QueryStringConditionConfig.html>
    pub fn escaped(text: &str) -> Self {
        let mut pieces = Vec::with_capacity(text.len());
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            let escaped = bytes.next_if(|it| byte == b'\\' && matches!(it, b'*' | b'?'));
            pieces.push(escaped.map_or_else(|| Piece::of(byte), Piece::Byte));
        }
        Self::Escaped(pieces.into())
    }

    /// Whether `value` matches as a whole (a regular expression: anywhere).
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(pattern) => wildcard(pattern.as_bytes(), Piece::of, value.as_bytes(), |a, b| a == b),
            Self::AnyCase(pattern) => wildcard(pattern.as_bytes(), Piece::of, value.as_bytes(), any_case),
            Self::Escaped(pieces) => wildcard(pieces, |it| it, value.as_bytes(), any_case),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

fn any_case(one: u8, other: u8) -> bool {
    one.eq_ignore_ascii_case(&other)
}

/// Matches without recursion: on a mismatch only the last `*` takes one byte more, so the work is at most the product
/// of both lengths.
fn wildcard<T: Copy>(
    pattern: &[T],
    piece: impl Fn(T) -> Piece,
    value: &[u8],
    same: impl Fn(u8, u8) -> bool,
) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < value.len() {
        match pattern.get(at).map(|it| piece(*it)) {
            Some(Piece::Any) => {
                star = Some((at, seen));
                at += 1;
                continue;
            }
            Some(Piece::One) => {
                at += 1;
                seen += 1;
                continue;
            }
            Some(Piece::Byte(byte)) if same(byte, value[seen]) => {
                at += 1;
                seen += 1;
                continue;
            }
            _ => {}
        }
        let Some((star_at, star_seen)) = star else {
            return false;
        };
        star = Some((star_at, star_seen + 1));
        at = star_at + 1;
        seen = star_seen + 1;
    }
    pattern[at..].iter().all(|it| piece(*it) == Piece::Any)
}
