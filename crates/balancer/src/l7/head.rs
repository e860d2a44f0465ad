//! Heads of HTTP/1.1 requests as they came, byte for byte: what a parser forgives, an attacker uses, because two
//! parsers forgive differently. Nothing here is forgiven silently.
//!
//! The grades are Amazon's desync mitigation's: what is acceptable is forwarded, what is ambiguous is forwarded by
//! itself on connections that are closed after it, what is severe is answered with 400.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

use domain::load_balancer::DesyncMitigation;

use request_line::RequestLine;

mod request_line;
#[cfg(test)]
mod tests;

/// All heads together may be this long, in bytes.
pub(crate) const HEAD_MAX: usize = 64 * 1024;
/// A head of which each letter of the first line was written as its code may be this long, in bytes.
pub(crate) const REWRITTEN_MAX: usize = HEAD_MAX + 2 * LINE_MAX;
/// So many lines of the shortest kind are a head of the longest.
pub(crate) const LINES_MAX: usize = HEAD_MAX / "a:\r\n".len();
/// One line may be this long, in bytes.
pub(crate) const LINE_MAX: usize = 16 * 1024;

/// How dangerous a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    Compliant,
    Acceptable,
    Ambiguous,
    Severe,
}

impl Grade {
    /// Its name in access logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Compliant => "-",
            Self::Acceptable => "Acceptable",
            Self::Ambiguous => "Ambiguous",
            Self::Severe => "Severe",
        }
    }
}

/// How the body after a head ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After this many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// What is known of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) framing: Framing,
    pub(crate) grade: Grade,
    /// Why, in the words of access logs; empty for what is compliant.
    pub(crate) reason: &'static str,
    /// Whether another protocol is asked for.
    pub(crate) upgrades: bool,
    /// The head for the parser, which takes less than what is let pass.
    pub(crate) rewritten: Option<Vec<u8>>,
}

/// Why a head is not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400: no server and its clients would agree what it means.
    Malformed(&'static str),
    /// 400: it names no host, or several.
    Host,
    /// 414: the first line is too long.
    UriTooLong,
    /// 431 among others, 400 by Amazon: a line or all lines are too long.
    TooLarge,
    /// 501: a Transfer-Encoding that is none of ours.
    UnknownEncoding,
    /// 505: a version other than 1.0 and 1.1.
    Version,
    /// 408: it does not end.
    Slow,
}

impl Refusal {
    /// How access logs classify it, and the word for that: Amazon's alone, since programs read them.
    pub(crate) fn classification(self) -> (Grade, &'static str) {
        match self {
            Self::Malformed(reason) => (Grade::Severe, reason),
            Self::UnknownEncoding => (Grade::Severe, "BadTransferEncoding"),
            Self::Version => (Grade::Acceptable, "NonCompliantVersion"),
            Self::Host | Self::UriTooLong | Self::TooLarge | Self::Slow => (Grade::Compliant, ""),
        }
    }
}

/// Whether a head ends within `bytes`, and where (after the empty line). Bare line feeds end lines for this purpose, so
/// that what follows them is seen by [`inspect`].
pub(crate) fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from.saturating_sub(3);
    while let Some(offset) = bytes[at..].iter().position(|it| *it == b'\n') {
        let feed = at + offset;
        match &bytes[feed + 1..] {
            [b'\n', ..] => return Some(feed + 2),
            [b'\r', b'\n', ..] => return Some(feed + 3),
            _ => at = feed + 1,
        }
    }
    None
}

/// Whether a head that has no end yet is already longer than it may be.
pub(crate) fn too_long(bytes: &[u8]) -> Option<Refusal> {
    if bytes.len() <= LINE_MAX {
        return None;
    }
    if !bytes[..LINE_MAX].contains(&b'\n') {
        return Some(Refusal::UriTooLong);
    }
    let last_line = bytes.iter().rev().take_while(|it| **it != b'\n').count();
    (bytes.len() > HEAD_MAX || last_line > LINE_MAX).then_some(Refusal::TooLarge)
}

