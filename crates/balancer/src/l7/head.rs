//! Heads of HTTP/1.1 requests as they came, byte for byte: what a parser forgives, an attacker uses, because two
//! parsers forgive differently. Nothing here is forgiven silently.
//!
//! The grades are Amazon's desync mitigation's: what is acceptable is forwarded, what is ambiguous is forwarded by
//! itself on connections that are closed after it, what is severe is answered with 400.

use domain::load_balancer::DesyncMitigation;

#[cfg(test)]
mod tests;

/// All heads together may be this long, in bytes.
pub(crate) const HEAD_MAX: usize = 64 * 1024;
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
            Self::Compliant => "Compliant",
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
}

/// Why a head is not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400.
    Malformed(&'static str),
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
    /// The word of access logs.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Malformed(reason) => reason,
            Self::UriTooLong => "UriTooLong",
            Self::TooLarge => "HeaderTooLarge",
            Self::UnknownEncoding => "UnknownTransferEncoding",
            Self::Version => "UnsupportedVersion",
            Self::Slow => "SlowHeader",
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

/// The worst that was seen, and why.
struct Verdict(Grade, &'static str);

impl Verdict {
    fn note(&mut self, grade: Grade, reason: &'static str) {
        if grade > self.0 {
            *self = Self(grade, reason);
        }
    }
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
    let is_one_zero = request_line(first, &mut verdict)?;
    let mut lengths: Vec<u64> = Vec::new();
    let mut encodings: Vec<&[u8]> = Vec::new();
    let mut hosts = 0;
    let mut upgrades = false;
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
        if name.eq_ignore_ascii_case(b"content-length") {
            lengths.extend(content_lengths(value, &mut verdict)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            encodings.push(value);
        } else if name.eq_ignore_ascii_case(b"host") {
            hosts += 1;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            upgrades = true;
        }
    }
    if !all_end {
        return Err(Refusal::Malformed("BareLineFeed"));
    }
    if hosts > 1 {
        return Err(Refusal::Malformed("MultipleHost"));
    }
    if hosts == 0 && !is_one_zero {
        return Err(Refusal::Malformed("MissingHost"));
    }
    let framing = framing(&lengths, &encodings, is_one_zero, &mut verdict)?;
    let Verdict(grade, reason) = verdict;
    let refused = match mode {
        DesyncMitigation::Monitor | DesyncMitigation::Defensive => grade == Grade::Severe,
        DesyncMitigation::Strictest => grade != Grade::Compliant,
    };
    if refused {
        return Err(Refusal::Malformed(reason));
    }
    Ok(Head {
        framing,
        grade,
        reason,
        upgrades,
    })
}

/// Whether the version is 1.0.
fn request_line(line: &[u8], verdict: &mut Verdict) -> Result<bool, Refusal> {
    let mut words = line.split(|it| *it == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Malformed("BadRequestLine"));
    };
    if method.is_empty() || !method.iter().all(|it| is_token(*it)) {
        return Err(Refusal::Malformed("BadMethod"));
    }
    if target.is_empty() || target.iter().any(|it| *it <= 0x20 || *it == 0x7F) {
        return Err(Refusal::Malformed("BadUri"));
    }
    if target.iter().any(|it| *it > 0x7F) {
        verdict.note(Grade::Acceptable, "NonCompliantUri");
    }
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        [b'H', b'T', b'T', b'P', b'/', ..] => Err(Refusal::Version),
        _ => Err(Refusal::Malformed("BadVersion")),
    }
}

fn header_line<'a>(line: &'a [u8], verdict: &mut Verdict) -> Result<(&'a [u8], &'a [u8]), Refusal> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Refusal::Malformed("MultilineHeader"));
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
        return Err(Refusal::Malformed("NonCompliantHeader"));
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

fn content_lengths(value: &[u8], verdict: &mut Verdict) -> Result<Vec<u64>, Refusal> {
    let mut found = Vec::new();
    for part in value.split(|it| *it == b',') {
        let part = part.trim_ascii();
        let digits = !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(part).ok().and_then(|it| it.parse().ok());
        let Some(number) = number.filter(|_| digits) else {
            return Err(Refusal::Malformed("BadContentLength"));
        };
        found.push(number);
    }
    if found.len() > 1 {
        verdict.note(Grade::Severe, "MultipleContentLength");
    }
    Ok(found)
}

fn framing(
    lengths: &[u64],
    encodings: &[&[u8]],
    is_one_zero: bool,
    verdict: &mut Verdict,
) -> Result<Framing, Refusal> {
    if lengths.len() > 1 {
        verdict.note(Grade::Severe, "MultipleContentLength");
    }
    match encodings {
        [] => Ok(Framing::Length(lengths.first().copied().unwrap_or(0))),
        [encoding] if encoding.eq_ignore_ascii_case(b"chunked") => {
            if is_one_zero {
                return Err(Refusal::Malformed("TransferEncodingInHttp10"));
            }
            if !lengths.is_empty() {
                // RFC 9112 6.1 lets a server refuse it, and no honest client sends it
                verdict.note(Grade::Severe, "BothTeClPresent");
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
