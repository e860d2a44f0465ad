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
    /// A regular expression, anywhere in the value.
    Regex(regex::Regex),
}

impl Pattern {
    /// Whether `value` matches as a whole (a regular expression: anywhere).
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(pattern) => wildcard(pattern.as_bytes(), value.as_bytes(), |a, b| a == b),
            Self::AnyCase(pattern) => wildcard(pattern.as_bytes(), value.as_bytes(), |a, b| {
                a.eq_ignore_ascii_case(&b)
            }),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

/// Matches without recursion: on a mismatch only the last `*` takes one byte more, so the work is at most the product
/// of both lengths.
fn wildcard(pattern: &[u8], value: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < value.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
                continue;
            }
            Some(b'?') => {
                at += 1;
                seen += 1;
                continue;
            }
            Some(byte) if same(*byte, value[seen]) => {
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
    pattern[at..].iter().all(|byte| *byte == b'*')
}