/// Whether the first line of a head that has no end yet makes no sense, if it ends behind `from`: what follows it is not
/// waited for then, as nothing does in HTTP/0.9.
pub(crate) fn begins_badly(bytes: &[u8], from: usize) -> Option<Refusal> {
    let end = bytes.iter().position(|it| *it == b'\n')?;
    if end < from {
        return None;
    }
    let line = &bytes[..end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    request_line::read(line, &mut Verdict(Grade::Compliant, "")).err()
}

/// The worst that was seen, and why.
struct Verdict(Grade, &'static str);

impl Verdict {
    fn note(&mut self, grade: Grade, reason: &'static str) {
        if grade > self.0 {
            *self = Self(grade, reason);
        }
    }
}

/// What the lines of headers say of the body and the host.
#[derive(Default)]
struct Found<'a> {
    lengths: Vec<u64>,
    encodings: Vec<&'a [u8]>,
    hosts: usize,
    upgrades: bool,
    /// One of them is written as a lax parser alone reads it.
    is_suspicious: bool,
}

/// Reads a whole head, the empty line included.
pub(crate) fn inspect(bytes: &[u8], mode: DesyncMitigation) -> Result<Head, Refusal> {
    if bytes.len() > HEAD_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut verdict = Verdict(Grade::Compliant, "");
    let mut lines = bytes.split(|it| *it == b'\n').map(|line| match line {
        [line @ .., b'\r'] => (line, true),
        line => (line, false),
    });
    let (first, first_ends) = lines.next().unwrap_or((b"", false));
    if first.len() > LINE_MAX {
        return Err(Refusal::UriTooLong);
    }
    let request = request_line::read(first, &mut verdict)?;
    let mut found = Found::default();
    let mut all_end = first_ends;
    for (line, ends) in lines {
        if line.is_empty() {
            all_end &= ends || bytes.ends_with(b"\r\n");
            break;
        }
        all_end &= ends;
        if line.len() > LINE_MAX {
            return Err(Refusal::TooLarge);
        }
        let (name, value) = header_line(line, &mut verdict)?;
        found.note(name, value)?;
    }
    if !all_end {
        return Err(Refusal::Malformed("BadHeader"));
    }
    if found.hosts > 1 || (found.hosts == 0 && !request.is_one_zero) {
        return Err(Refusal::Host);
    }
    let framing = framing(&found, &request, &mut verdict)?;
    let Verdict(grade, reason) = verdict;
    let refused = match mode {
        // What is severe has no meaning that could be forwarded.
        DesyncMitigation::Monitor | DesyncMitigation::Defensive => grade == Grade::Severe,
        DesyncMitigation::Strictest => grade != Grade::Compliant,
    };
    if refused {
        return Err(Refusal::Malformed(reason));
    }
    let drops_length = framing == Framing::Chunked && !found.lengths.is_empty();
    Ok(Head {
        framing,
        grade,
        reason,
        upgrades: found.upgrades,
        rewritten: (drops_length || request.is_escaped).then(|| rewritten(bytes, &request, drops_length)),
    })
}

/// A head whose first line a strict parser takes too, without the length of a body that comes in chunks: a target must not
/// see two lengths.
fn rewritten(bytes: &[u8], request: &RequestLine<'_>, drops_length: bool) -> Vec<u8> {
    let mut written = request.escaped();
    let lines = bytes.split_inclusive(|it| *it == b'\n').skip(1);
    for line in lines {
        let name = line.split(|it| *it == b':').next().unwrap_or_default();
        if !(drops_length && name.eq_ignore_ascii_case(b"content-length")) {
            written.extend_from_slice(line);
        }
    }
    written
}

impl<'a> Found<'a> {
    fn note(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), Refusal> {
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths.push(content_length(value)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.encodings.push(value);
        } else if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrades = true;
        }
        self.is_suspicious |= looks_like_framing(name);
        Ok(())
    }
}

