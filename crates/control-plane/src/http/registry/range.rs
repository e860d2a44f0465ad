//! Ranges of bytes: what part of a blob is wanted, and what part of an upload comes.

/// What a `Range` header asks for, of content of a certain size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it: there is no such header, or one that may be passed over.
    All,
    /// From the first to the last byte, both included.
    Part(u64, u64),
    /// Nothing that there is.
    Unsatisfiable,
}

/// Reads a `Range` header. Of several ranges none is answered, as is allowed.
pub fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some((begin, end)) = header
        .and_then(|it| it.strip_prefix("bytes="))
        .and_then(|it| it.split_once('-'))
    else {
        return Wanted::All;
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (number(begin), number(end)) {
        (Some(begin), Some(end)) if begin > end => Wanted::All,
        (Some(begin), _) if begin >= size => Wanted::Unsatisfiable,
        (Some(begin), Some(end)) => Wanted::Part(begin, end.min(size - 1)),
        (Some(begin), None) if end.is_empty() => Wanted::Part(begin, size - 1),
        (None, Some(_)) if begin.is_empty() && size == 0 => Wanted::Unsatisfiable,
        (None, Some(0)) if begin.is_empty() => Wanted::Unsatisfiable,
        (None, Some(count)) if begin.is_empty() => Wanted::Part(size.saturating_sub(count), size - 1),
        _ => Wanted::All,
    }
}

/// Reads the `Content-Range` of a piece of an upload, `<first>-<last>`: where it begins and how long it is.
pub fn piece(header: &str) -> Option<(u64, u64)> {
    let text = header.strip_prefix("bytes ").unwrap_or(header);
    let text = text.split('/').next().unwrap_or_default();
    let (begin, end) = text.split_once('-')?;
    let (begin, end): (u64, u64) = (begin.parse().ok()?, end.parse().ok()?);
    Some((begin, end.checked_sub(begin)?.checked_add(1)?))
}