fn header_line<'a>(line: &'a [u8], verdict: &mut Verdict) -> Result<(&'a [u8], &'a [u8]), Refusal> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        // the rest of the line before, in old times
        return Err(Refusal::Malformed("BadHeader"));
    }
    let Some(colon) = line.iter().position(|it| *it == b':') else {
        return Err(Refusal::Malformed("BadHeader"));
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    // spaces before the colon among others
    if name.is_empty() || !name.iter().all(|it| is_token(*it)) {
        return Err(Refusal::Malformed("BadHeader"));
    }
    if value.iter().any(|it| matches!(it, 0 | b'\r')) {
        return Err(Refusal::Malformed("BadHeader"));
    }
    if value.iter().any(|it| (*it < 0x20 && *it != b'\t') || *it == 0x7F) {
        // Acceptable to Amazon; no parser of ours takes it
        return Err(Refusal::Malformed("NonCompliantHeader"));
    }
    if !value.is_ascii() {
        verdict.note(Grade::Acceptable, "NonCompliantHeader");
    }
    // Only now: a CR at an end would be taken for a space, and be passed on.
    let value = value.trim_ascii();
    if looks_like_framing(name) {
        verdict.note(Grade::Ambiguous, "SuspiciousHeader");
    }
    Ok((name, value))
}

/// Names that a lax parser takes for Content-Length or Transfer-Encoding.
fn looks_like_framing(name: &[u8]) -> bool {
    let looks = |other: &[u8]| {
        name.len() == other.len()
            && name
                .iter()
                .zip(other)
                .all(|(a, b)| a.eq_ignore_ascii_case(b) || (*b == b'-' && *a == b'_'))
            && !name.eq_ignore_ascii_case(other)
    };
    looks(b"content-length") || looks(b"transfer-encoding")
}

fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value).ok().filter(|_| digits);
    let number = number.and_then(|it| it.parse().ok());
    number.ok_or(Refusal::Malformed("BadContentLength"))
}

fn framing(found: &Found<'_>, request: &RequestLine<'_>, verdict: &mut Verdict) -> Result<Framing, Refusal> {
    let Found {
        lengths, encodings, ..
    } = found;
    let length = lengths.first().copied();
    if lengths.iter().any(|it| Some(*it) != length) {
        verdict.note(Grade::Severe, "MultipleContentLength");
    } else if lengths.len() > 1 {
        verdict.note(Grade::Ambiguous, "DuplicateContentLength");
    }
    let has_no_body = matches!(request.method, b"GET" | b"HEAD");
    match encodings[..] {
        [] => {
            match length {
                Some(0) if has_no_body => verdict.note(Grade::Acceptable, "GetHeadZeroContentLength"),
                Some(_) if has_no_body => verdict.note(Grade::Ambiguous, "UndefinedContentLengthSemantics"),
                _ => {}
            }
            Ok(Framing::Length(length.unwrap_or(0)))
        }
        [encoding] if encoding.eq_ignore_ascii_case(b"chunked") => {
            if request.is_one_zero {
                return Err(Refusal::Malformed("UndefinedTransferEncodingSemantics"));
            }
            match (length, found.is_suspicious) {
                (Some(_), true) => verdict.note(Grade::Severe, "SuspiciousTeClPresent"),
                (Some(_), false) => verdict.note(Grade::Ambiguous, "BothTeClPresent"),
                (None, _) if has_no_body => {
                    verdict.note(Grade::Ambiguous, "UndefinedTransferEncodingSemantics");
                }
                (None, _) => {}
            }
            Ok(Framing::Chunked)
        }
        [_] => Err(Refusal::UnknownEncoding),
        _ => Err(Refusal::Malformed("MultipleTransferEncodingChunked")),
    }
}

/// Whether a byte may stand in a method or a header's name.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
